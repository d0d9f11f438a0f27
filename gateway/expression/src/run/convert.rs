//! Numeric conversions (expressions.md §6.2).

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::Fault;
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
        Wide::Real(v) => real(v, to, checked),
        Wide::Decimal(v) => match to {
            Numeric::F32 => Ok(Value::F32(v.to_f32().unwrap_or_default())),
            Numeric::F64 => Ok(Value::F64(v.to_f64().unwrap_or_default())),
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
    let fits = |low: i128, high: i128| if checked && !(low..=high).contains(&v) { Err(Fault::overflow()) } else { Ok(()) };
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
    match to {
        Numeric::F32 => return Ok(Value::F32(v as f32)),
        Numeric::F64 => return Ok(Value::F64(v)),
        Numeric::Decimal => {
            let wide = || Fault::new("System.OverflowException", "Value was either too large or too small for a Decimal.");
            return Decimal::from_f64(v).map(Value::Decimal).ok_or_else(wide);
        }
        _ => {}
    }
    let whole = v.trunc();
    if checked && (!whole.is_finite() || whole.abs() > 1.9e19) {
        return Err(Fault::overflow());
    }
    if checked {
        return integer(whole as i128, to, true);
    }
    // Out of range: what x86-64 answers (expressions.md §6.2).
    Ok(match to {
        Numeric::I64 => Value::I64(if in_range(whole, -9.223_372_036_854_775_8e18, 9.223_372_036_854_775_8e18) { whole as i64 } else { i64::MIN }),
        Numeric::U64 => Value::U64(if whole < 0.0 { (whole as i64) as u64 } else { whole as u64 }),
        Numeric::U32 => Value::U32((whole as i64) as u32),
        Numeric::I32 => Value::I32(narrow(whole)),
        Numeric::Enum(def) => Value::Enum(def, i64::from(narrow(whole))),
        Numeric::I16 => Value::I16(narrow(whole) as i16),
        Numeric::U16 => Value::U16(narrow(whole) as u16),
        Numeric::Char => Value::Char(narrow(whole) as u16),
        Numeric::I8 => Value::I8(narrow(whole) as i8),
        _ => Value::U8(narrow(whole) as u8),
    })
}

fn in_range(v: f64, low: f64, high: f64) -> bool {
    v >= low && v < high
}

fn narrow(whole: f64) -> i32 {
    if in_range(whole, -2_147_483_648.0, 2_147_483_648.0) { whole as i32 } else { i32::MIN }
}
