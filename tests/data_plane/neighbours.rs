//! Gateways that share rate counters: one, three and ten of them, a cut network, a restart (`self-hosted-gateway.md`
//! §2.9).

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gateway_tests::redis::{Redis, free_port};
use gateway_tests::{Api, Backend, Config, Running};

/// Windows of five minutes: none ends while a test runs.
const LIMIT: usize = 40;

fn folder(backend: &Backend) -> Config {
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let inbound = format!(
        r#"<base /><rate-limit-by-key calls="{LIMIT}" renewal-period="300" counter-key="@(context.Request.Headers.GetValueOrDefault("X-Key","none"))" />"#
    );
    config.policy("apis/a/policy.xml", &inbound, "", "", "");
    config
}

/// Gateways on loopback addresses of their own, with two ports in common.
struct Neighbourhood {
    config: Config,
    ports: [String; 2],
    net: u8,
    _backend: Backend,
}

impl Neighbourhood {
    /// `net` keeps tests that run side by side apart.
    fn new(net: u8) -> Self {
        let backend = Backend::fixed("ok");
        let ports = [free_port().to_string(), free_port().to_string()];
        Self { config: folder(&backend), ports, net, _backend: backend }
    }

    fn address(&self, number: u8) -> String {
        format!("127.99.{}.{number}", self.net)
    }

    /// Starts the gateway of a number, which knows those of `known`.
    fn start(&self, number: u8, known: &[u8], secret: &str) -> Running {
        let own = self.address(number);
        let host = known.iter().map(|number| self.address(*number)).collect::<Vec<_>>().join(",");
        let [heartbeat, counters] = &self.ports;
        let settings = [
            ("workers", "1"),
            ("neighborhood.host", host.as_str()),
            ("neighborhood.address", own.as_str()),
            ("neighborhood.heartbeat.port", heartbeat.as_str()),
            ("policy.rate-limit.sync.port", counters.as_str()),
            ("neighborhood.secret", secret),
        ];
        Running::start(self.config.path(), &settings)
    }

    fn start_all(&self, count: u8) -> Vec<Running> {
        let all: Vec<u8> = (1..=count).collect();
        all.iter().map(|number| self.start(*number, &all, "s3cret")).collect()
    }
}

fn is_passed(gateway: &Running, key: &str) -> bool {
    match gateway.get("/a/item", &[("X-Key", key)]).status {
        200 => true,
        429 => false,
        other => panic!("status {other}"),
    }
}

/// Calls that pass when they go round the gateways, `pause` after each round.
fn passed_in_turn(gateways: &[Running], key: &str, rounds: usize, pause: Duration) -> usize {
    let mut passed = 0;
    for _ in 0..rounds {
        passed += gateways.iter().filter(|gateway| is_passed(gateway, key)).count();
        std::thread::sleep(pause);
    }
    passed
}

/// Waits until what one gateway counts is seen by another.
fn wait_until_heard(from: &Running, at: &Running) {
    static PROBES: AtomicUsize = AtomicUsize::new(0);
    let began = Instant::now();
    loop {
        let key = format!("probe-{}", PROBES.fetch_add(1, Ordering::Relaxed));
        for _ in 0..LIMIT {
            is_passed(from, &key);
        }
        std::thread::sleep(Duration::from_millis(400));
        if !is_passed(at, &key) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the gateways do not hear of each other");
    }
}

#[test]
fn one_three_and_ten_gateways_keep_within_the_bound() {
    for (net, count) in [(1, 1), (2, 3), (3, 10)] {
        let neighbourhood = Neighbourhood::new(net);
        let gateways = neighbourhood.start_all(count);
        if let [first, .., last] = &gateways[..] {
            wait_until_heard(first, last);
            wait_until_heard(last, first);
        }
        // A round of calls in one interval and a half. Threads of a busy machine may come late by some rounds.
        let pause = if count == 1 { Duration::ZERO } else { Duration::from_millis(150) };
        let passed = passed_in_turn(&gateways, "steady", 2 * LIMIT / usize::from(count) + 4, pause);
        let bound = LIMIT + 8 * (usize::from(count) - 1);
        assert!(
            (LIMIT..=bound).contains(&passed),
            "{count} gateways: {passed} passed, {LIMIT} to {bound} allowed"
        );
        // At once, everywhere: never more than the limit at each.
        let burst = passed_in_turn(&gateways, "burst", LIMIT + 5, Duration::ZERO);
        assert!(
            (LIMIT..=LIMIT * usize::from(count)).contains(&burst),
            "{count} gateways: {burst} in a burst"
        );
    }
}

/// A line between two gateways: each knows the other by an address of the line's, which sends on while it is whole.
struct Line {
    is_whole: Arc<AtomicBool>,
}

impl Line {
    /// Addresses of the line's ends, and who gets what is sent there.
    fn new(neighbourhood: &Neighbourhood, ends: [(u8, u8); 2]) -> Self {
        let is_whole = Arc::new(AtomicBool::new(true));
        for (end, to) in ends {
            for port in &neighbourhood.ports {
                let socket = UdpSocket::bind(format!("{}:{port}", neighbourhood.address(end))).unwrap();
                let to = format!("{}:{port}", neighbourhood.address(to));
                let is_whole = Arc::clone(&is_whole);
                std::thread::spawn(move || {
                    let mut datagram = [0; 2048];
                    loop {
                        // An error tells of an earlier datagram that nobody took.
                        let Ok((length, _)) = socket.recv_from(&mut datagram) else { continue };
                        if is_whole.load(Ordering::Relaxed) {
                            let _ = socket.send_to(&datagram[..length], &to);
                        }
                    }
                });
            }
        }
        Self { is_whole }
    }

    fn set_whole(&self, is_whole: bool) {
        self.is_whole.store(is_whole, Ordering::Relaxed);
    }
}

#[test]
fn cut_network_limits_each_part_and_heals() {
    let neighbourhood = Neighbourhood::new(6);
    let line = Line::new(&neighbourhood, [(11, 1), (12, 2)]);
    let (a, b) = (neighbourhood.start(1, &[12], "s"), neighbourhood.start(2, &[11], "s"));
    wait_until_heard(&a, &b);
    wait_until_heard(&b, &a);
    line.set_whole(false);
    for gateway in [&a, &b] {
        assert_eq!((0..LIMIT + 5).filter(|_| is_passed(gateway, "k")).count(), LIMIT, "each part on its own");
    }
    let half = |gateway: &Running| (0..LIMIT / 2).filter(|_| is_passed(gateway, "half")).count();
    assert_eq!((half(&a), half(&b)), (LIMIT / 2, LIMIT / 2));
    // Longer than gateways believe that nothing is lost.
    std::thread::sleep(Duration::from_secs(6));
    line.set_whole(true);
    let began = Instant::now();
    while is_passed(&a, "half") {
        assert!(began.elapsed() < Duration::from_secs(30), "the shares are not told");
        std::thread::sleep(Duration::from_millis(700));
    }
    wait_until_heard(&b, &a);
}

#[test]
fn other_secret_is_another_neighbourhood() {
    let neighbourhood = Neighbourhood::new(4);
    let (a, b) = (neighbourhood.start(1, &[1, 2], "one"), neighbourhood.start(2, &[1, 2], "two"));
    for gateway in [&a, &b] {
        assert_eq!((0..LIMIT + 10).filter(|_| is_passed(gateway, "k")).count(), LIMIT);
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn restarted_gateway_hears_what_the_others_have_counted() {
    let neighbourhood = Neighbourhood::new(5);
    let (a, b) = (neighbourhood.start(1, &[1, 2], "s"), neighbourhood.start(2, &[1, 2], "s"));
    wait_until_heard(&a, &b);
    assert_eq!((0..LIMIT).filter(|_| is_passed(&a, "k")).count(), LIMIT);
    b.stop();
    let b = neighbourhood.start(2, &[1, 2], "s");
    // Its first heartbeat makes the other tell everything again.
    std::thread::sleep(Duration::from_millis(1500));
    let began = Instant::now();
    let mut passed = 0;
    while is_passed(&b, "k") {
        passed += 1;
        assert!(passed < LIMIT && began.elapsed() < Duration::from_secs(15), "{passed} passed");
        std::thread::sleep(Duration::from_millis(300));
    }
    // What the first counted before it goes still counts at the second.
    a.stop();
    assert!(!is_passed(&b, "k"));
}

#[test]
fn redis_shares_rate_counters_and_a_restarted_gateway_finds_them() {
    let Some(redis) = Redis::start(Some("p")) else { return };
    let backend = Backend::fixed("ok");
    let config = folder(&backend);
    let connection = redis.connection_string();
    let start = || Running::start(config.path(), &[("workers", "1"), ("state.redis", connection.as_str())]);
    let (a, b) = (start(), start());
    wait_until_heard(&a, &b);
    wait_until_heard(&b, &a);
    let gateways = [a, b];
    let passed = passed_in_turn(&gateways, "k", LIMIT, Duration::from_millis(150));
    assert!((LIMIT..=LIMIT + 8).contains(&passed), "{passed} passed");
    drop(gateways);
    let later = start();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!is_passed(&later, "k"), "the stream holds the window");
}
