//! Functions of time.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{Row, int_at, text_at};

/// The format of .NET that `utcNow` has where none is given.
const DEFAULT: &str = "yyyyMMddTHHmmssZ";

pub const TABLE: &[Row] = &[
    ("utcnow", 0, 1, |values| {
        let format = if values.is_empty() { DEFAULT } else { text_at(values, 0)? };
        Ok(formatted(Timestamp::now(), format)?.into())
    }),
    ("datetimeadd", 2, 3, add),
    ("datetimefromepoch", 1, 1, |values| {
        let time = Timestamp::from_second(int_at(values, 0)?).map_err(|error| format!("{error}."))?;
        Ok(time.to_string().into())
    }),
    ("datetimetoepoch", 1, 1, |values| Ok(read(text_at(values, 0)?)?.as_second().into())),
];

fn read(text: &str) -> Result<Timestamp, String> {
    let basic = || jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", text).ok()?.to_datetime().ok();
    let basic = || basic()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse()
        .ok()
        .or_else(basic)
        .ok_or_else(|| format!("'{text}' is no date and time as in 2026-01-31T12:00:00Z."))
}

fn add(values: &[Value]) -> Result<Value, String> {
    let (base, duration) = (read(text_at(values, 0)?)?, text_at(values, 1)?);
    let span: Span =
        duration.parse().map_err(|_| format!("'{duration}' is no duration as in P1D or -PT1H."))?;
    let moved = base.to_zoned(TimeZone::UTC).checked_add(span).map_err(|error| format!("{error}."))?;
    match values.get(2) {
        Some(_) => Ok(formatted(moved.timestamp(), text_at(values, 2)?)?.into()),
        None => Ok(moved.timestamp().to_string().into()),
    }
}

/// The parts of a .NET format that dates in names and stamps use.
fn formatted(time: Timestamp, format: &str) -> Result<String, String> {
    if matches!(format, "o" | "O" | "u") {
        return Ok(time.to_string());
    }
    let zoned = time.to_zoned(TimeZone::UTC);
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let length = rest.chars().take_while(|c| *c == first).count();
        let part = match (first, length) {
            ('y', 4) => format!("{:04}", zoned.year()),
            ('y', 2) => format!("{:02}", zoned.year() % 100),
            ('M', 2) => format!("{:02}", zoned.month()),
            ('d', 2) => format!("{:02}", zoned.day()),
            ('H', 2) => format!("{:02}", zoned.hour()),
            ('m', 2) => format!("{:02}", zoned.minute()),
            ('s', 2) => format!("{:02}", zoned.second()),
            ('d', 1) if rest == "d" => {
                return Ok(format!("{:02}/{:02}/{:04}", zoned.month(), zoned.day(), zoned.year()));
            }
            (c, _) if !c.is_ascii_alphabetic() || matches!(c, 'T' | 'Z') => c.to_string().repeat(length),
            _ => {
                return Err(format!(
                    "the format '{format}' has '{first}': offered are yyyy, yy, MM, dd, HH, mm, ss."
                ));
            }
        };
        out.push_str(&part);
        rest = rest.get(first.len_utf8() * length..).unwrap_or_default();
    }
    Ok(out)
}
