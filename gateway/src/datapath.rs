//! What the kernel path and the rest of the gateway tell each other: figures as metrics, policies and offenders as
//! rules.

mod shortcut;

use std::sync::Arc;

use gateway_datapath::{
    BalanceCount, Counters, Datapath, DropCount, InterfaceStatus, ListenerCounters, MemberCount, MemberState,
    PolicyRule, State, Status,
};
use gateway_policy::pipeline::AddressFilter;
use gateway_proxy::snapshot::GlobalFilter;
use gateway_proxy::worker::Shared;
use gateway_telemetry::metrics::kernel::{
    BalanceMember, Balanced, Drops, Interface, KernelCounters, Program, TIME_BUCKETS, Tcp, Traffic,
};

pub use shortcut::shortcut;

/// Rules that the gateway gives to the kernel path.
pub struct Rules {
    shared: Arc<Shared>,
    pub datapath: Arc<Datapath>,
    /// Address filters of policies are given, too.
    offload: bool,
    /// Those given last.
    given: Vec<GlobalFilter>,
}

impl Rules {
    pub fn new(shared: Arc<Shared>, datapath: Arc<Datapath>, offload: bool) -> Self {
        Self { shared, datapath, offload, given: Vec::new() }
    }

    /// Brings the rules up to date. Meant for a timer of a second.
    pub fn tick(&mut self) {
        self.datapath.tick();
        if let Some(abuse) = &self.shared.abuse {
            let offenders = abuse.take();
            self.datapath.keep_off(offenders.iter().map(|one| (one.address, one.misdeed.as_str())));
        }
        if self.offload
            && let Some(snapshot) = self.shared.snapshot.load().as_ref()
            && snapshot.address_filters != self.given
        {
            self.given.clone_from(&snapshot.address_filters);
            let rules: Vec<_> = self.given.iter().map(policy_rule).collect();
            self.datapath.follow_policies(&rules);
        }
    }
}

fn policy_rule(filter: &GlobalFilter) -> PolicyRule {
    let AddressFilter { allows, ranges } = filter.filter.clone();
    PolicyRule { name: filter.name.clone(), allows, ranges }
}

/// One reading; `None` while the kernel path is off.
pub fn metrics(datapath: &Datapath) -> Option<KernelCounters> {
    let status = datapath.status();
    if status.state == State::Off {
        return None;
    }
    let Counters { listeners, drops, balance, .. } = datapath.counters();
    let programs = status.programs.iter().map(|program| Program {
        program: program.name.clone(),
        tag: program.tag.clone(),
        runs: program.runs.map(|runs| (runs.count, runs.nanoseconds)),
    });
    Some(KernelCounters {
        tier: status.tier.name(),
        interfaces: status.interfaces.iter().map(|one| interface(one, &status)).collect(),
        programs: programs.collect(),
        traffic: listeners.iter().flat_map(traffic).collect(),
        drops: drops.into_iter().map(dropped).collect(),
        drift: status.shed.drift,
        balanced: balance.iter().flat_map(decisions).collect(),
        members: balance.iter().flat_map(|count| members(count, &status)).collect(),
        tcp: listeners.iter().map(tcp).collect(),
    })
}

fn interface(interface: &InterfaceStatus, status: &Status) -> Interface {
    let program = interface.ingress.program().unwrap_or_default();
    let tag = status.programs.iter().find(|one| one.name == program).map(|one| one.tag.clone());
    Interface {
        interface: interface.name.clone(),
        mode: interface.ingress.to_string(),
        program: program.to_owned(),
        tag: tag.unwrap_or_default(),
    }
}

fn traffic(listener: &ListenerCounters) -> impl Iterator<Item = Traffic> {
    listener.packets.iter().map(|count| Traffic {
        listener: listener.listener.clone(),
        protocol: count.protocol.clone(),
        direction: count.direction.clone(),
        verdict: count.verdict.clone(),
        packets: count.packets,
        bytes: count.bytes,
    })
}

fn dropped(count: DropCount) -> Drops {
    Drops { reason: count.reason, rule: count.rule, interface: count.interface, packets: count.packets }
}

fn decisions(count: &BalanceCount) -> impl Iterator<Item = Balanced> {
    [
        ("known", count.known),
        ("new", count.new),
        ("unremembered", count.unremembered),
        ("error", count.errors),
        ("fragment", count.fragments),
        ("too_long", count.too_long),
        ("told", count.told),
        ("unreachable", count.unreachable),
    ]
    .map(|(decision, packets)| Balanced { address: count.address.clone(), decision, packets })
    .into_iter()
}

fn members(count: &BalanceCount, status: &Status) -> Vec<BalanceMember> {
    let states =
        status.balance.iter().filter(|one| one.address == count.address).flat_map(|one| &one.members);
    let ready: Vec<_> = states.filter(|one| one.state == MemberState::Ready).map(|one| one.address).collect();
    let member = |one: &MemberCount| BalanceMember {
        address: count.address.clone(),
        member: one.member.to_string(),
        ready: ready.contains(&one.member),
        packets: one.packets,
        bytes: one.bytes,
    };
    count.members.iter().map(member).collect()
}

fn tcp(listener: &ListenerCounters) -> Tcp {
    Tcp {
        listener: listener.listener.clone(),
        established: listener.connections.established,
        closed: listener.connections.closed.saturating_sub(listener.connections.aborted),
        aborted: listener.connections.aborted,
        lookup_errors: listener.connections.steer_errors,
        retransmits: listener.connections.retransmits,
        syn: listener.segments_in.syn + listener.segments_out.syn,
        fin: listener.segments_in.fin + listener.segments_out.fin,
        rst: listener.segments_in.rst + listener.segments_out.rst,
        flood: listener.cookies.flood,
        cookies_sent: listener.cookies.sent,
        cookies_returned: listener.cookies.returned,
        rtt_counts: buckets(&listener.round_trips.classes),
        rtt_sum_micros: listener.round_trips.sum_microseconds,
        duration_counts: buckets(&listener.durations.classes),
        duration_sum_millis: listener.durations.sum_milliseconds,
    }
}

/// Class c ends at 2^c, bucket i begins there.
fn buckets(classes: &[u64]) -> [u64; TIME_BUCKETS] {
    let mut buckets = [0; TIME_BUCKETS];
    for (class, count) in classes.iter().enumerate() {
        buckets[class.saturating_sub(1).min(TIME_BUCKETS - 1)] += count;
    }
    buckets
}
