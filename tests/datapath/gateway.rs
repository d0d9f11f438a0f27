//! The whole gateway in a namespace: packets through a veth pair, requests through the policies, figures out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gateway::Gateway;
use gateway_datapath::Ingress;
use gateway_telemetry::Listener;

use gateway_tests::namespaces::{GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, modes, usual_mode};
use gateway_tests::start_gateway;

const API: &str = r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["http"], "apiRevision": "1",
    "isCurrent": true, "subscriptionRequired": false}}"#;
const OPERATION: &str = r#"{"properties": {"displayName": "item", "method": "GET", "urlTemplate": "/item",
    "templateParameters": []}}"#;
const POLICY: &str = r#"<policies><inbound><return-response><set-body>hello</set-body></return-response></inbound>
    <backend /><outbound /><on-error /></policies>"#;

pub fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let operation = dir.path().join("apis/a/operations/item");
    std::fs::create_dir_all(&operation).unwrap();
    std::fs::write(dir.path().join("apis/a/apiInformation.json"), API).unwrap();
    std::fs::write(dir.path().join("apis/a/policy.xml"), POLICY).unwrap();
    std::fs::write(operation.join("operationInformation.json"), OPERATION).unwrap();
    dir
}

/// A gateway at the gateway's end of the world, on any address.
fn start(world: &World, config: &std::path::Path, mode: &str, xdp: &str) -> Gateway {
    start_with(world, config, mode, xdp, &[])
}

fn start_with(
    world: &World,
    config: &std::path::Path,
    mode: &str,
    xdp: &str,
    more: &[(&str, &str)],
) -> Gateway {
    let settings = [
        ("config.folder", config.to_str().unwrap()),
        ("net.http.address", "[::]:8080"),
        ("net.https.address", "off"),
        ("admin.address", "127.0.0.1:9090"),
        ("datapath.mode", mode),
        ("datapath.interface", GATEWAY_INTERFACE),
        ("datapath.xdp", xdp),
        ("datapath.http.bindings", "0.0.0.0:80,[::]:80"),
        ("datapath.management", "192.0.2.128/25"),
        ("telemetry.logs.std", "none"),
        ("shutdown.delay", "0"),
        ("shutdown.timeout", "2"),
    ];
    let settings = [&settings, more].concat();
    world.gateway.run(|| start_gateway(&settings))
}

/// One request on a connection of its own, from one of the namespaces.
pub fn get(world: &World, from_client: bool, address: &str, path: &str) -> String {
    get_with(world, from_client, address, path, "")
}

/// The same with more fields, each with its end of line.
fn get_with(world: &World, from_client: bool, address: &str, path: &str, fields: &str) -> String {
    let namespace = if from_client { &world.client } else { &world.gateway };
    namespace.run(|| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
}

pub fn metric(world: &World, name: &str, labels: &[&str]) -> u64 {
    get(world, false, "127.0.0.1:9090", "/metrics")
        .lines()
        .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[test]
fn requests_through_the_kernel_path_are_served_and_counted() {
    for xdp in modes(&[Ingress::Native, Ingress::Generic, Ingress::Tcx]) {
        let Some(world) = World::new() else { return };
        let config = folder();
        let gateway = start(&world, config.path(), "required", &xdp.to_string());
        assert_eq!(gateway.address(Listener::Http).map(|address| address.port()), Some(8080));
        let before = world.sent_by_client();
        let mut requests = 0;
        for address in [GATEWAY_V4.to_owned(), format!("[{GATEWAY_V6}]")] {
            // Port 80 is bound by nobody: sk_lookup brings its connections to the workers' sockets.
            for port in [8080, 80] {
                for _ in 0..5 {
                    let answer = get(&world, true, &format!("{address}:{port}"), "/a/item");
                    assert!(
                        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
                        "{xdp}: {answer}"
                    );
                    requests += 1;
                }
            }
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        let counted = |direction: &str| {
            metric(
                &world,
                "gateway_datapath_packets_total",
                &["listener=\"http\"", direction, "protocol=\"tcp\""],
            )
        };
        let sent = || world.sent_by_client() - before;
        while counted("direction=\"in\"") != sent() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(counted("direction=\"in\""), sent(), "{xdp}: every packet the client sent, no other");
        assert_eq!(
            metric(&world, "gateway_requests_total", &["api=\"a\"", "response_code=\"200\""]),
            requests
        );
        assert_eq!(
            metric(&world, "gateway_tcp_connections_total", &["listener=\"http\"", "established"]),
            requests
        );
        gateway.stop();
        assert!(!world.gateway.ip(&format!("link show dev {GATEWAY_INTERFACE}")).contains("xdp"), "detached");
    }
}

/// The interface was chosen by its name, and stays when it gets another one.
#[test]
fn renamed_interface_is_shown_under_its_new_name() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let gateway = start(&world, config.path(), "required", &usual_mode().to_string());
    let shown = |name: &str| metric(&world, "gateway_datapath_info", &[&format!("interface=\"{name}\"")]);
    assert!(within_ten_seconds(|| shown(GATEWAY_INTERFACE) == 1));
    // Linux before 6.2 renames only what is down.
    for words in
        [format!("{GATEWAY_INTERFACE} down"), format!("{GATEWAY_INTERFACE} name wan0"), "wan0 up".into()]
    {
        world.gateway.ip(&format!("link set {words}"));
    }
    assert!(within_ten_seconds(|| (shown(GATEWAY_INTERFACE), shown("wan0")) == (0, 1)));
    let status = get(&world, false, "127.0.0.1:9090", "/datapath");
    assert!(status.contains(r#""name":"wan0""#) && !status.contains(r#""name":"gw0""#), "{status}");
    gateway.stop();
}

#[test]
fn gateway_serves_with_the_path_off() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let gateway = start(&world, config.path(), "off", "auto");
    assert!(get(&world, true, &format!("{GATEWAY_V4}:8080"), "/a/item").ends_with("hello"));
    assert_eq!(metric(&world, "gateway_datapath_packets_total", &[]), 0);
    gateway.stop();
}

/// A change on the admin listener, from the gateway's own host; head and body of the answer.
fn post(world: &World, path: &str, media_type: &str, body: &str) -> String {
    world.gateway.run(|| {
        let mut stream = TcpStream::connect("127.0.0.1:9090").expect("the admin listener");
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
}

fn connects(world: &World) -> bool {
    let address = format!("{GATEWAY_V4}:8080").parse().unwrap();
    world.client.run(|| TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok())
}

#[test]
fn denied_client_is_cut_off_until_the_trial_ends() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let gateway = start(&world, config.path(), "required", "native");
    assert!(connects(&world));
    let wanted =
        r#"{"action": "add", "list": "deny", "trial_seconds": 2, "prefixes": ["192.0.2.1", "192.0.2.0/24"]}"#;
    let refused = post(&world, "/datapath/prefixes", "text/plain", wanted);
    assert!(refused.starts_with("HTTP/1.1 415"), "a form of a web page changes nothing: {refused}");
    assert!(connects(&world));

    let answer = post(&world, "/datapath/prefixes", "application/json", wanted);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""changed":1"#), "{answer}");
    assert!(
        answer.contains("192.0.2.0/24 would deny 192.0.2.128/25 (setting datapath.management)"),
        "{answer}"
    );
    assert!(!connects(&world));
    let list = get(&world, false, "127.0.0.1:9090", "/datapath/prefixes");
    assert!(
        list.contains(r#""prefix":"192.0.2.1","rule":"command""#) && list.contains(r#""on_trial":true"#),
        "{list}"
    );
    let dropped = || {
        metric(
            &world,
            "gateway_datapath_dropped_total",
            &["reason=\"deny\"", "rule=\"command\"", "interface=\"gw0\""],
        )
    };
    let start = Instant::now();
    while !connects(&world) {
        assert!(start.elapsed() < Duration::from_secs(10), "rolled back");
    }
    assert!(dropped() > 0);

    post(&world, "/datapath/prefixes", "application/json", wanted);
    let confirmed = post(&world, "/datapath/confirm", "application/json", "{}");
    assert!(confirmed.contains(r#""confirmed":1"#), "{confirmed}");
    std::thread::sleep(Duration::from_millis(3500));
    assert!(!connects(&world), "confirmed");
    gateway.stop();
}

/// A policy whose inbound section is this.
fn policy(inbound: &str) -> String {
    format!("<policies><inbound>{inbound}</inbound><backend /><outbound /><on-error /></policies>")
}

fn within_ten_seconds(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

#[test]
fn address_filter_of_the_global_policy_is_applied_before_the_stack() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let write = |path: &str, text: &str| std::fs::write(config.path().join(path), text).unwrap();
    let forbid = |address: &str| {
        policy(&format!("<ip-filter action=\"forbid\"><address>{address}</address></ip-filter>"))
    };
    let own = "<base /><return-response><set-body>hello</set-body></return-response>";
    write("apis/a/policy.xml", &policy(own));
    write("policy.xml", &forbid("192.0.2.1"));
    let gateway = start_with(&world, config.path(), "required", "native", &[("datapath.policies", "on")]);
    assert!(within_ten_seconds(|| !connects(&world)), "dropped");
    let policy_drops = || {
        let labels = ["reason=\"policy\"", "rule=\"ip-filter[1]\""];
        metric(&world, "gateway_datapath_dropped_total", &labels)
    };
    assert!(within_ten_seconds(|| policy_drops() > 0));

    // An API that leaves the global policy out serves everybody, so that nobody may be dropped: the policy decides.
    write("apis/a/policy.xml", &policy(&own.replace("<base />", "")));
    assert!(within_ten_seconds(|| connects(&world)));
    assert!(get(&world, true, &format!("{GATEWAY_V4}:8080"), "/a/item").ends_with("hello"));
    write("apis/a/policy.xml", &policy(own));
    assert!(within_ten_seconds(|| !connects(&world)));

    // Only those listed are let through; a network that nothing may deny is left to the policy.
    write("policy.xml", &forbid("192.0.2.200").replace("forbid", "allow"));
    assert!(within_ten_seconds(|| policy_drops() > 0 && !connects(&world)));
    write("policy.xml", &forbid("192.0.2.200"));
    assert!(within_ten_seconds(|| connects(&world)));
    let refused = || {
        let status = get(&world, false, "127.0.0.1:9090", "/datapath");
        status.contains(
            "ip-filter[1]: 192.0.2.200 would deny 192.0.2.128/25 (setting datapath.management): refused",
        )
    };
    assert!(within_ten_seconds(refused));
    gateway.stop();
}

#[test]
fn address_filter_without_the_setting_answers_403() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let forbid = "<ip-filter action=\"forbid\"><address>192.0.2.1</address></ip-filter>";
    std::fs::write(config.path().join("policy.xml"), policy(forbid)).unwrap();
    std::fs::write(config.path().join("apis/a/policy.xml"), policy("<base />")).unwrap();
    let gateway = start(&world, config.path(), "required", "native");
    for _ in 0..3 {
        let answer = get(&world, true, &format!("{GATEWAY_V4}:8080"), "/a/item");
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        std::thread::sleep(Duration::from_millis(600));
    }
    assert_eq!(metric(&world, "gateway_datapath_dropped_total", &[]), 0);
    gateway.stop();
}

#[test]
fn source_that_keeps_being_refused_is_kept_off_for_a_while() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let limit = "<rate-limit-by-key calls=\"2\" renewal-period=\"60\" counter-key=\"@(context.Request.IpAddress)\" />\
                 <return-response><set-body>hello</set-body></return-response>";
    std::fs::write(config.path().join("apis/a/policy.xml"), policy(limit)).unwrap();
    let feedback = [
        ("datapath.feedback", "limits,malformed"),
        ("datapath.feedback.strikes", "3"),
        ("datapath.feedback.seconds", "2"),
    ];
    let gateway = start_with(&world, config.path(), "required", "native", &feedback);
    // Whom a header names is nobody that the gateway has seen.
    let named = "X-Forwarded-For: 198.51.100.9\r\nForwarded: for=198.51.100.9\r\n";
    let ask = |path: &str| {
        get_with(&world, true, &format!("{GATEWAY_V4}:8080"), path, named)
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    let answers: Vec<String> = (0..5).map(|_| ask("/a/item")).collect();
    assert_eq!(answers, ["200", "200", "429", "429", "429"]);
    assert!(within_ten_seconds(|| !connects(&world)), "kept off");
    let list = get(&world, false, "127.0.0.1:9090", "/datapath/prefixes");
    assert!(list.contains(r#""prefix":"192.0.2.1","rule":"limits""#), "{list}");
    assert!(!list.contains("198.51.100.9"), "{list}");
    assert!(within_ten_seconds(|| connects(&world)), "let in again");
    assert!(
        metric(&world, "gateway_datapath_dropped_total", &["reason=\"feedback\"", "rule=\"limits\""]) > 0
    );
    // By IPv6, where the client is another source: a request line with a word too many.
    let ask = |path: &str| {
        get(&world, true, &format!("[{GATEWAY_V6}]:8080"), path)
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    let answers: Vec<String> = (0..3).map(|_| ask("no path")).collect();
    assert_eq!(answers, ["505", "505", "505"]);
    let kept_off = || {
        get(&world, false, "127.0.0.1:9090", "/datapath/prefixes")
            .contains(r#""2001:db8::1","rule":"malformed""#)
    };
    assert!(within_ten_seconds(kept_off));
    gateway.stop();
}

/// Effective capabilities of each thread of this process, by its name.
fn capabilities() -> Vec<(String, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let of_task = tasks.filter_map(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?.trim().to_owned();
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim().to_owned();
        Some((name, u64::from_str_radix(&mask, 16).ok()?))
    });
    of_task.collect()
}

#[test]
fn threads_keep_no_capability_that_they_do_not_need() {
    let Some(world) = World::new() else { return };
    let config = folder();
    let gateway = start(&world, config.path(), "required", "native");
    assert!(get(&world, true, &format!("{GATEWAY_V4}:8080"), "/a/item").ends_with("hello"));
    // CAP_NET_ADMIN and CAP_BPF, for interfaces that appear; CAP_NET_BIND_SERVICE, for routes that do.
    let attaching = 1 << 10 | 1 << 12 | 1 << 39;
    let as_wanted = || {
        let threads = capabilities();
        let of = |start: &str| {
            threads.iter().filter(|(name, _)| name.starts_with(start)).map(|one| one.1).collect()
        };
        let (workers, control): (Vec<u64>, Vec<u64>) = (of("worker-"), of("control"));
        !workers.is_empty() && workers.iter().all(|mask| *mask == 0) && control == [attaching]
    };
    assert!(within_ten_seconds(as_wanted), "{:x?}", capabilities());
    // They are enough for an interface that goes and comes back.
    world.gateway.ip(&format!("link delete {GATEWAY_INTERFACE}"));
    world.pair(GATEWAY_INTERFACE, "cl0");
    world.address(&world.gateway, GATEWAY_INTERFACE, [GATEWAY_V4, GATEWAY_V6]);
    let shows = || world.gateway.ip(&format!("link show dev {GATEWAY_INTERFACE}")).contains("xdp");
    assert!(within_ten_seconds(shows), "attached again");
    gateway.stop();
}
