//! Workers that do not get on: new connections are kept from them until they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Looks, one a second, at which a worker that counts once a second has not counted.
const SILENT: u32 = 3;

/// What the workers' counts have been.
pub struct Pulse {
    beats: Arc<Vec<AtomicU64>>,
    /// The last count of each worker, and for how many looks it has been that.
    seen: Vec<(u64, u32)>,
    /// Who takes connections.
    takes: Vec<bool>,
}

impl Pulse {
    pub fn new(beats: Arc<Vec<AtomicU64>>) -> Self {
        let workers = beats.len();
        Self { beats, seen: vec![(0, 0); workers], takes: vec![true; workers] }
    }

    /// Who takes connections, if that has changed. Meant for a timer of a second.
    pub fn look(&mut self) -> Option<&[bool]> {
        for (beats, (count, looks)) in self.beats.iter().zip(&mut self.seen) {
            let now = beats.load(Ordering::Relaxed);
            *looks = if now == *count { looks.saturating_add(1) } else { 0 };
            *count = now;
        }
        let takes: Vec<_> = self.seen.iter().map(|(_, looks)| *looks < SILENT).collect();
        if takes == self.takes {
            return None;
        }
        self.takes = takes;
        Some(&self.takes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_a_silent_worker_is_spared_until_it_counts_again() {
        let beats: Arc<Vec<AtomicU64>> = Arc::new((0..2).map(|_| AtomicU64::default()).collect());
        let mut pulse = Pulse::new(Arc::clone(&beats));
        let mut look = |counts: &[usize]| {
            for worker in counts {
                beats[*worker].fetch_add(1, Ordering::Relaxed);
            }
            pulse.look().map(<[bool]>::to_vec)
        };
        assert_eq!(look(&[0, 1]), None);
        assert_eq!(look(&[0]), None);
        assert_eq!(look(&[0]), None);
        assert_eq!(look(&[0]), Some(vec![true, false]));
        assert_eq!(look(&[0]), None);
        assert_eq!(look(&[0, 1]), Some(vec![true, true]));
    }
}
