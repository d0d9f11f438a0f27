//! How long an exporter waits before it tries again.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_secs(1);
/// Longest pause of our own choosing (row 29 of self-hosted-gateway.md §8).
const LONGEST: Duration = Duration::from_mins(1);
/// Longest pause that a sink may ask for.
const ASKED_MAX: Duration = Duration::from_hours(1);

/// Doubles from 1 s to 60 s, each up to a quarter shorter by chance, so that gateways do not come back together.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Pace {
    /// The sink answered well.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next pause; the sink may have asked for a longer one.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let own = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures += 1;
        let [chance, ..] = Uuid::new_v4().into_bytes();
        let own = own.mul_f64(1.0 - f64::from(chance) / 1024.0);
        asked.map_or(own, |asked| asked.min(ASKED_MAX).max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_grows_to_a_minute_and_yields_to_what_the_sink_asks() {
        let mut pace = Pace::default();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let pause = pace.next(None).as_secs_f64();
            assert!(pause <= f64::from(expected) && pause > f64::from(expected) * 0.74, "{pause}");
        }
        assert_eq!(pace.next(Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(pace.next(Some(Duration::from_hours(25))), ASKED_MAX);
        pace.reset();
        assert!(pace.next(Some(Duration::ZERO)) <= FIRST);
    }
}
