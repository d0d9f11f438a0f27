//! Deadlines of client connections.
//!
//! A connection moves its deadline several times a request and nearly never reaches it. So setting one is a store,
//! and one task a worker looks at all of them four times a second.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often deadlines are looked at. They are never early, and late by at most two ticks.
pub const TICK: Duration = Duration::from_millis(250);

/// Millisecond that no clock reaches.
const NEVER: u64 = u64::MAX;

/// The deadlines of one worker, and whether it is about to stop.
#[derive(Debug)]
pub struct Timers {
    begin: Instant,
    /// Milliseconds since `begin`, as of the last look.
    now: Cell<u64>,
    slots: RefCell<Slots>,
    ticking: Cell<bool>,
    draining: Cell<bool>,
    aborting: Cell<bool>,
}

#[derive(Debug, Default)]
struct Slots {
    entries: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    at: u64,
    waker: Option<Waker>,
}

impl Timers {
    /// Must be made on the worker's runtime.
    #[allow(clippy::new_ret_no_self, reason = "it only exists shared")]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            begin: Instant::now(),
            now: Cell::new(0),
            slots: RefCell::default(),
            ticking: Cell::new(false),
            draining: Cell::new(false),
            aborting: Cell::new(false),
        })
    }

    /// A timer without a deadline. Must run inside a `LocalSet`.
    pub fn timer(self: &Rc<Self>) -> Timer {
        let mut slots = self.slots.borrow_mut();
        let slot = Slot { at: NEVER, waker: None };
        let index = slots.free.pop().unwrap_or(slots.entries.len());
        match slots.entries.get_mut(index) {
            Some(entry) => *entry = slot,
            None => slots.entries.push(slot),
        }
        drop(slots);
        if !self.ticking.replace(true) {
            self.look_at_clock();
            tokio::task::spawn_local(tick(Rc::downgrade(self)));
        }
        Timer { owner: Rc::clone(self), index }
    }

    /// Coarse time since the worker began; at most one tick behind.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now.get())
    }

    /// No new requests on this worker: connections say so with their next response, and close when none is due.
    pub fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Time is up: connections end where they are.
    pub fn is_aborting(&self) -> bool {
        self.aborting.get()
    }

    pub fn drain(&self) {
        self.draining.set(true);
        self.wake(|_| true);
    }

    pub fn abort(&self) {
        self.draining.set(true);
        self.aborting.set(true);
        self.wake(|_| true);
    }

    fn look_at_clock(&self) {
        self.now.set(u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(NEVER - 1));
    }

    fn wake(&self, which: impl Fn(&Slot) -> bool) {
        let mut slots = self.slots.borrow_mut();
        let due = slots.entries.iter_mut().filter(|slot| which(slot));
        let woken: Vec<Waker> = due.filter_map(|slot| slot.waker.take()).collect();
        drop(slots);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Wakes whose deadline has passed; whether anything is left to watch.
    fn look(&self) -> bool {
        self.look_at_clock();
        let now = self.now.get();
        self.wake(|slot| slot.at <= now);
        let mut slots = self.slots.borrow_mut();
        let is_left = slots.free.len() < slots.entries.len();
        if !is_left {
            // Give back what a burst needed.
            *slots = Slots::default();
            self.ticking.set(false);
        }
        is_left
    }
}

async fn tick(timers: Weak<Timers>) {
    loop {
        sleep(TICK).await;
        let Some(timers) = timers.upgrade() else { return };
        if !timers.look() {
            return;
        }
    }
}

/// One deadline that can be moved; dropping it forgets it.
#[derive(Debug)]
pub struct Timer {
    owner: Rc<Timers>,
    index: usize,
}

impl Timer {
    pub fn timers(&self) -> &Rc<Timers> {
        &self.owner
    }

    /// Moves the deadline to `after` from now.
    pub fn set(&self, after: Duration) {
        // The clock was read up to a tick ago.
        let after = u64::try_from((after + TICK).as_millis()).unwrap_or(NEVER);
        self.set_at(self.owner.now.get().saturating_add(after));
    }

    pub fn clear(&self) {
        self.set_at(NEVER);
    }

    fn set_at(&self, at: u64) {
        if let Some(slot) = self.owner.slots.borrow_mut().entries.get_mut(self.index) {
            slot.at = at;
        }
    }

    /// Whether the deadline has passed; if not, the task is woken when it does, and when draining begins.
    pub fn poll_passed(&self, cx: &mut Context<'_>) -> bool {
        let now = self.owner.now.get();
        let mut slots = self.owner.slots.borrow_mut();
        let Some(slot) = slots.entries.get_mut(self.index) else { return true };
        if slot.at <= now {
            return true;
        }
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        false
    }

    /// The outcome of `future`; `None` when the deadline passes first. Also shows the task to the timer.
    pub async fn limit<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.poll_passed(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut slots = self.owner.slots.borrow_mut();
        let waker = slots.entries.get_mut(self.index).and_then(|slot| {
            slot.at = NEVER;
            slot.waker.take()
        });
        slots.free.push(self.index);
        drop(slots);
        // May drop a task, and with it another timer.
        drop(waker);
    }
}

/// Whether a peer keeps the pace: 240 B/s after 5 s (`reliability-security.md` §4.1). Only time spent waiting for
/// the peer counts, so a slow consumer on the other side is not held against it.
#[derive(Debug)]
pub struct Pace {
    limits: PaceLimits,
    bytes: u64,
    waited: Duration,
    waiting_since: Option<Duration>,
}

/// Limits on waiting for a peer in the middle of a message.
#[derive(Clone, Copy, Debug)]
pub struct PaceLimits {
    /// Longest time without any progress; default 30 s.
    pub idle: Duration,
    /// Bytes a second on average; default 240.
    pub rate: u64,
    /// Waiting time before the rate counts; default 5 s.
    pub grace: Duration,
}

impl Default for PaceLimits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), rate: 240, grace: Duration::from_secs(5) }
    }
}

impl Pace {
    pub fn new(limits: PaceLimits) -> Self {
        Self { limits, bytes: 0, waited: Duration::ZERO, waiting_since: None }
    }

    /// The peer sent or took bytes.
    pub fn progress(&mut self, bytes: usize, timer: &Timer) {
        self.bytes += bytes as u64;
        if let Some(since) = self.waiting_since.take() {
            self.waited += timer.owner.elapsed().saturating_sub(since);
            timer.clear();
        }
    }

    /// The peer is being waited for: whether for too long. To be called before returning `Pending`.
    pub fn poll_too_slow(&mut self, timer: &Timer, cx: &mut Context<'_>) -> bool {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(timer.owner.elapsed());
            let allowed = Duration::from_secs(self.bytes / self.limits.rate.max(1)).max(self.limits.grace);
            timer.set(allowed.saturating_sub(self.waited).min(self.limits.idle));
        }
        timer.poll_passed(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    async fn passed(timer: &Timer) {
        poll_fn(|cx| if timer.poll_passed(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn timer_is_never_early_and_at_most_two_ticks_late() {
        LocalSet::new()
            .run_until(async {
                let timers = Timers::new();
                let timer = timers.timer();
                for millis in [0, 1, 249, 250, 1_000, 9_999] {
                    sleep(Duration::from_millis(77)).await;
                    let (begin, after) = (Instant::now(), Duration::from_millis(millis));
                    timer.set(after);
                    passed(&timer).await;
                    assert!(begin.elapsed() >= after, "{millis}");
                    assert!(begin.elapsed() <= after + 2 * TICK, "{millis} {:?}", begin.elapsed());
                }
            })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn timers_without_any_timer_stop_ticking_and_begin_again() {
        LocalSet::new()
            .run_until(async {
                let timers = Timers::new();
                drop(timers.timer());
                sleep(2 * TICK).await;
                assert!(!timers.ticking.get());
                sleep(Duration::from_hours(1)).await;
                let (timer, begin) = (timers.timer(), Instant::now());
                timer.set(Duration::from_secs(1));
                passed(&timer).await;
                assert!(begin.elapsed() >= Duration::from_secs(1));
            })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn drain_wakes_who_waits() {
        LocalSet::new()
            .run_until(async {
                let timers = Timers::new();
                let timer = timers.timer();
                timer.set(Duration::from_mins(1));
                let begin = Instant::now();
                let waiting = poll_fn(|cx| {
                    let _ = timer.poll_passed(cx);
                    if timers.is_draining() { Poll::Ready(()) } else { Poll::Pending }
                });
                tokio::join!(waiting, async {
                    sleep(Duration::from_millis(10)).await;
                    timers.drain();
                });
                assert!(begin.elapsed() < TICK);
            })
            .await;
    }

    /// How long a peer may go on that sends `first` bytes at once and `bytes` every `every`.
    async fn lasts(first: usize, bytes: usize, every: Duration) -> Duration {
        let timers = Timers::new();
        let timer = timers.timer();
        let mut pace = Pace::new(PaceLimits::default());
        pace.progress(first, &timer);
        let begin = Instant::now();
        loop {
            let next = begin.elapsed() + every;
            let slow = poll_fn(|cx| {
                if pace.poll_too_slow(&timer, cx) {
                    return Poll::Ready(true);
                }
                if begin.elapsed() >= next { Poll::Ready(false) } else { Poll::Pending }
            });
            tokio::select! {
                slow = slow => if slow { return begin.elapsed() },
                () = sleep(every) => {}
            }
            pace.progress(bytes, &timer);
            if begin.elapsed() > Duration::from_mins(2) {
                return Duration::MAX;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pace_table() {
        LocalSet::new()
            .run_until(async {
                let table = [(0, 0, 31, 5, 7), (0, 1, 1, 5, 7), (0, 100, 1, 5, 9), (100_000, 1, 31, 30, 32)];
                for (first, bytes, every, least, most) in table {
                    let lasted = lasts(first, bytes, Duration::from_secs(every)).await;
                    assert!(lasted >= Duration::from_secs(least), "{first} {bytes} {lasted:?}");
                    assert!(lasted <= Duration::from_secs(most), "{first} {bytes} {lasted:?}");
                }
                assert_eq!(lasts(0, 500, Duration::from_secs(1)).await, Duration::MAX);
            })
            .await;
    }
}
