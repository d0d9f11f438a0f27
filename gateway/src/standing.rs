//! The traffic listeners as they are: what the start opens, settings change, and a successor gets.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use gateway_datapath::{Binding, ListenerSpec};
use gateway_proxy::downstream::Bound;
use gateway_proxy::downstream::l4::Routes;
use gateway_telemetry::Listener;

/// A traffic listener that is open.
pub struct Opened {
    pub listener: Listener,
    pub bound: Bound,
    /// More addresses that are steered to it.
    pub bindings: Vec<Binding>,
    /// Connections that go through.
    pub routes: Option<Arc<ArcSwap<Routes>>>,
}

impl Opened {
    /// The same sockets, open twice.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        let bound = self.bound.try_clone()?;
        Ok(Self { bound, bindings: self.bindings.clone(), routes: self.routes.clone(), ..*self })
    }
}

/// The name of a listener of L4 routes.
pub fn l4_name(address: SocketAddr) -> String {
    format!("{}-{address}", Listener::L4.as_str())
}

/// The traffic listeners as they are, their sockets open twice.
pub type Standing = Arc<Mutex<Vec<Opened>>>;

pub fn lock(standing: &Standing) -> MutexGuard<'_, Vec<Opened>> {
    // It is replaced as a whole.
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the kernel path is told of them.
pub fn specs<'a>(listeners: &'a [Opened], cpus: &[Option<usize>]) -> Vec<ListenerSpec<'a>> {
    listeners.iter().map(|one| spec(one, cpus)).collect()
}

fn spec<'a>(Opened { bound, bindings, .. }: &'a Opened, cpus: &[Option<usize>]) -> ListenerSpec<'a> {
    let port = bound.address.port();
    let own = Binding { address: bound.address.ip(), ports: port..=port };
    ListenerSpec {
        name: bound.name.clone(),
        bindings: std::iter::once(own).chain(bindings.iter().cloned()).collect(),
        workers: bound
            .sockets
            .iter()
            .zip(cpus)
            .map(|(socket, cpu)| gateway_datapath::Worker {
                cpu: cpu.and_then(|cpu| u32::try_from(cpu).ok()),
                sockets: vec![socket.as_fd()],
            })
            .collect(),
    }
}
