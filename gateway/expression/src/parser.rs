//! Recursive descent over the tokens of one expression. The first error ends the parse.

mod atom;
mod expression;
mod object;
mod query;
pub(crate) mod signature;
mod statement;
mod types;

pub(crate) use statement::is_statement;

use std::sync::Arc;

use crate::diagnostic::Reports;
use crate::lex::{Kind, Token, tokens};
use crate::span::Span;
use crate::syntax::{Expr, Name, Stmt, TypeKind, TypeSyntax};

/// The body of `@(…)` or `@{…}`.
#[derive(Debug)]
pub(crate) enum Body {
    Expr(Expr),
    Block(Vec<Stmt>, Span),
}

/// An error was reported.
#[derive(Debug)]
pub(crate) struct Failed;

type Parsed<T> = Result<T, Failed>;

/// Nesting that the parser follows; C# itself stops at some such depth (CS8078).
const DEPTH_MAX: usize = 96;
/// Operators and calls in one chain.
const CHAIN_MAX: usize = 400;
/// Tokens that failed readings may have read in vain, for all of a text: readings within readings multiply.
const AGAIN_MAX: usize = 100_000;

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    temporaries: usize,
    again: usize,
    reports: &'a mut Reports,
}

/// Parses the trimmed text, which starts with `@(` or `@{`.
pub(crate) fn parse(text: &str, reports: &mut Reports) -> Option<Body> {
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len();
    let block = text.get(start + 1..start + 2) == Some("{");
    let close = if block { "}" } else { ")" };
    if !matches!(text.get(start..start + 2), Some("@(" | "@{")) || end < start + 3 {
        reports.add("CS1525", "an expression starts with @( or @{".to_owned(), Span::new(start, end));
        return None;
    }
    let last = if text.get(start + 2..end).is_some_and(|t| t.ends_with(close)) { end - 1 } else { end };
    let span = Span::new(start + 2, last);
    let list = tokens(text, span, reports);
    if !reports.is_empty() {
        return None;
    }
    let mut parser = Parser { text, tokens: list, at: 0, depth: 0, temporaries: 0, again: 0, reports };
    let body = if block { parser.block_body(span) } else { parser.whole_expression() };
    if parser.again > AGAIN_MAX {
        parser.reports.truncate(0);
        let message = "An expression is too long or complex to compile".to_owned();
        parser.reports.add("CS8078", message, span);
        return None;
    }
    let body = body.ok()?;
    if last == end {
        let (code, message) = if block { ("CS1513", "} expected") } else { ("CS1026", ") expected") };
        parser.reports.add(code, message.to_owned(), Span::new(end, end));
    }
    parser.reports.is_empty().then_some(body)
}

/// A type as written, when the whole text is one.
pub(crate) fn type_of(text: &str) -> Option<TypeSyntax> {
    let mut reports = Reports::default();
    let list = tokens(text, Span::new(0, text.len()), &mut reports);
    let mut parser =
        Parser { text, tokens: list, at: 0, depth: 0, temporaries: 0, again: 0, reports: &mut reports };
    let ty = parser.ty().ok()?;
    let whole = parser.kind() == &Kind::End && !matches!(ty.kind, TypeKind::Var);
    (whole && reports.is_empty()).then_some(ty)
}

impl Parser<'_> {
    fn whole_expression(&mut self) -> Parsed<Body> {
        let expr = self.expression()?;
        if self.kind() != &Kind::End {
            return self.fail("CS1026", ") expected");
        }
        Ok(Body::Expr(expr))
    }

    fn block_body(&mut self, span: Span) -> Parsed<Body> {
        let mut list = Vec::new();
        while self.kind() != &Kind::End {
            list.push(self.statement()?);
        }
        Ok(Body::Block(list, span))
    }

    fn kind(&self) -> &Kind {
        self.kind_at(0)
    }

    fn kind_at(&self, ahead: usize) -> &Kind {
        self.tokens.get(self.at + ahead).map_or(&Kind::End, |token| &token.kind)
    }

    fn span(&self) -> Span {
        self.span_at(0)
    }

    fn span_at(&self, ahead: usize) -> Span {
        self.tokens.get(self.at + ahead).or(self.tokens.last()).map(|t| t.span).unwrap_or_default()
    }

    /// The span of the token before.
    fn previous(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map(|t| t.span).unwrap_or_default()
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len().saturating_sub(1));
    }

    fn is_mark(&self, mark: &str) -> bool {
        self.is_mark_at(0, mark)
    }

    fn is_mark_at(&self, ahead: usize, mark: &str) -> bool {
        matches!(self.kind_at(ahead), Kind::Mark(m) if *m == mark)
    }

    fn is_keyword(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Keyword(k) if *k == word)
    }

    /// A contextual keyword.
    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Name(name) if &**name == word)
    }

    fn eat_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        if found {
            self.advance();
        }
        found
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let found = self.is_keyword(word);
        if found {
            self.advance();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, mark: &'static str) -> Parsed<()> {
        if self.eat_mark(mark) {
            return Ok(());
        }
        let code = match mark {
            ";" => "CS1002",
            ")" => "CS1026",
            "}" => "CS1513",
            "{" => "CS1514",
            _ => "CS1003",
        };
        let message = if code == "CS1003" {
            format!("Syntax error, '{mark}' expected")
        } else {
            format!("{mark} expected")
        };
        // Missed at the end of the line before, when this token begins a new one.
        let (before, here) = (self.previous(), self.span());
        let gap = self.text.get(before.end as usize..here.start as usize).unwrap_or_default();
        let end = Span { start: before.end, end: before.end };
        self.reports.add(code, message, if gap.contains('\n') { end } else { here });
        Err(Failed)
    }

    fn expect_keyword(&mut self, word: &'static str) -> Parsed<()> {
        if self.eat_keyword(word) {
            return Ok(());
        }
        self.fail("CS1003", &format!("Syntax error, '{word}' expected"))
    }

    fn name(&mut self) -> Parsed<Name> {
        if let Kind::Name(text) = self.kind() {
            let name = Name { text: Arc::clone(text), span: self.span() };
            self.advance();
            return Ok(name);
        }
        if let Kind::Keyword(word) = self.kind() {
            let message = format!("Identifier expected; '{word}' is a keyword");
            return self.fail("CS1041", &message);
        }
        self.fail("CS1001", "Identifier expected")
    }

    fn fail<T>(&mut self, code: &'static str, message: &str) -> Parsed<T> {
        let span = self.span();
        self.fail_at(code, message, span)
    }

    fn fail_at<T>(&mut self, code: &'static str, message: &str, span: Span) -> Parsed<T> {
        self.reports.add(code, message.to_owned(), span);
        Err(Failed)
    }

    /// A construct of a later C#.
    fn too_new<T>(&mut self, feature: &str, version: &str) -> Parsed<T> {
        let message = format!(
            "Feature '{feature}' is not available in C# 7.3. Please use language version {version} or greater."
        );
        self.fail("CS8370", &message)
    }

    /// Runs a part of the parser one level deeper.
    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return self.fail("CS8078", "An expression is too long or complex to compile");
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Tries a reading; goes back and drops its reports when it fails.
    fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Option<T> {
        let (at, mark) = (self.at, self.reports.len());
        if let Ok(found) = f(self) {
            Some(found)
        } else {
            self.again += self.at.saturating_sub(at) + 1;
            // When too much was in vain, all that follows finds the end.
            self.at = if self.again > AGAIN_MAX { self.tokens.len().saturating_sub(1) } else { at };
            self.reports.truncate(mark);
            None
        }
    }

    /// The token after the bracket that closes the one here, without reading what is between.
    fn after_brackets(&self) -> usize {
        let mut depth = 0usize;
        let mut ahead = 0;
        loop {
            match self.kind_at(ahead) {
                Kind::Mark("(" | "[" | "{") => depth += 1,
                Kind::Mark(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Kind::End => return ahead,
                _ => {}
            }
            ahead += 1;
            if depth == 0 {
                return ahead;
            }
        }
    }
}
