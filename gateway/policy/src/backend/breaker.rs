//! Circuit breaker of a backend entity (`policies.md` §7): when failures reach a threshold, the backend is left alone
//! for a while. One state a process, shared by the workers.
//!
//! Failures are counted in a sliding window of 256 ticks an interval, so that memory is bounded whatever the
//! threshold; a failure counts until its whole tick has left the window.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use gateway_model::resource::{CircuitBreaker, CircuitBreakerRule};

const TICKS_PER_INTERVAL: u128 = 256;

/// Longest time that `Retry-After` of a backend is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// A circuit breaker and where it stands.
#[derive(Debug)]
pub struct Breaker {
    definition: CircuitBreaker,
    rules: Vec<Rule>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Rule {
    threshold: Threshold,
    interval: Duration,
    statuses: Vec<RangeInclusive<u16>>,
    reasons: Vec<String>,
    trip: Duration,
    accept_retry_after: bool,
}

#[derive(Clone, Copy, Debug)]
enum Threshold {
    Count(u64),
    /// Of all calls in the interval.
    Percentage(u64),
}

#[derive(Debug, Default)]
struct State {
    /// Ticks are counted from here.
    start: Option<Instant>,
    windows: Vec<Window>,
    open_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Window {
    /// (tick, calls, failures), oldest first.
    ticks: VecDeque<(u128, u64, u64)>,
}

/// What a call to a backend came to.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    Answered {
        status: u16,
        /// Value of `Retry-After`.
        retry_after: Option<&'a str>,
    },
    /// `LastError.Reason` of a call without an answer.
    Failed(&'a str),
}

impl Breaker {
    /// Reads a definition; the error names what cannot be.
    pub fn new(definition: &CircuitBreaker) -> Result<Self, String> {
        let rules = definition.rules.iter().map(Rule::new).collect::<Result<Vec<_>, _>>()?;
        let windows = rules.iter().map(|_| Window::default()).collect();
        let state = Mutex::new(State { windows, ..State::default() });
        Ok(Self { definition: definition.clone(), rules, state })
    }

    /// Whether a definition is this one's, so that its state goes on.
    pub fn is_of(&self, definition: &CircuitBreaker) -> bool {
        self.definition == *definition
    }

    /// How long the backend is still left alone; `None` when it may be called.
    pub fn open_for(&self, now: Instant) -> Option<Duration> {
        let mut state = self.lock();
        let until = state.open_until?;
        if now < until {
            return Some(until - now);
        }
        state.open_until = None;
        None
    }

    /// Counts a call. Those still under way when it tripped change nothing.
    pub fn note(&self, outcome: Outcome<'_>, now: Instant) {
        let mut state = self.lock();
        if state.open_until.is_some_and(|until| now < until) {
            return;
        }
        let start = *state.start.get_or_insert(now);
        let since = now.saturating_duration_since(start);
        let mut trip: Option<Duration> = None;
        for (rule, window) in self.rules.iter().zip(&mut state.windows) {
            let failed = rule.is_failure(outcome);
            window.add(rule, since, failed);
            if failed && window.is_over(rule.threshold) {
                trip = trip.max(Some(rule.trip_time(outcome)));
            }
        }
        if let Some(time) = trip {
            state.open_until = now.checked_add(time);
            state.windows.iter_mut().for_each(|window| window.ticks.clear());
        }
    }

    /// A panic elsewhere leaves whole counts behind, so the data is good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn new(rule: &CircuitBreakerRule) -> Result<Self, String> {
        let condition = &rule.failure_condition;
        let threshold = match (condition.count, condition.percentage) {
            (Some(count @ 1..), None) => Threshold::Count(count),
            (None, Some(percentage @ 1..=100)) => Threshold::Percentage(percentage),
            _ => {
                return Err(format!(
                    "rule '{}' must have either a count of at least 1 or a percentage of 1 to 100",
                    rule.name
                ));
            }
        };
        if condition.interval.0.is_zero() || rule.trip_duration.0.is_zero() {
            return Err(format!(
                "interval and tripDuration of rule '{}' must be longer than nothing",
                rule.name
            ));
        }
        if condition.status_code_ranges.is_empty() && condition.error_reasons.is_empty() {
            return Err(format!(
                "rule '{}' names no failures: it needs statusCodeRanges or errorReasons",
                rule.name
            ));
        }
        Ok(Self {
            threshold,
            interval: condition.interval.0,
            statuses: condition.status_code_ranges.iter().map(|range| range.min..=range.max).collect(),
            reasons: condition.error_reasons.clone(),
            trip: rule.trip_duration.0,
            accept_retry_after: rule.accept_retry_after,
        })
    }

    fn is_failure(&self, outcome: Outcome<'_>) -> bool {
        match outcome {
            Outcome::Answered { status, .. } => self.statuses.iter().any(|range| range.contains(&status)),
            Outcome::Failed(reason) => self.reasons.iter().any(|own| own.eq_ignore_ascii_case(reason)),
        }
    }

    fn trip_time(&self, outcome: Outcome<'_>) -> Duration {
        match outcome {
            Outcome::Answered { retry_after: Some(text), .. } if self.accept_retry_after => {
                parse_retry_after(text).unwrap_or(self.trip)
            }
            _ => self.trip,
        }
    }
}

impl Window {
    fn add(&mut self, rule: &Rule, since: Duration, failed: bool) {
        let tick = since.as_nanos() / (rule.interval.as_nanos() / TICKS_PER_INTERVAL).max(1);
        while self.ticks.front().is_some_and(|(at, ..)| at + TICKS_PER_INTERVAL < tick) {
            self.ticks.pop_front();
        }
        match self.ticks.back_mut() {
            Some((at, calls, failures)) if *at == tick => {
                *calls += 1;
                *failures += u64::from(failed);
            }
            _ => self.ticks.push_back((tick, 1, u64::from(failed))),
        }
    }

    fn is_over(&self, threshold: Threshold) -> bool {
        let (calls, failures) =
            self.ticks.iter().fold((0, 0), |(calls, failed), (_, c, f)| (calls + c, failed + f));
        match threshold {
            Threshold::Count(count) => failures >= count,
            Threshold::Percentage(percentage) => failures * 100 >= percentage * calls,
        }
    }
}

/// `Retry-After` as seconds or as a date (RFC 9110 §10.2.3).
fn parse_retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => parse_date(text)?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    (!wait.is_zero()).then_some(wait.min(RETRY_AFTER_MAX))
}

/// An IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn parse_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut parts = date.split(' ');
    let day = parts.next()?.parse::<i64>().ok().filter(|day| (1..=31).contains(day))?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let year = parts.next()?.parse::<i64>().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = parts.next()?.split(':').map(|part| part.parse::<u64>().ok().filter(|part| *part <= 60));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if parts.next() != Some("GMT") {
        return None;
    }
    // Days since 1970-01-01 of a date in the Gregorian calendar, counted in years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let seconds = u64::try_from(days).ok()? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(json: &str) -> Breaker {
        Breaker::new(&serde_json::from_str(&format!(r#"{{"rules": [{json}]}}"#)).unwrap()).unwrap()
    }

    const THREE: &str = r#"{"name": "r", "failureCondition": {"count": 3, "interval": "PT10S",
        "statusCodeRanges": [{"min": 500, "max": 599}], "errorReasons": ["Timeout"]}, "tripDuration": "PT1M"}"#;

    fn answer(status: u16) -> Outcome<'static> {
        Outcome::Answered { status, retry_after: None }
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn breaker_trips_at_the_count_inside_the_interval_and_closes_again() {
        let breaker = breaker(THREE);
        let start = Instant::now();
        let (bad, good) = (answer(503), answer(404));
        for second in [0, 11, 12] {
            breaker.note(bad, at(start, second));
            breaker.note(good, at(start, second));
            breaker.note(Outcome::Failed("BackendConnectionFailure"), at(start, second));
        }
        assert_eq!(breaker.open_for(at(start, 12)), None, "the first failure has left the interval");
        breaker.note(Outcome::Failed("timeout"), at(start, 13));
        assert_eq!(breaker.open_for(at(start, 13)), Some(Duration::from_mins(1)));
        breaker.note(bad, at(start, 14));
        assert_eq!(
            breaker.open_for(at(start, 72)),
            Some(Duration::from_secs(1)),
            "a late answer changes nothing"
        );
        assert_eq!(breaker.open_for(at(start, 73)), None);
        breaker.note(bad, at(start, 73));
        assert_eq!(breaker.open_for(at(start, 73)), None, "it counts from nothing again");
    }

    #[test]
    fn breaker_percentage_is_of_all_calls_in_the_interval() {
        let breaker = breaker(
            r#"{"name": "r", "failureCondition": {"percentage": 50, "interval": "PT10S",
            "statusCodeRanges": [{"min": 429, "max": 429}]}, "tripDuration": "PT5S"}"#,
        );
        let start = Instant::now();
        for status in [200, 200, 429] {
            breaker.note(answer(status), start);
        }
        assert_eq!(breaker.open_for(start), None);
        breaker.note(answer(429), start);
        assert_eq!(breaker.open_for(start), Some(Duration::from_secs(5)));
    }

    #[test]
    fn breaker_retry_after_is_the_time_where_accepted() {
        for (accept, value, seconds) in [
            ("true", "7", 7),
            ("false", "7", 60),
            ("true", "x", 60),
            ("true", "99999999999", 86_400),
            ("true", "Sun, 06 Nov 1994 08:49:37 GMT", 60),
        ] {
            let breaker =
                breaker(&THREE.replace(
                    r#""tripDuration""#,
                    &format!(r#""acceptRetryAfter": {accept}, "tripDuration""#),
                ));
            let start = Instant::now();
            let bad = Outcome::Answered { status: 500, retry_after: Some(value) };
            (0..3).for_each(|_| breaker.note(bad, start));
            assert_eq!(breaker.open_for(start), Some(Duration::from_secs(seconds)), "{accept} {value}");
        }
        let date = parse_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 784_111_777);
    }

    #[test]
    fn breaker_from_several_threads_trips_once_at_the_count() {
        let breaker = breaker(&THREE.replace('3', "4000"));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| breaker.note(Outcome::Failed("Timeout"), start)));
            }
        });
        assert!(breaker.open_for(start).is_some());
    }

    #[test]
    fn breaker_definitions_that_cannot_trip_are_refused() {
        for bad in [
            THREE.replace(r#""count": 3"#, r#""count": 0"#),
            THREE.replace(r#""count": 3"#, r#""percentage": 101"#),
            THREE.replace("PT10S", "PT0S"),
            r#"{"name": "r", "failureCondition": {"count": 1, "interval": "PT1S"}, "tripDuration": "PT1S"}"#
                .into(),
        ] {
            let definition = serde_json::from_str(&format!(r#"{{"rules": [{bad}]}}"#)).unwrap();
            assert!(Breaker::new(&definition).is_err(), "{bad}");
        }
    }
}
