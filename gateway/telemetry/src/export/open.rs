//! What each worker has gathered and not yet handed on to the exporters: a lock, an allocation and a wake-up are then one
//! for many requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::inlet::Inlet;
use super::kept::Batch;
use crate::event::RequestEvent;

/// The exporters that take requests.
pub type Inlets = Vec<Arc<Inlet>>;

/// Of all workers.
pub struct OpenBatches(Box<[Mutex<OpenBatch>]>);

/// Of one worker; lines of the cache are its own.
#[derive(Default)]
#[repr(align(128))]
struct OpenBatch {
    /// Whom it is for.
    inlets: Arc<Inlets>,
    /// How many of its requests each of them takes.
    counts: Vec<u64>,
    batch: Batch,
}

impl OpenBatches {
    pub fn new(workers: usize) -> Self {
        Self((0..workers.max(1)).map(|_| Mutex::default()).collect())
    }

    /// Adds a request of a worker, if any of the exporters takes it.
    pub fn add(&self, worker: usize, inlets: &Arc<Inlets>, event: &RequestEvent<'_>) {
        let Some(mut open) = self.0.get(worker % self.0.len()).map(lock) else { return };
        if !Arc::ptr_eq(&open.inlets, inlets) {
            open.hand_on();
            open.inlets = Arc::clone(inlets);
            open.counts = vec![0; inlets.len()];
        }
        open.add(event);
    }

    /// Hands on what has been gathered so far.
    pub fn hand_on(&self) {
        self.0.iter().for_each(|open| lock(open).hand_on());
    }
}

impl OpenBatch {
    fn add(&mut self, event: &RequestEvent<'_>) {
        let mut is_wanted = false;
        for (inlet, count) in self.inlets.iter().zip(&mut self.counts) {
            if inlet.intake.everything().is_some() || inlet.intake.take(event).is_some() {
                *count += 1;
                is_wanted = true;
            }
        }
        if is_wanted {
            self.batch.push(event);
            if self.batch.is_full() {
                self.hand_on();
            }
        }
    }

    fn hand_on(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let successor = self.batch.successor();
        let mut batch = std::mem::replace(&mut self.batch, successor);
        batch.shrink();
        let batch = Arc::new(batch);
        for (inlet, count) in self.inlets.iter().zip(&mut self.counts) {
            let count = std::mem::take(count);
            if count > 0 {
                inlet.push(Arc::clone(&batch), count);
            }
        }
    }
}

fn lock(open: &Mutex<OpenBatch>) -> MutexGuard<'_, OpenBatch> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
