//! Constant folding: the run time's own arithmetic, done early.

use super::{Binder, Val};
use crate::code::{Number, Numeric};
use crate::run::{self, Fault};
use crate::span::Span;
use crate::syntax::{Binary, Constant};
use crate::types::Type;
use crate::value::Value;

/// The constant of a primitive value.
pub(super) fn of_value(value: &Value) -> Option<Constant> {
    Some(match value {
        Value::Null => Constant::Null,
        Value::Bool(v) => Constant::Bool(*v),
        Value::Char(v) => Constant::Char(*v),
        Value::I8(v) => Constant::I8(*v),
        Value::U8(v) => Constant::U8(*v),
        Value::I16(v) => Constant::I16(*v),
        Value::U16(v) => Constant::U16(*v),
        Value::I32(v) => Constant::I32(*v),
        Value::U32(v) => Constant::U32(*v),
        Value::I64(v) => Constant::I64(*v),
        Value::U64(v) => Constant::U64(*v),
        Value::F32(v) => Constant::F32(*v),
        Value::F64(v) => Constant::F64(*v),
        Value::Decimal(v) => Constant::Decimal(*v),
        Value::Str(text) => Constant::Str(text.as_str().into()),
        _ => return None,
    })
}

/// As messages print it.
pub(super) fn display(constant: &Constant) -> String {
    run::constant_value(constant).to_text()
}

/// Whether an explicit conversion of a constant loses nothing that C# forbids to lose.
pub(super) fn in_range(constant: &Constant, to: &Type) -> bool {
    use super::conversion::numeric_or_enum;
    let Some(kind) = numeric_or_enum(to) else { return true };
    let value = run::constant_value(constant);
    match kind {
        Numeric::F32 | Numeric::F64 | Numeric::Decimal => true,
        _ => run::convert_numeric(Numeric::F64, kind, true, &value).is_ok(),
    }
}

/// A conversion without a check of range.
pub(super) fn convert(constant: &Constant, from: Numeric, to: Numeric) -> Option<Constant> {
    let value = run::constant_value(constant);
    run::convert_numeric(from, to, false, &value).ok().and_then(|v| of_value(&v))
}

impl Binder<'_> {
    /// Folds an operator over constants; reports overflow and division by zero as C# does.
    pub(super) fn fold(
        &mut self,
        operator: Binary,
        number: Number,
        operands: (&Val, &Val),
        ty: &Type,
        span: Span,
    ) -> Option<Val> {
        let (Some(a), Some(b)) = (&operands.0.constant, &operands.1.constant) else {
            let zero = operands.1.constant.as_ref().map(run::constant_value);
            let integer = !matches!(number, Number::F32 | Number::F64);
            if integer
                && matches!(operator, Binary::Div | Binary::Rem)
                && zero.is_some_and(|z| z.as_f64() == Some(0.0))
            {
                return Some(self.error("CS0020", "Division by constant zero".to_owned(), span));
            }
            return None;
        };
        let (a, b) = (run::constant_value(a), run::constant_value(b));
        let checked = !self.in_constant;
        match run::binary(operator, number, checked, &a, &b) {
            Ok(value) => of_value(&value).map(|constant| Self::constant(constant, ty.clone())),
            Err(Fault::Exception(thrown)) if thrown.type_name().ends_with("DivideByZeroException") => {
                Some(self.error("CS0020", "Division by constant zero".to_owned(), span))
            }
            Err(_) => {
                let message = "The operation overflows at compile time in checked mode".to_owned();
                Some(self.error("CS0220", message, span))
            }
        }
    }
}
