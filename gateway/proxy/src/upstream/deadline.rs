//! Deadlines of calls under way.
//!
//! Nearly every call ends long before its deadline, so a deadline of seconds is not worth a timer of its own:
//! one task a worker looks at all of them ten times a second. Short ones get an exact timer.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How late a coarse deadline may be.
const TICK: Duration = Duration::from_millis(100);
/// Shorter deadlines than this are exact to the millisecond.
const COARSE_MIN: Duration = Duration::from_secs(3);

/// The deadlines of one worker.
pub struct Deadlines {
    slots: RefCell<Slots>,
    ticking: Cell<bool>,
    tick: Duration,
    coarse_min: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { slots: RefCell::default(), ticking: Cell::new(false), tick: TICK, coarse_min: COARSE_MIN }
    }
}

#[derive(Default)]
struct Slots {
    entries: Vec<Slot>,
    free: Vec<usize>,
    used: usize,
}

struct Slot {
    at: Instant,
    state: State,
}

enum State {
    Free,
    Waiting(Option<Waker>),
    Passed,
}

impl Deadlines {
    /// A deadline `after` from now. Must run inside a `LocalSet`.
    pub fn after(self: &Rc<Self>, after: Duration) -> Deadline {
        if after < self.coarse_min {
            return Deadline::Exact(Box::pin(sleep(after)));
        }
        let Some(at) = Instant::now().checked_add(after) else { return Deadline::Never };
        let slot = Slot { at, state: State::Waiting(None) };
        let mut slots = self.slots.borrow_mut();
        slots.used += 1;
        let index = if let Some(index) = slots.free.pop() {
            if let Some(entry) = slots.entries.get_mut(index) {
                *entry = slot;
            }
            index
        } else {
            slots.entries.push(slot);
            slots.entries.len() - 1
        };
        drop(slots);
        if !self.ticking.replace(true) {
            tokio::task::spawn_local(tick(Rc::downgrade(self), self.tick));
        }
        Deadline::Coarse { owner: Rc::clone(self), index }
    }

    /// Wakes what has passed; whether anything is left to watch.
    fn look(&self) -> bool {
        let now = Instant::now();
        let mut woken = Vec::new();
        let mut slots = self.slots.borrow_mut();
        for slot in &mut slots.entries {
            let passed = matches!(slot.state, State::Waiting(_)) && slot.at <= now;
            if passed && let State::Waiting(Some(waker)) = std::mem::replace(&mut slot.state, State::Passed) {
                woken.push(waker);
            }
        }
        let left = slots.used > 0;
        if !left {
            // Nothing is under way: give back what a burst needed.
            *slots = Slots::default();
            self.ticking.set(false);
        }
        drop(slots);
        woken.into_iter().for_each(Waker::wake);
        left
    }

    fn release(&self, index: usize) {
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = slots.entries.get_mut(index) {
            slot.state = State::Free;
            slots.free.push(index);
            slots.used -= 1;
        }
    }
}

async fn tick(deadlines: Weak<Deadlines>, every: Duration) {
    let mut next = Instant::now();
    loop {
        next += every;
        sleep_until(next).await;
        let Some(deadlines) = deadlines.upgrade() else { return };
        if !deadlines.look() {
            return;
        }
        next = next.max(Instant::now());
    }
}

/// One deadline; dropping it forgets it.
pub enum Deadline {
    /// Beyond what the clock can hold.
    Never,
    Exact(Pin<Box<Sleep>>),
    Coarse {
        owner: Rc<Deadlines>,
        index: usize,
    },
}

impl Deadline {
    /// Ready once the deadline has passed.
    pub fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Never => Poll::Pending,
            Self::Exact(sleep) => sleep.as_mut().poll(cx),
            Self::Coarse { owner, index } => {
                let mut slots = owner.slots.borrow_mut();
                match slots.entries.get_mut(*index).map(|slot| &mut slot.state) {
                    Some(State::Waiting(waker)) => {
                        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                            *waker = Some(cx.waker().clone());
                        }
                        Poll::Pending
                    }
                    _ => Poll::Ready(()),
                }
            }
        }
    }

    /// Runs `work` until the deadline; `None` when that came first. Pinned by the caller, as an async function keeps room
    /// for what it is given and once more for what it pins: 2 KiB a call under way.
    pub async fn bound<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            self.poll_passed(cx).map(|()| None)
        })
        .await
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Self::Coarse { owner, index } = self {
            owner.release(*index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;

    use tokio::task::LocalSet;

    use super::*;

    fn fast() -> Rc<Deadlines> {
        let tick = Duration::from_millis(10);
        Rc::new(Deadlines { tick, coarse_min: 4 * tick, ..Deadlines::default() })
    }

    #[tokio::test]
    async fn deadline_exact_and_coarse_pass_never_early() {
        LocalSet::new()
            .run_until(async {
                let deadlines = fast();
                for millis in [0, 1, 25, 60, 95] {
                    let (after, begin) = (Duration::from_millis(millis), Instant::now());
                    let mut deadline = deadlines.after(after);
                    assert_eq!(matches!(deadline, Deadline::Coarse { .. }), millis >= 40);
                    assert!(deadline.bound(pin!(pending::<()>())).await.is_none());
                    let passed = begin.elapsed();
                    assert!(passed >= after && passed < after + Duration::from_secs(1), "{passed:?}");
                }
            })
            .await;
    }

    #[tokio::test]
    async fn deadline_released_slots_are_used_again_and_the_task_ends() {
        LocalSet::new()
            .run_until(async {
                let deadlines = fast();
                for _ in 0..1_000 {
                    let mut deadline = deadlines.after(Duration::from_secs(10));
                    assert_eq!(deadline.bound(pin!(async { 7 })).await, Some(7));
                }
                assert_eq!(deadlines.slots.borrow().entries.len(), 1);
                while deadlines.ticking.get() {
                    tokio::task::yield_now().await;
                }
                assert!(deadlines.slots.borrow().entries.is_empty());
            })
            .await;
    }

    #[tokio::test]
    async fn deadline_beyond_the_clock_never_passes() {
        let mut deadline = fast().after(Duration::MAX);
        assert!(matches!(deadline, Deadline::Never));
        assert_eq!(deadline.bound(pin!(async { 1 })).await, Some(1));
    }
}
