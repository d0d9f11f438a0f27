//! Worker threads: one current-thread runtime each, with its own sockets, connections and upstream pools.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use gateway_datapath::privileges;
use gateway_proxy::downstream::l4::{PassSettings, Passing, Routes};
use gateway_proxy::downstream::{ConnectionCap, Server, Settings as DownstreamSettings, TlsServer};
use gateway_proxy::tunnel::Shortcut;
use gateway_proxy::upstream::{Upstream, UpstreamSettings, UpstreamShared};
use gateway_proxy::worker::{Shared, Worker};
use gateway_telemetry::Listener;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

use super::{Opened, StartError};
use crate::settings::{Pin, Settings, Splice, WorkerSettings};

/// The processor of each worker; `None` = not pinned.
pub fn cpus(settings: &WorkerSettings) -> Vec<Option<usize>> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_else(|_| CpuSet::new());
    let cores: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect();
    let count = if settings.count == 0 { cores.len().max(1) } else { settings.count };
    let pin = match settings.pin {
        Pin::On => !cores.is_empty(),
        Pin::Auto => cores.len() >= count,
        Pin::Off => false,
    };
    (0..count).map(|worker| pin.then(|| cores[worker % cores.len()])).collect()
}

/// What a worker begins with.
struct Start {
    index: usize,
    cpu: Option<usize>,
    sockets: Vec<Socket>,
    passing: PassSettings,
    shared: Arc<Shared>,
    upstream: UpstreamSettings,
    upstream_shared: UpstreamShared,
    downstream: DownstreamSettings,
    draining: watch::Receiver<bool>,
    handed_over: watch::Receiver<bool>,
    settings: Arc<Settings>,
}

/// A listening socket of one worker.
struct Socket {
    name: String,
    socket: std::net::TcpListener,
    tls: Option<Arc<TlsServer>>,
    routes: Option<Arc<Routes>>,
}

/// What all workers have in common.
pub struct Common<'a> {
    pub settings: &'a Settings,
    pub shared: &'a Arc<Shared>,
    pub upstream: &'a UpstreamShared,
    pub addresses: &'a [(Listener, SocketAddr)],
    pub draining: &'a watch::Receiver<bool>,
    /// The kernel's way for L4 routes.
    pub shortcut: Option<Arc<dyn Shortcut>>,
    /// Another process serves already when this one drains.
    pub handed_over: &'a watch::Receiver<bool>,
}

/// Starts a thread for each entry of `cpus`.
pub fn spawn(
    listeners: Vec<Opened>,
    tls: Option<Arc<TlsServer>>,
    cpus: &[Option<usize>],
    common: &Common<'_>,
) -> Result<Vec<JoinHandle<usize>>, StartError> {
    let Common { settings, shared, addresses, draining, handed_over, .. } = *common;
    let upstream_shared = common.upstream;
    let upstream = UpstreamSettings {
        budget: shared.budget.clone(),
        trusted_proxies: settings.net.trusted_proxies.clone(),
        allowed_networks: settings.net.allowed_networks.clone(),
        // Calling another API of this gateway is fine; calling what manages it is not.
        own_listeners: addresses
            .iter()
            .filter(|(listener, _)| !matches!(listener, Listener::Http | Listener::Https))
            .map(|(_, address)| *address)
            .collect(),
        ..UpstreamSettings::default()
    };
    let cap = ConnectionCap::new(settings.net.connections_max.unwrap_or(usize::MAX));
    let downstream = DownstreamSettings {
        connections: Arc::new(cap),
        splice: settings.datapath.splice != Splice::Copy,
        ..settings.net.downstream.clone()
    };
    let passing = PassSettings {
        connect_timeout: settings.net.l4.connect_timeout,
        idle_timeout: settings.net.l4.idle_timeout,
        connections: Arc::new(ConnectionCap::new(settings.net.l4.connections_max.unwrap_or(usize::MAX))),
        shortcut: common.shortcut.clone(),
    };
    let settings = Arc::new(settings.clone());
    let mut sockets: Vec<Vec<_>> = cpus.iter().map(|_| Vec::new()).collect();
    for Opened { listener, bound, routes, .. } in listeners {
        let tls = tls.clone().filter(|_| listener == Listener::Https);
        for (worker, socket) in bound.sockets.into_iter().enumerate() {
            let (name, tls, routes) = (bound.name.clone(), tls.clone(), routes.clone());
            sockets[worker].push(Socket { name, socket, tls, routes });
        }
    }
    let mut threads = Vec::with_capacity(cpus.len());
    for (index, sockets) in sockets.into_iter().enumerate() {
        let start = Start {
            index,
            cpu: cpus[index],
            sockets,
            passing: passing.clone(),
            shared: Arc::clone(shared),
            upstream: upstream.clone(),
            upstream_shared: upstream_shared.clone(),
            downstream: downstream.clone(),
            draining: draining.clone(),
            handed_over: handed_over.clone(),
            settings: Arc::clone(&settings),
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || start.run());
        threads
            .push(thread.map_err(|source| StartError::Io { what: "a worker thread cannot start", source })?);
    }
    Ok(threads)
}

impl Start {
    /// Serves until told to stop; how many connections had to be cut.
    fn run(self) -> usize {
        if let Some(cpu) = self.cpu {
            pin(cpu);
        }
        // It reads what strangers send, and needs none.
        privileges::drop_all();
        // Not a `LocalSet`, which would be a second scheduler inside the first.
        let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(worker = self.index, %error, "a worker has no runtime");
                return 0;
            }
        };
        runtime.block_on(self.serve())
    }

    async fn serve(mut self) -> usize {
        let upstream = Upstream::new(self.upstream, &self.upstream_shared);
        let worker = Worker::new(self.index, self.shared, Rc::clone(&upstream));
        let server = Server::new(worker, self.downstream);
        for Socket { name, socket, tls, routes } in self.sockets {
            let passing = routes.map(|routes| Passing {
                routes,
                upstream: Rc::clone(&upstream),
                settings: self.passing.clone(),
            });
            if let Err(error) = server.listen(&name, socket, tls, passing) {
                tracing::error!(worker = self.index, listener = name, %error, "a listener cannot be served");
            }
        }
        // An error means that the gateway has gone, which ends the worker as well.
        let _ = self.draining.wait_for(|draining| *draining).await;
        if !*self.handed_over.borrow() {
            tokio::time::sleep(self.settings.shutdown.delay).await;
        }
        server.drain(self.settings.shutdown.timeout).await
    }
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    let pinned = set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    if let Err(error) = pinned {
        tracing::warn!(cpu, %error, "a worker is not pinned");
    }
}
