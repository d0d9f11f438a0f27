//! The bounded queue between the workers and one exporter.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Intake, Kept};
use crate::diagnostic::Rules;
use crate::metrics::exporters::{ExporterFigures, Outcome, Place};

/// A request for an exporter.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub request: Arc<Kept>,
    /// 100: it stands for itself; 10: for ten of its kind; 0: only its metrics are wanted.
    pub sample_rate: f64,
    pub rules: Arc<Rules>,
}

/// The same in the queue.
struct Queued {
    request: Arc<Kept>,
    sample_rate: f64,
    /// `None`: the inlet's own.
    rules: Option<Arc<Rules>>,
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
    items: VecDeque<Queued>,
    bytes: usize,
    /// Nobody takes anything out any more.
    closed: bool,
}

impl Inlet {
    pub fn new(bytes_max: usize, intake: Intake, figures: Arc<ExporterFigures>) -> Self {
        Self { intake, figures, pressed: Notify::new(), bytes_max, state: Mutex::default() }
    }

    /// `rules`: of a diagnostic; `None`: the inlet's own.
    pub fn push(&self, request: Arc<Kept>, sample_rate: f64, rules: Option<Arc<Rules>>) {
        let bytes = request.bytes();
        let mut given_up = 0;
        let mut state = self.lock();
        if state.closed {
            return self.figures.item_ended(Outcome::Closed, 1);
        }
        while state.bytes + bytes > self.bytes_max {
            let Some(oldest) = state.items.pop_front() else { break };
            state.bytes -= oldest.request.bytes();
            given_up += 1;
        }
        let was_pressed = state.bytes * 2 >= self.bytes_max;
        state.bytes += bytes;
        state.items.push_back(Queued { request, sample_rate, rules });
        let is_pressed = state.bytes * 2 >= self.bytes_max;
        drop(state);
        if is_pressed && !was_pressed {
            self.pressed.notify_one();
        }
        if given_up > 0 {
            self.figures.item_ended(Outcome::QueueFull, given_up);
        }
    }

    /// Up to `most` items, oldest first.
    pub fn take(&self, most: usize) -> Vec<Gathered> {
        let mut state = self.lock();
        let count = state.items.len().min(most);
        let taken: Vec<Queued> = state.items.drain(..count).collect();
        let bytes: usize = taken.iter().map(|item| item.request.bytes()).sum();
        state.bytes -= bytes.min(state.bytes);
        self.figures.set_waiting(Place::Queue, state.items.len() as u64, state.bytes as u64);
        drop(state);
        let gathered = |Queued { request, sample_rate, rules }| {
            // Without rules of either kind nothing is pushed.
            let rules = rules.or_else(|| self.intake.own().map(Arc::clone))?;
            Some(Gathered { request, sample_rate, rules })
        };
        taken.into_iter().filter_map(gathered).collect()
    }

    /// What comes later is counted as lost.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.items).len() as u64;
        state.bytes = 0;
        self.figures.item_ended(Outcome::Closed, left);
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
    use crate::export::Sampling;
    use crate::{RequestEvent, Url};

    #[test]
    fn full_inlet_gives_up_its_oldest_and_counts_them() {
        let event = |code| {
            Arc::new(Kept::of(&RequestEvent {
                response_code: code,
                ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", Url::default())
            }))
        };
        let each = event(1).bytes();
        let figures = Arc::new(ExporterFigures::new("x"));
        let intake = Intake::all(Sampling::default());
        let inlet = Inlet::new(3 * each, intake, Arc::clone(&figures));
        (1..=5).for_each(|code| inlet.push(event(code), 100.0, None));
        let codes: Vec<u16> =
            inlet.take(9).iter().map(|item| item.request.with(|event| event.response_code)).collect();
        assert_eq!((codes, figures.ended(Outcome::QueueFull)), (vec![3, 4, 5], 2));
        assert_eq!(figures.waiting(Place::Queue), (0, 0));
        inlet.push(event(6), 100.0, None);
        inlet.close();
        inlet.push(event(7), 100.0, None);
        assert_eq!(figures.ended(Outcome::Closed), 2);
    }
}
