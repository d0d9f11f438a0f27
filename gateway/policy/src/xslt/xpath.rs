//! `XPath` 1.0: expressions are read once, with the namespaces of the place where they stand, and evaluated often.

mod axis;
mod evaluate;
mod functions;
mod lexer;
mod numbers;
mod parser;
mod value;

pub use axis::{node_passes, passes, select};
pub use evaluate::{Context, Host};
pub use numbers::{number_of, number_text, round};
pub use parser::parse;
pub use value::{Node, Value, data, string_of};

use std::sync::Arc;

use super::tree::Name;

/// What stands around an expression: the namespaces of prefixes.
pub trait Scope {
    /// The namespace of a prefix.
    fn namespace(&self, prefix: &str) -> Option<String>;
}

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Union(Box<Expr>, Box<Expr>),
    Literal(Arc<str>),
    Number(f64),
    Variable(Name),
    Call(Function, Vec<Expr>),
    Filter(Box<Expr>, Vec<Expr>),
    Path(Start, Vec<Step>),
}

/// Where a path begins.
#[derive(Clone, Debug)]
pub enum Start {
    Context,
    Root,
    Expr(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub axis: Axis,
    pub test: Test,
    pub predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Namespace,
    Parent,
    Preceding,
    PrecedingSibling,
    SelfNode,
}

impl Axis {
    /// Whether positions count backwards through the document.
    pub fn is_reverse(self) -> bool {
        matches!(self, Self::Ancestor | Self::AncestorOrSelf | Self::Preceding | Self::PrecedingSibling)
    }
}

/// A node test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    Node,
    Text,
    Comment,
    Instruction(Option<Arc<str>>),
    Any,
    Namespace(Arc<str>),
    Name(Name),
}

macro_rules! functions {
    ($($name:ident = $text:literal, $least:literal, $most:literal;)*) => {
        /// The functions of `XPath` 1.0 and XSLT 1.0, and `node-set` of extensions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl Function {
            /// By its name without prefix, with the least and the greatest number of arguments.
            pub fn named(name: &str) -> Option<(Self, usize, usize)> {
                match name { $($text => Some((Self::$name, $least, $most)),)* _ => None }
            }
        }
    };
}

functions! {
    Last = "last", 0, 0;
    Position = "position", 0, 0;
    Count = "count", 1, 1;
    Id = "id", 1, 1;
    LocalName = "local-name", 0, 1;
    NamespaceUri = "namespace-uri", 0, 1;
    NameOf = "name", 0, 1;
    String = "string", 0, 1;
    Concat = "concat", 2, 1000;
    StartsWith = "starts-with", 2, 2;
    Contains = "contains", 2, 2;
    SubstringBefore = "substring-before", 2, 2;
    SubstringAfter = "substring-after", 2, 2;
    Substring = "substring", 2, 3;
    StringLength = "string-length", 0, 1;
    NormalizeSpace = "normalize-space", 0, 1;
    Translate = "translate", 3, 3;
    Boolean = "boolean", 1, 1;
    Not = "not", 1, 1;
    True = "true", 0, 0;
    False = "false", 0, 0;
    Lang = "lang", 1, 1;
    Number = "number", 0, 1;
    Sum = "sum", 1, 1;
    Floor = "floor", 1, 1;
    Ceiling = "ceiling", 1, 1;
    Round = "round", 1, 1;
    Current = "current", 0, 0;
    Key = "key", 2, 2;
    FormatNumber = "format-number", 2, 3;
    GenerateId = "generate-id", 0, 1;
    SystemProperty = "system-property", 1, 1;
    UnparsedEntityUri = "unparsed-entity-uri", 1, 1;
    ElementAvailable = "element-available", 1, 1;
    FunctionAvailable = "function-available", 1, 1;
    NodeSet = "{node-set}", 1, 1;
    ObjectType = "{object-type}", 1, 1;
}

/// Whether a predicate may depend on the position of the node or on how many there are.
pub fn is_positional(expr: &Expr) -> bool {
    let is_number = match expr {
        Expr::Number(_) | Expr::Arithmetic(..) | Expr::Negate(_) | Expr::Variable(_) => true,
        Expr::Call(function, _) => matches!(
            function,
            Function::Last
                | Function::Position
                | Function::Count
                | Function::StringLength
                | Function::Number
                | Function::Sum
                | Function::Floor
                | Function::Ceiling
                | Function::Round
        ),
        _ => false,
    };
    is_number || names_position(expr)
}

fn names_position(expr: &Expr) -> bool {
    match expr {
        Expr::Or(a, b)
        | Expr::And(a, b)
        | Expr::Compare(_, a, b)
        | Expr::Arithmetic(_, a, b)
        | Expr::Union(a, b) => names_position(a) || names_position(b),
        Expr::Negate(a) | Expr::Filter(a, _) => names_position(a),
        Expr::Call(function, arguments) => {
            matches!(function, Function::Last | Function::Position) || arguments.iter().any(names_position)
        }
        Expr::Path(Start::Expr(a), _) => names_position(a),
        Expr::Path(..) | Expr::Literal(_) | Expr::Number(_) | Expr::Variable(_) => false,
    }
}
