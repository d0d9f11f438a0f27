//! The rule of a zone of the tz database in the form that Windows has: one pair of transitions a year.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::super::date_time::{DateTime, DateTimeKind};
use super::super::time_span::TICKS_PER_SECOND;
use super::custom::{Adjustment, Transition};
use super::{TimeSpan, UNIX_EPOCH_TICKS, span};

/// Years that tell the fourth week of a month from its last.
const YEARS: i32 = 8;

/// A change of the clock: the clock before it, and what the clock gains.
struct Change {
    clock: DateTime,
    gain: i64,
}

/// The rule that holds in a year; `None` without daylight saving time.
pub(super) fn rule(zone: &TimeZone, year: i32) -> Option<Adjustment> {
    let [begins, ends] = [true, false].map(|daylight| {
        let found: Vec<Change> =
            (year..year + YEARS).filter_map(|year| change(zone, year, daylight)).collect();
        found
    });
    let delta = TimeSpan(begins.first()?.gain);
    let (from, to) = (transition(&begins)?, transition(&ends)?);
    let start = DateTime::from_date(1, 1, 1).ok()?;
    let end = DateTime::from_date(9999, 12, 31).ok()?;
    Adjustment::new(start, end, delta, from, to).ok()
}

/// The first change of a year into daylight saving time, or out of it.
fn change(zone: &TimeZone, year: i32, daylight: bool) -> Option<Change> {
    let first = civil::date(i16::try_from(year).ok()?, 1, 1).to_zoned(TimeZone::UTC).ok()?.timestamp();
    let found = zone.following(first).take(4).find(|one| one.dst().is_dst() == daylight)?;
    let at = found.timestamp();
    let before = zone.to_offset(Timestamp::from_second(at.as_second() - 1).ok()?);
    let utc = UNIX_EPOCH_TICKS + at.as_second() * TICKS_PER_SECOND;
    let clock = DateTime::from_ticks(utc + span(before).0, DateTimeKind::Unspecified).ok()?;
    (clock.year() == year).then(|| Change { clock, gain: span(found.offset()).0 - span(before).0 })
}

/// The day of the month that fits all years: a week and a day of it, or the last week.
fn transition(changes: &[Change]) -> Option<Transition> {
    let one = changes.first()?.clock;
    let is_last = |change: &Change| {
        let clock = change.clock;
        DateTime::days_in_month(clock.year(), clock.month()).is_ok_and(|days| clock.day() + 7 > days)
    };
    let week = if changes.iter().all(is_last) { 5 } else { (one.day() - 1) / 7 + 1 };
    let time = DateTime::from_ticks(one.time_of_day().0, DateTimeKind::Unspecified).ok()?;
    Transition::floating(time, one.month(), week, one.day_of_week()).ok()
}
