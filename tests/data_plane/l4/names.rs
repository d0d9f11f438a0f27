//! TLS that passes through by the name in its `ClientHello`.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gateway_tests::{Api, Authority, Backend, Config, Running};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};

/// A TLS server that says its name to everybody.
struct Target(SocketAddr);

impl Target {
    fn start(authority: &Authority, name: &'static str, names: &[&str]) -> Self {
        let config = authority.issue(names).acceptor(&[]).config().clone();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a target");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a server");
                let mut stream = StreamOwned::new(connection, stream);
                if stream.write_all(name.as_bytes()).is_ok() {
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        Self(address)
    }
}

struct Caller {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

impl Caller {
    fn new(authority: &Authority, address: SocketAddr) -> Self {
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(authority.root()).expect("the root");
        roots
            .add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).expect("a certificate"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config: Arc::new(config), address }
    }

    fn without_names(mut self) -> Self {
        Arc::make_mut(&mut self.config).enable_sni = false;
        self
    }

    fn connection(&self, name: &str) -> ClientConnection {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        ClientConnection::new(Arc::clone(&self.config), name).expect("a client")
    }

    /// Who answers for a name, or why nobody does.
    fn who(&self, name: &str) -> Result<String, String> {
        let stream = TcpStream::connect(self.address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(45))).expect("a timeout");
        let mut stream = StreamOwned::new(self.connection(name), stream);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer).map_err(|error| error.to_string())
    }

    /// What a client sends first.
    fn hello(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.connection(name).write_tls(&mut bytes).expect("a ClientHello");
        bytes
    }
}

fn routed(routes: &str) -> Running {
    Running::with(&[("net.l4.routes", routes)])
}

#[test]
fn each_name_goes_to_its_target_which_terminates_tls() {
    let authority = Authority::new();
    let one = Target::start(&authority, "one", &["one.example"]);
    let wild = Target::start(&authority, "wild", &["a.wild.example", "b.wild.example"]);
    let (one, wild) = (one.0, wild.0);
    let gateway = routed(&format!("127.0.0.1:0 One.example -> {one}, 127.0.0.1:0 *.wild.example -> {wild}"));
    let caller = Caller::new(&authority, gateway.route());
    for (name, expected) in [("one.example", "one"), ("a.wild.example", "wild"), ("b.wild.example", "wild")] {
        assert_eq!(caller.who(name).as_deref(), Ok(expected), "{name}");
    }
    for name in ["two.example", "wild.example", "x.a.wild.example"] {
        let refused = caller.who(name).expect_err("no route");
        assert!(
            refused.contains("UnrecognizedName") || refused.contains("UnrecognisedName"),
            "{name}: {refused}"
        );
    }
    assert!(caller.without_names().who("one.example").is_err(), "no name, no route");
    assert!(gateway.comes_to(4, "gateway_l4_connections_total", &["\"no-route\""]));
}

#[test]
fn route_of_all_other_names_takes_clients_without_one() {
    let authority = Authority::new();
    let one = Target::start(&authority, "one", &["one.example"]).0;
    let other = Target::start(&authority, "other", &["two.example"]).0;
    let gateway = routed(&format!("127.0.0.1:0 one.example -> {one}, 127.0.0.1:0 * -> {other}"));
    let caller = Caller::new(&authority, gateway.route());
    assert_eq!(caller.who("two.example").as_deref(), Ok("other"));
    assert_eq!(caller.who("one.example").as_deref(), Ok("one"));
    assert_eq!(caller.without_names().who("two.example").as_deref(), Ok("other"));
}

#[test]
fn https_listener_passes_the_names_of_routes_and_serves_the_others() {
    let authority = Authority::new();
    let passed = Target::start(&authority, "passed", &["passed.example"]).0;
    let (backend, config) = (Backend::fixed("served"), Config::new());
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let certificates = tempfile::tempdir().expect("a folder");
    authority.issue(&["served.example"]).write(certificates.path(), "served.example");
    let gateway = Running::start(
        config.path(),
        &[
            ("net.https.address", "127.0.0.1:0"),
            ("net.server.tls.certificates", certificates.path().to_str().expect("a path")),
            ("net.l4.routes", &format!("https passed.example -> {passed}")),
        ],
    );
    let caller = Caller::new(&authority, gateway.https());
    assert_eq!(caller.who("passed.example").as_deref(), Ok("passed"));
    let stream = TcpStream::connect(gateway.https()).expect("a connection");
    let mut stream = StreamOwned::new(caller.connection("served.example"), stream);
    stream
        .write_all(b"GET /a/item HTTP/1.1\r\nHost: served.example\r\nConnection: close\r\n\r\n")
        .expect("a request sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("served"), "{answer}");
    for protocol in ["\"tcp\"", "\"http/1.1\""] {
        assert!(gateway.comes_to(1, "gateway_connections_total", &["\"https\"", protocol]), "{protocol}");
    }
}

/// The hello is in the socket until the target gets it, so that it arrives as it was sent, however it came.
#[test]
fn client_hello_in_pieces_arrives_whole() {
    let authority = Authority::new();
    let target = TcpListener::bind("127.0.0.1:0").expect("a target");
    let gateway = routed(&format!("127.0.0.1:0 one.example -> {}", target.local_addr().unwrap()));
    let hello = Caller::new(&authority, gateway.route()).hello("one.example");
    for size in [1, 7, 300] {
        let mut client = TcpStream::connect(gateway.route()).expect("a connection");
        client.set_nodelay(true).expect("no delay");
        for piece in hello.chunks(size) {
            client.write_all(piece).expect("bytes sent");
            thread::yield_now();
        }
        client.write_all(b"and what follows").expect("bytes sent");
        let (mut target, _) = target.accept().expect("a connection");
        let mut arrived = vec![0; hello.len() + 16];
        target.read_exact(&mut arrived).expect("all bytes");
        assert!(arrived == [&hello[..], b"and what follows"].concat());
    }
}

#[test]
fn what_is_no_client_hello_is_closed_at_once_and_what_is_none_yet_in_time() {
    let authority = Authority::new();
    let gateway = Running::with(&[
        ("net.l4.routes", "127.0.0.1:0 one.example -> 127.0.0.1:9"),
        ("net.server.tls.handshake.timeout", "1"),
    ]);
    let hello = Caller::new(&authority, gateway.route()).hello("one.example");
    let cases: [(&str, &[u8]); 4] = [
        ("HTTP", b"GET / HTTP/1.1\r\nHost: one.example\r\n\r\n"),
        ("an endless message", &[22, 3, 1, 0, 5, 1, 1, 0, 0, 3]),
        ("half a hello", &hello[..100]),
        ("nothing", b""),
    ];
    for (case, bytes) in cases {
        let mut client = TcpStream::connect(gateway.route()).expect("a connection");
        client.set_read_timeout(Some(Duration::from_secs(45))).expect("a timeout");
        client.write_all(bytes).expect("bytes sent");
        match client.read(&mut [0; 16]) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("{case}: {other:?}"),
        }
    }
    // One that leaves in the middle is not waited for.
    let mut client = TcpStream::connect(gateway.route()).expect("a connection");
    client.write_all(&hello[..100]).expect("bytes sent");
    client.shutdown(std::net::Shutdown::Write).expect("a half-close");
    assert!(client.read(&mut [0; 16]).is_ok_and(|count| count == 0) || client.take_error().is_ok());
    assert!(gateway.comes_to(5, "gateway_l4_connections_total", &["\"client-hello\""]));
}
