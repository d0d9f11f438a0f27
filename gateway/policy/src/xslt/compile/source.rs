//! The tree of a stylesheet out of a policy document, without the white space that only sets it out (XSLT 1.0 §3.4).

use std::sync::Arc;

use super::XSLT_NAMESPACE;
use crate::xml::{Element, Node};
use crate::xslt::Error;
use crate::xslt::tree::{Kind, QName, Tree, TreeBuilder, XML_NAMESPACE};

type Scope<'e> = Vec<(&'e str, &'e str)>;

/// The tree of an element.
pub fn tree(element: &Element) -> Result<Tree, Error> {
    let mut builder = TreeBuilder::default();
    push(element, &mut vec![("xml", XML_NAMESPACE)], false, &mut builder)?;
    Ok(builder.finish())
}

/// Recursion ends where the document reader's depth limit does.
fn push<'e>(
    element: &'e Element,
    scope: &mut Scope<'e>,
    keeps_space: bool,
    builder: &mut TreeBuilder,
) -> Result<(), Error> {
    let outer = scope.len();
    for attribute in &element.attributes {
        if let Some(prefix) = declared(&attribute.name) {
            scope.push((prefix, &attribute.value));
        }
    }
    let name = resolve(&element.name, scope, true)?;
    let is_text = name.name.is(XSLT_NAMESPACE, "text");
    builder.start(Arc::new(name));
    for (prefix, namespace) in scope.iter().skip(outer) {
        builder.attach(Kind::Namespace, Arc::new(QName::new("", "", prefix)), namespace);
    }
    let mut keeps_space = keeps_space;
    for attribute in element.attributes.iter().filter(|attribute| declared(&attribute.name).is_none()) {
        if &*attribute.name == "xml:space" {
            keeps_space = attribute.value == "preserve";
        }
        builder.attach(Kind::Attribute, Arc::new(resolve(&attribute.name, scope, false)?), &attribute.value);
    }
    for child in &element.children {
        match child {
            Node::Element(child) => push(child, scope, keeps_space, builder)?,
            Node::Text(text) if keeps_space || is_text || !is_blank(&text.value) => {
                builder.leaf(Kind::Text, None, &text.value);
            }
            Node::Text(_) | Node::Comment(_) => {}
        }
    }
    builder.end();
    scope.truncate(outer);
    Ok(())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
}

/// The prefix that an attribute declares.
fn declared(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}

fn resolve(name: &str, scope: &Scope<'_>, has_default: bool) -> Result<QName, Error> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if prefix.is_empty() && !has_default {
        return Ok(QName::new("", "", local));
    }
    let found = scope.iter().rev().find(|(known, _)| *known == prefix).map(|(_, namespace)| *namespace);
    match found {
        Some(namespace) => Ok(QName::new(prefix, namespace, local)),
        None if prefix.is_empty() => Ok(QName::new("", "", local)),
        None => Err(Error::new(format!("'{prefix}' is an undeclared prefix."))),
    }
}
