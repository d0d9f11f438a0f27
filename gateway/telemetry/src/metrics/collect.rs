//! Sums the shards and shows every metric once; each exporter of metrics walks this.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::histogram::HistogramTotal;
use super::labels::{
    Anomaly, ConnectionProtocol, EventHubOutcome, PassageEnd, REASONS, Shed, TlsOutcome, TunnelDirection,
    TunnelWay, UpstreamError,
};
use super::series::SeriesKey;
use super::shard::{
    ApiTotals, BackendTotals, CATEGORIES, Lazy, Shard, category, connection_kind, tunnel_kind,
};
use super::table::{self, Metric};
use super::{Registry, process};
use crate::event::Listener;

/// Value of one series.
#[derive(Clone, Copy, Debug)]
pub enum Sample<'a> {
    Count(u64),
    Number(f64),
    /// `counts` are not cumulative, one more than `bounds` (seconds).
    Histogram {
        bounds: &'a [f64],
        counts: &'a [u64],
        sum_seconds: f64,
    },
}

type Visit<'v> = dyn FnMut(&'static Metric, &[&str], Sample<'_>) + 'v;

impl Registry {
    /// Calls `visit` for every series with its label values, in the order of the metric's labels; the series of one
    /// metric follow each other.
    pub fn collect(&self, visit: &mut dyn FnMut(&'static Metric, &[&str], Sample<'_>)) {
        let who = &self.instance;
        visit(table::INFO, &[&who.gateway_id, &who.region, &who.instance_id, &who.version], Sample::Count(1));
        self.collect_requests(visit);
        self.collect_apis(visit);
        self.collect_row(visit, table::ERRORS, REASONS, |shard, reason| shard.errors.get(reason));
        self.collect_upstream(visit);
        for (worker, shard) in self.shards.iter().enumerate() {
            let accepts = shard.accepts.load(Relaxed);
            visit(table::ACCEPTS, &[&worker.to_string()], Sample::Count(accepts));
        }
        self.collect_connections(visit);
        self.collect_row(visit, table::L4_CONNECTIONS, PassageEnd::TEXTS, |shard, end| {
            shard.passages.get(end)
        });
        self.collect_tunnels(visit);
        self.collect_row(visit, table::TLS_HANDSHAKES, TlsOutcome::TEXTS, |shard, outcome| {
            shard.tls.get(outcome)
        });
        self.collect_row(visit, table::ANOMALIES, Anomaly::TEXTS, |shard, kind| shard.anomalies.get(kind));
        self.collect_row(visit, table::SHED, Shed::TEXTS, |shard, reason| shard.shed.get(reason));
        self.collect_row(visit, table::EVENT_HUB_EVENTS, EventHubOutcome::TEXTS, |shard, result| {
            shard.event_hub.get(result)
        });
        self.exporters.collect(visit);
        let panics = self.sum(|shard| shard.panics.load(Relaxed));
        visit(table::PANICS, &[], Sample::Count(panics));
        self.collect_snapshot(visit);
        visit(table::LOG_WRITTEN, &[], Sample::Count(self.log.written()));
        visit(table::LOG_DROPPED, &[], Sample::Count(self.log.dropped()));
        self.collect_overflows(visit);
        if let Some(kernel) = self.kernel.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            kernel.collect(visit);
        }
        self.collect_process(visit);
    }

    fn sum(&self, figure: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.iter().map(figure).sum()
    }

    /// One counter for each value of a closed label, zeros too: a rate needs the point before the first event.
    fn collect_row(
        &self,
        visit: &mut Visit<'_>,
        metric: &'static Metric,
        values: &[&str],
        figure: impl Fn(&Shard, usize) -> u64,
    ) {
        for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
            visit(metric, &[value], Sample::Count(self.sum(|shard| figure(shard, index))));
        }
    }

    fn collect_requests(&self, visit: &mut Visit<'_>) {
        let mut totals = HashMap::new();
        for shard in &self.shards {
            shard.series.sum_into(&mut totals);
        }
        // After the shards: a name is interned before it is counted.
        let (routes, hosts) = (self.routes.list(), self.hosts.list());
        for (key, count) in totals {
            let (Some([api, operation, product]), Some(host)) =
                (routes.get(usize::from(key.route)), hosts.get(usize::from(key.host)))
            else {
                continue;
            };
            let labels = [
                api,
                operation,
                product,
                host,
                &*code_text(key.code),
                CATEGORIES[category(key.code)],
                status(key.code),
                &*code_text(key.backend_code),
                CATEGORIES[category(key.backend_code)],
                key.cache.as_str(),
                REASONS.get(usize::from(key.reason)).copied().unwrap_or_default(),
            ];
            visit(table::REQUESTS, &labels, Sample::Count(count));
        }
    }

    fn collect_apis(&self, visit: &mut Visit<'_>) {
        let names = self.apis.list();
        let bounds: Vec<f64> = self.buckets.bounds_seconds().collect();
        let durations = [
            table::REQUEST_DURATION,
            table::BACKEND_DURATION,
            table::CLIENT_DURATION,
            table::GATEWAY_DURATION,
        ];
        for (index, metric) in durations.into_iter().enumerate() {
            for (number, name) in names.iter().enumerate() {
                let mut total = HistogramTotal::default();
                for api in self.shards.iter().filter_map(|shard| shard.apis.used(number)) {
                    total.add(&self.buckets, &api.durations[index]);
                }
                if total.counts.iter().any(|count| *count > 0) {
                    let HistogramTotal { counts, sum_seconds } = &total;
                    let sample = Sample::Histogram { bounds: &bounds, counts, sum_seconds: *sum_seconds };
                    visit(metric, &[name], sample);
                }
            }
        }
        let bytes = [
            (table::REQUEST_BYTES, (|api, _| api.bytes.get(0) as i64) as fn(&ApiTotals, usize) -> i64),
            (table::RESPONSE_BYTES, |api, _| api.bytes.get(1) as i64),
        ];
        for (metric, figure) in bytes {
            self.collect_lazy(visit, metric, &names, &[""], |shard| &shard.apis, figure);
        }
    }

    fn collect_upstream(&self, visit: &mut Visit<'_>) {
        let names = self.backends.list();
        type Figure = fn(&BackendTotals, usize) -> i64;
        let figures: [(_, &[&str], Figure); 4] = [
            (table::UPSTREAM_REQUESTS, &CATEGORIES, |total, index| total.requests.get(index) as i64),
            (table::UPSTREAM_ERRORS, UpstreamError::TEXTS, |total, index| total.errors.get(index) as i64),
            (table::UPSTREAM_CONNECTIONS, &[""], |total, _| total.connections.get(0) as i64),
            // Closed first: one that ends in between must not make the difference negative.
            (table::UPSTREAM_OPEN, &[""], |total, _| {
                let closed = total.connections.get(1) as i64;
                total.connections.get(0) as i64 - closed
            }),
        ];
        for (metric, values, figure) in figures {
            self.collect_lazy(visit, metric, &names, values, |shard| &shard.backends, figure);
        }
    }

    /// One series for each name that was used, and each value of the metric's second label if it has one.
    fn collect_lazy<T: Default>(
        &self,
        visit: &mut Visit<'_>,
        metric: &'static Metric,
        names: &[Arc<str>],
        values: &[&str],
        totals: fn(&Shard) -> &Lazy<T>,
        figure: fn(&T, usize) -> i64,
    ) {
        for (number, name) in names.iter().enumerate() {
            let used: Vec<&T> = self.shards.iter().filter_map(|shard| totals(shard).used(number)).collect();
            for (index, value) in values.iter().enumerate().filter(|_| !used.is_empty()) {
                let sum: i64 = used.iter().map(|total| figure(total, index)).sum();
                let labels = [name.as_ref(), value];
                visit(metric, &labels[..metric.labels.len()], Sample::Count(sum.max(0) as u64));
            }
        }
    }

    fn collect_connections(&self, visit: &mut Visit<'_>) {
        for metric in [table::CONNECTIONS, table::CONNECTIONS_OPEN] {
            for listener in Listener::ALL {
                for protocol in ConnectionProtocol::ALL {
                    let kind = connection_kind(*listener, *protocol);
                    // Ended first: a connection that ends in between must not make the difference negative.
                    let ended = self.sum(|shard| shard.ended.get(kind));
                    let began = self.sum(|shard| shard.began.get(kind));
                    let count = match (metric.name == table::CONNECTIONS_OPEN.name, protocol) {
                        (true, _) => began.saturating_sub(ended),
                        (false, ConnectionProtocol::Unknown) => {
                            self.sum(|shard| shard.never_known.get(*listener as usize))
                        }
                        (false, _) => began,
                    };
                    if began > 0 {
                        visit(metric, &[listener.as_str(), protocol.as_str()], Sample::Count(count));
                    }
                }
            }
        }
    }

    fn collect_tunnels(&self, visit: &mut Visit<'_>) {
        for direction in TunnelDirection::ALL {
            for way in TunnelWay::ALL {
                let bytes = self.sum(|shard| shard.tunnels.get(tunnel_kind(*direction, *way)));
                visit(table::TUNNEL_BYTES, &[direction.as_str(), way.as_str()], Sample::Count(bytes));
            }
        }
    }

    fn collect_snapshot(&self, visit: &mut Visit<'_>) {
        if let Some(state) = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            visit(table::SNAPSHOT_INFO, &[&state.revision], Sample::Count(1));
            let age = SystemTime::now().duration_since(state.applied).unwrap_or_default();
            visit(table::SNAPSHOT_AGE, &[], Sample::Number(age.as_secs_f64()));
            visit(table::SNAPSHOT_APIS, &["serving"], Sample::Count(state.apis));
            visit(table::SNAPSHOT_APIS, &["isolated"], Sample::Count(state.apis_isolated));
        }
        let counts = [("applied", &self.snapshots_applied), ("rejected", &self.snapshots_rejected)];
        for (result, count) in counts {
            let count = count.load(Relaxed);
            visit(table::SNAPSHOTS, &[result], Sample::Count(count));
        }
    }

    fn collect_overflows(&self, visit: &mut Visit<'_>) {
        let overflows = [
            ("route", self.routes.overflows()),
            ("api", self.apis.overflows()),
            ("hostname", self.hosts.overflows()),
            ("backend", self.backends.overflows()),
            ("last_error_reason", self.sum(|shard| shard.errors.get(0))),
            ("custom", self.custom.overflows()),
            ("series", self.sum(|shard| shard.series.overflow())),
        ];
        for (label, count) in overflows {
            visit(table::OVERFLOWS, &[label], Sample::Count(count));
        }
    }

    fn collect_process(&self, visit: &mut Visit<'_>) {
        let process = process::read();
        if let Some(seconds) = process.cpu_seconds {
            visit(table::CPU, &[], Sample::Number(seconds));
        }
        let figures = [
            (table::MEMORY, process.resident_bytes),
            (table::VIRTUAL, process.virtual_bytes),
            (table::THREADS, process.threads),
            (table::FDS, process.open_fds),
            (table::FDS_MAX, process.max_fds),
        ];
        for (metric, figure) in figures {
            if let Some(figure) = figure {
                visit(metric, &[], Sample::Count(figure));
            }
        }
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        visit(table::STARTED, &[], Sample::Number(started.as_secs_f64()));
    }
}

fn code_text(code: u16) -> String {
    if code == SeriesKey::CODE_OTHER { super::OTHER.to_owned() } else { code.to_string() }
}

/// Label `Status` of the original (self-hosted-gateway.md §3.1): below 400 is successful.
pub(crate) fn status(code: u16) -> &'static str {
    match code {
        100..400 => "Successful",
        401 | 403 | 429 => "Unauthorized",
        400 | 500..=600 => "Erroneous",
        _ => "Other",
    }
}
