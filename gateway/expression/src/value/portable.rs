//! Values that threads may share: what caches keep.

mod bytes;

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Kind, Value};
use crate::text::Text;
use crate::types::{DefId, Type};

/// The shared form of a [`Value`]. Objects with identity are copied.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are those of Value")]
pub enum Portable {
    Null,
    Bool(bool),
    Char(u16),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Decimal(Decimal),
    Str(Arc<str>),
    DateTime(i64, Kind),
    DateTimeOffset(i64, i16),
    TimeSpan(i64),
    Guid([u8; 16]),
    Enum(DefId, i64),
    Bytes(Arc<[u8]>),
    Array(Type, Arc<[Portable]>),
    /// A JSON token, as compact text that reads back to the same tree.
    Json(Arc<str>),
    /// An XML node, as text that reads back; whether it is a document.
    Xml(Arc<str>, bool),
    /// A token, in compact form.
    Jwt(Arc<str>),
    /// A stored response.
    Response(Arc<crate::message::ResponseData>),
}

impl Portable {
    /// About how many bytes the value holds, for the bound of a cache.
    pub fn size_bytes(&self) -> usize {
        let inner = match self {
            Self::Str(text) | Self::Json(text) | Self::Xml(text, _) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(_, items) => items.iter().map(Self::size_bytes).sum(),
            Self::Jwt(text) => text.len(),
            Self::Response(data) => {
                let fields: usize = data.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
                fields + data.body.len()
            }
            _ => 0,
        };
        inner + size_of::<Self>()
    }

    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(v) => Self::Bool(*v),
            Value::Char(v) => Self::Char(*v),
            Value::I8(v) => Self::I8(*v),
            Value::U8(v) => Self::U8(*v),
            Value::I16(v) => Self::I16(*v),
            Value::U16(v) => Self::U16(*v),
            Value::I32(v) => Self::I32(*v),
            Value::U32(v) => Self::U32(*v),
            Value::I64(v) => Self::I64(*v),
            Value::U64(v) => Self::U64(*v),
            Value::F32(v) => Self::F32(*v),
            Value::F64(v) => Self::F64(*v),
            Value::Decimal(v) => Self::Decimal(*v),
            Value::Str(text) => Self::Str(text.as_str().into()),
            Value::DateTime(ticks, kind) => Self::DateTime(*ticks, *kind),
            Value::DateTimeOffset(ticks, minutes) => Self::DateTimeOffset(*ticks, *minutes),
            Value::TimeSpan(ticks) => Self::TimeSpan(*ticks),
            Value::Guid(bytes) => Self::Guid(*bytes),
            Value::Enum(def, v) => Self::Enum(*def, *v),
            Value::Array(array) => {
                if let Some(bytes) = array.bytes() {
                    Self::Bytes(bytes.into())
                } else {
                    let items: Option<Vec<_>> = array.values().iter().map(Self::of).collect();
                    Self::Array(array.element().clone(), items?.into())
                }
            }
            Value::Object(object) => return object.portable(),
            Value::Cell(cell) => return Self::of(&cell.borrow()),
            Value::Func(_) | Value::Context(_) => return None,
        })
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(v) => Value::Bool(*v),
            Self::Char(v) => Value::Char(*v),
            Self::I8(v) => Value::I8(*v),
            Self::U8(v) => Value::U8(*v),
            Self::I16(v) => Value::I16(*v),
            Self::U16(v) => Value::U16(*v),
            Self::I32(v) => Value::I32(*v),
            Self::U32(v) => Value::U32(*v),
            Self::I64(v) => Value::I64(*v),
            Self::U64(v) => Value::U64(*v),
            Self::F32(v) => Value::F32(*v),
            Self::F64(v) => Value::F64(*v),
            Self::Decimal(v) => Value::Decimal(*v),
            Self::Str(text) => Value::Str(Text::shared(text)),
            Self::DateTime(ticks, kind) => Value::DateTime(*ticks, *kind),
            Self::DateTimeOffset(ticks, minutes) => Value::DateTimeOffset(*ticks, *minutes),
            Self::TimeSpan(ticks) => Value::TimeSpan(*ticks),
            Self::Guid(bytes) => Value::Guid(*bytes),
            Self::Enum(def, v) => Value::Enum(*def, *v),
            Self::Bytes(bytes) => Value::bytes(bytes.to_vec()),
            Self::Array(element, items) => {
                Value::array(element.clone(), items.iter().map(Self::value).collect())
            }
            Self::Json(text) => crate::types::json_value(text).unwrap_or(Value::Null),
            Self::Xml(text, document) => crate::types::xml_value(text, *document).unwrap_or(Value::Null),
            Self::Jwt(text) => Value::jwt(text).unwrap_or(Value::Null),
            Self::Response(data) => crate::message::response(data),
        }
    }
}
