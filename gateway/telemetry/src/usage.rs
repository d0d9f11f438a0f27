//! What was used, counted for the management plane: figures by API, operation, product, user and subscription in quarters of
//! an hour, and the first requests of each round whole.
//!
//! Each worker counts in a part of its own, which only the thread that tells the plane ever waits for with it. What the plane
//! has not been told stays: where more places were used than are kept, calls are counted for their API, and at last for none,
//! so the detail is bounded and no call is lost.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use gateway_model::usage::{Figures, LoggedRequest, Place, QUARTER, Usage};
use indexmap::{Equivalent, IndexMap};

use crate::event::{Cache, RequestEvent};
use crate::redact::Redacted;

/// Rows kept with all their detail.
const DETAILED_MAX: usize = 20_000;
/// Rows kept with at least their API.
const BY_API_MAX: usize = 30_000;
/// Longest URL of a logged request, in bytes.
const URL_BYTES_MAX: usize = 2_048;

/// The counters of all workers.
pub struct UsageMeter {
    parts: Box<[Mutex<Part>]>,
    rows: AtomicUsize,
    /// Requests that may still be logged in this round.
    room: AtomicUsize,
    requests_max: usize,
}

#[derive(Default)]
struct Part {
    rows: Rows,
    requests: Vec<LoggedRequest>,
}

/// Figures by the quarter's beginning and the place.
type Rows = IndexMap<(i64, Place), Figures>;

/// Key of a row without owning it: API, operation, product, user, subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RowRef<'a> {
    at: i64,
    place: [&'a str; 5],
}

impl Hash for RowRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As the owned key: a pair, whose place is hashed field by field and has no region here.
        self.at.hash(state);
        self.place.iter().for_each(|part| part.hash(state));
        "".hash(state);
    }
}

impl Equivalent<(i64, Place)> for RowRef<'_> {
    fn equivalent(&self, (at, place): &(i64, Place)) -> bool {
        let Place { api, operation, product, user, subscription, region: _ } = place;
        let of_key: [&str; 5] = [api, operation, product, user, subscription];
        (self.at, self.place) == (*at, of_key)
    }
}

impl UsageMeter {
    /// For so many workers, and so many whole requests a round.
    pub fn new(workers: usize, requests_max: usize) -> Self {
        Self {
            parts: (0..workers.max(1)).map(|_| Mutex::default()).collect(),
            rows: AtomicUsize::new(0),
            room: AtomicUsize::new(requests_max),
            requests_max,
        }
    }

    /// Whether the next request is logged: only then are its texts worth making.
    pub fn reads_requests(&self) -> bool {
        self.room.load(Relaxed) > 0
    }

    /// Counts a request that has ended; those for no API are nobody's.
    pub fn record(&self, worker: usize, event: &RequestEvent<'_>) {
        let Some(api) = event.api_id else { return };
        let place = [
            api,
            event.operation_id.unwrap_or_default(),
            event.product_id.unwrap_or_default(),
            event.user_id.unwrap_or_default(),
            event.subscription_id.unwrap_or_default(),
        ];
        let mut part = lock(self.parts.get(worker % self.parts.len().max(1)).unwrap_or(&self.parts[0]));
        let at = unix(event.time_generated).as_secs().cast_signed().div_euclid(QUARTER) * QUARTER;
        count(self.row(&mut part.rows, RowRef { at, place }), event);
        let is_logged = self.reads_requests()
            && self.room.fetch_update(Relaxed, Relaxed, |room| room.checked_sub(1)).is_ok();
        if is_logged {
            part.requests.push(logged(event, owned(place)));
        }
    }

    /// Everything since the last call, and room for as many requests again.
    pub fn take(&self) -> (Vec<Usage>, Vec<LoggedRequest>) {
        let mut sums = Rows::new();
        let mut requests = Vec::new();
        for part in &self.parts {
            let Part { rows, requests: logged } = std::mem::take(&mut *lock(part));
            self.rows.fetch_sub(rows.len(), Relaxed);
            for (key, figures) in rows {
                sums.entry(key).or_default().add(&figures);
            }
            requests.extend(logged);
        }
        self.room.store(self.requests_max, Relaxed);
        let usage = sums.into_iter().map(|((at, place), figures)| Usage { at, place, figures });
        (usage.collect(), requests)
    }

    /// The row of a key, or of its API, or of nobody, as far as there is room for another.
    fn row<'r>(&self, rows: &'r mut Rows, wanted: RowRef<'_>) -> &'r mut Figures {
        let kept = self.rows.load(Relaxed);
        let of_api = RowRef { place: [wanted.place[0], "", "", "", ""], ..wanted };
        let known = [(wanted, DETAILED_MAX), (of_api, BY_API_MAX)];
        let room = known.into_iter().find(|(key, rows_max)| kept < *rows_max || rows.contains_key(key));
        let key = room.map_or(RowRef { place: [""; 5], ..wanted }, |(key, _)| key);
        let index = rows.get_index_of(&key).unwrap_or_else(|| {
            self.rows.fetch_add(1, Relaxed);
            rows.insert_full((key.at, owned(key.place)), Figures::default()).0
        });
        &mut rows[index]
    }
}

fn count(figures: &mut Figures, event: &RequestEvent<'_>) {
    figures.count(event.response_code);
    figures.bytes = figures.bytes.saturating_add(event.request_size).saturating_add(event.response_size);
    match event.cache {
        Cache::None => {}
        Cache::Hit => figures.cache_hits += 1,
        Cache::Miss => figures.cache_misses += 1,
    }
    figures.time.record(micros(event.total_time));
    if let Some(time) = event.backend_time {
        figures.backend.record(micros(time));
    }
}

fn owned(place: [&str; 5]) -> Place {
    let [api, operation, product, user, subscription] = place.map(str::to_owned);
    Place { api, operation, product, user, subscription, region: String::new() }
}

fn logged(event: &RequestEvent<'_>, place: Place) -> LoggedRequest {
    let mut url = Redacted::url(&event.url, event.key_parameter).to_string();
    url.truncate(url.floor_char_boundary(URL_BYTES_MAX));
    LoggedRequest {
        id: event.correlation_id.to_string(),
        at: i64::try_from(unix(event.time_generated).as_millis()).unwrap_or_default(),
        place,
        method: event.method.to_owned(),
        url,
        ip: event.caller_ip.to_string(),
        status: event.response_code,
        backend_status: event.backend().map_or(0, |call| call.response_code),
        request_bytes: event.request_size,
        response_bytes: event.response_size,
        cache: event.cache.as_str().to_owned(),
        time: micros(event.total_time),
        backend_time: event.backend_time.map_or(0, micros),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn unix(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// A panic elsewhere leaves whole rows behind, so the data is good.
fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Url;

    fn event(api: &'static str, subscription: &'static str, status: u16) -> RequestEvent<'static> {
        let url = Url { scheme: "http", authority: "h", target: "/a?subscription-key=sesame" };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        RequestEvent {
            api_id: Some(api).filter(|api| !api.is_empty()),
            subscription_id: Some(subscription),
            response_code: status,
            total_time: Duration::from_micros(5),
            response_size: 3,
            ..RequestEvent::new([127, 0, 0, 1].into(), time, "GET", url)
        }
    }

    #[test]
    fn take_gives_sums_over_workers_once_and_the_first_requests() {
        let meter = UsageMeter::new(2, 2);
        for worker in [0, 1, 1] {
            meter.record(worker, &event("a", "s", 200));
        }
        meter.record(0, &event("a", "t", 500));
        meter.record(0, &event("", "", 404));
        let (mut usage, requests) = meter.take();
        usage.sort_by(|a, b| a.place.cmp(&b.place));
        let rows = usage.iter();
        let shown: Vec<_> = rows.map(|row| (row.at, &*row.place.subscription, row.figures.calls())).collect();
        assert_eq!(shown, [(900, "s", 3), (900, "t", 1)]);
        assert_eq!((usage[0].figures.time.sum, usage[0].figures.bytes), (15, 9));
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].url, "http://h/a?subscription-key=***");
        assert!(meter.reads_requests());
        assert_eq!(meter.take(), (Vec::new(), Vec::new()));
    }

    #[test]
    fn rows_are_bounded_and_no_call_is_lost() {
        let meter = UsageMeter::new(1, 0);
        let names: Vec<String> = (0..DETAILED_MAX + 1_000).map(|number| number.to_string()).collect();
        for name in &names {
            meter.record(0, &RequestEvent { subscription_id: Some(name), ..event("a", "", 200) });
        }
        let (usage, requests) = meter.take();
        assert_eq!(usage.len(), DETAILED_MAX + 1);
        assert_eq!(usage.iter().map(|row| row.figures.calls()).sum::<u64>(), names.len() as u64);
        assert!(requests.is_empty());
        assert_eq!(meter.rows.load(Relaxed), 0);
    }
}
