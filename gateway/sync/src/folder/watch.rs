//! Watching a folder: a change is delivered within two seconds.
//!
//! The kernel says that something happened (inotify); what happened is found by reading everything again and
//! comparing hashes. That covers Kubernetes, which swaps the link `..data`, and editors that replace files. A
//! reading every ten seconds covers what inotify does not see (network file systems, links out of the folder).

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_model::{Api, ApiId, diagnostic};

use super::load::{UNREADABLE_HASH, read};
use super::{FolderSettings, LoadOutcome};
use events::Events;

mod events;

/// Quiet time after an event before reading.
const QUIET: Duration = Duration::from_millis(500);
/// Longest wait for quiet: a folder that never rests is read all the same.
const QUIET_MAX: Duration = Duration::from_secs(1);
/// Time between readings without an event.
const RESCAN: Duration = Duration::from_secs(10);
/// Time between readings when the kernel does not tell about changes.
const RESCAN_BLIND: Duration = Duration::from_secs(1);

enum Signal {
    Changed,
    Stop,
}

/// A running watch; dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    signal: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread may be gone already, which is as good.
        let _ = self.signal.send(Signal::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Watches the folder, the override file and the secrets. `on_change` runs on the thread of the watch, with a
/// new load each time the content differs from the last one; `loaded` is the load that the caller already has.
/// Revisions of the sets count on from it. An unreadable folder is delivered once, as `readable: false`. Where
/// inotify cannot be had, the folder is read every second, and a warning is logged.
///
/// The error is that of starting a thread.
pub fn watch(
    settings: FolderSettings,
    loaded: &LoadOutcome,
    on_change: impl FnMut(LoadOutcome) + Send + 'static,
) -> std::io::Result<Watch> {
    let (signal, signals) = channel();
    let to_thread = signal.clone();
    let changed = move || {
        // Without a receiver the watch has ended.
        let _ = to_thread.send(Signal::Changed);
    };
    let events = Events::new(&settings, changed.clone());
    // Something may have happened between the caller's load and the watch.
    changed();
    let state = State {
        settings,
        content_hash: loaded.content_hash,
        revision: loaded.set.revision,
        apis: loaded.set.apis.clone(),
        on_change,
        events,
    };
    let thread =
        std::thread::Builder::new().name("folder-watch".to_owned()).spawn(move || state.run(&signals))?;
    Ok(Watch { signal, thread: Some(thread) })
}

struct State<F, C> {
    settings: FolderSettings,
    content_hash: u64,
    revision: u64,
    /// APIs of the last load that was used.
    apis: BTreeMap<ApiId, Api>,
    on_change: F,
    events: Events<C>,
}

impl<F: FnMut(LoadOutcome), C: Fn() + Clone + Send + 'static> State<F, C> {
    fn run(mut self, signals: &Receiver<Signal>) {
        loop {
            let rescan = if self.events.are_seen() { RESCAN } else { RESCAN_BLIND };
            match signals.recv_timeout(rescan) {
                Ok(Signal::Changed) => {
                    if !rest(signals) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
            self.events.follow(&self.settings);
        }
    }

    /// Reads everything, and delivers it if it differs.
    fn look(&mut self) {
        let sources = match read(&self.settings) {
            Ok(sources) => sources,
            Err(unreadable) => {
                if self.content_hash != UNREADABLE_HASH {
                    self.content_hash = UNREADABLE_HASH;
                    (self.on_change)(unreadable.outcome());
                }
                return;
            }
        };
        if sources.content_hash() == self.content_hash {
            return;
        }
        let mut outcome = sources.load(&self.settings);
        self.revision += 1;
        outcome.set.revision = self.revision;
        self.content_hash = outcome.content_hash;
        self.keep_addresses(&mut outcome);
        (self.on_change)(outcome);
    }

    /// An API whose document cannot be read any more stays in the set as it was, so that its last good version
    /// can go on at its address. The error about it is among the diagnostics.
    fn keep_addresses(&mut self, outcome: &mut LoadOutcome) {
        if !outcome.readable {
            return;
        }
        for id in diagnostic::broken_apis(&outcome.diagnostics).into_keys() {
            if let Some(api) = self.apis.get(&id).filter(|_| !outcome.set.apis.contains_key(&id)) {
                outcome.set.apis.insert(id, api.clone());
            }
        }
        self.apis.clone_from(&outcome.set.apis);
    }
}

/// Waits until nothing happens for a while; false when the watch ends.
fn rest(signals: &Receiver<Signal>) -> bool {
    let last = Instant::now() + QUIET_MAX;
    loop {
        let wait = QUIET.min(last.saturating_duration_since(Instant::now()));
        match signals.recv_timeout(wait) {
            Ok(Signal::Changed) if !wait.is_zero() => {}
            Ok(Signal::Changed) | Err(RecvTimeoutError::Timeout) => return true,
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}
