//! The control thread: admin listener, the one-second timer of the kernel figures, readiness.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_datapath::{Datapath, HealthSettings, privileges};
use gateway_proxy::downstream::{BindError, Bound};
use gateway_proxy::worker::Shared;
use tokio::sync::watch;

use super::StartError;
use super::live::Live;
use super::pulse::Pulse;
use crate::datapath::Rules;
use crate::handover::{Desk, Kept, Offer};
use crate::plane_source::SharedState;
use crate::settings::ListenAddress;
use crate::tls::Tls;
use crate::{admin, datapath, members};

/// What the control thread looks after.
pub struct Control {
    pub shared: Arc<Shared>,
    pub datapath: Arc<Datapath>,
    /// How the members of virtual addresses are asked.
    pub health: HealthSettings,
    /// Address filters of policies go to the kernel path.
    pub offload: bool,
    pub tls: Option<Tls>,
    pub draining: watch::Receiver<bool>,
    pub stopped: watch::Receiver<bool>,
    pub source: SharedState,
    /// Where a successor asks, and what it gets.
    pub desk: Option<(Desk, Kept)>,
    /// How the workers get on.
    pub pulse: Pulse,
    /// Settings that change while it serves.
    pub live: Option<Live>,
    /// Turns true when there is a successor.
    pub handed_over: watch::Receiver<bool>,
}

const ADMIN: &str = "admin";

/// Binds the admin listener, or takes the one that is offered; `None` when it is off.
pub fn bind_admin(address: ListenAddress, offer: Option<&mut Offer>) -> Result<Option<Bound>, StartError> {
    let Some(address) = address.address() else { return Ok(None) };
    if let Some(offer) = offer
        && let Some(bound) = offer.take(ADMIN, address, 1)?
    {
        return Ok(Some(bound));
    }
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Bound { name: ADMIN.to_owned(), address, sockets: vec![listener] })
    });
    let fail = |source| StartError::Bind(BindError { name: ADMIN.to_owned(), address, source });
    bound.map(Some).map_err(fail)
}

impl Control {
    /// Starts the thread; it ends when `stopped` turns true. Dropping the datapath then detaches it.
    pub fn spawn(self, admin: Option<Bound>) -> Result<JoinHandle<()>, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|source| StartError::Io { what: "the control thread has no runtime", source })?;
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || tokio::task::LocalSet::new().block_on(&runtime, self.run(admin)))
            .map_err(|source| StartError::Io { what: "the control thread cannot start", source })
    }

    async fn run(mut self, admin: Option<Bound>) {
        privileges::keep_attaching();
        if let Some((desk, kept)) = self.desk.take() {
            tokio::task::spawn_local(desk.serve(kept, self.draining.clone()));
        }
        if let Some(live) = self.live.take() {
            tokio::task::spawn_local(live.follow(self.draining.clone()));
        }
        if let Some(listener) = admin.and_then(|bound| bound.sockets.into_iter().next()) {
            let admin = admin::Admin {
                shared: Arc::clone(&self.shared),
                datapath: Arc::clone(&self.datapath),
                draining: self.draining.clone(),
                source: Arc::clone(&self.source),
            };
            let serving = tokio::task::spawn_local(admin::serve(Arc::new(admin), listener));
            tokio::task::spawn_local(leave(serving, self.handed_over.clone()));
        }
        members::ask_all(&self.datapath, &self.health);
        let rules = Rules::new(Arc::clone(&self.shared), Arc::clone(&self.datapath), self.offload);
        let mut draining = self.draining.clone();
        let spared = spare(Arc::clone(&self.datapath), self.pulse);
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = spared => {}
                // From then on nobody counts.
                _ = draining.wait_for(|draining| *draining) => {}
            }
        });
        let figures = keep_up(Arc::clone(&self.shared), rules, self.tls.take());
        tokio::select! {
            () = figures => {}
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

/// The successor answers on the admin listener, and nobody else.
async fn leave(serving: tokio::task::JoinHandle<()>, mut handed_over: watch::Receiver<bool>) {
    if handed_over.wait_for(|handed_over| *handed_over).await.is_ok() {
        serving.abort();
    }
}

/// Keeps new connections from workers that do not get on.
async fn spare(datapath: Arc<Datapath>, mut pulse: Pulse) {
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        timer.tick().await;
        let Some(takes) = pulse.look() else { continue };
        let spared: Vec<u32> =
            (0..).zip(takes).filter(|(_, takes)| !**takes).map(|(worker, _)| worker).collect();
        tracing::warn!(event_type = "WorkersSpared", workers = ?spared, "workers that do not get on get no new connections");
        if let Err(error) = datapath.spread_over(takes) {
            tracing::warn!(%error, "connections are spread as before");
        }
    }
}

/// The kernel path's sign of life and its figures into the registry once a second; new interfaces and certificates are looked for every five.
async fn keep_up(shared: Arc<Shared>, mut rules: Rules, mut tls: Option<Tls>) {
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for round in 0_u64.. {
        timer.tick().await;
        rules.tick();
        let path = &rules.datapath;
        if round % 5 == 0 {
            path.refresh();
            if let Some(tls) = &mut tls {
                tls.refresh(&shared.telemetry);
            }
        }
        shared.telemetry.registry().set_kernel(datapath::metrics(path));
    }
}
