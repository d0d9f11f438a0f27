//! Explicit conversions of tokens, and `Convert.ChangeType` of their values (`Value<T>()`).

use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use rust_decimal::Decimal;

use super::node::{JToken, TokenType};
use super::scalar::Scalar;
use crate::clr::date_time::DateTime;
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::exception::{Error, Result};
use crate::clr::number::{IntegerType, convert, decimal, parse};
use crate::clr::time_span::TimeSpan;
use crate::clr::uri::Uri;
use crate::clr::{encoding, guid};

/// The CLR type to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are .NET's")]
pub enum CastTarget {
    Boolean,
    Char,
    Integer(IntegerType),
    Single,
    Double,
    Decimal,
    String,
    DateTime,
    DateTimeOffset,
    TimeSpan,
    Guid,
    Uri,
    Bytes,
}

impl CastTarget {
    /// The name in conversion errors.
    fn name(self) -> String {
        match self {
            Self::Integer(ty) => format!("{ty:?}"),
            Self::Bytes => "byte array".to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn is_reference(self) -> bool {
        matches!(self, Self::String | Self::Uri | Self::Bytes)
    }

    /// Whether the explicit operator takes tokens of a type.
    fn takes(self, ty: TokenType, nullable: bool) -> bool {
        use TokenType as T;
        let text = matches!(ty, T::String | T::Comment | T::Raw);
        let number = matches!(ty, T::Integer | T::Float);
        let fits = match self {
            Self::Boolean | Self::Integer(_) | Self::Single | Self::Double | Self::Decimal => {
                text || number || ty == T::Boolean
            }
            Self::Char => text || number,
            Self::String => {
                text || number
                    || matches!(ty, T::Date | T::Boolean | T::Bytes | T::Guid | T::TimeSpan | T::Uri)
            }
            Self::DateTime | Self::DateTimeOffset => text || ty == T::Date,
            Self::TimeSpan => text || ty == T::TimeSpan,
            Self::Guid => text || matches!(ty, T::Guid | T::Bytes),
            Self::Uri => text || ty == T::Uri,
            Self::Bytes => text || matches!(ty, T::Bytes | T::Integer),
        };
        fits || (ty == T::Null && (nullable || matches!(self, Self::String | Self::Uri)))
    }
}

/// `(T)token`. Integers and characters come as [`Scalar::Integer`] (`ulong` as [`Scalar::Unsigned`]); null as
/// [`Scalar::Null`]. `nullable` = the target is `T?`. `today` completes dates as in [`DateTime::parse`].
///
/// # Errors
/// `ArgumentException` when the token has no such conversion, `ArgumentNullException` for a missing token and a
/// value type, and what the conversion itself throws.
pub fn cast(token: Option<&JToken>, target: CastTarget, nullable: bool, today: DateTime) -> Result<Scalar> {
    let Some(token) = token else {
        let null_fits = nullable || target.is_reference();
        return if null_fits { Ok(Scalar::Null) } else { Err(Error::argument_null("value")) };
    };
    let value = token.property_value().unwrap_or_else(|| token.clone());
    let ty = value.token_type();
    let refusal = || Error::argument(format!("Can not convert {ty:?} to {}.", target.name()));
    let Some(scalar) = value.scalar().filter(|_| target.takes(ty, nullable)) else { return Err(refusal()) };
    match (target, &scalar) {
        (_, Scalar::Null) => Ok(Scalar::Null),
        (CastTarget::String, Scalar::Bytes(bytes)) => Ok(Scalar::from(encoding::to_base64(bytes).as_str())),
        (CastTarget::String, Scalar::String(_)) => Ok(scalar),
        (CastTarget::String, other) => Ok(Scalar::from(other.to_text().as_str())),
        (CastTarget::Bytes, Scalar::Bytes(_))
        | (CastTarget::Guid, Scalar::Guid(_))
        | (CastTarget::TimeSpan, Scalar::TimeSpan(_))
        | (CastTarget::Uri, Scalar::Uri(_))
        | (CastTarget::DateTimeOffset, Scalar::DateOffset(_)) => Ok(scalar),
        (CastTarget::Bytes, Scalar::Big(big)) => Ok(Scalar::Bytes(big.to_signed_bytes_le().into())),
        (CastTarget::Bytes, Scalar::Integer(_) | Scalar::Unsigned(_)) => Err(refusal()),
        (CastTarget::Guid, Scalar::Bytes(bytes)) => guid::from_bytes(bytes).map(Scalar::Guid),
        (CastTarget::DateTime, Scalar::DateOffset(date)) => Ok(Scalar::Date(date.date_time())),
        (CastTarget::DateTimeOffset, Scalar::Date(date)) => {
            Ok(Scalar::DateOffset(DateTimeOffset::from_date_time(*date)))
        }
        (_, Scalar::String(text) | Scalar::Comment(text) | Scalar::Raw(text)) => {
            from_text(text, target, today)
        }
        (_, Scalar::Big(big)) => from_big(big, target),
        (_, other) => change_type(other, target, today),
    }
}

/// What a string converts to.
fn from_text(text: &str, target: CastTarget, today: DateTime) -> Result<Scalar> {
    Ok(match target {
        CastTarget::Boolean => Scalar::Bool(parse::boolean(text)?),
        CastTarget::Char => Scalar::Integer(i64::from(convert::char_from_text(text)?)),
        CastTarget::Integer(ty) => integer(ty, parse::integer(ty, text)?),
        CastTarget::Single => Scalar::Single(parse::single(text)?),
        CastTarget::Double => Scalar::Float(parse::double(text)?),
        CastTarget::Decimal => Scalar::Decimal(parse::decimal(text)?),
        CastTarget::String => Scalar::from(text),
        CastTarget::DateTime => Scalar::Date(DateTime::parse(text, today)?),
        CastTarget::DateTimeOffset => Scalar::DateOffset(DateTimeOffset::parse(text, today)?),
        CastTarget::TimeSpan => Scalar::TimeSpan(TimeSpan::parse(text)?),
        CastTarget::Guid => Scalar::Guid(guid::parse(text)?),
        CastTarget::Uri => {
            Uri::parse(text)?;
            Scalar::Uri(text.into())
        }
        CastTarget::Bytes => Scalar::Bytes(encoding::from_base64(text)?.into()),
    })
}

fn integer(ty: IntegerType, value: i128) -> Scalar {
    match (ty, i64::try_from(value)) {
        (IntegerType::UInt64, _) | (_, Err(_)) => Scalar::Unsigned(value as u64),
        (_, Ok(value)) => Scalar::Integer(value),
    }
}

fn from_big(big: &Rc<BigInt>, target: CastTarget) -> Result<Scalar> {
    Ok(match target {
        CastTarget::Boolean => Scalar::Bool(big.to_i32().ok_or_else(|| IntegerType::Int32.overflow())? != 0),
        CastTarget::Integer(ty) => {
            let value = big.to_i128().unwrap_or(i128::MAX);
            // Newtonsoft goes to the narrow kinds by way of `int`.
            let way = if ty.bits() < 32 { IntegerType::Int32 } else { ty };
            integer(ty, ty.check(way.check(value)?)?)
        }
        CastTarget::Single => Scalar::Single(big.to_f32().unwrap_or(f32::NAN)),
        CastTarget::Double => Scalar::Float(big.to_f64().unwrap_or(f64::NAN)),
        CastTarget::Decimal => Scalar::Decimal(parse::decimal(&big.to_string())?),
        CastTarget::Char => return Err(IntegerType::Int32.overflow()),
        _ => return Err(not_convertible()),
    })
}

fn not_convertible() -> Error {
    Error::invalid_cast("Object must implement IConvertible.")
}

/// A number or a truth value on its way to another one.
enum Number {
    Integer(i128),
    Double(f64),
    Decimal(Decimal),
}

/// `System.Convert.ChangeType(value, type)`.
///
/// # Errors
/// `InvalidCastException`, `FormatException`, `OverflowException`.
pub fn change_type(value: &Scalar, target: CastTarget, today: DateTime) -> Result<Scalar> {
    let number = match value {
        Scalar::Null | Scalar::Undefined if target.is_reference() => return Ok(Scalar::Null),
        Scalar::Null | Scalar::Undefined => {
            return Err(Error::invalid_cast("Null object cannot be converted to a value type."));
        }
        Scalar::String(text) | Scalar::Comment(text) | Scalar::Raw(text) => {
            let convertible = !matches!(
                target,
                CastTarget::Guid
                    | CastTarget::Uri
                    | CastTarget::TimeSpan
                    | CastTarget::Bytes
                    | CastTarget::DateTimeOffset
            );
            return if convertible {
                from_text(text, target, today)
            } else {
                Err(invalid_cast(value, target, true))
            };
        }
        Scalar::Date(_) if target == CastTarget::DateTime => return Ok(value.clone()),
        Scalar::Date(_) if target == CastTarget::String => return Ok(Scalar::from(value.to_text().as_str())),
        Scalar::Date(_) => return Err(invalid_cast(value, target, false)),
        Scalar::Guid(_)
        | Scalar::Uri(_)
        | Scalar::TimeSpan(_)
        | Scalar::Bytes(_)
        | Scalar::DateOffset(_)
        | Scalar::Big(_) => return same_or_refused(value, target),
        Scalar::Bool(flag) => Number::Integer(i128::from(*flag)),
        Scalar::Integer(value) => Number::Integer(i128::from(*value)),
        Scalar::Unsigned(value) => Number::Integer(i128::from(*value)),
        Scalar::Float(value) => Number::Double(*value),
        Scalar::Single(value) => Number::Double(f64::from(*value)),
        Scalar::Decimal(value) => Number::Decimal(*value),
    };
    from_number(value, &number, target)
}

fn same_or_refused(value: &Scalar, target: CastTarget) -> Result<Scalar> {
    let same = matches!(
        (value, target),
        (Scalar::Guid(_), CastTarget::Guid)
            | (Scalar::Uri(_), CastTarget::Uri)
            | (Scalar::TimeSpan(_), CastTarget::TimeSpan)
            | (Scalar::Bytes(_), CastTarget::Bytes)
            | (Scalar::DateOffset(_), CastTarget::DateTimeOffset)
    );
    if same { Ok(value.clone()) } else { Err(not_convertible()) }
}

/// `full` = the text names types with their namespace, as it does for targets that are not convertible.
fn invalid_cast(value: &Scalar, target: CastTarget, full: bool) -> Error {
    let from = value.clr_name().unwrap_or("Object");
    let to = if target == CastTarget::Bytes { "Byte[]".to_owned() } else { target.name() };
    let system = if full { "System." } else { "" };
    Error::invalid_cast(format!("Invalid cast from '{system}{from}' to '{system}{to}'."))
}

fn from_number(value: &Scalar, number: &Number, target: CastTarget) -> Result<Scalar> {
    let fraction = !matches!(number, Number::Integer(_));
    Ok(match (target, number) {
        (CastTarget::String, _) => Scalar::from(value.to_text().as_str()),
        (CastTarget::Boolean, Number::Integer(value)) => Scalar::Bool(*value != 0),
        (CastTarget::Boolean, Number::Double(value)) => Scalar::Bool(*value != 0.0),
        (CastTarget::Boolean, Number::Decimal(value)) => Scalar::Bool(!value.is_zero()),
        (CastTarget::Integer(ty), Number::Integer(value)) => integer(ty, ty.check(*value)?),
        (CastTarget::Integer(ty), Number::Double(value)) => {
            integer(ty, convert::integer_from_double(ty, *value)?)
        }
        (CastTarget::Integer(ty), Number::Decimal(value)) => {
            integer(ty, convert::integer_from_decimal(ty, value)?)
        }
        (CastTarget::Double, Number::Integer(value)) => Scalar::Float(*value as f64),
        (CastTarget::Double, Number::Double(value)) => Scalar::Float(*value),
        (CastTarget::Double, Number::Decimal(value)) => Scalar::Float(decimal::to_double(value)),
        (CastTarget::Single, Number::Integer(value)) => Scalar::Single(*value as f32),
        (CastTarget::Single, Number::Double(value)) => Scalar::Single(*value as f32),
        (CastTarget::Single, Number::Decimal(value)) => Scalar::Single(decimal::to_single(value)),
        (CastTarget::Decimal, Number::Integer(value)) => {
            Scalar::Decimal(Decimal::from_i128_with_scale(*value, 0))
        }
        (CastTarget::Decimal, Number::Double(double)) => Scalar::Decimal(match value {
            Scalar::Single(single) => decimal::from_single(*single)?,
            _ => decimal::from_double(*double)?,
        }),
        (CastTarget::Decimal, Number::Decimal(value)) => Scalar::Decimal(*value),
        (CastTarget::Char, Number::Integer(unit)) if !fraction && !matches!(value, Scalar::Bool(_)) => {
            Scalar::Integer(i64::from(convert::char_from_integer(*unit)?))
        }
        (CastTarget::Char | CastTarget::DateTime, _) => return Err(invalid_cast(value, target, false)),
        _ => return Err(invalid_cast(value, target, true)),
    })
}
