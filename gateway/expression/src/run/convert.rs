//! Numeric conversions (expressions.md §6.2).

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::Fault;
use crate::clr::number::{IntegerType, convert, decimal};
use crate::code::Numeric;
use crate::value::Value;

/// A number on its way from one kind to another.
enum Wide {
    Integer(i128),
    Real(f64),
    Decimal(Decimal),
}

pub(crate) fn numeric(from: Numeric, to: Numeric, checked: bool, value: &Value) -> Result<Value, Fault> {
    let wide = match value {
        Value::U64(v) => Wide::Integer(i128::from(*v)),
        Value::F32(v) => Wide::Real(f64::from(*v)),
        Value::F64(v) => Wide::Real(*v),
        Value::Decimal(v) => Wide::Decimal(*v),
        Value::Null => return Err(Fault::null_reference()),
        other => Wide::Integer(i128::from(other.as_i64().unwrap_or_default())),
    };
    // From decimal every integer conversion is checked.
    let checked = checked || from == Numeric::Decimal;
    match wide {
        Wide::Integer(v) => integer(v, to, checked),
        Wide::Real(v) if from == Numeric::F32 && to == Numeric::Decimal => {
            Ok(Value::Decimal(decimal::from_single(v as f32)?))
        }
        Wide::Real(v) => real(v, to, checked),
        Wide::Decimal(v) => match to {
            Numeric::F32 => Ok(Value::F32(decimal::to_single(&v))),
            Numeric::F64 => Ok(Value::F64(decimal::to_double(&v))),
            Numeric::Decimal => Ok(Value::Decimal(v)),
            _ => integer(v.trunc().to_i128().unwrap_or_default(), to, true).map_err(|_| too_wide(to)),
        },
    }
}

fn too_wide(to: Numeric) -> Fault {
    let name = match to {
        Numeric::I8 => "a signed byte",
        Numeric::U8 => "an unsigned byte",
        Numeric::I16 => "an Int16",
        Numeric::U16 => "a UInt16",
        Numeric::Char => "a character",
        Numeric::I32 | Numeric::Enum(_) => "an Int32",
        Numeric::U32 => "a UInt32",
        Numeric::I64 => "an Int64",
        _ => "a UInt64",
    };
    Fault::new("System.OverflowException", format!("Value was either too large or too small for {name}."))
}

fn integer(v: i128, to: Numeric, checked: bool) -> Result<Value, Fault> {
    let fits = |low: i128, high: i128| {
        if checked && !(low..=high).contains(&v) { Err(Fault::overflow()) } else { Ok(()) }
    };
    Ok(match to {
        Numeric::I8 => {
            fits(i8::MIN.into(), i8::MAX.into())?;
            Value::I8(v as i8)
        }
        Numeric::U8 => {
            fits(0, u8::MAX.into())?;
            Value::U8(v as u8)
        }
        Numeric::I16 => {
            fits(i16::MIN.into(), i16::MAX.into())?;
            Value::I16(v as i16)
        }
        Numeric::U16 => {
            fits(0, u16::MAX.into())?;
            Value::U16(v as u16)
        }
        Numeric::Char => {
            fits(0, u16::MAX.into())?;
            Value::Char(v as u16)
        }
        Numeric::I32 => {
            fits(i32::MIN.into(), i32::MAX.into())?;
            Value::I32(v as i32)
        }
        Numeric::U32 => {
            fits(0, u32::MAX.into())?;
            Value::U32(v as u32)
        }
        Numeric::I64 => {
            fits(i64::MIN.into(), i64::MAX.into())?;
            Value::I64(v as i64)
        }
        Numeric::U64 => {
            fits(0, u64::MAX.into())?;
            Value::U64(v as u64)
        }
        Numeric::F32 => Value::F32(v as f32),
        Numeric::F64 => Value::F64(v as f64),
        Numeric::Decimal => Value::Decimal(Decimal::from_i128(v).ok_or_else(Fault::overflow)?),
        Numeric::Enum(def) => {
            fits(i32::MIN.into(), i32::MAX.into())?;
            Value::Enum(def, i64::from(v as i32))
        }
    })
}

fn real(v: f64, to: Numeric, checked: bool) -> Result<Value, Fault> {
    let ty = match to {
        Numeric::F32 => return Ok(Value::F32(v as f32)),
        Numeric::F64 => return Ok(Value::F64(v)),
        Numeric::Decimal => return Ok(Value::Decimal(decimal::from_double(v)?)),
        Numeric::I8 => IntegerType::SByte,
        Numeric::U8 => IntegerType::Byte,
        Numeric::I16 => IntegerType::Int16,
        Numeric::U16 | Numeric::Char => IntegerType::UInt16,
        Numeric::I32 | Numeric::Enum(_) => IntegerType::Int32,
        Numeric::U32 => IntegerType::UInt32,
        Numeric::I64 => IntegerType::Int64,
        Numeric::U64 => IntegerType::UInt64,
    };
    let number = if checked { convert::cast_double_checked(ty, v)? } else { convert::cast_double(ty, v) };
    integer(number, to, false)
}
