//! `System.DateTime`: 100 ns ticks since 0001-01-01 and a kind (expressions.md §6.3). Local time is UTC.

mod calendar;
mod exact;
mod format;
mod parse;

pub use exact::Styles;

use super::exception::{Error, ExceptionKind, Result};
use super::time_span::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};

/// `DateTimeKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateTimeKind {
    /// 0
    #[default]
    Unspecified,
    /// 1
    Utc,
    /// 2
    Local,
}

/// A point in time without an offset. Comparison ignores the kind.
#[derive(Debug, Clone, Copy)]
pub struct DateTime {
    ticks: i64,
    kind: DateTimeKind,
}

/// Ticks of `DateTime.MaxValue`.
pub const TICKS_MAX: i64 = 3_155_378_975_999_999_999;
/// Ticks of 1970-01-01.
pub const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

/// Ticks of 1601-01-01, where Windows' file times begin.
pub(super) const FILE_EPOCH_TICKS: i64 = 504_911_232_000_000_000;
/// Ticks of 1899-12-30 and of the year 100, between which OLE dates are kept.
const OA_EPOCH_TICKS: i64 = 599_264_352_000_000_000;
const OA_LEAST_TICKS: i64 = 31_241_376_000_000_000;

const UNREPRESENTABLE: &str = "The added or subtracted value results in an un-representable DateTime.";

fn unrepresentable(parameter: &str) -> Error {
    Error::out_of_range(UNREPRESENTABLE, parameter)
}

impl DateTime {
    /// `DateTime.MinValue`.
    pub const MIN: Self = Self { ticks: 0, kind: DateTimeKind::Unspecified };
    /// `DateTime.MaxValue`.
    pub const MAX: Self = Self { ticks: TICKS_MAX, kind: DateTimeKind::Unspecified };

    /// `new DateTime(ticks, kind)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn from_ticks(ticks: i64, kind: DateTimeKind) -> Result<Self> {
        Self::checked(ticks, kind).ok_or_else(|| {
            let text = "Ticks must be between DateTime.MinValue.Ticks and DateTime.MaxValue.Ticks.";
            Error::out_of_range(text, "ticks")
        })
    }

    fn checked(ticks: i64, kind: DateTimeKind) -> Option<Self> {
        (0..=TICKS_MAX).contains(&ticks).then_some(Self { ticks, kind })
    }

    /// `new DateTime(year, month, day)`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn from_date(year: i32, month: i32, day: i32) -> Result<Self> {
        let fits = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=calendar::days_in_month(year, month)).contains(&day);
        if !fits {
            let text = "Year, Month, and Day parameters describe an un-representable DateTime.";
            return Err(Error::new(ExceptionKind::ArgumentOutOfRange, text));
        }
        let ticks = calendar::days_from_date(year, month, day) * TICKS_PER_DAY;
        Ok(Self { ticks, kind: DateTimeKind::Unspecified })
    }

    /// This date at a time of day.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn at(self, hour: i32, minute: i32, second: i32, millisecond: i32) -> Result<Self> {
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            let text = "Hour, Minute, and Second parameters describe an un-representable DateTime.";
            return Err(Error::new(ExceptionKind::ArgumentOutOfRange, text));
        }
        if !(0..1000).contains(&millisecond) {
            return Err(Error::out_of_range("Valid values are between 0 and 999, inclusive.", "millisecond"));
        }
        let time = i64::from(hour) * TICKS_PER_HOUR
            + i64::from(minute) * TICKS_PER_MINUTE
            + i64::from(second) * TICKS_PER_SECOND
            + i64::from(millisecond) * super::time_span::TICKS_PER_MILLISECOND;
        Ok(Self { ticks: self.date().ticks + time, kind: self.kind })
    }

    /// The same ticks with another kind (`SpecifyKind`).
    #[must_use]
    pub fn with_kind(self, kind: DateTimeKind) -> Self {
        Self { kind, ..self }
    }

    /// From nanoseconds since 1970-01-01 UTC; times outside .NET's range become its bounds.
    pub fn from_unix_nanoseconds(nanoseconds: i128) -> Self {
        if let Ok(near) = i64::try_from(nanoseconds) {
            // Until 2262, without the division of 128 bits.
            return Self { ticks: near.div_euclid(100) + UNIX_EPOCH_TICKS, kind: DateTimeKind::Utc };
        }
        let ticks = nanoseconds.div_euclid(100) + i128::from(UNIX_EPOCH_TICKS);
        Self { ticks: ticks.clamp(0, i128::from(TICKS_MAX)) as i64, kind: DateTimeKind::Utc }
    }

    /// `Ticks`.
    pub fn ticks(self) -> i64 {
        self.ticks
    }

    /// `Kind`.
    pub fn kind(self) -> DateTimeKind {
        self.kind
    }

    fn ymd(self) -> (i32, i32, i32) {
        calendar::date_from_days(self.ticks / TICKS_PER_DAY)
    }

    /// `Year`, 1–9999.
    pub fn year(self) -> i32 {
        self.ymd().0
    }

    /// `Month`, 1–12.
    pub fn month(self) -> i32 {
        self.ymd().1
    }

    /// `Day`, 1–31.
    pub fn day(self) -> i32 {
        self.ymd().2
    }

    /// `Hour`, 0–23.
    pub fn hour(self) -> i32 {
        self.time_of_day().hours()
    }

    /// `Minute`, 0–59.
    pub fn minute(self) -> i32 {
        self.time_of_day().minutes()
    }

    /// `Second`, 0–59.
    pub fn second(self) -> i32 {
        self.time_of_day().seconds()
    }

    /// `Millisecond`, 0–999.
    pub fn millisecond(self) -> i32 {
        self.time_of_day().milliseconds()
    }

    /// `DayOfWeek`, 0 = Sunday.
    pub fn day_of_week(self) -> i32 {
        ((self.ticks / TICKS_PER_DAY + 1) % 7) as i32
    }

    /// `DayOfYear`, 1–366.
    pub fn day_of_year(self) -> i32 {
        (self.ticks / TICKS_PER_DAY - calendar::days_from_date(self.year(), 1, 1)) as i32 + 1
    }

    /// `TimeOfDay`.
    pub fn time_of_day(self) -> TimeSpan {
        TimeSpan(self.ticks % TICKS_PER_DAY)
    }

    /// `Date`: midnight.
    #[must_use]
    pub fn date(self) -> Self {
        Self { ticks: self.ticks - self.ticks % TICKS_PER_DAY, kind: self.kind }
    }

    /// `AddTicks`, `Add`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn add_ticks(self, ticks: i64) -> Result<Self> {
        let sum = self.ticks.checked_add(ticks);
        sum.and_then(|sum| Self::checked(sum, self.kind)).ok_or_else(|| unrepresentable("value"))
    }

    /// `date + span`; the error names the operator's parameter.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn plus(self, span: TimeSpan) -> Result<Self> {
        self.add_ticks(span.0).map_err(|_| unrepresentable("t"))
    }

    /// `date - span`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn minus(self, span: TimeSpan) -> Result<Self> {
        let difference = self.ticks.checked_sub(span.0);
        difference.and_then(|ticks| Self::checked(ticks, self.kind)).ok_or_else(|| unrepresentable("t"))
    }

    /// `AddDays`, `AddHours`… : `value` units of `unit` ticks, rounded to milliseconds.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn add_units(self, value: f64, unit: i64) -> Result<Self> {
        const MILLISECONDS_MAX: f64 = 315_537_897_600_000.0;
        let scaled = value * (unit / super::time_span::TICKS_PER_MILLISECOND) as f64;
        let milliseconds = (scaled + if value >= 0.0 { 0.5 } else { -0.5 }).trunc();
        if milliseconds.abs() >= MILLISECONDS_MAX {
            return Err(Error::out_of_range("Value to add was out of range.", "value"));
        }
        // NaN adds nothing.
        self.add_ticks(milliseconds as i64 * super::time_span::TICKS_PER_MILLISECOND)
    }

    /// `AddMonths`: the day is clamped to the month's end.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn add_months(self, months: i32) -> Result<Self> {
        if !(-120_000..=120_000).contains(&months) {
            return Err(Error::out_of_range("Months value must be between +/-120000.", "months"));
        }
        let (year, month, day) = self.ymd();
        let total = year * 12 + month - 1 + months;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        let day = day.min(calendar::days_in_month(year, month));
        let date = Self::from_date(year, month, day).map_err(|_| unrepresentable("months"))?;
        Ok(Self { ticks: date.ticks + self.time_of_day().0, kind: self.kind })
    }

    /// `AddYears`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn add_years(self, years: i32) -> Result<Self> {
        if !(-10_000..=10_000).contains(&years) {
            return Err(Error::out_of_range("Years value must be between +/-10000.", "years"));
        }
        self.add_months(years * 12)
    }

    /// `a - b`.
    pub fn since(self, other: Self) -> TimeSpan {
        TimeSpan(self.ticks - other.ticks)
    }

    /// `DateTime.DaysInMonth`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn days_in_month(year: i32, month: i32) -> Result<i32> {
        if !(1..=12).contains(&month) {
            return Err(Error::out_of_range("Month must be between one and twelve.", "month"));
        }
        Self::is_leap_year(year)?;
        Ok(calendar::days_in_month(year, month))
    }

    /// `DateTime.IsLeapYear`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn is_leap_year(year: i32) -> Result<bool> {
        if !(1..=9999).contains(&year) {
            return Err(Error::out_of_range("Year must be between 1 and 9999.", "year"));
        }
        Ok(calendar::is_leap_year(year))
    }

    /// `GetHashCode()`.
    pub fn hash_code(self) -> i32 {
        self.ticks as i32 ^ (self.ticks >> 32) as i32
    }

    /// `ToString(format)`; an empty format is `G`: `MM/dd/yyyy HH:mm:ss`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn to_text(self, format: &str) -> Result<String> {
        let mut text = String::new();
        self.write_text(format, &mut text)?;
        Ok(text)
    }

    /// As [`DateTime::to_text`], appended.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn write_text(self, format: &str, text: &mut String) -> Result<()> {
        format::apply(self, None, format, text)
    }

    /// `DateTime.Parse`: month first; a text with an offset gives local time. `today` completes texts that leave
    /// out the date or the year.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn parse(text: &str, today: Self) -> Result<Self> {
        Self::of_parsed(parse::parse(text, today)?, Styles::default(), text)
    }

    /// `DateTime.Parse(text, provider, styles)`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn parse_styled(text: &str, styles: Styles, today: Self) -> Result<Self> {
        Self::of_parsed(parse::parse(text, today)?, styles, text)
    }

    /// `ToFileTimeUtc()`: ticks since 1601.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException` for earlier dates.
    pub fn to_file_time(self) -> Result<i64> {
        let ticks = self.ticks - FILE_EPOCH_TICKS;
        let problem = || Error::new(ExceptionKind::ArgumentOutOfRange, "Not a valid Win32 FileTime.");
        if ticks < 0 { Err(problem()) } else { Ok(ticks) }
    }

    /// `ToOADate()`: days since 1899-12-30, the time of day counted forward on both sides of it.
    ///
    /// # Errors
    /// `OverflowException` before the year 100.
    pub fn to_oa_date(self) -> Result<f64> {
        if self.ticks < TICKS_PER_DAY {
            let days = self.ticks as f64 / TICKS_PER_DAY as f64;
            return Ok(if self.ticks == 0 { 0.0 } else { days });
        }
        if self.ticks < OA_LEAST_TICKS {
            return Err(Error::overflow("Not a legal OleAut date."));
        }
        const MILLISECONDS_PER_DAY: i64 = 86_400_000;
        let mut milliseconds = (self.ticks - OA_EPOCH_TICKS) / super::time_span::TICKS_PER_MILLISECOND;
        if milliseconds < 0 {
            let rest = milliseconds % MILLISECONDS_PER_DAY;
            if rest != 0 {
                milliseconds -= (MILLISECONDS_PER_DAY + rest) * 2;
            }
        }
        Ok(milliseconds as f64 / MILLISECONDS_PER_DAY as f64)
    }

    /// `ToBinary()`: ticks, and the kind in the two high bits.
    pub fn to_binary(self) -> i64 {
        match self.kind {
            DateTimeKind::Unspecified => self.ticks,
            DateTimeKind::Utc => self.ticks | 1 << 62,
            DateTimeKind::Local => self.ticks | i64::MIN,
        }
    }

    /// `DateTime.ParseExact(text, format, provider, styles)`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn parse_exact(text: &str, format: &str, styles: Styles, today: Self) -> Result<Self> {
        Self::of_parsed(exact::parse(text, format, styles, today, false)?, styles, text)
    }

    /// The date of what was read: one with an offset becomes local time, or UTC where the styles say so.
    fn of_parsed(parsed: parse::Parsed, styles: Styles, text: &str) -> Result<Self> {
        let universal = styles.has(Styles::TO_UNIVERSAL);
        let offset = match parsed.offset_minutes {
            Some(minutes) => minutes,
            None if styles.has(Styles::ASSUME_UNIVERSAL) => 0,
            None => return Ok(parsed.clock),
        };
        let ticks = parsed.clock.ticks - i64::from(offset) * TICKS_PER_MINUTE;
        let utc = universal || (styles.has(Styles::ROUND_TRIP) && offset == 0);
        let kind = if utc { DateTimeKind::Utc } else { DateTimeKind::Local };
        Self::checked(ticks, kind).ok_or_else(|| {
            Error::format(format!("The DateTime represented by the string '{text}' is out of range."))
        })
    }
}

/// As [`parse_with_offset`], by a format.
pub(super) fn parse_exact_with_offset(
    text: &str,
    format: &str,
    styles: Styles,
    today: DateTime,
) -> Result<(DateTime, Option<i32>)> {
    let parsed = exact::parse(text, format, styles, today, true)?;
    Ok((parsed.clock, parsed.offset_minutes))
}

/// What a text gives: a clock reading and, where it has one, its offset from UTC.
pub(super) fn parse_with_offset(text: &str, today: DateTime) -> Result<(DateTime, Option<i32>)> {
    let parsed = parse::parse(text, today)?;
    Ok((parsed.clock, parsed.offset_minutes))
}

/// Appends a clock reading with an offset in minutes.
pub(super) fn write_with_offset(
    clock: DateTime,
    offset_minutes: i32,
    format: &str,
    text: &mut String,
) -> Result<()> {
    format::apply(clock, Some(offset_minutes), format, text)
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.ticks == other.ticks
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ticks.cmp(&other.ticks)
    }
}

impl std::hash::Hash for DateTime {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.ticks.hash(state);
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text("").unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
