//! Policy documents: one reader for both spellings of the language (`policies.md` §2, `expressions.md` §1.2).
//!
//! `xml` is well-formed and escapes its expressions; `rawxml` carries them as written, quotes and angle brackets
//! included. The reader takes an expression by C# lexing where plain XML reading does not yield a whole one.

use std::ops::Range;

mod named_values;
mod reader;
mod spelling;

pub use named_values::{Expanded, expand, unresolved};
pub use reader::{Limits, ReadError, read, read_with_comments};
pub use spelling::{Spelling, respell};

/// A place in the submitted text, 1-based; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// An element with its attributes and content.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub name: Box<str>,
    pub attributes: Vec<Attribute>,
    pub children: Vec<Node>,
    pub at: Position,
    /// Bytes of the submitted text, tags included.
    pub span: Range<usize>,
}

/// An attribute; entities in `value` are decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: Box<str>,
    pub value: String,
    /// Of the first character of the value.
    pub at: Position,
}

/// Content of an element.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Element(Element),
    /// Character data with entities decoded, white space kept.
    Text(Text),
    /// As written, marks included; only [`read_with_comments`] keeps them.
    Comment(Box<str>),
}

/// Character data.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub value: String,
    pub at: Position,
}

impl Node {
    /// Says that it stands there, with all that is in it.
    pub fn place(&mut self, at: Position) {
        match self {
            Self::Element(element) => {
                element.at = at;
                element.attributes.iter_mut().for_each(|attribute| attribute.at = at);
                element.children.iter_mut().for_each(|inner| inner.place(at));
            }
            Self::Text(text) => text.at = at,
            Self::Comment(_) => {}
        }
    }
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name == name)
    }

    /// Child elements in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Comment(_) => None,
        })
    }

    /// The first child element of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|element| &*element.name == name)
    }

    /// All character data directly inside, white space included.
    pub fn text(&self) -> String {
        self.children
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.value.as_str()),
                Node::Element(_) | Node::Comment(_) => None,
            })
            .collect()
    }

    /// Where the first visible character of the content stands; the element's place when there is none.
    pub fn text_at(&self) -> Position {
        self.children
            .iter()
            .find_map(|node| match node {
                Node::Text(text) if !text.value.trim().is_empty() => Some(text.at),
                _ => None,
            })
            .unwrap_or(self.at)
    }
}
