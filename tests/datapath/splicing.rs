//! L4 routes that the kernel takes over, by sockets tied in a map.

use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

use gateway::Gateway;
use gateway_telemetry::Listener;
use gateway_tests::namespaces::{GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, eventually, usual_mode};
use gateway_tests::passing::{End, Ends, connect, read_to_end};
use gateway_tests::{Client, start_gateway};

/// A gateway with one route to a target beside it; clients come from the other namespace.
struct Route {
    world: World,
    gateway: Option<Gateway>,
    target: TcpListener,
}

impl Route {
    fn start(world: World, more: &[(&str, &str)]) -> Self {
        let target = world.gateway.run(|| TcpListener::bind("[::]:7000").expect("a target"));
        let settings = [
            ("net.http.address", "off"),
            ("net.https.address", "off"),
            ("admin.address", "127.0.0.1:9090"),
            ("net.l4.routes", "[::]:5432 -> 127.0.0.1:7000"),
            ("datapath.splice", "sockmap"),
            ("datapath.mode", "required"),
            ("datapath.xdp", &usual_mode().to_string()),
            ("datapath.interface", GATEWAY_INTERFACE),
            ("workers", "2"),
            ("telemetry.logs.std", "none"),
            ("shutdown.delay", "0"),
            ("shutdown.timeout", "2"),
        ];
        let settings = [&settings, more].concat();
        let gateway = world.gateway.run(|| start_gateway(&settings));
        Self { world, gateway: Some(gateway), target }
    }

    fn connect(&self, address: &str) -> Ends {
        let route = format!("{address}:5432").parse().expect("an address");
        self.world.client.run(|| connect(route, &self.target))
    }

    /// A page of the admin listener.
    fn page(&self, path: &str) -> String {
        let admin =
            self.gateway.as_ref().and_then(|gateway| gateway.address(Listener::Admin)).expect("a listener");
        self.world.gateway.run(|| Client::connect(admin).request("GET", path, &[]).text())
    }

    /// Sum of a metric's samples with these labels.
    fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.page("/metrics");
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Whether the status shows the program that redirects.
    fn is_tied(&self) -> bool {
        self.page("/datapath").contains("sockets of L4 routes")
    }

    fn redirected(&self) -> f64 {
        self.metric("gateway_tunnel_bytes_total", &["way=\"sockmap\""])
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop();
        }
    }
}

fn addresses() -> [String; 2] {
    [GATEWAY_V4.to_owned(), format!("[{GATEWAY_V6}]")]
}

#[test]
fn tied_sockets_keep_every_byte_whatever_the_pieces_and_who_closes_first() {
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[]);
    let mut seed = 10;
    for address in addresses() {
        for first in [End::Client, End::Target, End::Client, End::Target] {
            seed += 1;
            route.connect(&address).keep_every_byte(first, seed);
        }
    }
    let ended = || route.metric("gateway_l4_connections_total", &["result=\"closed\""]);
    assert!(eventually(|| ended() > 7.5), "{} of 8 ended well", ended());
    assert!(route.redirected() > 0.0, "the kernel moved nothing");
}

#[test]
fn tied_sockets_move_chat_without_user_space() {
    const ROUNDS: usize = 1_000;
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[]);
    let ends = route.connect(GATEWAY_V4);
    for _ in 0..ROUNDS {
        ends.say_hello();
    }
    ends.client.shutdown(Shutdown::Write).expect("a half-close");
    assert!(read_to_end(&ends.target).is_empty());
    ends.target.shutdown(Shutdown::Write).expect("a half-close");
    assert!(read_to_end(&ends.client).is_empty());
    let all = (2 * 5 * ROUNDS) as f64;
    let copied = || route.metric("gateway_tunnel_bytes_total", &["way=\"copy\""]);
    assert!(
        eventually(|| (route.redirected() + copied() - all).abs() < 0.5),
        "{} + {}",
        route.redirected(),
        copied()
    );
    assert!(copied() < all / 10.0, "{} of {all} bytes were copied", copied());
    assert!(route.is_tied());
}

#[test]
fn tied_sockets_carry_a_reset_either_way() {
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[]);
    for from in End::BOTH {
        route.connect(GATEWAY_V4).carry_a_reset(from);
    }
    let reset = || route.metric("gateway_l4_connections_total", &["result=\"reset\""]);
    assert!(eventually(|| reset() > 1.5), "{} of 2 reset", reset());
}

#[test]
fn tied_sockets_hold_a_sender_back() {
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[]);
    for reader in End::BOTH {
        route.connect(GATEWAY_V4).hold_a_sender_back(reader);
    }
}

/// What only the kernel moves keeps the connection open; silence does not.
#[test]
fn tied_sockets_that_move_nothing_are_reset_in_time() {
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[("net.l4.idle.timeout", "4")]);
    let ends = route.connect(GATEWAY_V4);
    for _ in 0..16 {
        ends.say_hello();
        std::thread::sleep(Duration::from_millis(300));
    }
    ends.say_hello();
    // A reset is an error for who reads.
    assert!(std::io::Read::read(&mut &ends.client, &mut [0; 1]).is_err());
    let idle = || route.metric("gateway_l4_connections_total", &["result=\"idle\""]);
    assert!(eventually(|| idle() > 0.5), "{} idle", idle());
}

#[test]
fn routes_go_by_splice_where_there_is_no_sockmap() {
    let Some(world) = World::new() else { return };
    let route = Route::start(world, &[("datapath.mode", "off")]);
    let ends = route.connect(GATEWAY_V4);
    let bulk = vec![b'x'; 4 << 20];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&ends.client).write_all(&bulk).expect("bytes sent");
            ends.client.shutdown(Shutdown::Write).expect("a half-close");
        });
        assert_eq!(read_to_end(&ends.target).len(), bulk.len());
    });
    ends.target.shutdown(Shutdown::Write).expect("a half-close");
    let spliced = || route.metric("gateway_tunnel_bytes_total", &["way=\"splice\""]);
    assert!(eventually(|| spliced() > 0.0), "nothing was spliced");
    assert!(route.redirected() < 0.5);
    assert!(!route.is_tied());
}
