//! Types as written.

use super::{Failed, Parsed, Parser};
use crate::lex::Kind;
use crate::span::Span;
use crate::syntax::{Name, TypeKind, TypeSyntax};

pub(crate) const PREDEFINED: &[&str] = &[
    "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte", "short",
    "string", "uint", "ulong", "ushort", "void",
];

impl Parser<'_> {
    /// A type with its array ranks and `?`.
    pub(super) fn ty(&mut self) -> Parsed<TypeSyntax> {
        let base = self.nested(Self::base_type)?;
        self.type_suffixes(base, true)
    }

    /// A type after `new`, `is` or `as`: a `?` may belong to a condition.
    pub(super) fn ty_without_question(&mut self) -> Parsed<TypeSyntax> {
        let base = self.nested(Self::base_type)?;
        self.type_suffixes(base, false)
    }

    /// The element type after `new`: its brackets hold sizes.
    pub(super) fn base_type(&mut self) -> Parsed<TypeSyntax> {
        let start = self.span();
        if let Kind::Keyword(word) = *self.kind() {
            if PREDEFINED.contains(&word) {
                self.advance();
                return Ok(TypeSyntax { kind: TypeKind::Keyword(word), span: start });
            }
            if word == "unsafe" {
                return self.fail("CS0227", "Unsafe code may only appear if compiling with /unsafe");
            }
        }
        if self.is_mark("(") {
            return self.tuple_type();
        }
        if self.is_word("global") && self.is_mark_at(1, "::") {
            self.advance();
            self.advance();
        }
        if self.is_word("var") {
            self.advance();
            return Ok(TypeSyntax { kind: TypeKind::Var, span: start });
        }
        let mut parts = Vec::new();
        loop {
            let name = self.name()?;
            let arguments = if self.is_mark("<") { self.type_arguments()? } else { Vec::new() };
            parts.push((name, arguments));
            if !self.is_mark(".") {
                break;
            }
            self.advance();
        }
        Ok(TypeSyntax { kind: TypeKind::Named(parts), span: start.to(self.previous()) })
    }

    fn tuple_type(&mut self) -> Parsed<TypeSyntax> {
        let start = self.span();
        self.expect("(")?;
        let mut items = Vec::new();
        loop {
            let ty = self.ty()?;
            let name = if matches!(self.kind(), Kind::Name(_)) { Some(self.name()?) } else { None };
            items.push((ty, name));
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        if items.len() < 2 {
            return self.fail("CS8124", "Tuple must contain at least two elements.");
        }
        Ok(TypeSyntax { kind: TypeKind::Tuple(items), span: start.to(self.previous()) })
    }

    fn type_suffixes(&mut self, mut ty: TypeSyntax, question: bool) -> Parsed<TypeSyntax> {
        let mut ranks = Vec::new();
        loop {
            if question && self.is_mark("?") && ranks.is_empty() {
                self.advance();
                let span = ty.span.to(self.previous());
                ty = TypeSyntax { kind: TypeKind::Nullable(Box::new(ty)), span };
            } else if self.is_mark("[") && (self.is_mark_at(1, "]") || self.is_mark_at(1, ",")) {
                ranks.push(self.rank()?);
            } else {
                break;
            }
        }
        // `int[][,]` is an array of rectangular arrays: the first bracket is the outermost.
        for rank in ranks.into_iter().rev() {
            let span = ty.span.to(self.previous());
            ty = TypeSyntax { kind: TypeKind::Array(Box::new(ty), rank), span };
        }
        Ok(ty)
    }

    /// `[]`, `[,]`.
    pub(super) fn rank(&mut self) -> Parsed<u8> {
        self.expect("[")?;
        let mut rank = 1u8;
        while self.eat_mark(",") {
            rank = rank.saturating_add(1);
        }
        self.expect("]")?;
        Ok(rank)
    }

    /// `<A, B>`.
    pub(super) fn type_arguments(&mut self) -> Parsed<Vec<TypeSyntax>> {
        self.expect("<")?;
        let mut list = Vec::new();
        loop {
            list.push(self.ty()?);
            if !self.eat_mark(",") {
                break;
            }
        }
        self.close_angle()?;
        Ok(list)
    }

    fn close_angle(&mut self) -> Parsed<()> {
        self.expect(">")
    }

    /// Type arguments after a name in an expression, when what follows says that they are some.
    pub(super) fn type_arguments_in_expression(&mut self) -> Vec<TypeSyntax> {
        if !self.is_mark("<") {
            return Vec::new();
        }
        let found = self.attempt(|p| {
            let list = p.type_arguments()?;
            let follows = match p.kind() {
                Kind::Mark(mark) => matches!(
                    *mark,
                    "(" | ")"
                        | "]"
                        | "}"
                        | ":"
                        | ";"
                        | ","
                        | "."
                        | "?"
                        | "?."
                        | "=="
                        | "!="
                        | "|"
                        | "^"
                        | "&&"
                        | "||"
                        | "&"
                        | "["
                ),
                Kind::End => true,
                _ => false,
            };
            if follows { Ok(list) } else { Err(Failed) }
        });
        found.unwrap_or_default()
    }

    /// A type written where an expression may stand too, followed by a name: a declaration.
    pub(super) fn declared_type(&mut self) -> Option<(TypeSyntax, Name)> {
        self.attempt(|p| {
            let ty = p.ty()?;
            let name = p.name()?;
            Ok((ty, name))
        })
    }
}

/// The type that a missing annotation stands for.
pub(super) fn implied(span: Span) -> TypeSyntax {
    TypeSyntax { kind: TypeKind::Var, span }
}
