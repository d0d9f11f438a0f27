//! Connections to ports that nobody has bound, and the choice of a worker.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use gateway_datapath::{Binding, DatapathSettings, ListenerSpec, Steering, Worker};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use socket2::{Domain, Protocol, Socket, Type};

use gateway_tests::namespaces::{GATEWAY_V4, GATEWAY_V6, World};

const BOUND: u16 = 8080;

/// A listening socket at the gateway's end, for one worker of a group.
pub fn listen(world: &World, address: &str, port: u16) -> TcpListener {
    world.gateway.run(|| {
        let address: SocketAddr = SocketAddr::new(address.parse().unwrap(), port);
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)).unwrap();
        if address.is_ipv6() {
            socket.set_only_v6(false).unwrap();
        }
        socket.set_reuse_port(true).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.listen(64).unwrap();
        socket.into()
    })
}

/// A listener with one socket for each worker.
pub fn spec<'a>(name: &str, bindings: &[(&str, u16, u16)], sockets: &'a [TcpListener]) -> ListenerSpec<'a> {
    let binding = |(address, first, last): &(&str, u16, u16)| Binding {
        address: address.parse().unwrap(),
        ports: *first..=*last,
    };
    let worker = |(cpu, socket): (usize, &'a TcpListener)| Worker {
        cpu: Some(cpu as u32),
        sockets: vec![socket.as_fd()],
    };
    ListenerSpec {
        name: name.to_owned(),
        bindings: bindings.iter().map(binding).collect(),
        workers: sockets.iter().enumerate().map(worker).collect(),
    }
}

/// From the client's end; an error when nobody listens there.
pub fn connect(world: &World, to: &str) -> std::io::Result<TcpStream> {
    let to: SocketAddr = to.parse().unwrap();
    world.client.run(|| TcpStream::connect_timeout(&to, Duration::from_secs(5)))
}

#[test]
fn steering_ports_and_ranges_reach_one_socket() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", BOUND)];
    let bindings = [("::", BOUND, BOUND), ("::", 443, 443), ("::", 9000, 9100)];
    let datapath = world.start(&DatapathSettings::default(), &[spec("http", &bindings, &sockets)]);
    let reached = [443, 9000, 9050, 9100, BOUND];
    for port in reached {
        for address in [GATEWAY_V4.to_owned(), format!("[{GATEWAY_V6}]")] {
            let mut near = connect(&world, &format!("{address}:{port}")).expect("a steered connection");
            let (mut far, _) = sockets[0].accept().unwrap();
            assert_eq!(far.local_addr().unwrap().port(), port);
            near.write_all(b"x").unwrap();
            let mut byte = [0];
            far.read_exact(&mut byte).unwrap();
            assert_eq!(byte, *b"x");
        }
    }
    for port in [442, 444, 8999, 9101] {
        assert!(connect(&world, &format!("{GATEWAY_V4}:{port}")).is_err(), "port {port} is nobody's");
    }
    let counters = datapath.counters();
    let connections = counters.listener("http").unwrap().connections;
    // The bound port needs no steering.
    assert_eq!((connections.steered, connections.steer_errors), (8, 0));
    assert!(counters.listener("other").unwrap().segments_in.syn >= 4);
    assert_eq!(counters.listener("http").unwrap().segments_in.syn, 2 * reached.len() as u64);
}

#[test]
fn steering_by_address_keeps_listeners_apart() {
    let Some(world) = World::new() else { return };
    world.gateway.ip("address add 192.0.2.3/24 dev gw0");
    world.meet(&world.client, "cl0", ["192.0.2.3", GATEWAY_V6], gateway_tests::namespaces::GATEWAY_MAC);
    let first = [listen(&world, GATEWAY_V4, BOUND)];
    let second = [listen(&world, "0.0.0.0", 8081)];
    let specs = [
        spec("first", &[(GATEWAY_V4, BOUND, BOUND), (GATEWAY_V4, 443, 443)], &first),
        spec("second", &[("0.0.0.0", 8081, 8081), ("192.0.2.3", 443, 443)], &second),
    ];
    let _datapath = world.start(&DatapathSettings::default(), &specs);
    let near = connect(&world, &format!("{GATEWAY_V4}:443")).expect("a steered connection");
    assert_eq!(first[0].accept().unwrap().1, near.local_addr().unwrap());
    let near = connect(&world, "192.0.2.3:443").expect("a steered connection");
    assert_eq!(second[0].accept().unwrap().1, near.local_addr().unwrap());
}

/// E-08, E-11.
#[test]
fn steering_to_a_closed_listener_falls_back_to_the_kernel() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", BOUND)];
    let datapath = world.start(&DatapathSettings::default(), &[spec("http", &[("::", 443, 443)], &sockets)]);
    drop(sockets);
    assert!(connect(&world, &format!("{GATEWAY_V4}:443")).is_err(), "refused, not swallowed");
    let own = world.gateway.run(|| TcpListener::bind((GATEWAY_V4, 443))).unwrap();
    connect(&world, &format!("{GATEWAY_V4}:443")).expect("the kernel's own choice");
    own.accept().unwrap();
    let connections = datapath.counters().listener("http").unwrap().connections;
    assert!(connections.steered == 0 && connections.steer_errors >= 2, "{connections:?}");
}

#[test]
fn steering_ends_with_the_datapath() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", BOUND)];
    let datapath = world.start(&DatapathSettings::default(), &[spec("http", &[("::", 443, 443)], &sockets)]);
    connect(&world, &format!("{GATEWAY_V4}:443")).expect("a steered connection");
    drop(datapath);
    assert!(connect(&world, &format!("{GATEWAY_V4}:443")).is_err());
    connect(&world, &format!("{GATEWAY_V4}:{BOUND}")).expect("the bound port goes on");
}

/// Whether this process may use CPUs 0 and 1, those of the workers; said aloud where it may not.
fn two_cpus() -> bool {
    let allowed = sched_getaffinity(Pid::from_raw(0)).expect("affinity");
    let has = [0, 1].iter().all(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    if !has {
        eprintln!("SKIPPED: needs CPUs 0 and 1");
    }
    has
}

#[test]
fn reuseport_by_cpu_chooses_the_receiving_cpus_worker() {
    let Some(world) = World::new() else { return };
    if !two_cpus() {
        return;
    }
    let sockets = [listen(&world, "::", BOUND), listen(&world, "::", BOUND)];
    let by_cpu = DatapathSettings { steering: Steering::Cpu, ..DatapathSettings::default() };
    let bindings = [("::", BOUND, BOUND), ("::", 9000, 9001)];
    let datapath = world.start(&by_cpu, &[spec("http", &bindings, &sockets)]);
    assert_eq!(datapath.status().steering, Some(Steering::Cpu));
    let mut expected = [0_u64; 2];
    for (cpu, count) in [(0, 5), (1, 3), (0, 2)] {
        for turn in 0..count {
            let port = [BOUND, 9000, 9001][turn % 3];
            let near = world.client.run(|| {
                // The client's packets arrive on the CPU that sends them.
                let mut set = CpuSet::new();
                set.set(cpu).unwrap();
                sched_setaffinity(Pid::from_raw(0), &set).unwrap();
                TcpStream::connect((GATEWAY_V4, port)).unwrap()
            });
            let (_, from) = sockets[cpu].accept().unwrap();
            assert_eq!(from.port(), near.local_addr().unwrap().port());
            expected[cpu] += 1;
        }
    }
    assert_eq!(datapath.counters().chosen, expected);
}

#[test]
fn reuseport_by_hash_spreads_over_all_workers() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", BOUND), listen(&world, "::", BOUND)];
    let by_hash = DatapathSettings { steering: Steering::Hash, ..DatapathSettings::default() };
    let datapath = world.start(&by_hash, &[spec("http", &[("::", BOUND, BOUND)], &sockets)]);
    let connections = 40;
    let near: Vec<_> =
        (0..connections).map(|_| connect(&world, &format!("[{GATEWAY_V6}]:{BOUND}")).unwrap()).collect();
    let chosen = datapath.counters().chosen;
    assert_eq!(chosen.iter().sum::<u64>(), near.len() as u64);
    assert!(chosen.iter().all(|count| *count > 0), "{chosen:?}");
}

#[test]
fn reuseport_spares_workers_that_take_nothing() {
    let Some(world) = World::new() else { return };
    for steering in [Steering::Hash, Steering::Cpu] {
        let sockets = [listen(&world, "::", BOUND), listen(&world, "::", BOUND), listen(&world, "::", BOUND)];
        let chosen_so = DatapathSettings { steering, ..DatapathSettings::default() };
        let datapath = world.start(&chosen_so, &[spec("http", &[("::", BOUND, BOUND)], &sockets)]);
        let connect = |count: u64| -> Vec<_> {
            (0..count).map(|_| connect(&world, &format!("{GATEWAY_V4}:{BOUND}")).unwrap()).collect()
        };
        datapath.spread_over(&[false, false, true]).unwrap();
        let _near = connect(15);
        assert_eq!(datapath.counters().chosen, [0, 0, 15], "{steering}");
        // All are spared: then nobody is.
        datapath.spread_over(&[false; 3]).unwrap();
        let _more = connect(15);
        let chosen = datapath.counters().chosen;
        assert_eq!(chosen.iter().sum::<u64>(), 30);
        assert!(steering == Steering::Cpu || chosen[2] < 30, "{chosen:?}");
    }
}

#[test]
fn reuseport_moves_the_queue_of_a_socket_that_closes() {
    let Some(world) = World::new() else { return };
    let mut sockets = vec![listen(&world, "::", BOUND), listen(&world, "::", BOUND)];
    let by_hash = DatapathSettings { steering: Steering::Hash, ..DatapathSettings::default() };
    let datapath = world.start(&by_hash, &[spec("http", &[("::", BOUND, BOUND)], &sockets)]);
    datapath.spread_over(&[false, true]).unwrap();
    let mut near: Vec<_> =
        (0..20).map(|_| connect(&world, &format!("{GATEWAY_V4}:{BOUND}")).unwrap()).collect();
    assert_eq!(datapath.counters().chosen, [0, 20]);
    drop(sockets.pop());
    for _ in 0..near.len() {
        let (mut far, _) = sockets[0].accept().unwrap();
        far.write_all(b"x").unwrap();
    }
    for stream in &mut near {
        stream.read_exact(&mut [0]).expect("moved, not reset");
    }
}

#[test]
fn reuseport_by_cpu_is_given_up_when_one_queue_gets_all() {
    let Some(world) = World::new() else { return };
    if !two_cpus() {
        return;
    }
    let sockets = [listen(&world, "::", BOUND), listen(&world, "::", BOUND)];
    // With two queues by itself by CPU.
    let datapath =
        world.start(&DatapathSettings::default(), &[spec("http", &[("::", BOUND, BOUND)], &sockets)]);
    assert_eq!(datapath.status().steering, Some(Steering::Cpu));
    let connect_from_one_cpu = || {
        world.client.run(|| {
            let mut set = CpuSet::new();
            set.set(0).unwrap();
            sched_setaffinity(Pid::from_raw(0), &set).unwrap();
            let _near = TcpStream::connect((GATEWAY_V4, BOUND)).unwrap();
        });
        for socket in &sockets {
            socket.set_nonblocking(true).unwrap();
            while socket.accept().is_ok() {}
        }
    };
    for _ in 0..1000 {
        connect_from_one_cpu();
    }
    datapath.tick();
    assert_eq!(datapath.status().steering, Some(Steering::Hash), "{:?}", datapath.counters().chosen);
    let before = datapath.counters().chosen;
    for _ in 0..40 {
        connect_from_one_cpu();
    }
    let after = datapath.counters().chosen;
    assert!(after.iter().zip(&before).all(|(after, before)| after > before), "{before:?} {after:?}");
}
