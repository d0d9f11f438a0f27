//! Settings that change while the gateway serves: L4 routes, and bindings of the kernel path.
//!
//! ```text
//! settings file ─► all settings, checked ─► sockets bound ─► kernel path ─► routes exchanged, workers told
//!                     └─────────── whatever is wrong changes nothing, and is said ──────┘
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gateway_datapath::Datapath;
use gateway_proxy::downstream::l4::{Entrance, Routes};
use gateway_proxy::downstream::{ListenerSettings, bind};
use gateway_telemetry::{Event, Listener, Telemetry};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::worker::{Change, Socket, preferred_cpus};
use crate::settings::{Changed, Origin, Settings, stamp};
use crate::standing::{Opened, Standing, l4_name, lock, specs};

/// Between two looks at the file. What is being written is left alone: a change is read when two looks agree.
const LOOK: Duration = Duration::from_millis(500);

/// What it takes to change them.
pub struct Live {
    origin: Origin,
    standing: Standing,
    cpus: Vec<Option<usize>>,
    workers: Vec<UnboundedSender<Change>>,
    datapath: Arc<Datapath>,
    telemetry: Arc<Telemetry>,
}

impl Live {
    /// `None` without a settings file.
    pub fn new(
        settings: &Settings,
        (standing, cpus): (Standing, Vec<Option<usize>>),
        workers: Vec<UnboundedSender<Change>>,
        datapath: &Arc<Datapath>,
        telemetry: &Arc<Telemetry>,
    ) -> Option<Self> {
        let (datapath, telemetry) = (Arc::clone(datapath), Arc::clone(telemetry));
        Some(Self { origin: settings.origin.clone()?, standing, cpus, workers, datapath, telemetry })
    }

    /// Looks at the settings file until the gateway drains.
    pub async fn follow(mut self, mut draining: watch::Receiver<bool>) {
        let (mut known, mut seen) = (self.origin.stamp, None);
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = draining.wait_for(|draining| *draining) => break,
            }
            let now = stamp(&self.origin.file);
            if now != known && seen == Some(now) {
                known = now;
                self.change();
            }
            seen = Some(now);
        }
        // When the workers close theirs, nobody is to wait in these.
        lock(&self.standing).clear();
    }

    /// Brings the file's settings into force, and says what came of it.
    fn change(&mut self) {
        let file = self.origin.file.display().to_string();
        let applied = self.origin.again().and_then(|Changed { settings, waiting }| {
            for setting in waiting {
                tracing::warn!(
                    event_type = "SettingWaits",
                    file,
                    setting,
                    "a changed setting takes a restart or a take-over"
                );
            }
            self.apply(&settings).map_err(|reason| vec![reason])
        });
        for reason in applied.err().unwrap_or_default() {
            tracing::error!(
                event_type = "SettingsRefused",
                file,
                reason,
                "changed settings are not in force"
            );
        }
    }

    /// Listeners and routes become those of the settings. Error: nothing has changed.
    fn apply(&self, settings: &Settings) -> Result<(), String> {
        let mut standing = lock(&self.standing);
        let mut next = Vec::new();
        let mut fresh = Vec::new();
        let again =
            |one: &Opened| one.try_clone().map_err(|error| format!("a socket cannot be held twice: {error}"));
        for one in standing.iter().filter(|one| one.listener != Listener::L4) {
            let of_https = one.listener == Listener::Https;
            let path = &settings.datapath;
            let bindings = if of_https { &path.https_bindings } else { &path.http_bindings };
            next.push(Opened { bindings: bindings.clone(), ..again(one)? });
        }
        for (entrance, routes) in &settings.net.l4.routes.0 {
            let Entrance::At(address) = entrance else { continue };
            let name = l4_name(*address);
            match standing.iter().find(|one| one.bound.name == name) {
                Some(one) => next.push(again(one)?),
                None => {
                    let cpus = preferred_cpus(&settings.datapath, *address, &self.cpus);
                    let one = open(name, *address, Arc::clone(routes), &cpus)?;
                    fresh.push(again(&one)?);
                    next.push(one);
                }
            }
        }
        self.datapath.follow_listeners(&specs(&next, &self.cpus))?;
        // Nothing fails from here on.
        for one in &next {
            let listed = settings.net.l4.routes.0.iter().find(|(entrance, _)| match entrance {
                Entrance::At(address) => l4_name(*address) == one.bound.name,
                Entrance::Https => one.listener == Listener::Https,
            });
            if let Some(routes) = &one.routes {
                routes.store(listed.map(|(_, routes)| Arc::clone(routes)).unwrap_or_default());
            }
        }
        for gone in standing.iter().filter(|old| next.iter().all(|new| new.bound.name != old.bound.name)) {
            self.tell(|| Some(Change::Close(gone.bound.name.clone())));
            tracing::info!(event_type = "RouteClosed", listener = gone.bound.name, "open connections stay");
        }
        for one in fresh {
            self.telemetry
                .event(&Event::RouteListening { listener: &one.bound.name, address: one.bound.address });
            let mut sockets = one.bound.sockets.into_iter();
            self.tell(|| {
                let (name, routes) = (one.bound.name.clone(), one.routes.clone());
                sockets.next().map(|socket| Change::Open(Socket { name, socket, tls: None, routes }))
            });
        }
        *standing = next;
        tracing::info!(event_type = "SettingsApplied", "routes and bindings are those of the settings file");
        Ok(())
    }

    /// A worker that has ended hears nothing.
    fn tell(&self, mut change: impl FnMut() -> Option<Change>) {
        for worker in &self.workers {
            if let Some(change) = change() {
                let _ = worker.send(change);
            }
        }
    }
}

fn open(
    name: String,
    address: SocketAddr,
    routes: Arc<Routes>,
    cpus: &[Option<usize>],
) -> Result<Opened, String> {
    let bound = bind(&ListenerSettings::new(name, address), cpus)
        .map_err(|error| format!("{error}: {}", error.source))?;
    let routes = Some(Arc::new(ArcSwap::new(routes)));
    Ok(Opened { listener: Listener::L4, bound, bindings: Vec::new(), routes })
}
