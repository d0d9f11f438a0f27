//! Signatures of library members, written in C# in the tables of `types/`.

use super::{Failed, Parsed, Parser};
use crate::diagnostic::Reports;
use crate::lex::{Kind, tokens};
use crate::span::Span;
use crate::syntax::{Expr, TypeKind, TypeSyntax};

/// What sort of member a signature declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Method,
    Property,
    Indexer,
    Constructor,
    Operator,
    Implicit,
    Explicit,
}

#[derive(Debug)]
pub(crate) struct SignatureParameter {
    pub name: String,
    pub ty: TypeSyntax,
    pub is_out: bool,
    pub is_ref: bool,
    pub is_params: bool,
    pub is_this: bool,
    pub default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Signature {
    pub kind: MemberKind,
    pub is_static: bool,
    pub name: String,
    pub type_parameters: Vec<String>,
    pub result: Option<TypeSyntax>,
    pub parameters: Vec<SignatureParameter>,
}

impl Signature {
    fn of(
        kind: MemberKind,
        is_static: bool,
        name: &str,
        result: Option<TypeSyntax>,
        parameters: Vec<SignatureParameter>,
    ) -> Self {
        Self { kind, is_static, name: name.to_owned(), type_parameters: Vec::new(), result, parameters }
    }
}

/// The head of a type: `class A.B<T> : C<T>`.
#[derive(Debug)]
pub(crate) struct Header {
    pub keyword: String,
    pub is_static: bool,
    pub is_abstract: bool,
    pub full_name: String,
    /// Name and variance: -1 for `in`, 1 for `out`.
    pub type_parameters: Vec<(String, i8)>,
    pub bases: Vec<TypeSyntax>,
    /// Names and values of an enumeration.
    pub values: Vec<(String, i64)>,
    /// Result and parameters of a delegate.
    pub delegate: Option<(TypeSyntax, Vec<SignatureParameter>)>,
}

fn with_parser<T>(text: &str, f: impl FnOnce(&mut Parser<'_>) -> Parsed<T>) -> Option<T> {
    let mut reports = Reports::default();
    let list = tokens(text, Span::new(0, text.len()), &mut reports);
    let mut parser =
        Parser { text, tokens: list, at: 0, depth: 0, temporaries: 0, again: 0, reports: &mut reports };
    f(&mut parser).ok()
}

pub(crate) fn signature(text: &str) -> Option<Signature> {
    with_parser(text, |p: &mut Parser<'_>| p.signature())
}

pub(crate) fn header(text: &str) -> Option<Header> {
    with_parser(text, |p: &mut Parser<'_>| p.header())
}

impl Parser<'_> {
    fn signature(&mut self) -> Parsed<Signature> {
        let mut is_static = false;
        while self.eat_keyword("static") {
            is_static = true;
        }
        if self.eat_keyword("new") {
            let parameters = self.signature_parameters("(", ")")?;
            return Ok(Signature::of(MemberKind::Constructor, is_static, ".ctor", None, parameters));
        }
        if self.is_keyword("implicit") || self.is_keyword("explicit") {
            return self.conversion_signature();
        }
        let result = Some(self.ty()?);
        if self.eat_keyword("operator") {
            let name = self.operator_name()?;
            let parameters = self.signature_parameters("(", ")")?;
            return Ok(Signature::of(MemberKind::Operator, true, &name, result, parameters));
        }
        if self.eat_keyword("this") {
            let parameters = self.signature_parameters("[", "]")?;
            return Ok(Signature::of(MemberKind::Indexer, is_static, "Item", result, parameters));
        }
        let name = self.name()?.text.to_string();
        let mut type_parameters = Vec::new();
        if self.is_mark("<") {
            type_parameters = self.type_parameters()?.into_iter().map(|(name, _)| name).collect();
        }
        let (kind, parameters) = if self.is_mark("(") {
            (MemberKind::Method, self.signature_parameters("(", ")")?)
        } else {
            (MemberKind::Property, Vec::new())
        };
        Ok(Signature { type_parameters, ..Signature::of(kind, is_static, &name, result, parameters) })
    }

    fn conversion_signature(&mut self) -> Parsed<Signature> {
        let (kind, name) = if self.eat_keyword("implicit") {
            (MemberKind::Implicit, "op_Implicit")
        } else {
            self.expect_keyword("explicit")?;
            (MemberKind::Explicit, "op_Explicit")
        };
        self.expect_keyword("operator")?;
        let result = Some(self.ty()?);
        let parameters = self.signature_parameters("(", ")")?;
        Ok(Signature::of(kind, true, name, result, parameters))
    }

    /// The marks between `operator` and its parameters: `>>` is two.
    fn operator_name(&mut self) -> Parsed<String> {
        let mut name = String::new();
        while !self.is_mark("(") {
            match self.kind() {
                Kind::Mark(mark) => name.push_str(mark),
                _ => return Err(Failed),
            }
            self.advance();
        }
        Ok(name)
    }

    fn type_parameters(&mut self) -> Parsed<Vec<(String, i8)>> {
        self.expect("<")?;
        let mut list = Vec::new();
        loop {
            let variance = if self.eat_keyword("in") { -1 } else { i8::from(self.eat_keyword("out")) };
            list.push((self.name()?.text.to_string(), variance));
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(">")?;
        Ok(list)
    }

    fn signature_parameters(
        &mut self,
        open: &'static str,
        close: &'static str,
    ) -> Parsed<Vec<SignatureParameter>> {
        self.expect(open)?;
        let mut list = Vec::new();
        while !self.is_mark(close) {
            let is_this = self.eat_keyword("this");
            let is_params = self.eat_keyword("params");
            let is_out = self.eat_keyword("out");
            let is_ref = self.eat_keyword("ref");
            let ty = self.ty()?;
            let name = self.name()?.text.to_string();
            let default = if self.eat_mark("=") { Some(self.expression()?) } else { None };
            list.push(SignatureParameter { name, ty, is_out, is_ref, is_params, is_this, default });
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(close)?;
        Ok(list)
    }

    fn header(&mut self) -> Parsed<Header> {
        let (mut is_static, mut is_abstract) = (false, false);
        loop {
            if self.eat_keyword("static") {
                is_static = true;
            } else if self.eat_keyword("abstract") {
                is_abstract = true;
            } else {
                break;
            }
        }
        let partial = self.eat_word("partial");
        let Kind::Keyword(keyword) = *self.kind() else { return Err(Failed) };
        self.advance();
        let keyword = if partial { "partial" } else { keyword };
        let result = if keyword == "delegate" { Some(self.ty()?) } else { None };
        let mut full_name = self.name()?.text.to_string();
        while self.eat_mark(".") {
            full_name.push('.');
            full_name.push_str(&self.name()?.text);
        }
        let type_parameters = if self.is_mark("<") { self.type_parameters()? } else { Vec::new() };
        let delegate = match result {
            Some(result) => Some((result, self.signature_parameters("(", ")")?)),
            None => None,
        };
        let mut bases = Vec::new();
        if self.eat_mark(":") {
            loop {
                bases.push(self.ty()?);
                if !self.eat_mark(",") {
                    break;
                }
            }
        }
        let values = if self.is_mark("{") { self.enum_values()? } else { Vec::new() };
        let keyword = keyword.to_owned();
        Ok(Header { keyword, is_static, is_abstract, full_name, type_parameters, bases, values, delegate })
    }

    fn enum_values(&mut self) -> Parsed<Vec<(String, i64)>> {
        self.expect("{")?;
        let mut list = Vec::new();
        let mut next = 0;
        while !self.is_mark("}") {
            let name = self.name()?.text.to_string();
            if self.eat_mark("=") {
                let negative = self.eat_mark("-");
                if let Kind::Literal(value) = self.kind()
                    && let Some(number) = crate::run::constant_number(value)
                {
                    next = if negative { -number } else { number };
                }
                self.advance();
            }
            list.push((name, next));
            next += 1;
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(list)
    }
}

/// The name of a type as written, for look-up: parts joined by dots, and the last part's arguments.
pub(crate) fn named(ty: &TypeSyntax) -> Option<(String, &[TypeSyntax])> {
    match &ty.kind {
        TypeKind::Named(parts) => {
            let name = parts.iter().map(|(n, _)| &*n.text).collect::<Vec<_>>().join(".");
            Some((name, parts.last().map(|(_, a)| a.as_slice()).unwrap_or_default()))
        }
        _ => None,
    }
}
