//! Zones that policies make themselves: `AdjustmentRule`, `TransitionTime`, `CreateCustomTimeZone`.

use super::super::date_time::{DateTime, DateTimeKind};
use super::super::exception::{Error, ExceptionKind, Result};
use super::super::time_span::{TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};

const DAY: i64 = 24 * 3600 * TICKS_PER_SECOND;
const OFFSET_MAX: i64 = 14 * 3600 * TICKS_PER_SECOND;

/// `TransitionTime`: when in a year clocks change. The default has month 0 and is no rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transition {
    /// Ticks since midnight, whole milliseconds.
    pub time_of_day: i64,
    /// `Month`, 1 to 12
    pub month: i32,
    /// `Week`, 1 to 5 (the last); 1 of a fixed date
    pub week: i32,
    /// `Day`; 1 of a floating date
    pub day: i32,
    /// `DayOfWeek`, 0 is Sunday
    pub day_of_week: i32,
    /// `IsFixedDateRule`
    pub is_fixed: bool,
}

impl Transition {
    /// `CreateFixedDateRule(timeOfDay, month, day)`.
    ///
    /// # Errors
    /// `ArgumentException`, `ArgumentOutOfRangeException`.
    pub fn fixed(time: DateTime, month: i32, day: i32) -> Result<Self> {
        Self { time_of_day: 0, month, week: 1, day, day_of_week: 0, is_fixed: true }.checked(time)
    }

    /// `CreateFloatingDateRule(timeOfDay, month, week, dayOfWeek)`.
    ///
    /// # Errors
    /// As [`Transition::fixed`].
    pub fn floating(time: DateTime, month: i32, week: i32, day_of_week: i32) -> Result<Self> {
        Self { time_of_day: 0, month, week, day: 1, day_of_week, is_fixed: false }.checked(time)
    }

    fn checked(self, time: DateTime) -> Result<Self> {
        let range = |text: &str, name: &str| Err(Error::out_of_range(text, name));
        if time.kind() != DateTimeKind::Unspecified {
            let problem =
                "The supplied DateTime must have the Kind property set to DateTimeKind.Unspecified.";
            return Err(Error::argument_for(problem, "timeOfDay"));
        }
        if !(1..=12).contains(&self.month) {
            return range("The Month parameter must be in the range 1 through 12.", "month");
        }
        if !(1..=31).contains(&self.day) {
            return range("The Day parameter must be in the range 1 through 31.", "day");
        }
        if !(1..=5).contains(&self.week) {
            return range("The Week parameter must be in the range 1 through 5.", "week");
        }
        if !(0..=6).contains(&self.day_of_week) {
            return range("The DayOfWeek enumeration must be in the range 0 through 6.", "dayOfWeek");
        }
        if time.ticks() >= DAY || time.ticks() % (TICKS_PER_SECOND / 1000) != 0 {
            let problem = "The supplied DateTime must have the Year, Month, and Day properties set to 1.  The time cannot be \
                           specified more precisely than whole milliseconds.";
            return Err(Error::argument_for(problem, "timeOfDay"));
        }
        Ok(Self { time_of_day: time.ticks(), ..self })
    }

    /// `GetHashCode()`.
    pub fn hash_code(self) -> i32 {
        self.month ^ (self.week << 8)
    }

    /// The clock's ticks in a year; `None` of the default and outside of the calendar.
    fn in_year(self, year: i32) -> Option<i64> {
        let days = DateTime::days_in_month(year, self.month).ok()?;
        let day = if self.is_fixed {
            self.day.min(days)
        } else if self.week < 5 {
            let first = DateTime::from_date(year, self.month, 1).ok()?.day_of_week();
            1 + (self.day_of_week - first).rem_euclid(7) + 7 * (self.week - 1)
        } else {
            let last = DateTime::from_date(year, self.month, days).ok()?.day_of_week();
            days - (last - self.day_of_week).rem_euclid(7)
        };
        Some(DateTime::from_date(year, self.month, day).ok()?.ticks() + self.time_of_day)
    }
}

/// `AdjustmentRule`: daylight saving time in a range of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// `DateStart`
    pub start: DateTime,
    /// `DateEnd`, the last day
    pub end: DateTime,
    /// `DaylightDelta`
    pub delta: TimeSpan,
    /// `DaylightTransitionStart`, by the clock of standard time
    pub from: Transition,
    /// `DaylightTransitionEnd`, by the clock of daylight saving time
    pub to: Transition,
}

impl Adjustment {
    /// `CreateAdjustmentRule(dateStart, dateEnd, daylightDelta, start, end)`.
    ///
    /// # Errors
    /// `ArgumentException`, `ArgumentOutOfRangeException`.
    pub fn new(
        start: DateTime,
        end: DateTime,
        delta: TimeSpan,
        from: Transition,
        to: Transition,
    ) -> Result<Self> {
        let refuse = |text: &str, name: &str| Err(Error::argument_for(text, name));
        for (date, name) in [(start, "dateStart"), (end, "dateEnd")] {
            if date.kind() == DateTimeKind::Local {
                let problem = "The supplied DateTime must have the Kind property set to DateTimeKind.Unspecified or DateTimeKind.Utc.";
                return refuse(problem, name);
            }
        }
        if from == to {
            let problem =
                "The DaylightTransitionStart property must not equal the DaylightTransitionEnd property.";
            return refuse(problem, "daylightTransitionEnd");
        }
        if start.ticks() > end.ticks() {
            return refuse("The DateStart property must come before the DateEnd property.", "dateStart");
        }
        check_offset(delta, "daylightDelta", true)?;
        for (date, name) in [(start, "dateStart"), (end, "dateEnd")] {
            if date.ticks() % DAY != 0 {
                return refuse(
                    "The supplied DateTime includes a TimeOfDay setting.   This is not supported.",
                    name,
                );
            }
        }
        Ok(Self { start, end, delta, from, to })
    }
}

fn check_offset(offset: TimeSpan, name: &str, shows_value: bool) -> Result<()> {
    if offset.0.abs() > OFFSET_MAX {
        let mut error =
            Error::out_of_range("The TimeSpan parameter must be within plus or minus 14.0 hours.", name);
        if shows_value {
            error.message.push_str(&format!("\nActual value was {offset}."));
        }
        return Err(error);
    }
    if offset.0 % TICKS_PER_MINUTE != 0 {
        let problem = "The TimeSpan parameter cannot be specified more precisely than whole minutes.";
        return Err(Error::argument_for(problem, name));
    }
    Ok(())
}

/// What `CreateCustomTimeZone` was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// `BaseUtcOffset`
    pub base: TimeSpan,
    /// `DisplayName`
    pub display: String,
    /// `StandardName`
    pub standard: String,
    /// `DaylightName`
    pub daylight: String,
    /// `GetAdjustmentRules()`, in the order of time.
    pub rules: Vec<Adjustment>,
    /// `SupportsDaylightSavingTime`
    pub has_daylight_saving: bool,
}

impl Custom {
    /// Refuses what `CreateCustomTimeZone` refuses.
    pub(super) fn check(&self, id: &str) -> Result<()> {
        if id.is_empty() {
            return Err(Error::argument_for("The specified ID parameter '' is not supported.", "id"));
        }
        check_offset(self.base, "baseUtcOffset", false)?;
        let invalid = |text: &str| Err(Error::new(ExceptionKind::InvalidTimeZone, text));
        let mut before = None;
        for rule in &self.rules {
            if (self.base.0 + rule.delta.0).abs() > OFFSET_MAX {
                return invalid(
                    "The sum of the BaseUtcOffset and DaylightDelta properties must within plus or minus 14.0 hours.",
                );
            }
            if before.is_some_and(|end| rule.start.ticks() <= end) {
                return invalid(
                    "The elements of the AdjustmentRule array must be in chronological order and must not overlap.",
                );
            }
            before = Some(rule.end.ticks());
        }
        Ok(())
    }

    fn rule(&self, clock: i64) -> Option<&Adjustment> {
        let day = clock - clock.rem_euclid(DAY);
        self.rules.iter().find(|rule| (rule.start.ticks()..=rule.end.ticks()).contains(&day))
    }

    /// The rule at a clock time, and when it begins and ends in that year.
    fn bounds(&self, clock: i64) -> Option<(&Adjustment, i64, i64)> {
        let rule = self.rule(clock).filter(|rule| rule.delta.0 != 0)?;
        let year =
            DateTime::from_ticks(clock.clamp(0, super::TICKS_MAX), DateTimeKind::Unspecified).ok()?.year();
        Some((rule, rule.from.in_year(year)?, rule.to.in_year(year)?))
    }

    /// Offset at a clock time, and whether it is daylight saving time; of two that fit, standard time.
    pub(super) fn at_clock(&self, clock: i64) -> (TimeSpan, bool) {
        let Some((rule, start, end)) = self.bounds(clock) else { return (self.base, false) };
        let forward = rule.delta.0.max(0);
        self.with(rule, is_between(clock, start + forward, end - forward))
    }

    /// As [`Custom::at_clock`] at an instant.
    pub(super) fn at_instant(&self, ticks_utc: i64) -> (TimeSpan, bool) {
        let clock = ticks_utc + self.base.0;
        let Some((rule, start, end)) = self.bounds(clock) else { return (self.base, false) };
        self.with(rule, is_between(clock, start, end - rule.delta.0))
    }

    fn with(&self, rule: &Adjustment, daylight: bool) -> (TimeSpan, bool) {
        let offset = if daylight { self.base.0 + rule.delta.0 } else { self.base.0 };
        (TimeSpan(offset), daylight)
    }

    /// Whether the clock skips the time.
    pub(super) fn is_skipped(&self, clock: i64) -> bool {
        self.bounds(clock).is_some_and(|(rule, start, end)| {
            let delta = rule.delta.0;
            let at = if delta > 0 { start } else { end };
            (at..at + delta.abs()).contains(&clock)
        })
    }

    /// The two offsets of a time that the clock shows twice, the lower first.
    pub(super) fn twice(&self, clock: i64) -> Option<[TimeSpan; 2]> {
        let (rule, start, end) = self.bounds(clock)?;
        let delta = rule.delta.0;
        let at = if delta > 0 { end } else { start };
        let both = [self.base.0.min(self.base.0 + delta), self.base.0.max(self.base.0 + delta)];
        (at - delta.abs()..at).contains(&clock).then_some(both.map(TimeSpan))
    }
}

/// In the south daylight saving time begins in one year and ends in the next.
fn is_between(at: i64, start: i64, end: i64) -> bool {
    if start > end { at >= start || at < end } else { (start..end).contains(&at) }
}
