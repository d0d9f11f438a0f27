//! LINQ to XML (expressions.md §6.8): a mutable tree whose nodes know their parents, a reader that refuses DTDs,
//! an indenting writer, conversions in the forms of XML Schema; and the little of `XmlDocument` that policies use.
//!
//! An [`XNode`] is a handle: cloning it is cheap and gives the same node; [`XNode::same`] compares identity.
//! Trees are at most [`DEPTH_MAX`] levels deep, so that walking and dropping them by recursion is safe.

mod attribute;
pub mod convert;
mod edit;
mod equality;
mod name;
mod navigate;
mod node;
mod parser;
mod writer;
mod xpath;

pub use attribute::XAttribute;
pub use equality::deep_equals;
pub use name::{XML_NAMESPACE, XMLNS_NAMESPACE, XName};
pub use node::{DEPTH_MAX, Declaration, DocumentType, NodeType, XNode};
pub use parser::{DEPTH_READ_MAX, NODES_MAX, parse_document, parse_element};
pub use xpath::{Selected, select};

#[cfg(test)]
mod tests;
