//! The bounded queue between those who log and the one thread that writes.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What became of the records; metrics `gateway_log_records_*_total`.
#[derive(Debug, Default)]
pub struct Stats {
    pub(crate) written: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl Stats {
    /// Lines given to the output.
    pub fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// Lines given up: the queue was full, the output failed, or the log was closed.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// A full queue gives up its oldest lines (O-03). The lock is held for a push or a swap, never while writing.
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    ended: Condvar,
    bytes_max: usize,
    stats: Arc<Stats>,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    bytes: usize,
    sleeping: bool,
    closed: bool,
    ended: bool,
}

impl Queue {
    pub fn new(bytes_max: usize, stats: Arc<Stats>) -> Self {
        Self { state: Mutex::default(), ready: Condvar::new(), ended: Condvar::new(), bytes_max, stats }
    }

    pub fn push(&self, line: String) {
        let mut state = self.lock();
        if state.closed || line.len() > self.bytes_max {
            self.stats.dropped.fetch_add(1, Relaxed);
            return;
        }
        while state.bytes + line.len() > self.bytes_max {
            let Some(oldest) = state.lines.pop_front() else { break };
            state.bytes -= oldest.len();
            self.stats.dropped.fetch_add(1, Relaxed);
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        let sleeping = std::mem::take(&mut state.sleeping);
        drop(state);
        if sleeping {
            self.ready.notify_one();
        }
    }

    /// Writes until closed and empty. `notice` makes the line that tells of dropped records.
    pub fn run(&self, mut output: impl Write, notice: impl Fn(u64) -> String) {
        let mut told = 0;
        while let Some(lines) = self.take() {
            for line in &lines {
                self.write(&mut output, line);
            }
            let dropped = self.stats.dropped();
            if dropped > told {
                self.write(&mut output, &notice(dropped - told));
                told = dropped;
            }
        }
        self.lock().ended = true;
        self.ended.notify_all();
    }

    pub fn close(&self, patience: Duration) {
        let mut state = self.lock();
        state.closed = true;
        self.ready.notify_one();
        drop(self.ended.wait_timeout_while(state, patience, |state| !state.ended));
    }

    fn write(&self, output: &mut impl Write, line: &str) {
        let result = output.write_all(line.as_bytes());
        let counter = if result.is_ok() { &self.stats.written } else { &self.stats.dropped };
        counter.fetch_add(1, Relaxed);
    }

    /// All that waits, as soon as something does; `None` at the end.
    fn take(&self) -> Option<VecDeque<String>> {
        let mut state = self.lock();
        while state.lines.is_empty() {
            if state.closed {
                return None;
            }
            state.sleeping = true;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes = 0;
        Some(std::mem::take(&mut state.lines))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Says when a write begins and lets it go on when told.
    struct Gate {
        begun: Sender<String>,
        go: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(String::from_utf8_lossy(bytes).into_owned());
            let _ = self.go.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn queue_with_stuck_output_drops_oldest_and_counts() {
        let stats = Arc::new(Stats::default());
        let queue = Arc::new(Queue::new(8, Arc::clone(&stats)));
        let (begun, writes) = channel();
        let (go, gate) = channel();
        let writer = Arc::clone(&queue);
        let thread = std::thread::spawn(move || {
            writer.run(Gate { begun, go: gate }, |records| format!("dropped {records}\n"));
        });
        queue.push("one\n".to_owned());
        assert_eq!(writes.recv().as_deref(), Ok("one\n"));
        for line in ["two\n", "thr\n", "fou\n", "longer than all\n"] {
            queue.push(line.to_owned()); // returns although nothing moves
        }
        assert_eq!(stats.dropped(), 2);
        drop(go);
        queue.close(Duration::from_secs(10));
        thread.join().unwrap();
        assert_eq!(writes.try_iter().collect::<Vec<_>>(), ["dropped 2\n", "thr\n", "fou\n"]);
        queue.push("late\n".to_owned());
        assert_eq!((stats.written(), stats.dropped()), (4, 3));
    }
}
