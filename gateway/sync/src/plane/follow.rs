//! Rounds for as long as the gateway runs.

use std::cell::RefCell;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Client, Round, RoundError, Transport, View};
use crate::protocol::Heartbeat;

/// First wait after a failure; it doubles with each further one.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);
/// A request that was held this long shows that the plane holds requests: the next one may follow at once.
const HELD_MIN: Duration = Duration::from_secs(1);
/// After a change: a plane that changes without end is followed at this pace.
const CHANGED_PAUSE: Duration = Duration::from_millis(50);
/// Longest wait that a busy plane may ask for.
const BUSY_MAX: Duration = Duration::from_mins(1);

/// How often.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between the end of a round and the next, and the longest wait after failures.
    pub pause: Duration,
    /// How long the plane may hold a request until something changes; zero: it is asked once a pause.
    pub wait: Duration,
    pub heartbeat: Duration,
}

/// Who is told.
pub trait Follower {
    /// A view to bring into force.
    fn apply(&mut self, view: &View);

    /// The plane can be asked, or not, and why: called when that changes.
    fn link(&mut self, available: bool, message: &str);

    /// How this instance is.
    fn heartbeat(&self) -> Heartbeat;
}

impl<F: Follower> Follower for &mut F {
    fn apply(&mut self, view: &View) {
        (**self).apply(view);
    }

    fn link(&mut self, available: bool, message: &str) {
        (**self).link(available, message);
    }

    fn heartbeat(&self) -> Heartbeat {
        (**self).heartbeat()
    }
}

/// Follows the plane; never ends. Nothing that the plane does or fails to do changes what is in force, except a new view.
pub async fn follow<T: Transport + Clone>(
    mut client: Client<T>,
    transport: T,
    gateway: &str,
    pace: Pace,
    follower: impl Follower,
) {
    let follower = RefCell::new(follower);
    let rounds = async {
        let mut link = Link::default();
        loop {
            let began = Instant::now();
            let round = client.round(pace.wait).await;
            link.tell(&round, &mut *follower.borrow_mut());
            if let Ok(Round::Changed(view)) = &round {
                follower.borrow_mut().apply(view);
            }
            sleep(link.pause(&round, began.elapsed(), pace)).await;
        }
    };
    let heartbeats = async {
        // The first one tells of the first round.
        let mut next = Instant::now() + pace.heartbeat.min(Duration::from_secs(2));
        loop {
            sleep_until(next).await;
            let heartbeat = follower.borrow().heartbeat();
            // Rounds tell of a link that is down; one complaint is enough.
            let _ = Client::heartbeat(&transport, gateway, &heartbeat).await;
            next += pace.heartbeat;
            let now = Instant::now();
            if next < now {
                next = now + pace.heartbeat;
            }
        }
    };
    tokio::join!(rounds, heartbeats);
}

/// What is known of the link.
#[derive(Default)]
struct Link {
    /// What was told last: whether the plane can be asked.
    told: Option<bool>,
    failures: u32,
}

impl Link {
    fn tell(&mut self, round: &Result<Round, RoundError>, follower: &mut impl Follower) {
        let now = match round {
            Ok(_) => Ok(()),
            // A busy plane is there.
            Err(RoundError::Busy(_)) => return,
            Err(error) => Err(error.to_string()),
        };
        // Causes alternate while a link comes and goes; that it is down is said once.
        if self.told != Some(now.is_ok()) {
            let message = now.as_ref().err().map_or("the management plane answers", String::as_str);
            follower.link(now.is_ok(), message);
            self.told = Some(now.is_ok());
        }
    }

    fn pause(&mut self, round: &Result<Round, RoundError>, took: Duration, pace: Pace) -> Duration {
        match round {
            Ok(outcome) => {
                self.failures = 0;
                match outcome {
                    _ if pace.wait.is_zero() => pace.pause,
                    Round::Changed(_) => CHANGED_PAUSE,
                    Round::Unchanged if took >= HELD_MIN => Duration::ZERO,
                    Round::Unchanged => pace.pause,
                }
            }
            Err(RoundError::Busy(Some(after))) => (*after).clamp(BACK_OFF_MIN, BUSY_MAX),
            Err(_) => {
                let longest = BACK_OFF_MIN.saturating_mul(1 << self.failures.min(16)).min(pace.pause);
                self.failures += 1;
                // Full jitter, so that gateways which lost the plane together do not come back together.
                longest.mul_f64(random_share()).max(Duration::from_millis(100))
            }
        }
    }
}

/// Between 0 and 1.
fn random_share() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness the longest wait is taken.
    if rand::fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
