//! Text for `gateway datapath …`.

use std::fmt::Write;
use std::time::Duration;

use crate::balance::VirtualAddressStatus;
use crate::counters::{Counters, DropCount, ListenerCounters, rtt_upper_bound};
use crate::detach::Detached;
use crate::shed::{Claim, ShedAnswer};
use crate::status::{ProgramStatus, State, Status};

/// Adds a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($content:tt)+) => {{
        let _ = writeln!($text, $($content)+);
    }};
}

/// The status, a few lines for people.
pub fn render_status(status: &Status) -> String {
    let mut text = String::new();
    let state = match (status.state, status.enabled) {
        (State::Off, _) => "off",
        (State::On, false) => "on, switched to pass everything uncounted",
        (State::On, true) => "on",
    };
    line!(text, "datapath: {state}");
    if let Some(reason) = &status.reason {
        line!(text, "reason: {reason}");
    }
    for interface in &status.interfaces {
        let egress = if interface.egress { "tcx" } else { "off" };
        let trial = if interface.on_trial { " (on trial)" } else { "" };
        line!(text, "interface {}: in {}{trial}, out {egress}", interface.name, interface.ingress);
        for found in &interface.findings {
            line!(text, "  {found}");
        }
        for refused in &interface.refused {
            line!(text, "  not in use: {refused}");
        }
    }
    for listener in &status.listeners {
        line!(text, "listener {}: {}", listener.name, listener.bindings.join(" "));
    }
    if let Some(steering) = &status.steering {
        line!(text, "new connections go to workers by {steering}");
    }
    render_rules(&mut text, status);
    render_balance(&mut text, &status.balance);
    if status.state == State::On {
        line!(text, "kernel: tier {}", status.tier.name());
    }
    for program in &status.programs {
        let places = if program.attached.is_empty() { "nowhere".into() } else { program.attached.join(", ") };
        line!(
            text,
            "program {} (id {}, tag {}): {places}{}",
            program.name,
            program.id,
            program.tag,
            runs(program)
        );
    }
    for listener in &status.flooded {
        line!(text, "SYN flood on listener {listener}: answered with cookies");
    }
    for refused in &status.refused {
        line!(text, "not in use: {refused}");
    }
    text
}

/// What a program has run, where the kernel counts it.
fn runs(program: &ProgramStatus) -> String {
    program.runs.map_or_else(String::new, |runs| {
        format!("; {} runs, {} ns each", runs.count, runs.nanoseconds / runs.count.max(1))
    })
}

fn render_balance(text: &mut String, addresses: &[VirtualAddressStatus]) {
    for address in addresses {
        let last_known = if address.last_known { ", no member is ready: as last known" } else { "" };
        line!(text, "virtual address {}{last_known}", address.address);
        for member in &address.members {
            let (whole, part) = (member.share / 10, member.share % 10);
            let way =
                member.unreachable.as_ref().map_or_else(String::new, |why| format!(", unreachable: {why}"));
            let (address, weight, state) = (member.address, member.weight, member.state.word());
            line!(text, "  member {address}: {state}, weight {weight}, {whole}.{part} % of the ring{way}");
        }
    }
}

fn render_rules(text: &mut String, status: &Status) {
    let shed = &status.shed;
    for rule in shed.rules.iter().filter(|rule| rule.prefixes > 0) {
        line!(text, "rule {} ({}): {}", rule.rule, rule.reason, prefix_count(rule.prefixes));
    }
    for network in &shed.protected {
        line!(text, "never denied: {network}");
    }
    if shed.waiting > 0 {
        line!(text, "{}", no_room(shed.waiting));
    }
    for refused in &shed.refused {
        line!(text, "rule refused: {refused}");
    }
}

fn no_room(waiting: usize) -> String {
    format!("no room for {}, which drop nothing (setting datapath.prefixes.max)", prefix_count(waiting))
}

/// `1 prefix`, `2 prefixes`.
pub fn prefix_count(count: usize) -> String {
    if count == 1 { "1 prefix".to_owned() } else { format!("{count} prefixes") }
}

/// What became of a change that was asked for, without what was refused; `trial` in seconds.
pub fn render_change(answer: &ShedAnswer, trial: Option<u64>) -> String {
    let mut text = String::new();
    line!(text, "{} changed", prefix_count(answer.changed));
    if let Some(seconds) = trial.filter(|_| answer.on_trial > 0) {
        let which =
            if answer.on_trial == answer.changed { "" } else { "those that did not hold before are " };
        line!(text, "{which}rolled back in {seconds} s unless `gateway datapath confirm` comes first");
    }
    if answer.waiting > 0 {
        line!(text, "{}", no_room(answer.waiting));
    }
    text
}

/// What the rules claim, one prefix a line, then what each has dropped.
pub fn render_claims(claims: &[Claim], more: usize, drops: &[DropCount]) -> String {
    let mut text = String::new();
    for claim in claims {
        let end = match (claim.seconds, claim.on_trial) {
            (Some(seconds), true) => format!(", gone in {seconds} s unless confirmed"),
            (Some(seconds), false) => format!(", for {seconds} s"),
            (None, _) => String::new(),
        };
        line!(text, "{} {} ({}{end})", claim.list.word(), claim.prefix, claim.rule);
    }
    if more > 0 {
        line!(text, "and {more} more");
    }
    for count in drops.iter().filter(|count| count.packets > 0) {
        let DropCount { reason, rule, interface, packets, bytes } = count;
        line!(text, "dropped by {rule} ({reason}) on {interface}: {packets} packets, {bytes} bytes");
    }
    if text.is_empty() {
        text.push_str("no prefixes, and nothing dropped\n");
    }
    text
}

/// Rates between two readings that lie `elapsed` apart, one line a listener.
pub fn render_top(before: &Counters, now: &Counters, elapsed: Duration) -> String {
    let mut text = String::new();
    let columns = "listener             in pkt/s    in Mbit/s   out pkt/s   out Mbit/s    conn/s       open  retrans/s  rtt p50";
    line!(text, "{columns}");
    let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let none = ListenerCounters::default();
    for listener in &now.listeners {
        let old = before.listener(&listener.listener).unwrap_or(&none);
        let rate = |now: u64, old: u64| now.saturating_sub(old) as f64 / seconds;
        let (packets_in, bytes_in) = listener.total("in");
        let (old_packets_in, old_bytes_in) = old.total("in");
        let (packets_out, bytes_out) = listener.total("out");
        let (old_packets_out, old_bytes_out) = old.total("out");
        let connections = listener.connections;
        let row = format!(
            "{:<18} {:>11.0} {:>12.2} {:>11.0} {:>12.2} {:>9.0} {:>10} {:>10.0} {:>8}",
            listener.listener,
            rate(packets_in, old_packets_in),
            rate(bytes_in, old_bytes_in) * 8.0 / 1e6,
            rate(packets_out, old_packets_out),
            rate(bytes_out, old_bytes_out) * 8.0 / 1e6,
            rate(connections.established, old.connections.established),
            connections.established.saturating_sub(connections.closed),
            rate(connections.retransmits, old.connections.retransmits),
            median(listener, old),
        );
        line!(text, "{}", row.trim_end());
    }
    text
}

/// Upper bound of the class that holds the middle sample of the interval; `-` without one.
fn median(now: &ListenerCounters, old: &ListenerCounters) -> String {
    let classes = now.round_trips.classes.iter().zip(&old.round_trips.classes);
    let new: Vec<u64> = classes.map(|(now, old)| now.saturating_sub(*old)).collect();
    let total: u64 = new.iter().sum();
    let mut seen = 0;
    for (class, count) in new.iter().enumerate() {
        seen += count;
        if total > 0 && seen * 2 >= total {
            return rtt_upper_bound(class).map_or_else(|| ">4.2s".to_owned(), |bound| format!("<{bound}us"));
        }
    }
    "-".to_owned()
}

/// What `gateway datapath detach` did.
pub fn render_detached(result: &Detached) -> String {
    let mut text = String::new();
    for place in &result.detached {
        line!(text, "detached {place}");
    }
    for place in &result.failed {
        line!(text, "not detached {place}");
    }
    for program in &result.remaining {
        line!(text, "remains {program}");
    }
    if text.is_empty() {
        text.push_str("none of our programs is loaded (nothing is pinned: they end with the gateway)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{MemberState, MemberStatus};
    use crate::counters::{ConnectionCounts, PacketCount};
    use crate::settings::{Ingress, Steering};
    use crate::shed::{List, RuleStatus, ShedStatus};
    use crate::status::{InterfaceStatus, ListenerStatus, ProgramStatus, Runs};
    use crate::tier::Tier;

    fn reading(packets: u64, bytes: u64, established: u64, rtt_class: usize, samples: u64) -> Counters {
        let count = PacketCount {
            direction: "in".into(),
            protocol: "tcp".into(),
            verdict: "pass".into(),
            packets,
            bytes,
        };
        let mut listener = ListenerCounters { listener: "http".into(), ..ListenerCounters::default() };
        listener.packets.push(count);
        listener.connections = ConnectionCounts { established, closed: 3, ..ConnectionCounts::default() };
        listener.round_trips.classes[rtt_class] = samples;
        Counters { listeners: vec![listener], ..Counters::default() }
    }

    #[test]
    fn render_top_two_readings_gives_rates() {
        let before = reading(1_000, 1_000_000, 5, 7, 10);
        let now = reading(3_000, 3_500_000, 9, 7, 30);
        let text = render_top(&before, &now, Duration::from_secs(2));
        let words: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["http", "1000", "10.00", "0", "0.00", "2", "6", "0", "<128us"]);
    }

    #[test]
    fn render_top_without_samples_shows_no_median() {
        let text = render_top(&Counters::default(), &reading(0, 0, 3, 0, 0), Duration::ZERO);
        assert!(text.trim_end().ends_with('-'), "{text}");
    }

    #[test]
    fn render_status_names_modes_places_and_refusals() {
        let status = Status {
            state: State::On,
            reason: None,
            tier: Tier::T3,
            enabled: true,
            interfaces: vec![InterfaceStatus {
                name: "eth0".into(),
                index: 2,
                ingress: Ingress::Generic,
                on_trial: true,
                egress: true,
                refused: vec!["native counting on eth0: the driver does not support it (EOPNOTSUPP)".into()],
                findings: vec!["interface eth0: TCX was taken back".into()],
            }],
            listeners: vec![ListenerStatus { name: "http".into(), bindings: vec!["[::]:8080".into()] }],
            programs: vec![ProgramStatus {
                name: "gw_ingress".into(),
                id: 7,
                tag: "00ff".into(),
                verified_instructions: None,
                attached: vec!["xdp on interface 2".into()],
                runs: Some(Runs { count: 10, nanoseconds: 405 }),
            }],
            steering: Some(Steering::Hash),
            shed: ShedStatus {
                rules: vec![
                    RuleStatus { rule: "command".into(), reason: "deny".into(), prefixes: 2 },
                    RuleStatus { rule: "malformed".into(), reason: "malformed".into(), prefixes: 0 },
                ],
                protected: vec!["192.0.2.1 (SSH connection to this host)".into()],
                waiting: 3,
                drift: 0,
                refused: Vec::new(),
            },
            balance: vec![VirtualAddressStatus {
                address: "203.0.113.10:443".into(),
                members: vec![MemberStatus {
                    address: "10.0.0.11".parse().unwrap(),
                    weight: 2,
                    state: MemberState::Draining,
                    share: 666,
                    unreachable: Some("no route to host".into()),
                }],
                last_known: true,
            }],
            flooded: vec!["http".into()],
            refused: vec!["sock_ops: no cgroup2 is mounted".into()],
        };
        let expected = "datapath: on\n\
             interface eth0: in generic (on trial), out tcx\n\
             \x20 interface eth0: TCX was taken back\n\
             \x20 not in use: native counting on eth0: the driver does not support it (EOPNOTSUPP)\n\
             listener http: [::]:8080\n\
             new connections go to workers by hash\n\
             rule command (deny): 2 prefixes\n\
             never denied: 192.0.2.1 (SSH connection to this host)\n\
             no room for 3 prefixes, which drop nothing (setting datapath.prefixes.max)\n\
             virtual address 203.0.113.10:443, no member is ready: as last known\n\
             \x20 member 10.0.0.11: draining, weight 2, 66.6 % of the ring, unreachable: no route to host\n\
             kernel: tier T3\n\
             program gw_ingress (id 7, tag 00ff): xdp on interface 2; 10 runs, 40 ns each\n\
             SYN flood on listener http: answered with cookies\n\
             not in use: sock_ops: no cgroup2 is mounted\n";
        assert_eq!(render_status(&status), expected);
        // What travels through `GET /datapath`.
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
    }

    #[test]
    fn render_change_says_what_is_on_trial() {
        let answer =
            |changed, on_trial, waiting| ShedAnswer { changed, on_trial, waiting, refused: Vec::new() };
        assert_eq!(render_change(&answer(1, 0, 0), Some(60)), "1 prefix changed\n");
        let trial = "rolled back in 60 s unless `gateway datapath confirm` comes first\n";
        assert_eq!(render_change(&answer(2, 2, 0), Some(60)), format!("2 prefixes changed\n{trial}"));
        let some = format!(
            "2 prefixes changed\nthose that did not hold before are {trial}\
             no room for 1 prefix, which drop nothing (setting datapath.prefixes.max)\n"
        );
        assert_eq!(render_change(&answer(2, 1, 1), Some(60)), some);
    }

    #[test]
    fn render_claims_shows_ends_trials_and_drops() {
        let claim = |list, prefix: &str, seconds, on_trial| Claim {
            list,
            prefix: prefix.parse().unwrap(),
            rule: "command".into(),
            seconds,
            on_trial,
        };
        let claims = [
            claim(List::Deny, "203.0.113.0/24", Some(59), true),
            claim(List::Deny, "203.0.113.7", Some(100), false),
            claim(List::Allow, "2001:db8::/32", None, false),
        ];
        let drop = |rule: &str, packets| DropCount {
            reason: "deny".into(),
            rule: rule.into(),
            interface: "eth0".into(),
            packets,
            bytes: packets * 60,
        };
        let expected = "deny 203.0.113.0/24 (command, gone in 59 s unless confirmed)\n\
             deny 203.0.113.7 (command, for 100 s)\n\
             allow 2001:db8::/32 (command)\n\
             and 5 more\n\
             dropped by command (deny) on eth0: 2 packets, 120 bytes\n";
        assert_eq!(render_claims(&claims, 5, &[drop("command", 2), drop("malformed", 0)]), expected);
        assert_eq!(render_claims(&[], 0, &[]), "no prefixes, and nothing dropped\n");
    }
}
