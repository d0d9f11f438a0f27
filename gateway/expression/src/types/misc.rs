//! `Math`, `Guid`, `BitConverter`, `Random`, `Tuple`.

use super::{Allow, Args, Literal, TypeTable, c, m};
use crate::clr::number::{IntegerType, math};
use crate::clr::{bit_converter, guid};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.MidpointRounding { ToEven, AwayFromZero, ToZero, ToNegativeInfinity, ToPositiveInfinity }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "static class System.Math",
        allow: Allow::All,
        members: &[
            c("double PI", Literal::F64(std::f64::consts::PI)),
            c("double E", Literal::F64(std::f64::consts::E)),
            m("static sbyte Abs(sbyte value)", abs),
            m("static short Abs(short value)", abs),
            m("static int Abs(int value)", abs),
            m("static long Abs(long value)", abs),
            m("static float Abs(float value)", |_, a| Ok(Value::F32(a.f64(0)?.abs() as f32))),
            m("static double Abs(double value)", |_, a| Ok(Value::F64(a.f64(0)?.abs()))),
            m("static decimal Abs(decimal value)", |_, a| Ok(Value::Decimal(decimal(a, 0)?.abs()))),
            m("static sbyte Max(sbyte val1, sbyte val2)", max),
            m("static byte Max(byte val1, byte val2)", max),
            m("static short Max(short val1, short val2)", max),
            m("static ushort Max(ushort val1, ushort val2)", max),
            m("static int Max(int val1, int val2)", max),
            m("static uint Max(uint val1, uint val2)", max),
            m("static long Max(long val1, long val2)", max),
            m("static ulong Max(ulong val1, ulong val2)", max),
            m("static float Max(float val1, float val2)", |_, a| {
                Ok(Value::F32(math::max(a.f64(0)?, a.f64(1)?) as f32))
            }),
            m("static double Max(double val1, double val2)", |_, a| {
                Ok(Value::F64(math::max(a.f64(0)?, a.f64(1)?)))
            }),
            m("static decimal Max(decimal val1, decimal val2)", max),
            m("static sbyte Min(sbyte val1, sbyte val2)", min),
            m("static byte Min(byte val1, byte val2)", min),
            m("static short Min(short val1, short val2)", min),
            m("static ushort Min(ushort val1, ushort val2)", min),
            m("static int Min(int val1, int val2)", min),
            m("static uint Min(uint val1, uint val2)", min),
            m("static long Min(long val1, long val2)", min),
            m("static ulong Min(ulong val1, ulong val2)", min),
            m("static float Min(float val1, float val2)", |_, a| {
                Ok(Value::F32(math::min(a.f64(0)?, a.f64(1)?) as f32))
            }),
            m("static double Min(double val1, double val2)", |_, a| {
                Ok(Value::F64(math::min(a.f64(0)?, a.f64(1)?)))
            }),
            m("static decimal Min(decimal val1, decimal val2)", min),
            m("static sbyte Clamp(sbyte value, sbyte min, sbyte max)", clamp),
            m("static byte Clamp(byte value, byte min, byte max)", clamp),
            m("static short Clamp(short value, short min, short max)", clamp),
            m("static ushort Clamp(ushort value, ushort min, ushort max)", clamp),
            m("static uint Clamp(uint value, uint min, uint max)", clamp),
            m("static ulong Clamp(ulong value, ulong min, ulong max)", clamp),
            m("static float Clamp(float value, float min, float max)", clamp),
            m("static int Clamp(int value, int min, int max)", clamp),
            m("static long Clamp(long value, long min, long max)", clamp),
            m("static double Clamp(double value, double min, double max)", clamp),
            m("static decimal Clamp(decimal value, decimal min, decimal max)", clamp),
            m("static double Round(double a)", |_, a| round(a, 0, 0)),
            m("static double Round(double value, int digits)", |_, a| round(a, a.i32(1)?, 0)),
            m("static double Round(double value, MidpointRounding mode)", |_, a| round(a, 0, a.i32(1)?)),
            m("static double Round(double value, int digits, MidpointRounding mode)", |_, a| {
                round(a, a.i32(1)?, a.i32(2)?)
            }),
            m("static decimal Round(decimal d)", |_, a| round_decimal(a, 0, 0)),
            m("static decimal Round(decimal d, int decimals)", |_, a| round_decimal(a, a.i32(1)?, 0)),
            m("static decimal Round(decimal d, MidpointRounding mode)", |_, a| {
                round_decimal(a, 0, a.i32(1)?)
            }),
            m("static decimal Round(decimal d, int decimals, MidpointRounding mode)", |_, a| {
                round_decimal(a, a.i32(1)?, a.i32(2)?)
            }),
            m("static double Floor(double d)", |_, a| Ok(Value::F64(a.f64(0)?.floor()))),
            m("static decimal Floor(decimal d)", |_, a| Ok(Value::Decimal(decimal(a, 0)?.floor()))),
            m("static double Ceiling(double a)", |_, a| Ok(Value::F64(a.f64(0)?.ceil()))),
            m("static decimal Ceiling(decimal d)", |_, a| Ok(Value::Decimal(decimal(a, 0)?.ceil()))),
            m("static double Truncate(double d)", |_, a| Ok(Value::F64(a.f64(0)?.trunc()))),
            m("static decimal Truncate(decimal d)", |_, a| Ok(Value::Decimal(decimal(a, 0)?.trunc()))),
            m("static int Sign(int value)", |_, a| Ok(Value::I32(a.i32(0)?.signum()))),
            m("static int Sign(long value)", |_, a| Ok(Value::I32(a.i64(0)?.signum() as i32))),
            m("static int Sign(double value)", |_, a| Ok(Value::I32(math::sign(a.f64(0)?)?))),
            m("static int Sign(decimal value)", |_, a| {
                Ok(Value::I32(decimal(a, 0)?.cmp(&rust_decimal::Decimal::ZERO) as i32))
            }),
            m("static double Pow(double x, double y)", |_, a| Ok(Value::F64(a.f64(0)?.powf(a.f64(1)?)))),
            m("static double Sqrt(double d)", |_, a| Ok(Value::F64(a.f64(0)?.sqrt()))),
            m("static double Cbrt(double d)", |_, a| Ok(Value::F64(a.f64(0)?.cbrt()))),
            m("static double Exp(double d)", |_, a| Ok(Value::F64(a.f64(0)?.exp()))),
            m("static double Log(double d)", |_, a| Ok(Value::F64(a.f64(0)?.ln()))),
            m("static double Log(double a, double newBase)", |_, a| {
                Ok(Value::F64(math::log(a.f64(0)?, a.f64(1)?)))
            }),
            m("static double Log10(double d)", |_, a| Ok(Value::F64(a.f64(0)?.log10()))),
            m("static double Log2(double x)", |_, a| Ok(Value::F64(a.f64(0)?.log2()))),
            m("static double Sin(double a)", |_, a| Ok(Value::F64(a.f64(0)?.sin()))),
            m("static double Cos(double d)", |_, a| Ok(Value::F64(a.f64(0)?.cos()))),
            m("static double Tan(double a)", |_, a| Ok(Value::F64(a.f64(0)?.tan()))),
            m("static double Asin(double d)", |_, a| Ok(Value::F64(a.f64(0)?.asin()))),
            m("static double Acos(double d)", |_, a| Ok(Value::F64(a.f64(0)?.acos()))),
            m("static double Atan(double d)", |_, a| Ok(Value::F64(a.f64(0)?.atan()))),
            m("static double Atan2(double y, double x)", |_, a| Ok(Value::F64(a.f64(0)?.atan2(a.f64(1)?)))),
            m("static double Sinh(double value)", |_, a| Ok(Value::F64(a.f64(0)?.sinh()))),
            m("static double Cosh(double value)", |_, a| Ok(Value::F64(a.f64(0)?.cosh()))),
            m("static double Tanh(double value)", |_, a| Ok(Value::F64(a.f64(0)?.tanh()))),
            m("static double IEEERemainder(double x, double y)", |_, a| {
                Ok(Value::F64(math::ieee_remainder(a.f64(0)?, a.f64(1)?)))
            }),
            m("static long BigMul(int a, int b)", |_, a| Ok(Value::I64(a.i64(0)? * a.i64(1)?))),
            m("static int DivRem(int a, int b, out int result)", |_, a| {
                let (x, y) = (a.i32(0)?, a.i32(1)?);
                let rest = x.checked_rem(y).ok_or_else(Fault::divide_by_zero)?;
                a.set_out(2, Value::I32(rest));
                Ok(Value::I32(x / y))
            }),
            m("static long DivRem(long a, long b, out long result)", |_, a| {
                let (x, y) = (a.i64(0)?, a.i64(1)?);
                let rest = x.checked_rem(y).ok_or_else(Fault::divide_by_zero)?;
                a.set_out(2, Value::I64(rest));
                Ok(Value::I64(x / y))
            }),
        ],
    },
    TypeTable {
        header: "struct System.Guid : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: &[
            m("static Guid Empty { get; }", |_, _| Ok(Value::Guid([0; 16]))),
            m("new(string g)", |_, a| Ok(Value::Guid(guid::parse(a.str(0)?.as_str())?))),
            m("new(byte[] b)", |_, a| Ok(Value::Guid(guid::from_bytes(&a.bytes(0)?)?))),
            m("new(int a, short b, short c, byte[] d)", |_, a| {
                let rest: [u8; 8] = a
                    .bytes(3)?
                    .try_into()
                    .map_err(|_| Fault::argument("Byte array for GUID must be exactly 8 bytes long.", "d"))?;
                guid_of(a, rest)
            }),
            m(
                "new(int a, short b, short c, byte d, byte e, byte f, byte g, byte h, byte i, byte j, byte k)",
                |_, a| {
                    let mut rest = [0; 8];
                    for (index, byte) in rest.iter_mut().enumerate() {
                        *byte = a.i64(3 + index)? as u8;
                    }
                    guid_of(a, rest)
                },
            ),
            m("static bool TryParseExact(string input, string format, out Guid result)", |_, a| {
                let part = |index: usize| a.opt_str(index).map_or("", |text| text.as_str());
                let parsed = guid::parse_exact(part(0), part(1)).map(Value::Guid);
                Ok(super::core::try_result(a, 2, parsed.map_err(Fault::from)))
            }),
            m("static Guid NewGuid()", |_, _| Ok(Value::Guid(super::random_guid()))),
            m("static Guid Parse(string input)", |_, a| Ok(Value::Guid(guid::parse(a.str(0)?.as_str())?))),
            m("static Guid ParseExact(string input, string format)", |_, a| {
                Ok(Value::Guid(guid::parse_exact(a.str(0)?.as_str(), a.str(1)?.as_str())?))
            }),
            m("static bool TryParse(string input, out Guid result)", |_, a| {
                let parsed = guid::parse(a.opt_str(0).map_or("", |t| t.as_str())).map(Value::Guid);
                Ok(super::core::try_result(a, 1, parsed.map_err(Fault::from)))
            }),
            m("byte[] ToByteArray()", |_, a| match a.this() {
                Value::Guid(bytes) => Ok(Value::bytes(guid::to_bytes(bytes).to_vec())),
                _ => Err(Fault::null_reference()),
            }),
            m("string ToString(string format)", super::format::to_string),
            m("int GetHashCode()", |_, a| match a.this() {
                Value::Guid(bytes) => Ok(Value::I32(guid::hash_code(bytes))),
                _ => Err(Fault::null_reference()),
            }),
            m("bool Equals(Guid g)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
            m("string ToString(string format, System.IFormatProvider provider)", super::format::to_string),
            m(
                "new(uint a, ushort b, ushort c, byte d, byte e, byte f, byte g, byte h, byte i, byte j, byte k)",
                |_, a| {
                    let mut rest = [0; 8];
                    for (index, byte) in rest.iter_mut().enumerate() {
                        *byte = a.i64(3 + index)? as u8;
                    }
                    guid_of(a, rest)
                },
            ),
            m("int CompareTo(object value)", super::number::compare_to),
            m("int CompareTo(Guid value)", super::number::compare_to),
            m("static bool operator ==(Guid a, Guid b)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
            m("static bool operator !=(Guid a, Guid b)", |_, a| Ok(Value::Bool(!a.at(0).equals(a.at(1))))),
        ],
    },
    TypeTable {
        header: "static class System.BitConverter",
        allow: Allow::All,
        members: &[
            m("static bool IsLittleEndian { get; }", |_, _| Ok(Value::Bool(true))),
            m("static string ToString(byte[] value)", |vm, a| vm.text(bit_converter::text(&a.bytes(0)?))),
            m("static string ToString(byte[] value, int startIndex)", |vm, a| {
                vm.text(bit_converter::text_part(&a.bytes(0)?, a.i32(1)?, None)?)
            }),
            m("static string ToString(byte[] value, int startIndex, int length)", |vm, a| {
                vm.text(bit_converter::text_part(&a.bytes(0)?, a.i32(1)?, Some(a.i32(2)?))?)
            }),
            m("static byte[] GetBytes(bool value)", |_, a| Ok(Value::bytes(vec![u8::from(a.bool(0)?)]))),
            m("static byte[] GetBytes(char value)", |_, a| {
                Ok(Value::bytes(a.char(0)?.to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(short value)", |_, a| {
                Ok(Value::bytes((a.i64(0)? as i16).to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(ushort value)", |_, a| {
                Ok(Value::bytes((a.i64(0)? as u16).to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(int value)", |_, a| Ok(Value::bytes(a.i32(0)?.to_le_bytes().to_vec()))),
            m("static byte[] GetBytes(uint value)", |_, a| {
                Ok(Value::bytes((a.i64(0)? as u32).to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(long value)", |_, a| {
                Ok(Value::bytes(a.i64(0)?.to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(ulong value)", |_, a| match a.at(0) {
                Value::U64(v) => Ok(Value::bytes(v.to_le_bytes().to_vec())),
                _ => Err(a.null(0)),
            }),
            m("static byte[] GetBytes(float value)", |_, a| {
                Ok(Value::bytes((a.f64(0)? as f32).to_le_bytes().to_vec()))
            }),
            m("static byte[] GetBytes(double value)", |_, a| {
                Ok(Value::bytes(a.f64(0)?.to_le_bytes().to_vec()))
            }),
            m("static bool ToBoolean(byte[] value, int startIndex)", |_, a| {
                Ok(Value::Bool(take::<1>(a)? != [0]))
            }),
            m("static char ToChar(byte[] value, int startIndex)", |_, a| {
                Ok(Value::Char(u16::from_le_bytes(take(a)?)))
            }),
            m("static short ToInt16(byte[] value, int startIndex)", |_, a| {
                Ok(Value::I16(i16::from_le_bytes(take(a)?)))
            }),
            m("static ushort ToUInt16(byte[] value, int startIndex)", |_, a| {
                Ok(Value::U16(u16::from_le_bytes(take(a)?)))
            }),
            m("static int ToInt32(byte[] value, int startIndex)", |_, a| {
                Ok(Value::I32(i32::from_le_bytes(take(a)?)))
            }),
            m("static uint ToUInt32(byte[] value, int startIndex)", |_, a| {
                Ok(Value::U32(u32::from_le_bytes(take(a)?)))
            }),
            m("static long ToInt64(byte[] value, int startIndex)", |_, a| {
                Ok(Value::I64(i64::from_le_bytes(take(a)?)))
            }),
            m("static ulong ToUInt64(byte[] value, int startIndex)", |_, a| {
                Ok(Value::U64(u64::from_le_bytes(take(a)?)))
            }),
            m("static float ToSingle(byte[] value, int startIndex)", |_, a| {
                Ok(Value::F32(f32::from_le_bytes(take(a)?)))
            }),
            m("static double ToDouble(byte[] value, int startIndex)", |_, a| {
                Ok(Value::F64(f64::from_le_bytes(take(a)?)))
            }),
            m("static int SingleToInt32Bits(float value)", |_, a| {
                Ok(Value::I32((a.f64(0)? as f32).to_bits() as i32))
            }),
            m("static float Int32BitsToSingle(int value)", |_, a| {
                Ok(Value::F32(f32::from_bits(a.i32(0)? as u32)))
            }),
            m("static long DoubleToInt64Bits(double value)", |_, a| {
                Ok(Value::I64(a.f64(0)?.to_bits() as i64))
            }),
            m("static double Int64BitsToDouble(long value)", |_, a| {
                Ok(Value::F64(f64::from_bits(a.i64(0)? as u64)))
            }),
        ],
    },
];

fn take<const N: usize>(a: &Args<'_>) -> Result<[u8; N], Fault> {
    Ok(bit_converter::take(&a.bytes(0)?, a.i32(1)?)?)
}

pub(super) fn decimal(a: &Args<'_>, index: usize) -> Result<rust_decimal::Decimal, Fault> {
    match a.at(index) {
        Value::Decimal(value) => Ok(*value),
        _ => Err(a.null(index)),
    }
}

fn abs(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let wide = |ty: IntegerType| math::abs(ty, i128::from(a.i64(0).unwrap_or_default()));
    Ok(match a.at(0) {
        Value::I8(_) => Value::I8(wide(IntegerType::SByte)? as i8),
        Value::I16(_) => Value::I16(wide(IntegerType::Int16)? as i16),
        Value::I32(_) => Value::I32(wide(IntegerType::Int32)? as i32),
        _ => Value::I64(wide(IntegerType::Int64)? as i64),
    })
}

fn max(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let first = super::array::compare_values(a.at(0), a.at(1))?.is_ge();
    Ok(a.at(usize::from(!first)).clone())
}

fn min(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let first = super::array::compare_values(a.at(0), a.at(1))?.is_le();
    Ok(a.at(usize::from(!first)).clone())
}

fn clamp(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    use super::array::compare_values;
    math::clamp_bounds(compare_values(a.at(1), a.at(2))?.is_le(), &a.at(1).to_text(), &a.at(2).to_text())?;
    if compare_values(a.at(0), a.at(1))?.is_lt() {
        return Ok(a.at(1).clone());
    }
    Ok(if compare_values(a.at(0), a.at(2))?.is_gt() { a.at(2).clone() } else { a.at(0).clone() })
}

fn round(a: &Args<'_>, digits: i32, mode: i32) -> Result<Value, Fault> {
    Ok(Value::F64(math::round(a.f64(0)?, digits, math::Rounding::from_number(mode)?)?))
}

pub(super) fn round_decimal(a: &Args<'_>, digits: i32, mode: i32) -> Result<Value, Fault> {
    Ok(Value::Decimal(math::round_decimal(&decimal(a, 0)?, digits, math::Rounding::from_number(mode)?)?))
}

/// A GUID of its three numbers and last eight bytes.
fn guid_of(a: &Args<'_>, rest: [u8; 8]) -> Result<Value, Fault> {
    let mut bytes = Vec::with_capacity(16);
    bytes.extend((a.i32(0)?).to_le_bytes());
    bytes.extend((a.i32(1)? as i16).to_le_bytes());
    bytes.extend((a.i32(2)? as i16).to_le_bytes());
    bytes.extend(rest);
    Ok(Value::Guid(guid::from_bytes(&bytes)?))
}
