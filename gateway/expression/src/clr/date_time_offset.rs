//! `System.DateTimeOffset`: a clock reading and its offset from UTC in whole minutes.

use super::date_time::{self, DateTime, DateTimeKind, UNIX_EPOCH_TICKS};
use super::exception::{Error, Result};
use super::time_span::{TICKS_PER_MILLISECOND, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};

/// A point in time with an offset. Comparison looks at the point in time only.
#[derive(Debug, Clone, Copy)]
pub struct DateTimeOffset {
    /// Clock reading, kind unspecified.
    clock: DateTime,
    offset_minutes: i32,
}

const SECONDS_MIN: i64 = -62_135_596_800;
const SECONDS_MAX: i64 = 253_402_300_799;

impl DateTimeOffset {
    /// `DateTimeOffset.MinValue`.
    pub const MIN: Self = Self { clock: DateTime::MIN, offset_minutes: 0 };
    /// `DateTimeOffset.MaxValue`.
    pub const MAX: Self = Self { clock: DateTime::MAX, offset_minutes: 0 };

    /// `new DateTimeOffset(dateTime)`: local time is UTC, so the offset is 0 for every kind.
    pub fn from_date_time(date: DateTime) -> Self {
        Self { clock: date.with_kind(DateTimeKind::Unspecified), offset_minutes: 0 }
    }

    /// `new DateTimeOffset(dateTime, offset)`.
    ///
    /// # Errors
    /// `ArgumentException`, `ArgumentOutOfRangeException`.
    pub fn new(date: DateTime, offset: TimeSpan) -> Result<Self> {
        if offset.0 != 0 {
            let text = match date.kind() {
                DateTimeKind::Unspecified => None,
                DateTimeKind::Utc => Some("The UTC Offset for Utc DateTime instances must be 0."),
                DateTimeKind::Local => {
                    Some("The UTC Offset of the local dateTime parameter does not match the offset argument.")
                }
            };
            if let Some(text) = text {
                return Err(Error::argument_for(text, "offset"));
            }
        }
        let offset_minutes = checked_offset(offset)?;
        let made = Self { clock: date.with_kind(DateTimeKind::Unspecified), offset_minutes };
        DateTime::from_ticks(made.utc_ticks(), DateTimeKind::Utc).map_err(|_| {
            let text =
                "The UTC time represented when the offset is applied must be between year 0 and 10,000.";
            Error::out_of_range(text, "offset")
        })?;
        Ok(made)
    }

    /// `FromUnixTimeSeconds`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self> {
        if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
            let text = format!("Valid values are between {SECONDS_MIN} and {SECONDS_MAX}, inclusive.");
            return Err(Error::out_of_range(&text, "seconds"));
        }
        Self::from_utc_ticks(seconds * TICKS_PER_SECOND + UNIX_EPOCH_TICKS, "value")
    }

    /// `FromUnixTimeMilliseconds`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Result<Self> {
        let (least, most) = (SECONDS_MIN * 1000, SECONDS_MAX * 1000 + 999);
        if !(least..=most).contains(&milliseconds) {
            let text = format!("Valid values are between {least} and {most}, inclusive.");
            return Err(Error::out_of_range(&text, "milliseconds"));
        }
        Self::from_utc_ticks(milliseconds * TICKS_PER_MILLISECOND + UNIX_EPOCH_TICKS, "value")
    }

    fn from_utc_ticks(ticks: i64, parameter: &str) -> Result<Self> {
        let text = "The added or subtracted value results in an un-representable DateTime.";
        let clock = DateTime::from_ticks(ticks, DateTimeKind::Unspecified)
            .map_err(|_| Error::out_of_range(text, parameter))?;
        Ok(Self { clock, offset_minutes: 0 })
    }

    /// `ToUnixTimeSeconds`: rounds down.
    pub fn to_unix_seconds(self) -> i64 {
        self.utc_ticks().div_euclid(TICKS_PER_SECOND) + SECONDS_MIN
    }

    /// `ToUnixTimeMilliseconds`: rounds down.
    pub fn to_unix_milliseconds(self) -> i64 {
        self.utc_ticks().div_euclid(TICKS_PER_MILLISECOND) + SECONDS_MIN * 1000
    }

    /// `FromFileTime(fileTime)`: ticks since 1601.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn from_file_time(ticks: i64) -> Result<Self> {
        let most = date_time::TICKS_MAX - date_time::FILE_EPOCH_TICKS;
        if !(0..=most).contains(&ticks) {
            return Err(Error::out_of_range("Not a valid Win32 FileTime.", "fileTime"));
        }
        Self::from_utc_ticks(ticks + date_time::FILE_EPOCH_TICKS, "fileTime")
    }

    /// `ToFileTime()`.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn to_file_time(self) -> Result<i64> {
        self.utc_date_time().to_file_time()
    }

    /// `UtcTicks`.
    pub fn utc_ticks(self) -> i64 {
        self.clock.ticks() - i64::from(self.offset_minutes) * TICKS_PER_MINUTE
    }

    /// `Ticks` of the clock reading.
    pub fn ticks(self) -> i64 {
        self.clock.ticks()
    }

    /// `DateTime`: the clock reading; `Year`, `Hour` and the like are read from it.
    pub fn date_time(self) -> DateTime {
        self.clock
    }

    /// `UtcDateTime`.
    pub fn utc_date_time(self) -> DateTime {
        DateTime::from_ticks(self.utc_ticks(), DateTimeKind::Utc).unwrap_or(DateTime::MIN)
    }

    /// `LocalDateTime`: UTC with the kind `Local`.
    pub fn local_date_time(self) -> DateTime {
        self.utc_date_time().with_kind(DateTimeKind::Local)
    }

    /// `Offset`.
    pub fn offset(self) -> TimeSpan {
        TimeSpan(i64::from(self.offset_minutes) * TICKS_PER_MINUTE)
    }

    /// `ToOffset`: the same point in time on another clock.
    ///
    /// # Errors
    /// `ArgumentException`, `ArgumentOutOfRangeException`.
    pub fn to_offset(self, offset: TimeSpan) -> Result<Self> {
        let offset_minutes = checked_offset(offset)?;
        let clock = self.utc_date_time().plus(offset)?.with_kind(DateTimeKind::Unspecified);
        Ok(Self { clock, offset_minutes })
    }

    /// `ToUniversalTime` and `ToLocalTime`.
    #[must_use]
    pub fn to_universal(self) -> Self {
        Self::from_date_time(self.utc_date_time())
    }

    /// The same offset after a change of the clock reading: `value.map(|clock| clock.add_months(1))`.
    ///
    /// # Errors
    /// What `change` returns; `ArgumentOutOfRangeException`.
    pub fn map(self, change: impl FnOnce(DateTime) -> Result<DateTime>) -> Result<Self> {
        let clock = change(self.clock)?;
        Self::new(clock.with_kind(DateTimeKind::Unspecified), self.offset())
    }

    /// `a - b`.
    pub fn since(self, other: Self) -> TimeSpan {
        TimeSpan(self.utc_ticks() - other.utc_ticks())
    }

    /// `EqualsExact`: the same clock reading and the same offset.
    pub fn equals_exact(self, other: Self) -> bool {
        self.clock == other.clock && self.offset_minutes == other.offset_minutes
    }

    /// `GetHashCode()`.
    pub fn hash_code(self) -> i32 {
        self.utc_date_time().hash_code()
    }

    /// `ToString(format)`; an empty format is `MM/dd/yyyy HH:mm:ss zzz`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn to_text(self, format: &str) -> Result<String> {
        let mut text = String::new();
        self.write_text(format, &mut text)?;
        Ok(text)
    }

    /// As [`DateTimeOffset::to_text`], appended.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn write_text(self, format: &str, text: &mut String) -> Result<()> {
        date_time::write_with_offset(self.clock, self.offset_minutes, format, text)
    }

    /// `DateTimeOffset.Parse`; without an offset in the text it is 0. `today` as in [`DateTime::parse`].
    ///
    /// # Errors
    /// `FormatException`.
    pub fn parse(text: &str, today: DateTime) -> Result<Self> {
        Self::of_parsed(date_time::parse_with_offset(text, today)?, text)
    }

    /// `DateTimeOffset.ParseExact(text, format, provider, styles)`.
    ///
    /// # Errors
    /// `FormatException`.
    pub fn parse_exact(text: &str, format: &str, styles: date_time::Styles, today: DateTime) -> Result<Self> {
        Self::of_parsed(date_time::parse_exact_with_offset(text, format, styles, today)?, text)
    }

    fn of_parsed((clock, offset): (DateTime, Option<i32>), text: &str) -> Result<Self> {
        let offset = TimeSpan(i64::from(offset.unwrap_or(0)) * TICKS_PER_MINUTE);
        Self::new(clock, offset).map_err(|_| {
            Error::format(format!(
                "The UTC representation of the date '{text}' falls outside the year range 1-9999."
            ))
        })
    }
}

fn checked_offset(offset: TimeSpan) -> Result<i32> {
    if offset.0 % TICKS_PER_MINUTE != 0 {
        return Err(Error::argument_for("Offset must be specified in whole minutes.", "offset"));
    }
    let minutes = offset.0 / TICKS_PER_MINUTE;
    if minutes.abs() > 14 * 60 {
        return Err(Error::out_of_range("Offset must be within plus or minus 14 hours.", "offset"));
    }
    Ok(minutes as i32)
}

impl PartialEq for DateTimeOffset {
    fn eq(&self, other: &Self) -> bool {
        self.utc_ticks() == other.utc_ticks()
    }
}

impl Eq for DateTimeOffset {}

impl PartialOrd for DateTimeOffset {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTimeOffset {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.utc_ticks().cmp(&other.utc_ticks())
    }
}

impl std::hash::Hash for DateTimeOffset {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.utc_ticks().hash(state);
    }
}

impl std::fmt::Display for DateTimeOffset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text("").unwrap_or_default())
    }
}
