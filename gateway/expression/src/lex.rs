//! Tokens of C# 7.3.

mod literal;

use std::sync::Arc;

use crate::cut::{CutError, skip_opaque};
use crate::diagnostic::Reports;
use crate::span::Span;
use crate::syntax::Constant;

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// An identifier; contextual keywords are identifiers too.
    Name(Arc<str>),
    /// A reserved word.
    Keyword(&'static str),
    /// An operator or bracket.
    Mark(&'static str),
    /// A number, string or character.
    Literal(Constant),
    /// An interpolated string: its text parts and holes.
    Interpolated(Vec<Piece>),
    /// The end.
    End,
}

/// A part of an interpolated string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    /// Source of the value with its alignment; the format as text.
    Hole {
        value: Span,
        format: Option<String>,
    },
}

/// In the order of the alphabet.
const KEYWORDS: &[&str] = &[
    "abstract",
    "as",
    "base",
    "bool",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "checked",
    "class",
    "const",
    "continue",
    "decimal",
    "default",
    "delegate",
    "do",
    "double",
    "else",
    "enum",
    "event",
    "explicit",
    "extern",
    "false",
    "finally",
    "fixed",
    "float",
    "for",
    "foreach",
    "goto",
    "if",
    "implicit",
    "in",
    "int",
    "interface",
    "internal",
    "is",
    "lock",
    "long",
    "namespace",
    "new",
    "null",
    "object",
    "operator",
    "out",
    "override",
    "params",
    "private",
    "protected",
    "public",
    "readonly",
    "ref",
    "return",
    "sbyte",
    "sealed",
    "short",
    "sizeof",
    "stackalloc",
    "static",
    "string",
    "struct",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "uint",
    "ulong",
    "unchecked",
    "unsafe",
    "ushort",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
];

/// Longest first. `>` stands alone: the parser joins `>>`, since `>` also closes type arguments.
const MARKS: &[&str] = &[
    "<<=", "??=", "...", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "<<", "->", "::", "..", "(", ")", "[", "]", "{", "}", ";", ",", ".", ":",
    "?", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", "=", "<", ">", "#",
];

/// All tokens of a part of the text; the last one is [`Kind::End`].
pub(crate) fn tokens(text: &str, span: Span, reports: &mut Reports) -> Vec<Token> {
    let mut lexer =
        Lexer { text, at: span.start as usize, end: span.end as usize, reports, found: Vec::new() };
    lexer.run();
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    reports: &'a mut Reports,
    found: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn run(&mut self) {
        while self.at < self.end && self.reports.is_empty() {
            self.one();
        }
        self.push(Kind::End, self.end, self.end);
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.found.push(Token { kind, span: Span::new(start, end) });
    }

    fn report(&mut self, code: &'static str, message: &str, start: usize, end: usize) {
        self.reports.add(code, message.to_owned(), Span::new(start, end));
    }

    fn one(&mut self) {
        let Some(first) = self.rest().chars().next() else { return };
        if first.is_whitespace() || first == '\u{feff}' {
            self.at += first.len_utf8();
            return;
        }
        let second = self.rest().chars().nth(1).unwrap_or_default();
        match (first, second) {
            ('/', '/' | '*') | ('"' | '\'', _) | ('@', '"' | '$') | ('$', '"' | '@') => self.opaque(),
            ('@', _) if is_start(second) => self.name(1),
            ('0'..='9', _) | ('.', '0'..='9') => self.number(),
            _ if is_start(first) => self.name(0),
            ('\\', 'u' | 'U') => self.name(0),
            _ => self.mark(first),
        }
    }

    fn mark(&mut self, first: char) {
        let start = self.at;
        let rest = self.rest();
        let starts =
            |mark: &&&str| mark.as_bytes().first() == rest.as_bytes().first() && rest.starts_with(**mark);
        let Some(mark) = MARKS.iter().find(starts) else {
            let message = format!("Unexpected character '{first}'");
            self.report("CS1056", &message, start, start + first.len_utf8());
            self.at += first.len_utf8();
            return;
        };
        // `a?.5:1` is a condition with a number.
        let after = self.rest().as_bytes().get(2).copied().unwrap_or_default();
        let mark = if *mark == "?." && after.is_ascii_digit() { "?" } else { mark };
        self.at += mark.len();
        self.push(Kind::Mark(mark), start, self.at);
    }

    fn name(&mut self, prefix: usize) {
        let start = self.at;
        let body = self.rest().get(prefix..).unwrap_or_default();
        let (word, length) = literal::identifier(body, is_part);
        if length == 0 {
            self.report("CS1056", "Unexpected character '\\'", start, start + 1);
            self.at += 1;
            return;
        }
        // A word with an escape is never a keyword.
        let is_plain = prefix == 0 && word.len() == length;
        let keyword = KEYWORDS.binary_search(&&*word).ok().filter(|_| is_plain);
        let kind = match keyword.and_then(|place| KEYWORDS.get(place)) {
            Some(keyword) => Kind::Keyword(keyword),
            None => Kind::Name(word.into()),
        };
        self.at += prefix + length;
        self.push(kind, start, self.at);
    }

    fn number(&mut self) {
        let start = self.at;
        match literal::number(self.rest()) {
            Ok((constant, length)) => {
                self.at += length;
                self.push(Kind::Literal(constant), start, self.at);
            }
            Err((code, message, length)) => {
                self.at += length.max(1);
                self.report(code, message, start, self.at);
            }
        }
    }

    /// Strings, characters and comments.
    fn opaque(&mut self) {
        let start = self.at;
        if self.rest().starts_with("\"\"\"") {
            let message = "Feature 'raw string literals' is not available in C# 7.3. Please use language version 11.0 or greater.";
            self.report("CS8370", message, start, start + 3);
            self.at = self.end;
            return;
        }
        let bytes = self.text.as_bytes().get(..self.end).unwrap_or_default();
        let end = match skip_opaque(bytes, start) {
            Ok(Some(end)) if end <= self.end => end,
            Ok(_) if self.rest().starts_with('\'') => {
                let code = if self.rest().starts_with("''") { "CS1011" } else { "CS1010" };
                let message =
                    if code == "CS1011" { "Empty character literal" } else { "Newline in constant" };
                self.report(code, message, start, start + 1);
                self.at += 1;
                return;
            }
            Ok(_) => {
                self.report("CS1056", "Unexpected character '@'", start, start + 1);
                self.at += 1;
                return;
            }
            Err(error) => {
                let (code, message) = match error {
                    CutError::UnterminatedComment(_) => ("CS1035", "End-of-file found, '*/' expected"),
                    _ if self.rest().starts_with("@\"") => ("CS1039", "Unterminated string literal"),
                    _ => ("CS1010", "Newline in constant"),
                };
                self.report(code, message, start, start + 1);
                self.at = self.end;
                return;
            }
        };
        self.at = end;
        if !self.text.get(start..end).unwrap_or_default().starts_with('/') {
            self.quoted(start, end);
        }
    }

    fn quoted(&mut self, start: usize, end: usize) {
        let source = self.text.get(start..end).unwrap_or_default();
        let result = if source.starts_with('\'') {
            literal::character(source).map(Kind::Literal)
        } else if source.starts_with('"') {
            literal::regular(source.get(1..source.len() - 1).unwrap_or_default())
                .map(|text| Kind::Literal(Constant::Str(text.into())))
        } else if source.starts_with("@\"") {
            let body = source.get(2..source.len() - 1).unwrap_or_default();
            Ok(Kind::Literal(Constant::Str(body.replace("\"\"", "\"").into())))
        } else {
            literal::interpolated(source, start).map(Kind::Interpolated)
        };
        match result {
            Ok(kind) => self.push(kind, start, end),
            Err((code, message)) if code == "CS1009" => {
                let at = start + literal::bad_escape(source);
                self.report(code, message, at, end);
            }
            Err((code, message)) => self.report(code, message, start, end),
        }
    }
}

fn is_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_part(c: char) -> bool {
    is_start(c) || c.is_numeric()
}
