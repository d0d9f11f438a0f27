//! Primary expressions: names, literals, calls, member access, lambdas.

use std::sync::Arc;

use super::types::implied;
use super::{CHAIN_MAX, Failed, Parsed, Parser};
use crate::lex::{Kind, Piece, tokens};
use crate::span::Span;
use crate::syntax::{
    Argument, Constant, Expr, ExprKind, HolePiece, LambdaBody, LambdaSyntax, Mode, Name, Parameter, Unary,
};

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let atom = self.atom()?;
        self.suffixes(atom)
    }

    fn suffixes(&mut self, mut expr: Expr) -> Parsed<Expr> {
        for _ in 0..CHAIN_MAX {
            let start = expr.span;
            let Kind::Mark(mark) = *self.kind() else { return Ok(expr) };
            let kind = match mark {
                "." => {
                    self.advance();
                    let name = self.name()?;
                    let arguments = self.type_arguments_in_expression();
                    ExprKind::Member(Box::new(expr), name, arguments)
                }
                "(" => ExprKind::Call(Box::new(expr), self.arguments("(", ")")?),
                "[" => ExprKind::Index(Box::new(expr), self.arguments("[", "]")?),
                "++" => {
                    self.advance();
                    ExprKind::Unary(Unary::PostIncrement, Box::new(expr))
                }
                "--" => {
                    self.advance();
                    ExprKind::Unary(Unary::PostDecrement, Box::new(expr))
                }
                "?." => {
                    let rest = self.nested(Self::after_question_dot)?;
                    ExprKind::Conditional(Box::new(expr), Box::new(rest))
                }
                // No expression starts with a bracket: this is never a choice.
                "?" if self.is_mark_at(1, "[") => {
                    let rest = self.nested(Self::after_question_bracket)?;
                    ExprKind::Conditional(Box::new(expr), Box::new(rest))
                }
                "!" if !self.is_mark_at(1, "=") && self.span().start == start.end => {
                    return self.too_new("nullable reference types", "8.0");
                }
                "->" => {
                    return self.fail(
                        "CS0214",
                        "Pointers and fixed size buffers may only be used in an unsafe context",
                    );
                }
                _ => return Ok(expr),
            };
            expr = Expr { kind, span: start.to(self.previous()) };
        }
        self.fail("CS8078", "An expression is too long or complex to compile")
    }

    fn after_question_dot(&mut self) -> Parsed<Expr> {
        let span = self.span();
        self.expect("?.")?;
        let name = self.name()?;
        let arguments = self.type_arguments_in_expression();
        let receiver = Box::new(Expr { kind: ExprKind::Receiver, span });
        let member =
            Expr { kind: ExprKind::Member(receiver, name, arguments), span: span.to(self.previous()) };
        self.suffixes(member)
    }

    /// `?[i]` and what follows it.
    fn after_question_bracket(&mut self) -> Parsed<Expr> {
        let span = self.span();
        self.expect("?")?;
        let arguments = self.arguments("[", "]")?;
        let receiver = Box::new(Expr { kind: ExprKind::Receiver, span });
        let member = Expr { kind: ExprKind::Index(receiver, arguments), span: span.to(self.previous()) };
        self.suffixes(member)
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let span = self.span();
        if let Some(word) = self.type_keyword() {
            self.advance();
            if !self.is_mark(".") && !self.is_mark("?.") {
                return self.fail_at("CS1525", &format!("Invalid expression term '{word}'"), span);
            }
            return Ok(Expr { kind: ExprKind::Keyword(word), span });
        }
        match self.kind().clone() {
            Kind::Literal(constant) => {
                self.advance();
                Ok(Expr { kind: ExprKind::Literal(constant), span })
            }
            Kind::Interpolated(pieces) => {
                self.advance();
                let pieces = self.holes(pieces)?;
                Ok(Expr { kind: ExprKind::Interpolated(pieces), span })
            }
            Kind::Name(text) => self.named(text, span),
            Kind::Mark("(") => self.parenthesized(),
            Kind::Keyword(word) => self.keyword(word, span),
            Kind::Mark(mark) => self.fail("CS1525", &format!("Invalid expression term '{mark}'")),
            Kind::End => {
                let term = if self.text.trim_start().starts_with("@{") { '}' } else { ')' };
                self.fail("CS1525", &format!("Invalid expression term '{term}'"))
            }
        }
    }

    fn named(&mut self, text: Arc<str>, span: Span) -> Parsed<Expr> {
        if &*text == "nameof" && self.is_mark_at(1, "(") {
            self.advance();
            self.expect("(")?;
            let value = self.expression()?;
            self.expect(")")?;
            return Ok(Expr { kind: ExprKind::NameOf(Box::new(value)), span: span.to(self.previous()) });
        }
        if &*text == "global" && self.is_mark_at(1, "::") {
            self.advance();
            self.advance();
        }
        let name = self.name()?;
        let arguments = self.type_arguments_in_expression();
        Ok(Expr { kind: ExprKind::Name(name, arguments), span: span.to(self.previous()) })
    }

    fn keyword(&mut self, word: &'static str, span: Span) -> Parsed<Expr> {
        let kind = match word {
            "true" => ExprKind::Literal(Constant::Bool(true)),
            "false" => ExprKind::Literal(Constant::Bool(false)),
            "null" => ExprKind::Literal(Constant::Null),
            "new" => return self.creation(),
            "default" if !self.is_mark_at(1, "(") => ExprKind::DefaultLiteral,
            "typeof" | "sizeof" | "default" => {
                self.advance();
                self.expect("(")?;
                let ty = self.ty()?;
                self.expect(")")?;
                let kind = match word {
                    "typeof" => ExprKind::TypeOf(ty),
                    "sizeof" => ExprKind::SizeOf(ty),
                    _ => ExprKind::Default(ty),
                };
                return Ok(Expr { kind, span: span.to(self.previous()) });
            }
            "checked" | "unchecked" => {
                self.advance();
                self.expect("(")?;
                let value = self.expression()?;
                self.expect(")")?;
                let kind = ExprKind::Checked(word == "checked", Box::new(value));
                return Ok(Expr { kind, span: span.to(self.previous()) });
            }
            "this" => return self.fail("CS0026", "Keyword 'this' is not valid in a static property, static method, or static field initializer"),
            "base" => return self.fail("CS1511", "Keyword 'base' is not available in a static method"),
            "delegate" => return self.anonymous_method(),
            "stackalloc" => {
                return self.fail("CS0214", "Pointers and fixed size buffers may only be used in an unsafe context");
            }
            _ => return self.fail("CS1525", &format!("Invalid expression term '{word}'")),
        };
        self.advance();
        Ok(Expr { kind, span })
    }

    /// `(x)` or a tuple.
    fn parenthesized(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.expect("(")?;
        let mut items = Vec::new();
        loop {
            let name = match self.kind() {
                Kind::Name(_) if self.is_mark_at(1, ":") => {
                    let name = self.name()?;
                    self.advance();
                    Some(name)
                }
                _ => None,
            };
            items.push((name, self.element()?));
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        let span = start.to(self.previous());
        let kind = match items.len() {
            1 => match items.pop() {
                Some((None, value)) => ExprKind::Parenthesized(Box::new(value)),
                _ => return self.fail_at("CS8124", "Tuple must contain at least two elements.", span),
            },
            _ => ExprKind::Tuple(items),
        };
        Ok(Expr { kind, span })
    }

    /// An element of a tuple, which in a deconstruction may declare a variable.
    fn element(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let declared = self.attempt(|p| {
            let (ty, name) = p.declared_type().ok_or(Failed)?;
            if p.is_mark(",") || p.is_mark(")") { Ok((ty, name)) } else { Err(Failed) }
        });
        match declared {
            Some((ty, name)) => {
                let name = (&*name.text != "_").then_some(name);
                Ok(Expr { kind: ExprKind::Declaration(ty, name), span: start.to(self.previous()) })
            }
            None => self.expression(),
        }
    }

    pub(super) fn arguments(&mut self, open: &'static str, close: &'static str) -> Parsed<Vec<Argument>> {
        self.expect(open)?;
        let mut list = Vec::new();
        if self.eat_mark(close) {
            return Ok(list);
        }
        loop {
            list.push(self.argument()?);
            if !self.eat_mark(",") {
                break;
            }
        }
        if matches!(self.kind(), Kind::Literal(_) | Kind::Interpolated(_) | Kind::Name(_)) {
            return self.fail("CS1003", "Syntax error, ',' expected");
        }
        self.expect(close)?;
        Ok(list)
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let name = match self.kind() {
            Kind::Name(_) if self.is_mark_at(1, ":") => {
                let name = self.name()?;
                self.advance();
                Some(name)
            }
            _ => None,
        };
        let mode = match self.kind() {
            Kind::Keyword("out") => Mode::Out,
            Kind::Keyword("ref") => Mode::Ref,
            Kind::Keyword("in") => Mode::In,
            _ => Mode::Value,
        };
        if mode == Mode::Value {
            return Ok(Argument { name, mode, value: self.expression()? });
        }
        self.advance();
        let start = self.span();
        if mode == Mode::Out {
            if let Some((ty, declared)) = self.declared_type() {
                let declared = (&*declared.text != "_").then_some(declared);
                let span = start.to(self.previous());
                return Ok(Argument {
                    name,
                    mode,
                    value: Expr { kind: ExprKind::Declaration(ty, declared), span },
                });
            }
            if self.is_word("_") {
                self.advance();
                let value = Expr { kind: ExprKind::Declaration(implied(start), None), span: start };
                return Ok(Argument { name, mode, value });
            }
        }
        Ok(Argument { name, mode, value: self.expression()? })
    }

    /// Parses what stands in the holes of an interpolated string.
    fn holes(&mut self, pieces: Vec<Piece>) -> Parsed<Vec<HolePiece>> {
        let mut list = Vec::with_capacity(pieces.len());
        for piece in pieces {
            list.push(match piece {
                Piece::Text(text) => HolePiece::Text(text),
                Piece::Hole { value, format } => {
                    let (value, alignment) = self.inner(value)?;
                    HolePiece::Hole { value, alignment, format }
                }
            });
        }
        Ok(list)
    }

    /// A value and the alignment after its comma.
    fn inner(&mut self, span: Span) -> Parsed<(Expr, Option<Expr>)> {
        let list = tokens(self.text, span, self.reports);
        if !self.reports.is_empty() {
            return Err(Failed);
        }
        let mut inner = Parser {
            text: self.text,
            tokens: list,
            at: 0,
            depth: self.depth,
            temporaries: self.temporaries,
            again: self.again,
            reports: self.reports,
        };
        let read = inner.value_of_hole();
        self.again = inner.again;
        read
    }

    fn value_of_hole(&mut self) -> Parsed<(Expr, Option<Expr>)> {
        let value = self.expression()?;
        let alignment = if self.eat_mark(",") { Some(self.expression()?) } else { None };
        if self.kind() != &Kind::End {
            return self.fail("CS1513", "} expected");
        }
        Ok((value, alignment))
    }

    /// A lambda, if one starts here.
    pub(super) fn lambda(&mut self) -> Parsed<Option<Expr>> {
        let start = self.span();
        if self.is_word("async") && matches!(self.kind_at(1), Kind::Name(_) | Kind::Mark("(")) {
            let arrow = self.is_mark_at(2, "=>") || self.is_mark_at(1, "(");
            if arrow && (self.is_mark_at(2, "=>") || self.is_mark_at(2, ")")) {
                return self.fail("CS4033", "async lambdas are not supported within expressions");
            }
        }
        let parameters = if matches!(self.kind(), Kind::Name(_)) && self.is_mark_at(1, "=>") {
            let name = self.name()?;
            vec![Parameter { name, ty: None, mode: Mode::Value, default: None, is_params: false }]
        } else if self.is_mark("(") && self.is_mark_at(self.after_brackets(), "=>") {
            self.lambda_parameters()?
        } else {
            return Ok(None);
        };
        self.expect("=>")?;
        let body = self.function_body()?;
        let span = start.to(self.previous());
        let lambda = LambdaSyntax { parameters, any_parameters: false, body, ranges: Vec::new() };
        Ok(Some(Expr { kind: ExprKind::Lambda(Arc::new(lambda)), span }))
    }

    /// `delegate (int x) { … }`, `delegate { … }`.
    fn anonymous_method(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.advance();
        let any_parameters = !self.is_mark("(");
        let parameters = if any_parameters { Vec::new() } else { self.lambda_parameters()? };
        let body = LambdaBody::Block(self.nested(Self::block)?);
        let lambda = LambdaSyntax { parameters, any_parameters, body, ranges: Vec::new() };
        Ok(Expr { kind: ExprKind::Lambda(Arc::new(lambda)), span: start.to(self.previous()) })
    }

    /// An expression or a block after `=>`.
    pub(super) fn function_body(&mut self) -> Parsed<LambdaBody> {
        if self.is_mark("{") {
            return Ok(LambdaBody::Block(self.nested(Self::block)?));
        }
        Ok(LambdaBody::Expr(self.expression()?))
    }

    fn lambda_parameters(&mut self) -> Parsed<Vec<Parameter>> {
        self.expect("(")?;
        let mut list = Vec::new();
        if self.eat_mark(")") {
            return Ok(list);
        }
        loop {
            let mode = self.parameter_mode();
            let ty = match self.kind() {
                Kind::Name(_) if self.is_mark_at(1, ",") || self.is_mark_at(1, ")") => None,
                _ => Some(self.ty()?),
            };
            let name = self.name()?;
            list.push(Parameter { name, ty, mode, default: None, is_params: false });
            if !self.eat_mark(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(list)
    }

    pub(super) fn parameter_mode(&mut self) -> Mode {
        for (word, mode) in [("out", Mode::Out), ("ref", Mode::Ref), ("in", Mode::In)] {
            if self.eat_keyword(word) {
                return mode;
            }
        }
        Mode::Value
    }

    /// A name that no program can write.
    pub(super) fn temporary(&mut self, span: Span) -> Name {
        self.temporaries += 1;
        Name { text: format!("<>h{}", self.temporaries).into(), span }
    }
}
