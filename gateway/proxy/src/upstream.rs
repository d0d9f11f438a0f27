//! The way to backends: one [`Upstream`] a worker, with its own connections. Workers share name server answers
//! and TLS configurations, nothing else.
//!
//! Life of a request: the head is made anew from the canonical request (`request`), a connection comes from the
//! pool of its target or is opened (`pool`, `connect`), head and body are exchanged on it (`http1`, `http2`), and
//! the connection goes back before or with the last byte of the response. Dropping a call at any point closes
//! its connection.

mod call;
mod connect;
mod connect_proxy;
mod counters;
mod deadline;
mod dns;
mod download;
mod failure;
mod forward;
mod guard;
mod http1;
mod http2;
mod io;
mod pool;
mod redirect;
mod request;
mod settings;
mod target;
mod tls;
mod transmit;
mod tunnel;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

pub use call::Calls;
pub use counters::{Count, UpstreamCounters};
pub use dns::{DnsCache, NameServers};
pub use failure::UpstreamError;
pub use settings::{Network, UpstreamSettings};
pub use tls::{Offer, Roots, RootsError, TlsClient};

use connect::Dialer;
use deadline::Deadlines;
use dns::Dns;
use guard::Guard;
use pool::Pools;

use crate::wire::HeadLimits;

/// Head buffers kept for the next request, and the largest worth keeping.
const SPARE_BUFFERS_MAX: usize = 64;
const SPARE_BYTES_MAX: usize = 32 << 10;
const HEAD_BYTES: usize = 1 << 10;

/// What the workers share.
#[derive(Clone)]
pub struct UpstreamShared {
    pub tls: Arc<TlsClient>,
    pub dns: Arc<DnsCache>,
    pub name_servers: NameServers,
}

impl UpstreamShared {
    /// With these authorities and the system's name servers.
    pub fn new(roots: Roots) -> Self {
        Self {
            tls: Arc::new(TlsClient::new(roots)),
            dns: Arc::new(DnsCache::new()),
            name_servers: NameServers::System,
        }
    }
}

/// One worker's way to backends. To be used inside a `LocalSet` (or local runtime) of that worker.
pub struct Upstream {
    settings: UpstreamSettings,
    limits: HeadLimits,
    pools: Rc<Pools>,
    dialer: Dialer,
    deadlines: Rc<Deadlines>,
    counters: Rc<UpstreamCounters>,
    spare: RefCell<Vec<Vec<u8>>>,
    one_way: Cell<usize>,
}

impl Upstream {
    pub fn new(settings: UpstreamSettings, shared: &UpstreamShared) -> Rc<Self> {
        let counters = Rc::new(UpstreamCounters::default());
        let dialer = Dialer {
            dns: Dns::new(&shared.name_servers, Arc::clone(&shared.dns)),
            tls: Arc::clone(&shared.tls),
            guard: Guard::new(&settings),
            counters: Rc::clone(&counters),
            connect_timeout: settings.connect_timeout,
            tcp_user_timeout: settings.tcp_user_timeout,
        };
        Rc::new(Self {
            limits: HeadLimits { fields_bytes: settings.response_head_bytes_max, ..HeadLimits::default() },
            pools: Pools::new(&settings, Rc::clone(&counters)),
            dialer,
            deadlines: Rc::default(),
            counters,
            spare: RefCell::default(),
            one_way: Cell::new(0),
            settings,
        })
    }

    /// TLS with the authorities that are trusted for backends.
    pub fn tls(&self) -> Arc<TlsClient> {
        Arc::clone(&self.dialer.tls)
    }

    /// A bare TCP connection to a host as in a URL, its name resolved as backends' are; within `limit`.
    pub async fn dial(&self, host: &str, port: u16, limit: Duration) -> Result<TcpStream, UpstreamError> {
        self.dialer.dial(host, port, limit).await
    }

    /// What has happened so far.
    pub fn counters(&self) -> &UpstreamCounters {
        &self.counters
    }

    /// Idle connections now, HTTP/2 ones apart.
    pub fn idle_connections(&self) -> usize {
        self.pools.idle()
    }

    /// Open connections now, idle ones included, HTTP/2 ones apart.
    pub fn open_connections(&self) -> usize {
        self.pools.open()
    }

    fn take_buffer(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(HEAD_BYTES))
    }

    fn keep_buffer(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_BUFFERS_MAX && buffer.capacity() <= SPARE_BYTES_MAX {
            buffer.clear();
            spare.push(buffer);
        }
    }
}
