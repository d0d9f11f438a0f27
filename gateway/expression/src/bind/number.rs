//! Operators on numbers: promotion, folding, the node (C# specification §12.4.7).

use super::conversion::{implicit, number_type, numeric};
use super::operator::lifted_result;
use super::{Binder, Bound, Val};
use crate::code::{Node, Number, Numeric};
use crate::span::Span;
use crate::syntax::{Binary, Constant};
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn numeric_operator(
        &mut self,
        operator: Binary,
        left: &Val,
        right: &Val,
        span: Span,
    ) -> Option<Val> {
        let shift = matches!(operator, Binary::Shl | Binary::Shr);
        let (a, b) = (left.ty.non_nullable().clone(), right.ty.non_nullable().clone());
        // `null + 1`: the null takes the other's type.
        let (a, b) = match (left.ty == Type::Null, right.ty == Type::Null) {
            (true, false) => (b.clone(), b),
            (false, true) => (a.clone(), a),
            _ => (a, b),
        };
        let (x, y) = (numeric(&a)?, numeric(&b)?);
        let number = if shift {
            implicit(&b, &Type::INT)?;
            promote_one(x)?
        } else {
            self.promote(x, y, left, right)?
        };
        let bits = matches!(operator, Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr);
        if bits && matches!(number, Number::F32 | Number::F64 | Number::Decimal) {
            return None;
        }
        let ty = number_type(number);
        let right_ty = if shift { Type::INT } else { ty.clone() };
        let compares =
            matches!(operator, Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge);
        let is_lifted = left.ty.nullable().is_some()
            || right.ty.nullable().is_some()
            || left.ty == Type::Null
            || right.ty == Type::Null;
        if !is_lifted {
            let a = self.convert(Bound::Value(left.clone()), &ty, span);
            let b = self.convert(Bound::Value(right.clone()), &right_ty, span);
            return Some(self.number_node(operator, number, compares, a, b, span));
        }
        let (l, r) = (self.temporary(ty.clone()), self.temporary(right_ty.clone()));
        let a = self.convert(Bound::Value(left.clone()), &Type::nullable_of(ty.clone()), span);
        let b = self.convert(Bound::Value(right.clone()), &Type::nullable_of(right_ty.clone()), span);
        let plain = self.number_node(
            operator,
            number,
            compares,
            Val::new(Node::Local(l), ty),
            Val::new(Node::Local(r), right_ty),
            span,
        );
        let (when, ty) = lifted_result(operator, &plain.ty);
        Some(Val::new(Self::lifted(vec![(a.node, l), (b.node, r)], plain.node, when), ty))
    }

    fn number_node(
        &mut self,
        operator: Binary,
        number: Number,
        compares: bool,
        a: Val,
        b: Val,
        span: Span,
    ) -> Val {
        if compares {
            if let (Some(x), Some(y)) = (&a.constant, &b.constant) {
                let (x, y) = (crate::run::constant_value(x), crate::run::constant_value(y));
                let answer = crate::run::compare(operator, number, &x, &y);
                return Self::constant(Constant::Bool(answer), Type::BOOL);
            }
            return Val::new(
                Node::Compare { operator, number, operands: Box::new((a.node, b.node)) },
                Type::BOOL,
            );
        }
        let ty = number_type(number);
        if let Some(folded) = self.fold(operator, number, (&a, &b), &ty, span) {
            return folded;
        }
        let checked = self.checked;
        Val::new(Node::Arithmetic { operator, number, checked, operands: Box::new((a.node, b.node)) }, ty)
    }

    /// Binary numeric promotion; `None` when the kinds do not go together.
    fn promote(&self, x: Numeric, y: Numeric, left: &Val, right: &Val) -> Option<Number> {
        use Numeric::{Decimal, F32, F64, I64, U32, U64};
        let has = |kind: Numeric| x == kind || y == kind;
        if has(Decimal) {
            return (!has(F32) && !has(F64)).then_some(Number::Decimal);
        }
        if has(F64) {
            return Some(Number::F64);
        }
        if has(F32) {
            return Some(Number::F32);
        }
        let signed = |kind: Numeric| matches!(kind, Numeric::I8 | Numeric::I16 | Numeric::I32 | I64);
        if has(U64) {
            // A constant that is not negative may join ulong.
            let fits =
                |kind: Numeric, val: &Val| !signed(kind) || super::convert::constant_fits(val, &Type::ULONG);
            return (fits(x, left) && fits(y, right)).then_some(Number::U64);
        }
        if has(I64) {
            return Some(Number::I64);
        }
        if has(U32) {
            let other_is_signed = signed(x) || signed(y);
            let fits =
                |kind: Numeric, val: &Val| !signed(kind) || super::convert::constant_fits(val, &Type::UINT);
            if fits(x, left) && fits(y, right) {
                return Some(Number::U32);
            }
            return Some(if other_is_signed { Number::I64 } else { Number::U32 });
        }
        Some(Number::I32)
    }
}

/// Unary numeric promotion.
pub(super) fn promote_one(kind: Numeric) -> Option<Number> {
    Some(match kind {
        Numeric::I8 | Numeric::U8 | Numeric::I16 | Numeric::U16 | Numeric::Char | Numeric::I32 => Number::I32,
        Numeric::U32 => Number::U32,
        Numeric::I64 => Number::I64,
        Numeric::U64 => Number::U64,
        Numeric::F32 => Number::F32,
        Numeric::F64 => Number::F64,
        Numeric::Decimal => Number::Decimal,
        Numeric::Enum(_) => return None,
    })
}
