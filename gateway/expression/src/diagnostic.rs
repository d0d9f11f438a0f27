//! What the compiler reports: C#'s codes and texts (expressions.md §5, §7.1).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::span::{Span, place};

/// One reason why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `CS0103` and the like, or `APIM0001`, `APIM0002`, `APIM0006` of the allow-list.
    pub code: Cow<'static, str>,
    /// The compiler's text.
    pub message: String,
    /// Bytes of the expression's text.
    pub span: Range<usize>,
    /// Line in the expression's text, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{}): {}: {}", self.line, self.column, self.code, self.message)
    }
}

/// Most reports of one compilation.
pub(crate) const REPORTS_MAX: usize = 100;

/// The reports of one compilation.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    list: Vec<(&'static str, String, Span)>,
}

impl Reports {
    pub fn add(&mut self, code: &'static str, message: String, span: Span) {
        if !self.list.iter().any(|(c, _, s)| *c == code && *s == span) {
            self.list.push((code, message, span));
        }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Drops what was reported after a mark: the outcome of an attempt.
    pub fn truncate(&mut self, mark: usize) {
        self.list.truncate(mark);
    }

    /// In the order of the text.
    pub fn finish(mut self, text: &str) -> Vec<Diagnostic> {
        self.list.sort_by_key(|(_, _, span)| span.start);
        self.list.truncate(REPORTS_MAX);
        self.list
            .into_iter()
            .map(|(code, message, span)| {
                let (line, column) = place(text, span.start as usize);
                Diagnostic { code: Cow::Borrowed(code), message, span: span.range(), line, column }
            })
            .collect()
    }
}
