//! Bindings and listeners that change while the programs run.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use gateway_datapath::DatapathSettings;
use gateway_tests::namespaces::{
    GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, counters_when, eventually, usual_mode,
};
use gateway_tests::start_gateway_by;

use crate::gateway::{folder, get, metric};
use crate::steering::{connect, listen, spec};

fn reaches(world: &World, port: u16) -> bool {
    connect(world, &format!("{GATEWAY_V4}:{port}")).is_ok()
        && connect(world, &format!("[{GATEWAY_V6}]:{port}")).is_ok()
}

#[test]
fn bindings_and_listeners_follow_and_their_figures_go_on() {
    let Some(world) = World::new() else { return };
    let http = [listen(&world, "::", 8080)];
    let more = [listen(&world, "::", 7000)];
    let any = |port| ("::", port, port);
    let datapath = world.start(&DatapathSettings::default(), &[spec("http", &[any(8080)], &http)]);
    assert!(reaches(&world, 8080) && !reaches(&world, 81));
    let follow = |specs: &[_]| world.gateway.run(|| datapath.follow_listeners(specs));
    // Nothing was steered before: the program comes with the first binding.
    follow(&[spec("http", &[any(8080), any(81)], &http), spec("l4", &[any(7000)], &more)]).unwrap();
    assert!(reaches(&world, 81) && reaches(&world, 7000));
    let counted = |name: &str| datapath.counters().listener(name).map_or(0, |one| one.segments_in.syn);
    assert_eq!((counted("http"), counted("l4")), (4, 2));
    // What cannot be changes nothing.
    let both = [spec("http", &[any(8080), any(7000)], &http), spec("l4", &[any(7000)], &more)];
    assert_eq!(follow(&both).unwrap_err(), "[::]:7000 belongs to both http and l4");
    assert!(reaches(&world, 81));
    follow(&[spec("http", &[any(8080), any(82)], &http)]).unwrap();
    assert!(reaches(&world, 82) && !reaches(&world, 81));
    // One of the two families was enough to fail.
    let counters =
        counters_when(&datapath, |counters| counters.listener("http").unwrap().segments_in.syn >= 8);
    assert_eq!(counters.listener("http").unwrap().segments_in.syn, 8, "81 is nobody's now");
    assert_eq!(counters.listener("l4").unwrap().segments_in.syn, 2, "what was counted stays");
    assert_eq!(datapath.status().listeners.len(), 1);
    follow(&[spec("http", &[any(8080)], &http), spec("l4", &[any(7000)], &more)]).unwrap();
    assert!(reaches(&world, 7000) && !reaches(&world, 82));
    assert_eq!(counted("l4"), 4, "the same slot");
}

#[test]
fn settings_file_changes_bindings_and_routes_of_a_gateway() {
    let Some(world) = World::new() else { return };
    let (config, file) = (folder(), tempfile::NamedTempFile::new().unwrap());
    let write = |text: &str| std::fs::write(file.path(), text).unwrap();
    write("datapath.http.bindings = \"[::]:80\"");
    let settings = [
        ("config.folder", config.path().to_str().unwrap()),
        ("net.http.address", "[::]:8080"),
        ("net.https.address", "off"),
        ("admin.address", "127.0.0.1:9090"),
        ("datapath.mode", "required"),
        ("datapath.xdp", &usual_mode().to_string()),
        ("datapath.interface", GATEWAY_INTERFACE),
        ("telemetry.logs.std", "none"),
        ("workers", "2"),
        ("shutdown.delay", "0"),
        ("shutdown.timeout", "2"),
    ];
    let gateway = world.gateway.run(|| start_gateway_by(file.path(), &settings));
    let answers = |port: u16| {
        reaches(&world, port)
            && get(&world, true, &format!("{GATEWAY_V4}:{port}"), "/a/item").starts_with("HTTP/1.1 200")
    };
    assert!(answers(80) && !answers(81));
    let mut open = world.client.run(|| TcpStream::connect((GATEWAY_V4, 80))).unwrap();

    let target = world.gateway.run(|| TcpListener::bind("127.0.0.1:7100")).unwrap();
    write("datapath.http.bindings = \"[::]:81\"\nnet.l4.routes = \"[::]:7000 -> 127.0.0.1:7100\"");
    assert!(eventually(|| answers(81)), "the new binding");
    assert!(!answers(80), "the old one is gone");
    write!(open, "GET /a/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "an open connection stays: {answer}");
    let mut near = connect(&world, &format!("{GATEWAY_V4}:7000")).expect("a route");
    let (mut far, _) = target.accept().unwrap();
    near.write_all(b"x").unwrap();
    far.read_exact(&mut [0]).unwrap();
    let counted = || metric(&world, "gateway_tcp_connections_total", &["l4-[::]:7000", "established"]);
    assert!(eventually(|| counted() == 1), "the route is a listener of the kernel path");

    // A binding on the route's port cannot be: all stays.
    write("datapath.http.bindings = \"[::]:7000\"\nnet.l4.routes = \"[::]:7000 -> 127.0.0.1:7100\"");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(answers(81));
    gateway.stop();
}
