//! Text, equality and hashes of values.

use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;

use super::{ContextPart, Value};
use crate::clr;
use crate::host::{Host, WhichUrl};
use crate::text::Text;

pub(super) fn text(value: &Value, host: Option<&dyn Host>) -> Text {
    match value {
        Value::Null => Text::from(""),
        Value::Str(text) => text.clone(),
        Value::Char(unit) => Text::from_units(&[*unit]),
        Value::Context(part) => context_text(*part, host),
        Value::Object(object) => object.text(host),
        Value::Cell(cell) => text(&cell.borrow(), host),
        other => Text::from(plain(other)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(v) => if *v { "True" } else { "False" }.to_owned(),
        Value::I8(v) => v.to_string(),
        Value::U8(v) => v.to_string(),
        Value::I16(v) => v.to_string(),
        Value::U16(v) => v.to_string(),
        Value::I32(v) => v.to_string(),
        Value::U32(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::F32(v) => clr::number::format::single_text(*v),
        Value::F64(v) => clr::number::format::double_text(*v),
        Value::Decimal(v) => clr::number::format::decimal_text(v),
        Value::DateTime(..) | Value::DateTimeOffset(..) | Value::TimeSpan(_) => {
            crate::types::time_text(value)
        }
        Value::Guid(bytes) => clr::guid::text(bytes),
        Value::Enum(def, v) => crate::types::enum_text(*def, *v),
        other => other.clr_type_name().unwrap_or_default(),
    }
}

fn context_text(part: ContextPart, host: Option<&dyn Host>) -> Text {
    let which = match part {
        ContextPart::Url => WhichUrl::Current,
        ContextPart::OriginalUrl => WhichUrl::Original,
        _ => {
            let service = host.filter(|_| part == ContextPart::ApiServiceUrl).and_then(Host::api);
            return match service {
                Some(api) => Text::from(api.service_url.as_str()),
                None => Text::from(part.ty().clr_name()),
            };
        }
    };
    match host {
        Some(host) => Text::from(crate::types::url_text(&host.url(which))),
        None => Text::from(part.ty().clr_name()),
    }
}

pub(super) fn equals(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Char(x), Value::Char(y)) => x == y,
        (Value::I8(x), Value::I8(y)) => x == y,
        (Value::U8(x), Value::U8(y)) => x == y,
        (Value::I16(x), Value::I16(y)) => x == y,
        (Value::U16(x), Value::U16(y)) => x == y,
        (Value::I32(x), Value::I32(y)) => x == y,
        (Value::U32(x), Value::U32(y)) => x == y,
        (Value::I64(x), Value::I64(y)) => x == y,
        (Value::U64(x), Value::U64(y)) => x == y,
        // `Equals` of NaN is true, unlike `==`.
        (Value::F32(x), Value::F32(y)) => x == y || (x.is_nan() && y.is_nan()),
        (Value::F64(x), Value::F64(y)) => x == y || (x.is_nan() && y.is_nan()),
        (Value::Decimal(x), Value::Decimal(y)) => x == y,
        (Value::Str(x), Value::Str(y)) => x == y,
        (Value::DateTime(x, _), Value::DateTime(y, _)) => x == y,
        (Value::DateTimeOffset(x, m), Value::DateTimeOffset(y, n)) => instant(*x, *m) == instant(*y, *n),
        (Value::TimeSpan(x), Value::TimeSpan(y)) => x == y,
        (Value::Guid(x), Value::Guid(y)) => x == y,
        (Value::Enum(d, x), Value::Enum(e, y)) => d == e && x == y,
        (Value::Object(x), _) => match x.equals(b) {
            Some(answer) => answer,
            None => same(a, b),
        },
        _ => same(a, b),
    }
}

/// UTC ticks of a clock with an offset in minutes.
pub(crate) fn instant(ticks: i64, minutes: i16) -> i64 {
    ticks - i64::from(minutes) * 600_000_000
}

pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Str(x), Value::Str(y)) => x == y,
        (Value::Array(x), Value::Array(y)) => Rc::ptr_eq(x, y),
        (Value::Func(x), Value::Func(y)) => Rc::ptr_eq(x, y) || x.is_same(y),
        (Value::Context(x), Value::Context(y)) => x == y,
        (Value::Object(x), Value::Object(y)) => {
            std::ptr::addr_eq(Rc::as_ptr(x), Rc::as_ptr(y)) || x.is_same(&**y)
        }
        _ => false,
    }
}

pub(super) fn hash(value: &Value) -> u64 {
    let of = |item: &dyn Fn(&mut rustc_hash::FxHasher)| {
        let mut hasher = rustc_hash::FxBuildHasher.build_hasher();
        item(&mut hasher);
        hasher.finish()
    };
    match value {
        Value::Null => 0,
        Value::Str(text) => of(&|h| text.hash(h)),
        Value::Decimal(v) => of(&|h| v.hash(h)),
        // Both zeros are equal, and all that are no numbers.
        Value::F32(v) if *v == 0.0 || v.is_nan() => u64::from(v.is_nan()),
        Value::F64(v) if *v == 0.0 || v.is_nan() => u64::from(v.is_nan()),
        Value::F32(v) => u64::from(v.to_bits()),
        Value::F64(v) => v.to_bits(),
        Value::Guid(bytes) => of(&|h| bytes.hash(h)),
        Value::DateTime(ticks, _) | Value::TimeSpan(ticks) => *ticks as u64,
        Value::DateTimeOffset(ticks, minutes) => instant(*ticks, *minutes) as u64,
        Value::Bool(v) => u64::from(*v),
        Value::U64(v) => *v,
        Value::Array(array) => Rc::as_ptr(array).addr() as u64,
        Value::Func(closure) => Rc::as_ptr(closure).addr() as u64,
        Value::Context(part) => *part as u64,
        Value::Object(object) => {
            object.hash().unwrap_or_else(|| Rc::as_ptr(object).cast::<()>().addr() as u64)
        }
        other => other.as_i64().unwrap_or_default() as u64,
    }
}
