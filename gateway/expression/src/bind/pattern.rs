//! `is` patterns and `switch` labels.

use super::expression::can_be;
use super::{Binder, Bound, Val};
use crate::code::{Node, Target};
use crate::span::Span;
use crate::syntax::{Binary, Constant, Expr, Name, Pattern};
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn is_pattern(&mut self, value: &Expr, pattern: &Pattern, span: Span) -> Val {
        let val = self.value(value);
        if val.ty.is_error() {
            return Val::error();
        }
        let local = match &val.node {
            Node::Local(local) => *local,
            _ => self.temporary(val.ty.clone()),
        };
        let keep = match &val.node {
            Node::Local(_) => None,
            _ => Some(Node::Assign(Box::new(Target::Local(local)), Box::new(val.node.clone()))),
        };
        let test = self.pattern_test(Val::new(Node::Local(local), val.ty), pattern, span);
        let node = match keep {
            Some(keep) => Node::Seq(vec![keep], Box::new(test)),
            None => test,
        };
        Val::new(node, Type::BOOL)
    }

    /// The condition that a pattern puts on a value that a variable holds.
    pub(super) fn pattern_test(&mut self, val: Val, pattern: &Pattern, span: Span) -> Node {
        match pattern {
            Pattern::Type(ty) => {
                let ty = self.resolve(ty);
                self.type_test(val, &ty, span)
            }
            Pattern::Declaration(ty, name) if Self::is_var(ty) => {
                if let Some(name) = name {
                    let local = self.declare(name, val.ty.clone());
                    let keep = Node::Assign(Box::new(Target::Local(local)), Box::new(val.node));
                    return Node::Seq(vec![keep], Box::new(Node::Const(Constant::Bool(true))));
                }
                Node::Const(Constant::Bool(true))
            }
            Pattern::Declaration(ty, name) => {
                let ty = self.resolve(ty);
                match name {
                    Some(name) => self.declaring_test(val, &ty, name, span),
                    None => self.type_test(val, &ty, span),
                }
            }
            Pattern::Expr(expr) => {
                let bound = self.expr(expr);
                if let Bound::Type(ty) = bound {
                    return self.type_test(val, &ty, span);
                }
                let constant = self.as_value(bound, expr.span);
                self.constant_test(val, constant, expr.span)
            }
        }
    }

    fn type_test(&mut self, val: Val, ty: &Type, span: Span) -> Node {
        if ty.is_error() {
            return Node::Const(Constant::Bool(false));
        }
        if !can_be(&val.ty, ty)
            && val.ty.is_value_type() != ty.is_value_type()
            && !matches!(val.ty, Type::Null)
        {
            // C# only warns: the test is always false.
            let _ = span;
        }
        Node::Is(ty.non_nullable().clone(), Box::new(val.node))
    }

    fn declaring_test(&mut self, val: Val, ty: &Type, name: &Name, span: Span) -> Node {
        if ty.nullable().is_some() {
            let message = format!(
                "It is not legal to use nullable type '{}' in a pattern; use the underlying type '{}' instead.",
                ty.display(),
                ty.non_nullable().display()
            );
            self.report("CS8116", message, span);
        }
        if !ty.is_error() && !can_be(&val.ty, ty) {
            let message = format!(
                "An expression of type '{}' cannot be handled by a pattern of type '{}'.",
                val.ty.display(),
                ty.display()
            );
            self.report("CS8121", message, span);
        }
        let local = self.declare(name, ty.clone());
        Node::IsDeclare(Box::new((val.node, ty.clone(), local)))
    }

    /// Equality with a constant: by value, whatever the static type.
    fn constant_test(&mut self, val: Val, constant: Val, span: Span) -> Node {
        if constant.ty.is_error() {
            return Node::Const(Constant::Bool(false));
        }
        if constant.ty == Type::Null {
            if !val.ty.accepts_null() && !val.ty.is_error() {
                let name = val.ty.display();
                let problem =
                    format!("Cannot convert null to '{name}' because it is a non-nullable value type");
                self.report("CS0037", problem, span);
            }
            return Node::Same(true, Box::new((val.node, constant.node)));
        }
        if constant.constant.is_none() {
            self.report("CS0150", "A constant value is expected".to_owned(), span);
            return Node::Const(Constant::Bool(false));
        }
        let plain = val.ty.non_nullable().clone();
        if plain == Type::OBJECT || plain.is_interface() || plain == Type::VALUE_TYPE {
            let own = constant.ty.clone();
            let is = Node::Is(own.clone(), Box::new(val.node.clone()));
            let unboxed = Val::new(Node::Cast(own.clone(), Box::new(val.node)), own);
            let equal = self.binary_values(Binary::Eq, unboxed, constant, span);
            return Node::AndAlso(Box::new((is, equal.node)));
        }
        let constant = self.convert(Bound::Value(constant), &plain, span);
        if constant.ty.is_error() {
            return Node::Const(Constant::Bool(false));
        }
        self.binary_values(Binary::Eq, val, constant, span).node
    }
}
