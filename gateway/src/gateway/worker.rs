//! Worker threads: one current-thread runtime each, with its own sockets, connections and upstream pools.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use gateway_datapath::privileges;
use gateway_proxy::downstream::l4::{PassSettings, Passing, Routes};
use gateway_proxy::downstream::listener::Door;
use gateway_proxy::downstream::{ConnectionCap, Server, Settings as DownstreamSettings, TlsServer};
use gateway_proxy::tunnel::Shortcut;
use gateway_proxy::upstream::{Upstream, UpstreamSettings, UpstreamShared};
use gateway_proxy::worker::{Shared, Worker};
use gateway_telemetry::Listener;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

use super::{Opened, StartError};
use crate::settings::{DatapathSettings, Pin, Settings, Splice, WorkerSettings};

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

/// The same for its socket at an address: the processor whose connections the kernel is asked for.
pub fn preferred_cpus(
    settings: &DatapathSettings,
    address: SocketAddr,
    cpus: &[Option<usize>],
) -> Vec<Option<usize>> {
    let named = (!settings.interfaces.is_empty()).then_some(settings.interfaces.as_slice());
    gateway_datapath::preferred_cpus(settings.steering, address, named, cpus)
}

/// What a worker begins with.
struct Start {
    index: usize,
    cpu: Option<usize>,
    sockets: Vec<Socket>,
    changes: UnboundedReceiver<Change>,
    beats: Arc<Vec<AtomicU64>>,
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
pub struct Socket {
    pub name: String,
    pub socket: std::net::TcpListener,
    pub tls: Option<Arc<TlsServer>>,
    pub routes: Option<Arc<ArcSwap<Routes>>>,
}

/// What a worker does about its listeners while it serves.
pub enum Change {
    Open(Socket),
    /// The listener of that name; its connections stay.
    Close(String),
}

/// The workers that have been started.
pub struct Workers {
    pub threads: Vec<JoinHandle<usize>>,
    /// Where each is told of changes; closed when it has ended.
    pub changes: Vec<UnboundedSender<Change>>,
    /// What each counts as long as it does its work, once a second.
    pub beats: Arc<Vec<AtomicU64>>,
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
) -> Result<Workers, StartError> {
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
    let mut workers = Workers {
        threads: Vec::new(),
        changes: Vec::new(),
        beats: Arc::new(cpus.iter().map(|_| AtomicU64::default()).collect()),
    };
    for (index, sockets) in sockets.into_iter().enumerate() {
        let (sender, changes) = mpsc::unbounded_channel();
        workers.changes.push(sender);
        let start = Start {
            index,
            cpu: cpus[index],
            sockets,
            changes,
            beats: Arc::clone(&workers.beats),
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
        let failed = |source| StartError::Io { what: "a worker thread cannot start", source };
        workers.threads.push(thread.map_err(failed)?);
    }
    Ok(workers)
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
        let mut doors =
            Doors { index: self.index, server, upstream, passing: self.passing, open: HashMap::new() };
        for socket in self.sockets {
            doors.open(socket);
        }
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = second.tick() => {
                    if let Some(beats) = self.beats.get(self.index) {
                        beats.fetch_add(1, Ordering::Relaxed);
                    }
                }
                // An error means that the gateway has gone, which ends the worker as well.
                _ = self.draining.wait_for(|draining| *draining) => break,
                Some(change) = self.changes.recv() => match change {
                    Change::Open(socket) => doors.open(socket),
                    Change::Close(name) => doors.close(&name),
                },
            }
        }
        if !*self.handed_over.borrow() {
            tokio::time::sleep(self.settings.shutdown.delay).await;
        }
        doors.server.drain(self.settings.shutdown.timeout).await
    }
}

/// A worker's listeners, by name.
struct Doors {
    index: usize,
    server: Rc<Server<Worker>>,
    upstream: Rc<Upstream>,
    passing: PassSettings,
    open: HashMap<String, Rc<Door>>,
}

impl Doors {
    fn open(&mut self, Socket { name, socket, tls, routes }: Socket) {
        let passing = routes.map(|routes| Passing {
            routes,
            upstream: Rc::clone(&self.upstream),
            settings: self.passing.clone(),
        });
        match self.server.listen(&name, socket, tls, passing) {
            Ok(door) => {
                self.open.insert(name, door);
            }
            Err(error) => {
                tracing::error!(worker = self.index, listener = name, %error, "a listener cannot be served");
            }
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(door) = self.open.remove(name) {
            self.server.close(&door);
        }
    }
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    let pinned = set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    if let Err(error) = pinned {
        tracing::warn!(cpu, %error, "a worker is not pinned");
    }
}
