//! Watching a folder: a change is delivered within two seconds.
//!
//! The kernel says that something happened (inotify); what happened is found by reading everything again and
//! comparing hashes. That covers Kubernetes, which swaps the link `..data`, and editors that replace files. A
//! reading every ten seconds covers what inotify does not see (network file systems, links out of the folder).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_model::{Api, ApiId, diagnostic};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::load::{UNREADABLE_HASH, read};
use super::{FolderSettings, LoadOutcome};

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
    sees_events: bool,
}

impl Watch {
    /// Whether the kernel tells about changes; if not, the folder is read every second.
    pub fn sees_events(&self) -> bool {
        self.sees_events
    }
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
/// Revisions of the sets count on from it. An unreadable folder is delivered once, as `readable: false`.
///
/// The error is that of starting a thread.
pub fn watch(
    settings: FolderSettings,
    loaded: &LoadOutcome,
    on_change: impl FnMut(LoadOutcome) + Send + 'static,
) -> std::io::Result<Watch> {
    let (signal, signals) = channel();
    let watcher = start_watcher(&settings, signal.clone());
    let sees_events = watcher.is_some();
    let state = State {
        settings,
        content_hash: loaded.content_hash,
        revision: loaded.set.revision,
        apis: loaded.set.apis.clone(),
        on_change,
        _watcher: watcher,
    };
    let rescan = if sees_events { RESCAN } else { RESCAN_BLIND };
    let thread = std::thread::Builder::new()
        .name("folder-watch".to_owned())
        .spawn(move || state.run(&signals, rescan))?;
    Ok(Watch { signal, thread: Some(thread), sees_events })
}

fn start_watcher(settings: &FolderSettings, signal: Sender<Signal>) -> Option<RecommendedWatcher> {
    let handler = move |event: notify::Result<notify::Event>| {
        // Reading is no change: our own readings must not wake us.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            let _ = signal.send(Signal::Changed);
        }
    };
    let started = notify::recommended_watcher(handler).and_then(|mut watcher| {
        watcher.watch(&settings.dir, RecursiveMode::Recursive)?;
        for dir in beside(settings) {
            watcher.watch(&dir, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    });
    match started {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(error = %error, "changes of the configuration folder are not seen at once");
            None
        }
    }
}

/// Folders of the override file and of the secrets.
fn beside(settings: &FolderSettings) -> Vec<PathBuf> {
    let overrides = settings
        .overrides
        .as_ref()
        .and_then(|path| path.parent())
        .map(|dir| if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir.to_path_buf() });
    overrides.into_iter().chain(settings.secrets_dir.clone()).collect()
}

struct State<F> {
    settings: FolderSettings,
    content_hash: u64,
    revision: u64,
    /// APIs of the last load that was used.
    apis: BTreeMap<ApiId, Api>,
    on_change: F,
    _watcher: Option<RecommendedWatcher>,
}

impl<F: FnMut(LoadOutcome)> State<F> {
    fn run(mut self, signals: &Receiver<Signal>, rescan: Duration) {
        loop {
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
}

impl<F> State<F> {
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
