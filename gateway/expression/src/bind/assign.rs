//! Assignment, compound assignment, increments, deconstruction.

use super::{Binder, Bound, Val};
use crate::code::{Call, Local, Node, Target};
use crate::span::Span;
use crate::syntax::{Argument, Binary, Constant, Expr, ExprKind, Name, Unary};
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn assignment(
        &mut self,
        operator: Option<Binary>,
        target: &Expr,
        value: &Expr,
        span: Span,
    ) -> Val {
        match (&target.kind, operator) {
            (ExprKind::Tuple(_), None) => {
                return self.deconstruct(target, value, span);
            }
            (ExprKind::Name(name, _), None) if &*name.text == "_" && self.look_up("_").is_none() => {
                let val = self.value(value);
                return Val::new(Node::Assign(Box::new(Target::Discard), Box::new(val.node)), val.ty);
            }
            _ => {}
        }
        let place = self.value(target);
        if place.ty.is_error() {
            self.expr(value);
            return Val::error();
        }
        let ty = place.ty.clone();
        let Some(operator) = operator else {
            let bound = self.expr(value);
            let val = self.convert(bound, &ty, value.span);
            return match self.store(place, val.node, target.span) {
                Some(node) => Val::new(node, ty),
                None => Val::error(),
            };
        };
        let Some((effects, place)) = self.once(place, target.span) else { return Val::error() };
        let right = self.value(value);
        if right.ty.is_error() {
            return Val::error();
        }
        let result = self.binary_values(operator, place.clone(), right.clone(), span);
        let result = self.back_to(result, &right, &ty, operator, span);
        self.assign_after(effects, place, result, span)
    }

    /// The result of `x op y` converted back to the type of `x`, where C# allows it.
    fn back_to(&mut self, result: Val, right: &Val, ty: &Type, operator: Binary, span: Span) -> Val {
        if result.ty.is_error() || super::conversion::implicit(&result.ty, ty).is_some() {
            return self.convert(Bound::Value(result), ty, span);
        }
        let shift = matches!(operator, Binary::Shl | Binary::Shr);
        let narrow = super::conversion::numeric(result.ty.non_nullable()).is_some();
        if narrow && (shift || self.converts(&Bound::Value(right.clone()), ty)) {
            return self.cast(Bound::Value(result), ty, span);
        }
        self.convert(Bound::Value(result), ty, span)
    }

    fn assign_after(&mut self, effects: Vec<Node>, place: Val, value: Val, span: Span) -> Val {
        let ty = place.ty.clone();
        let Some(assign) = self.store(place, value.node, span) else { return Val::error() };
        if effects.is_empty() {
            Val::new(assign, ty)
        } else {
            Val::new(Node::Seq(effects, Box::new(assign)), ty)
        }
    }

    /// The assignment of a value to a place.
    fn store(&mut self, place: Val, value: Node, span: Span) -> Option<Node> {
        if let Some((local, index)) = self.tuple_field(&place) {
            return self.store_field(local, index, value, span);
        }
        Some(Node::Assign(Box::new(self.target(place, span)?), Box::new(value)))
    }

    /// The variable and the position, for a field of a tuple that a variable holds.
    fn tuple_field(&self, place: &Val) -> Option<(Local, usize)> {
        let Node::Field(record, index) = &place.node else { return None };
        let Node::Local(local) = **record else { return None };
        matches!(self.info(local.id)?.ty, Type::Tuple(_)).then_some((local, *index))
    }

    /// Tuples are values: the variable takes a new one with the field changed.
    fn store_field(&mut self, local: Local, index: usize, value: Node, span: Span) -> Option<Node> {
        let info = self.info(local.id)?.clone();
        if let Some(why) = info.read_only {
            let message = format!("Cannot modify members of '{}' because it is a '{why}'", info.name);
            self.report("CS1654", message, span);
            return None;
        }
        let Type::Tuple(items) = &info.ty else { return None };
        let kept = self.temporary(Type::OBJECT);
        let field = |position: usize| {
            if position == index {
                Node::Local(kept)
            } else {
                Node::Field(Box::new(Node::Local(local)), position)
            }
        };
        let fields = (0..items.len()).map(field).collect();
        let keep = Node::Assign(Box::new(Target::Local(kept)), Box::new(value));
        let change = Node::Fields(info.ty.clone(), fields);
        let change = Node::Assign(Box::new(Target::Local(local)), Box::new(change));
        Some(Node::Seq(vec![keep, change], Box::new(Node::Local(kept))))
    }

    /// A place whose parts are computed once: receiver and indexes go to variables first.
    fn once(&mut self, place: Val, span: Span) -> Option<(Vec<Node>, Val)> {
        let mut effects = Vec::new();
        let mut keep = |binder: &mut Self, node: Node| {
            if matches!(node, Node::Local(_) | Node::Const(_) | Node::Context(_)) {
                return node;
            }
            let local = binder.temporary(Type::OBJECT);
            effects.push(Node::Assign(Box::new(Target::Local(local)), Box::new(node)));
            Node::Local(local)
        };
        let node = match place.node {
            Node::Element(array, indexes) => {
                let array = keep(self, *array);
                let indexes = indexes.into_iter().map(|index| keep(self, index)).collect();
                Node::Element(Box::new(array), indexes)
            }
            Node::Call(call) => {
                let call = *call;
                let arguments = call.arguments.into_iter().map(|argument| keep(self, argument)).collect();
                Node::Call(Box::new(Call { arguments, ..call }))
            }
            other => other,
        };
        let place = Val { node, ..place };
        if self.tuple_field(&place).is_none() {
            self.target(place.clone(), span)?;
        }
        Some((effects, place))
    }

    /// Where an assignment to this value goes; reports CS0131, CS0200 and CS1656.
    pub(super) fn target(&mut self, place: Val, span: Span) -> Option<Target> {
        match place.node {
            Node::Local(local) => {
                let read_only = self.info(local.id).and_then(|info| info.read_only);
                if let Some(why) = read_only {
                    let name = self.info(local.id).map(|i| i.name.to_string()).unwrap_or_default();
                    let message = format!("Cannot assign to '{name}' because it is a '{why}'");
                    self.report("CS1656", message, span);
                    return None;
                }
                Some(Target::Local(local))
            }
            Node::Element(array, indexes) => Some(Target::Element(array, indexes)),
            Node::Call(call) if call.member.set.is_some() => Some(Target::Member(call)),
            Node::Call(call) if call.member.kind != crate::parser::signature::MemberKind::Method => {
                let owner = crate::types::library().get(call.member.owner).display_name().to_owned();
                let name =
                    if call.member.name == "Item" { "this[]".to_owned() } else { call.member.name.clone() };
                let message =
                    format!("Property or indexer '{owner}.{name}' cannot be assigned to -- it is read only");
                self.report("CS0200", message, span);
                None
            }
            Node::Field(..) => {
                let message =
                    "Property or indexer of an anonymous type cannot be assigned to -- it is read only"
                        .to_owned();
                self.report("CS0200", message, span);
                None
            }
            _ if place.ty.is_error() => None,
            _ => {
                let message =
                    "The left-hand side of an assignment must be a variable, property or indexer".to_owned();
                self.report("CS0131", message, span);
                None
            }
        }
    }

    pub(super) fn increment(&mut self, operator: Unary, operand: &Expr, span: Span) -> Val {
        let place = self.value(operand);
        if place.ty.is_error() {
            return Val::error();
        }
        let ty = place.ty.clone();
        let plain = ty.non_nullable();
        if super::conversion::numeric_or_enum(plain).is_none() {
            let symbol =
                if matches!(operator, Unary::PreIncrement | Unary::PostIncrement) { "++" } else { "--" };
            let message =
                format!("Operator '{symbol}' cannot be applied to operand of type '{}'", ty.display());
            return self.error("CS0023", message, span);
        }
        let Some((mut effects, place)) = self.once(place, operand.span) else { return Val::error() };
        let adds = matches!(operator, Unary::PreIncrement | Unary::PostIncrement);
        let binary = if adds { Binary::Add } else { Binary::Sub };
        let one = Self::constant(Constant::I32(1), Type::INT);
        if matches!(operator, Unary::PreIncrement | Unary::PreDecrement) {
            let result = self.binary_values(binary, place.clone(), one, span);
            let result = self.cast(Bound::Value(result), &ty, span);
            return self.assign_after(effects, place, result, span);
        }
        let before = self.temporary(ty.clone());
        effects.push(Node::Assign(Box::new(Target::Local(before)), Box::new(place.node.clone())));
        let old = Val::new(Node::Local(before), ty.clone());
        let result = self.binary_values(binary, old, one, span);
        let result = self.cast(Bound::Value(result), &ty, span);
        let assign = self.assign_after(Vec::new(), place, result, span);
        effects.push(assign.node);
        Val::new(Node::Seq(effects, Box::new(Node::Local(before))), ty)
    }

    /// `(a, b) = value` and its declaring forms.
    fn deconstruct(&mut self, target: &Expr, value: &Expr, span: Span) -> Val {
        let bound = self.expr(value);
        let val = match bound {
            Bound::Tuple(items) => {
                let Some(ty) = self.tuple_for(target, &items) else {
                    return self.error(
                        "CS8131",
                        "Deconstruct assignment requires an expression with a type on the right-hand-side."
                            .to_owned(),
                        span,
                    );
                };
                self.convert(Bound::Tuple(items), &ty, value.span)
            }
            other => self.as_value(other, value.span),
        };
        if val.ty.is_error() {
            return Val::error();
        }
        let local = self.temporary(val.ty.clone());
        let mut effects = vec![Node::Assign(Box::new(Target::Local(local)), Box::new(val.node))];
        self.deconstruct_into(target, Val::new(Node::Local(local), val.ty.clone()), &mut effects, span);
        Val::new(Node::Seq(effects, Box::new(Node::Local(local))), val.ty)
    }

    /// The tuple type that a literal takes: declared element types where it has none itself.
    fn tuple_for(&mut self, _target: &Expr, items: &[(Option<String>, Bound, Span)]) -> Option<Type> {
        self.natural_tuple(items)
    }

    /// Spreads a tuple or key-value pair over the parts of a target.
    pub(super) fn deconstruct_into(&mut self, target: &Expr, val: Val, effects: &mut Vec<Node>, span: Span) {
        let parts = self.parts_of(&val, span);
        let count = match &target.kind {
            ExprKind::Tuple(items) => items.len(),
            _ => 0,
        };
        if parts.len() != count {
            if !parts.is_empty() {
                let message = format!(
                    "Cannot deconstruct a tuple of '{}' elements into '{count}' variables.",
                    parts.len()
                );
                self.report("CS8132", message, span);
            }
            return;
        }
        if let ExprKind::Tuple(items) = &target.kind {
            for ((_, item), part) in items.iter().zip(parts) {
                self.deconstruct_part(item, part, effects, span);
            }
        }
    }

    fn deconstruct_part(&mut self, item: &Expr, part: Val, effects: &mut Vec<Node>, span: Span) {
        match &item.kind {
            ExprKind::Tuple(_) => self.deconstruct_into(item, part, effects, span),
            ExprKind::Declaration(ty, name) => {
                let ty = if Self::is_var(ty) { part.ty.clone() } else { self.resolve(ty) };
                let val = self.convert(Bound::Value(part), &ty, item.span);
                if let Some(name) = name {
                    let local = self.declare(name, ty);
                    effects.push(Node::Assign(Box::new(Target::Local(local)), Box::new(val.node)));
                }
            }
            ExprKind::Name(name, _) if &*name.text == "_" && self.look_up("_").is_none() => {}
            _ => {
                let place = self.value(item);
                let ty = place.ty.clone();
                if let Some(target) = self.target(place, item.span) {
                    let val = self.convert(Bound::Value(part), &ty, item.span);
                    effects.push(Node::Assign(Box::new(target), Box::new(val.node)));
                }
            }
        }
    }

    fn parts_of(&mut self, val: &Val, span: Span) -> Vec<Val> {
        match &val.ty {
            Type::Tuple(items) => items
                .iter()
                .enumerate()
                .map(|(index, (ty, _))| Val::new(Node::Field(Box::new(val.node.clone()), index), ty.clone()))
                .collect(),
            Type::Generic(crate::types::KEY_VALUE_PAIR, _) => ["Key", "Value"]
                .into_iter()
                .filter_map(|name| {
                    let name = Name { text: name.into(), span };
                    match self.member_of(val.clone(), &name, &[], false) {
                        Bound::Value(part) => Some(part),
                        _ => None,
                    }
                })
                .collect(),
            other => {
                let message = format!(
                    "No suitable 'Deconstruct' instance or extension method was found for type '{}'",
                    other.display()
                );
                self.report("CS8129", message, span);
                Vec::new()
            }
        }
    }

    /// A call whose method group is already bound.
    pub(super) fn call_bound(&mut self, group: super::Group, arguments: &[Argument], span: Span) -> Val {
        let args = self.bind_arguments(arguments);
        self.call_methods(group, args, span)
    }
}
