//! The registry: counters in one shard a worker, names interned at snapshot compile, sums made when asked.

mod collect;
mod histogram;
pub mod kernel;
pub mod labels;
mod process;
mod series;
mod shard;
pub mod table;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use self::collect::Sample;
pub use self::histogram::{BOUNDS_MAX, Buckets, BucketsError};
use self::kernel::KernelCounters;
use self::labels::{BackendId, HostId, Interner, LabelId, OTHER};
pub use self::shard::Shard;
use crate::log::Stats;
use crate::sink::Instance;

/// (API, operation, product) triples told apart over the life of the process.
const ROUTES_MAX: u16 = 16_384;
/// APIs with histograms of their own.
const APIS_MAX: u16 = 1_024;
/// Configured host names.
const HOSTS_MAX: u16 = 256;
/// Backends.
const BACKENDS_MAX: u16 = 1_024;

/// API, operation and product names; empty when there is none.
type Route = [Arc<str>; 3];

/// All metrics of the process.
pub struct Registry {
    shards: Box<[Shard]>,
    buckets: Buckets,
    instance: Arc<Instance>,
    started: SystemTime,
    routes: Interner<Route>,
    apis: Interner<Arc<str>>,
    hosts: Interner<Arc<str>>,
    backends: Interner<Arc<str>>,
    snapshot: Mutex<Option<SnapshotState>>,
    snapshots_applied: AtomicU64,
    snapshots_rejected: AtomicU64,
    kernel: Mutex<Option<KernelCounters>>,
    log: Arc<Stats>,
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct SnapshotState {
    pub revision: String,
    pub applied: SystemTime,
    /// APIs that serve.
    pub apis: u64,
    /// APIs that do not compile: their last good version serves, or 503.
    pub apis_isolated: u64,
}

impl Registry {
    /// One shard for each of `workers` (at least one).
    pub fn new(workers: usize, buckets: Buckets, instance: Arc<Instance>) -> Self {
        let [other, empty] = [OTHER, ""].map(Arc::<str>::from);
        let names = |cap| Interner::new(cap, Arc::clone(&other), Arc::clone(&empty));
        let shard = |_| Shard::new(buckets.clone(), APIS_MAX, BACKENDS_MAX);
        Self {
            shards: (0..workers.max(1)).map(shard).collect(),
            instance,
            started: SystemTime::now(),
            routes: Interner::new(
                ROUTES_MAX,
                [(); 3].map(|()| Arc::clone(&other)),
                [(); 3].map(|()| Arc::clone(&empty)),
            ),
            apis: names(APIS_MAX),
            hosts: names(HOSTS_MAX),
            backends: names(BACKENDS_MAX),
            snapshot: Mutex::default(),
            snapshots_applied: AtomicU64::new(0),
            snapshots_rejected: AtomicU64::new(0),
            kernel: Mutex::default(),
            log: Arc::default(),
            buckets,
        }
    }

    /// The counters of a worker; beyond the last they wrap around. Any thread may add to any shard; counts stay exact.
    pub fn shard(&self, worker: usize) -> &Shard {
        &self.shards[worker % self.shards.len()]
    }

    /// Labels of a route; the same names give the same labels. Beyond the cap all are "other".
    pub fn intern(&self, api: &str, operation: &str, product: Option<&str>) -> LabelId {
        let names = [api, operation, product.unwrap_or_default()].map(Arc::<str>::from);
        LabelId { api: self.apis.intern(Arc::clone(&names[0])), route: self.routes.intern(names) }
    }

    /// Label of a configured host name.
    pub fn intern_host(&self, host: &str) -> HostId {
        HostId(self.hosts.intern(host.into()))
    }

    /// Label of a backend.
    pub fn intern_backend(&self, backend: &str) -> BackendId {
        BackendId(self.backends.intern(backend.into()))
    }

    /// A configuration is in force.
    pub fn snapshot_applied(&self, state: SnapshotState) {
        self.snapshots_applied.fetch_add(1, Relaxed);
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    /// A configuration was refused as a whole.
    pub fn snapshot_rejected(&self) {
        self.snapshots_rejected.fetch_add(1, Relaxed);
    }

    /// The newest reading of the kernel's maps; `None`: the kernel path is off.
    pub fn set_kernel(&self, counters: Option<KernelCounters>) {
        *self.kernel.lock().unwrap_or_else(PoisonError::into_inner) = counters;
    }

    /// Counters of the log, to give to [`crate::Log`].
    pub fn log_stats(&self) -> Arc<Stats> {
        Arc::clone(&self.log)
    }
}

#[cfg(test)]
mod tests;
