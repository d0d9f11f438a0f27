//! Traffic that does not stop, and a log of how it was answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_tests::Client;

/// A client that asks without end.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicU64>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Traffic {
    /// Asks for a target about 500 times a second; an answer is good when `is_good` says so.
    pub fn start(
        gateway: SocketAddr,
        target: &'static str,
        is_good: impl Fn(u16, &str) -> bool + Send + 'static,
    ) -> Self {
        let (stop, good) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&good));
        let thread = std::thread::spawn(move || {
            let mut bad = Vec::new();
            let mut client = Client::connect(gateway);
            while !stopped.load(Ordering::Relaxed) {
                let answer = client.request("GET", target, &[]);
                if is_good(answer.status, &answer.text()) {
                    counted.fetch_add(1, Ordering::Relaxed);
                } else {
                    bad.push(format!("{} {}", answer.status, answer.text()));
                    client = Client::connect(gateway);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            bad
        });
        Self { stop, good, thread: Some(thread) }
    }

    /// Stops. How many answers were good; panics when one was not.
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let bad = self.thread.take().expect("a thread").join().expect("its end");
        assert!(bad.is_empty(), "{} answers failed, the first: {}", bad.len(), bad[0]);
        self.good.load(Ordering::Relaxed)
    }
}
