//! The catalogue of policies: what each element may carry and how it compiles.
//!
//! One `PolicyDef` a policy, in `policies/<element>.rs`. The schema check, the documentation page and the coverage
//! test all derive from it.

use crate::compile::Compiler;
use crate::fault::Section;
use crate::pipeline::Step;
use crate::policies;
use crate::xml::Element;

/// One policy element.
pub struct PolicyDef {
    /// Element name.
    pub element: &'static str,
    /// Sections it may stand in.
    pub sections: &'static [Section],
    pub attributes: &'static [AttributeDef],
    pub content: Content,
    /// At most once in a section of a document.
    pub once: bool,
    /// What it does, with units, defaults and status codes.
    pub docs: &'static str,
    /// Builds the statement; findings go to the compiler. The element has passed the schema check.
    pub compile: fn(&Element, &mut Compiler<'_>) -> Option<Step>,
}

/// An attribute and what its value may be.
pub struct AttributeDef {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Whether the whole value may be a policy expression.
    pub expression: bool,
}

/// The datatype of a literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Text,
    Bool,
    /// Whole number in the range, both ends included.
    Int(i64, i64),
    Double,
    OneOf(&'static [&'static str]),
}

/// What may stand inside an element.
pub enum Content {
    Empty,
    /// Character data: a literal, or one expression where the flag says so.
    Text {
        expression: bool,
    },
    /// Character data: a literal, an expression, or a Liquid template, whose braces may be Liquid's own.
    Template,
    /// Elements of these names and numbers, in any order.
    Elements(&'static [ChildDef]),
    /// The same, in this order.
    Sequence(&'static [ChildDef]),
    /// Text, or elements (`set-body` with `<value>`).
    TextOrElements(&'static [ChildDef]),
    /// Policy statements.
    Policies,
    /// Policy statements of these names only.
    SomePolicies(&'static [&'static str]),
    /// Anything; the policy reads it itself.
    Any,
}

/// An element inside a policy that is no policy itself.
pub struct ChildDef {
    pub element: &'static str,
    pub least: usize,
    /// `usize::MAX` = any number.
    pub most: usize,
    pub attributes: &'static [AttributeDef],
    pub content: Content,
}

/// Any number of times.
pub const MANY: usize = usize::MAX;

/// A required attribute that takes no expression.
pub const fn required(name: &'static str, kind: Kind) -> AttributeDef {
    AttributeDef { name, kind, required: true, expression: false }
}

/// An optional attribute that takes no expression.
pub const fn optional(name: &'static str, kind: Kind) -> AttributeDef {
    AttributeDef { name, kind, required: false, expression: false }
}

impl AttributeDef {
    /// The same attribute, expressions allowed.
    #[must_use]
    pub const fn expression(mut self) -> Self {
        self.expression = true;
        self
    }
}

/// An element inside a policy, `least` to `most` times.
pub const fn child(
    element: &'static str,
    (least, most): (usize, usize),
    attributes: &'static [AttributeDef],
    content: Content,
) -> ChildDef {
    ChildDef { element, least, most, attributes, content }
}

/// All four sections.
pub const ALL: &[Section] = &Section::ALL;

/// Policies that do nothing on the handshake of a WebSocket (`policies.md` §9): what they change has no place there.
pub const NOT_ON_HANDSHAKE: &[&str] = &[
    "cache-lookup",
    "cache-store",
    "cors",
    "cross-domain",
    "json-to-xml",
    "jsonp",
    "mock-response",
    "set-body",
    "set-method",
    "validate-content",
    "validate-headers",
    "validate-parameters",
    "validate-status-code",
    "xml-to-json",
    "xsl-transform",
];

/// Every policy there is, by element name.
pub static CATALOGUE: &[&PolicyDef] = policies::CATALOGUE;

/// The policy of that element name.
pub fn find(element: &str) -> Option<&'static PolicyDef> {
    CATALOGUE.iter().find(|def| def.element == element).copied()
}

/// Policies of the service that this gateway refuses, and what is missing (never skipped silently).
pub static REFUSED: &[(&str, &str)] = &[
    ("get-authorization-context", "the credential manager's stored authorizations"),
    ("sql-data-source", "a SQL Server client"),
    ("cosmosdb-data-source", "an Azure Cosmos DB client"),
];
