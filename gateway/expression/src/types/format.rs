//! `ToString(format)` of every type that has one, and `string.Format`.

use super::{Args, enum_text};
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::number::{IntegerType, format as numbers};
use crate::clr::time_span::TimeSpan;
use crate::clr::{self, Error};
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Kind, Value};

/// The integer kind of a value.
pub(super) fn integer(value: &Value) -> Option<(IntegerType, i128)> {
    Some(match value {
        Value::I8(v) => (IntegerType::SByte, i128::from(*v)),
        Value::U8(v) => (IntegerType::Byte, i128::from(*v)),
        Value::I16(v) => (IntegerType::Int16, i128::from(*v)),
        Value::U16(v) => (IntegerType::UInt16, i128::from(*v)),
        Value::I32(v) => (IntegerType::Int32, i128::from(*v)),
        Value::U32(v) => (IntegerType::UInt32, i128::from(*v)),
        Value::I64(v) => (IntegerType::Int64, i128::from(*v)),
        Value::U64(v) => (IntegerType::UInt64, i128::from(*v)),
        _ => return None,
    })
}

/// A value by a format; an empty format is the plain text.
pub(super) fn formatted(value: &Value, format: &str) -> Result<String, Error> {
    if let Some((ty, number)) = integer(value) {
        return numbers::integer(ty, number, format);
    }
    match value {
        Value::F32(v) => numbers::single(*v, format),
        Value::F64(v) => numbers::double(*v, format),
        Value::Decimal(v) => numbers::decimal(v, format),
        Value::DateTime(ticks, kind) => date(*ticks, *kind)?.to_text(format),
        Value::DateTimeOffset(ticks, minutes) => offset(*ticks, *minutes)?.to_text(format),
        Value::TimeSpan(ticks) => TimeSpan(*ticks).to_text(format),
        Value::Guid(bytes) => clr::guid::format(bytes, format),
        Value::Enum(def, v) => Ok(match format {
            "D" | "d" => v.to_string(),
            "X" | "x" => format!("{:08X}", *v as i32),
            _ => enum_text(*def, *v),
        }),
        other => Ok(other.to_text()),
    }
}

/// As [`formatted`], appended.
fn write_formatted(value: &Value, format: &str, text: &mut String) -> Result<(), Error> {
    match value {
        Value::DateTime(ticks, kind) => date(*ticks, *kind)?.write_text(format, text),
        Value::DateTimeOffset(ticks, minutes) => offset(*ticks, *minutes)?.write_text(format, text),
        other => {
            text.push_str(&formatted(other, format)?);
            Ok(())
        }
    }
}

pub(super) fn kind(kind: Kind) -> DateTimeKind {
    match kind {
        Kind::Unspecified => DateTimeKind::Unspecified,
        Kind::Utc => DateTimeKind::Utc,
        Kind::Local => DateTimeKind::Local,
    }
}

/// The library's date behind a value.
pub(super) fn date(ticks: i64, of: Kind) -> Result<DateTime, Error> {
    DateTime::from_ticks(ticks, kind(of))
}

/// The value of a date.
pub(super) fn date_value(date: DateTime) -> Value {
    let kind = match date.kind() {
        DateTimeKind::Unspecified => Kind::Unspecified,
        DateTimeKind::Utc => Kind::Utc,
        DateTimeKind::Local => Kind::Local,
    };
    Value::DateTime(date.ticks(), kind)
}

pub(super) fn offset(ticks: i64, minutes: i16) -> Result<DateTimeOffset, Error> {
    let clock = DateTime::from_ticks(ticks, DateTimeKind::Unspecified)?;
    DateTimeOffset::new(clock, TimeSpan(i64::from(minutes) * clr::time_span::TICKS_PER_MINUTE))
}

pub(super) fn offset_value(offset: DateTimeOffset) -> Value {
    let minutes = offset.offset().0 / clr::time_span::TICKS_PER_MINUTE;
    Value::DateTimeOffset(offset.ticks(), minutes as i16)
}

/// Default texts of dates and spans.
pub(crate) fn time_text(value: &Value) -> String {
    formatted(value, "").unwrap_or_default()
}

/// `value.ToString(format)`; the format is argument 1.
pub(super) fn to_string(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let format = a.opt_str(1).map_or("", |t| t.as_str());
    let mut outcome = Ok(());
    let text = Text::written(|text| outcome = write_formatted(a.this(), format, text));
    outcome?;
    vm.text(text)
}

/// `string.Format`.
pub(super) fn composite(vm: &mut Vm<'_>, format: &str, arguments: &[Value]) -> Result<Value, Fault> {
    vm.steps(format.len() as u64 / 16)?;
    let host = vm.host;
    let budget = vm.memory_left();
    let mut used = 0usize;
    let text = clr::text::format_composite(format, arguments.len(), |index, format| {
        let value = arguments.get(index).unwrap_or(&Value::Null);
        let text = match (value, format) {
            (Value::Null, _) => String::new(),
            (value, None) => value.text_with(host).as_str().to_owned(),
            (value @ (Value::Object(_) | Value::Context(_) | Value::Str(_)), Some(_)) => {
                value.text_with(host).as_str().to_owned()
            }
            (value, Some(format)) => formatted(value, format)?,
        };
        used = used.saturating_add(text.len());
        if used > budget {
            return Err(Error::of(clr::ExceptionKind::OutOfMemory));
        }
        Ok(text)
    });
    match text {
        Err(error) if error.kind == clr::ExceptionKind::OutOfMemory => {
            Err(Fault::Limit(crate::run::Limit::Memory))
        }
        other => {
            let text = other?;
            vm.text(text)
        }
    }
}

/// Round-trip text of a date.
pub(crate) fn portable_text(value: &Value) -> String {
    formatted(value, "o").unwrap_or_default()
}
