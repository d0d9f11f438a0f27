//! Names: variables, types, namespaces (expressions.md §1.3).

use std::sync::Arc;

use super::{Binder, Bound, Candidate, Entry, Group, Val};
use crate::code::{Local, Node};
use crate::span::Span;
use crate::syntax::{Constant, Name, TypeKind, TypeSyntax};
use crate::types::{DefId, NULLABLE, Parameter, Type, library};
use crate::value::ContextPart;

/// Whether a member found before is the same one, or one of the same parameters in a more derived type.
fn hides(known: &Candidate, new: &Candidate) -> bool {
    let (a, b) = (known.member, new.member);
    let ty = |of: &Candidate, p: &Parameter| p.ty.substitute(&of.class, &[]);
    std::ptr::eq(a, b)
        || (a.owner != b.owner
            && (a.kind, a.is_static, a.type_parameters) == (b.kind, b.is_static, b.type_parameters)
            && a.parameters.len() == b.parameters.len()
            && a.parameters.iter().zip(&b.parameters).all(|(x, y)| ty(known, x) == ty(new, y)))
}

/// The namespace of the context model.
pub(crate) const MODEL: &str = "Microsoft.Azure.ApiManagement";

/// Implicit usings. The first that has a name wins, which settles `Formatting`.
const USINGS: &[&str] = &[
    MODEL,
    "System",
    "System.Collections.Generic",
    "System.IO",
    "System.Linq",
    "System.Security.Cryptography",
    "System.Security.Cryptography.X509Certificates",
    "System.Text",
    "System.Text.RegularExpressions",
    "System.Threading",
    "System.Threading.Tasks",
    "Newtonsoft.Json",
    "Newtonsoft.Json.Linq",
    "System.Xml",
    "System.Xml.Linq",
];

impl Binder<'_> {
    /// A type as written; reports CS0246 when there is none.
    pub(crate) fn resolve(&mut self, ty: &TypeSyntax) -> Type {
        match &ty.kind {
            TypeKind::Var => {
                self.report("CS0825", "The contextual keyword 'var' may only appear within a local variable declaration or in script code".to_owned(), ty.span);
                Type::Error
            }
            TypeKind::Keyword(word) => library().keyword(word),
            TypeKind::Array(element, rank) => match self.resolve(element) {
                Type::Error => Type::Error,
                element => Type::array_of(element, *rank),
            },
            TypeKind::Nullable(inner) => {
                let inner = self.resolve(inner);
                if inner.is_error() {
                    return Type::Error;
                }
                if !inner.is_value_type() {
                    let message = "Feature 'nullable reference types' is not available in C# 7.3. Please use language version 8.0 or greater.";
                    self.report("CS8370", message.to_owned(), ty.span);
                    return Type::Error;
                }
                if inner.nullable().is_some() {
                    let message = format!(
                        "The type '{}' must be a non-nullable value type in order to use it as parameter 'T' in the generic type or method 'Nullable<T>'",
                        inner.display()
                    );
                    self.report("CS0453", message, ty.span);
                    return Type::Error;
                }
                Type::nullable_of(inner)
            }
            TypeKind::Tuple(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|(ty, name)| (self.resolve(ty), name.as_ref().map(|n| n.text.to_string())))
                    .collect();
                if items.iter().any(|(ty, _)| ty.is_error()) {
                    Type::Error
                } else {
                    Type::Tuple(items.into())
                }
            }
            TypeKind::Named(parts) => self.resolve_named(parts, ty.span),
        }
    }

    fn resolve_named(&mut self, parts: &[(Name, Vec<TypeSyntax>)], span: Span) -> Type {
        let Some((last, arguments)) = parts.last() else { return Type::Error };
        let path: Vec<&str> = parts.iter().map(|(n, _)| &*n.text).collect();
        if path == ["dynamic"] && arguments.is_empty() {
            self.report("APIM0006", "Dynamic member invocation is not supported".to_owned(), span);
            return Type::Error;
        }
        if matches!(path.as_slice(), ["ValueTuple"] | ["System", "ValueTuple"]) && arguments.len() > 1 {
            let items: Vec<_> = arguments.iter().map(|a| (self.resolve(a), None)).collect();
            let broken = items.iter().any(|(ty, _)| ty.is_error());
            return if broken { Type::Error } else { Type::Tuple(items.into()) };
        }
        let Some(def) = find_type(&path, arguments.len() as u8) else {
            let other_arity = (0..6).find(|n| find_type(&path, *n).is_some());
            let (code, message) = match other_arity {
                Some(0) => (
                    "CS0308",
                    format!("The non-generic type '{}' cannot be used with type arguments", last.text),
                ),
                Some(n) if arguments.is_empty() => (
                    "CS0305",
                    format!(
                        "Using the generic type '{}<{}>' requires {n} type arguments",
                        last.text,
                        vec!["T"; n as usize].join(", ")
                    ),
                ),
                _ => return self.unknown_type(parts),
            };
            self.report(code, message, span);
            return Type::Error;
        };
        self.construct(def, arguments)
    }

    /// CS0246 for the first part that names nothing, CS0234 for one that its namespace has not.
    fn unknown_type(&mut self, parts: &[(Name, Vec<TypeSyntax>)]) -> Type {
        let mut namespace = String::new();
        for (name, arguments) in parts {
            let shown = match arguments.len() {
                0 => name.text.to_string(),
                many => format!("{}<{}>", name.text, ",".repeat(many - 1)),
            };
            let full = if namespace.is_empty() {
                name.text.to_string()
            } else {
                format!("{namespace}.{}", name.text)
            };
            if library().is_namespace(&full) {
                namespace = full;
                continue;
            }
            let (code, message) = if namespace.is_empty() {
                (
                    "CS0246",
                    format!(
                        "The type or namespace name '{shown}' could not be found (are you missing a using directive or an assembly reference?)"
                    ),
                )
            } else {
                (
                    "CS0234",
                    format!(
                        "The type or namespace name '{shown}' does not exist in the namespace '{namespace}' (are you missing an assembly reference?)"
                    ),
                )
            };
            self.report(code, message, name.span);
            return Type::Error;
        }
        let message = format!("'{namespace}' is a namespace but is used like a type");
        let span = parts.first().zip(parts.last()).map(|(a, b)| a.0.span.to(b.0.span)).unwrap_or_default();
        self.report("CS0118", message, span);
        Type::Error
    }

    /// A type with its arguments.
    pub(super) fn construct(&mut self, def: DefId, arguments: &[TypeSyntax]) -> Type {
        if arguments.is_empty() {
            return Type::Def(def);
        }
        let arguments: Vec<Type> = arguments.iter().map(|a| self.resolve(a)).collect();
        if arguments.iter().any(Type::is_error) {
            return Type::Error;
        }
        if def == NULLABLE && arguments.iter().any(|a| !a.is_value_type()) {
            return Type::Error;
        }
        Type::generic(def, arguments)
    }

    /// A simple name in an expression.
    pub(super) fn simple_name(&mut self, name: &Name, arguments: &[TypeSyntax]) -> Bound {
        if arguments.is_empty() {
            if let Some(entry) = self.look_up(&name.text) {
                return self.entry(&entry, name);
            }
            if &*name.text == "context" {
                let ty = library().named(&format!("{MODEL}.IGatewayContext"));
                return Bound::Value(Val::new(Node::Context(ContextPart::Context), ty));
            }
        }
        if let Some(def) = find_type(&[&name.text], arguments.len() as u8) {
            return Bound::Type(self.construct(def, arguments));
        }
        if library().is_namespace(&name.text) {
            return Bound::Namespace(name.text.to_string());
        }
        let message = format!("The name '{}' does not exist in the current context", name.text);
        self.report("CS0103", message, name.span);
        Bound::Error
    }

    fn entry(&mut self, entry: &Entry, name: &Name) -> Bound {
        match entry {
            Entry::Local(id) => Bound::Value(self.local_value(*id, name.span)),
            Entry::Later => {
                let message = format!("Cannot use local variable '{}' before it is declared", name.text);
                self.report("CS0841", message, name.span);
                Bound::Error
            }
            Entry::Function(index) => Bound::Methods(Box::new(Group {
                name: name.clone(),
                receiver: None,
                ty: Type::OBJECT,
                candidates: Vec::new(),
                type_arguments: Vec::new(),
                is_local: Some(*index),
            })),
            Entry::Range(id, path) => self.range(*id, path, name),
        }
    }

    /// A range variable of a query: a path of members from the lambda's parameter.
    fn range(&mut self, id: u32, path: &[Arc<str>], name: &Name) -> Bound {
        let mut val = self.local_value(id, name.span);
        for part in path {
            let part = Name { text: Arc::clone(part), span: name.span };
            match self.member_of(val, &part, &[], false) {
                Bound::Value(found) => val = found,
                other => return other,
            }
        }
        Bound::Value(val)
    }

    pub(super) fn local_value(&mut self, id: u32, span: Span) -> Val {
        let Some(info) = self.info(id).cloned() else { return Val::error() };
        if let Some(constant) = info.constant {
            return Self::constant(constant, info.ty);
        }
        Val::new(Node::Local(Local { id, slot: 0, cell: false, span }), info.ty)
    }

    /// What a dotted name means when its left side is a namespace.
    pub(super) fn in_namespace(&mut self, namespace: &str, name: &Name, arguments: &[TypeSyntax]) -> Bound {
        let full = format!("{namespace}.{}", name.text);
        if let Some(def) = library().by_full_name(&full, arguments.len() as u8) {
            return Bound::Type(self.construct(def, arguments));
        }
        if library().is_namespace(&full) {
            return Bound::Namespace(full);
        }
        let message = format!(
            "The type or namespace name '{}' does not exist in the namespace '{namespace}' (are you missing an assembly reference?)",
            name.text
        );
        self.report("CS0234", message, name.span);
        Bound::Error
    }

    /// Nested types and static members of a type, or CS0117.
    pub(super) fn in_type(&mut self, ty: &Type, name: &Name, arguments: &[TypeSyntax]) -> Bound {
        if ty.is_error() {
            return Bound::Error;
        }
        if let Some(def) = ty.def() {
            let info = library().get(def);
            if let Some((_, value)) = info.values.iter().find(|(n, _)| **n == *name.text) {
                self.check_allowed(def, &name.text, name.span);
                return Bound::Value(Self::constant(Constant::I32(*value as i32), ty.clone()));
            }
            let nested = format!("{}.{}", info.full_name, name.text);
            if let Some(def) = library().by_full_name(&nested, arguments.len() as u8) {
                return Bound::Type(self.construct(def, arguments));
            }
        }
        let members = self.members(ty, &name.text);
        if members.is_empty() {
            let message = format!("'{}' does not contain a definition for '{}'", ty.display(), name.text);
            self.report("CS0117", message, name.span);
            return Bound::Error;
        }
        self.group_or_value(members, None, ty, name, arguments)
    }

    /// Members of a name, the most derived type's first.
    pub(super) fn members(&self, ty: &Type, name: &str) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut add = |ty: &Type| {
            let Some(def) = ty.def() else { return };
            for member in library().get(def).named(name) {
                let new = Candidate { member, class: ty.arguments().to_vec() };
                if !found.iter().any(|known| hides(known, &new)) {
                    found.push(new);
                }
            }
        };
        if matches!(ty, Type::Array(..) | Type::Tuple(_) | Type::Anonymous(_)) || ty.is_interface() {
            for above in super::conversion::supertypes(ty) {
                add(&above);
            }
            add(&Type::OBJECT);
        } else {
            let mut current = Some(ty.clone());
            while let Some(ty) = current {
                add(&ty);
                current = library().base(&ty);
            }
        }
        found
    }

    /// APIM0001 and APIM0002 of the allow-list (expressions.md §3.2).
    pub(super) fn check_allowed(&mut self, owner: DefId, member: &str, span: Span) {
        // An attempt asks only whether the code binds; what it may name is checked when it is taken.
        if !self.options.strict || self.attempts > 0 {
            return;
        }
        let info = library().get(owner);
        if info.allows(member) {
            return;
        }
        let virtual_of_object =
            matches!(member, "ToString" | "Equals" | "GetHashCode" | "GetType" | "ReferenceEquals");
        if virtual_of_object {
            return;
        }
        let name = &info.full_name;
        match info.allow {
            crate::types::Allow::Only(_) => self.report(
                "APIM0002",
                format!("Usage of member '{member}' of type '{name}' is not supported within expressions"),
                span,
            ),
            _ => self.report(
                "APIM0001",
                format!("Usage of type '{name}' is not supported within expressions"),
                span,
            ),
        }
    }
}

/// A type by the parts of its name: through the usings, or in full.
pub(super) fn find_type(path: &[&str], arity: u8) -> Option<DefId> {
    let library = library();
    if let [name] = path {
        return library.by_name_in(USINGS, name, arity);
    }
    let name = path.join(".");
    if let Some(def) = library.by_full_name(&name, arity) {
        return Some(def);
    }
    USINGS.iter().find_map(|using| library.by_full_name(&format!("{using}.{name}"), arity))
}
