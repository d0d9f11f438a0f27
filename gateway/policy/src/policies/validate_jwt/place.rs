//! Where the token stands in the request.

use std::borrow::Cow;

use crate::catalogue::{AttributeDef, Kind, optional};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::query;
use crate::xml::Element;

pub const HEADER: AttributeDef = optional("header-name", Kind::Text).expression();
pub const QUERY: AttributeDef = optional("query-parameter-name", Kind::Text).expression();
pub const VALUE: AttributeDef = optional("token-value", Kind::Text).expression();

/// A place for a token.
#[derive(Debug)]
pub enum Place {
    Header(TextArg),
    Query(TextArg),
    Value(TextArg),
}

/// What was found there.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Token(String),
    Nothing,
    /// Several, which a reader behind us may take another one of.
    Several,
}

impl Place {
    /// Reads the attribute that names the place; `default` where there may be none.
    pub fn compile(element: &Element, default: Option<Self>, c: &mut Compiler<'_>) -> Option<Self> {
        let make: [(&str, fn(TextArg) -> Self); 3] = [
            ("header-name", Self::Header),
            ("query-parameter-name", Self::Query),
            ("token-value", Self::Value),
        ];
        let given: Vec<_> = make.iter().filter(|(name, _)| element.attribute(name).is_some()).collect();
        match (given.as_slice(), default) {
            ([(name, make)], _) => c.text(element, name).map(make),
            ([], Some(default)) => Some(default),
            _ => {
                let text = "Exactly one of the attributes 'header-name', 'query-parameter-name' and 'token-value' must be specified.";
                c.error("xsd", element.at, text);
                None
            }
        }
    }

    /// Takes the token out, without its scheme.
    pub fn find(&self, required_scheme: Option<&str>, exchange: &Exchange) -> Result<Found, Fault> {
        match self {
            Self::Header(name) => {
                let name = name.get(exchange)?;
                let mut lines = exchange.request.headers.get_all(&name);
                let first = lines.next().map(String::from_utf8_lossy);
                if lines.next().is_some() {
                    return Ok(Found::Several);
                }
                let scheme = required_scheme.filter(|_| name.eq_ignore_ascii_case("Authorization"));
                Ok(found(first.and_then(|line| without_scheme(&line, scheme).map(str::to_owned))))
            }
            Self::Query(name) => {
                let name = name.get(exchange)?;
                let pairs = query::pairs(&exchange.request.url.query);
                let mut values = pairs
                    .filter(|(found, _)| query::decode(found).eq_ignore_ascii_case(&name))
                    .map(|(_, value)| query::decode(value).into_owned());
                let first = values.next();
                if values.next().is_some() { Ok(Found::Several) } else { Ok(found(first)) }
            }
            Self::Value(text) => {
                let text = text.get_non_null(exchange)?;
                Ok(found(text.map(Cow::into_owned)))
            }
        }
    }
}

fn found(text: Option<String>) -> Found {
    match text {
        Some(text) if !text.trim().is_empty() => Found::Token(text.trim().to_owned()),
        _ => Found::Nothing,
    }
}

/// The token behind its scheme. `None` when another scheme is demanded.
fn without_scheme<'a>(line: &'a str, required: Option<&str>) -> Option<&'a str> {
    let line = line.trim();
    let (scheme, token) = match line.split_once(' ') {
        Some((scheme, token)) => (scheme, token.trim()),
        None => ("", line),
    };
    match required {
        Some(required) if !scheme.eq_ignore_ascii_case(required) => None,
        Some(_) => Some(token),
        None if scheme.eq_ignore_ascii_case("Bearer") => Some(token),
        None => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_scheme_strips_bearer_and_what_is_demanded() {
        for (line, required, expected) in [
            ("Bearer t", None, Some("t")),
            ("bearer  t ", None, Some("t")),
            ("t", None, Some("t")),
            ("DPoP t", None, Some("DPoP t")),
            ("DPoP t", Some("DPoP"), Some("t")),
            ("Bearer t", Some("DPoP"), None),
            ("t", Some("Bearer"), None),
        ] {
            assert_eq!(without_scheme(line, required), expected, "{line} {required:?}");
        }
    }
}
