//! What policies and expressions noted down during one request (`trace`, `context.Trace`), bounded.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

/// Entries kept of one request.
pub const ENTRIES_MAX: usize = 128;

/// Bytes of text kept of one request.
pub const BYTES_MAX: usize = 64 << 10;

/// How much a note matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    #[default]
    Verbose,
    Information,
    Error,
}

impl Severity {
    /// Attribute values, least severe first.
    pub const NAMES: &[&str] = &["verbose", "information", "error"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "verbose" => Some(Self::Verbose),
            "information" => Some(Self::Information),
            "error" => Some(Self::Error),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verbose => "verbose",
            Self::Information => "information",
            Self::Error => "error",
        }
    }
}

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Who says it: the `source` attribute or argument.
    pub source: Box<str>,
    pub severity: Severity,
    pub message: String,
    pub metadata: Vec<(Arc<str>, String)>,
    /// Since receipt of the request.
    pub elapsed: Duration,
}

/// The notes of a request. Expressions write through a shared reference, so the list is a cell.
#[derive(Debug, Default)]
pub struct Trace {
    entries: RefCell<Vec<TraceEntry>>,
    bytes: Cell<usize>,
    dropped: Cell<u64>,
}

impl Trace {
    /// Adds a note; beyond the bounds it is dropped and counted.
    pub fn add(&self, entry: TraceEntry) {
        let metadata = entry.metadata.iter().map(|(name, value)| name.len() + value.len());
        let bytes = self.bytes.get() + entry.source.len() + entry.message.len() + metadata.sum::<usize>();
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= ENTRIES_MAX || bytes > BYTES_MAX {
            self.dropped.set(self.dropped.get() + 1);
            return;
        }
        self.bytes.set(bytes);
        entries.push(entry);
    }

    /// Notes kept now.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The notes behind the first `count`.
    pub fn since(&self, count: usize) -> Vec<TraceEntry> {
        self.entries.borrow().get(count..).unwrap_or_default().to_vec()
    }

    /// Takes all notes out, oldest first.
    pub fn take(&self) -> Vec<TraceEntry> {
        self.bytes.set(0);
        self.entries.take()
    }

    /// Notes that did not fit.
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: String) -> TraceEntry {
        TraceEntry {
            source: "s".into(),
            severity: Severity::Verbose,
            message,
            metadata: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn add_beyond_the_bounds_is_dropped_and_counted() {
        let trace = Trace::default();
        (0..=ENTRIES_MAX).for_each(|_| trace.add(entry(String::new())));
        assert_eq!((trace.take().len(), trace.dropped()), (ENTRIES_MAX, 1));
        trace.add(entry("x".repeat(BYTES_MAX - 1)));
        trace.add(entry("x".into()));
        assert_eq!((trace.take().len(), trace.dropped()), (1, 2));
    }
}
