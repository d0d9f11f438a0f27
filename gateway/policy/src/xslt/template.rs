//! Attribute value templates (XSLT 1.0 §7.6.2): `a{expression}b`, with `{{` and `}}` for braces.

use super::Error;
use super::instruction::{Part, Template};
use super::xpath::{self, Context, Scope};

/// Reads a template.
pub fn parse(text: &str, scope: &dyn Scope) -> Result<Template, Error> {
    let (mut parts, mut plain) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            plain.push(c);
            rest = behind;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let end =
                end_of(inner).ok_or_else(|| Error::new(format!("'{text}': the braces are not closed.")))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            parts.push(Part::Expr(xpath::parse(inner.get(..end).unwrap_or_default(), scope)?));
            rest = inner.get(end + 1..).unwrap_or_default();
        } else if c == '}' {
            return Err(Error::new(format!("'{text}': the right curly brace must be doubled.")));
        } else {
            plain.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    Ok(Template(parts))
}

/// Where the expression ends: at the brace that stands in no literal.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '}') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

impl Template {
    /// The text here.
    pub fn text(&self, c: &Context<'_>) -> Result<String, Error> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expr(expr) => text.push_str(&c.string(expr)?),
            }
        }
        Ok(text)
    }
}
