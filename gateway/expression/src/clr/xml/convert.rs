//! `XmlConvert`: the text of values in XML, and explicit conversions of elements and attributes.

use rust_decimal::Decimal;

use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::exception::{Error, Result};
use crate::clr::number::{IntegerType, format, parse};
use crate::clr::time_span::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};

/// `true` or `false`.
pub fn boolean_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// `INF`, `-INF`, `NaN` or the shortest digits.
pub fn double_text(value: f64) -> String {
    infinite(value).map_or_else(|| format::double_text(value), str::to_owned)
}

/// As [`double_text`], of a `float`.
pub fn single_text(value: f32) -> String {
    infinite(f64::from(value)).map_or_else(|| format::single_text(value), str::to_owned)
}

fn infinite(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some("INF"),
        f64::NEG_INFINITY => Some("-INF"),
        _ => None,
    }
}

/// The digits of a `decimal`.
pub fn decimal_text(value: &Decimal) -> String {
    format::decimal_text(value)
}

/// ISO 8601; the zone follows the kind.
pub fn date_text(value: DateTime) -> String {
    value.to_text("yyyy-MM-ddTHH:mm:ss.FFFFFFFK").unwrap_or_default()
}

/// ISO 8601 with its offset, `Z` for none.
pub fn date_offset_text(value: DateTimeOffset) -> String {
    let zone = if value.offset().0 == 0 { "Z" } else { "" };
    let format =
        if zone.is_empty() { "yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz" } else { "yyyy-MM-ddTHH:mm:ss.FFFFFFF" };
    value.to_text(format).unwrap_or_default() + zone
}

/// An ISO 8601 duration: `P1DT2H3M4.5S`.
pub fn time_span_text(value: TimeSpan) -> String {
    let ticks = value.0.unsigned_abs();
    if ticks == 0 {
        return "PT0S".to_owned();
    }
    let mut text = if value.0 < 0 { "-P".to_owned() } else { "P".to_owned() };
    let part = |unit: i64, modulus: u64| ticks / unit as u64 % modulus;
    let days = ticks / TICKS_PER_DAY as u64;
    if days > 0 {
        text = format!("{text}{days}D");
    }
    let (hours, minutes, seconds) =
        (part(TICKS_PER_HOUR, 24), part(TICKS_PER_MINUTE, 60), part(TICKS_PER_SECOND, 60));
    let fraction = ticks % TICKS_PER_SECOND as u64;
    if hours + minutes + seconds + fraction > 0 {
        text.push('T');
    }
    for (number, letter) in [(hours, 'H'), (minutes, 'M')] {
        if number > 0 {
            text = format!("{text}{number}{letter}");
        }
    }
    if fraction > 0 {
        let digits = format!("{fraction:07}");
        text = format!("{text}{seconds}.{}S", digits.trim_end_matches('0'));
    } else if seconds > 0 {
        text = format!("{text}{seconds}S");
    }
    text
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// `(bool)element`: `true`, `false`, `1`, `0`, in any case.
///
/// # Errors
/// `FormatException`.
pub fn to_boolean(text: &str) -> Result<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::format(format!(
            "The string '{}' is not a valid Boolean value.",
            trimmed(text).to_lowercase()
        ))),
    }
}

/// `(int)element` and its kin.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn to_integer(ty: IntegerType, text: &str) -> Result<i128> {
    // XML knows no sign for unsigned numbers.
    if !ty.is_signed() && trimmed(text).starts_with(['-', '+']) {
        return Err(Error::format("Input string was not in a correct format."));
    }
    parse::integer(ty, text)
}

fn no_thousands(text: &str) -> Result<&str> {
    if text.contains(',') {
        Err(Error::format("Input string was not in a correct format."))
    } else {
        Ok(text)
    }
}

/// `(double)element`.
///
/// # Errors
/// `FormatException`.
pub fn to_double(text: &str) -> Result<f64> {
    match trimmed(text) {
        "INF" => Ok(f64::INFINITY),
        "-INF" => Ok(f64::NEG_INFINITY),
        other => parse::double(no_thousands(other)?),
    }
}

/// `(decimal)element`.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn to_decimal(text: &str) -> Result<Decimal> {
    parse::decimal(no_thousands(trimmed(text))?)
}

/// `(DateTime)element`: `Z` gives UTC, an offset local time.
///
/// # Errors
/// `FormatException`.
pub fn to_date_time(text: &str, today: DateTime) -> Result<DateTime> {
    let date = DateTime::parse(text, today)?;
    let is_utc = text.trim_end().ends_with(['Z', 'z']);
    Ok(if is_utc && date.kind() == DateTimeKind::Local { date.with_kind(DateTimeKind::Utc) } else { date })
}

/// `(DateTimeOffset)element`.
///
/// # Errors
/// `FormatException`.
pub fn to_date_time_offset(text: &str, today: DateTime) -> Result<DateTimeOffset> {
    DateTimeOffset::parse(text, today)
        .ok()
        .filter(|_| {
            trimmed(text).starts_with(|c: char| c.is_ascii_digit()) && trimmed(text).get(4..5) == Some("-")
        })
        .ok_or_else(|| Error::format(format!("The string '{text}' is not a valid AllXsd value.")))
}

/// `(TimeSpan)element`: a duration; years count 365 days, months 30.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn to_time_span(text: &str) -> Result<TimeSpan> {
    let invalid = || Error::format(format!("The string '{text}' is not a valid TimeSpan value."));
    let body = trimmed(text);
    let (negative, body) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body),
    };
    let body = body.strip_prefix('P').ok_or_else(invalid)?;
    let (days, time) = match body.split_once('T') {
        Some((_, "")) => return Err(invalid()),
        Some((days, time)) => (days, time),
        None => (body, ""),
    };
    if days.is_empty() && time.is_empty() {
        return Err(invalid());
    }
    let date = sum(days, &[('Y', 365 * TICKS_PER_DAY), ('M', 30 * TICKS_PER_DAY), ('D', TICKS_PER_DAY)]);
    let clock = sum(time, &[('H', TICKS_PER_HOUR), ('M', TICKS_PER_MINUTE), ('S', TICKS_PER_SECOND)]);
    let total = date.ok_or_else(invalid)? + clock.ok_or_else(invalid)?;
    let signed = if negative { -total } else { total };
    i64::try_from(signed)
        .map(TimeSpan)
        .map_err(|_| Error::overflow(format!("The string '{text}' is not a valid TimeSpan value.")))
}

/// Numbers each with the letter of its unit, in the units' order; only seconds have a fraction.
fn sum(text: &str, units: &[(char, i64)]) -> Option<i128> {
    let mut rest = text;
    let mut units = units.iter();
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let letter = tail.chars().next()?;
        let (_, unit) = units.find(|(known, _)| *known == letter)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() > 10 || (number.contains('.') && (letter != 'S' || fraction.is_empty())) {
            return None;
        }
        total += whole.parse::<i128>().ok()? * i128::from(*unit);
        if !fraction.is_empty() {
            let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(7).collect();
            total += digits.parse::<i128>().ok()?;
        }
        rest = tail.get(1..)?;
    }
    Some(total)
}
