//! What stands where the plane was answers, but is no plane (reliability-security.md §6.1, F-04 and F-05).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gateway_tests::process::Process;
use gateway_tests::{Backend, Client, Federation};

use crate::eventually;
use crate::traffic::Traffic;

/// Answers in the plane's place, until it is dropped.
struct Stranger {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Stranger {
    /// Each request is answered by `answer`, which is told its number; then the connection ends.
    fn start(address: SocketAddr, answer: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("the plane's address");
        let ended = Arc::new(AtomicBool::new(false));
        let (over, answer) = (Arc::clone(&ended), Arc::new(answer));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if over.load(Relaxed) {
                    return;
                }
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    let mut stream = stream;
                    if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                        answer(number, &mut stream);
                    }
                });
            }
        });
        Self { address, ended }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(self.address);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A gateway that follows a plane, and lost it.
struct Scene {
    backend: Backend,
    plane: Federation,
    gateway: Process,
    http: SocketAddr,
}

impl Scene {
    fn start() -> Self {
        let (backend, mut plane) = (Backend::fixed("ok"), Federation::start());
        let token = plane.gateway("a");
        plane.api("one", &backend.url(), &["a"]);
        let [endpoint, auth] =
            [format!("config.service.endpoint={}", plane.endpoint()), format!("config.service.auth={token}")];
        let fixed = [
            "config.service.poll=1",
            "config.service.wait=0",
            "net.server.http.keep-alive.requests.max=1000000",
        ];
        let settings = fixed.into_iter().chain([endpoint.as_str(), auth.as_str()]);
        let arguments: Vec<&str> = settings.flat_map(|setting| ["--set", setting]).collect();
        let gateway = Process::start(&arguments);
        let http = Process::address(&gateway.line_with("GatewayListening"), "http");
        eventually("the API is served", Duration::from_secs(15), || ask(http, "/one/item") == 200);
        plane.stop();
        Self { backend, plane, gateway, http }
    }

    /// The plane is there again, with one API more.
    fn resume(&mut self) {
        self.plane.resume();
        self.plane.api("new", &self.backend.url(), &["a"]);
        eventually("the new API is served", Duration::from_secs(20), || ask(self.http, "/new/item") == 200);
    }
}

fn ask(http: SocketAddr, target: &str) -> u16 {
    Client::connect(http).request("GET", target, &[]).status
}

/// A whole answer.
fn page(status: &str, content_type: &str, length: usize, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// F-05: refusals, errors, a page that asks for a sign-in, halves of answers and no HTTP at all: what is served stays, and
/// the loss is said once.
#[test]
fn f_05_answers_of_no_plane_change_nothing_and_are_said_once() {
    let mut scene = Scene::start();
    let portal = "<html>Welcome to the hotel. Sign in.</html>";
    let manifest = "application/jose";
    let answers = [
        page("401 Unauthorized", "application/json", 2, "{}"),
        page("403 Forbidden", "application/json", 2, "{}"),
        page("429 Too Many Requests", "text/plain", 0, ""),
        page("500 Internal Server Error", "text/plain", 0, ""),
        page("503 Service Unavailable", "text/plain", 0, ""),
        page("200 OK", "text/html", portal.len(), portal),
        page("200 OK", "application/json", 7, "{\"a\":{"),
        page("200 OK", manifest, 1000, "eyJhbGciOiJIUzI1NiJ9.eyJn"),
        page("200 OK", manifest, 3, "a.b"),
        page("302 Found", "text/html", 0, ""),
        "\u{16}\u{3}\u{1} no HTTP\r\n\r\n".to_owned(),
    ];
    let count = answers.len();
    let traffic = Traffic::start(scene.http, "/one/item", |status, text| status == 200 && text == "ok");
    let seen = Arc::new(std::sync::Mutex::new(0));
    let reached = Arc::clone(&seen);
    let stranger = Stranger::start(scene.plane.address(), move |number, stream| {
        let _ = stream.write_all(answers[number % count].as_bytes());
        *reached.lock().expect("a count") = number + 1;
    });
    eventually("each answer was given", Duration::from_secs(60), || *seen.lock().expect("a count") >= count);
    drop(stranger);
    scene.resume();
    assert!(traffic.stop() > 500);
    let told = scene.gateway.lines_with("LinkState", Duration::from_secs(2));
    let states: Vec<bool> = told.iter().map(|line| line.contains("\"available\":true")).collect();
    // The first is that of the start, if it has not been read yet.
    assert!([&[false, true][..], &[true, false, true]].contains(&&states[..]), "{told:#?}");
}

/// F-04: an answer that stops is given up after half a minute without a byte, and one without end at its bound.
#[test]
fn f_04_answers_without_end_are_given_up() {
    let mut scene = Scene::start();
    let traffic = Traffic::start(scene.http, "/one/item", |status, text| status == 200 && text == "ok");
    let stranger = Stranger::start(scene.plane.address(), |number, stream| {
        let head = page("200 OK", "application/jose", usize::MAX >> 1, "ey");
        let _ = stream.write_all(head.as_bytes());
        if number == 0 {
            // Until the other end has enough.
            let _ = stream.read(&mut [0]);
            return;
        }
        let piece = vec![b'x'; 1 << 20];
        while stream.write_all(&piece).is_ok() {}
    });
    let begun = Instant::now();
    let stalled = scene.gateway.line_with("\"available\":false");
    assert!(stalled.contains("the answer stalls"), "{stalled}");
    assert!(begun.elapsed() >= Duration::from_secs(25), "{:?}", begun.elapsed());
    eventually("the endless answer was begun", Duration::from_secs(20), || {
        memory(&scene.gateway) > 100 << 20
    });
    eventually("and given up", Duration::from_secs(60), || memory(&scene.gateway) < 100 << 20);
    drop(stranger);
    scene.resume();
    assert!(traffic.stop() > 500);
}

/// Resident bytes.
fn memory(gateway: &Process) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/statm", gateway.id())).expect("the process");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}
