//! Values that templates see.

use std::rc::Rc;

use gateway_expression::clr::date_time::DateTime;
use gateway_expression::clr::json::{JToken, Scalar, TokenType};
use gateway_expression::clr::number::format;
use indexmap::IndexMap;
use uppsala::{Document, NodeId};

use crate::markup;

/// A value. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Value {
    Nil,
    /// The word `empty`: equal to what holds nothing.
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    Date(DateTime),
    Str(Rc<str>),
    List(Rc<Vec<Value>>),
    Hash(Rc<Hash>),
    /// An entry of a hash, as a loop over it sees it: `Key` and `Value`, or `[0]` and `[1]`.
    Pair(Rc<str>, Rc<Value>),
}

/// Named values in order.
#[derive(Debug, Default)]
pub struct Hash {
    pub entries: IndexMap<Rc<str>, Value>,
    /// What it shows as when written out: the text of an XML element, an URL.
    pub text: Option<Rc<str>>,
    /// Names are found whatever their case is: XML elements, header fields, members of `context`.
    pub ignore_case: bool,
}

impl Hash {
    pub fn get(&self, name: &str) -> Option<&Value> {
        let exact = self.entries.get(name);
        if exact.is_some() || !self.ignore_case {
            return exact;
        }
        let same = |(known, _): &(&Rc<str>, &Value)| known.eq_ignore_ascii_case(name);
        self.entries.iter().find(same).map(|(_, value)| value)
    }
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Str(text.into())
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    /// Liquid's truth: everything but nil and false.
    pub fn is_true(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Str(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Hash(hash) => hash.entries.is_empty() && hash.text.as_deref().is_none_or(str::is_empty),
            _ => false,
        }
    }

    /// What an output tag writes.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.push_text(&mut out);
        out
    }

    fn push_text(&self, out: &mut String) {
        match self {
            Self::Nil | Self::Empty => {}
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Double(value) => out.push_str(&format::double_text(*value)),
            Self::Date(value) => out.push_str(&value.to_text("").unwrap_or_default()),
            Self::Str(text) => out.push_str(text),
            Self::List(items) => items.iter().for_each(|item| item.push_text(out)),
            Self::Hash(hash) => match &hash.text {
                Some(text) => out.push_str(text),
                None => hash.entries.iter().for_each(|(name, value)| push_pair(out, name, value)),
            },
            Self::Pair(name, value) => push_pair(out, name, value),
        }
    }

    /// Items that a loop sees. A hash gives pairs of name and value.
    pub fn items(&self) -> Vec<Self> {
        match self {
            Self::List(items) => items.to_vec(),
            Self::Hash(hash) => {
                let pair =
                    |(name, value): (&Rc<str>, &Self)| Self::Pair(Rc::clone(name), Rc::new(value.clone()));
                hash.entries.iter().map(pair).collect()
            }
            Self::Pair(name, value) => vec![Self::Str(Rc::clone(name)), (**value).clone()],
            Self::Str(text) if !text.is_empty() => vec![self.clone()],
            _ => Vec::new(),
        }
    }

    /// Items that `JSONArrayFor` sees: a list as it is; an XML element around repeated ones gives those; anything
    /// else is a list of one. XML does not tell an array with one item from an item.
    pub fn json_items(&self) -> Vec<Self> {
        match self {
            Self::Nil | Self::Empty => Vec::new(),
            Self::List(items) => items.to_vec(),
            Self::Str(text) if text.is_empty() => Vec::new(),
            Self::Hash(hash) if hash.ignore_case && hash.entries.len() == 1 => match hash.entries.first() {
                Some((_, Self::List(items))) => items.to_vec(),
                Some((_, only @ Self::Hash(_))) => vec![only.clone()],
                _ => vec![self.clone()],
            },
            other => vec![other.clone()],
        }
    }

    /// A JSON tree as templates see it.
    pub fn of_json(token: &JToken) -> Self {
        match token.token_type() {
            TokenType::Object => {
                let mut hash = Hash::default();
                for property in token.children() {
                    if let (Some(name), Some(value)) = (property.name(), property.property_value()) {
                        hash.entries.insert(name.into(), Self::of_json(&value));
                    }
                }
                Self::Hash(Rc::new(hash))
            }
            TokenType::Array => Self::list(token.children().iter().map(Self::of_json).collect()),
            _ => token.scalar().map_or(Self::Nil, |scalar| Self::of_scalar(&scalar)),
        }
    }

    fn of_scalar(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Null | Scalar::Undefined | Scalar::Comment(_) => Self::Nil,
            Scalar::Bool(value) => Self::Bool(*value),
            Scalar::Integer(value) => Self::Int(*value),
            Scalar::Float(value) => Self::Double(*value),
            Scalar::Date(value) => Self::Date(*value),
            other => Self::text(&other.to_text()),
        }
    }

    /// An XML document as templates see it: the root by its name without prefix, repeated elements as a list,
    /// attributes behind `@`. `nil` is what an element marked `xsi:nil` gives.
    pub fn of_xml(document: &Document<'_>, nil: &Self) -> Self {
        let mut hash = Hash { ignore_case: true, ..Hash::default() };
        if let Some(root) = document.document_element()
            && let Some(element) = document.element(root)
        {
            hash.entries.insert((&*element.name.local_name).into(), of_element(document, root, nil));
        }
        Self::Hash(Rc::new(hash))
    }
}

/// As .NET writes a `KeyValuePair`.
fn push_pair(out: &mut String, name: &str, value: &Value) {
    out.push('[');
    out.push_str(name);
    out.push_str(", ");
    value.push_text(out);
    out.push(']');
}

/// Recursion ends where the reader's depth limit does.
fn of_element(document: &Document<'_>, node: NodeId, nil: &Value) -> Value {
    let Some(element) = document.element(node) else { return Value::Nil };
    if matches!(element.get_attribute_ns(markup::XSI, "nil"), Some("true" | "1")) {
        return nil.clone();
    }
    let mut entries: IndexMap<Rc<str>, Value> = IndexMap::new();
    for child in markup::elements(document, node) {
        let Some(name) = document.element(child).map(|element| &*element.name.local_name) else { continue };
        let value = of_element(document, child, nil);
        match entries.get_mut(name) {
            None => drop(entries.insert(name.into(), value)),
            Some(Value::List(items)) if Rc::strong_count(items) == 1 => {
                if let Some(items) = Rc::get_mut(items) {
                    items.push(value);
                }
            }
            Some(first) => {
                let both = vec![std::mem::replace(first, Value::Nil), value];
                *first = Value::list(both);
            }
        }
    }
    let text = markup::text(document, node);
    let attributes =
        element.attributes.iter().filter(|own| own.name.namespace_uri.as_deref() != Some(markup::XSI));
    let attributes: Vec<_> = attributes.collect();
    if entries.is_empty() && attributes.is_empty() {
        return Value::text(&text);
    }
    let text = if entries.is_empty() { text.as_str() } else { text.trim() };
    for attribute in attributes {
        entries.insert(format!("@{}", attribute.name.local_name).into(), Value::text(&attribute.value));
    }
    Value::Hash(Rc::new(Hash { entries, text: Some(text.into()), ignore_case: true }))
}
