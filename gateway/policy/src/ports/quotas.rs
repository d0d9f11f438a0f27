//! Quotas: counts in fixed windows, which outlive the process.

/// A window of time, seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaWindow {
    pub start: i64,
    /// `None` = it never ends.
    pub end: Option<i64>,
}

impl QuotaWindow {
    /// The window of `period` seconds around `now`, when windows follow each other from `anchor` on. A period of 0
    /// has one window without end.
    pub fn around(now: i64, anchor: i64, period: u64) -> Self {
        let Some(length) = i64::try_from(period).ok().filter(|length| *length > 0) else {
            return Self { start: anchor, end: None };
        };
        let start = now.saturating_sub(now.saturating_sub(anchor).rem_euclid(length));
        Self { start, end: Some(start.saturating_add(length)) }
    }
}

/// What has been used in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaUse {
    /// Calls, or tokens.
    pub count: u64,
    pub bytes: u64,
}

/// A window of a key and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaHit {
    pub key: String,
    pub window: QuotaWindow,
    pub count_max: Option<u64>,
    pub bytes_max: Option<u64>,
}

/// What a quota says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaDecision {
    Allowed,
    CountExceeded(QuotaWindow),
    BytesExceeded(QuotaWindow),
}

impl QuotaHit {
    /// Whether a window used so far has room.
    pub fn decide(&self, used: QuotaUse) -> QuotaDecision {
        if self.count_max.is_some_and(|max| used.count >= max) {
            QuotaDecision::CountExceeded(self.window)
        } else if self.bytes_max.is_some_and(|max| used.bytes >= max) {
            QuotaDecision::BytesExceeded(self.window)
        } else {
            QuotaDecision::Allowed
        }
    }
}

/// What people call a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterName {
    /// The value of `counter-key`, or the name of the subscription.
    pub group: String,
    /// The same for the counter itself: `quota` has one for each API and operation that it names, `SUBSCRIPTION:API` and
    /// `SUBSCRIPTION:API:OPERATION`.
    pub name: String,
}

impl CounterName {
    /// The name of a key as `quota` and `quota-by-key` make them; those of other policies have none.
    pub fn of(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_once('\0')?;
        let (rest, _period) = rest.rsplit_once('\0')?;
        match kind {
            "k" => Some(Self { group: rest.to_owned(), name: rest.to_owned() }),
            "s" => {
                let mut parts = rest.split('\0');
                let (subscription, _product) = (parts.next()?, parts.next()?);
                // After the word `api`.
                let place = parts.skip(1);
                let name = place.fold(subscription.to_owned(), |name, part| format!("{name}:{part}"));
                Some(Self { group: subscription.to_owned(), name })
            }
            _ => None,
        }
    }
}

/// Quota counters, exact over the workers of the process.
pub trait Quotas {
    /// Looks at all windows; when each has room, adds `count` to each, else to none.
    fn take(&self, hits: &[QuotaHit], count: u64) -> QuotaDecision;

    /// What a window has used.
    fn used(&self, key: &str, window: QuotaWindow) -> QuotaUse;

    /// Adds without looking.
    fn add(&self, key: &str, window: QuotaWindow, more: QuotaUse);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_called_as_their_policies_write_them() {
        let of = |parts: &[&str]| CounterName::of(&parts.join("\0")).map(|name| (name.group, name.name));
        let named = |group: &str, name: &str| Some((group.to_owned(), name.to_owned()));
        assert_eq!(of(&["k", "a", "b", "300"]), named("a\0b", "a\0b"));
        assert_eq!(of(&["s", "sub", "gold", "3600"]), named("sub", "sub"));
        assert_eq!(of(&["s", "sub", "gold", "api", "orders", "3600"]), named("sub", "sub:orders"));
        assert_eq!(of(&["s", "sub", "gold", "api", "orders", "get", "3600"]), named("sub", "sub:orders:get"));
        assert_eq!(of(&["t", "key", "Daily"]), None);
        assert_eq!(of(&["k"]), None);
    }

    #[test]
    fn around_windows_follow_each_other_from_the_anchor() {
        assert_eq!(QuotaWindow::around(1000, 100, 300), QuotaWindow { start: 1000, end: Some(1300) });
        assert_eq!(QuotaWindow::around(999, 100, 300), QuotaWindow { start: 700, end: Some(1000) });
        assert_eq!(QuotaWindow::around(50, 100, 300), QuotaWindow { start: -200, end: Some(100) });
        assert_eq!(QuotaWindow::around(50, 100, 0), QuotaWindow { start: 100, end: None });
    }
}
