//! What waits for one sink, oldest first: some in memory, the rest in the spill where there is one.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use super::spill::{Spill, is_expired};
use super::{Payload, lines};
use crate::metrics::exporters::{ExporterFigures, Outcome, Place};

/// Plain payloads up to this size wait as they are: most are sent at once.
const PLAIN_BYTES_MAX: u64 = 1 << 20;

/// Payloads in memory, then those on disk. One may be with the sender; it counts as in memory.
pub struct Backlog {
    memory: VecDeque<(u64, Rc<Payload>)>,
    memory_bytes: u64,
    memory_bytes_max: u64,
    out: Option<(u64, Rc<Payload>)>,
    spill: Option<Spill>,
    sequence: u64,
    /// The last write failed: said once.
    disk_failed: bool,
    figures: Arc<ExporterFigures>,
}

impl Backlog {
    pub fn new(memory_bytes_max: u64, spill: Option<Spill>, figures: Arc<ExporterFigures>) -> Self {
        let backlog = Self {
            memory: VecDeque::new(),
            memory_bytes: 0,
            memory_bytes_max,
            out: None,
            sequence: spill.as_ref().map_or(0, Spill::next_sequence),
            spill,
            disk_failed: false,
            figures,
        };
        backlog.show();
        backlog
    }

    /// Adds a payload behind all others.
    pub fn push(&mut self, mut payload: Payload) {
        if payload.compressible && self.memory_bytes >= PLAIN_BYTES_MAX.min(self.memory_bytes_max / 4) {
            payload.body = lines::gzip(&[&payload.body]);
            payload.compressible = false;
        }
        let sequence = self.sequence;
        self.sequence += 1;
        let fits = self.memory_bytes + payload.body.len() as u64 <= self.memory_bytes_max;
        let spilled = self.spill.as_ref().is_some_and(|spill| !spill.is_empty());
        if self.spill.is_some() && (spilled || !fits) {
            self.write(sequence, &payload);
        } else {
            while self.memory_bytes + payload.body.len() as u64 > self.memory_bytes_max {
                let Some((_, oldest)) = self.memory.pop_front() else { break };
                self.memory_bytes -= oldest.body.len() as u64;
                self.figures.item_ended(Outcome::BufferFull, oldest.items);
            }
            self.memory_bytes += payload.body.len() as u64;
            self.memory.push_back((sequence, Rc::new(payload)));
        }
        self.show();
    }

    /// Hands the oldest payload to the sender, until it is told to be [`Self::done`] or [`Self::keep`].
    pub fn take(&mut self, now: SystemTime) -> Option<Rc<Payload>> {
        loop {
            let next = self.oldest()?;
            if is_expired(&next.1, now) {
                self.figures.item_ended(Outcome::Expired, next.1.items);
                continue;
            }
            self.out = Some(next.clone());
            self.show();
            return Some(next.1);
        }
    }

    fn oldest(&mut self) -> Option<(u64, Rc<Payload>)> {
        // What an earlier process left has lower numbers than anything in memory.
        let left = self.spill.as_ref().and_then(Spill::first_sequence);
        let own = self.memory.front().map(|(sequence, _)| *sequence);
        if left.is_none() || own.is_some_and(|own| left.is_some_and(|left| own < left)) {
            let next = self.memory.pop_front()?;
            self.memory_bytes -= next.1.body.len() as u64;
            return Some(next);
        }
        loop {
            match self.spill.as_mut()?.take() {
                Some(Ok((sequence, payload))) => return Some((sequence, Rc::new(payload))),
                Some(Err(items)) => self.figures.item_ended(Outcome::Disk, items),
                None => return None,
            }
        }
    }

    /// The payload that is out has ended.
    pub fn done(&mut self) {
        self.out = None;
        self.show();
    }

    /// The payload that is out, or what is left of it, goes to the front again.
    pub fn keep(&mut self, left: Option<Vec<Payload>>) {
        let Some((sequence, whole)) = self.out.take() else { return };
        let left = left.map_or_else(|| vec![whole], |left| left.into_iter().map(Rc::new).collect());
        for payload in left.into_iter().rev() {
            self.memory_bytes += payload.body.len() as u64;
            self.memory.push_front((sequence, payload));
        }
        self.show();
    }

    /// The process ends: what is left goes to disk, or is counted as lost.
    pub fn close(&mut self) {
        self.keep(None);
        for (sequence, payload) in std::mem::take(&mut self.memory) {
            if self.spill.is_some() {
                // Parts of one payload have one number; on disk each needs its own.
                let taken = self.spill.as_ref().is_some_and(|spill| spill.holds(sequence));
                let sequence = if taken { self.sequence } else { sequence };
                self.sequence += u64::from(taken);
                self.write(sequence, &payload);
            } else {
                self.figures.item_ended(Outcome::Closed, payload.items);
            }
        }
        self.memory_bytes = 0;
        self.show();
    }

    /// Whether nothing waits and nothing is out.
    pub fn is_empty(&self) -> bool {
        self.out.is_none() && self.memory.is_empty() && self.spill.as_ref().is_none_or(Spill::is_empty)
    }

    fn write(&mut self, sequence: u64, payload: &Payload) {
        let Some(spill) = &mut self.spill else { return };
        match spill.write(sequence, payload) {
            Ok(given_up) => {
                self.figures.item_ended(Outcome::BufferFull, given_up);
                self.disk_failed = false;
            }
            Err(error) => {
                self.figures.item_ended(Outcome::Disk, payload.items);
                if !std::mem::replace(&mut self.disk_failed, true) {
                    let exporter = self.figures.name();
                    tracing::error!(event_type = "ExportNotBuffered", exporter, %error, "telemetry cannot be kept on disk");
                }
            }
        }
    }

    fn show(&self) {
        let out = self.out.iter().chain(&self.memory);
        let (items, bytes) = out.fold((0, 0), |(items, bytes), (_, payload)| {
            (items + payload.items, bytes + payload.body.len() as u64)
        });
        self.figures.set_waiting(Place::Memory, items, bytes);
        let (items, bytes) = self.spill.as_ref().map_or((0, 0), Spill::held);
        self.figures.set_waiting(Place::Disk, items, bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn payload(text: &str) -> Payload {
        Payload { items: 1, body: text.as_bytes().to_vec(), ..Payload::default() }
    }

    fn drain(backlog: &mut Backlog) -> String {
        let mut all = String::new();
        while let Some(next) = backlog.take(UNIX_EPOCH) {
            all += str::from_utf8(&next.body).unwrap();
            backlog.done();
        }
        all
    }

    #[test]
    fn backlog_keeps_order_over_memory_and_disk_and_processes() {
        let dir = tempfile::tempdir().unwrap();
        let figures = Arc::new(ExporterFigures::new("x"));
        let open = || {
            let spill = Spill::open(dir.path().join("x"), 1000).unwrap();
            Backlog::new(3, Some(spill), Arc::clone(&figures))
        };
        let mut backlog = open();
        "abcdefg".chars().for_each(|letter| backlog.push(payload(&letter.to_string())));
        assert_eq!(&*backlog.take(UNIX_EPOCH).unwrap().body, b"a");
        backlog.keep(None);
        assert_eq!((figures.waiting(Place::Memory), figures.waiting(Place::Disk)), ((3, 3), (4, 4)));
        backlog.take(UNIX_EPOCH).unwrap();
        backlog.close(); // with one out
        let mut backlog = open();
        backlog.push(payload("h"));
        assert_eq!(drain(&mut backlog), "abcdefgh");
        assert!(backlog.is_empty());
    }

    #[test]
    fn backlog_without_disk_gives_up_the_oldest_but_the_one_that_is_out() {
        let figures = Arc::new(ExporterFigures::new("x"));
        let mut backlog = Backlog::new(2, None, Arc::clone(&figures));
        backlog.push(payload("a"));
        backlog.take(UNIX_EPOCH).unwrap();
        "bcd".chars().for_each(|letter| backlog.push(payload(&letter.to_string())));
        backlog.keep(Some(vec![payload("1"), payload("2")]));
        assert_eq!(drain(&mut backlog), "12cd");
        assert_eq!(figures.ended(Outcome::BufferFull), 1);
        let old = Payload { expires: Some(UNIX_EPOCH), ..payload("old") };
        backlog.push(old);
        assert!(backlog.take(UNIX_EPOCH + std::time::Duration::from_secs(1)).is_none());
        backlog.push(payload("e"));
        backlog.close();
        assert_eq!((figures.ended(Outcome::Expired), figures.ended(Outcome::Closed)), (1, 1));
    }
}
