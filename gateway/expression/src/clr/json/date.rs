//! Strings that the reader takes for dates.

use crate::clr::date_time::{DateTime, DateTimeKind, TICKS_MAX, UNIX_EPOCH_TICKS};
use crate::clr::exception::Result;
use crate::clr::time_span::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE};

const LENGTH_MIN: usize = 19;
const LENGTH_MAX: usize = 40;

/// The date a string stands for: ISO 8601 with seconds, or `/Date(ms)/`.
///
/// # Errors
/// `ArgumentOutOfRangeException` for milliseconds out of range.
pub(super) fn date_of(text: &str) -> Result<Option<DateTime>> {
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        return microsoft(inner);
    }
    let bytes = text.as_bytes();
    let looks = (LENGTH_MIN..=LENGTH_MAX).contains(&bytes.len()) && bytes.get(10) == Some(&b'T');
    Ok(if looks { iso(bytes) } else { None })
}

/// Milliseconds since 1970, with an offset that only says the time is local.
fn microsoft(inner: &str) -> Result<Option<DateTime>> {
    let sign = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    let (number, kind) = match sign.and_then(|at| inner.split_at_checked(at)) {
        Some((number, offset)) => {
            let digits = offset.get(1..).unwrap_or_default();
            if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(None);
            }
            (number, DateTimeKind::Local)
        }
        None => (inner, DateTimeKind::Utc),
    };
    let Ok(milliseconds) = number.parse::<i64>() else { return Ok(None) };
    let ticks = milliseconds.saturating_mul(TICKS_PER_MILLISECOND).saturating_add(UNIX_EPOCH_TICKS);
    DateTime::from_ticks(ticks, kind).map(Some)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn number(&mut self, digits: usize) -> Option<i32> {
        let part = self.bytes.get(self.at..self.at + digits)?;
        if !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.at += digits;
        Some(part.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0')))
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&wanted)).then(|| self.at += 1)
    }

    /// Up to seven digits behind the point, in ticks.
    fn fraction(&mut self) -> Option<i64> {
        let mut ticks = 0;
        let mut unit = 1_000_000;
        let start = self.at;
        while unit > 0
            && let Some(digit) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit())
        {
            ticks += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.at += 1;
        }
        (self.at > start).then_some(ticks)
    }
}

fn iso(bytes: &[u8]) -> Option<DateTime> {
    let mut cursor = Cursor { bytes, at: 0 };
    let year = cursor.number(4)?;
    cursor.take(b'-')?;
    let month = cursor.number(2)?;
    cursor.take(b'-')?;
    let day = cursor.number(2)?;
    cursor.take(b'T')?;
    let hour = cursor.number(2)?;
    cursor.take(b':')?;
    let minute = cursor.number(2)?;
    cursor.take(b':')?;
    let second = cursor.number(2)?;
    let fraction = if cursor.take(b'.').is_some() { cursor.fraction()? } else { 0 };
    let midnight_of_next = hour == 24;
    if midnight_of_next && (minute, second, fraction) != (0, 0, 0) {
        return None;
    }
    let date = DateTime::from_date(year, month, day).ok()?;
    let date = date.at(if midnight_of_next { 0 } else { hour }, minute, second, 0).ok()?;
    let date = date.add_ticks(fraction + if midnight_of_next { TICKS_PER_DAY } else { 0 }).ok()?;
    zone(&mut cursor, date)
}

/// What stands behind the time; nothing but a zone may.
fn zone(cursor: &mut Cursor<'_>, date: DateTime) -> Option<DateTime> {
    let sign = match cursor.bytes.get(cursor.at) {
        None => return Some(date),
        Some(b'Z' | b'z') if cursor.at + 1 == cursor.bytes.len() => {
            return Some(date.with_kind(DateTimeKind::Utc));
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    cursor.at += 1;
    let hours = cursor.number(2)?;
    let _ = cursor.take(b':');
    let minutes = if cursor.at < cursor.bytes.len() { cursor.number(2)? } else { 0 };
    if cursor.at < cursor.bytes.len() {
        return None;
    }
    let offset = i64::from(hours) * TICKS_PER_HOUR + i64::from(minutes) * TICKS_PER_MINUTE;
    let ticks = (date.ticks() - sign * offset).clamp(0, TICKS_MAX);
    DateTime::from_ticks(ticks, DateTimeKind::Local).ok()
}
