//! Connections kept for the next request, one pool a target, last in first out: the one used last is the one
//! least likely to have been closed, and a lull lets the others age out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::counters::UpstreamCounters;
use super::http2::SharedConnection;
use super::io::Io;
use super::settings::UpstreamSettings;
use super::target::{Target, TargetRef};
use crate::wire::ReadBuffer;

/// How often idle connections are looked at, at most.
const SWEEP_MAX: Duration = Duration::from_secs(1);
const SWEEP_MIN: Duration = Duration::from_millis(20);

/// The pools of one worker.
pub struct Pools {
    targets: RefCell<IndexMap<Target, Rc<Pool>, FxBuildHasher>>,
    limits: Limits,
    counters: Rc<UpstreamCounters>,
    sweeping: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Limits {
    idle_timeout: Duration,
    lifetime: Duration,
    idle_max: usize,
    open_max: usize,
}

/// Connections to one target.
pub struct Pool {
    pub target: Target,
    limits: Limits,
    owner: Weak<Pools>,
    idle: RefCell<Vec<Idle>>,
    /// Idle, in use, and being opened.
    open: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<Grant>>>,
    /// ALPN chose HTTP/1.1 although HTTP/2 was offered.
    speaks_http1: Cell<bool>,
    /// The connection that HTTP/2 requests share.
    pub(super) http2: SharedConnection,
}

struct Idle {
    io: Io,
    buffer: ReadBuffer,
    keep: Duration,
    retires: Instant,
    until: Instant,
}

/// A connection in the hands of one request. Dropping it closes it.
pub struct Connection {
    pub io: Io,
    pub buffer: ReadBuffer,
    /// How long the backend keeps it when idle.
    keep: Duration,
    /// When it has served long enough: the name may have moved.
    retires: Instant,
    permit: Permit,
}

/// The right to have one connection open. Dropping it lets the next request in line go on.
pub struct Permit {
    pool: Rc<Pool>,
}

/// What a request gets that asked for a connection.
pub enum Grant {
    /// One that has been used before.
    Reused(Connection),
    /// The right to open one.
    Open(Permit),
}

impl Pools {
    pub fn new(settings: &UpstreamSettings, counters: Rc<UpstreamCounters>) -> Rc<Self> {
        Rc::new(Self {
            targets: RefCell::default(),
            limits: Limits {
                idle_timeout: settings.idle_timeout,
                lifetime: settings.connection_lifetime,
                idle_max: settings.idle_max_per_target,
                open_max: settings.connections_max_per_target.max(1),
            },
            counters,
            sweeping: Cell::new(false),
        })
    }

    /// The pool of a target, made when it is new.
    pub fn pool(self: &Rc<Self>, target: TargetRef<'_>) -> Rc<Pool> {
        if let Some(pool) = self.targets.borrow().get(&target) {
            return Rc::clone(pool);
        }
        let pool = Rc::new(Pool {
            target: target.to_owned(),
            limits: self.limits,
            owner: Rc::downgrade(self),
            idle: RefCell::default(),
            open: Cell::new(0),
            waiting: RefCell::default(),
            speaks_http1: Cell::new(false),
            http2: SharedConnection::default(),
        });
        self.targets.borrow_mut().insert(target.to_owned(), Rc::clone(&pool));
        self.keep_swept();
        pool
    }

    /// Idle connections of all targets.
    pub fn idle(&self) -> usize {
        self.targets.borrow().values().map(|pool| pool.idle.borrow().len()).sum()
    }

    /// Open connections of all targets, HTTP/2 ones apart.
    pub fn open(&self) -> usize {
        self.targets.borrow().values().map(|pool| pool.open.get()).sum()
    }

    fn keep_swept(self: &Rc<Self>) {
        if !self.sweeping.replace(true) {
            let every = (self.limits.idle_timeout / 4).clamp(SWEEP_MIN, SWEEP_MAX);
            tokio::task::spawn_local(sweep(Rc::downgrade(self), every));
        }
    }

    /// Closes what is old or closed by its backend, and forgets targets without connections. Whether any is left.
    fn sweep(&self) -> bool {
        let now = Instant::now();
        let pools: Vec<Rc<Pool>> = self.targets.borrow().values().map(Rc::clone).collect();
        for pool in &pools {
            pool.sweep(now, &self.counters);
        }
        drop(pools);
        let mut targets = self.targets.borrow_mut();
        // One reference is the table's own; any other is a request under way.
        targets.retain(|_, pool| Rc::strong_count(pool) > 1 || pool.is_used());
        if targets.is_empty() {
            self.sweeping.set(false);
        }
        !targets.is_empty()
    }
}

async fn sweep(pools: Weak<Pools>, every: Duration) {
    loop {
        sleep(every).await;
        let Some(pools) = pools.upgrade() else { return };
        if !pools.sweep() {
            return;
        }
    }
}

impl Pool {
    /// An idle connection, the right to open one, or a place in the line until there is one or the other.
    pub async fn checkout(self: &Rc<Self>, counters: &UpstreamCounters) -> Grant {
        if let Some(connection) = self.take_idle(counters) {
            return Grant::Reused(connection);
        }
        if self.open.get() < self.limits.open_max {
            return Grant::Open(Permit::new(self));
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        match receiver.await {
            Ok(grant) => grant,
            // The sender only goes with the pool, which this call holds; a new permit is the safe answer.
            Err(_) => Grant::Open(Permit::new(self)),
        }
    }

    /// The right to open one connection, ahead of the line: it takes the place of one that has just closed.
    pub fn new_permit(self: &Rc<Self>) -> Permit {
        Permit::new(self)
    }

    pub fn speaks_http1(&self) -> bool {
        self.speaks_http1.get()
    }

    pub fn note_http1(&self) {
        self.speaks_http1.set(true);
    }

    fn take_idle(self: &Rc<Self>, counters: &UpstreamCounters) -> Option<Connection> {
        loop {
            let mut idle = self.idle.borrow_mut().pop()?;
            if Instant::now() < idle.until && idle.io.is_quiet() {
                let permit = Permit { pool: Rc::clone(self) };
                let Idle { io, buffer, keep, retires, .. } = idle;
                return Some(Connection { io, buffer, keep, retires, permit });
            }
            counters.expired.increment();
            self.closed_one();
        }
    }

    fn put_idle(&self, idle: Idle) {
        let mut all = self.idle.borrow_mut();
        if all.len() < self.limits.idle_max {
            all.push(idle);
        } else {
            drop(all);
            drop(idle);
            self.closed_one();
        }
    }

    /// One connection less: the next in line may open one.
    fn closed_one(&self) {
        self.open.set(self.open.get().saturating_sub(1));
    }

    /// Hands a grant to the first in line that still waits.
    fn grant(&self, mut grant: Grant) -> Option<Grant> {
        loop {
            let Some(next) = self.waiting.borrow_mut().pop_front() else { return Some(grant) };
            match next.send(grant) {
                Ok(()) => return None,
                Err(back) => grant = back,
            }
        }
    }

    fn sweep(&self, now: Instant, counters: &UpstreamCounters) {
        let mut closed = Vec::new();
        let mut kept = Vec::new();
        for mut idle in self.idle.take() {
            if now < idle.until && idle.io.is_quiet() {
                kept.push(idle);
            } else {
                closed.push(idle);
            }
        }
        *self.idle.borrow_mut() = kept;
        for _ in closed {
            counters.expired.increment();
            self.closed_one();
        }
        self.http2.sweep(now, self.limits.idle_timeout);
    }

    fn is_used(&self) -> bool {
        self.open.get() > 0 || !self.waiting.borrow().is_empty() || self.http2.is_open()
    }
}

impl Connection {
    pub fn new(io: Io, permit: Permit) -> Self {
        let Limits { idle_timeout, lifetime, .. } = permit.pool.limits;
        let now = Instant::now();
        let retires = now.checked_add(lifetime).unwrap_or(now);
        Self { io, buffer: ReadBuffer::new(), keep: idle_timeout, retires, permit }
    }

    /// Notes how long the backend says it keeps an idle connection (`Keep-Alive: timeout=…`): it is used a second
    /// less, so that we do not write while the backend closes.
    pub fn note_keep_alive(&mut self, value: &[u8]) {
        let seconds = crate::wire::fields::list(value).find_map(|parameter| {
            let digits = parameter.strip_prefix(b"timeout=")?;
            std::str::from_utf8(digits).ok()?.parse::<u64>().ok()
        });
        if let Some(seconds) = seconds {
            self.keep = self.keep.min(Duration::from_secs(seconds.saturating_sub(1)));
        }
    }

    /// Gives a connection back whose response has been read to its last byte.
    pub fn recycle(mut self) {
        let now = Instant::now();
        if now >= self.retires {
            return;
        }
        self.buffer.release();
        let pool = Rc::clone(&self.permit.pool);
        let connection = if pool.waiting.borrow().is_empty() {
            self
        } else {
            match pool.grant(Grant::Reused(self)) {
                Some(Grant::Reused(back)) => back,
                _ => return,
            }
        };
        if connection.keep.is_zero() {
            return;
        }
        let Self { io, buffer, keep, retires, permit } = connection;
        // The connection goes on counting as open while it is idle.
        permit.keep_open();
        pool.put_idle(Idle { io, buffer, keep, retires, until: retires.min(now + keep) });
        if let Some(pools) = pool.owner.upgrade() {
            pools.keep_swept();
        }
    }
}

impl Permit {
    fn new(pool: &Rc<Pool>) -> Self {
        pool.open.set(pool.open.get() + 1);
        Self { pool: Rc::clone(pool) }
    }

    /// Ends the permit without counting its connection as closed.
    fn keep_open(self) {
        self.pool.open.set(self.pool.open.get() + 1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pool.closed_one();
        if !self.pool.waiting.borrow().is_empty() && self.pool.open.get() < self.pool.limits.open_max {
            let permit = Permit::new(&self.pool);
            // Nobody took it: dropping it here would come back to this place, once, with an empty line.
            drop(self.pool.grant(Grant::Open(permit)));
        }
    }
}
