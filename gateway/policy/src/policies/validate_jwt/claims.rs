//! Claims that a token must carry.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Refusal;
use crate::catalogue::{AttributeDef, ChildDef, Content, Kind, MANY, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::xml::Element;

const ATTRIBUTES: &[AttributeDef] = &[
    required("name", Kind::Text),
    optional("match", Kind::OneOf(&["all", "any"])),
    optional("separator", Kind::Text),
];

const VALUES: &[ChildDef] = &[child("value", (0, MANY), &[], Content::Text { expression: true })];

pub const REQUIRED_CLAIMS: ChildDef = child(
    "required-claims",
    (0, 1),
    &[],
    Content::Elements(&[child("claim", (1, MANY), ATTRIBUTES, Content::Elements(VALUES))]),
);

/// A `<claim>`.
#[derive(Debug)]
pub struct RequiredClaim {
    name: Arc<str>,
    /// One of the values is enough.
    any: bool,
    separator: Option<Arc<str>>,
    values: Vec<TextArg>,
}

impl RequiredClaim {
    /// Reads `required-claims`.
    pub fn compile_all(parent: Option<&Element>, c: &mut Compiler<'_>) -> Vec<Self> {
        let elements: Vec<_> = parent.into_iter().flat_map(Element::elements).collect();
        elements
            .into_iter()
            .filter_map(|element| {
                Some(Self {
                    name: c.literal(element, "name")?,
                    any: c.literal(element, "match").as_deref() == Some("any"),
                    // The separator may be a blank: it is not trimmed.
                    separator: element
                        .attribute("separator")
                        .map(|separator| separator.value.as_str().into())
                        .filter(|separator: &Arc<str>| !separator.is_empty()),
                    values: element.elements().filter_map(|value| c.content(value)).collect(),
                })
            })
            .collect()
    }

    fn objection(&self, claims: &Map<String, Value>, exchange: &Exchange) -> Result<Option<Refusal>, Fault> {
        let Some(claim) = claims.get(&*self.name) else { return Ok(None) };
        if self.values.is_empty() {
            return Ok(None);
        }
        let present = self.present(claim);
        let mut matches = 0;
        for value in &self.values {
            let wanted = value.get(exchange)?;
            matches += usize::from(present.contains(&wanted));
        }
        let is_met = if self.any { matches > 0 } else { matches == self.values.len() };
        Ok((!is_met).then(|| value_refused(&self.name, claim)))
    }

    fn present<'a>(&self, claim: &'a Value) -> Vec<Cow<'a, str>> {
        match (claim, &self.separator) {
            (Value::Array(items), _) => items.iter().map(text).collect(),
            (Value::String(text), Some(separator)) => {
                text.split(&**separator).map(|part| Cow::Borrowed(part.trim())).collect()
            }
            (claim, _) => vec![text(claim)],
        }
    }
}

/// Longest part of a claim's value in an error text.
const SHOWN_CHARS_MAX: usize = 200;

/// The refusal of a claim for its value.
pub fn value_refused(name: &str, claim: &Value) -> Refusal {
    let shown: String = text(claim).chars().take(SHOWN_CHARS_MAX).collect();
    let message = format!("Claim {name} value of {shown} is not allowed. Access denied.");
    Refusal::new("TokenClaimValueNotAllowed", message)
}

/// The refusal of claims that are not there.
pub fn missing(names: &[&str]) -> Refusal {
    let list = names.join(", ");
    let message = format!("JWT token is missing the following claims: {list}. Access denied.");
    Refusal::new("TokenClaimNotFound", message)
}

/// What is wrong with the token's claims, if anything: missing ones are told all at once.
pub fn objection(
    required: &[RequiredClaim],
    claims: &Map<String, Value>,
    exchange: &Exchange,
) -> Result<Option<Refusal>, Fault> {
    let mut absent: Vec<&str> =
        required.iter().map(|claim| &*claim.name).filter(|name| !claims.contains_key(*name)).collect();
    absent.dedup();
    if !absent.is_empty() {
        return Ok(Some(missing(&absent)));
    }
    for claim in required {
        if let Some(refusal) = claim.objection(claims, exchange)? {
            return Ok(Some(refusal));
        }
    }
    Ok(None)
}

/// A claim's value as text: strings as they are, everything else as JSON.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}
