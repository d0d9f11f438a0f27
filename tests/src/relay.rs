//! What stands between a plane and those who ask it: a load balancer, and a throttle as Azure's.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes from one address to another, both ways, until the test's process ends.
pub struct Relay {
    pub address: SocketAddr,
}

impl Relay {
    /// Listens where it is told, in the network namespace of the calling thread.
    pub fn start(listen: &str, to: SocketAddr) -> Self {
        let listener = TcpListener::bind(listen).expect("a listener");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    if let Ok(far) = TcpStream::connect(to) {
                        let _ = both_ways(near, far);
                    }
                });
            }
        });
        Self { address }
    }
}

fn both_ways(near: TcpStream, far: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (near.try_clone()?, far.try_clone()?);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (far, near);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

/// A throttle in front of a server: each `every`th request is answered 429, with a second of `Retry-After` the first two
/// times and none after.
pub struct Throttle {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    requests: usize,
    throttled: usize,
    /// Nobody may ask before.
    closed_until: Option<Instant>,
    early: usize,
}

impl Throttle {
    pub fn start(to: SocketAddr, every: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&shared);
                thread::spawn(move || serve(near, to, every, &seen));
            }
        });
        Self { address, seen }
    }

    /// Requests that were throttled, and those that came while the throttle had asked for patience.
    pub fn throttled_and_early(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.throttled, seen.early)
    }
}

fn serve(mut near: TcpStream, to: SocketAddr, every: usize, seen: &Mutex<Seen>) -> Option<()> {
    let mut far = TcpStream::connect(to).ok()?;
    loop {
        let request = message(&mut near)?;
        match refusal(seen, every) {
            Some(refusal) => near.write_all(refusal.as_bytes()).ok()?,
            None => {
                far.write_all(&request).ok()?;
                near.write_all(&message(&mut far)?).ok()?;
            }
        }
    }
}

fn refusal(seen: &Mutex<Seen>, every: usize) -> Option<String> {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    seen.early += usize::from(seen.closed_until.is_some_and(|until| now < until));
    seen.requests += 1;
    if !seen.requests.is_multiple_of(every) {
        return None;
    }
    seen.throttled += 1;
    let seconds = u64::from(seen.throttled <= 2);
    seen.closed_until = Some(now + Duration::from_millis(900 * seconds));
    let body = "{\"error\":{\"code\":\"SubscriptionRequestsThrottled\",\"message\":\"Number of requests exceeded.\"}}";
    Some(format!(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: {seconds}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// One whole message with its `Content-Length`; `None` at the end.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let field = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = field.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
