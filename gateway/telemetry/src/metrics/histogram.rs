//! Duration histograms with bounds chosen at start.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use thiserror::Error;

/// Most bounds a histogram can have; the original's setting has 11.
pub const BOUNDS_MAX: usize = 16;

/// Upper bounds of all duration histograms (setting `observability.opentelemetry.histogram.buckets`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    bounds_micros: Vec<u64>,
}

/// Why a list of bounds was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BucketsError {
    #[error("{0:?} is not a positive number of milliseconds")]
    NotMillis(String),
    #[error("bounds must ascend")]
    NotAscending,
    #[error("more than {BOUNDS_MAX} bounds")]
    TooMany,
}

impl Default for Buckets {
    /// 5, 10, 25, 50, 100, 250, 500, 1,000, 2,500, 5,000 and 10,000 ms.
    fn default() -> Self {
        let millis = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
        Self { bounds_micros: millis.map(|bound: u64| bound * 1_000).to_vec() }
    }
}

impl Buckets {
    /// Reads milliseconds separated by commas; fractions of a millisecond down to 1 µs.
    pub fn parse(text: &str) -> Result<Self, BucketsError> {
        let mut bounds_micros = Vec::new();
        for part in text.split(',').map(str::trim) {
            let micros = part.parse::<f64>().ok().map(|millis| millis * 1_000.0);
            let Some(micros) = micros.filter(|micros| (1.0..1e15).contains(micros)) else {
                return Err(BucketsError::NotMillis(part.to_owned()));
            };
            bounds_micros.push(micros.round() as u64);
        }
        if !bounds_micros.is_sorted_by(|a, b| a < b) {
            return Err(BucketsError::NotAscending);
        }
        if bounds_micros.len() > BOUNDS_MAX {
            return Err(BucketsError::TooMany);
        }
        Ok(Self { bounds_micros })
    }

    /// Upper bounds in seconds, without the last, infinite one.
    pub fn bounds_seconds(&self) -> impl Iterator<Item = f64> {
        self.bounds_micros.iter().map(|micros| *micros as f64 / 1e6)
    }
}

/// Counts a bucket, and the sum; a value equal to a bound belongs to that bound's bucket.
#[derive(Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; BOUNDS_MAX + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, buckets: &Buckets, value: Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        let bounds = &buckets.bounds_micros;
        let bucket = bounds.iter().position(|bound| micros <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.sum_micros.fetch_add(micros, Relaxed);
    }
}

/// Sum of a histogram over shards.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistogramTotal {
    /// Not cumulative; one more than there are bounds.
    pub counts: Vec<u64>,
    pub sum_seconds: f64,
}

impl HistogramTotal {
    pub(super) fn add(&mut self, buckets: &Buckets, histogram: &Histogram) {
        self.counts.resize(buckets.bounds_micros.len() + 1, 0);
        for (total, count) in self.counts.iter_mut().zip(&histogram.counts) {
            *total += count.load(Relaxed);
        }
        self.sum_seconds += histogram.sum_micros.load(Relaxed) as f64 / 1e6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observation_on_and_beside_bound_falls_in_its_bucket() {
        let buckets = Buckets::parse("5, 10,0.5").map(|_| ());
        assert_eq!(buckets, Err(BucketsError::NotAscending));
        let buckets = Buckets::parse("0.5,5,10").unwrap();
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 5_000, 10_000, 10_001, 1_000_000] {
            histogram.observe(&buckets, Duration::from_micros(micros));
        }
        let mut total = HistogramTotal::default();
        total.add(&buckets, &histogram);
        assert_eq!(total.counts, [2, 2, 1, 2]);
        assert!((total.sum_seconds - 1.026_002).abs() < 1e-9);
    }

    #[test]
    fn bounds_out_of_range_are_refused() {
        for text in ["", "a", "0", "-1", "5,,6", "nan", "1e400"] {
            assert!(matches!(Buckets::parse(text), Err(BucketsError::NotMillis(_))), "{text}");
        }
        let many: Vec<String> = (1..=17).map(|bound| bound.to_string()).collect();
        assert_eq!(Buckets::parse(&many.join(",")), Err(BucketsError::TooMany));
        assert_eq!(Buckets::parse("5,10,25,50,100,250,500,1000,2500,5000,10000"), Ok(Buckets::default()));
    }
}
