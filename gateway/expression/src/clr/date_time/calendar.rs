//! The proleptic Gregorian calendar, days counted from 0001-01-01.

/// Days of each month of a year.
pub(super) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days between 0001-01-01 and a date.
pub(super) fn days_from_date(year: i32, month: i32, day: i32) -> i64 {
    // Years begin in March here, so that the leap day comes last.
    let (year, month) =
        if month > 2 { (i64::from(year), month - 3) } else { (i64::from(year) - 1, month + 9) };
    let era_days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    era_days + i64::from((153 * month + 2) / 5) + i64::from(day) - 1 - 306
}

/// Year, month and day of a count of days from 0001-01-01.
pub(super) fn date_from_days(days: i64) -> (i32, i32, i32) {
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let in_era = shifted.rem_euclid(146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((year + era * 400 + carry) as i32, month as i32, day as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_range_reads_back() {
        let last = days_from_date(9999, 12, 31);
        assert_eq!((days_from_date(1, 1, 1), last), (0, 3_652_058));
        let mut previous = (0, 12, 31);
        for days in 0..=last {
            let (year, month, day) = date_from_days(days);
            assert!((year, month, day) > previous, "{days}");
            assert_eq!(days_from_date(year, month, day), days);
            previous = (year, month, day);
        }
    }
}
