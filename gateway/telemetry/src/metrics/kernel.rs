//! What the kernel programs counted, as plain numbers; the datapath's owner pushes them once a second.
//!
//! Names: ebpf-datapath.md "From maps to metrics". Labels are listeners, interfaces and programs, never clients.

use super::Sample;
use super::table::{self, Metric};

/// Buckets of a histogram: bucket `i` counts times from 2^i up to 2^(i+1) µs (round trips) or ms (connections), the last
/// all above.
pub const TIME_BUCKETS: usize = 24;

/// One reading of all maps; every figure counts since the programs were loaded.
#[derive(Clone, Debug, Default)]
pub struct KernelCounters {
    /// What the kernel offers: `T0` to `T4`.
    pub tier: &'static str,
    pub interfaces: Vec<Interface>,
    pub programs: Vec<Program>,
    pub traffic: Vec<Traffic>,
    pub drops: Vec<Drops>,
    pub tcp: Vec<Tcp>,
    pub balanced: Vec<Balanced>,
    pub members: Vec<BalanceMember>,
    /// Rules in the kernel that were not as user space had put them, and were put right.
    pub drift: u64,
}

/// A loaded program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub program: String,
    /// Hash of its instructions.
    pub tag: String,
    /// Runs and their time, while the kernel's statistics are on.
    pub runs: Option<(u64, u64)>,
}

/// An interface with programs.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    pub interface: String,
    /// `native`, `generic`, `tcx`, …
    pub mode: String,
    /// The program that sees arriving packets.
    pub program: String,
    /// Its tag.
    pub tag: String,
}

/// Packets of one listener, protocol, direction and verdict.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub listener: String,
    /// `tcp`, `udp`, …
    pub protocol: String,
    /// `in`, `out`.
    pub direction: String,
    /// `pass`, `drop`, …
    pub verdict: String,
    pub packets: u64,
    pub bytes: u64,
}

/// Packets dropped by one rule on one interface.
#[derive(Clone, Debug, Default)]
pub struct Drops {
    /// `deny`, `malformed`, …
    pub reason: String,
    /// A file's path, `command`, …
    pub rule: String,
    pub interface: String,
    pub packets: u64,
}

/// Packets of one virtual address, by what was decided about them.
#[derive(Clone, Debug, Default)]
pub struct Balanced {
    pub address: String,
    /// `known`, `new`, …
    pub decision: &'static str,
    pub packets: u64,
}

/// What one member of a virtual address got.
#[derive(Clone, Debug, Default)]
pub struct BalanceMember {
    pub address: String,
    pub member: String,
    /// It gets new connections.
    pub ready: bool,
    pub packets: u64,
    pub bytes: u64,
}

/// What `sock_ops` and the TC programs saw of one listener's connections.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    pub listener: String,
    pub established: u64,
    /// In order.
    pub closed: u64,
    /// By a reset, or because the peer was silent for too long.
    pub aborted: u64,
    /// Connections that `sk_lookup` could not bring to it.
    pub lookup_errors: u64,
    pub retransmits: u64,
    pub syn: u64,
    pub fin: u64,
    pub rst: u64,
    /// SYNs are answered with cookies, because there are too many.
    pub flood: bool,
    pub cookies_sent: u64,
    pub cookies_returned: u64,
    pub rtt_counts: [u64; TIME_BUCKETS],
    pub rtt_sum_micros: u64,
    pub duration_counts: [u64; TIME_BUCKETS],
    pub duration_sum_millis: u64,
}

impl KernelCounters {
    pub(super) fn collect(&self, visit: &mut dyn FnMut(&'static Metric, &[&str], Sample<'_>)) {
        for (metric, figure) in [
            (table::PACKETS, (|traffic| traffic.packets) as fn(&Traffic) -> u64),
            (table::PACKET_BYTES, |traffic| traffic.bytes),
        ] {
            for traffic in &self.traffic {
                let labels = [&*traffic.listener, &traffic.protocol, &traffic.direction, &traffic.verdict];
                visit(metric, &labels, Sample::Count(figure(traffic)));
            }
        }
        for drops in &self.drops {
            visit(
                table::DROPPED,
                &[&drops.reason, &drops.rule, &drops.interface],
                Sample::Count(drops.packets),
            );
        }
        self.collect_tcp(visit);
        self.collect_balance(visit);
        for tcp in &self.tcp {
            visit(table::LOOKUP_ERRORS, &[&tcp.listener], Sample::Count(tcp.lookup_errors));
        }
        visit(table::DRIFT, &[], Sample::Count(self.drift));
        let counted = || self.programs.iter().filter_map(|program| Some((program, program.runs?)));
        for (program, (runs, _)) in counted() {
            visit(table::BPF_RUNS, &[&program.program], Sample::Count(runs));
        }
        for (program, (_, nanoseconds)) in counted() {
            visit(table::BPF_SECONDS, &[&program.program], Sample::Number(nanoseconds as f64 / 1e9));
        }
        for one in &self.interfaces {
            let labels = [self.tier, &*one.interface, &one.program, &one.mode, &one.tag];
            visit(table::DATAPATH_INFO, &labels, Sample::Count(1));
        }
    }

    fn collect_balance(&self, visit: &mut dyn FnMut(&'static Metric, &[&str], Sample<'_>)) {
        for one in &self.balanced {
            visit(table::BALANCE_DECISIONS, &[&one.address, one.decision], Sample::Count(one.packets));
        }
        for (metric, figure) in [
            (table::BALANCE_PACKETS, (|one| one.packets) as fn(&BalanceMember) -> u64),
            (table::BALANCE_BYTES, |one| one.bytes),
            (table::BALANCE_READY, |one| u64::from(one.ready)),
        ] {
            for one in &self.members {
                visit(metric, &[&one.address, &one.member], Sample::Count(figure(one)));
            }
        }
    }

    fn collect_tcp(&self, visit: &mut dyn FnMut(&'static Metric, &[&str], Sample<'_>)) {
        let (round_trips, durations) = (bounds(1e6), bounds(1e3));
        for tcp in &self.tcp {
            let (counts, sum_seconds) = (&tcp.rtt_counts, tcp.rtt_sum_micros as f64 / 1e6);
            visit(
                table::RTT,
                &[&tcp.listener],
                Sample::Histogram { bounds: &round_trips, counts, sum_seconds },
            );
        }
        for tcp in &self.tcp {
            let (counts, sum_seconds) = (&tcp.duration_counts, tcp.duration_sum_millis as f64 / 1e3);
            let duration = Sample::Histogram { bounds: &durations, counts, sum_seconds };
            visit(table::TCP_DURATION, &[&tcp.listener], duration);
        }
        for tcp in &self.tcp {
            visit(table::TCP_CONNECTIONS, &[&tcp.listener, "established"], Sample::Count(tcp.established));
            visit(table::TCP_CONNECTIONS, &[&tcp.listener, "closed"], Sample::Count(tcp.closed));
            visit(table::TCP_CONNECTIONS, &[&tcp.listener, "aborted"], Sample::Count(tcp.aborted));
        }
        for tcp in &self.tcp {
            visit(table::TCP_RETRANSMITS, &[&tcp.listener], Sample::Count(tcp.retransmits));
        }
        for tcp in &self.tcp {
            visit(table::SYN_FLOOD, &[&tcp.listener], Sample::Count(u64::from(tcp.flood)));
        }
        for tcp in &self.tcp {
            visit(table::SYN_COOKIES_SENT, &[&tcp.listener], Sample::Count(tcp.cookies_sent));
        }
        for tcp in &self.tcp {
            visit(table::SYN_COOKIES_RETURNED, &[&tcp.listener], Sample::Count(tcp.cookies_returned));
        }
        for tcp in &self.tcp {
            for (flag, count) in [("syn", tcp.syn), ("fin", tcp.fin), ("rst", tcp.rst)] {
                visit(table::TCP_FLAGS, &[&tcp.listener, flag], Sample::Count(count));
            }
        }
    }
}

/// Bounds of a histogram's buckets in seconds, where a second has so many units.
fn bounds(units: f64) -> [f64; TIME_BUCKETS - 1] {
    std::array::from_fn(|power| (1_u64 << (power + 1)) as f64 / units)
}
