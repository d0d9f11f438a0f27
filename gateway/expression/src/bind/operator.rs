//! Unary and binary operators (C# specification §12.4).

use super::argument::Arg;
use super::conversion::{implicit, is_explicit_reference, numeric};
use super::{Binder, Bound, Candidate, Val};
use crate::code::{Call, Node, Target, WhenNull};
use crate::span::Span;
use crate::syntax::{Binary, Constant, Expr, ExprKind, Mode};
use crate::types::{Type, library};

/// Elements of a tuple, written out or not.
fn tuple_length(bound: &Bound) -> Option<usize> {
    match bound {
        Bound::Tuple(items) => Some(items.len()),
        Bound::Value(Val { ty: Type::Tuple(types), .. }) => Some(types.len()),
        _ => None,
    }
}

impl Binder<'_> {
    pub(super) fn binary(&mut self, operator: Binary, left: &Expr, right: &Expr, span: Span) -> Val {
        match operator {
            Binary::AndAlso | Binary::OrElse => return self.short_circuit(operator, left, right, span),
            Binary::Coalesce => return self.coalesce(left, right, span),
            _ => {}
        }
        // A long chain leans left: walk it without recursion.
        let mut chain = vec![(operator, right, span)];
        let mut first = left;
        while let ExprKind::Binary(operator, a, b) = &first.kind {
            if matches!(operator, Binary::AndAlso | Binary::OrElse | Binary::Coalesce) {
                break;
            }
            chain.push((*operator, b, first.span));
            first = a;
        }
        let mut left = self.expr(first);
        let mut left_span = first.span;
        for (operator, right, span) in chain.into_iter().rev() {
            let right_bound = self.expr(right);
            left = Bound::Value(self.binary_of(operator, left, right_bound, (left_span, right.span), span));
            left_span = span;
        }
        self.as_value(left, span)
    }

    pub(super) fn binary_of(
        &mut self,
        operator: Binary,
        left: Bound,
        right: Bound,
        spans: (Span, Span),
        span: Span,
    ) -> Val {
        let equality = matches!(operator, Binary::Eq | Binary::Ne);
        if equality
            && let (Some(a), Some(b)) = (tuple_length(&left), tuple_length(&right))
            && a == b
        {
            return self.tuple_equality(operator, left, right, span);
        }
        let (left, right) = match (left, right) {
            (Bound::Default, Bound::Value(other)) => (self.default_of(&other.ty), other),
            (Bound::Value(other), Bound::Default) => {
                let default = self.default_of(&other.ty);
                (other, default)
            }
            (left, right) => (self.as_value(left, spans.0), self.as_value(right, spans.1)),
        };
        if left.ty.is_error() || right.ty.is_error() {
            return Val::error();
        }
        self.binary_values(operator, left, right, span)
    }

    pub(super) fn binary_values(&mut self, operator: Binary, left: Val, right: Val, span: Span) -> Val {
        let equality = matches!(operator, Binary::Eq | Binary::Ne);
        if equality
            && (left.ty == Type::Null || right.ty == Type::Null)
            && let Some(found) = self.compare_null(operator, &left, &right)
        {
            return found;
        }
        if operator == Binary::Add && (left.ty == Type::STRING || right.ty == Type::STRING) {
            let void = |ty: &Type| *ty == Type::Void;
            if !void(&left.ty) && !void(&right.ty) && self.user_operator(operator, &left, &right).is_none() {
                return self.concat(left, right);
            }
        }
        if let Some((candidate, lifted)) = self.user_operator(operator, &left, &right) {
            return self.apply_operator(operator, &candidate, lifted, left, right);
        }
        if let Some(found) = self.enum_operator(operator, &left, &right, span) {
            return found;
        }
        if let Some(found) = self.bool_operator(operator, &left, &right) {
            return found;
        }
        if let Some(found) = self.numeric_operator(operator, &left, &right, span) {
            return found;
        }
        if equality && let Some(found) = self.reference_equality(operator, &left, &right) {
            return found;
        }
        self.bad_operator(operator, &left, &right, span)
    }

    fn bad_operator(&mut self, operator: Binary, left: &Val, right: &Val, span: Span) -> Val {
        let message = format!(
            "Operator '{}' cannot be applied to operands of type '{}' and '{}'",
            operator.symbol(),
            left.ty.display(),
            right.ty.display()
        );
        self.error("CS0019", message, span)
    }

    /// `x == null` where nothing but the null matters.
    fn compare_null(&mut self, operator: Binary, left: &Val, right: &Val) -> Option<Val> {
        let other = if right.ty == Type::Null { left } else { right };
        if other.ty == Type::Null {
            return Some(Self::constant(Constant::Bool(operator == Binary::Eq), Type::BOOL));
        }
        if other.ty == Type::Void {
            return None;
        }
        if other.ty.is_value_type() && other.ty.nullable().is_none() {
            // Comparable only through a lifted operator, whose answer is known.
            let lifted = numeric(&other.ty).is_some()
                || other.ty == Type::BOOL
                || other.ty.is_enum()
                || other.ty.def().is_some_and(|def| !library().get(def).named("==").is_empty());
            return lifted.then(|| {
                let answer = Node::Const(Constant::Bool(operator == Binary::Ne));
                Val::new(Node::Seq(vec![other.node.clone()], Box::new(answer)), Type::BOOL)
            });
        }
        let node = Node::Same(operator == Binary::Eq, Box::new((left.node.clone(), right.node.clone())));
        Some(Val::new(node, Type::BOOL))
    }

    fn concat(&mut self, left: Val, right: Val) -> Val {
        if let (Some(Constant::Str(a)), Some(Constant::Str(b))) = (&left.constant, &right.constant) {
            return Self::constant(Constant::Str(format!("{a}{b}").into()), Type::STRING);
        }
        let mut parts = match (left.node, &left.constant) {
            (Node::Concat(parts), None) if left.ty == Type::STRING => parts,
            (node, _) => vec![node],
        };
        match right.node {
            Node::Concat(more) if right.ty == Type::STRING => parts.extend(more),
            node => parts.push(node),
        }
        Val::new(Node::Concat(parts), Type::STRING)
    }

    /// An operator that one of the types declares; the flag says that it is lifted over null.
    fn user_operator(&mut self, operator: Binary, left: &Val, right: &Val) -> Option<(Candidate, bool)> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for ty in [left.ty.non_nullable(), right.ty.non_nullable()] {
            let mut current = Some(ty.clone());
            while let Some(ty) = current {
                if let Some(def) = ty.def() {
                    for member in library().get(def).named(operator.symbol()) {
                        let known = candidates.iter().any(|c| std::ptr::eq(c.member, *member));
                        if !known && member.parameters.len() == 2 {
                            candidates.push(Candidate { member, class: ty.arguments().to_vec() });
                        }
                    }
                }
                current = library().base(&ty);
            }
        }
        if candidates.is_empty() {
            return None;
        }
        let arg = |val: &Val| Arg {
            name: None,
            mode: Mode::Value,
            bound: Bound::Value(val.clone()),
            span: Span::default(),
        };
        if let Ok(found) = self.choose_overload(&candidates, &[arg(left), arg(right)], &[]) {
            return Some((found.candidate, false));
        }
        if left.ty.nullable().is_none() && right.ty.nullable().is_none() {
            return None;
        }
        let inner = |val: &Val| Val { ty: val.ty.non_nullable().clone(), ..val.clone() };
        let found = self.choose_overload(&candidates, &[arg(&inner(left)), arg(&inner(right))], &[]).ok()?;
        Some((found.candidate, true))
    }

    fn apply_operator(
        &mut self,
        operator: Binary,
        found: &Candidate,
        lifted: bool,
        left: Val,
        right: Val,
    ) -> Val {
        let types: Vec<Type> =
            found.member.parameters.iter().map(|p| p.ty.substitute(&found.class, &[])).collect();
        let result = found.member.result.substitute(&found.class, &[]);
        let call = |a: Node, b: Node| {
            Node::Call(Box::new(Call {
                member: found.member,
                arguments: vec![a, b],
                types: found.class.clone().into(),
                checks_null: false,
                references: Vec::new(),
            }))
        };
        let of = |index: usize| types.get(index).cloned().unwrap_or(Type::Error);
        if !lifted {
            let a = self.convert(Bound::Value(left), &of(0), Span::default());
            let b = self.convert(Bound::Value(right), &of(1), Span::default());
            return Val::new(call(a.node, b.node), result);
        }
        let (x, y) = (self.temporary(of(0)), self.temporary(of(1)));
        let a = self.convert(Bound::Value(left), &Type::nullable_of(of(0)), Span::default());
        let b = self.convert(Bound::Value(right), &Type::nullable_of(of(1)), Span::default());
        let operation = call(Node::Local(x), Node::Local(y));
        let (when, ty) = lifted_result(operator, &result);
        Val::new(Self::lifted(vec![(a.node, x), (b.node, y)], operation, when), ty)
    }

    fn enum_operator(&mut self, operator: Binary, left: &Val, right: &Val, span: Span) -> Option<Val> {
        let (a, b) = (left.ty.non_nullable().clone(), right.ty.non_nullable().clone());
        // All enumerations of the library are of `int`.
        let is_int = |ty: &Type| super::conversion::implicit(ty, &Type::INT).is_some();
        let ty = match (a.is_enum(), b.is_enum()) {
            (true, true) if a == b => a,
            (true, false) if right.constant == Some(Constant::I32(0)) || is_int(&b) => a,
            (false, true) if left.constant == Some(Constant::I32(0)) || is_int(&a) => b,
            _ => return None,
        };
        let to_number = |binder: &mut Self, val: &Val| {
            let target = if val.ty.nullable().is_some() { Type::nullable_of(Type::INT) } else { Type::INT };
            binder.cast(Bound::Value(val.clone()), &target, span)
        };
        let (x, y) = (to_number(self, left), to_number(self, right));
        let compares =
            matches!(operator, Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge);
        let both = left.ty.non_nullable().is_enum() && right.ty.non_nullable().is_enum();
        let bits = matches!(operator, Binary::And | Binary::Or | Binary::Xor);
        let steps = operator == Binary::Sub || (operator == Binary::Add && !both);
        let zero = |val: &Val| val.constant == Some(Constant::I32(0));
        let ok = (compares && (both || zero(left) || zero(right))) || (bits && both) || steps;
        if !ok {
            return None;
        }
        let val = self.numeric_operator(operator, &x, &y, span)?;
        if compares || (both && operator == Binary::Sub) {
            return Some(val);
        }
        let target = if val.ty.nullable().is_some() { Type::nullable_of(ty) } else { ty };
        Some(self.cast(Bound::Value(val), &target, span))
    }

    fn bool_operator(&mut self, operator: Binary, left: &Val, right: &Val) -> Option<Val> {
        let is_bool = |ty: &Type| *ty.non_nullable() == Type::BOOL;
        let logic = matches!(operator, Binary::And | Binary::Or | Binary::Xor | Binary::Eq | Binary::Ne);
        if !(logic && is_bool(&left.ty) && is_bool(&right.ty)) {
            return None;
        }
        let pair = (left.node.clone(), right.node.clone());
        if left.ty == Type::BOOL && right.ty == Type::BOOL {
            if let (Some(Constant::Bool(a)), Some(Constant::Bool(b))) = (&left.constant, &right.constant) {
                let value = match operator {
                    Binary::And => a & b,
                    Binary::Or => a | b,
                    Binary::Eq => a == b,
                    _ => a != b,
                };
                return Some(Self::constant(Constant::Bool(value), Type::BOOL));
            }
            return Some(Val::new(Node::Logic(operator, Box::new(pair)), Type::BOOL));
        }
        if matches!(operator, Binary::And | Binary::Or) {
            return Some(Val::new(Node::Logic3(operator, Box::new(pair)), Type::nullable_of(Type::BOOL)));
        }
        let (x, y) = (self.temporary(Type::BOOL), self.temporary(Type::BOOL));
        let operation = Node::Logic(operator, Box::new((Node::Local(x), Node::Local(y))));
        let (when, ty) = lifted_result(operator, &Type::BOOL);
        Some(Val::new(Self::lifted(vec![(pair.0, x), (pair.1, y)], operation, when), ty))
    }

    fn reference_equality(&mut self, operator: Binary, left: &Val, right: &Val) -> Option<Val> {
        let wanted = operator == Binary::Eq;
        let pair = Box::new((left.node.clone(), right.node.clone()));
        if left.ty == Type::STRING && right.ty == Type::STRING {
            if let (Some(Constant::Str(a)), Some(Constant::Str(b))) = (&left.constant, &right.constant) {
                return Some(Self::constant(Constant::Bool((a == b) == wanted), Type::BOOL));
            }
            return Some(Val::new(Node::StringEquals(wanted, pair), Type::BOOL));
        }
        let reference = |ty: &Type| !ty.is_value_type() && *ty != Type::Void;
        if !reference(&left.ty) || !reference(&right.ty) {
            return None;
        }
        let related = implicit(&left.ty, &right.ty).is_some()
            || implicit(&right.ty, &left.ty).is_some()
            || is_explicit_reference(&left.ty, &right.ty)
            || is_explicit_reference(&right.ty, &left.ty);
        related.then(|| Val::new(Node::Same(wanted, pair), Type::BOOL))
    }

    fn tuple_equality(&mut self, operator: Binary, left: Bound, right: Bound, span: Span) -> Val {
        let mut kept = Vec::new();
        let (left, right) = (self.tuple_parts(left, &mut kept), self.tuple_parts(right, &mut kept));
        let mut whole: Option<Node> = None;
        for ((a, a_span), (b, b_span)) in left.into_iter().zip(right) {
            let part = self.binary_of(operator, a, b, (a_span, b_span), span);
            if part.ty.is_error() {
                return part;
            }
            let pair = |a, b| Box::new((a, b));
            whole = Some(match whole {
                None => part.node,
                Some(before) if operator == Binary::Eq => Node::AndAlso(pair(before, part.node)),
                Some(before) => Node::OrElse(pair(before, part.node)),
            });
        }
        let whole = whole.unwrap_or(Node::Const(Constant::Bool(true)));
        let whole = if kept.is_empty() { whole } else { Node::Seq(kept, Box::new(whole)) };
        Val::new(whole, Type::BOOL)
    }

    /// The elements of a tuple; one that is not written out is kept in a variable first.
    fn tuple_parts(&mut self, tuple: Bound, kept: &mut Vec<Node>) -> Vec<(Bound, Span)> {
        match tuple {
            Bound::Tuple(items) => items.into_iter().map(|(_, item, span)| (item, span)).collect(),
            Bound::Value(Val { node, ty: Type::Tuple(types), .. }) => {
                let local = self.temporary(Type::Tuple(types.clone()));
                kept.push(Node::Assign(Box::new(Target::Local(local)), Box::new(node)));
                let field = |place| Node::Field(Box::new(Node::Local(local)), place);
                let part = |(place, (ty, _)): (usize, &(Type, _))| Val::new(field(place), ty.clone());
                types.iter().enumerate().map(|of| (Bound::Value(part(of)), Span::default())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn short_circuit(&mut self, operator: Binary, left: &Expr, right: &Expr, span: Span) -> Val {
        let (a, b) = (self.value(left), self.value(right));
        if a.ty.is_error() || b.ty.is_error() {
            return Val::error();
        }
        if a.ty != Type::BOOL || b.ty != Type::BOOL {
            let to_bool = |binder: &mut Self, val: &Val| binder.convert_value(val.clone(), &Type::BOOL).ok();
            return match (to_bool(self, &a), to_bool(self, &b)) {
                (Some(a), Some(b)) => self.both(operator, a, b),
                _ => self.bad_operator(operator, &a, &b, span),
            };
        }
        self.both(operator, a, b)
    }

    fn both(&mut self, operator: Binary, a: Val, b: Val) -> Val {
        if let (Some(Constant::Bool(x)), Some(Constant::Bool(y))) = (&a.constant, &b.constant) {
            let value = if operator == Binary::AndAlso { *x && *y } else { *x || *y };
            return Self::constant(Constant::Bool(value), Type::BOOL);
        }
        let pair = Box::new((a.node, b.node));
        let node = if operator == Binary::AndAlso { Node::AndAlso(pair) } else { Node::OrElse(pair) };
        Val::new(node, Type::BOOL)
    }

    fn coalesce(&mut self, left: &Expr, right: &Expr, span: Span) -> Val {
        let a = self.value(left);
        let b = self.expr(right);
        if a.ty.is_error() || matches!(b, Bound::Error) {
            return Val::error();
        }
        let shown = |bound: &Bound| match bound {
            Bound::Value(val) => val.ty.display(),
            _ => "<expression>".to_owned(),
        };
        if !a.ty.accepts_null() || a.ty == Type::Null {
            let message = format!(
                "Operator '??' cannot be applied to operands of type '{}' and '{}'",
                a.ty.display(),
                shown(&b)
            );
            return self.error("CS0019", message, span);
        }
        let inner = a.ty.non_nullable().clone();
        let ty = if a.ty.nullable().is_some() && self.converts(&b, &inner) && !matches!(b, Bound::Throw(_)) {
            inner.clone()
        } else if self.converts(&b, &a.ty) {
            if matches!(b, Bound::Throw(_)) { inner.clone() } else { a.ty.clone() }
        } else {
            match &b {
                Bound::Value(val)
                    if self
                        .converts(&Bound::Value(Val { ty: inner.clone(), ..a.clone() }), &val.ty.clone()) =>
                {
                    val.ty.clone()
                }
                _ => {
                    let message = format!(
                        "Operator '??' cannot be applied to operands of type '{}' and '{}'",
                        a.ty.display(),
                        shown(&b)
                    );
                    return self.error("CS0019", message, span);
                }
            }
        };
        let local = self.temporary(inner.clone());
        let kept = if ty == a.ty {
            Val::new(Node::Local(local), a.ty.clone())
        } else {
            Val::new(Node::Local(local), inner)
        };
        let kept = self.convert(Bound::Value(kept), &ty, left.span);
        let other = self.convert(b, &ty, right.span);
        Val::new(Node::Coalesce(Box::new((a.node, local, kept.node, other.node))), ty)
    }
}

/// What a lifted operator gives: comparisons stay bool, everything else becomes nullable.
pub(super) fn lifted_result(operator: Binary, plain: &Type) -> (WhenNull, Type) {
    match operator {
        Binary::Eq => (WhenNull::Equal, Type::BOOL),
        Binary::Ne => (WhenNull::NotEqual, Type::BOOL),
        Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => (WhenNull::False, Type::BOOL),
        _ if plain.accepts_null() => (WhenNull::Null, plain.clone()),
        _ => (WhenNull::Null, Type::nullable_of(plain.clone())),
    }
}
