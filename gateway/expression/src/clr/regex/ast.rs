//! A pattern of .NET's dialect, its options resolved.

use super::class::Class;

/// A part of a pattern.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Empty,
    Literal {
        c: char,
        ignore_case: bool,
    },
    /// `.`; with `all` a line feed as well.
    Any {
        all: bool,
    },
    Class {
        class: Class,
        ignore_case: bool,
    },
    Anchor(Anchor),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        lazy: bool,
    },
    /// Engines number these in the order of appearance, as the declarations are.
    Capture(Box<Node>),
    Group(Box<Node>),
    Atomic(Box<Node>),
    Look {
        ahead: bool,
        negative: bool,
        node: Box<Node>,
    },
    Backreference {
        number: i32,
        ignore_case: bool,
    },
    /// `(?(1)yes|no)`
    IfGroup {
        number: i32,
        yes: Box<Node>,
        no: Box<Node>,
    },
    /// `(?(expression)yes|no)`
    IfLook {
        look: Box<Node>,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// `\A`, `^`
    Start,
    /// `^` of each line
    LineStart,
    /// `\Z`, `$`: the end, or before a line feed there
    EndOrLineFeed,
    /// `$` of each line
    LineEnd,
    /// `\z`
    End,
    /// `\G`
    Continue,
    /// `\b`
    Word,
    /// `\B`
    NotWord,
}

impl Node {
    pub(super) fn concat(mut nodes: Vec<Self>) -> Self {
        match (nodes.len(), nodes.pop()) {
            (_, None) => Self::Empty,
            (1, Some(only)) => only,
            (_, Some(last)) => {
                nodes.push(last);
                Self::Concat(nodes)
            }
        }
    }
}
