//! What the kernel programs counted since the last minute.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::aggregate::Reading;
use crate::metrics::table::{self, Metric};
use crate::metrics::{Registry, Sample};

/// Metrics of the registry, their names in Azure Monitor, and the names of their dimensions.
const METRICS: [(&Metric, &str, &[&str]); 9] = [
    (table::PACKETS, "KernelPackets", &["Listener", "Protocol", "Direction", "Verdict"]),
    (table::PACKET_BYTES, "KernelBytes", &["Listener", "Protocol", "Direction", "Verdict"]),
    (table::DROPPED, "KernelDrops", &["Reason", "Rule", "Interface"]),
    (table::TCP_CONNECTIONS, "KernelConnections", &["Listener", "State"]),
    (table::TCP_RETRANSMITS, "KernelRetransmits", &["Listener"]),
    (table::TCP_FLAGS, "KernelSegments", &["Listener", "Flag"]),
    (table::LOOKUP_ERRORS, "KernelSteeringErrors", &["Listener"]),
    (table::TCP_DURATION, "KernelConnectionDuration", &["Listener"]),
    (table::RTT, "KernelRoundTripTime", &["Listener"]),
];

/// The newest reading of each series.
#[derive(Debug, Default)]
pub struct Kernel {
    minute: Option<u64>,
    last: HashMap<(&'static str, Vec<String>), Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    count: u64,
    sum: f64,
    buckets: Vec<u64>,
}

impl Kernel {
    /// Once a minute, and at the `end`, calls `put` with what each series came to since the reading before.
    pub fn read(
        &mut self,
        registry: &Registry,
        now: SystemTime,
        end: bool,
        mut put: impl FnMut(SystemTime, &'static str, &[(&str, &str)], Reading),
    ) {
        let minute = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60;
        let before = *self.minute.get_or_insert(minute);
        if minute == before && !end {
            return;
        }
        self.minute = Some(minute);
        // The reading tells of the minute that has just ended.
        let time = UNIX_EPOCH + Duration::from_secs(60 * if end { minute } else { minute.saturating_sub(1) });
        registry.collect(&mut |metric, labels, sample| {
            let Some((_, name, dimensions)) = METRICS.iter().find(|(known, ..)| known.name == metric.name)
            else {
                return;
            };
            let key = (*name, labels.iter().map(|label| (*label).to_owned()).collect());
            let last = self.last.entry(key).or_default();
            if let Some(reading) = last.advance(sample) {
                let dimensions: Vec<(&str, &str)> =
                    dimensions.iter().copied().zip(labels.iter().copied()).collect();
                put(time, name, &dimensions, reading);
            }
        });
    }
}

impl Last {
    /// What was added since the last sample; `None`: nothing. A counter that began anew counts from zero.
    fn advance(&mut self, sample: Sample<'_>) -> Option<Reading> {
        match sample {
            Sample::Count(count) => {
                let added = if count >= self.count { count - self.count } else { count };
                self.count = count;
                (added > 0).then(|| Reading::one(added as f64))
            }
            Sample::Number(_) => None,
            Sample::Histogram { bounds, counts, sum_seconds } => {
                self.buckets.resize(counts.len(), 0);
                let added: Vec<u64> = counts
                    .iter()
                    .zip(&self.buckets)
                    .map(|(count, last)| if count >= last { count - last } else { *count })
                    .collect();
                let sum = if sum_seconds >= self.sum { sum_seconds - self.sum } else { sum_seconds };
                self.buckets.copy_from_slice(counts);
                self.sum = sum_seconds;
                let first = added.iter().position(|count| *count > 0)?;
                let last = added.iter().rposition(|count| *count > 0)?;
                // Bounds of the buckets: what is within is not known any better.
                let low = first.checked_sub(1).and_then(|bound| bounds.get(bound)).copied().unwrap_or(0.0);
                let high = bounds.get(last).or(bounds.last()).copied().unwrap_or_default();
                let millis = 1000.0;
                Some(Reading {
                    min: low * millis,
                    max: high * millis,
                    sum: sum * millis,
                    count: added.iter().sum(),
                })
            }
        }
    }
}
