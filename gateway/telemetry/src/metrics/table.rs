//! Every metric there is, declared once: the exposition, the reference and the tests derive from here.

use std::fmt::Write;

/// What a metric is to Prometheus and OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    /// Base unit that ends the name (without `_total`); empty for plain counts.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// The method whose calls move it; a name that nobody calls is a metric that nobody increments.
    pub moved_by: &'static str,
}

macro_rules! metrics {
    ($($id:ident: $kind:ident $name:literal $unit:literal [$($label:literal),*] $help:literal by $by:literal;)+) => {
        $(pub(crate) const $id: &Metric = &Metric {
            name: $name, kind: Kind::$kind, unit: $unit, labels: &[$($label),*], help: $help, moved_by: $by,
        };)+
        /// All metrics, in the order of the exposition.
        pub const TABLE: &[&Metric] = &[$($id),+];
    };
}

metrics! {
    INFO: Gauge "gateway_info" "" ["gateway_id", "location", "instance_id", "version"] "This instance; always 1." by "new";
    REQUESTS: Counter "gateway_requests_total" "" ["api", "operation", "product", "hostname", "response_code", "response_code_category", "status", "backend_response_code", "backend_response_code_category", "cache", "last_error_reason"] "Requests answered; response code 0: the client left." by "emit";
    REQUEST_DURATION: Histogram "gateway_request_duration_seconds" "seconds" ["api"] "First byte of the request until the response is completely sent." by "emit";
    BACKEND_DURATION: Histogram "gateway_backend_duration_seconds" "seconds" ["api"] "All backend IO of a request that called one." by "emit";
    CLIENT_DURATION: Histogram "gateway_client_duration_seconds" "seconds" ["api"] "All client IO of a request." by "emit";
    GATEWAY_DURATION: Histogram "gateway_gateway_duration_seconds" "seconds" ["api"] "The rest: the gateway's own time in a request." by "emit";
    REQUEST_BYTES: Counter "gateway_request_bytes_total" "bytes" ["api"] "Body bytes received from clients." by "emit";
    RESPONSE_BYTES: Counter "gateway_response_bytes_total" "bytes" ["api"] "Body bytes sent to clients." by "emit";
    ERRORS: Counter "gateway_policy_errors_total" "" ["reason"] "Requests that ended with a LastError, by its reason." by "emit";
    UPSTREAM_REQUESTS: Counter "gateway_upstream_requests_total" "" ["backend", "response_code_category"] "Calls to backends; None: no response came." by "emit";
    UPSTREAM_ERRORS: Counter "gateway_upstream_errors_total" "" ["backend", "error"] "Calls to backends that brought no response." by "upstream_failed";
    UPSTREAM_CONNECTIONS: Counter "gateway_upstream_connections_total" "" ["backend"] "Connections opened to backends." by "upstream_connected";
    UPSTREAM_OPEN: Gauge "gateway_upstream_connections_open" "" ["backend"] "Connections to backends, in use or idle." by "upstream_disconnected";
    ACCEPTS: Counter "gateway_accepts_total" "" ["worker"] "Connections accepted, by worker." by "connection_opened";
    CONNECTIONS: Counter "gateway_connections_total" "" ["listener", "protocol"] "Connections from clients, counted when their protocol is known or they end." by "connection_moved";
    CONNECTIONS_OPEN: Gauge "gateway_connections_open" "" ["listener", "protocol"] "Connections from clients, open now." by "connection_closed";
    L4_CONNECTIONS: Counter "gateway_l4_connections_total" "" ["result"] "Connections of L4 routes that have ended." by "passage_ended";
    TUNNEL_BYTES: Counter "gateway_tunnel_bytes_total" "bytes" ["direction", "way"] "Bytes through L4 routes and WebSockets, counted when these end." by "tunnel_bytes";
    TLS_HANDSHAKES: Counter "gateway_tls_handshakes_total" "" ["result"] "TLS hand-shakes with clients, by version or failure." by "tls_handshake";
    ANOMALIES: Counter "gateway_protocol_anomalies_total" "" ["kind"] "Messages refused as malformed, oversized or too slow." by "protocol_anomaly";
    SHED: Counter "gateway_requests_shed_total" "" ["reason"] "Requests refused to keep the process alive." by "request_shed";
    EVENT_HUB_EVENTS: Counter "gateway_event_hub_events_total" "" ["result"] "Events of log-to-eventhub; dropped: the queue was full." by "event_hub_events";
    EXPORT_ITEMS: Counter "gateway_export_items_total" "" ["exporter", "result"] "Items of telemetry that reached their sink, or were dropped for a reason." by "item_ended";
    EXPORT_WAITING: Gauge "gateway_export_waiting_items" "" ["exporter", "place"] "Items of telemetry on their way, by where they wait." by "set_waiting";
    EXPORT_WAITING_BYTES: Gauge "gateway_export_waiting_bytes" "bytes" ["exporter", "place"] "Memory and disk that they take." by "set_waiting";
    EXPORT_UP: Gauge "gateway_export_up" "" ["exporter"] "Whether the sink takes what is sent." by "set_state";
    PANICS: Counter "gateway_panics_total" "" [] "Panics caught and answered with 500." by "panic_caught";
    SNAPSHOT_INFO: Gauge "gateway_snapshot_info" "" ["revision"] "Revision of the configuration in force; always 1." by "snapshot_applied";
    SNAPSHOT_AGE: Gauge "gateway_snapshot_age_seconds" "seconds" [] "Since the configuration in force was applied." by "snapshot_applied";
    SNAPSHOT_APIS: Gauge "gateway_snapshot_apis" "" ["state"] "APIs of the configuration in force; isolated: they do not compile." by "snapshot_applied";
    SNAPSHOTS: Counter "gateway_snapshots_total" "" ["result"] "Configurations applied, and refused as a whole." by "snapshot_rejected";
    LOG_WRITTEN: Counter "gateway_log_records_written_total" "" [] "Log records given to the output." by "write";
    LOG_DROPPED: Counter "gateway_log_records_dropped_total" "" [] "Log records given up: queue full or output failed." by "write";
    OVERFLOWS: Counter "gateway_metric_overflows_total" "" ["label"] "Values counted as other because a cap was reached; series: by request." by "intern";
    PACKETS: Counter "gateway_datapath_packets_total" "" ["listener", "protocol", "direction", "verdict"] "Packets seen by the kernel programs." by "set_kernel";
    PACKET_BYTES: Counter "gateway_datapath_bytes_total" "bytes" ["listener", "protocol", "direction", "verdict"] "Bytes of those packets, from the link layer." by "set_kernel";
    DROPPED: Counter "gateway_datapath_dropped_total" "" ["reason", "rule", "interface"] "Packets dropped by the kernel programs." by "set_kernel";
    RTT: Histogram "gateway_client_rtt_seconds" "seconds" ["listener"] "Smoothed round-trip times of client connections." by "set_kernel";
    TCP_CONNECTIONS: Counter "gateway_tcp_connections_total" "" ["listener", "state"] "TCP connections seen by the kernel programs." by "set_kernel";
    TCP_DURATION: Histogram "gateway_tcp_connection_duration_seconds" "seconds" ["listener"] "Client connections, from the handshake to the end." by "set_kernel";
    TCP_RETRANSMITS: Counter "gateway_tcp_retransmits_total" "" ["listener"] "TCP segments sent again." by "set_kernel";
    TCP_FLAGS: Counter "gateway_tcp_flags_total" "" ["listener", "flag"] "TCP segments with SYN, FIN or RST." by "set_kernel";
    SYN_FLOOD: Gauge "gateway_syn_flood_active" "" ["listener"] "1 while SYNs are answered with cookies." by "set_kernel";
    SYN_COOKIES_SENT: Counter "gateway_syn_cookies_sent_total" "" ["listener"] "SYNs answered with a cookie by the kernel programs." by "set_kernel";
    SYN_COOKIES_RETURNED: Counter "gateway_syn_cookies_returned_total" "" ["listener"] "Segments that brought a valid cookie back during a flood." by "set_kernel";
    LOOKUP_ERRORS: Counter "gateway_listener_lookup_errors_total" "" ["listener"] "Connections that steering could not place." by "set_kernel";
    DRIFT: Counter "gateway_datapath_drift_total" "" [] "Rules that somebody had changed in the kernel, and that were put right." by "set_kernel";
    BALANCE_DECISIONS: Counter "gateway_balance_decisions_total" "" ["address", "decision"] "Packets for virtual addresses: known, new, unremembered, error, fragment; dropped as too_long, told (too long, and the sender was told) or unreachable." by "set_kernel";
    BALANCE_PACKETS: Counter "gateway_balance_packets_total" "" ["address", "member"] "Packets given to a member of a virtual address." by "set_kernel";
    BALANCE_BYTES: Counter "gateway_balance_bytes_total" "bytes" ["address", "member"] "Bytes given to a member of a virtual address." by "set_kernel";
    BALANCE_READY: Gauge "gateway_balance_member_ready" "" ["address", "member"] "1 = the member gets new connections." by "set_kernel";
    BPF_RUNS: Counter "gateway_bpf_run_total" "" ["program"] "Runs of a kernel program, when statistics are on." by "set_kernel";
    BPF_SECONDS: Counter "gateway_bpf_run_seconds_total" "seconds" ["program"] "Time spent in a kernel program, when statistics are on." by "set_kernel";
    DATAPATH_INFO: Gauge "gateway_datapath_info" "" ["tier", "interface", "program", "mode", "tag"] "Kernel programs attached, and what the kernel offers; always 1." by "set_kernel";
    CPU: Counter "process_cpu_seconds_total" "seconds" [] "User and system time of the process." by "read";
    MEMORY: Gauge "process_resident_memory_bytes" "bytes" [] "Resident memory." by "read";
    VIRTUAL: Gauge "process_virtual_memory_bytes" "bytes" [] "Virtual memory." by "read";
    THREADS: Gauge "process_threads" "" [] "Threads." by "read";
    FDS: Gauge "process_open_fds" "" [] "Open file descriptors." by "read";
    FDS_MAX: Gauge "process_max_fds" "" [] "Limit of open file descriptors." by "read";
    STARTED: Gauge "process_start_time_seconds" "seconds" [] "Start since 1970-01-01 UTC." by "new";
}

/// The table as Markdown.
pub fn reference() -> String {
    let mut out = String::from("| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n");
    for metric in TABLE {
        let labels = metric.labels.join("`, `");
        let labels = if labels.is_empty() { labels } else { format!("`{labels}`") };
        let kind = metric.kind.as_str();
        let _ = writeln!(out, "| `{}` | {kind} | {labels} | {} |", metric.name, metric.help);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_follows_the_naming_rules_of_openmetrics() {
        let mut names = std::collections::HashSet::new();
        for metric in TABLE {
            assert!(names.insert(metric.name), "{} twice", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.name.trim_end_matches("_total").ends_with(metric.unit), "{}", metric.name);
            assert!(metric.help.ends_with('.') && !metric.moved_by.is_empty(), "{}", metric.name);
            assert!(reference().contains(metric.name));
        }
    }
}
