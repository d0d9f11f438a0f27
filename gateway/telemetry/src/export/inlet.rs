//! The bounded queue between the workers and one exporter.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Intake;
use super::kept::Batch;
use crate::diagnostic::Rules;
use crate::event::RequestEvent;
use crate::metrics::exporters::{ExporterFigures, Outcome, Place};

/// A request for an exporter.
#[derive(Clone, Debug)]
pub struct Gathered {
    batch: Arc<Batch>,
    index: usize,
    /// 100: it stands for itself; 10: for ten of its kind; 0: only its metrics are wanted.
    pub sample_rate: f64,
    pub rules: Arc<Rules>,
}

impl Gathered {
    /// A copy of an event.
    pub fn of(event: &RequestEvent<'_>, sample_rate: f64, rules: Arc<Rules>) -> Self {
        Self { batch: Arc::new(Batch::of(event)), index: 0, sample_rate, rules }
    }

    /// Calls `read` with the event.
    pub fn with<R: Default>(&self, read: impl FnOnce(&RequestEvent<'_>) -> R) -> R {
        // The batch has a request of this number.
        self.batch.with(self.index, read).unwrap_or_default()
    }
}

/// A batch in the queue, and how many of its requests the exporter takes.
struct Queued {
    batch: Arc<Batch>,
    requests: u64,
}

/// Where workers leave requests. A full inlet gives up its oldest (O-03); the lock is held for a push or a swap.
pub struct Inlet {
    pub intake: Intake,
    pub figures: Arc<ExporterFigures>,
    /// Wakes the exporter when half of the room is taken.
    pub pressed: Notify,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Queued>,
    requests: u64,
    bytes: usize,
    /// Nobody takes anything out any more.
    closed: bool,
}

impl State {
    fn pop(&mut self) -> Option<Queued> {
        let oldest = self.batches.pop_front()?;
        self.bytes -= oldest.batch.bytes();
        self.requests -= oldest.requests;
        Some(oldest)
    }
}

impl Inlet {
    pub fn new(bytes_max: usize, intake: Intake, figures: Arc<ExporterFigures>) -> Self {
        Self { intake, figures, pressed: Notify::new(), bytes_max, state: Mutex::default() }
    }

    /// Adds a batch of which the exporter takes so many requests.
    pub fn push(&self, batch: Arc<Batch>, requests: u64) {
        let bytes = batch.bytes();
        let mut given_up = 0;
        let mut state = self.lock();
        if state.closed {
            return self.figures.item_ended(Outcome::Closed, requests);
        }
        while state.bytes + bytes > self.bytes_max {
            let Some(oldest) = state.pop() else { break };
            given_up += oldest.requests;
        }
        let was_pressed = state.bytes * 2 >= self.bytes_max;
        state.bytes += bytes;
        state.requests += requests;
        state.batches.push_back(Queued { batch, requests });
        let is_pressed = state.bytes * 2 >= self.bytes_max;
        drop(state);
        if is_pressed && !was_pressed {
            self.pressed.notify_one();
        }
        if given_up > 0 {
            self.figures.item_ended(Outcome::QueueFull, given_up);
        }
    }

    /// At least `least` requests, or all there are; those that were taken by the time at which they ended.
    pub fn take(&self, least: usize) -> Vec<Gathered> {
        let mut taken = Vec::new();
        let mut state = self.lock();
        let before = state.requests;
        while before - state.requests < least as u64 {
            let Some(oldest) = state.pop() else { break };
            taken.push(oldest.batch);
        }
        self.figures.set_waiting(Place::Queue, state.requests, state.bytes as u64);
        drop(state);
        let mut gathered = Vec::with_capacity(least);
        for batch in taken {
            for index in 0..batch.len() {
                // The same answer as the worker had when it counted.
                if let Some((rules, sample_rate)) = self.rules(&batch, index) {
                    gathered.push(Gathered { batch: Arc::clone(&batch), index, sample_rate, rules });
                }
            }
        }
        // Each worker's are in order; together they shall be.
        gathered.sort_by_key(|item| item.batch.ended(item.index));
        gathered
    }

    fn rules(&self, batch: &Batch, index: usize) -> Option<(Arc<Rules>, f64)> {
        if let Some(rules) = self.intake.everything() {
            return Some((Arc::clone(rules), 100.0));
        }
        batch.with(index, |event| {
            self.intake.take(event).map(|(rules, sample_rate)| (Arc::clone(rules), sample_rate))
        })?
    }

    /// What comes later is counted as lost.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.figures.item_ended(Outcome::Closed, state.requests);
        state.batches.clear();
        (state.requests, state.bytes) = (0, 0);
        self.figures.set_waiting(Place::Queue, 0, 0);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::Url;
    use crate::export::Sampling;

    #[test]
    fn full_inlet_gives_up_its_oldest_and_counts_them() {
        let event = |code| {
            Arc::new(Batch::of(&RequestEvent {
                response_code: code,
                ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", Url::default())
            }))
        };
        let each = event(1).bytes();
        let figures = Arc::new(ExporterFigures::new("x"));
        let intake = Intake::all(Sampling::default());
        let inlet = Inlet::new(3 * each, intake, Arc::clone(&figures));
        (1..=5).for_each(|code| inlet.push(event(code), 1));
        let codes: Vec<u16> =
            inlet.take(9).iter().map(|item| item.with(|event| event.response_code)).collect();
        assert_eq!((codes, figures.ended(Outcome::QueueFull)), (vec![3, 4, 5], 2));
        assert_eq!(figures.waiting(Place::Queue), (0, 0));
        inlet.push(event(6), 1);
        inlet.close();
        inlet.push(event(7), 1);
        assert_eq!(figures.ended(Outcome::Closed), 2);
    }
}
