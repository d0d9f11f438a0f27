//! What expressions give.

use std::rc::Rc;

use super::evaluate::Host;
use super::numbers::{number_of, number_text};
use crate::xslt::Error;
use crate::xslt::tree::NodeData;

/// A node of one of the trees at hand; the order is that of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    pub tree: u32,
    pub index: u32,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// In the order of the document, none twice.
    Nodes(Rc<[Node]>),
    Boolean(bool),
    Number(f64),
    Text(Rc<str>),
    /// A result tree fragment, by its tree.
    Fragment(u32),
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// Nodes in any order.
    pub fn nodes(mut nodes: Vec<Node>) -> Self {
        nodes.sort_unstable();
        nodes.dedup();
        Self::Nodes(nodes.into())
    }

    pub fn boolean(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Boolean(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Fragment(_) => true,
        }
    }

    pub fn number(&self, host: &dyn Host) -> Result<f64, Error> {
        Ok(match self {
            Self::Number(number) => *number,
            Self::Boolean(value) => f64::from(u8::from(*value)),
            other => number_of(&other.string(host)?),
        })
    }

    pub fn string(&self, host: &dyn Host) -> Result<Rc<str>, Error> {
        match self {
            Self::Nodes(nodes) => match nodes.first() {
                Some(node) => string_of(host, *node).map(Rc::from),
                None => Ok("".into()),
            },
            Self::Boolean(value) => Ok(if *value { "true" } else { "false" }.into()),
            Self::Number(number) => Ok(number_text(*number).into()),
            Self::Text(text) => Ok(Rc::clone(text)),
            Self::Fragment(tree) => string_of(host, Node { tree: *tree, index: 0 }).map(Rc::from),
        }
    }
}

/// The text of a node, charged by the nodes that are looked at and by its bytes.
pub fn string_of(host: &dyn Host, node: Node) -> Result<String, Error> {
    let Some(tree) = host.tree(node.tree) else { return Ok(String::new()) };
    let width = tree.get(node.index).map_or(1, |data| data.end - node.index);
    host.charge(u64::from(width))?;
    let text = tree.string_value(node.index);
    host.charge(text.len() as u64 / 64)?;
    Ok(text)
}

pub fn data(host: &dyn Host, node: Node) -> Option<&NodeData> {
    host.tree(node.tree)?.get(node.index)
}
