//! The static arithmetic of `System.Decimal`.

use rust_decimal::Decimal;

use super::misc::{decimal, round_decimal};
use super::{Allow, Args, TypeTable, m};
use crate::clr::number::{IntegerType, convert, decimal as numbers};
use crate::run::Fault;
use crate::value::Value;

/// Units of the fixed-point currency of OLE.
const CURRENCY_UNITS: i64 = 10_000;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class System.Decimal",
    allow: Allow::All,
    members: &[
        m("new(int value)", |_, a| Ok(Value::Decimal(a.i64(0)?.into()))),
        m("new(uint value)", |_, a| Ok(Value::Decimal(a.i64(0)?.into()))),
        m("new(long value)", |_, a| Ok(Value::Decimal(a.i64(0)?.into()))),
        m("new(ulong value)", |_, a| match a.at(0) {
            Value::U64(value) => Ok(Value::Decimal((*value).into())),
            _ => Err(a.null(0)),
        }),
        m("new(float value)", |_, a| Ok(Value::Decimal(numbers::from_single(a.f64(0)? as f32)?))),
        m("new(double value)", |_, a| Ok(Value::Decimal(numbers::from_double(a.f64(0)?)?))),
        m("new(int lo, int mid, int hi, bool isNegative, byte scale)", |_, a| {
            let scale = a.i64(4)? as u32;
            if scale > 28 {
                let problem = "Decimal's scale value must be between 0 and 28, inclusive.";
                return Err(Fault::out_of_range(problem, "scale"));
            }
            let part = |index: usize| a.i32(index).map(|bits| bits as u32);
            Ok(Value::Decimal(Decimal::from_parts(part(0)?, part(1)?, part(2)?, a.bool(3)?, scale)))
        }),
        m("static decimal Add(decimal d1, decimal d2)", |_, a| of_two(a, numbers::add)),
        m("static decimal Subtract(decimal d1, decimal d2)", |_, a| of_two(a, numbers::subtract)),
        m("static decimal Multiply(decimal d1, decimal d2)", |_, a| of_two(a, numbers::multiply)),
        m("static decimal Divide(decimal d1, decimal d2)", |_, a| of_two(a, numbers::divide)),
        m("static decimal Remainder(decimal d1, decimal d2)", |_, a| of_two(a, numbers::remainder)),
        m("static decimal Negate(decimal d)", |_, a| Ok(Value::Decimal(-decimal(a, 0)?))),
        m("static int Compare(decimal d1, decimal d2)", |_, a| {
            Ok(Value::I32(decimal(a, 0)?.cmp(&decimal(a, 1)?) as i32))
        }),
        m("static bool Equals(decimal d1, decimal d2)", |_, a| {
            Ok(Value::Bool(decimal(a, 0)? == decimal(a, 1)?))
        }),
        m("static decimal Round(decimal d)", |_, a| round_decimal(a, 0, 0)),
        m("static decimal Round(decimal d, int decimals)", |_, a| round_decimal(a, a.i32(1)?, 0)),
        m("static decimal Round(decimal d, MidpointRounding mode)", |_, a| round_decimal(a, 0, a.i32(1)?)),
        m("static decimal Round(decimal d, int decimals, MidpointRounding mode)", |_, a| {
            round_decimal(a, a.i32(1)?, a.i32(2)?)
        }),
        m("static sbyte ToSByte(decimal value)", |_, a| integer(a, IntegerType::SByte)),
        m("static byte ToByte(decimal value)", |_, a| integer(a, IntegerType::Byte)),
        m("static short ToInt16(decimal value)", |_, a| integer(a, IntegerType::Int16)),
        m("static ushort ToUInt16(decimal value)", |_, a| integer(a, IntegerType::UInt16)),
        m("static int ToInt32(decimal d)", |_, a| integer(a, IntegerType::Int32)),
        m("static uint ToUInt32(decimal d)", |_, a| integer(a, IntegerType::UInt32)),
        m("static long ToInt64(decimal d)", |_, a| integer(a, IntegerType::Int64)),
        m("static ulong ToUInt64(decimal d)", |_, a| integer(a, IntegerType::UInt64)),
        m("static float ToSingle(decimal d)", |_, a| Ok(Value::F32(numbers::to_single(&decimal(a, 0)?)))),
        m("static double ToDouble(decimal d)", |_, a| Ok(Value::F64(numbers::to_double(&decimal(a, 0)?)))),
        m("new(int[] bits)", |vm, a| {
            if a.at(0).is_null() {
                return Err(a.null(0));
            }
            let bits: Vec<i64> = vm.collect(a.at(0))?.iter().filter_map(Value::as_i64).collect();
            let [low, middle, high, flags] = bits.as_slice() else {
                return Err(bad_bits());
            };
            let (flags, scale) = (*flags as u32, (*flags as u32 >> 16) & 0xff);
            if flags & 0x7f00_ffff != 0 || scale > 28 {
                return Err(bad_bits());
            }
            let negative = flags >> 31 == 1;
            let made = Decimal::from_parts(*low as u32, *middle as u32, *high as u32, negative, scale);
            Ok(Value::Decimal(made))
        }),
        m("static int[] GetBits(decimal d)", |_, a| {
            let parts = decimal(a, 0)?.unpack();
            let flags = (parts.scale << 16) | (u32::from(parts.negative) << 31);
            let bits = [parts.lo, parts.mid, parts.hi, flags].map(|bits| Value::I32(bits as i32));
            Ok(Value::array(super::Type::INT, bits.into()))
        }),
        m("static decimal FromOACurrency(long cy)", |_, a| {
            Ok(Value::Decimal(numbers::divide(&a.i64(0)?.into(), &CURRENCY_UNITS.into())?.normalize()))
        }),
        m("static long ToOACurrency(decimal value)", |_, a| {
            let units = numbers::multiply(&decimal(a, 0)?, &CURRENCY_UNITS.into())?.round();
            i64::try_from(units).map(Value::I64).map_err(|_| {
                Fault::new(
                    "System.OverflowException",
                    "Value was either too large or too small for a Currency.",
                )
            })
        }),
    ],
}];

fn bad_bits() -> Fault {
    let problem =
        "Decimal byte array constructor requires an array of length four containing valid decimal bytes.";
    Fault::argument(problem, "")
}

fn of_two(
    a: &Args<'_>,
    operation: fn(&Decimal, &Decimal) -> crate::clr::Result<Decimal>,
) -> Result<Value, Fault> {
    Ok(Value::Decimal(operation(&decimal(a, 0)?, &decimal(a, 1)?)?))
}

/// The integer part, if it fits.
fn integer(a: &Args<'_>, ty: IntegerType) -> Result<Value, Fault> {
    let whole = decimal(a, 0)?.trunc();
    Ok(super::convert::integer_value(ty, convert::cast_decimal(ty, &whole)?))
}
