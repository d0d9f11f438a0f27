//! Which requests an exporter takes: all that belong to one operation id, or none of them.

use uuid::Uuid;

use crate::RequestEvent;

/// Fixed-rate sampling (self-hosted-gateway.md §3.5, §4.3.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0–100.
    pub percentage: f64,
    /// `alwaysLog: allErrors`: failures are taken whatever the percentage.
    pub all_errors: bool,
}

impl Default for Sampling {
    /// Everything.
    fn default() -> Self {
        Self { percentage: 100.0, all_errors: true }
    }
}

impl Sampling {
    /// The rate under which a request is taken, as `sampleRate` says it (100: it stands for itself); `None`: it is not.
    pub fn rate(&self, event: &RequestEvent<'_>) -> Option<f64> {
        if self.percentage >= 100.0 {
            return Some(100.0);
        }
        if self.all_errors && is_failure(event) {
            return Some(100.0);
        }
        (score(event.correlation_id) < self.percentage).then_some(self.percentage)
    }
}

/// The client left, `on-error` ran, or the status is 4xx or 5xx.
pub fn is_failure(event: &RequestEvent<'_>) -> bool {
    event.last_error.is_some() || !event.is_success()
}

/// 0–100 from an operation id, as other SDKs have it: those of one id decide alike.
fn score(operation: Uuid) -> f64 {
    let mut digits = [0; 32];
    let hash =
        operation.simple().encode_lower(&mut digits).bytes().fold(5381_i32, |hash, byte| {
            hash.wrapping_shl(5).wrapping_add(hash).wrapping_add(i32::from(byte))
        });
    let positive = hash.checked_abs().unwrap_or(i32::MAX);
    f64::from(positive) / f64::from(i32::MAX) * 100.0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::{LastError, Url};

    #[test]
    fn rate_takes_its_share_and_every_failure() {
        let tenth = Sampling { percentage: 10.0, all_errors: true };
        let request = |code| RequestEvent {
            response_code: code,
            correlation_id: Uuid::new_v4(),
            ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", Url::default())
        };
        let taken: Vec<f64> = (0..10_000).filter_map(|_| tenth.rate(&request(200))).collect();
        assert!((900..=1100).contains(&taken.len()), "{}", taken.len());
        assert!(taken.iter().all(|rate| rate.to_bits() == 10.0_f64.to_bits()));
        let failed = (0..100).filter_map(|_| tenth.rate(&request(503))).filter(|rate| *rate > 99.0);
        assert_eq!(failed.count(), 100);
        let error = RequestEvent { last_error: Some(LastError::default()), ..request(200) };
        assert_eq!(tenth.rate(&error), Some(100.0));
        let strict = Sampling { percentage: 0.0, all_errors: false };
        assert_eq!((0..100).filter_map(|_| strict.rate(&request(503))).count(), 0);
    }
}
