//! `new` and what may follow it.

use super::{Parsed, Parser};
use crate::lex::Kind;
use crate::span::Span;
use crate::syntax::{
    Argument, ArrayInit, Expr, ExprKind, InitTarget, InitValue, Initializer, MemberInit, Name, TypeKind,
    TypeSyntax,
};

impl Parser<'_> {
    pub(super) fn creation(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.expect_keyword("new")?;
        let kind = if self.is_mark("{") {
            self.anonymous()?
        } else if self.is_mark("[") {
            self.rank()?;
            ExprKind::ImplicitArray(self.elements()?)
        } else if self.is_mark("(") && !self.is_mark_at(self.after_brackets(), "[") {
            return self.too_new("target-typed object creation", "9.0");
        } else {
            self.typed_creation()?
        };
        Ok(Expr { kind, span: start.to(self.previous()) })
    }

    fn typed_creation(&mut self) -> Parsed<ExprKind> {
        let mut ty = self.nested(Self::base_type)?;
        // `new int?[3]`, `new int?(5)`.
        if self.is_mark("?") && (self.is_mark_at(1, "[") || self.is_mark_at(1, "(")) {
            self.advance();
            let span = ty.span;
            ty = TypeSyntax { kind: TypeKind::Nullable(Box::new(ty)), span };
        }
        if self.is_mark("[") {
            return self.array(ty);
        }
        let arguments: Vec<Argument> = if self.is_mark("(") {
            self.arguments("(", ")")?
        } else if self.is_mark("{") {
            Vec::new()
        } else {
            return self.fail("CS1526", "A new expression requires (), [], or {} after type");
        };
        let initializer = if self.is_mark("{") { Some(self.nested(Self::initializer)?) } else { None };
        Ok(ExprKind::New(ty, arguments, initializer))
    }

    fn array(&mut self, element: TypeSyntax) -> Parsed<ExprKind> {
        let span = element.span;
        let mut sizes = Vec::new();
        let mut ranks = Vec::new();
        if self.is_mark_at(1, "]") || self.is_mark_at(1, ",") {
            ranks.push(self.rank()?);
        } else {
            self.expect("[")?;
            loop {
                sizes.push(self.expression()?);
                if !self.eat_mark(",") {
                    break;
                }
            }
            self.expect("]")?;
            ranks.push(sizes.len() as u8);
        }
        while self.is_mark("[") && (self.is_mark_at(1, "]") || self.is_mark_at(1, ",")) {
            ranks.push(self.rank()?);
        }
        let mut ty = element;
        for rank in ranks.into_iter().rev() {
            ty = TypeSyntax { kind: TypeKind::Array(Box::new(ty), rank), span };
        }
        let init = if self.is_mark("{") { Some(self.nested(Self::array_init)?) } else { None };
        if sizes.is_empty() && init.is_none() {
            return self.fail("CS1586", "Array creation must have array size or array initializer");
        }
        Ok(ExprKind::NewArray(ty, sizes, init))
    }

    /// `{ 1, { 2, 3 } }`.
    pub(super) fn array_init(&mut self) -> Parsed<ArrayInit> {
        let start = self.span();
        self.expect("{")?;
        let mut items = Vec::new();
        while !self.is_mark("}") {
            items.push(if self.is_mark("{") {
                self.nested(Self::array_init)?
            } else {
                ArrayInit::Expr(Box::new(self.expression()?))
            });
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(ArrayInit::Items(items, start.to(self.previous())))
    }

    /// `{ a, b, }`.
    fn elements(&mut self) -> Parsed<Vec<Expr>> {
        self.expect("{")?;
        let mut list = Vec::new();
        while !self.is_mark("}") {
            list.push(self.expression()?);
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(list)
    }

    fn anonymous(&mut self) -> Parsed<ExprKind> {
        self.expect("{")?;
        let mut list: Vec<(Option<Name>, Expr)> = Vec::new();
        while !self.is_mark("}") {
            let name = match self.kind() {
                Kind::Name(_) if self.is_mark_at(1, "=") => {
                    let name = self.name()?;
                    self.advance();
                    Some(name)
                }
                _ => None,
            };
            list.push((name, self.expression()?));
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(ExprKind::Anonymous(list))
    }

    /// An object or collection initializer.
    fn initializer(&mut self) -> Parsed<Initializer> {
        let members = self.is_mark_at(1, "[")
            || self.is_mark_at(1, "}")
            || (matches!(self.kind_at(1), Kind::Name(_)) && self.is_mark_at(2, "="));
        self.expect("{")?;
        let mut object = Vec::new();
        let mut collection = Vec::new();
        while !self.is_mark("}") {
            if members {
                object.push(self.member_init()?);
            } else if self.is_mark("{") {
                collection.push(self.elements()?);
            } else {
                collection.push(vec![self.expression()?]);
            }
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(if members { Initializer::Object(object) } else { Initializer::Collection(collection) })
    }

    fn member_init(&mut self) -> Parsed<MemberInit> {
        let start: Span = self.span();
        let target = if self.is_mark("[") {
            let arguments = self.arguments("[", "]")?;
            InitTarget::Index(arguments, start.to(self.previous()))
        } else {
            InitTarget::Member(self.name()?)
        };
        self.expect("=")?;
        let from = self.span();
        let value = if self.is_mark("{") {
            let nested = self.nested(Self::initializer)?;
            InitValue::Nested(nested, from.to(self.previous()))
        } else {
            InitValue::Expr(self.expression()?)
        };
        Ok(MemberInit { target, value })
    }
}
