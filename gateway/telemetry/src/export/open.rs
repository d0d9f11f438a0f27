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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::LoggerKind;
    use crate::export::testing::request;
    use crate::export::{Intake, Sampling};
    use crate::metrics::exporters::{ExporterFigures, Outcome};

    fn inlet(intake: Intake) -> Arc<Inlet> {
        Arc::new(Inlet::new(1 << 20, intake, Arc::new(ExporterFigures::new("x"))))
    }

    /// Whoever is asked gets what it takes of the batches, with nobody else's lost or doubled.
    #[test]
    fn batches_reach_those_who_take_of_them() {
        let failures = Sampling { percentage: 0.0, all_errors: true };
        let all = inlet(Intake::all(Sampling::default()));
        let failed = inlet(Intake::of_settings(LoggerKind::ApplicationInsights, failures));
        let none = inlet(Intake::Logger(LoggerKind::EventHub, "x".into()));
        let inlets = Arc::new(vec![Arc::clone(&all), Arc::clone(&failed), Arc::clone(&none)]);
        let open = OpenBatches::new(2);
        for number in 0..200 {
            open.add(number, &inlets, &request(if number % 10 == 0 { 500 } else { 200 }));
        }
        let before = all.take(1000).len();
        assert!(before > 0 && before < 200, "{before}: what is full has gone on, what is not has not");
        open.hand_on();
        assert_eq!(
            (before + all.take(1000).len(), failed.take(1000).len(), none.take(1000).len()),
            (200, 20, 0)
        );
        // Those who came after it are not asked about it.
        open.add(0, &inlets, &request(200));
        let later = inlet(Intake::all(Sampling::default()));
        open.add(0, &Arc::new(vec![Arc::clone(&later)]), &request(200));
        open.hand_on();
        assert_eq!((all.take(9).len(), later.take(9).len()), (1, 1));
        // Nobody wants it: nothing is kept.
        open.add(0, &Arc::new(vec![none]), &request(200));
        failed.close();
        open.add(1, &Arc::new(vec![Arc::clone(&failed)]), &request(500));
        open.hand_on();
        assert_eq!(failed.figures.ended(Outcome::Closed), 1);
    }
}
