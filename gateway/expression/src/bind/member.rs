//! Member access: properties, constants, method groups, tuple and anonymous fields.

use super::{Binder, Bound, Candidate, Group, Val};
use crate::code::{Call, Node};
use crate::parser::signature::MemberKind;
use crate::span::Span;
use crate::syntax::{Expr, ExprKind, Name, TypeSyntax};
use crate::types::{Type, library};

impl Binder<'_> {
    /// `target.name`.
    pub(super) fn member_access(
        &mut self,
        target: &Expr,
        name: &Name,
        arguments: &[TypeSyntax],
        is_call: bool,
    ) -> Bound {
        let bound = match &target.kind {
            ExprKind::Name(first, list) => self.left_of_dot(first, list, name, arguments),
            ExprKind::Keyword(word) => Bound::Type(library().keyword(word)),
            ExprKind::Member(inner, middle, list) => self.member_access(inner, middle, list, false),
            _ => self.expr(target),
        };
        match bound {
            Bound::Namespace(namespace) => self.in_namespace(&namespace, name, arguments),
            Bound::Type(ty) => self.in_type(&ty, name, arguments),
            Bound::Value(val) => {
                // The service's own check does not see `?.member`; a call it sees.
                self.unlisted = matches!(target.kind, ExprKind::Receiver);
                let found = self.member_of(val, name, arguments, is_call);
                self.unlisted = false;
                found
            }
            Bound::Methods(group) => {
                let message =
                    format!("'{}' is a method, which is not valid in the given context", group.name.text);
                self.report("CS0119", message, target.span);
                Bound::Error
            }
            Bound::Error => Bound::Error,
            Bound::Tuple(items) => match self.natural_tuple(&items) {
                Some(ty) => {
                    let val = self.convert(Bound::Tuple(items), &ty, target.span);
                    self.member_of(val, name, arguments, is_call)
                }
                None => Bound::Error,
            },
            _ => {
                let message =
                    format!("Operator '.' cannot be applied to operand of type '{}'", "lambda expression");
                self.report("CS0023", message, target.span);
                Bound::Error
            }
        }
    }

    /// "Color Color": a name that is both a variable and a type is what has the member.
    fn left_of_dot(
        &mut self,
        first: &Name,
        list: &[TypeSyntax],
        name: &Name,
        arguments: &[TypeSyntax],
    ) -> Bound {
        let bound = self.simple_name(first, list);
        if let Bound::Value(val) = &bound
            && let Some(def) = super::name::find_type(&[&first.text], 0)
        {
            let same = val.ty == Type::Def(def);
            if same
                && self.members(&val.ty, &name.text).iter().all(|c| c.member.is_static)
                && arguments.is_empty()
            {
                return Bound::Type(Type::Def(def));
            }
        }
        bound
    }

    /// A member of a value.
    pub(super) fn member_of(
        &mut self,
        val: Val,
        name: &Name,
        arguments: &[TypeSyntax],
        is_call: bool,
    ) -> Bound {
        if val.ty.is_error() {
            return Bound::Error;
        }
        if let Some(field) = field(&val, &name.text) {
            return Bound::Value(field);
        }
        let ty = val.ty.clone();
        let members = self.members(&ty, &name.text);
        let has_instance = members.iter().any(|c| !c.member.is_static || c.member.is_extension);
        let extensions = library().extensions(&name.text);
        let is_value = members.iter().any(|c| c.member.kind == MemberKind::Property);
        // `list.Count()` where `Count` is a property: the extension method is meant.
        if is_call && is_value && !extensions.is_empty() && !self.is_delegate_property(&members) {
            return self.methods(Vec::new(), Some(val), &ty, name, arguments);
        }
        if members.is_empty() && extensions.is_empty()
            || (!has_instance && !members.is_empty() && extensions.is_empty())
        {
            return self.no_member(&val, name, !members.is_empty());
        }
        if !extensions.is_empty() && !is_value {
            let instance = members.into_iter().filter(|c| !c.member.is_static).collect();
            return self.methods(instance, Some(val), &ty, name, arguments);
        }
        let instance: Vec<Candidate> = members.into_iter().filter(|c| !c.member.is_static).collect();
        self.group_or_value(instance, Some(val), &ty, name, arguments)
    }

    fn is_delegate_property(&self, members: &[Candidate]) -> bool {
        members.iter().any(|c| c.member.result.is_delegate())
    }

    fn no_member(&mut self, val: &Val, name: &Name, is_static: bool) -> Bound {
        let shown = val.ty.display();
        if is_static {
            let message = format!(
                "Member '{shown}.{}' cannot be accessed with an instance reference; qualify it with a type name instead",
                name.text
            );
            self.report("CS0176", message, name.span);
            return Bound::Error;
        }
        if val.ty == Type::Null {
            self.report(
                "CS0023",
                "Operator '.' cannot be applied to operand of type '<null>'".to_owned(),
                name.span,
            );
            return Bound::Error;
        }
        if val.ty == Type::Void {
            self.report(
                "CS0023",
                "Operator '.' cannot be applied to operand of type 'void'".to_owned(),
                name.span,
            );
            return Bound::Error;
        }
        let message = format!(
            "'{shown}' does not contain a definition for '{0}' and no accessible extension method '{0}' accepting a first argument of type '{shown}' could be found (are you missing a using directive or an assembly reference?)",
            name.text
        );
        self.report("CS1061", message, name.span);
        Bound::Error
    }

    fn methods(
        &mut self,
        candidates: Vec<Candidate>,
        receiver: Option<Val>,
        ty: &Type,
        name: &Name,
        arguments: &[TypeSyntax],
    ) -> Bound {
        let type_arguments: Vec<Type> = arguments.iter().map(|a| self.resolve(a)).collect();
        Bound::Methods(Box::new(Group {
            name: name.clone(),
            receiver,
            ty: ty.clone(),
            candidates,
            type_arguments,
            is_local: None,
        }))
    }

    /// A property is read; methods wait for their arguments.
    pub(super) fn group_or_value(
        &mut self,
        members: Vec<Candidate>,
        receiver: Option<Val>,
        ty: &Type,
        name: &Name,
        arguments: &[TypeSyntax],
    ) -> Bound {
        let Some(first) = members.first().cloned() else { return Bound::Error };
        if first.member.kind == MemberKind::Method {
            return self.methods(members, receiver, ty, name, arguments);
        }
        if first.member.is_static != receiver.is_none() {
            if receiver.is_none() {
                let message = format!(
                    "An object reference is required for the non-static field, method, or property '{}.{}'",
                    ty.display(),
                    name.text
                );
                self.report("CS0120", message, name.span);
                return Bound::Error;
            }
            let message = format!(
                "Member '{}.{}' cannot be accessed with an instance reference; qualify it with a type name instead",
                ty.display(),
                name.text
            );
            self.report("CS0176", message, name.span);
            return Bound::Error;
        }
        if !self.unlisted {
            self.check_allowed(first.member.owner, &name.text, name.span);
        }
        Bound::Value(self.property(&first, receiver, name.span))
    }

    fn property(&mut self, found: &Candidate, receiver: Option<Val>, _span: Span) -> Val {
        let result = found.member.result.substitute(&found.class, &[]);
        if let Some(constant) = &found.member.constant {
            return Self::constant(constant.clone(), result);
        }
        let checks_null = receiver.as_ref().is_some_and(|r| needs_null_check(&r.ty, found));
        self.note_needs(found.member, receiver.as_ref());
        let call = Call {
            member: found.member,
            arguments: receiver.map(|r| r.node).into_iter().collect(),
            types: found.class.clone().into(),
            checks_null,
            references: Vec::new(),
        };
        Val::new(Node::Call(Box::new(call)), result)
    }
}

/// Whether a null receiver ends the call. `T?` members look at the null themselves.
pub(super) fn needs_null_check(ty: &Type, found: &Candidate) -> bool {
    !found.member.is_extension && !found.member.is_static && ty.nullable().is_none() && !ty.is_value_type()
}

/// A field of an anonymous object or of a tuple.
fn field(val: &Val, name: &str) -> Option<Val> {
    let (index, ty) = match &val.ty {
        Type::Anonymous(fields) => {
            let index = fields.iter().position(|(n, _)| n == name)?;
            (index, fields.get(index)?.1.clone())
        }
        Type::Tuple(items) => {
            let named = items.iter().position(|(_, n)| n.as_deref() == Some(name));
            let numbered = || name.strip_prefix("Item")?.parse::<usize>().ok()?.checked_sub(1);
            let index = named.or_else(numbered)?;
            (index, items.get(index)?.0.clone())
        }
        _ => return None,
    };
    Some(Val::new(Node::Field(Box::new(val.node.clone()), index), ty))
}
