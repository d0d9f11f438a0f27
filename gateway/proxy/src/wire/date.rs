//! The `Date` field (RFC 9110 §5.6.7), made once a second for each thread.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub type ImfDate = [u8; 29];

thread_local! {
    static CACHED: RefCell<(u64, ImfDate)> = const { RefCell::new((u64::MAX, [0; 29])) };
}

/// The present time as `Date` shows it.
pub fn now() -> ImfDate {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    CACHED.with_borrow_mut(|(at, text)| {
        if *at != seconds {
            *at = seconds;
            *text = format(seconds);
        }
        *text
    })
}

/// Seconds since 1970 as an IMF-fixdate.
pub fn format(seconds: u64) -> ImfDate {
    const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (year, month, day) = civil(seconds / 86_400);
    let second_of_day = seconds % 86_400;
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    text[0..3].copy_from_slice(DAYS[(seconds / 86_400 % 7) as usize]);
    put(&mut text[5..7], day);
    text[8..11].copy_from_slice(MONTHS[(month - 1) as usize % 12]);
    put(&mut text[12..16], year);
    put(&mut text[17..19], second_of_day / 3600);
    put(&mut text[20..22], second_of_day / 60 % 60);
    put(&mut text[23..25], second_of_day % 60);
    text
}

/// Decimal digits, right-aligned, padded with zeros.
fn put(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Days since 1970-01-01 to year, month, day of the Gregorian calendar, counting in years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_YEAR_0: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + DAYS_FROM_YEAR_0;
    let era = days / DAYS_IN_400_YEARS;
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_known_instants() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] {
            assert_eq!(std::str::from_utf8(&format(seconds)), Ok(text));
        }
    }
}
