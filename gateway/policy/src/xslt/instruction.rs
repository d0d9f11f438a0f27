//! What templates are made of (XSLT 1.0 §5 to §13).

use std::sync::Arc;

use super::pattern::Pattern;
use super::tree::{Name, QName};
use super::xpath::Expr;

/// Instructions one behind the other.
pub type Body = Vec<Instruction>;

/// Prefixes and namespaces in scope of an element of the stylesheet, the nearest first.
pub type Namespaces = Arc<[(Box<str>, Box<str>)]>;

/// An attribute value template.
#[derive(Clone, Debug)]
pub struct Template(pub Vec<Part>);

#[derive(Clone, Debug)]
pub enum Part {
    Text(Box<str>),
    Expr(Expr),
}

#[derive(Clone, Debug)]
pub enum Instruction {
    Literal(Box<Literal>),
    Text { text: Box<str>, is_raw: bool },
    ValueOf { select: Expr, is_raw: bool },
    CopyOf(Expr),
    Copy { sets: Vec<Name>, body: Body },
    Element { name: Template, namespace: Option<Template>, scope: Namespaces, sets: Vec<Name>, body: Body },
    Attribute { name: Template, namespace: Option<Template>, scope: Namespaces, body: Body },
    Comment(Body),
    ProcessingInstruction { name: Template, body: Body },
    ApplyTemplates { select: Option<Expr>, mode: Option<Name>, sorts: Vec<Sort>, parameters: Vec<Binding> },
    ApplyImports,
    CallTemplate { name: Name, parameters: Vec<Binding> },
    ForEach { select: Expr, sorts: Vec<Sort>, body: Body },
    If { test: Expr, body: Body },
    Choose { branches: Vec<(Expr, Body)>, otherwise: Body },
    Variable(Binding),
    Number(Box<Number>),
    Message { body: Body, terminates: bool },
}

/// A literal result element.
#[derive(Clone, Debug)]
pub struct Literal {
    pub name: Arc<QName>,
    /// Declarations that come along.
    pub namespaces: Vec<(Arc<QName>, Box<str>)>,
    pub attributes: Vec<(Arc<QName>, Template)>,
    pub sets: Vec<Name>,
    pub body: Body,
}

/// A variable or a parameter.
#[derive(Clone, Debug)]
pub struct Binding {
    pub name: Name,
    pub value: Given,
    pub is_parameter: bool,
}

#[derive(Clone, Debug)]
pub enum Given {
    Select(Expr),
    Body(Body),
    Empty,
}

#[derive(Clone, Debug)]
pub struct Sort {
    pub select: Expr,
    pub is_number: Option<Template>,
    pub is_descending: Option<Template>,
    pub upper_first: Option<Template>,
}

/// `xsl:number`.
#[derive(Clone, Debug)]
pub struct Number {
    pub level: Level,
    pub count: Option<Pattern>,
    pub from: Option<Pattern>,
    pub value: Option<Expr>,
    pub format: Template,
    pub separator: Option<Template>,
    pub size: Option<Template>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Single,
    Multiple,
    Any,
}
