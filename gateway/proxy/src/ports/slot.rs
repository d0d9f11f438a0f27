//! A value that is fetched now and then: by one worker at a time, ahead of its end, and kept while its source is down.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A fetched value and its times.
#[derive(Debug)]
pub struct Good<T: ?Sized> {
    pub value: Arc<T>,
    /// From here on it is fetched again while it is still handed out.
    pub fresh_until: Instant,
    pub usable_until: Instant,
}

/// How often a source is asked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After a failure, when there is nothing to hand out.
    pub retry_empty: Duration,
    /// After a failure, when the last value is still usable.
    pub retry_usable: Duration,
    /// For a value other than the one at hand.
    pub ask_again: Duration,
}

/// One such value, shared by the workers.
#[derive(Debug)]
pub struct Slot<T: ?Sized> {
    pace: Pace,
    state: Mutex<State<T>>,
    done: Notify,
}

#[derive(Debug)]
struct State<T: ?Sized> {
    good: Option<Good<T>>,
    failed: Option<(Instant, String)>,
    asked_again: Option<Instant>,
    running: bool,
}

/// What a caller has to do.
#[derive(Debug)]
enum Step<T: ?Sized> {
    Have(Arc<T>),
    /// Hand it out, and fetch the next one meanwhile.
    HaveAndFetch(Arc<T>),
    Fetch,
    Wait,
    Failed(String),
}

impl<T: ?Sized + 'static> Slot<T> {
    pub fn new(pace: Pace) -> Self {
        let state = State { good: None, failed: None, asked_again: None, running: false };
        Self { pace, state: Mutex::new(state), done: Notify::new() }
    }

    /// The value. `newer_than`: another one than this, if the source may be asked and has one.
    ///
    /// `fetch` runs on a task of its own, which outlives a caller that gives up.
    pub async fn get<F>(
        self: &Arc<Self>,
        newer_than: Option<&Arc<T>>,
        fetch: impl Fn() -> F,
    ) -> Result<Arc<T>, String>
    where
        F: Future<Output = Result<Good<T>, String>> + 'static,
    {
        loop {
            let mut done = pin!(self.done.notified());
            // From here on the end of a fetch is noticed, also before the wait begins.
            done.as_mut().enable();
            match self.step(newer_than, Instant::now()) {
                Step::Have(value) => return Ok(value),
                Step::HaveAndFetch(value) => {
                    self.begin(fetch());
                    return Ok(value);
                }
                Step::Fetch => {
                    self.begin(fetch());
                    done.await;
                }
                Step::Wait => done.await,
                Step::Failed(reason) => return Err(reason),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, newer_than: Option<&Arc<T>>, now: Instant) -> Step<T> {
        let state = &mut *self.lock();
        let within = |since: Option<Instant>, period| {
            since.is_some_and(|since| now.saturating_duration_since(since) < period)
        };
        let failed_at = state.failed.as_ref().map(|(at, _)| *at);
        let Some(good) = state.good.as_ref().filter(|good| now < good.usable_until) else {
            return match &state.failed {
                _ if state.running => Step::Wait,
                Some((_, reason)) if within(failed_at, self.pace.retry_empty) => Step::Failed(reason.clone()),
                _ => {
                    state.running = true;
                    Step::Fetch
                }
            };
        };
        let value = Arc::clone(&good.value);
        if newer_than.is_some_and(|known| Arc::ptr_eq(known, &value)) {
            if state.running {
                return Step::Wait;
            }
            if within(state.asked_again, self.pace.ask_again) {
                return Step::Have(value);
            }
            state.asked_again = Some(now);
            state.running = true;
            return Step::Fetch;
        }
        if now < good.fresh_until || state.running || within(failed_at, self.pace.retry_usable) {
            return Step::Have(value);
        }
        state.running = true;
        Step::HaveAndFetch(value)
    }

    fn begin(self: &Arc<Self>, fetch: impl Future<Output = Result<Good<T>, String>> + 'static) {
        let running = Running(Arc::clone(self));
        tokio::task::spawn_local(async move {
            let outcome = fetch.await;
            let mut state = running.0.lock();
            match outcome {
                Ok(good) => {
                    state.good = Some(good);
                    state.failed = None;
                }
                Err(reason) => state.failed = Some((Instant::now(), reason)),
            }
            drop(state);
            drop(running);
        });
    }
}

/// A fetch under way. However it ends, those who wait go on.
struct Running<T: ?Sized>(Arc<Slot<T>>);

impl<T: ?Sized> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).running = false;
        self.0.done.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    const PACE: Pace = Pace {
        retry_empty: Duration::from_secs(30),
        retry_usable: Duration::from_mins(5),
        ask_again: Duration::from_mins(5),
    };

    fn good(value: u32) -> Good<u32> {
        let now = Instant::now();
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        Good { value: Arc::new(value), fresh_until: now + hour, usable_until: now + day }
    }

    fn filled(value: u32) -> Arc<Slot<u32>> {
        let slot = Slot::new(PACE);
        slot.lock().good = Some(good(value));
        Arc::new(slot)
    }

    #[test]
    fn step_value_is_fetched_ahead_of_its_end_and_kept_while_the_source_is_down() {
        let slot = filled(1);
        let later = |minutes| Instant::now() + Duration::from_mins(minutes);
        assert!(matches!(slot.step(None, later(0)), Step::Have(_)));
        assert!(matches!(slot.step(None, later(61)), Step::HaveAndFetch(_)));
        assert!(matches!(slot.step(None, later(61)), Step::Have(_)), "one at a time");
        slot.lock().running = false;
        slot.lock().failed = Some((later(61), "down".to_owned()));
        assert!(matches!(slot.step(None, later(65)), Step::Have(_)), "not so soon again");
        assert!(matches!(slot.step(None, later(67)), Step::HaveAndFetch(_)));
        slot.lock().running = false;
        slot.lock().failed = Some((later(60 * 25), "down".to_owned()));
        assert!(matches!(slot.step(None, later(60 * 25)), Step::Failed(_)), "too old");
        assert!(matches!(slot.step(None, later(60 * 25 + 1)), Step::Fetch));
    }

    #[test]
    fn step_another_value_is_sought_once_in_five_minutes() {
        let slot = filled(1);
        let known = Arc::clone(&slot.lock().good.as_ref().unwrap().value);
        let now = Instant::now();
        assert!(matches!(slot.step(Some(&known), now), Step::Fetch));
        assert!(matches!(slot.step(Some(&known), now), Step::Wait));
        slot.lock().running = false;
        assert!(matches!(slot.step(Some(&known), now + Duration::from_secs(299)), Step::Have(_)));
        assert!(matches!(slot.step(Some(&known), now + Duration::from_secs(301)), Step::Fetch));
        slot.lock().running = false;
        slot.lock().good = Some(good(2));
        assert!(matches!(slot.step(Some(&known), now), Step::Have(value) if *value == 2));
    }

    #[tokio::test]
    async fn get_many_callers_make_one_fetch_and_a_caller_that_leaves_does_not_stop_it() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let slot = Arc::new(Slot::new(PACE));
                let count = Rc::new(Cell::new(0));
                let fetch = || {
                    let count = Rc::clone(&count);
                    async move {
                        count.set(count.get() + 1);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        Ok(good(7))
                    }
                };
                let leaves = tokio::time::timeout(Duration::from_millis(1), slot.get(None, fetch)).await;
                assert!(leaves.is_err());
                let (a, b) = tokio::join!(slot.get(None, fetch), slot.get(None, fetch));
                assert_eq!((*a.unwrap(), *b.unwrap(), count.get()), (7, 7, 1));
            })
            .await;
    }

    #[tokio::test]
    async fn get_failure_is_told_to_all_and_not_repeated_at_once() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let slot: Arc<Slot<u32>> = Arc::new(Slot::new(PACE));
                let count = Rc::new(Cell::new(0));
                let fetch = || {
                    count.set(count.get() + 1);
                    async { Err("down".to_owned()) }
                };
                for _ in 0..3 {
                    assert_eq!(slot.get(None, fetch).await.unwrap_err(), "down");
                }
                assert_eq!(count.get(), 1);
            })
            .await;
    }
}
