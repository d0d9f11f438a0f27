//! `TimeSpan.Parse`: `[-]d`, `[-][d.]h:m[:s[.f]]`, `[-]d:h:m:s[.f]`.

use super::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};
use crate::clr::exception::{Error, Result};

/// Why a text is no time span.
enum Failure {
    Shape,
    Range,
}

pub(super) fn parse(text: &str) -> Result<TimeSpan> {
    read(text.trim()).map_err(|failure| match failure {
        Failure::Shape => Error::format(format!("String '{text}' was not recognized as a valid TimeSpan.")),
        Failure::Range => Error::overflow(format!(
            "The TimeSpan string '{text}' could not be parsed because at least one of the numeric components is out \
             of range or contains too many digits."
        )),
    })
}

fn read(text: &str) -> std::result::Result<TimeSpan, Failure> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut pieces: Vec<&str> = text.split(':').collect();
    let mut days = None;
    let mut fraction = None;
    if pieces.len() > 1 {
        if let Some((day, hour)) = pieces.first().and_then(|first| first.split_once('.')) {
            days = Some(digits(day)?);
            pieces.splice(..1, [hour]);
        }
        // Only seconds have a fraction; they may be left out in front of it.
        if pieces.len() > 2
            && let Some((seconds, behind)) = pieces.last().and_then(|last| last.split_once('.'))
        {
            digits(behind)?;
            fraction = Some(behind);
            pieces.pop();
            pieces.push(if seconds.is_empty() { "0" } else { seconds });
        }
    }
    let numbers =
        pieces.iter().map(|piece| digits(piece)).collect::<std::result::Result<Vec<u64>, Failure>>()?;
    let fraction = match fraction {
        Some(fraction) if fraction.len() > 7 => return Err(Failure::Range),
        Some(fraction) => digits(&format!("{fraction:0<7}"))?,
        None => 0,
    };
    let total = match (days, numbers.as_slice()) {
        (None, [days]) => total(*days, 0, 0, 0, 0),
        (days, [hours, minutes]) => total(days.unwrap_or(0), *hours, *minutes, 0, 0),
        (None, [a, b, c]) if fraction == 0 => {
            total(0, *a, *b, *c, 0).or_else(|failure| total(*a, *b, *c, 0, 0).map_err(|_| failure))
        }
        (days, [hours, minutes, seconds]) => total(days.unwrap_or(0), *hours, *minutes, *seconds, fraction),
        (None, [days, hours, minutes, seconds]) => total(*days, *hours, *minutes, *seconds, fraction),
        _ => Err(Failure::Shape),
    }?;
    let signed = if negative { -total } else { total };
    i64::try_from(signed).map(TimeSpan).map_err(|_| Failure::Range)
}

fn digits(text: &str) -> std::result::Result<u64, Failure> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::Shape);
    }
    let significant = text.trim_start_matches('0');
    if significant.len() > 9 {
        return Err(Failure::Range);
    }
    Ok(significant.bytes().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

fn total(
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
    fraction: u64,
) -> std::result::Result<i128, Failure> {
    if days > 10_675_199 || hours > 23 || minutes > 59 || seconds > 59 {
        return Err(Failure::Range);
    }
    Ok(i128::from(days) * i128::from(TICKS_PER_DAY)
        + i128::from(hours) * i128::from(TICKS_PER_HOUR)
        + i128::from(minutes) * i128::from(TICKS_PER_MINUTE)
        + i128::from(seconds) * i128::from(TICKS_PER_SECOND)
        + i128::from(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::vectors::outcome;

    #[test]
    fn texts_are_read_as_dotnet_reads_them() {
        let table = [
            ("1", "1.00:00:00"),
            ("1:2", "01:02:00"),
            ("1.2:3", "1.02:03:00"),
            ("1.2:3:4.5", "1.02:03:04.5000000"),
            ("1:2:3:4", "1.02:03:04"),
            ("-1.2:3:4.1234567", "-1.02:03:04.1234567"),
            (" 1:2 ", "01:02:00"),
            ("10675199", "10675199.00:00:00"),
            ("1:2:3:4.5", "1.02:03:04.5000000"),
            ("0001:002", "01:02:00"),
            ("24:0:0", "24.00:00:00"),
            ("1:2:.5", "01:02:00.5000000"),
        ];
        for (text, expected) in table {
            assert_eq!(outcome(parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn bad_texts_are_refused_by_kind() {
        for text in ["24:00", "23:60", "1:2:3.12345678", "99999999", "10675200", "1:2:60", "1.24:0:0"] {
            assert!(
                outcome(parse(text)).starts_with("!System.OverflowException: The TimeSpan string"),
                "{text}"
            );
        }
        for text in ["1.5", "abc", "", "+1:2", "1:2:3:4:5", "1:2:3.", ":1", "1:", "1..2:3", "- 1:2"] {
            assert!(outcome(parse(text)).starts_with("!System.FormatException: String '"), "{text}");
        }
    }
}
