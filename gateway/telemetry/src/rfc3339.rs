//! Times as RFC 3339 UTC: zero-padded, 24 hours, `Z`.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows a time with `digits` (0–9) of the second's fraction, cut, not rounded; before 1970 shows as 1970.
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339 {
    pub time: SystemTime,
    pub digits: u32,
}

impl Rfc3339 {
    /// Calls `read` with the text, which is ASCII. Without the machinery of `fmt`: every sink shows times of every request.
    pub(crate) fn with<R>(self, read: impl FnOnce(&str) -> R) -> R {
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (year, month, day) = civil_date(since.as_secs() / 86_400);
        let second = since.as_secs() % 86_400;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        for (at, value) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, second / 3_600),
            (14, second / 60 % 60),
            (17, second % 60),
        ] {
            put_pair(&mut text, at, value);
        }
        let digits = self.digits.min(9) as usize;
        let mut nanos = since.subsec_nanos();
        for place in text[20..29].iter_mut().rev() {
            *place = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        let end = if digits == 0 { 19 } else { 20 + digits };
        text[end] = b'Z';
        read(str::from_utf8(&text[..=end]).unwrap_or_default())
    }
}

/// Two digits of a number below 100.
fn put_pair(text: &mut [u8; 30], at: usize, value: u64) {
    text[at] = b'0' + (value / 10 % 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|text| f.write_str(text))
    }
}

/// Gregorian date of a day since 1970-01-01. Years are counted from March, so that a leap day ends its year.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let day = days + 719_468; // since 0000-03-01
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153; // 0 = March
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::Rfc3339;

    #[test]
    fn time_of_each_kind_is_zero_padded_utc() {
        // Expected values by `date -u -d @N`.
        let table = [
            (0, 0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 5_000_000, 3, "2000-02-29T00:00:00.005Z"),
            (1_709_251_199, 999_999_999, 7, "2024-02-29T23:59:59.9999999Z"),
            (1_759_273_445, 123_456_789, 9, "2025-09-30T23:04:05.123456789Z"),
            (1_764_766_650, 533_000_000, 3, "2025-12-03T12:57:30.533Z"),
            (4_107_542_400, 0, 7, "2100-03-01T00:00:00.0000000Z"),
        ];
        for (seconds, nanos, digits, expected) in table {
            let time = UNIX_EPOCH + Duration::new(seconds, nanos);
            assert_eq!(Rfc3339 { time, digits }.to_string(), expected);
        }
    }
}
