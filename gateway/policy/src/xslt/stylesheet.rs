//! A compiled stylesheet.

use std::collections::HashMap;
use std::sync::Arc;

use super::format_number::DecimalFormat;
use super::instruction::{Binding, Body};
use super::pattern::{Alternative, Pattern};
use super::run::Transformation;
use super::serialize;
use super::tree::{Name, Tree};
use super::xpath::{Expr, Test};
use super::{Error, Limits, compile};
use crate::xml::Element;

/// Instructions, by their local names.
pub const ELEMENTS: &[&str] = &[
    "apply-imports",
    "apply-templates",
    "attribute",
    "call-template",
    "choose",
    "comment",
    "copy",
    "copy-of",
    "element",
    "fallback",
    "for-each",
    "if",
    "message",
    "number",
    "processing-instruction",
    "text",
    "value-of",
    "variable",
];

/// Stack of a transformation, of which only what is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// A stylesheet. Threads may share it.
#[derive(Debug, Default)]
pub struct Stylesheet {
    pub(super) templates: Vec<Template>,
    /// Rules of a mode, the one that wins first.
    pub(super) rules: HashMap<Option<Name>, Vec<Rule>>,
    pub(super) named: HashMap<Name, usize>,
    pub(super) globals: Vec<Binding>,
    pub(super) keys: Vec<Key>,
    pub(super) sets: HashMap<Name, Vec<AttributeSet>>,
    pub(super) formats: HashMap<String, DecimalFormat>,
    pub(super) spaces: Vec<Space>,
    pub(super) output: Output,
}

/// `xsl:template`; its parameters are the first instructions.
#[derive(Debug)]
pub struct Template {
    pub body: Arc<Body>,
}

#[derive(Debug)]
pub struct Rule {
    pub pattern: Alternative,
    pub priority: f64,
    pub template: usize,
}

/// `xsl:key`.
#[derive(Debug)]
pub struct Key {
    pub name: Name,
    pub pattern: Pattern,
    pub value: Expr,
}

/// One `xsl:attribute-set` of a name.
#[derive(Debug)]
pub struct AttributeSet {
    pub sets: Vec<Name>,
    pub body: Body,
}

/// `xsl:strip-space`, `xsl:preserve-space`: one name of it.
#[derive(Debug)]
pub struct Space {
    pub test: Test,
    pub strips: bool,
}

/// `xsl:output`.
#[derive(Debug, Default)]
pub struct Output {
    pub method: Option<Method>,
    pub version: Option<String>,
    pub encoding: Encoding,
    pub omits_declaration: bool,
    pub standalone: Option<bool>,
    pub doctype_public: Option<String>,
    pub doctype_system: Option<String>,
    pub cdata_elements: Vec<Name>,
    pub indent: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Xml,
    Html,
    Text,
}

/// What the result is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16,
    Latin1,
    Ascii,
}

impl Stylesheet {
    /// Reads an `xsl:stylesheet` of a policy.
    ///
    /// # Errors
    /// What it has that is wrong, or that this gateway does not do.
    pub fn compile(element: &Element) -> Result<Self, Error> {
        compile::stylesheet(element)
    }

    /// Runs the stylesheet over a document; parameters are texts for top-level `xsl:param`s.
    ///
    /// # Errors
    /// A document that is none or has a DTD, an error of the stylesheet, `xsl:message terminate="yes"`, a budget that
    /// is used up.
    pub fn transform(
        &self,
        text: &str,
        parameters: &[(String, String)],
        limits: Limits,
    ) -> Result<Vec<u8>, Error> {
        // Templates call each other as deep as they like: that needs more stack than a worker has. What goes wrong in a
        // library ends this thread only.
        std::thread::scope(|scope| {
            let work = || self.transform_here(text, parameters, limits);
            let builder = std::thread::Builder::new().name("xslt".to_owned()).stack_size(STACK_BYTES);
            let running = builder.spawn_scoped(scope, work).map_err(|error| Error::new(error.to_string()))?;
            running.join().unwrap_or_else(|_| Err(Error::new("The XSLT processor failed.")))
        })
    }

    fn transform_here(
        &self,
        text: &str,
        parameters: &[(String, String)],
        limits: Limits,
    ) -> Result<Vec<u8>, Error> {
        let source = Tree::read(text)?;
        let made = Transformation::new(self, source, parameters, limits).run()?;
        serialize::bytes(&made, &self.output, limits.bytes)
    }
}
