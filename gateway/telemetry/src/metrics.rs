//! The registry: counters in one shard a worker, names interned at snapshot compile, sums made when asked.

mod collect;
mod custom;
pub mod exporters;
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
pub(crate) use self::collect::status as status_text;
pub use self::custom::{CustomMetrics, CustomSeries};
use self::exporters::Exporters;
pub use self::histogram::{BOUNDS_MAX, Buckets, BucketsError};
use self::kernel::KernelCounters;
use self::labels::{BackendId, HostId, Interner, LabelId, OTHER};
pub use self::shard::Shard;
pub(crate) use self::shard::category_text;
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
    custom: CustomMetrics,
    exporters: Exporters,
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
    /// Who this gateway is.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

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
            custom: CustomMetrics::default(),
            exporters: Exporters::default(),
            buckets,
        }
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.shards.len()
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

    /// Since when everything is counted.
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// Metrics that policies define.
    pub fn custom(&self) -> &CustomMetrics {
        &self.custom
    }

    /// What became of exported telemetry.
    pub fn exporters(&self) -> &Exporters {
        &self.exporters
    }

    /// Counters of the log, to give to [`crate::Log`].
    pub fn log_stats(&self) -> Arc<Stats> {
        Arc::clone(&self.log)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::kernel::{BalanceMember, Balanced, Drops, Interface, Program, TIME_BUCKETS, Tcp, Traffic};
    use super::labels::{Anomaly, ConnectionProtocol, EventHubOutcome, Shed, TlsOutcome, UpstreamError};
    use super::*;
    use crate::event::{Cache, Call, CallKind, LastError, Listener, RequestEvent, Url};
    use crate::prometheus::{Format, render};
    use crate::sink::Telemetry;

    fn registry(workers: usize) -> Registry {
        let instance = Instance { gateway_id: "gw".into(), region: "attic".into(), ..Instance::default() };
        Registry::new(workers, Buckets::default(), Arc::new(instance))
    }

    fn call(label: BackendId, response_code: u16) -> Call<'static> {
        Call {
            kind: CallKind::Forward,
            label,
            backend_id: None,
            application: None,
            is_open: false,
            method: "GET",
            url: "http://b/",
            response_code,
            protocol: None,
            span: [0; 8],
            started: Duration::ZERO,
            elapsed: Duration::ZERO,
        }
    }

    fn request(labels: LabelId, host: HostId) -> RequestEvent<'static> {
        RequestEvent {
            labels,
            host,
            response_code: 200,
            total_time: Duration::from_millis(30),
            client_time: Duration::from_millis(4),
            backend_time: Some(Duration::from_millis(20)),
            request_size: 2,
            response_size: 3,
            ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", Url::default())
        }
    }

    const fn error(reason: &str) -> LastError<'_> {
        let none = Duration::ZERO;
        LastError { elapsed: none, source: "s", path: "", reason, message: "", section: "", scope: "" }
    }

    /// Sum of each metric over all its series.
    fn sums(registry: &Registry) -> HashMap<&'static str, f64> {
        let mut sums = HashMap::new();
        registry.collect(&mut |metric, _, sample| {
            *sums.entry(metric.name).or_default() += match sample {
                Sample::Count(count) => count as f64,
                Sample::Number(number) => number,
                Sample::Histogram { counts, .. } => counts.iter().sum::<u64>() as f64,
            };
        });
        sums
    }

    /// All of a shard but what a request's event moves.
    fn move_the_rest(shard: &Shard, backend: BackendId) {
        shard.connection_opened(Listener::Https);
        shard.connection_moved(Listener::Https, ConnectionProtocol::Unknown, ConnectionProtocol::Http2);
        shard.tls_handshake(TlsOutcome::Tls13);
        shard.protocol_anomaly(Anomaly::Framing);
        shard.request_shed(Shed::Memory);
        shard.panic_caught();
        shard.passage_ended(labels::PassageEnd::Closed);
        shard.tunnel_bytes(labels::TunnelDirection::Up, labels::TunnelWay::Splice, 1);
        shard.event_hub_events(EventHubOutcome::Sent, 1);
        shard.upstream_connected(backend);
        shard.upstream_failed(backend, UpstreamError::Connect);
    }

    #[test]
    fn every_metric_of_the_table_is_moved_by_something() {
        let registry = registry(2);
        let shard = registry.shard(1);
        let (labels, host) = (registry.intern("a", "o", None), registry.intern_host("h"));
        let backend = registry.intern_backend("b");
        let event = RequestEvent {
            last_error: Some(error("no such")),
            calls: &[call(backend, 200)],
            ..request(labels, host)
        };
        shard.record(&event);
        move_the_rest(shard, backend);
        registry.snapshot_applied(SnapshotState {
            revision: "r".into(),
            applied: UNIX_EPOCH,
            apis: 1,
            apis_isolated: 1,
        });
        registry.snapshot_rejected();
        registry.log.written.fetch_add(1, Relaxed);
        registry.log.dropped.fetch_add(1, Relaxed);
        let exporter = registry.exporters().add("e");
        exporter.item_ended(exporters::Outcome::Sent, 1);
        exporter.set_waiting(exporters::Place::Disk, 1, 1);
        let traffic = Traffic { packets: 1, bytes: 1, ..Traffic::default() };
        registry.set_kernel(Some(KernelCounters {
            tier: "T4",
            interfaces: vec![Interface::default()],
            programs: vec![Program { runs: Some((1, 1)), ..Program::default() }],
            traffic: vec![traffic],
            drops: vec![Drops { packets: 1, ..Drops::default() }],
            tcp: vec![Tcp {
                established: 1,
                retransmits: 1,
                syn: 1,
                flood: true,
                cookies_sent: 1,
                cookies_returned: 1,
                lookup_errors: 1,
                rtt_counts: [1; TIME_BUCKETS],
                duration_counts: [1; TIME_BUCKETS],
                duration_sum_millis: 1,
                ..Tcp::default()
            }],
            balanced: vec![Balanced { packets: 1, ..Balanced::default() }],
            members: vec![BalanceMember { ready: true, packets: 1, bytes: 1, ..BalanceMember::default() }],
            drift: 1,
        }));
        let sums = sums(&registry);
        for metric in table::TABLE {
            assert!(sums.get(metric.name).is_some_and(|sum| *sum > 0.0), "{} stands still", metric.name);
        }
        for format in [Format::Prometheus, Format::OpenMetrics] {
            let text = render(&registry, format);
            for metric in table::TABLE {
                let family = if format == Format::OpenMetrics {
                    metric.name.trim_end_matches("_total")
                } else {
                    metric.name
                };
                let head = format!("# TYPE {family} {}\n", metric.kind.as_str());
                assert_eq!(text.matches(&head).count(), 1, "{head}");
            }
        }
    }

    #[test]
    fn totals_of_many_threads_are_exact() {
        const EACH: u64 = 20_000;
        let registry = registry(2);
        let labels: Vec<_> = (0..5).map(|api| registry.intern(&format!("a{api}"), "o", Some("p"))).collect();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (registry, labels) = (&registry, &labels);
                scope.spawn(move || {
                    let shard = registry.shard(thread); // two threads to each shard
                    for number in 0..EACH {
                        let mut event = request(labels[number as usize % labels.len()], HostId::OTHER);
                        event.response_code = if number % 4 == 0 { 404 } else { 200 };
                        shard.record(&event);
                        shard.connection_opened(Listener::Http);
                        shard.connection_closed(Listener::Http, ConnectionProtocol::Unknown);
                    }
                });
            }
        });
        let sums = sums(&registry);
        let total = (4 * EACH) as f64;
        for (name, expected) in [
            ("gateway_requests_total", total),
            ("gateway_request_duration_seconds", total),
            ("gateway_request_bytes_total", 2.0 * total),
            ("gateway_response_bytes_total", 3.0 * total),
            ("gateway_accepts_total", total),
            ("gateway_connections_total", total),
            ("gateway_connections_open", 0.0),
        ] {
            assert!((sums[name] - expected).abs() < 0.5, "{name}: {}", sums[name]);
        }
        let text = render(&registry, Format::Prometheus);
        let found =
            text.lines().filter(|line| line.contains("response_code=\"404\"") && line.ends_with(" 4000"));
        assert_eq!(found.count(), 5, "{text}");
    }

    #[test]
    fn recording_with_the_log_off_allocates_nothing() {
        let telemetry = Telemetry::new(Arc::new(registry(1)), Vec::new());
        let labels = telemetry.registry().intern("a", "o", Some("p"));
        let host = telemetry.registry().intern_host("h");
        let backend = telemetry.registry().intern_backend("b");
        let emit = |code| {
            let calls = [call(backend, code)];
            let last_error = (code > 399).then(|| error("Timeout"));
            telemetry.emit(
                0,
                &RequestEvent { response_code: code, calls: &calls, last_error, ..request(labels, host) },
            );
        };
        emit(200); // the first makes the API's and the backend's rows
        let used = allocation_counter::measure(|| {
            (0..1000).for_each(|number| emit([200, 204, 404, 503][number % 4]));
        });
        assert_eq!(used.count_total, 0, "{used:?}");
        assert!((sums(telemetry.registry())["gateway_requests_total"] - 1001.0).abs() < 0.5);
    }

    #[test]
    fn labels_beyond_the_cap_are_other_and_counted() {
        let registry = registry(1);
        assert_eq!(registry.intern("a", "o", None), registry.intern("a", "o", None));
        assert_ne!(registry.intern("a", "o", None), registry.intern("a", "o", Some("p")));
        assert_eq!(registry.intern("", "", None), LabelId::UNMATCHED);
        let hosts: Vec<_> = (0..300).map(|host| registry.intern_host(&format!("h{host}"))).collect();
        assert_eq!(hosts.iter().filter(|host| **host == HostId::OTHER).count(), 300 - (256 - 2));
        let text = render(&registry, Format::Prometheus);
        assert!(text.contains("gateway_metric_overflows_total{label=\"hostname\"} 46\n"), "{text}");
    }

    #[test]
    fn exposition_of_a_request_is_as_both_formats_say() {
        let registry = registry(1);
        let labels = registry.intern("e\"c\\h\no", "get", None);
        let host = registry.intern_host("api.test");
        let backend = registry.intern_backend("b");
        let last_error = Some(error("Timeout"));
        let calls = [call(backend, 0)];
        let event = RequestEvent {
            response_code: 500,
            cache: Cache::Miss,
            calls: &calls,
            last_error,
            ..request(labels, host)
        };
        registry.shard(0).record(&event);
        let text = render(&registry, Format::negotiate(Some("text/plain")));
        for expected in [
            "# HELP gateway_requests_total Requests answered; response code 0: the client left.\n\
             # TYPE gateway_requests_total counter\n\
             gateway_requests_total{api=\"e\\\"c\\\\h\\no\",operation=\"get\",product=\"\",hostname=\"api.test\",\
             response_code=\"500\",response_code_category=\"5xx\",status=\"Erroneous\",backend_response_code=\"0\",\
             backend_response_code_category=\"None\",cache=\"miss\",last_error_reason=\"Timeout\"} 1\n",
            "gateway_request_duration_seconds_bucket{api=\"e\\\"c\\\\h\\no\",le=\"0.025\"} 0\n",
            "gateway_request_duration_seconds_bucket{api=\"e\\\"c\\\\h\\no\",le=\"0.05\"} 1\n",
            "gateway_request_duration_seconds_bucket{api=\"e\\\"c\\\\h\\no\",le=\"1.0\"} 1\n",
            "gateway_request_duration_seconds_bucket{api=\"e\\\"c\\\\h\\no\",le=\"+Inf\"} 1\n\
             gateway_request_duration_seconds_sum{api=\"e\\\"c\\\\h\\no\"} 0.03\n\
             gateway_request_duration_seconds_count{api=\"e\\\"c\\\\h\\no\"} 1\n",
            "gateway_gateway_duration_seconds_sum{api=\"e\\\"c\\\\h\\no\"} 0.006\n",
            "gateway_policy_errors_total{reason=\"Timeout\"} 1\n",
            "gateway_upstream_requests_total{backend=\"b\",response_code_category=\"None\"} 1\n",
            "gateway_info{gateway_id=\"gw\",location=\"attic\",instance_id=\"\",version=\"\"} 1\n",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
        let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        let text = render(&registry, Format::negotiate(Some(accept)));
        let head = "# TYPE gateway_request_bytes counter\n# UNIT gateway_request_bytes bytes\ngateway_request_bytes_total{";
        assert!(text.contains(head) && text.ends_with("\n# EOF\n"), "{text}");
    }

    proptest! {
        #[test]
        fn any_label_value_is_read_back(value in "(?s).{0,20}") {
            let registry = registry(1);
            registry.snapshot_applied(SnapshotState { revision: value.clone(), applied: UNIX_EPOCH, apis: 1, apis_isolated: 0 });
            let text = render(&registry, Format::Prometheus);
            let line = text.split('\n').find_map(|line| line.strip_prefix("gateway_snapshot_info{revision=\"")).unwrap();
            let escaped = line.strip_suffix("\"} 1").unwrap();
            let back = escaped.replace("\\\\", "\0\0").replace("\\n", "\n").replace("\\\"", "\"").replace("\0\0", "\\");
            prop_assume!(!value.contains('\0'));
            prop_assert_eq!(back, value);
        }
    }
}
