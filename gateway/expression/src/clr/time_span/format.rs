//! `TimeSpan.ToString`.

use super::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};
use crate::clr::exception::{Error, Result};

struct Fields {
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
    fraction: u64,
}

fn fields(span: TimeSpan) -> Fields {
    let ticks = span.0.unsigned_abs();
    Fields {
        days: ticks / TICKS_PER_DAY as u64,
        hours: ticks / TICKS_PER_HOUR as u64 % 24,
        minutes: ticks / TICKS_PER_MINUTE as u64 % 60,
        seconds: ticks / TICKS_PER_SECOND as u64 % 60,
        fraction: ticks % TICKS_PER_SECOND as u64,
    }
}

fn malformed() -> Error {
    Error::format("Input string was not in a correct format.")
}

fn sign(span: TimeSpan) -> &'static str {
    if span.0 < 0 { "-" } else { "" }
}

/// `c`: `[-][d.]hh:mm:ss[.fffffff]`.
pub(super) fn constant(span: TimeSpan) -> String {
    let Fields { days, hours, minutes, seconds, fraction } = fields(span);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 { format!(".{fraction:07}") } else { String::new() };
    format!("{}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}", sign(span))
}

pub(super) fn apply(span: TimeSpan, format: &str) -> Result<String> {
    match format {
        "" | "c" | "t" | "T" => Ok(constant(span)),
        "g" => {
            let Fields { days, hours, minutes, seconds, fraction } = fields(span);
            let days = if days > 0 { format!("{days}:") } else { String::new() };
            let fraction = if fraction > 0 { format!(".{fraction:07}") } else { String::new() };
            let fraction = fraction.trim_end_matches('0');
            Ok(format!("{}{days}{hours}:{minutes:02}:{seconds:02}{fraction}", sign(span)))
        }
        "G" => {
            let Fields { days, hours, minutes, seconds, fraction } = fields(span);
            Ok(format!("{}{days}:{hours:02}:{minutes:02}:{seconds:02}.{fraction:07}", sign(span)))
        }
        _ if format.chars().count() == 1 => Err(malformed()),
        _ => custom(&fields(span), &format.chars().collect::<Vec<_>>()),
    }
}

fn custom(fields: &Fields, format: &[char]) -> Result<String> {
    let mut text = String::new();
    let mut at = 0;
    while let Some(c) = format.get(at) {
        let count = format.iter().skip(at).take_while(|next| *next == c).count();
        let mut used = count;
        match c {
            'h' => number(&mut text, fields.hours, count, 2)?,
            'm' => number(&mut text, fields.minutes, count, 2)?,
            's' => number(&mut text, fields.seconds, count, 2)?,
            'd' => number(&mut text, fields.days, count, 8)?,
            'f' | 'F' if count > 7 => return Err(malformed()),
            'f' => text.push_str(fraction(fields, count).as_str()),
            'F' => text.push_str(fraction(fields, count).trim_end_matches('0')),
            '\'' | '"' => {
                let rest = format.get(at + 1..).unwrap_or_default();
                let end = rest.iter().position(|next| next == c).ok_or_else(malformed)?;
                text.extend(rest.iter().take(end));
                used = end + 2;
            }
            '%' => {
                let next = format.get(at + 1).filter(|next| **next != '%').ok_or_else(malformed)?;
                text.push_str(&custom(fields, &[*next])?);
                used = 2;
            }
            '\\' => {
                text.push(*format.get(at + 1).ok_or_else(malformed)?);
                used = 2;
            }
            _ => return Err(malformed()),
        }
        at += used;
    }
    Ok(text)
}

fn number(text: &mut String, value: u64, count: usize, most: usize) -> Result<()> {
    if count > most {
        return Err(malformed());
    }
    let digits = format!("{value:0count$}");
    text.push_str(&digits);
    Ok(())
}

fn fraction(fields: &Fields, count: usize) -> String {
    let mut digits = format!("{:07}", fields.fraction);
    digits.truncate(count);
    digits
}
