//! What became of the items of each exporter; every item ends in exactly one of [`Outcome`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::Sample;
use super::table::{self, Metric};
use crate::event::closed;

closed! {
    /// How an item of an exporter ended.
    Outcome {
        /// The sink has it.
        Sent = "sent",
        /// The queue between the workers and the exporter was full.
        QueueFull = "queue-full",
        /// What waits for the sink has reached its bound, in memory or on disk.
        BufferFull = "buffer-full",
        /// The sink will never take it.
        Refused = "refused",
        /// It waited longer than the sink takes it.
        Expired = "expired",
        /// Larger than the sink's limit.
        TooLarge = "too-large",
        /// The folder of the buffer cannot be written or read.
        Disk = "disk",
        /// The process ended before the sink had it.
        Closed = "closed",
    }
}

/// Figures of one exporter.
#[derive(Debug, Default)]
pub struct ExporterFigures {
    name: String,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    /// Items and bytes in queue, memory, disk.
    waiting: [(AtomicU64, AtomicU64); Place::ALL.len()],
    down: AtomicBool,
    state: Mutex<String>,
}

closed! {
    /// Where items wait.
    Place { Queue = "queue", Memory = "memory", Disk = "disk", }
}

impl ExporterFigures {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Name in metrics and on the pages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// So many items ended so.
    pub fn item_ended(&self, outcome: Outcome, items: u64) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.fetch_add(items, Relaxed);
        }
    }

    /// Items that ended so.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome as usize).map_or(0, |counter| counter.load(Relaxed))
    }

    /// What waits in a place now.
    pub fn set_waiting(&self, place: Place, items: u64, bytes: u64) {
        if let Some((own_items, own_bytes)) = self.waiting.get(place as usize) {
            own_items.store(items, Relaxed);
            own_bytes.store(bytes, Relaxed);
        }
    }

    /// Items and bytes that wait in a place.
    pub fn waiting(&self, place: Place) -> (u64, u64) {
        self.waiting
            .get(place as usize)
            .map_or((0, 0), |(items, bytes)| (items.load(Relaxed), bytes.load(Relaxed)))
    }

    /// The sink takes what is sent, or why it does not. Whether that is news.
    pub fn set_state(&self, trouble: Option<&str>) -> bool {
        trouble
            .unwrap_or_default()
            .clone_into(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.down.swap(trouble.is_some(), Relaxed) != trouble.is_some()
    }

    /// Why the sink takes nothing; `None` while it does.
    pub fn trouble(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.down.load(Relaxed).then(|| state.clone())
    }

    /// One line for people: `up, 12 sent, 0 dropped, 3 waiting`.
    pub fn summary(&self) -> String {
        let dropped: u64 = Outcome::ALL.iter().skip(1).map(|outcome| self.ended(*outcome)).sum();
        let waiting: u64 = Place::ALL.iter().map(|place| self.waiting(*place).0).sum();
        let state = self.trouble().map_or_else(|| "up".to_owned(), |why| format!("down ({why})"));
        let sent = self.ended(Outcome::Sent);
        format!("{state}, {sent} sent, {dropped} dropped, {waiting} waiting")
    }
}

/// The exporters of a registry.
#[derive(Debug, Default)]
pub struct Exporters(Mutex<Vec<Arc<ExporterFigures>>>);

impl Exporters {
    /// Figures of a new exporter; one of the same name goes on with the old ones.
    pub fn add(&self, name: &str) -> Arc<ExporterFigures> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|known| known.name == name) {
            return Arc::clone(known);
        }
        let figures = Arc::new(ExporterFigures::new(name));
        all.push(Arc::clone(&figures));
        figures
    }

    /// All of them, in the order they were added.
    pub fn list(&self) -> Vec<Arc<ExporterFigures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn collect(&self, visit: &mut dyn FnMut(&'static Metric, &[&str], Sample<'_>)) {
        let all = self.list();
        for figures in &all {
            for outcome in Outcome::ALL {
                let count = figures.ended(*outcome);
                visit(table::EXPORT_ITEMS, &[&figures.name, outcome.as_str()], Sample::Count(count));
            }
        }
        for (metric, of) in [
            (table::EXPORT_WAITING, (|(items, _)| items) as fn((u64, u64)) -> u64),
            (table::EXPORT_WAITING_BYTES, |(_, bytes)| bytes),
        ] {
            for figures in &all {
                for place in Place::ALL {
                    let count = of(figures.waiting(*place));
                    visit(metric, &[&figures.name, place.as_str()], Sample::Count(count));
                }
            }
        }
        for figures in &all {
            let up = u64::from(!figures.down.load(Relaxed));
            visit(table::EXPORT_UP, &[&figures.name], Sample::Count(up));
        }
    }
}
