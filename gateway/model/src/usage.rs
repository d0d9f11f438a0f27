//! What was used: calls and their figures by place and time, as gateways count them, tell them and planes keep them.

use serde::{Deserialize, Serialize};

/// Length of the time that figures are summed over, in seconds: reports cut no finer (management-api.md §1.11).
pub const QUARTER: i64 = 900;

/// Where calls belong to; a part that a call has not is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// Names, without the collection: `orders`.
    pub api: String,
    pub operation: String,
    pub product: String,
    pub user: String,
    pub subscription: String,
    /// Location of the gateway.
    pub region: String,
}

/// Figures of calls. Sums end at their type's end and never wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    pub success: u64,
    pub blocked: u64,
    pub failed: u64,
    pub other: u64,
    /// Requests with their headers, and the bodies of responses.
    pub bytes: u64,
    pub cache_hits: u64,
    pub cache_misses: u64,
    /// From the request's arrival to the end of its answer.
    pub time: Spread,
    /// At backends, for calls that went to one.
    pub backend: Spread,
}

/// Durations in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spread {
    pub count: u64,
    pub sum: u64,
    pub min: u64,
    pub max: u64,
}

/// Figures of one place in one quarter of an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Begin of the quarter, seconds since 1970.
    pub at: i64,
    pub place: Place,
    pub figures: Figures,
}

/// One request, for the log of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoggedRequest {
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    pub place: Place,
    pub method: String,
    /// Secrets are masked.
    pub url: String,
    pub ip: String,
    /// 0 when the client left before it had an answer.
    pub status: u16,
    /// 0 when no backend answered.
    pub backend_status: u16,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// `none`, `hit` or `miss`.
    pub cache: String,
    /// Microseconds.
    pub time: u64,
    pub backend_time: u64,
}

impl Spread {
    /// One more duration.
    pub fn record(&mut self, micros: u64) {
        self.add(&Self { count: 1, sum: micros, min: micros, max: micros });
    }

    /// Those of another.
    pub fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
    }
}

impl Figures {
    /// Counts a call by its status: in the classes of Azure's reports (`ReportRecordContract`).
    pub fn count(&mut self, status: u16) {
        let class = match status {
            100..=301 | 304 | 307 => &mut self.success,
            401 | 403 | 429 => &mut self.blocked,
            400 | 500..=600 => &mut self.failed,
            _ => &mut self.other,
        };
        *class = class.saturating_add(1);
    }

    /// Calls of all classes.
    pub fn calls(&self) -> u64 {
        [self.success, self.blocked, self.failed, self.other].iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Those of another.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.success, other.success),
            (&mut self.blocked, other.blocked),
            (&mut self.failed, other.failed),
            (&mut self.other, other.other),
            (&mut self.bytes, other.bytes),
            (&mut self.cache_hits, other.cache_hits),
            (&mut self.cache_misses, other.cache_misses),
        ] {
            *own = own.saturating_add(more);
        }
        self.time.add(&other.time);
        self.backend.add(&other.backend);
    }

    /// None above a value: sums over many reports stay within what a store can hold.
    pub fn clamp(&mut self, max: u64) {
        let (time, backend) = (&mut self.time, &mut self.backend);
        for own in [
            &mut self.success,
            &mut self.blocked,
            &mut self.failed,
            &mut self.other,
            &mut self.bytes,
            &mut self.cache_hits,
            &mut self.cache_misses,
        ]
        .into_iter()
        .chain(
            [time, backend]
                .into_iter()
                .flat_map(|spread| [&mut spread.count, &mut spread.sum, &mut spread.min, &mut spread.max]),
        ) {
            *own = (*own).min(max);
        }
    }
}

impl Place {
    /// The parts, to be read alike.
    pub fn parts(&self) -> [&str; 6] {
        [&self.api, &self.operation, &self.product, &self.user, &self.subscription, &self.region]
    }

    /// The parts, to be changed alike.
    pub fn parts_mut(&mut self) -> [&mut String; 6] {
        [
            &mut self.api,
            &mut self.operation,
            &mut self.product,
            &mut self.user,
            &mut self.subscription,
            &mut self.region,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_is_as_if_all_calls_had_been_counted_at_one_place() {
        let calls = [(200, 10), (304, 20), (302, 5), (401, 1), (500, 90), (400, 2), (0, 3)];
        let (mut all, mut halves) = (Figures::default(), [Figures::default(); 2]);
        for (number, (status, micros)) in calls.into_iter().enumerate() {
            for figures in [&mut all, &mut halves[number % 2]] {
                figures.count(status);
                figures.time.record(micros);
                figures.bytes += 7;
            }
        }
        let mut sum = Figures::default();
        halves.iter().for_each(|half| sum.add(half));
        assert_eq!(sum, all);
        assert_eq!((all.success, all.blocked, all.failed, all.other, all.calls()), (2, 1, 2, 2, 7));
        assert_eq!(all.time, Spread { count: 7, sum: 131, min: 1, max: 90 });
        sum.clamp(6);
        assert_eq!((sum.bytes, sum.time.max, sum.success), (6, 6, 2));
    }
}
