//! Conversions that a type declares: implicit and explicit operators (C# specification §10.5).

use super::conversion::implicit;
use super::{Binder, Val};
use crate::code::{Call, Node};
use crate::parser::signature::MemberKind;
use crate::types::{MemberDef, Type, library};

/// An operator and the types that it takes and gives.
#[derive(Clone, Debug)]
pub(crate) struct UserConversion {
    member: &'static MemberDef,
    class: Vec<Type>,
    from: Type,
    to: Type,
}

impl Binder<'_> {
    pub(super) fn user_implicit(&mut self, from: &Type, to: &Type) -> Option<UserConversion> {
        declared_implicit(from, to)
    }

    pub(super) fn user_explicit(&mut self, from: &Type, to: &Type) -> Option<UserConversion> {
        if from.is_error() || *from == Type::Null || *from == Type::OBJECT || *to == Type::OBJECT {
            return None;
        }
        if let Some(found) = exact(from, to, true) {
            return Some(found);
        }
        let mut found = operators(from, to, true);
        let near = |a: &Type, b: &Type| implicit(a, b).is_some() || implicit(b, a).is_some() || numbers(a, b);
        found.retain(|c| near(from, &c.from) && near(&c.to, to));
        choose(found, from, to)
    }

    pub(super) fn apply_user(&mut self, val: Val, to: &Type, found: &UserConversion) -> Val {
        let span = crate::span::Span::default();
        let argument = self.cast(super::Bound::Value(val), &found.from, span);
        let call = Call {
            member: found.member,
            arguments: vec![argument.node],
            types: found.class.clone().into(),
            checks_null: false,
            references: Vec::new(),
        };
        let result = Val::new(Node::Call(Box::new(call)), found.to.clone());
        if found.to == *to { result } else { self.cast(super::Bound::Value(result), to, span) }
    }
}

fn declared_implicit(from: &Type, to: &Type) -> Option<UserConversion> {
    if from.is_error()
        || *from == Type::Null
        || *from == Type::OBJECT
        || *to == Type::OBJECT
        || from.is_interface()
        || to.is_interface()
    {
        return None;
    }
    if let Some(found) = exact(from, to, false) {
        return Some(found);
    }
    let mut found = operators(from, to, false);
    found.retain(|c| implicit(from, &c.from).is_some() && implicit(&c.to, to).is_some());
    choose(found, from, to)
}

/// Whether an implicit operator leads from one type to the other.
pub(super) fn declares_implicit(from: &Type, to: &Type) -> bool {
    declared_implicit(from, to).is_some()
}

fn numbers(a: &Type, b: &Type) -> bool {
    super::conversion::numeric(a.non_nullable()).is_some()
        && super::conversion::numeric(b.non_nullable()).is_some()
}

/// The operator of just these types: no other can be more specific.
fn exact(from: &Type, to: &Type, explicit: bool) -> Option<UserConversion> {
    let member = [from, to].into_iter().filter_map(Type::def).find_map(|def| {
        let named = |name| library().get(def).named(name).iter();
        let mut members = named("op_Implicit").chain(named("op_Explicit"));
        members.find(|member| {
            (explicit || member.kind == MemberKind::Implicit)
                && member.result == *to
                && member.parameters.first().is_some_and(|parameter| parameter.ty == *from)
        })
    })?;
    Some(UserConversion { member, class: Vec::new(), from: from.clone(), to: to.clone() })
}

/// Every conversion operator of both types and their bases.
fn operators(from: &Type, to: &Type, explicit: bool) -> Vec<UserConversion> {
    let mut found: Vec<UserConversion> = Vec::new();
    for start in [from.non_nullable(), to.non_nullable()] {
        let mut current = Some(start.clone());
        while let Some(ty) = current {
            if let Some(def) = ty.def() {
                for name in ["op_Implicit", "op_Explicit"] {
                    for member in library().get(def).named(name) {
                        if member.kind == MemberKind::Explicit && !explicit {
                            continue;
                        }
                        let class = ty.arguments().to_vec();
                        let Some(parameter) = member.parameters.first() else { continue };
                        let conversion = UserConversion {
                            member,
                            from: parameter.ty.substitute(&class, &[]),
                            to: member.result.substitute(&class, &[]),
                            class,
                        };
                        if !found.iter().any(|c| std::ptr::eq(c.member, *member)) {
                            found.push(conversion);
                        }
                    }
                }
            }
            current = library().base(&ty);
        }
    }
    found
}

/// The operator with the most specific source and target.
fn choose(found: Vec<UserConversion>, from: &Type, to: &Type) -> Option<UserConversion> {
    if found.is_empty() {
        return None;
    }
    let sources: Vec<Type> = found.iter().map(|c| c.from.clone()).collect();
    let targets: Vec<Type> = found.iter().map(|c| c.to.clone()).collect();
    let source = most_specific(&sources, from, true)?;
    let target = most_specific(&targets, to, false)?;
    let mut best = found.into_iter().filter(|c| c.from == source && c.to == target);
    best.next()
}

/// Of the types: the wanted one, else the nearest that encompasses it (source), or that it encompasses (target).
fn most_specific(types: &[Type], wanted: &Type, source: bool) -> Option<Type> {
    if types.contains(wanted) {
        return Some(wanted.clone());
    }
    let converts = |a: &Type, b: &Type| implicit(a, b).is_some();
    let near: Vec<&Type> =
        types.iter().filter(|ty| if source { converts(wanted, ty) } else { converts(ty, wanted) }).collect();
    let pool: Vec<&Type> = if near.is_empty() { types.iter().collect() } else { near.clone() };
    // Among those that encompass the wanted type the smallest is nearest; among the others the largest.
    let smallest = source != near.is_empty();
    pool.iter()
        .find(|ty| pool.iter().all(|other| if smallest { converts(ty, other) } else { converts(other, ty) }))
        .map(|ty| (*ty).clone())
}
