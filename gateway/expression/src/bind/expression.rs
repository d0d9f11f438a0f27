//! Expressions by kind.

use super::argument::constant_type;
use super::{Binder, Bound, Val};
use crate::code::{Node, WhenNull};
use crate::span::Span;
use crate::syntax::{Argument, ArrayInit, Constant, Expr, ExprKind, Name, TypeKind, TypeSyntax};
use crate::types::{Type, library};

impl Binder<'_> {
    /// An expression that must be a value.
    pub(super) fn value(&mut self, expr: &Expr) -> Val {
        let bound = self.expr(expr);
        self.as_value(bound, expr.span)
    }

    /// What was bound, as a value, or the report of why it is none.
    pub(super) fn as_value(&mut self, bound: Bound, span: Span) -> Val {
        match bound {
            Bound::Value(val) => val,
            Bound::Error => Val::error(),
            Bound::Type(ty) if ty.is_error() => Val::error(),
            Bound::Type(ty) => self.error(
                "CS0119",
                format!("'{}' is a type, which is not valid in the given context", ty.display()),
                span,
            ),
            Bound::Namespace(name) => {
                self.error("CS0118", format!("'{name}' is a namespace but is used like a variable"), span)
            }
            Bound::Methods(group) => {
                let message = format!(
                    "Cannot convert method group '{}' to non-delegate type 'object'. Did you intend to invoke the method?",
                    group.name.text
                );
                self.error("CS0428", message, span)
            }
            Bound::Lambda(_, at) => {
                let message =
                    "Cannot convert lambda expression to type 'object' because it is not a delegate type";
                self.error("CS1660", message.to_owned(), at)
            }
            Bound::Default => {
                self.error("CS8716", "There is no target type for the default literal.".to_owned(), span)
            }
            Bound::Throw(_) => {
                self.error("CS8115", "A throw expression is not allowed in this context.".to_owned(), span)
            }
            Bound::Tuple(items) => match self.natural_tuple(&items) {
                Some(ty) => self.convert(Bound::Tuple(items), &ty, span),
                None => self.error("CS8131", "The tuple has no type.".to_owned(), span),
            },
            Bound::Declaration(..) => {
                self.error("CS8185", "A declaration is not allowed in this context.".to_owned(), span)
            }
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Bound {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(constant) => Bound::Value(literal(constant)),
            ExprKind::Parenthesized(inner) => self.expr(inner),
            ExprKind::Name(name, arguments) => self.simple_name(name, arguments),
            ExprKind::Keyword(word) => Bound::Type(library().keyword(word)),
            ExprKind::Member(target, name, arguments) => self.member_access(target, name, arguments, false),
            ExprKind::Call(target, arguments) => Bound::Value(self.call(target, arguments, span)),
            ExprKind::Index(target, arguments) => Bound::Value(self.index(target, arguments, span)),
            ExprKind::Conditional(target, rest) => Bound::Value(self.conditional_access(target, rest, span)),
            ExprKind::Receiver => Bound::Value(self.receivers.last().cloned().unwrap_or_else(Val::error)),
            ExprKind::Binary(operator, a, b) => Bound::Value(self.binary(*operator, a, b, span)),
            ExprKind::Unary(operator, operand) => Bound::Value(self.unary(*operator, operand, span)),
            ExprKind::Assign(operator, target, value) => {
                Bound::Value(self.assignment(*operator, target, value, span))
            }
            ExprKind::Choose(condition, yes, no) => self.choose(condition, yes, no, span),
            ExprKind::Cast(ty, value) => {
                let to = self.resolve(ty);
                let from = self.expr(value);
                Bound::Value(self.cast(from, &to, span))
            }
            ExprKind::Interpolated(pieces) => Bound::Value(self.interpolated(pieces, span)),
            ExprKind::Lambda(lambda) => Bound::Lambda(std::sync::Arc::clone(lambda), span),
            ExprKind::DefaultLiteral => Bound::Default,
            ExprKind::Throw(value) => Bound::Throw(Box::new(self.throw_node(value))),
            _ => self.expr_rare(expr),
        }
    }

    fn expr_rare(&mut self, expr: &Expr) -> Bound {
        let span = expr.span;
        Bound::Value(match &expr.kind {
            ExprKind::New(ty, arguments, initializer) => {
                self.creation(ty, arguments, initializer.as_ref(), span)
            }
            ExprKind::NewArray(ty, sizes, init) => self.new_array(ty, sizes, init.as_ref(), span),
            ExprKind::ImplicitArray(items) => self.implicit_array(items, span),
            ExprKind::Anonymous(fields) => self.anonymous(fields, span),
            ExprKind::ArrayInit(ArrayInit::Items(_, span)) => {
                let message = "Can only use array initializer expressions to assign to array types. Try using a new expression instead.";
                self.error("CS0622", message.to_owned(), *span)
            }
            ExprKind::Is(value, pattern) => self.is_pattern(value, pattern, span),
            ExprKind::As(value, ty) => self.as_operator(value, ty, span),
            ExprKind::TypeOf(ty) => {
                let ty = self.resolve(ty);
                Val::new(Node::TypeOf(ty), Type::TYPE)
            }
            ExprKind::NameOf(inner) => self.name_of(inner, span),
            ExprKind::Default(ty) => {
                let ty = self.resolve(ty);
                self.default_of(&ty)
            }
            ExprKind::SizeOf(ty) => self.size_of(ty, span),
            ExprKind::Checked(checked, inner) => {
                let before = (self.checked, self.in_constant);
                (self.checked, self.in_constant) = (*checked, !*checked);
                let val = self.value(inner);
                (self.checked, self.in_constant) = before;
                val
            }
            ExprKind::Tuple(items) => return self.tuple(items),
            ExprKind::Declaration(ty, name) => {
                let ty = match ty.kind {
                    TypeKind::Var => None,
                    _ => Some(self.resolve(ty)),
                };
                return Bound::Declaration(ty, name.clone());
            }
            _ => self.error("CS8185", "A declaration is not allowed in this context.".to_owned(), span),
        })
    }

    fn tuple(&mut self, items: &[(Option<Name>, Expr)]) -> Bound {
        let mut list = Vec::with_capacity(items.len());
        for (name, value) in items {
            let named = name.as_ref().map(|n| n.text.to_string());
            let name = named.or_else(|| super::object::inferred_name(value).map(|n| n.to_string()));
            list.push((name, self.expr(value), value.span));
        }
        Bound::Tuple(list)
    }

    /// The type a tuple literal has of itself.
    #[expect(clippy::self_only_used_in_recursion, reason = "a method like those beside it")]
    pub(super) fn natural_tuple(&mut self, items: &[(Option<String>, Bound, Span)]) -> Option<Type> {
        let mut types = Vec::with_capacity(items.len());
        for (name, item, _) in items {
            let ty = match item {
                Bound::Value(val) if val.ty != Type::Null && val.ty != Type::Void => val.ty.clone(),
                Bound::Tuple(inner) => self.natural_tuple(inner)?,
                _ => return None,
            };
            types.push((ty, name.clone()));
        }
        Some(Type::Tuple(types.into()))
    }

    fn throw_node(&mut self, value: &Expr) -> Node {
        let val = self.value(value);
        let ok = val.ty.is_error()
            || val.ty == Type::Null
            || super::conversion::implicit(&val.ty, &Type::EXCEPTION).is_some();
        if !ok {
            let message = "The type caught or thrown must be derived from System.Exception".to_owned();
            self.report("CS0155", message, value.span);
        }
        Node::Throw(Box::new(val.node))
    }

    /// `a ? b : c`.
    fn choose(&mut self, condition: &Expr, yes: &Expr, no: &Expr, span: Span) -> Bound {
        let condition = self.condition(condition);
        let (a, b) = (self.expr(yes), self.expr(no));
        let Some(ty) = self.common_type(&a, &b) else {
            if matches!(a, Bound::Error) || matches!(b, Bound::Error) {
                return Bound::Error;
            }
            let name = |bound: &Bound| match bound {
                Bound::Value(val) => val.ty.qualified(),
                Bound::Lambda(..) => "lambda expression".to_owned(),
                Bound::Methods(_) => "method group".to_owned(),
                Bound::Default => "default".to_owned(),
                _ => "<throw expression>".to_owned(),
            };
            let message = format!(
                "Type of conditional expression cannot be determined because there is no implicit conversion between '{}' and '{}'",
                name(&a),
                name(&b)
            );
            self.report("CS0173", message, span);
            return Bound::Error;
        };
        let (a, b) = (self.convert(a, &ty, yes.span), self.convert(b, &ty, no.span));
        let constant = match (&condition.constant, &a.constant, &b.constant) {
            (Some(Constant::Bool(true)), Some(value), Some(_))
            | (Some(Constant::Bool(false)), Some(_), Some(value)) => Some(value.clone()),
            _ => None,
        };
        if let Some(constant) = constant {
            return Bound::Value(Self::constant(constant, ty));
        }
        Bound::Value(Val::new(Node::Choose(Box::new((condition.node, a.node, b.node))), ty))
    }

    /// The type of one branch that the other converts to.
    fn common_type(&mut self, a: &Bound, b: &Bound) -> Option<Type> {
        let own = |binder: &mut Self, bound: &Bound| match bound {
            Bound::Value(val) if val.ty != Type::Null && val.ty != Type::Void => Some(val.ty.clone()),
            Bound::Tuple(items) => binder.natural_tuple(items),
            _ => None,
        };
        match (own(self, a), own(self, b)) {
            (Some(x), Some(y)) if x == y => Some(x),
            (Some(x), Some(y)) => {
                let (to_y, to_x) = (self.converts(a, &y), self.converts(b, &x));
                match (to_y, to_x) {
                    (true, false) => Some(y),
                    (false, true) => Some(x),
                    // A constant may fit both ways: the branch that is not constant decides.
                    (true, true) => {
                        Some(if matches!(a, Bound::Value(v) if v.constant.is_some()) { y } else { x })
                    }
                    _ => None,
                }
            }
            (Some(x), None) => self.converts(b, &x).then_some(x),
            (None, Some(y)) => self.converts(a, &y).then_some(y),
            (None, None) => None,
        }
    }

    /// `a?.b`: null when `a` is, else the rest of the chain on it.
    fn conditional_access(&mut self, target: &Expr, rest: &Expr, span: Span) -> Val {
        let target = self.value(target);
        if target.ty.is_error() {
            return Val::error();
        }
        if !target.ty.accepts_null() || target.ty == Type::Null {
            let message =
                format!("Operator '?' cannot be applied to operand of type '{}'", target.ty.display());
            return self.error("CS0023", message, span);
        }
        let inner = target.ty.non_nullable().clone();
        let local = self.temporary(inner.clone());
        self.receivers.push(Val::new(Node::Local(local), inner));
        let bound = self.expr(rest);
        self.receivers.pop();
        let rest = match bound {
            Bound::Methods(group) => {
                let message =
                    format!("'{}' is a method, which is not valid in the given context", group.name.text);
                return self.error("CS0119", message, span);
            }
            other => self.as_value(other, span),
        };
        let ty = match &rest.ty {
            Type::Void => Type::Void,
            ty if ty.accepts_null() => ty.clone(),
            ty => Type::nullable_of(ty.clone()),
        };
        Val::new(Node::Conditional(Box::new((target.node, local, rest.node))), ty)
    }

    fn as_operator(&mut self, value: &Expr, ty: &TypeSyntax, span: Span) -> Val {
        let to = self.resolve(ty);
        let val = self.value(value);
        if to.is_error() || val.ty.is_error() {
            return Val::error();
        }
        if !to.accepts_null() {
            let message = format!(
                "The as operator must be used with a reference type or nullable type ('{}' is a non-nullable value type)",
                to.display()
            );
            return self.error("CS0077", message, span);
        }
        if !can_be(&val.ty, &to) {
            let message = format!(
                "Cannot convert type '{}' to '{}' via a reference conversion, boxing conversion, unboxing conversion, wrapping conversion, or null type conversion",
                val.ty.qualified(),
                to.qualified()
            );
            return self.error("CS0039", message, span);
        }
        Val::new(Node::As(to.non_nullable().clone(), Box::new(val.node)), to)
    }

    fn name_of(&mut self, expr: &Expr, span: Span) -> Val {
        let name = match &expr.kind {
            ExprKind::Name(name, _) | ExprKind::Member(_, name, _) => name.text.clone(),
            _ => return self.error("CS8081", "Expression does not have a name.".to_owned(), span),
        };
        // A member of an instance may be named by its type alone.
        let of_type = match &expr.kind {
            ExprKind::Member(target, name, _) => match self.attempt(|b| b.expr(target)) {
                Some(Bound::Type(ty)) => !self.members(&ty, &name.text).is_empty(),
                _ => false,
            },
            _ => false,
        };
        if !of_type {
            self.expr(expr);
        }
        Self::constant(Constant::Str(name), Type::STRING)
    }

    fn size_of(&mut self, ty: &TypeSyntax, span: Span) -> Val {
        let size = match self.resolve(ty).display().as_str() {
            "bool" | "byte" | "sbyte" => 1,
            "char" | "short" | "ushort" => 2,
            "int" | "uint" | "float" => 4,
            "long" | "ulong" | "double" => 8,
            "decimal" => 16,
            other => {
                let message = format!(
                    "'{other}' does not have a predefined size, therefore sizeof can only be used in an unsafe context"
                );
                return self.error("CS0233", message, span);
            }
        };
        Self::constant(Constant::I32(size), Type::INT)
    }

    /// A condition: bool, or something that converts to it.
    pub(super) fn condition(&mut self, expr: &Expr) -> Val {
        let bound = self.expr(expr);
        self.convert(bound, &Type::BOOL, expr.span)
    }

    /// A call or element access with arguments bound for it.
    pub(super) fn bind_arguments(&mut self, arguments: &[Argument]) -> Vec<super::argument::Arg> {
        arguments.iter().map(|argument| self.argument(argument)).collect()
    }

    /// Runs `operation` over variables that hold non-null operands.
    pub(super) fn lifted(operands: Vec<(Node, crate::code::Local)>, operation: Node, when: WhenNull) -> Node {
        Node::Lifted(operands, Box::new(operation), when)
    }
}

fn literal(constant: &Constant) -> Val {
    let known = (*constant != Constant::Null).then(|| constant.clone());
    Val { node: Node::Const(constant.clone()), ty: constant_type(constant), constant: known }
}

/// Whether a value of one type can, at run time, be of another.
pub(super) fn can_be(from: &Type, to: &Type) -> bool {
    use super::conversion::{implicit, is_explicit_reference};
    *from == Type::Null
        || implicit(from, to).is_some()
        || is_explicit_reference(from, to)
        || implicit(to, from).is_some()
        || from.non_nullable() == to.non_nullable()
}
