//! Carries conversions out: the node that converts, or the report that there is none.

use super::conversion::{Standard, implicit, is_explicit_reference, numeric, numeric_or_enum};
use super::{Binder, Bound, Val};
use crate::code::{Node, Numeric, WhenNull};
use crate::span::Span;
use crate::syntax::Constant;
use crate::types::Type;

impl Binder<'_> {
    /// Implicit conversion, with CS0029, CS0266 and their kin.
    pub(super) fn convert(&mut self, from: Bound, to: &Type, span: Span) -> Val {
        match self.try_convert(from, to, span) {
            Ok(val) => val,
            Err(from) => self.no_conversion(&from, to, span),
        }
    }

    /// Whether [`Self::try_convert`] would succeed.
    pub(super) fn converts(&mut self, from: &Bound, to: &Type) -> bool {
        match from {
            Bound::Value(val) => {
                implicit(&val.ty, to).is_some()
                    || constant_fits(val, to)
                    || self.user_implicit(&val.ty, to).is_some()
            }
            Bound::Default | Bound::Throw(_) | Bound::Error => true,
            Bound::Lambda(lambda, _) => self.lambda_converts(lambda, to),
            Bound::Methods(group) => self.group_converts(group, to),
            Bound::Tuple(items) => match to {
                Type::Tuple(types) => {
                    items.len() == types.len()
                        && items
                            .iter()
                            .zip(types.iter())
                            .all(|((_, item, _), (ty, _))| self.converts(item, ty))
                }
                Type::Generic(..) if to.nullable().is_some() => {
                    self.converts(from, &to.non_nullable().clone())
                }
                _ => match self.natural_tuple(items) {
                    Some(ty) => implicit(&ty, to).is_some(),
                    None => false,
                },
            },
            Bound::Declaration(..) | Bound::Type(_) | Bound::Namespace(_) => false,
        }
    }

    pub(super) fn try_convert(&mut self, from: Bound, to: &Type, span: Span) -> Result<Val, Bound> {
        if to.is_error() {
            return Ok(Val::error());
        }
        match from {
            Bound::Value(val) => self.convert_value(val, to).map_err(Bound::Value),
            Bound::Error => Ok(Val::error()),
            Bound::Default => Ok(self.default_of(to)),
            Bound::Throw(node) => Ok(Val::new(*node, to.clone())),
            Bound::Lambda(lambda, span) => {
                self.convert_lambda(&lambda, to, span).ok_or(Bound::Lambda(lambda, span))
            }
            Bound::Methods(group) => self.convert_group(&group, to).ok_or(Bound::Methods(group)),
            Bound::Tuple(items) => self.convert_tuple(items, to, span),
            other => Err(other),
        }
    }

    /// The default value of a type.
    pub(super) fn default_of(&mut self, ty: &Type) -> Val {
        if ty.accepts_null() {
            return Val { node: Node::Const(Constant::Null), ty: ty.clone(), constant: None };
        }
        let constant = match numeric(ty) {
            Some(kind) => Some(zero(kind)),
            None if *ty == Type::BOOL => Some(Constant::Bool(false)),
            None => None,
        };
        match constant {
            Some(constant) => Self::constant(constant, ty.clone()),
            None => Val::new(Node::Default(ty.clone()), ty.clone()),
        }
    }

    fn convert_tuple(
        &mut self,
        items: Vec<(Option<String>, Bound, Span)>,
        to: &Type,
        span: Span,
    ) -> Result<Val, Bound> {
        let target = to.non_nullable().clone();
        let types: Vec<Type> = match &target {
            Type::Tuple(types) if types.len() == items.len() => {
                types.iter().map(|(ty, _)| ty.clone()).collect()
            }
            _ => match self.natural_tuple(&items) {
                Some(natural) if implicit(&natural, to).is_some() => {
                    let val = self.convert(Bound::Tuple(items), &natural, span);
                    return Ok(Val::new(val.node, to.clone()));
                }
                _ => return Err(Bound::Tuple(items)),
            },
        };
        let nodes = items
            .into_iter()
            .zip(&types)
            .map(|((_, item, span), ty)| self.convert(item, ty, span).node)
            .collect();
        Ok(Val::new(Node::Fields(target, nodes), to.clone()))
    }

    /// A value by its type: standard conversion, constant that fits, or an operator of a type.
    pub(super) fn convert_value(&mut self, val: Val, to: &Type) -> Result<Val, Val> {
        if let Some(standard) = implicit(&val.ty, to) {
            return Ok(self.standard(val, to, &standard));
        }
        if constant_fits(&val, to) {
            let inner = to.non_nullable().clone();
            return Ok(Val { ty: to.clone(), ..self.fold_conversion(val, &inner) });
        }
        match self.user_implicit(&val.ty, to) {
            Some(found) => Ok(self.apply_user(val, to, &found)),
            None => Err(val),
        }
    }

    fn standard(&mut self, val: Val, to: &Type, how: &Standard) -> Val {
        match how {
            Standard::Identity => Val { ty: to.clone(), ..val },
            Standard::Reference => {
                let val = if to.def() == Some(crate::types::SEQUENCE) && is_pairs(to) {
                    self.pairs(val)
                } else {
                    val
                };
                Val { constant: None, ty: to.clone(), ..val }
            }
            Standard::Numeric => self.fold_conversion(val, to),
            Standard::Wrap(inner) => {
                let target = to.non_nullable().clone();
                let inner = self.standard(val, &target, inner);
                Val { constant: None, ..Val { ty: to.clone(), ..inner } }
            }
            Standard::Lift(inner) => self.lift(val, to, inner),
            Standard::Tuple => self.convert_tuple_value(val, to),
        }
    }

    /// A `JObject` seen as a sequence of key-value pairs: as a token it enumerates its properties.
    pub(super) fn pairs(&mut self, val: Val) -> Val {
        let found = val.ty.def().and_then(|def| crate::types::library().get(def).named("AsPairs__").first());
        let Some(member) = found else { return val };
        let call = crate::code::Call {
            member,
            arguments: vec![val.node],
            types: Box::default(),
            checks_null: true,
            references: Vec::new(),
        };
        Val::new(Node::Call(Box::new(call)), member.result.clone())
    }

    fn lift(&mut self, val: Val, to: &Type, inner: &Standard) -> Val {
        if *inner == Standard::Identity {
            return Val { ty: to.clone(), ..val };
        }
        let from = val.ty.non_nullable().clone();
        let target = to.non_nullable().clone();
        let local = self.temporary(from.clone());
        let converted = self.standard(Val::new(Node::Local(local), from), &target, inner);
        let node = Node::Lifted(vec![(val.node, local)], Box::new(converted.node), WhenNull::Null);
        Val::new(node, to.clone())
    }

    fn convert_tuple_value(&mut self, val: Val, to: &Type) -> Val {
        let (Type::Tuple(from), Type::Tuple(types)) = (val.ty.clone(), to) else { return val };
        let local = self.temporary(val.ty.clone());
        let keep = Node::Assign(Box::new(crate::code::Target::Local(local)), Box::new(val.node));
        let mut nodes = Vec::new();
        for (index, ((from, _), (ty, _))) in from.iter().zip(types.iter()).enumerate() {
            let field = Val::new(Node::Field(Box::new(Node::Local(local)), index), from.clone());
            nodes.push(self.convert(Bound::Value(field), ty, Span::default()).node);
        }
        Val::new(Node::Seq(vec![keep], Box::new(Node::Fields(to.clone(), nodes))), to.clone())
    }

    /// An explicit conversion `(T)x`.
    pub(super) fn cast(&mut self, from: Bound, to: &Type, span: Span) -> Val {
        let val = match self.try_convert(from, to, span) {
            Ok(val) => return Val { constant: val.constant, ..val },
            Err(Bound::Value(val)) => val,
            Err(other) => return self.no_conversion(&other, to, span),
        };
        if val.ty.is_error() || to.is_error() {
            return Val::error();
        }
        match self.explicit(val, to, span) {
            Ok(val) => val,
            Err(val) => {
                let message = format!("Cannot convert type '{}' to '{}'", val.ty.qualified(), to.qualified());
                self.error("CS0030", message, span)
            }
        }
    }

    fn explicit(&mut self, val: Val, to: &Type, span: Span) -> Result<Val, Val> {
        if numeric_or_enum(&val.ty).is_some() && numeric_or_enum(to).is_some() {
            return Ok(self.explicit_numeric(val, to, span));
        }
        if val.ty == Type::OBJECT || val.ty == Type::VALUE_TYPE || is_explicit_reference(&val.ty, to) {
            return Ok(Val::new(Node::Cast(to.clone(), Box::new(val.node)), to.clone()));
        }
        match (val.ty.nullable().cloned(), to.nullable().cloned()) {
            (Some(from), Some(inner)) => {
                let local = self.temporary(from.clone());
                let converted = self.explicit(Val::new(Node::Local(local), from), &inner, span)?;
                let node = Node::Lifted(vec![(val.node, local)], Box::new(converted.node), WhenNull::Null);
                return Ok(Val::new(node, to.clone()));
            }
            (Some(from), None) if self.user_explicit(&val.ty, to).is_none() => {
                let unwrapped = Val::new(Node::Unwrap(Box::new(val.node)), from.clone());
                if from == *to {
                    return Ok(unwrapped);
                }
                return self.convert_value(unwrapped, to).or_else(|val| self.explicit(val, to, span));
            }
            (None, Some(inner)) if self.user_explicit(&val.ty, to).is_none() => {
                let converted = self.explicit(val, &inner, span)?;
                return Ok(Val { constant: None, ..Val { ty: to.clone(), ..converted } });
            }
            _ => {}
        }
        if let (Type::Tuple(a), Type::Tuple(b)) = (&val.ty, to)
            && a.len() == b.len()
        {
            return Ok(self.convert_tuple_value(val, to));
        }
        match self.user_explicit(&val.ty, to) {
            Some(found) => Ok(self.apply_user(val, to, &found)),
            None => Err(val),
        }
    }

    fn explicit_numeric(&mut self, val: Val, to: &Type, span: Span) -> Val {
        if let Some(constant) = &val.constant
            && !self.in_unchecked()
            && !super::constant::in_range(constant, to)
        {
            let shown = super::constant::display(constant);
            let message = format!(
                "Constant value '{shown}' cannot be converted to a '{}' (use 'unchecked' syntax to override)",
                to.display()
            );
            return self.error("CS0221", message, span);
        }
        self.fold_conversion(val, to)
    }

    /// A numeric conversion, done now when the value is known.
    pub(super) fn fold_conversion(&mut self, val: Val, to: &Type) -> Val {
        let (Some(from), Some(target)) = (numeric_or_enum(&val.ty), numeric_or_enum(to)) else {
            return Val { ty: to.clone(), ..val };
        };
        if from == target {
            return Val { ty: to.clone(), ..val };
        }
        if let Some(constant) = &val.constant {
            let kind = match target {
                Numeric::Enum(_) => Numeric::I32,
                other => other,
            };
            if let Some(folded) = super::constant::convert(constant, from, kind) {
                return Self::constant(folded, to.clone());
            }
        }
        let checked = self.checked;
        Val::new(Node::Convert { from, to: target, checked, value: Box::new(val.node) }, to.clone())
    }

    /// A constant of a type; enumerations carry their number.
    pub(super) fn constant(constant: Constant, ty: Type) -> Val {
        let node = match (&ty, crate::run::constant_number(&constant)) {
            (Type::Def(def), Some(value)) if ty.is_enum() => Node::Enum(*def, value),
            _ => Node::Const(constant.clone()),
        };
        Val { node, ty, constant: Some(constant) }
    }

    fn no_conversion(&mut self, from: &Bound, to: &Type, span: Span) -> Val {
        let target = to.display();
        match from {
            Bound::Value(val) if val.ty.is_error() => Val::error(),
            Bound::Value(val) if val.ty == Type::Null => {
                let message =
                    format!("Cannot convert null to '{target}' because it is a non-nullable value type");
                self.error("CS0037", message, span)
            }
            Bound::Value(val) => {
                let mark = self.reports.len();
                let explicit = self.explicit(val.clone(), to, span).is_ok() && self.reports.len() == mark;
                self.reports.truncate(mark);
                let (source, target) = (val.ty.qualified(), to.qualified());
                if let (Some(constant), true) =
                    (&val.constant, numeric(&val.ty).is_some() && numeric(to).is_some())
                    && val.ty == Type::INT
                    && !super::constant::in_range(constant, to)
                {
                    let shown = super::constant::display(constant);
                    let target = to.display();
                    return self.error(
                        "CS0031",
                        format!("Constant value '{shown}' cannot be converted to a '{target}'"),
                        span,
                    );
                }
                if explicit {
                    let message = format!(
                        "Cannot implicitly convert type '{source}' to '{target}'. An explicit conversion exists (are you missing a cast?)"
                    );
                    return self.error("CS0266", message, span);
                }
                self.error("CS0029", format!("Cannot implicitly convert type '{source}' to '{target}'"), span)
            }
            Bound::Lambda(lambda, lambda_span) => self.bad_lambda(lambda, to, *lambda_span),
            Bound::Methods(group) => {
                let name = &group.name.text;
                if to.is_delegate() {
                    let message = format!("No overload for '{name}' matches delegate '{target}'");
                    return self.error("CS0123", message, span);
                }
                let message = format!(
                    "Cannot convert method group '{name}' to non-delegate type '{target}'. Did you intend to invoke the method?"
                );
                self.error("CS0428", message, span)
            }
            Bound::Type(ty) => {
                let message =
                    format!("'{}' is a type, which is not valid in the given context", ty.display());
                self.error("CS0119", message, span)
            }
            _ => {
                self.error("CS0029", format!("Cannot implicitly convert the expression to '{target}'"), span)
            }
        }
    }

    fn in_unchecked(&self) -> bool {
        self.in_constant
    }
}

/// An `int` constant converts to a smaller kind that holds it; the constant 0 to any enumeration.
pub(super) fn constant_fits(val: &Val, to: &Type) -> bool {
    let Some(constant) = &val.constant else { return false };
    let to = to.non_nullable();
    if val.ty == Type::INT {
        if to.is_enum() {
            return *constant == Constant::I32(0);
        }
        let small = matches!(
            numeric(to),
            Some(Numeric::I8 | Numeric::U8 | Numeric::I16 | Numeric::U16 | Numeric::U32 | Numeric::U64)
        );
        return small && super::constant::in_range(constant, to);
    }
    val.ty == Type::LONG && *to == Type::ULONG && super::constant::in_range(constant, to)
}

fn is_pairs(ty: &Type) -> bool {
    ty.arguments().first().is_some_and(|element| element.def() == Some(crate::types::KEY_VALUE_PAIR))
}

fn zero(kind: Numeric) -> Constant {
    match kind {
        Numeric::I8 => Constant::I8(0),
        Numeric::U8 => Constant::U8(0),
        Numeric::I16 => Constant::I16(0),
        Numeric::U16 => Constant::U16(0),
        Numeric::Char => Constant::Char(0),
        Numeric::I32 | Numeric::Enum(_) => Constant::I32(0),
        Numeric::U32 => Constant::U32(0),
        Numeric::I64 => Constant::I64(0),
        Numeric::U64 => Constant::U64(0),
        Numeric::F32 => Constant::F32(0.0),
        Numeric::F64 => Constant::F64(0.0),
        Numeric::Decimal => Constant::Decimal(rust_decimal::Decimal::ZERO),
    }
}
