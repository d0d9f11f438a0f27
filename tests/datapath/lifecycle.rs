//! Start, end and everything that can be in the way.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use gateway_datapath::{
    Action, Claim, Datapath, DatapathSettings, Ingress, List, Mode, ShedRequest, ShedSettings, State,
    detach_programs, placements, render_detached, render_status,
};

use crate::counting::{listener, settings};
use crate::frames::{SYN, TCP, ethernet, from_v4, ipv4, tcp};
use gateway_tests::namespaces::{
    CLIENT_MAC, GATEWAY_INTERFACE, GATEWAY_MAC, World, counters_when, eventually,
};

const PORT: u16 = 8080;
/// Set for the process that [`holder`] is.
const HOLDER: &str = "GATEWAY_TEST_HOLDER";

/// No test of its own: another process that holds a datapath until its standard input ends.
#[test]
fn holder() {
    if env::var_os(HOLDER).is_none() {
        return;
    }
    let required = DatapathSettings { mode: Mode::Required, ..settings(Ingress::Native) };
    let datapath = Datapath::start(&required, &[listener("http", "::", PORT..=PORT)]).unwrap();
    let ids: Vec<_> = datapath.status().programs.iter().map(|one| one.id.to_string()).collect();
    println!("holding {}", ids.join(" "));
    let _ = std::io::stdin().read(&mut [0]);
}

/// Starts [`holder`] at the gateway's end; its programs' ids.
fn hold(world: &World) -> (Child, ChildStdin, Vec<u32>) {
    let mut child = world.gateway.run(|| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "lifecycle::holder", "--nocapture"])
            .env(HOLDER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let input = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("holding ")?.1.to_owned()));
    let ids = line.expect("the holder's line").split(' ').map(|id| id.parse().unwrap()).collect();
    (child, input, ids)
}

fn placed(ids: &[u32]) -> usize {
    placements().unwrap().iter().filter(|one| ids.contains(&one.program_id)).count()
}

fn shows_xdp(world: &World) -> bool {
    world.gateway.ip(&format!("link show {GATEWAY_INTERFACE}")).contains("xdp")
}

/// E-05.
#[test]
fn killed_holder_leaves_nothing_attached() {
    let Some(world) = World::new() else { return };
    let (mut child, _input, ids) = hold(&world);
    // XDP, TCX egress and sock_ops (the last where a cgroup2 is mounted).
    assert!(placed(&ids) >= 2 && shows_xdp(&world));
    child.kill().unwrap();
    child.wait().unwrap();
    // The kernel gives links back in its own time.
    assert!(eventually(|| placed(&ids) == 0), "{:?}", placements());
    assert!(eventually(|| !shows_xdp(&world)));
}

#[test]
fn detach_from_outside_frees_the_interface_and_holds() {
    let Some(world) = World::new() else { return };
    let datapath = world.start(&settings(Ingress::Native), &[listener("http", "::", PORT..=PORT)]);
    let ids: Vec<_> = datapath.status().programs.iter().map(|one| one.id).collect();
    let before = placed(&ids);
    let result = detach_programs(|id| ids.contains(&id)).unwrap();
    assert_eq!((result.detached.len(), result.failed.len()), (before, 0), "{result:?}");
    assert!(render_detached(&result).contains("detached gw_ingress: xdp on interface"));
    assert!(!shows_xdp(&world));
    // The gateway says so, and does not attach again behind the operator's back.
    world.gateway.run(|| datapath.refresh());
    let status = datapath.status();
    assert_eq!((status.interfaces[0].ingress, status.interfaces[0].egress), (Ingress::Off, false));
    assert_eq!(placed(&ids), 0);
}

#[test]
fn dropped_datapath_detaches() {
    let Some(world) = World::new() else { return };
    let datapath = world.start(&settings(Ingress::Generic), &[listener("http", "::", PORT..=PORT)]);
    assert!(shows_xdp(&world));
    drop(datapath);
    assert!(!shows_xdp(&world));
}

/// Who looks for our programs with bpftool finds them by their tags.
#[test]
fn program_tags_are_those_that_the_kernel_shows() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let datapath = world.start(&settings(Ingress::Tcx), &[listener("http", "::", PORT..=PORT)]);
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
        line.map(str::to_owned)
    };
    // proc(5): what descriptors of programs say of them.
    let held = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let texts = held.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let shown: BTreeMap<_, _> =
        texts.filter_map(|text| Some((field(&text, "prog_id:")?, field(&text, "prog_tag:")?))).collect();
    let programs = datapath.status().programs;
    assert!(!programs.is_empty());
    for program in programs {
        assert_eq!(shown.get(&program.id.to_string()), Some(&program.tag), "{}", program.name);
    }
}

/// E-07.
#[test]
fn foreign_xdp_program_stays() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let specs = [listener("http", "::", PORT..=PORT)];
    let foreign = world.start(&settings(Ingress::Native), &specs);
    for mode in [Ingress::Native, Ingress::Generic] {
        let ours = world.gateway.run(|| Datapath::start(&settings(mode), &specs)).unwrap();
        let status = ours.status();
        let [interface] = status.interfaces.as_slice() else { panic!("{status:?}") };
        assert_eq!(interface.ingress, Ingress::Off);
        let [line] = interface.refused.as_slice() else { panic!("{interface:?}") };
        let expected = format!(
            "{mode} counting on {GATEWAY_INTERFACE}: another program is attached there, and stays (E"
        );
        assert!(line.starts_with(&expected), "{line}");
    }
    assert_eq!(foreign.status().interfaces[0].ingress, Ingress::Native);
    // TCX stands beside it.
    let beside = world.start(&settings(Ingress::Tcx), &specs);
    world.send(&[ethernet(0x0800, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])))]);
    for datapath in [&foreign, &beside] {
        let counters =
            counters_when(datapath, |counters| counters.listener("http").unwrap().total("in").0 == 1);
        assert_eq!(counters.listener("http").unwrap().total("in").0, 1);
    }
}

/// E-02: what does not work is named, and what does is in the status.
#[test]
fn required_that_cannot_be_is_an_error_of_one_line() {
    let Some(world) = World::new() else { return };
    let specs = [listener("http", "::", PORT..=PORT)];
    let _foreign = world.start(&settings(Ingress::Native), &specs);
    let required = DatapathSettings { mode: Mode::Required, ..settings(Ingress::Native) };
    let error = world.gateway.run(|| Datapath::start(&required, &specs)).err().expect("an error").to_string();
    assert!(
        error.starts_with("datapath required, but native counting on gw0: ") && !error.contains('\n'),
        "{error}"
    );
    let loopback = DatapathSettings { mode: Mode::Required, ..settings(Ingress::Auto) };
    let local = [listener("http", "127.0.0.1", PORT..=PORT)];
    let error = world.gateway.run(|| Datapath::start(&loopback, &local)).err().expect("an error").to_string();
    assert_eq!(error, "datapath required, but no interface carries a listen address");
}

#[test]
fn off_by_setting_runs_without_programs() {
    let off = DatapathSettings { mode: Mode::Off, ..DatapathSettings::default() };
    let datapath = Datapath::start(&off, &[]).unwrap();
    let status = datapath.status();
    assert_eq!((status.state, status.reason.as_deref()), (State::Off, Some("switched off by setting")));
    assert!(datapath.counters().listeners.is_empty());
    assert_eq!(render_status(&status), "datapath: off\nreason: switched off by setting\n");
}

/// Runs [`bounded`] at the gateway's end with no capabilities but these; `None` with a line without setpriv
/// (util-linux).
fn with_capabilities(world: &World, kept: &str) -> Option<String> {
    let output = world.gateway.run(|| {
        Command::new("setpriv")
            .args([&format!("--bounding-set=-all{kept}"), "--inh-caps=-all", "--"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "lifecycle::bounded", "--nocapture"])
            .env(HOLDER, "1")
            .output()
    });
    let Ok(output) = output else {
        eprintln!("SKIPPED: no setpriv");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// E-01.
#[test]
fn without_capabilities_auto_is_off_with_one_line() {
    let Some(world) = World::new() else { return };
    let Some(text) = with_capabilities(&world, "") else { return };
    assert!(text.contains("datapath: off\nreason: eBPF map "), "{text}");
    assert!(text.contains(": needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON (EPERM)\n"), "{text}");
}

/// E-01.
#[test]
fn without_one_of_the_capabilities_a_line_names_it() {
    let Some(world) = World::new() else { return };
    // CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF, each missing once.
    for (kept, name) in [
        (",+cap_38,+cap_39", "CAP_NET_ADMIN"),
        (",+cap_12,+cap_39", "CAP_PERFMON"),
        (",+cap_12,+cap_38", "CAP_BPF"),
    ] {
        let Some(text) = with_capabilities(&world, kept) else { return };
        let line = text.lines().find(|line| line.contains(&format!("needs {name} (EPERM)")));
        let line =
            line.or_else(|| text.lines().find(|line| line.contains(&format!("needs {name} (EACCES)"))));
        assert!(line.is_some(), "without {name}: {text}");
        assert!(!text.contains("in native"), "without {name}: {text}");
    }
}

#[test]
fn with_the_three_capabilities_everything_works() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    // CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF: what a service has to be given.
    let Some(text) = with_capabilities(&world, ",+cap_12,+cap_38,+cap_39") else { return };
    assert!(text.contains("interface gw0: in native, out tcx\n"), "{text}");
    assert!(!text.contains("not in use"), "{text}");
}

/// No test of its own: what a process with few capabilities gets.
#[test]
fn bounded() {
    if env::var_os(HOLDER).is_none() {
        return;
    }
    let mut wanted = settings(Ingress::Native);
    wanted.balance.addresses = vec!["203.0.113.10:443 = 192.0.2.101".parse().unwrap()];
    wanted.balance.accept = vec!["192.0.2.102".parse().unwrap()];
    let datapath = Datapath::start(&wanted, &[listener("http", "::", PORT..=PORT)]).unwrap();
    print!("{}", render_status(&datapath.status()));
}

/// E-07.
#[test]
fn interface_that_returns_is_attached_again() {
    let Some(world) = World::new() else { return };
    let datapath = world.start(&settings(Ingress::Native), &[listener("http", "::", PORT..=PORT)]);
    let refresh = || {
        world.gateway.run(|| datapath.refresh());
        datapath.status().interfaces
    };
    let first = refresh();
    world.gateway.ip(&format!("link delete {GATEWAY_INTERFACE}"));
    assert!(refresh().is_empty());
    world.pair(GATEWAY_INTERFACE, "cl0");
    world.address(&world.gateway, GATEWAY_INTERFACE, ["192.0.2.2", "2001:db8::2"]);
    world.client.ip("link set cl0 up");
    let second = refresh();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].ingress, Ingress::Native);
    assert_ne!(first[0].index, second[0].index);
    assert_ne!(CLIENT_MAC, GATEWAY_MAC);
}

#[test]
fn interface_by_name_is_taken_and_an_unknown_one_reported() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let names = vec![GATEWAY_INTERFACE.to_owned(), "eth9".to_owned()];
    let named = DatapathSettings { interfaces: Some(names), ..settings(Ingress::Tcx) };
    let specs = [listener("http", "127.0.0.1", PORT..=PORT)];
    let datapath = world.gateway.run(|| Datapath::start(&named, &specs)).unwrap();
    let status = datapath.status();
    assert_eq!(status.interfaces.len(), 1);
    assert!(status.refused.contains(&"interface eth9: there is none of that name".to_owned()), "{status:?}");
    assert!(render_status(&status).contains("interface gw0: in tcx, out tcx"));
}

#[test]
fn takeover_of_the_attachments_leaves_no_packet_unseen() {
    for mode in [Ingress::Native, Ingress::Generic] {
        let Some(world) = World::new() else { return };
        let specs = [listener("http", "::", PORT..=PORT)];
        let old = world.start(&settings(mode), &specs);
        let syn = ethernet(0x0800, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])));
        let seen = |datapath: &Datapath| datapath.counters().listener("http").unwrap().total("in").0;
        let arrived = |datapath: &Datapath, count: u64| {
            counters_when(datapath, |counters| counters.listener("http").unwrap().total("in").0 == count);
            seen(datapath)
        };
        world.send(std::slice::from_ref(&syn));
        assert_eq!(arrived(&old, 1), 1);

        let handed = old.hand_over().unwrap();
        assert_eq!(handed.links.iter().map(|link| link.mode).collect::<Vec<_>>(), [mode]);
        let take = || world.gateway.run(|| Datapath::take_over(&settings(mode), &specs, &handed)).unwrap();
        let new = take();
        assert_eq!(new.status().interfaces[0].ingress, mode, "{:?}", new.status().interfaces);
        world.send(&[syn.clone(), syn.clone()]);
        assert_eq!((arrived(&new, 2), seen(&old)), (2, 1), "{mode}");

        // The new one fails after all: the old one's programs are back.
        drop(new);
        old.reclaim(&specs);
        world.send(std::slice::from_ref(&syn));
        assert_eq!(arrived(&old, 2), 2, "{mode}");

        let new = take();
        drop((old, handed));
        assert!(shows_xdp(&world), "the attachment outlives who made it");
        world.send(std::slice::from_ref(&syn));
        assert_eq!(arrived(&new, 1), 1, "{mode}");
        drop(new);
        assert!(!shows_xdp(&world));
    }
}

/// What was said by command, and who is kept off, stays with the next process; files and settings are its own.
#[test]
fn takeover_keeps_the_lists_that_stand_in_no_file() {
    let Some(world) = World::new() else { return };
    let specs = [listener("http", "::", PORT..=PORT)];
    let old = world.start(&settings(Ingress::Native), &specs);
    let ask = |datapath: &Datapath, list, prefix: &str, seconds, trial_seconds| {
        let prefixes = vec![prefix.parse().unwrap()];
        let operator = None;
        datapath
            .change(&ShedRequest { action: Action::Add, list, prefixes, seconds, trial_seconds, operator })
            .unwrap()
    };
    for (list, prefix, seconds, trial) in [
        (List::Deny, "203.0.113.0/24", None, None),
        (List::Deny, "2001:db8:bad::/48", Some(3600), None),
        (List::Deny, "198.51.100.1", Some(60), Some(30)),
        (List::Deny, "198.51.100.2", None, Some(30)),
        (List::Allow, "203.0.113.16/28", None, None),
    ] {
        assert_eq!(ask(&old, list, prefix, seconds, trial).changed, 1);
    }
    assert_eq!(old.keep_off([("192.0.2.77".parse().unwrap(), "keys")]), 1);

    let handed = old.hand_over().unwrap();
    let refused = ask(&old, List::Deny, "198.51.100.3", None, None);
    assert_eq!((refused.changed, refused.refused.len()), (0, 1), "it would be lost");
    assert!(old.confirm().is_err());
    let protected = "198.51.100.0/31".parse().unwrap();
    let shed = ShedSettings { management: vec![protected], ..ShedSettings::default() };
    let wanted = DatapathSettings { shed, ..settings(Ingress::Native) };
    let new = world.gateway.run(|| Datapath::take_over(&wanted, &specs, &handed)).unwrap();

    let said = |datapath: &Datapath| {
        let (claims, _) = datapath.claims().unwrap();
        let ours = claims.into_iter().filter(|claim| ["command", "keys"].contains(&claim.rule.as_str()));
        // Seconds went by.
        let line = |claim: Claim| {
            (
                claim.list.word(),
                claim.prefix.to_string(),
                claim.rule,
                claim.seconds.map(|s| s / 30),
                claim.on_trial,
            )
        };
        ours.map(line).collect::<Vec<_>>()
    };
    let mut expected = said(&old);
    assert_eq!(expected.len(), 6);
    expected.retain(|claim| claim.1 != "198.51.100.1");
    assert_eq!(said(&new), expected, "but for what the new one protects");
    assert!(new.status().shed.refused.iter().any(|line| line.contains("198.51.100.1")), "{:?}", new.status());
    assert_eq!(new.confirm(), Ok(1));
    let lasting = said(&new).into_iter().find(|claim| claim.1 == "198.51.100.2").unwrap();
    assert_eq!((lasting.3, lasting.4), (None, false), "for ever, as it was asked for");

    drop(new);
    old.reclaim(&specs);
    assert_eq!(ask(&old, List::Deny, "198.51.100.3", None, None).changed, 1);
    // A second successor gets them, too.
    let handed = old.hand_over().unwrap();
    let new = world.gateway.run(|| Datapath::take_over(&settings(Ingress::Native), &specs, &handed)).unwrap();
    drop(old);
    assert_eq!(said(&new).len(), 7);
    let denied = ethernet(0x0800, &from_v4("203.0.113.9", ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[]))));
    world.send(&[denied]);
    let dropped = || new.counters().drops.iter().any(|one| one.rule == "command" && one.packets == 1);
    assert!(eventually(dropped), "{:?}", new.counters().drops);
}
