//! The tree of a compiled template. Shared by all workers: plain data.

use super::filters::Filter;

/// A value to be looked up or written out.
#[derive(Debug, Clone)]
pub enum Operand {
    Nil,
    /// `empty` and `blank`.
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
    /// A name and the steps behind it.
    Path(Box<str>, Vec<Segment>),
    Range(Box<Operand>, Box<Operand>),
}

/// A step of a path.
#[derive(Debug, Clone)]
pub enum Segment {
    Name(Box<str>),
    Index(Operand),
}

/// An operand and what it goes through.
#[derive(Debug, Clone)]
pub struct Expression {
    pub operand: Operand,
    pub filters: Vec<(Filter, Vec<Operand>)>,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    HasKey,
    HasValue,
}

/// What `if` asks; `and` and `or` bind to the right, as in Liquid.
#[derive(Debug, Clone)]
pub enum Condition {
    Truth(Operand),
    Compare(Operand, Comparison, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// A loop.
#[derive(Debug, Clone)]
pub struct For {
    pub variable: Box<str>,
    pub collection: Operand,
    pub limit: Option<Operand>,
    pub offset: Option<Operand>,
    pub reversed: bool,
    /// `JSONArrayFor`: a comma between the items; one item that is no list is a list of one.
    pub json_array: bool,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// A part of a template, and its line for errors.
#[derive(Debug, Clone)]
pub struct Node {
    pub line: u32,
    pub kind: NodeKind,
}

#[derive(Debug, Clone)]
pub enum NodeKind {
    Text(Box<str>),
    Output(Expression),
    Assign(Box<str>, Expression),
    Capture(Box<str>, Vec<Node>),
    /// Branches in order; a branch without condition is the last.
    If(Vec<(Option<Condition>, Vec<Node>)>),
    For(Box<For>),
    /// Group and values.
    Cycle(Box<str>, Vec<Operand>),
    /// Name, step, and whether the value is shown before it changes.
    Count(Box<str>, i64),
    Break,
    Continue,
}
