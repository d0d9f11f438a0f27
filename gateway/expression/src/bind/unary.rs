//! Unary operators (C# specification §12.9).

use super::conversion::{number_type, numeric};
use super::number::promote_one;
use super::{Binder, Bound, Val};
use crate::code::{Call, Node, Number, WhenNull};
use crate::span::Span;
use crate::syntax::{Constant, Expr, Unary};
use crate::types::{Type, library};

impl Binder<'_> {
    pub(super) fn unary(&mut self, operator: Unary, operand: &Expr, span: Span) -> Val {
        if matches!(
            operator,
            Unary::PreIncrement | Unary::PreDecrement | Unary::PostIncrement | Unary::PostDecrement
        ) {
            return self.increment(operator, operand, span);
        }
        let val = self.value(operand);
        if val.ty.is_error() {
            return Val::error();
        }
        let symbol = match operator {
            Unary::Plus => "+",
            Unary::Minus => "-",
            Unary::Not => "!",
            _ => "~",
        };
        let inner = val.ty.non_nullable().clone();
        if val.ty.nullable().is_some() {
            let local = self.temporary(inner.clone());
            let plain = Val::new(Node::Local(local), inner);
            return match self.unary_of(operator, plain, symbol, span) {
                Some(found) => {
                    let ty = Type::nullable_of(found.ty);
                    Val::new(Self::lifted(vec![(val.node, local)], found.node, WhenNull::Null), ty)
                }
                None => self.bad_unary(symbol, &val.ty, span),
            };
        }
        let ty = val.ty.clone();
        match self.unary_of(operator, val, symbol, span) {
            Some(found) => found,
            None => self.bad_unary(symbol, &ty, span),
        }
    }

    fn bad_unary(&mut self, symbol: &str, ty: &Type, span: Span) -> Val {
        let message = format!("Operator '{symbol}' cannot be applied to operand of type '{}'", ty.display());
        self.error("CS0023", message, span)
    }

    fn unary_of(&mut self, operator: Unary, val: Val, symbol: &str, span: Span) -> Option<Val> {
        if operator == Unary::Not {
            let val = self.convert_value(val, &Type::BOOL).ok()?;
            if let Some(Constant::Bool(value)) = val.constant {
                return Some(Self::constant(Constant::Bool(!value), Type::BOOL));
            }
            return Some(Val::new(Node::Not(Box::new(val.node)), Type::BOOL));
        }
        if let Some(def) = val.ty.def() {
            let found = library().get(def).named(symbol).iter().find(|m| m.parameters.len() == 1);
            if let Some(member) = found {
                let call = Call {
                    member,
                    arguments: vec![val.node],
                    types: val.ty.arguments().into(),
                    checks_null: false,
                    references: Vec::new(),
                };
                return Some(Val::new(
                    Node::Call(Box::new(call)),
                    member.result.substitute(val.ty.arguments(), &[]),
                ));
            }
        }
        if val.ty.is_enum() && operator == Unary::Complement {
            let ty = val.ty.clone();
            let number = self.cast(Bound::Value(val), &Type::INT, span);
            let flipped = Val::new(Node::Complement(Number::I32, Box::new(number.node)), Type::INT);
            return Some(self.cast(Bound::Value(flipped), &ty, span));
        }
        let kind = promote_one(numeric(&val.ty)?)?;
        let number = match (operator, kind) {
            (Unary::Minus, Number::U32) => Number::I64,
            (Unary::Minus, Number::U64) => return None,
            (Unary::Complement, Number::F32 | Number::F64 | Number::Decimal) => return None,
            _ => kind,
        };
        let ty = number_type(number);
        let val = self.convert(Bound::Value(val), &ty, span);
        self.negated(operator, number, val, ty, span)
    }

    fn negated(&mut self, operator: Unary, number: Number, val: Val, ty: Type, span: Span) -> Option<Val> {
        if operator == Unary::Plus {
            return Some(val);
        }
        if let Some(constant) = &val.constant {
            let value = crate::run::constant_value(constant);
            let folded = match operator {
                Unary::Minus => crate::run::negate(number, !self.in_constant, &value).ok(),
                _ => Some(crate::run::complement(number, &value)),
            };
            return match folded.and_then(|v| super::constant::of_value(&v)) {
                Some(constant) => Some(Self::constant(constant, ty)),
                None => Some(self.error(
                    "CS0220",
                    "The operation overflows at compile time in checked mode".to_owned(),
                    span,
                )),
            };
        }
        let node = match operator {
            Unary::Minus => Node::Negate(number, self.checked, Box::new(val.node)),
            _ => Node::Complement(number, Box::new(val.node)),
        };
        Some(Val::new(node, ty))
    }
}
