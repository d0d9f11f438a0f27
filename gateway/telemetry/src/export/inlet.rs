//! The bounded queue between the workers and one exporter.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Kept, Sampling};
use crate::metrics::exporters::{ExporterFigures, Outcome, Place};

/// A request for an exporter.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub request: Arc<Kept>,
    /// 100: it stands for itself; 10: for ten of its kind.
    pub sample_rate: f64,
}

/// Where workers leave requests. A full inlet gives up its oldest (O-03); the lock is held for a push or a swap.
pub struct Inlet {
    pub sampling: Sampling,
    pub figures: Arc<ExporterFigures>,
    /// Wakes the exporter when half of the room is taken.
    pub pressed: Notify,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: VecDeque<Gathered>,
    bytes: usize,
}

impl Inlet {
    pub fn new(bytes_max: usize, sampling: Sampling, figures: Arc<ExporterFigures>) -> Self {
        Self { sampling, figures, pressed: Notify::new(), bytes_max, state: Mutex::default() }
    }

    pub fn push(&self, item: Gathered) {
        let bytes = item.request.bytes();
        let mut given_up = 0;
        let mut state = self.lock();
        while state.bytes + bytes > self.bytes_max {
            let Some(oldest) = state.items.pop_front() else { break };
            state.bytes -= oldest.request.bytes();
            given_up += 1;
        }
        let was_pressed = state.bytes * 2 >= self.bytes_max;
        state.bytes += bytes;
        state.items.push_back(item);
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
        let taken: Vec<Gathered> = state.items.drain(..count).collect();
        let bytes: usize = taken.iter().map(|item| item.request.bytes()).sum();
        state.bytes -= bytes.min(state.bytes);
        self.figures.set_waiting(Place::Queue, state.items.len() as u64, state.bytes as u64);
        taken
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
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
        let inlet = Inlet::new(3 * each, Sampling::default(), Arc::clone(&figures));
        for code in 1..=5 {
            inlet.push(Gathered { request: event(code), sample_rate: 100.0 });
        }
        let codes: Vec<u16> =
            inlet.take(9).iter().map(|item| item.request.with(|event| event.response_code)).collect();
        assert_eq!((codes, figures.ended(Outcome::QueueFull)), (vec![3, 4, 5], 2));
        assert_eq!(figures.waiting(Place::Queue), (0, 0));
    }
}
