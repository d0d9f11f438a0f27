//! `System.TimeSpan`: a signed count of 100 ns ticks (expressions.md §6.3).

mod exact;
mod format;
mod parse;

use super::exception::{Error, Result};

/// A span of time in ticks of 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeSpan(pub i64);

pub const TICKS_PER_MILLISECOND: i64 = 10_000;
pub const TICKS_PER_SECOND: i64 = 10_000_000;
pub const TICKS_PER_MINUTE: i64 = 600_000_000;
pub const TICKS_PER_HOUR: i64 = 36_000_000_000;
pub const TICKS_PER_DAY: i64 = 864_000_000_000;

const TOO_LONG: &str = "TimeSpan overflowed because the duration is too long.";
const NOT_A_NUMBER: &str = "TimeSpan does not accept floating point Not-a-Number values.";

fn too_long() -> Error {
    Error::overflow(TOO_LONG)
}

impl TimeSpan {
    /// `TimeSpan.Zero`.
    pub const ZERO: Self = Self(0);
    /// `TimeSpan.MinValue`.
    pub const MIN: Self = Self(i64::MIN);
    /// `TimeSpan.MaxValue`.
    pub const MAX: Self = Self(i64::MAX);

    /// `new TimeSpan(days, hours, minutes, seconds, milliseconds)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn new(days: i32, hours: i32, minutes: i32, seconds: i32, milliseconds: i32) -> Result<Self> {
        let total = i128::from(days) * i128::from(TICKS_PER_DAY)
            + i128::from(hours) * i128::from(TICKS_PER_HOUR)
            + i128::from(minutes) * i128::from(TICKS_PER_MINUTE)
            + i128::from(seconds) * i128::from(TICKS_PER_SECOND)
            + i128::from(milliseconds) * i128::from(TICKS_PER_MILLISECOND);
        let kind = super::ExceptionKind::ArgumentOutOfRange;
        i64::try_from(total).map(Self).map_err(|_| Error::new(kind, TOO_LONG))
    }

    /// `FromDays`, `FromHours`… : `value` units of `unit` ticks; fractions of a tick are cut off.
    ///
    /// # Errors
    /// `OverflowException`; `ArgumentException` for NaN.
    pub fn from_units(value: f64, unit: i64) -> Result<Self> {
        if value.is_nan() {
            return Err(Error::argument(NOT_A_NUMBER));
        }
        Self::from_double(value * unit as f64)
    }

    fn from_double(ticks: f64) -> Result<Self> {
        const BOUND: f64 = 9_223_372_036_854_775_807.0;
        if ticks.is_nan() || !(-BOUND..=BOUND).contains(&ticks) {
            return Err(too_long());
        }
        Ok(Self(ticks as i64))
    }

    /// `Days`, the whole ones.
    pub fn days(self) -> i32 {
        (self.0 / TICKS_PER_DAY) as i32
    }

    /// `Hours`, -23 to 23.
    pub fn hours(self) -> i32 {
        (self.0 / TICKS_PER_HOUR % 24) as i32
    }

    /// `Minutes`, -59 to 59.
    pub fn minutes(self) -> i32 {
        (self.0 / TICKS_PER_MINUTE % 60) as i32
    }

    /// `Seconds`, -59 to 59.
    pub fn seconds(self) -> i32 {
        (self.0 / TICKS_PER_SECOND % 60) as i32
    }

    /// `Milliseconds`, -999 to 999.
    pub fn milliseconds(self) -> i32 {
        (self.0 / TICKS_PER_MILLISECOND % 1000) as i32
    }

    /// `TotalDays`, `TotalHours`… : the span in units of `unit` ticks.
    pub fn total(self, unit: i64) -> f64 {
        self.0 as f64 / unit as f64
    }

    /// `TotalMilliseconds`, bounded as .NET bounds it.
    pub fn total_milliseconds(self) -> f64 {
        const BOUND: f64 = 922_337_203_685_477.0;
        self.total(TICKS_PER_MILLISECOND).clamp(-BOUND, BOUND)
    }

    /// `a + b`.
    ///
    /// # Errors
    /// `OverflowException`.
    pub fn plus(self, other: Self) -> Result<Self> {
        self.0.checked_add(other.0).map(Self).ok_or_else(too_long)
    }

    /// `a - b`.
    ///
    /// # Errors
    /// `OverflowException`.
    pub fn minus(self, other: Self) -> Result<Self> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(too_long)
    }

    /// `-a`.
    ///
    /// # Errors
    /// `OverflowException`.
    pub fn negate(self) -> Result<Self> {
        let text = "Negating the minimum value of a twos complement number is invalid.";
        self.0.checked_neg().map(Self).ok_or_else(|| Error::overflow(text))
    }

    /// `Duration()`: the absolute value.
    ///
    /// # Errors
    /// `OverflowException`.
    pub fn duration(self) -> Result<Self> {
        let text = "The duration cannot be returned for TimeSpan.MinValue because the absolute value of \
                    TimeSpan.MinValue exceeds the value of TimeSpan.MaxValue.";
        self.0.checked_abs().map(Self).ok_or_else(|| Error::overflow(text))
    }

    /// `a * factor`: rounds to the nearest tick.
    ///
    /// # Errors
    /// `OverflowException`; `ArgumentException` for NaN.
    pub fn multiply(self, factor: f64) -> Result<Self> {
        if factor.is_nan() {
            return Err(Error::argument_for(NOT_A_NUMBER, "factor"));
        }
        Self::from_double((self.0 as f64 * factor).round_ties_even())
    }

    /// `a / divisor`: rounds to the nearest tick.
    ///
    /// # Errors
    /// `OverflowException`; `ArgumentException` for NaN.
    pub fn divide(self, divisor: f64) -> Result<Self> {
        if divisor.is_nan() {
            return Err(Error::argument_for(NOT_A_NUMBER, "divisor"));
        }
        Self::from_double((self.0 as f64 / divisor).round_ties_even())
    }

    /// `a / b`: how often `b` goes into `a`.
    pub fn ratio(self, other: Self) -> f64 {
        self.0 as f64 / other.0 as f64
    }

    /// `GetHashCode()`.
    pub fn hash_code(self) -> i32 {
        self.0 as i32 ^ (self.0 >> 32) as i32
    }

    /// `ToString(format)`; an empty format is `c`: `[-][d.]hh:mm:ss[.fffffff]`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn to_text(self, format: &str) -> Result<String> {
        format::apply(self, format)
    }

    /// `TimeSpan.ParseExact(text, format, provider, styles)`; `negative`: `TimeSpanStyles.AssumeNegative`.
    ///
    /// # Errors
    /// `FormatException`, `OverflowException`.
    pub fn parse_exact(text: &str, format: &str, negative: bool) -> Result<Self> {
        exact::parse(text, format, negative)
    }

    /// `TimeSpan.Parse`.
    ///
    /// # Errors
    /// `FormatException`, `OverflowException`.
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text)
    }
}

impl std::fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format::constant(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::vectors::outcome;
    use proptest::prelude::*;

    #[test]
    fn arithmetic_gives_what_dotnet_gives() {
        let three = TimeSpan(3 * TICKS_PER_SECOND);
        let negated =
            "!System.OverflowException: Negating the minimum value of a twos complement number is invalid.";
        let long = format!("!System.OverflowException: {TOO_LONG}");
        let table = [
            (outcome(TimeSpan::from_units(1e10, TICKS_PER_DAY)), long.as_str()),
            (
                outcome(TimeSpan::from_units(f64::NAN, TICKS_PER_DAY)),
                "!System.ArgumentException: TimeSpan does not accept floating point Not-a-Number values.",
            ),
            (outcome(TimeSpan::from_units(1.234_567_89, TICKS_PER_SECOND)), "00:00:01.2345678"),
            (outcome(TimeSpan::from_units(12.5, TICKS_PER_MILLISECOND)), "00:00:00.0125000"),
            (outcome(TimeSpan::from_units(0.1, TICKS_PER_MINUTE)), "00:00:06"),
            (outcome(TimeSpan::MAX.plus(TimeSpan(1))), &long),
            (outcome(TimeSpan::MIN.negate()), negated),
            (outcome(three.multiply(1.5)), "00:00:04.5000000"),
            (outcome(three.divide(2.0)), "00:00:01.5000000"),
            (outcome(three.divide(0.0)), &long),
            (outcome(TimeSpan::MAX.multiply(2.0)), &long),
            (outcome(TimeSpan::new(0, 1, 2, 3, 0)), "01:02:03"),
            (
                outcome(TimeSpan::new(i32::MAX, 0, 0, 0, 0)),
                "!System.ArgumentOutOfRangeException: TimeSpan overflowed because the duration is too long.",
            ),
        ];
        for (actual, expected) in table {
            assert_eq!(actual, expected);
        }
        assert_eq!((TimeSpan(-15_000_000).seconds(), TimeSpan(-15_000_000).milliseconds()), (-1, -500));
    }

    proptest! {
        #[test]
        fn text_reads_back(ticks: i64) {
            let span = TimeSpan(ticks);
            for format in ["c", "g", "G"] {
                prop_assert_eq!(TimeSpan::parse(&span.to_text(format).unwrap()), Ok(span));
            }
        }

        #[test]
        fn any_text_and_format_is_answered(text in "[-0-9.: ]{0,24}", format in ".{0,8}|[dhmsfF\\\\':%]{0,9}", ticks: i64) {
            let _ = TimeSpan::parse(&text);
            let _ = TimeSpan(ticks).to_text(&format);
        }
    }
}
