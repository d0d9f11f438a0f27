//! ISO 8601 durations, as in `PT1M30S`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time span written as an ISO 8601 duration (weeks, days and time; months and years have no fixed length
/// and are refused).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsoDuration(pub Duration);

impl IsoDuration {
    /// Reads `P[nW][nD][T[nH][nM][n[.n]S]]`; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (days, time) = match text.strip_prefix('P')?.split_once('T') {
            Some((_, "")) => return None,
            Some((days, time)) => (days, time),
            None => (text.get(1..)?, ""),
        };
        if days.is_empty() && time.is_empty() {
            return None;
        }
        let seconds = part(days, &[('W', 604_800), ('D', 86_400)])?
            .checked_add(part(time, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
        Some(Self(seconds))
    }
}

/// Sums `number unit` pairs whose units stand in the given order, each at most once.
fn part(mut text: &str, units: &[(char, u32)]) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for (unit, seconds) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        sum = sum.checked_add(decimal(number)?.checked_mul(*seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

fn decimal(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // Nine digits are nanoseconds; what is finer is cut.
    let nanos: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    Some(Duration::new(whole.parse().ok()?, nanos.parse().ok()?))
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        f.write_str("PT")?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        match nanos {
            0 if rest > 0 || seconds == 0 => write!(f, "{rest}S"),
            0 => Ok(()),
            _ => write!(f, "{rest}.{}S", format!("{nanos:09}").trim_end_matches('0')),
        }
    }
}

impl Serialize for IsoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IsoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("{text:?} is no ISO 8601 duration such as PT1M30S"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_duration_reads_and_writes() {
        for (text, millis, written) in [
            ("PT1M30S", 90_000, "PT1M30S"),
            ("PT90S", 90_000, "PT1M30S"),
            ("P1DT1H", 90_000_000, "PT25H"),
            ("P1W", 604_800_000, "PT168H"),
            ("PT0.5S", 500, "PT0.5S"),
            ("PT0S", 0, "PT0S"),
            ("PT1H", 3_600_000, "PT1H"),
        ] {
            let duration = IsoDuration::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(duration.0.as_millis(), millis, "{text}");
            assert_eq!(duration.to_string(), written);
        }
    }

    #[test]
    fn iso_duration_refuses_what_has_no_fixed_length_or_no_sense() {
        for text in [
            "",
            "P",
            "PT",
            "P1M",
            "P1Y",
            "PT1S1M",
            "PT-1S",
            "1M",
            "PT1",
            "P1DT",
            "PTS",
            "PT99999999999999999999S",
        ] {
            assert_eq!(IsoDuration::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn iso_duration_written_is_read_back(seconds in 0u64..1_000_000_000, nanos in 0u32..1_000_000_000) {
            let duration = IsoDuration(Duration::new(seconds, nanos));
            proptest::prop_assert_eq!(IsoDuration::parse(&duration.to_string()), Some(duration));
        }
    }
}
