//! Sources that keep being refused, for whoever can keep them off (the kernel path).
//!
//! A source is the address of the connection's peer, never one that a header names. Only refusals come here, so that
//! honest traffic pays nothing; what is kept is bounded in number and time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gateway_policy::exchange::Exchange;

/// Why a source was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Misdeed {
    /// 429 by `rate-limit-by-key` whose key is the caller's address.
    Limits,
    /// 401 for a subscription key that is none.
    Keys,
    /// 401 for a token that is not valid.
    Tokens,
    /// The bytes are no HTTP.
    Malformed,
}

impl Misdeed {
    pub const ALL: [Self; 4] = [Self::Limits, Self::Keys, Self::Tokens, Self::Malformed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Keys => "keys",
            Self::Tokens => "tokens",
            Self::Malformed => "malformed",
        }
    }
}

/// What makes a source an offender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbuseSettings {
    /// Those that count; empty = nothing does.
    pub misdeeds: Vec<Misdeed>,
    /// Refusals of one kind within the window.
    pub strikes: u32,
    pub window: Duration,
}

/// A source that has been refused too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offender {
    pub address: IpAddr,
    pub misdeed: Misdeed,
}

/// Sources that are watched at a time; more go unwatched.
const SOURCES_MAX: usize = 16_384;
/// Offenders that wait to be taken.
const OFFENDERS_MAX: usize = 1024;

/// Refusals by source.
#[derive(Debug)]
pub struct Abuse {
    settings: AbuseSettings,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    /// Refusals, and when the first of them was.
    sources: HashMap<(IpAddr, Misdeed), (u32, Instant)>,
    offenders: Vec<Offender>,
    swept: Option<Instant>,
}

impl Abuse {
    pub fn new(settings: AbuseSettings) -> Self {
        Self { settings, watched: Mutex::default() }
    }

    /// A request has been answered: was it refused for what counts?
    pub fn judge(&self, exchange: &Exchange, status: u16) {
        if let Some(misdeed) = misdeed(exchange, status) {
            self.strike(exchange.connection.peer, misdeed, exchange.received);
        }
    }

    /// One refusal.
    pub fn strike(&self, peer: IpAddr, misdeed: Misdeed, now: Instant) {
        if !self.settings.misdeeds.contains(&misdeed) {
            return;
        }
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (peer.to_canonical(), misdeed);
        let window = self.settings.window;
        if watched.sources.len() >= SOURCES_MAX && !watched.sources.contains_key(&key) {
            watched.sweep(now, window);
            if watched.sources.len() >= SOURCES_MAX {
                return;
            }
        }
        let (count, since) = watched.sources.entry(key).or_insert((0, now));
        if now.saturating_duration_since(*since) > window {
            (*count, *since) = (0, now);
        }
        *count += 1;
        if *count >= self.settings.strikes {
            watched.sources.remove(&key);
            if watched.offenders.len() < OFFENDERS_MAX {
                watched.offenders.push(Offender { address: key.0, misdeed });
            }
        }
    }

    /// Those found since the last call.
    pub fn take(&self) -> Vec<Offender> {
        std::mem::take(&mut self.watched.lock().unwrap_or_else(PoisonError::into_inner).offenders)
    }
}

impl Watched {
    /// Forgets whose window is over; at most once a second, as it looks at all.
    fn sweep(&mut self, now: Instant, window: Duration) {
        const EVERY: Duration = Duration::from_secs(1);
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < EVERY) {
            return;
        }
        self.swept = Some(now);
        self.sources.retain(|_, (_, since)| now.saturating_duration_since(*since) <= window);
    }
}

/// The refusal stands only if `on-error` has not made another answer of it.
fn misdeed(exchange: &Exchange, status: u16) -> Option<Misdeed> {
    let error = exchange.last_error.as_ref()?;
    match (status, &*error.source, &*error.reason) {
        (429, "rate-limit-by-key", _) if exchange.limited_by_address => Some(Misdeed::Limits),
        (401, "authorization", "SubscriptionKeyInvalid") => Some(Misdeed::Keys),
        // Who shows no token has only forgotten it.
        (401, "validate-jwt" | "validate-azure-ad-token", reason) if reason != "TokenNotPresent" => {
            Some(Misdeed::Tokens)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abuse(misdeeds: &[Misdeed]) -> Abuse {
        let window = Duration::from_mins(1);
        Abuse::new(AbuseSettings { misdeeds: misdeeds.to_vec(), strikes: 3, window })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn strike_often_enough_within_the_window_is_an_offence() {
        let abuse = abuse(&[Misdeed::Keys]);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 30, 61] {
            abuse.strike(address(1), Misdeed::Keys, at(seconds));
            abuse.strike(address(1), Misdeed::Tokens, at(seconds));
        }
        assert_eq!(abuse.take(), [], "the third came after the window, and tokens do not count");
        abuse.strike(address(1), Misdeed::Keys, at(62));
        abuse.strike("::ffff:192.0.2.1".parse().unwrap(), Misdeed::Keys, at(63));
        assert_eq!(abuse.take(), [Offender { address: address(1), misdeed: Misdeed::Keys }]);
        abuse.strike(address(1), Misdeed::Keys, at(64));
        assert_eq!(abuse.take(), [], "it begins anew");
    }

    #[test]
    fn strike_by_many_sources_keeps_few() {
        let abuse = abuse(&[Misdeed::Malformed]);
        let start = Instant::now();
        for source in 0..SOURCES_MAX as u32 + 1000 {
            abuse.strike(IpAddr::from(source.to_be_bytes()), Misdeed::Malformed, start);
        }
        let kept = |abuse: &Abuse| abuse.watched.lock().unwrap().sources.len();
        assert_eq!(kept(&abuse), SOURCES_MAX);
        // When their window is over, others have room.
        let later = start + Duration::from_secs(100);
        abuse.strike(address(9), Misdeed::Malformed, later);
        assert_eq!(kept(&abuse), 1);
    }
}
