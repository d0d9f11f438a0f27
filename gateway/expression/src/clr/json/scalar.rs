//! What a `JValue` holds.

use std::rc::Rc;

use num_bigint::BigInt;
use rust_decimal::Decimal;

use super::node::TokenType;
use crate::clr::date_time::DateTime;
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::guid;
use crate::clr::number::{format, parse};
use crate::clr::time_span::TimeSpan;
use crate::clr::uri;

/// The value of a `JValue`. Cloning is cheap.
#[derive(Debug, Clone)]
pub enum Scalar {
    /// JSON null, or a null reference made into a value.
    Null,
    /// `undefined`
    Undefined,
    /// A Boolean.
    Bool(bool),
    /// All integers up to `long`.
    Integer(i64),
    /// `ulong`.
    Unsigned(u64),
    /// An integer beyond 64 bits.
    Big(Rc<BigInt>),
    /// `double`.
    Float(f64),
    /// `float`.
    Single(f32),
    /// `decimal`.
    Decimal(Decimal),
    /// A string.
    String(Rc<str>),
    /// A date, or a string that looked like one.
    Date(DateTime),
    /// A date with an offset; only code makes these.
    DateOffset(DateTimeOffset),
    /// `Guid`, bytes in the order of its text.
    Guid([u8; 16]),
    /// `Uri`, as it was written.
    Uri(Rc<str>),
    /// `TimeSpan`.
    TimeSpan(TimeSpan),
    /// `byte[]`.
    Bytes(Rc<[u8]>),
    /// A comment.
    Comment(Rc<str>),
    /// `JRaw`: text that is written as it stands.
    Raw(Rc<str>),
}

impl Scalar {
    /// `JToken.Type`.
    pub fn token_type(&self) -> TokenType {
        match self {
            Self::Null => TokenType::Null,
            Self::Undefined => TokenType::Undefined,
            Self::Bool(_) => TokenType::Boolean,
            Self::Integer(_) | Self::Unsigned(_) | Self::Big(_) => TokenType::Integer,
            Self::Float(_) | Self::Single(_) | Self::Decimal(_) => TokenType::Float,
            Self::String(_) => TokenType::String,
            Self::Date(_) | Self::DateOffset(_) => TokenType::Date,
            Self::Guid(_) => TokenType::Guid,
            Self::Uri(_) => TokenType::Uri,
            Self::TimeSpan(_) => TokenType::TimeSpan,
            Self::Bytes(_) => TokenType::Bytes,
            Self::Comment(_) => TokenType::Comment,
            Self::Raw(_) => TokenType::Raw,
        }
    }

    /// The name of the CLR type without namespace; `None` for null.
    pub fn clr_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Null | Self::Undefined => return None,
            Self::Bool(_) => "Boolean",
            Self::Integer(_) => "Int64",
            Self::Unsigned(_) => "UInt64",
            Self::Big(_) => "BigInteger",
            Self::Float(_) => "Double",
            Self::Single(_) => "Single",
            Self::Decimal(_) => "Decimal",
            Self::String(_) | Self::Comment(_) | Self::Raw(_) => "String",
            Self::Date(_) => "DateTime",
            Self::DateOffset(_) => "DateTimeOffset",
            Self::Guid(_) => "Guid",
            Self::Uri(_) => "Uri",
            Self::TimeSpan(_) => "TimeSpan",
            Self::Bytes(_) => "Byte[]",
        })
    }

    /// `JValue.ToString()`: the text of the value itself; empty for null.
    pub fn to_text(&self) -> String {
        match self {
            Self::Null | Self::Undefined => String::new(),
            Self::Bool(value) => parse::boolean_text(*value).to_owned(),
            Self::Integer(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Big(value) => value.to_string(),
            Self::Float(value) => format::double_text(*value),
            Self::Single(value) => format::single_text(*value),
            Self::Decimal(value) => format::decimal_text(value),
            Self::String(text) | Self::Comment(text) | Self::Raw(text) => text.to_string(),
            Self::Date(date) => date.to_string(),
            Self::DateOffset(date) => date.to_string(),
            Self::Guid(bytes) => guid::text(bytes),
            Self::Uri(text) => uri::Uri::parse(text).map_or_else(|_| text.to_string(), |uri| uri.to_string()),
            Self::TimeSpan(span) => span.to_string(),
            Self::Bytes(_) => "System.Byte[]".to_owned(),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
