//! The library, read from its tables once.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::member::{Allow, MemberDef, Parameter, TypeTable};
use super::ty::{CORE, DefId, Type};
use super::{Native, tables};
use crate::parser::signature::{self, Header, MemberKind, SignatureParameter};
use crate::syntax::{Constant, ExprKind, TypeKind, TypeSyntax};

/// A type of the library.
#[derive(Debug)]
pub(crate) struct TypeDef {
    pub full_name: String,
    /// With a plus sign before the name of a nested type.
    pub clr_name: String,
    /// Without its namespace.
    pub name: String,
    pub variance: Vec<i8>,
    pub is_value_type: bool,
    pub is_enum: bool,
    pub is_delegate: bool,
    pub is_interface: bool,
    pub is_static: bool,
    pub is_abstract: bool,
    pub base: Option<Type>,
    pub interfaces: Vec<Type>,
    pub allow: Allow,
    pub values: Vec<(String, i64)>,
    /// Result and parameter types of a delegate.
    pub delegate: Option<(Type, Vec<Type>)>,
    pub members: Vec<&'static MemberDef>,
    /// Every interface, inherited ones too, over the type's own parameters.
    all_interfaces: Vec<Type>,
    by_name: FxHashMap<String, Vec<&'static MemberDef>>,
}

impl TypeDef {
    /// Members of a name, in the order of the table.
    pub fn named(&self, name: &str) -> &[&'static MemberDef] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// As compiler messages call it.
    pub fn display_name(&self) -> &str {
        keyword_of(&self.full_name).unwrap_or(&self.name)
    }

    /// As messages about two types call it: with its namespace, unless it has a keyword.
    pub fn qualified_name(&self) -> &str {
        keyword_of(&self.full_name).unwrap_or(&self.full_name)
    }

    /// Whether the allow-list has a member.
    pub fn allows(&self, member: &str) -> bool {
        match self.allow {
            Allow::All => true,
            Allow::Only(names) => names.contains(&member),
            Allow::None => false,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Library {
    types: Vec<TypeDef>,
    /// Types of a name, with and without its namespace, by the number of their parameters.
    by_full_name: FxHashMap<String, Vec<(u8, DefId)>>,
    by_name: FxHashMap<String, Vec<(u8, DefId)>>,
    extensions: FxHashMap<String, Vec<&'static MemberDef>>,
    /// Every namespace and every prefix of one.
    namespaces: rustc_hash::FxHashSet<String>,
}

/// The library that all expressions share.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(load)
}

const KEYWORDS: &[(&str, &str)] = &[
    ("object", "System.Object"),
    ("bool", "System.Boolean"),
    ("char", "System.Char"),
    ("sbyte", "System.SByte"),
    ("byte", "System.Byte"),
    ("short", "System.Int16"),
    ("ushort", "System.UInt16"),
    ("int", "System.Int32"),
    ("uint", "System.UInt32"),
    ("long", "System.Int64"),
    ("ulong", "System.UInt64"),
    ("float", "System.Single"),
    ("double", "System.Double"),
    ("decimal", "System.Decimal"),
    ("string", "System.String"),
];

fn keyword_of(full_name: &str) -> Option<&'static str> {
    KEYWORDS.iter().find(|(_, full)| *full == full_name).map(|(word, _)| *word)
}

fn of_arity(found: Option<&Vec<(u8, DefId)>>, arity: u8) -> impl Iterator<Item = DefId> + '_ {
    found.into_iter().flatten().filter(move |(own, _)| *own == arity).map(|(_, def)| *def)
}

impl Library {
    pub fn get(&self, def: DefId) -> &TypeDef {
        self.types.get(def.0 as usize).unwrap_or(&self.types[0])
    }

    /// The type that a keyword names.
    pub fn keyword(&self, word: &str) -> Type {
        match KEYWORDS.iter().position(|(k, _)| *k == word) {
            Some(index) => Type::Def(DefId(index as u16)),
            None => Type::Void,
        }
    }

    pub fn by_full_name(&self, name: &str, arity: u8) -> Option<DefId> {
        of_arity(self.by_full_name.get(name), arity).next()
    }

    /// By the name without namespace.
    pub fn by_name(&self, name: &str, arity: u8) -> Option<DefId> {
        of_arity(self.by_name.get(name), arity).next()
    }

    /// By the name without namespace, in the first of some namespaces that has it.
    pub fn by_name_in(&self, namespaces: &[&str], name: &str, arity: u8) -> Option<DefId> {
        let rank = |def: DefId| {
            let namespace = self.get(def).full_name.strip_suffix(name)?.strip_suffix('.')?;
            namespaces.iter().position(|known| *known == namespace).map(|rank| (rank, def))
        };
        of_arity(self.by_name.get(name), arity).filter_map(rank).min().map(|(_, def)| def)
    }

    /// A type without arguments that some code of ours needs by name.
    pub fn named(&self, full_name: &str) -> Type {
        self.by_full_name(full_name, 0).map_or(Type::OBJECT, Type::Def)
    }

    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// Extension methods of a name.
    pub fn extensions(&self, name: &str) -> &[&'static MemberDef] {
        self.extensions.get(name).map_or(&[], Vec::as_slice)
    }

    /// The base class of a type.
    pub fn base(&self, ty: &Type) -> Option<Type> {
        match ty {
            Type::Def(def) | Type::Generic(def, _) => {
                self.get(*def).base.as_ref().map(|base| base.substitute(ty.arguments(), &[]))
            }
            Type::Array(..) => Some(Type::ARRAY),
            Type::Tuple(_) => Some(Type::VALUE_TYPE),
            Type::Anonymous(_) => Some(Type::OBJECT),
            _ => None,
        }
    }

    /// Every interface of a type, inherited ones too.
    pub fn interfaces(&self, ty: &Type) -> Vec<Type> {
        match ty {
            Type::Def(def) | Type::Generic(def, _) => {
                let all = self.get(*def).all_interfaces.iter();
                all.map(|interface| interface.substitute(ty.arguments(), &[])).collect()
            }
            _ => self.find_interfaces(ty),
        }
    }

    /// The interfaces of a type without arguments, as they stand.
    pub fn interfaces_of(&self, def: DefId) -> &[Type] {
        &self.get(def).all_interfaces
    }

    fn find_interfaces(&self, ty: &Type) -> Vec<Type> {
        let mut found = Vec::new();
        let mut current = Some(ty.clone());
        while let Some(ty) = current {
            self.add_interfaces(&ty, &mut found);
            current = self.base(&ty);
        }
        found
    }

    fn add_interfaces(&self, ty: &Type, found: &mut Vec<Type>) {
        let direct: Vec<Type> = match ty {
            Type::Def(def) | Type::Generic(def, _) => {
                self.get(*def).interfaces.iter().map(|i| i.substitute(ty.arguments(), &[])).collect()
            }
            Type::Array(element, 1) => [super::ILIST, super::IREADONLY_LIST]
                .into_iter()
                .map(|def| Type::generic(def, vec![(**element).clone()]))
                .collect(),
            _ => Vec::new(),
        };
        for interface in direct {
            if !found.contains(&interface) {
                found.push(interface.clone());
                self.add_interfaces(&interface, found);
            }
        }
    }

    /// Whether one class is, or comes from, another (both without arguments).
    pub fn derives(&self, ty: DefId, from: DefId) -> bool {
        let mut current = Some(ty);
        while let Some(def) = current {
            if def == from {
                return true;
            }
            current = self.get(def).base.as_ref().and_then(Type::def);
        }
        false
    }

    fn resolve(&self, ty: &TypeSyntax, class: &[(String, i8)], method: &[String]) -> Option<Type> {
        Some(match &ty.kind {
            TypeKind::Var => return None,
            TypeKind::Keyword(word) => self.keyword(word),
            TypeKind::Array(element, rank) => Type::array_of(self.resolve(element, class, method)?, *rank),
            TypeKind::Nullable(inner) => Type::nullable_of(self.resolve(inner, class, method)?),
            TypeKind::Tuple(items) => {
                let mut list = Vec::new();
                for (ty, name) in items {
                    list.push((self.resolve(ty, class, method)?, name.as_ref().map(|n| n.text.to_string())));
                }
                Type::Tuple(list.into())
            }
            TypeKind::Named(_) => {
                let (name, arguments) = signature::named(ty)?;
                if let Some(index) = method.iter().position(|p| *p == name) {
                    return Some(Type::MethodParam(index as u8));
                }
                if let Some(index) = class.iter().position(|(p, _)| *p == name) {
                    return Some(Type::ClassParam(index as u8));
                }
                let arity = arguments.len() as u8;
                let def = self.by_full_name(&name, arity).or_else(|| self.by_name(&name, arity))?;
                if arity == 0 {
                    return Some(Type::Def(def));
                }
                let arguments: Option<Vec<_>> =
                    arguments.iter().map(|a| self.resolve(a, class, method)).collect();
                Type::generic(def, arguments?)
            }
        })
    }

    fn register(&mut self, header: &Header, allow: Allow) {
        let full_name = header.full_name.clone();
        let (namespace, name) = full_name.rsplit_once('.').unwrap_or(("", &full_name));
        let (name, arity) = (name.to_owned(), header.type_parameters.len() as u8);
        let mut prefix = String::new();
        for part in namespace.split('.').filter(|part| !part.is_empty()) {
            if !prefix.is_empty() {
                prefix.push('.');
            }
            prefix.push_str(part);
            self.namespaces.insert(prefix.clone());
        }
        let def = DefId(self.types.len() as u16);
        self.by_full_name.entry(full_name.clone()).or_default().push((arity, def));
        self.by_name.entry(name.clone()).or_default().push((arity, def));
        let is = |word: &str| header.keyword == word;
        self.types.push(TypeDef {
            clr_name: full_name.clone(),
            full_name,
            name,
            variance: header.type_parameters.iter().map(|(_, v)| *v).collect(),
            is_value_type: is("struct") || is("enum"),
            is_enum: is("enum"),
            is_delegate: is("delegate"),
            is_interface: is("interface"),
            is_static: header.is_static,
            is_abstract: header.is_abstract,
            base: None,
            interfaces: Vec::new(),
            allow,
            values: header.values.clone(),
            delegate: None,
            members: Vec::new(),
            all_interfaces: Vec::new(),
            by_name: FxHashMap::default(),
        });
    }

    fn link(&mut self, def: DefId, header: &Header) {
        let params = &header.type_parameters;
        let bases: Vec<Type> = header
            .bases
            .iter()
            .map(|b| self.resolve(b, params, &[]).unwrap_or_else(|| broken(&header.full_name)))
            .collect();
        let (interfaces, classes): (Vec<Type>, Vec<Type>) =
            bases.into_iter().partition(Type::is_interface_in(self));
        let delegate = header.delegate.as_ref().map(|(result, parameters)| {
            let resolve =
                |ty: &TypeSyntax| self.resolve(ty, params, &[]).unwrap_or_else(|| broken(&header.full_name));
            (resolve(result), parameters.iter().map(|p| resolve(&p.ty)).collect())
        });
        let implied = match header.keyword.as_str() {
            "struct" => Some(Type::VALUE_TYPE),
            "enum" => Some(Type::ENUM),
            "delegate" => Some(Type::DELEGATE),
            "interface" => None,
            _ if header.full_name == "System.Object" => None,
            _ => Some(Type::OBJECT),
        };
        let outer =
            header.full_name.rsplit_once('.').filter(|(outer, _)| self.by_full_name(outer, 0).is_some());
        if let Some(ty) = self.types.get_mut(def.0 as usize) {
            if let Some((outer, name)) = outer {
                ty.clr_name = format!("{outer}+{name}");
            }
            ty.base = classes.into_iter().next().or(implied);
            ty.interfaces = interfaces;
            ty.delegate = delegate;
        }
    }

    fn add_members(&mut self, def: DefId, table: &TypeTable, class: &[(String, i8)]) {
        for member in table.members {
            let Some(parsed) = signature::signature(member.signature) else {
                return broken(member.signature);
            };
            let constant = member.constant.map(super::Literal::constant);
            let method = &parsed.type_parameters;
            let resolve =
                |ty: &TypeSyntax| self.resolve(ty, class, method).unwrap_or_else(|| broken(member.signature));
            let is_extension = parsed.parameters.first().is_some_and(|p| p.is_this);
            let own = || match class.len() {
                0 => Type::Def(def),
                n => Type::generic(def, (0..n as u8).map(Type::ClassParam).collect()),
            };
            let found = MemberDef {
                owner: def,
                name: parsed.name.clone(),
                kind: parsed.kind,
                is_static: parsed.is_static
                    || is_extension
                    || constant.is_some()
                    || parsed.kind == MemberKind::Constructor,
                is_extension,
                type_parameters: method.len() as u8,
                parameters: parsed.parameters.iter().map(|p| parameter(p, resolve(&p.ty))).collect(),
                result: parsed.result.as_ref().map_or_else(own, resolve),
                run: member.run,
                set: member.set,
                constant,
            };
            // The library lives as long as the process: one leak at the first use.
            self.add(def, Box::leak(Box::new(found)));
        }
    }

    fn add(&mut self, def: DefId, member: &'static MemberDef) {
        if member.is_extension {
            self.extensions.entry(member.name.clone()).or_default().push(member);
        }
        if let Some(ty) = self.types.get_mut(def.0 as usize) {
            ty.members.push(member);
            ty.by_name.entry(member.name.clone()).or_default().push(member);
        }
    }

    fn add_delegate(&mut self, def: DefId) {
        let Some((result, parameters)) = self.get(def).delegate.clone() else { return };
        let parameters = parameters
            .into_iter()
            .enumerate()
            .map(|(n, ty)| Parameter {
                name: format!("arg{n}"),
                ty,
                is_out: false,
                is_ref: false,
                is_params: false,
                default: None,
            })
            .collect();
        let run: Native = |vm, a| vm.call_function(a.this(), a.values.get(1..).unwrap_or_default());
        let member = MemberDef {
            owner: def,
            name: "Invoke".to_owned(),
            kind: MemberKind::Method,
            is_static: false,
            is_extension: false,
            type_parameters: 0,
            parameters,
            result,
            run,
            set: None,
            constant: None,
        };
        self.add(def, Box::leak(Box::new(member)));
    }
}

impl Type {
    fn is_interface_in(library: &Library) -> impl Fn(&Type) -> bool + '_ {
        |ty| ty.def().is_some_and(|def| library.get(def).is_interface)
    }
}

fn parameter(p: &SignatureParameter, ty: Type) -> Parameter {
    let default = p.default.as_ref().map(|expr| match &expr.kind {
        ExprKind::Literal(constant) => constant.clone(),
        _ => Constant::Null,
    });
    Parameter {
        name: p.name.clone(),
        ty,
        is_out: p.is_out,
        is_ref: p.is_ref,
        is_params: p.is_params,
        default,
    }
}

/// A table of ours is wrong: found by the first test that touches the library, never by a policy.
#[expect(clippy::panic, reason = "a constant of the program is malformed; no input reaches this")]
fn broken<T>(text: &str) -> T {
    panic!("library table cannot be read: {text}")
}

fn load() -> Library {
    let all: Vec<(Header, &TypeTable)> = tables()
        .map(|table| (signature::header(table.header).unwrap_or_else(|| broken(table.header)), table))
        .collect();
    // A `partial class` adds members to a type that another table declares.
    let (parts, mut tables): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(header, _)| header.keyword == "partial");
    let rank = |name: &str| CORE.iter().position(|core| *core == name).unwrap_or(CORE.len());
    tables.sort_by_key(|(header, _)| {
        // `Nullable<T>` and `KeyValuePair<TKey, TValue>` are the core ones; the static classes of these names are not.
        let core = rank(&header.full_name);
        let namesake =
            matches!(&*header.full_name, "System.Nullable" | "System.Collections.Generic.KeyValuePair");
        let plain = namesake && header.type_parameters.is_empty();
        if plain { CORE.len() } else { core }
    });
    let mut library = Library::default();
    for (header, table) in &tables {
        library.register(header, table.allow);
    }
    for (index, name) in CORE.iter().enumerate() {
        if library.types.get(index).is_none_or(|ty| ty.full_name != *name) {
            broken::<()>(name);
        }
    }
    for (index, (header, _)) in tables.iter().enumerate() {
        library.link(DefId(index as u16), header);
    }
    for (index, (header, _)) in tables.iter().enumerate() {
        let parameters = (0..header.type_parameters.len() as u8).map(Type::ClassParam).collect::<Vec<_>>();
        let def = DefId(index as u16);
        let ty = if parameters.is_empty() { Type::Def(def) } else { Type::generic(def, parameters) };
        let all = library.find_interfaces(&ty);
        if let Some(found) = library.types.get_mut(index) {
            found.all_interfaces = all;
        }
    }
    for (index, (header, table)) in tables.iter().enumerate() {
        library.add_members(DefId(index as u16), table, &header.type_parameters);
        library.add_delegate(DefId(index as u16));
    }
    for (header, table) in &parts {
        let def = library.by_full_name(&header.full_name, header.type_parameters.len() as u8);
        library.add_members(def.unwrap_or_else(|| broken(table.header)), table, &header.type_parameters);
    }
    library
}
