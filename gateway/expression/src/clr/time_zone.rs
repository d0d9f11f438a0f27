//! `TimeZoneInfo` (expressions.md §6.3): IANA names, and Windows names by their usual meaning.

mod custom;
mod known;
mod serialized;

pub use custom::{Adjustment, Custom, Transition};

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::date_time::{DateTime, DateTimeKind};
use super::exception::{Error, ExceptionKind, Result};
use super::time_span::{TICKS_PER_SECOND, TimeSpan};

/// Ticks of 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

const TICKS_MAX: i64 = 3_155_378_975_999_999_999;

/// A time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    id: String,
    rules: Rules,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rules {
    Known(TimeZone),
    Custom(Arc<Custom>),
}

impl Zone {
    /// `TimeZoneInfo.Utc`; also `Local`, for the gateway's clock is UTC.
    pub fn utc() -> Self {
        Self { id: "UTC".to_owned(), rules: Rules::Known(TimeZone::UTC) }
    }

    /// `FindSystemTimeZoneById(id)`.
    ///
    /// # Errors
    /// `TimeZoneNotFoundException`.
    pub fn find(id: &str) -> Result<Self> {
        if id.eq_ignore_ascii_case("UTC") {
            return Ok(Self::utc());
        }
        let iana = WINDOWS
            .iter()
            .find(|(windows, _)| windows.eq_ignore_ascii_case(id))
            .map_or(id, |(_, iana)| *iana);
        match TimeZone::get(iana) {
            Ok(rules) => Ok(Self { id: id.to_owned(), rules: Rules::Known(rules) }),
            Err(_) => Err(Error::new(
                ExceptionKind::TimeZoneNotFound,
                format!("The time zone ID '{id}' was not found on the local computer."),
            )),
        }
    }

    /// `Id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is UTC itself.
    pub fn is_utc(&self) -> bool {
        self.id == "UTC" && self.custom().is_none()
    }

    /// `CreateCustomTimeZone(…)`.
    ///
    /// # Errors
    /// `ArgumentException`, `ArgumentOutOfRangeException`, `InvalidTimeZoneException`.
    pub fn made(id: &str, custom: Custom) -> Result<Self> {
        custom.check(id)?;
        Ok(Self { id: id.to_owned(), rules: Rules::Custom(Arc::new(custom)) })
    }

    /// What a zone was made of; `None` of those that the tz database has.
    pub fn custom(&self) -> Option<&Custom> {
        match &self.rules {
            Rules::Custom(custom) => Some(custom),
            Rules::Known(_) => None,
        }
    }

    /// `FromSerializedString(source)`.
    ///
    /// # Errors
    /// `ArgumentException`, `SerializationException`.
    pub fn from_serialized(text: &str) -> Result<Self> {
        let (id, custom) = serialized::read(text)?;
        Ok(Self { id, rules: Rules::Custom(Arc::new(custom)) })
    }

    /// `ToSerializedString()`.
    pub fn to_serialized(&self, display: &str, now: DateTime) -> String {
        if let Rules::Custom(custom) = &self.rules {
            return serialized::write(&self.id, custom);
        }
        let name = if self.is_utc() { "Coordinated Universal Time" } else { &self.id };
        let custom = Custom {
            base: self.base_offset(now),
            display: display.to_owned(),
            standard: name.to_owned(),
            daylight: name.to_owned(),
            rules: self.adjustments(now),
            has_daylight_saving: false,
        };
        serialized::write(&self.id, &custom)
    }

    /// `GetAdjustmentRules()`: of a known zone the rule that holds now, for all time, as Windows has it for zones that
    /// never changed theirs.
    pub fn adjustments(&self, now: DateTime) -> Vec<Adjustment> {
        match &self.rules {
            Rules::Custom(custom) => custom.rules.clone(),
            Rules::Known(zone) => known::rule(zone, now.year()).into_iter().collect(),
        }
    }

    /// `GetSystemTimeZones()`: those that Windows has, from west to east.
    pub fn all(now: DateTime) -> Vec<Self> {
        let mut zones: Vec<Self> = WINDOWS.iter().filter_map(|(id, _)| Self::find(id).ok()).collect();
        zones.push(Self::utc());
        zones.sort_by_cached_key(|zone| (zone.base_offset(now).0, zone.id.clone()));
        zones
    }

    /// The offset at an instant, and whether daylight saving time holds.
    fn at_instant(&self, ticks_utc: i64) -> (TimeSpan, bool) {
        let zone = match &self.rules {
            Rules::Known(zone) => zone,
            Rules::Custom(custom) => return custom.at_instant(ticks_utc),
        };
        let seconds = (ticks_utc - UNIX_EPOCH_TICKS).div_euclid(TICKS_PER_SECOND);
        let Ok(instant) = Timestamp::from_second(seconds) else { return (TimeSpan(0), false) };
        let info = zone.to_offset_info(instant);
        (span(info.offset()), info.dst().is_dst())
    }

    fn at_clock(zone: &TimeZone, clock: DateTime) -> AmbiguousOffset {
        let utc = AmbiguousOffset::Unambiguous { offset: jiff::tz::Offset::UTC };
        let date = civil::DateTime::new(
            clock.year() as i16,
            clock.month() as i8,
            clock.day() as i8,
            clock.hour() as i8,
            clock.minute() as i8,
            clock.second() as i8,
            0,
        );
        date.map_or(utc, |date| zone.to_ambiguous_timestamp(date).offset())
    }

    /// The offset of a clock time; of two that fit, that of standard time.
    fn offset_of_clock(&self, clock: DateTime) -> TimeSpan {
        let zone = match &self.rules {
            Rules::Known(zone) => zone,
            Rules::Custom(custom) => return custom.at_clock(clock.ticks()).0,
        };
        match Self::at_clock(zone, clock) {
            AmbiguousOffset::Unambiguous { offset } => span(offset),
            AmbiguousOffset::Gap { before, .. } => span(before),
            AmbiguousOffset::Fold { after, .. } => span(after),
        }
    }

    /// `BaseUtcOffset`: that of standard time this year.
    pub fn base_offset(&self, now: DateTime) -> TimeSpan {
        if let Rules::Custom(custom) = &self.rules {
            return custom.base;
        }
        let half_year = 182 * 24 * 3600 * TICKS_PER_SECOND;
        let (first, daylight) = self.at_instant(now.ticks());
        let (second, _) = self.at_instant(now.ticks() + half_year);
        if daylight { second } else { first }
    }

    /// `SupportsDaylightSavingTime`.
    pub fn has_daylight_saving(&self, now: DateTime) -> bool {
        if let Rules::Custom(custom) = &self.rules {
            return custom.has_daylight_saving;
        }
        (0..12).any(|month| self.at_instant(now.ticks() + month * 30 * 24 * 3600 * TICKS_PER_SECOND).1)
    }

    /// `IsInvalidTime(dateTime)`: the clock never shows it.
    pub fn is_invalid(&self, clock: DateTime) -> bool {
        clock.kind() == DateTimeKind::Unspecified
            && match &self.rules {
                Rules::Known(zone) => matches!(Self::at_clock(zone, clock), AmbiguousOffset::Gap { .. }),
                Rules::Custom(custom) => custom.is_skipped(clock.ticks()),
            }
    }

    /// `IsAmbiguousTime(dateTime)`: the clock shows it twice.
    pub fn is_ambiguous(&self, date: DateTime) -> bool {
        self.ambiguous_offsets(date).is_some()
    }

    /// `GetAmbiguousTimeOffsets(dateTime)`: both offsets of a clock time that there is twice, the lower first.
    pub fn ambiguous_offsets(&self, date: DateTime) -> Option<[TimeSpan; 2]> {
        let clock = match date.kind() {
            DateTimeKind::Unspecified => date,
            DateTimeKind::Utc | DateTimeKind::Local => self.from_utc(date).ok()?,
        };
        let zone = match &self.rules {
            Rules::Known(zone) => zone,
            Rules::Custom(custom) => return custom.twice(clock.ticks()),
        };
        let AmbiguousOffset::Fold { before, after } = Self::at_clock(zone, clock) else { return None };
        let (before, after) = (span(before), span(after));
        Some(if after.0 <= before.0 { [after, before] } else { [before, after] })
    }

    /// `GetUtcOffset(dateTime)`.
    pub fn offset(&self, date: DateTime) -> TimeSpan {
        match date.kind() {
            DateTimeKind::Unspecified => self.offset_of_clock(date),
            DateTimeKind::Utc | DateTimeKind::Local => self.at_instant(date.ticks()).0,
        }
    }

    /// `IsDaylightSavingTime(dateTime)`.
    pub fn is_daylight_saving(&self, date: DateTime) -> bool {
        if let (Rules::Custom(custom), DateTimeKind::Unspecified) = (&self.rules, date.kind()) {
            return custom.at_clock(date.ticks()).1;
        }
        let ticks =
            date.ticks() - if date.kind() == DateTimeKind::Unspecified { self.offset(date).0 } else { 0 };
        self.at_instant(ticks).1
    }

    /// From this zone's clock to UTC.
    ///
    /// # Errors
    /// `ArgumentException` for a time of another kind, or one the clock never shows.
    pub fn to_utc(&self, date: DateTime) -> Result<DateTime> {
        if date.kind() != DateTimeKind::Unspecified && !self.is_utc() {
            return Err(Error::argument(format!("{} (Parameter 'sourceTimeZone')", wrong_kind())));
        }
        if self.is_invalid(date) {
            let problem = "The supplied DateTime represents an invalid time.  For example, when the clock is adjusted \
                           forward, any time in the period that is skipped is invalid. (Parameter 'dateTime')";
            return Err(Error::argument(problem));
        }
        let ticks = date.ticks() - self.offset_of_clock(date).0;
        DateTime::from_ticks(clamped(ticks), DateTimeKind::Utc)
    }

    /// From UTC to this zone's clock.
    ///
    /// # Errors
    /// Never in the range of dates.
    pub fn from_utc(&self, utc: DateTime) -> Result<DateTime> {
        let kind = if self.is_utc() { DateTimeKind::Utc } else { DateTimeKind::Unspecified };
        DateTime::from_ticks(clamped(utc.ticks() + self.at_instant(utc.ticks()).0.0), kind)
    }
}

/// The text about a date of a kind that contradicts the zone.
pub fn wrong_kind() -> &'static str {
    "The conversion could not be completed because the supplied DateTime did not have the Kind property set correctly.  \
     For example, when the Kind property is DateTimeKind.Local, the source time zone must be TimeZoneInfo.Local."
}

fn clamped(ticks: i64) -> i64 {
    ticks.clamp(0, TICKS_MAX)
}

fn span(offset: jiff::tz::Offset) -> TimeSpan {
    TimeSpan(i64::from(offset.seconds()) * TICKS_PER_SECOND)
}

/// Windows zones and the city that stands for each (Unicode CLDR, windowsZones, territory 001).
const WINDOWS: &[(&str, &str)] = &[
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central Standard Time", "America/Chicago"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("Greenland Standard Time", "America/Nuuk"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("GMT Standard Time", "Europe/London"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("Jordan Standard Time", "Asia/Amman"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Azerbaijan Standard Time", "Asia/Baku"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Myanmar Standard Time", "Asia/Yangon"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Fiji Standard Time", "Pacific/Fiji"),
];
