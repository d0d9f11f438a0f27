//! Clients that ask on and on, each time on a connection of its own, while something happens to the gateway.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// One request for `/a/item`, which is answered with "hello".
pub fn ask(address: SocketAddr) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(failed)?;
    stream.write_all(b"GET /a/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello") { Ok(()) } else { Err(answer) }
}

/// What all clients have seen.
#[derive(Debug, Default)]
pub struct Load {
    served: AtomicUsize,
    done: AtomicBool,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// Asks one address after the other until [`Load::end`], with a rest behind each answer: without one two clients keep both
    /// cores of a small machine from the gateway.
    pub fn ask_on_and_on(&self, addresses: &[SocketAddr], rest: Duration) {
        for address in addresses.iter().cycle().take_while(|_| !self.done.load(Ordering::Relaxed)) {
            match ask(*address) {
                Ok(()) => drop(self.served.fetch_add(1, Ordering::Relaxed)),
                Err(failure) => self.failures.lock().unwrap().push(failure),
            }
            std::thread::sleep(rest);
        }
    }

    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// Returns once more have been served.
    pub fn wait_for_more_than(&self, before: usize) {
        while self.served() == before {
            std::thread::yield_now();
        }
    }

    pub fn end(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    /// Panics if somebody was refused, cut, or answered something else.
    pub fn expect_all_served(&self, what: &str) {
        let failures = self.failures.lock().unwrap();
        assert_eq!(*failures, Vec::<String>::new(), "{what}: of {} requests", self.served());
    }
}
