//! Calendar windows of UTC.

use crate::ports::QuotaWindow;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, a Monday.
const MONDAY: i64 = 4 * DAY;

/// `token-quota-period`: the window begins where the time is cut to the unit; weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Period {
    pub const NAMES: &[&str] = &["Hourly", "Daily", "Weekly", "Monthly", "Yearly"];
    const ALL: [Self; 5] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Hourly => "Hourly",
            Self::Daily => "Daily",
            Self::Weekly => "Weekly",
            Self::Monthly => "Monthly",
            Self::Yearly => "Yearly",
        }
    }

    /// The window around a time in seconds since 1970.
    pub fn window(self, now: i64) -> QuotaWindow {
        let fixed = |anchor: i64, length: i64| QuotaWindow::around(now, anchor, length.unsigned_abs());
        let (year, month) = year_and_month(now.div_euclid(DAY));
        match self {
            Self::Hourly => fixed(0, HOUR),
            Self::Daily => fixed(0, DAY),
            Self::Weekly => fixed(MONDAY, WEEK),
            Self::Monthly => {
                let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                between(first_day(year, month), first_day(next.0, next.1))
            }
            Self::Yearly => between(first_day(year, 1), first_day(year + 1, 1)),
        }
    }
}

fn between(first: i64, next: i64) -> QuotaWindow {
    QuotaWindow { start: first * DAY, end: Some(next * DAY) }
}

/// Days from 1970-01-01 to the first of a month of the proleptic Gregorian calendar.
fn first_day(year: i64, month: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days_before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let in_year = days_before[(month - 1).rem_euclid(12) as usize] + i64::from(is_leap && month > 2);
    before * 365 + leap_days + in_year - 719_162
}

fn year_and_month(day: i64) -> (i64, i64) {
    // The estimate is never late by more than a year, nor early.
    let mut year = 1970 + day.div_euclid(366);
    while first_day(year + 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| first_day(year, *month) <= day).unwrap_or(1);
    (year, month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T13:45:10Z, a Thursday.
    const NOW: i64 = 1_709_214_310;

    #[test]
    fn window_cuts_the_time_to_the_unit() {
        for (period, start, end) in [
            (Period::Hourly, 1_709_211_600, 1_709_215_200),
            (Period::Daily, 1_709_164_800, 1_709_251_200),
            (Period::Weekly, 1_708_905_600, 1_709_510_400),
            (Period::Monthly, 1_706_745_600, 1_709_251_200),
            (Period::Yearly, 1_704_067_200, 1_735_689_600),
        ] {
            assert_eq!(period.window(NOW), QuotaWindow { start, end: Some(end) }, "{period:?}");
        }
    }

    #[test]
    fn window_holds_its_time_for_a_century() {
        for day in 0..36_525 {
            let now = day * DAY + 17;
            for period in Period::ALL {
                let QuotaWindow { start, end } = period.window(now);
                assert!(start <= now && now < end.unwrap(), "{period:?} at day {day}");
            }
        }
    }
}
