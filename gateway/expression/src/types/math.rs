//! The members of `Math` that policies name seldom.

use super::{Allow, Args, TypeTable, m};
use crate::run::Fault;
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class System.Math",
    allow: Allow::All,
    members: &[
        m("static double Asinh(double d)", |_, a| real(a, f64::asinh)),
        m("static double Acosh(double d)", |_, a| real(a, f64::acosh)),
        m("static double Atanh(double d)", |_, a| real(a, f64::atanh)),
        m("static double BitIncrement(double x)", |_, a| real(a, f64::next_up)),
        m("static double BitDecrement(double x)", |_, a| real(a, f64::next_down)),
        m("static double CopySign(double x, double y)", |_, a| Ok(Value::F64(a.f64(0)?.copysign(a.f64(1)?)))),
        m("static double FusedMultiplyAdd(double x, double y, double z)", |_, a| {
            Ok(Value::F64(a.f64(0)?.mul_add(a.f64(1)?, a.f64(2)?)))
        }),
        m("static double ScaleB(double x, int n)", |_, a| Ok(Value::F64(scaled(a.f64(0)?, a.i32(1)?)))),
        m("static int ILogB(double x)", |_, a| Ok(Value::I32(exponent(a.f64(0)?)))),
        m("static double MaxMagnitude(double x, double y)", |_, a| {
            let (x, y) = (a.f64(0)?, a.f64(1)?);
            let first = x.abs() > y.abs() || x.is_nan() || (x.abs() == y.abs() && x.is_sign_positive());
            Ok(Value::F64(if first { x } else { y }))
        }),
        m("static double MinMagnitude(double x, double y)", |_, a| {
            let (x, y) = (a.f64(0)?, a.f64(1)?);
            let first = x.abs() < y.abs() || x.is_nan() || (x.abs() == y.abs() && x.is_sign_negative());
            Ok(Value::F64(if first { x } else { y }))
        }),
        m("static int Sign(sbyte value)", |_, a| Ok(Value::I32(a.i32(0)?.signum()))),
        m("static int Sign(short value)", |_, a| Ok(Value::I32(a.i32(0)?.signum()))),
        m("static int Sign(float value)", |_, a| Ok(Value::I32(crate::clr::number::math::sign(a.f64(0)?)?))),
    ],
}];

fn real(a: &Args<'_>, function: fn(f64) -> f64) -> Result<Value, Fault> {
    Ok(Value::F64(function(a.f64(0)?)))
}

/// `x * 2^n`, in steps that do not leave the range on the way.
fn scaled(x: f64, n: i32) -> f64 {
    let step = |x: f64, n: i32| x * 2f64.powi(n);
    let n = n.clamp(-4200, 4200);
    step(step(step(step(x, n / 4), n / 4), n / 4), n - n / 4 * 3)
}

fn exponent(x: f64) -> i32 {
    if x == 0.0 {
        return i32::MIN;
    }
    if !x.is_finite() {
        return i32::MAX;
    }
    let bits = x.abs().to_bits();
    let biased = (bits >> 52) as i32;
    // A subnormal number has its leading one lower.
    if biased == 0 { -1011 - bits.leading_zeros() as i32 } else { biased - 1023 }
}
