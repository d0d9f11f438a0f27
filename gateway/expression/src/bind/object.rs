//! `new`: objects with initializers, arrays, anonymous objects.

use super::{Binder, Bound, Val};
use crate::code::{Local, Node, Target};
use crate::span::Span;
use crate::syntax::{
    Argument, ArrayInit, Expr, ExprKind, InitTarget, InitValue, Initializer, Mode, Name, TypeKind, TypeSyntax,
};
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn creation(
        &mut self,
        ty: &TypeSyntax,
        arguments: &[Argument],
        initializer: Option<&Initializer>,
        span: Span,
    ) -> Val {
        let ty_span = ty.span;
        let ty = self.resolve(ty);
        let args = self.bind_arguments(arguments);
        if ty.is_error() {
            return Val::error();
        }
        if let Type::Generic(..) = &ty
            && let Some(inner) = ty.nullable().cloned()
        {
            return self.nullable_creation(&ty, &inner, args, span);
        }
        if ty.is_delegate() {
            return match args.into_iter().next() {
                Some(arg) => self.convert(arg.bound, &ty, span),
                None => self.error("CS1729", "Method name expected".to_owned(), span),
            };
        }
        let val = self.construct_object(&ty, args, ty_span);
        match initializer {
            None => val,
            Some(initializer) => {
                let local = self.temporary(ty.clone());
                let keep = Node::Assign(Box::new(Target::Local(local)), Box::new(val.node));
                let mut effects = vec![keep];
                self.initialize(local, &ty, initializer, &mut effects, span);
                Val::new(Node::Seq(effects, Box::new(Node::Local(local))), ty)
            }
        }
    }

    fn nullable_creation(
        &mut self,
        ty: &Type,
        inner: &Type,
        args: Vec<super::argument::Arg>,
        span: Span,
    ) -> Val {
        match args.into_iter().next() {
            None => self.default_of(ty),
            Some(arg) => {
                let val = self.convert(arg.bound, inner, span);
                Val { constant: None, ..Val { ty: ty.clone(), ..val } }
            }
        }
    }

    /// The effects of `{ … }` on the object in a variable.
    fn initialize(
        &mut self,
        local: Local,
        ty: &Type,
        initializer: &Initializer,
        effects: &mut Vec<Node>,
        span: Span,
    ) {
        let object = || Val::new(Node::Local(local), ty.clone());
        match initializer {
            Initializer::Collection(elements) => {
                for element in elements {
                    let arguments: Vec<Argument> = element
                        .iter()
                        .map(|value| Argument { name: None, mode: Mode::Value, value: value.clone() })
                        .collect();
                    let name = Name { text: "Add".into(), span: element.first().map_or(span, |e| e.span) };
                    let added = match self.member_of(object(), &name, &[], true) {
                        Bound::Methods(group) => self.call_bound(*group, &arguments, span),
                        _ => return,
                    };
                    effects.push(added.node);
                }
            }
            Initializer::Object(members) => {
                for member in members {
                    let target = match &member.target {
                        InitTarget::Member(name) => match self.member_of(object(), name, &[], false) {
                            Bound::Value(val) => (val, name.span),
                            Bound::Error => continue,
                            _ => {
                                let message = format!(
                                    "Member '{}' cannot be initialized. It is not a field or property.",
                                    name.text
                                );
                                self.report("CS1913", message, name.span);
                                continue;
                            }
                        },
                        InitTarget::Index(arguments, span) => {
                            (self.index_of(object(), arguments, *span), *span)
                        }
                    };
                    self.initialize_member(target, &member.value, effects);
                }
            }
        }
    }

    fn initialize_member(&mut self, target: (Val, Span), value: &InitValue, effects: &mut Vec<Node>) {
        let (target, span) = target;
        match value {
            InitValue::Expr(value) => {
                let bound = self.expr(value);
                let val = self.convert(bound, &target.ty.clone(), value.span);
                if let Some(target) = self.target(target, span) {
                    effects.push(Node::Assign(Box::new(target), Box::new(val.node)));
                }
            }
            InitValue::Nested(initializer, span) => {
                let ty = target.ty.clone();
                let local = self.temporary(ty.clone());
                effects.push(Node::Assign(Box::new(Target::Local(local)), Box::new(target.node)));
                self.initialize(local, &ty, initializer, effects, *span);
            }
        }
    }

    /// `new T[n]`, `new T[] { … }`.
    pub(super) fn new_array(
        &mut self,
        ty: &TypeSyntax,
        sizes: &[Expr],
        init: Option<&ArrayInit>,
        span: Span,
    ) -> Val {
        let ty = self.resolve(ty);
        let Type::Array(element, _) = &ty else { return Val::error() };
        let element = (**element).clone();
        let sizes: Vec<Val> = sizes
            .iter()
            .map(|size| {
                let bound = self.expr(size);
                self.convert(bound, &Type::INT, size.span)
            })
            .collect();
        if let Some(init) = init {
            self.array_init(&ty, init, &sizes, span)
        } else {
            let negative = sizes
                .iter()
                .any(|s| s.constant.as_ref().and_then(crate::run::constant_number).is_some_and(|n| n < 0));
            if negative {
                return self.error("CS0248", "Cannot create an array with a negative size".to_owned(), span);
            }
            Val::new(Node::NewArray(element, sizes.into_iter().map(|s| s.node).collect()), ty)
        }
    }

    /// The elements of an array of a known type.
    pub(super) fn array_init(&mut self, ty: &Type, init: &ArrayInit, sizes: &[Val], span: Span) -> Val {
        let Type::Array(element, rank) = ty else {
            let message = "Can only use array initializer expressions to assign to array types. Try using a new expression instead.";
            return self.error("CS0622", message.to_owned(), span);
        };
        let mut nodes = Vec::new();
        let mut lengths = vec![0; usize::from(*rank)];
        self.array_level(element, init, 0, &mut lengths, &mut nodes, span);
        for (size, length) in sizes.iter().zip(&lengths) {
            let given = size.constant.as_ref().and_then(crate::run::constant_number);
            if given != Some(*length as i64) {
                let message = match given {
                    Some(given) => {
                        return self.error(
                            "CS0847",
                            format!("An array initializer of length '{given}' is expected"),
                            span,
                        );
                    }
                    None => "A constant value is expected".to_owned(),
                };
                return self.error("CS0150", message, span);
            }
        }
        Val::new(Node::Array((**element).clone(), nodes, lengths), ty.clone())
    }

    fn array_level(
        &mut self,
        element: &Type,
        init: &ArrayInit,
        level: usize,
        lengths: &mut [usize],
        nodes: &mut Vec<Node>,
        span: Span,
    ) {
        let ArrayInit::Items(items, span) = init else {
            self.report("CS0846", "A nested array initializer is expected".to_owned(), span);
            return;
        };
        let innermost = level + 1 == lengths.len();
        if let Some(length) = lengths.get_mut(level) {
            if nodes.is_empty() || level == 0 {
                *length = items.len();
            } else if *length != items.len() {
                let message = format!("An array initializer of length '{length}' is expected");
                self.report("CS0847", message, *span);
                return;
            }
        }
        for item in items {
            match item {
                ArrayInit::Expr(value) if innermost => {
                    let bound = self.expr(value);
                    nodes.push(self.convert(bound, element, value.span).node);
                }
                ArrayInit::Items(_, inner) if innermost => {
                    let message = "Array initializers can only be used in a variable or field initializer. Try using a new expression instead.";
                    self.report("CS0623", message.to_owned(), *inner);
                }
                nested => self.array_level(element, nested, level + 1, lengths, nodes, *span),
            }
        }
    }

    /// `new[] { … }`.
    pub(super) fn implicit_array(&mut self, items: &[Expr], span: Span) -> Val {
        let mut bound: Vec<(Bound, Span)> = Vec::with_capacity(items.len());
        for item in items {
            let found = match self.expr(item) {
                tuple @ Bound::Tuple(_) => Bound::Value(self.as_value(tuple, item.span)),
                other => other,
            };
            bound.push((found, item.span));
        }
        if bound.iter().any(|(b, _)| matches!(b, Bound::Error)) {
            return Val::error();
        }
        let values: Vec<Val> = bound
            .iter()
            .filter_map(|(b, _)| match b {
                Bound::Value(val) => Some(val.clone()),
                _ => None,
            })
            .collect();
        let element = self.best_common(&values);
        if element.is_error() || element == Type::Void {
            if values.iter().any(|v| v.ty.is_error()) {
                return Val::error();
            }
            return self.error("CS0826", "No best type found for implicitly-typed array".to_owned(), span);
        }
        let nodes: Vec<Node> =
            bound.into_iter().map(|(item, span)| self.convert(item, &element, span).node).collect();
        let length = nodes.len();
        Val::new(Node::Array(element.clone(), nodes, vec![length]), Type::array_of(element, 1))
    }

    pub(super) fn anonymous(&mut self, fields: &[(Option<Name>, Expr)], _span: Span) -> Val {
        let mut types: Vec<(String, Type)> = Vec::new();
        let mut nodes = Vec::new();
        for (name, value) in fields {
            let name = name.as_ref().map(|n| n.text.clone()).or_else(|| inferred_name(value));
            let Some(name) = name else {
                let message = "Invalid anonymous type member declarator. Anonymous type members must be declared with a member assignment, simple name or member access.";
                return self.error("CS0746", message.to_owned(), value.span);
            };
            let val = self.value(value);
            if val.ty == Type::Null || val.ty == Type::Void {
                let message = format!("Cannot assign {} to anonymous type property", val.ty.display());
                return self.error("CS0828", message, value.span);
            }
            if types.iter().any(|(n, _)| **n == *name) {
                let message =
                    "An anonymous type cannot have multiple properties with the same name".to_owned();
                return self.error("CS0833", message, value.span);
            }
            types.push((name.to_string(), val.ty));
            nodes.push(val.node);
        }
        let ty = Type::Anonymous(types.into());
        Val::new(Node::Fields(ty.clone(), nodes), ty)
    }

    /// `{ 1, 2 }` in a declaration, or any other value of a declared type.
    pub(super) fn initial_value(&mut self, value: &Expr, ty: &Type) -> Val {
        if let ExprKind::ArrayInit(init) = &value.kind {
            return self.array_init(ty, init, &[], value.span);
        }
        let bound = self.expr(value);
        self.convert(bound, ty, value.span)
    }

    /// Whether a type was left to be found.
    pub(super) fn is_var(ty: &TypeSyntax) -> bool {
        matches!(ty.kind, TypeKind::Var)
    }
}

/// The name an anonymous or tuple member takes from its value.
pub(super) fn inferred_name(value: &Expr) -> Option<std::sync::Arc<str>> {
    match &value.kind {
        ExprKind::Name(name, _) | ExprKind::Member(_, name, _) => Some(name.text.clone()),
        ExprKind::Conditional(_, rest) => inferred_name(rest),
        _ => None,
    }
}
