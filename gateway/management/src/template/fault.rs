//! What stops the reading of a template.

use std::fmt;

use gateway_specification::document::Node;

/// Something wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// Line and column in what was sent, from 1.
    pub place: Option<(u32, u32)>,
    /// `resources[2].name`.
    pub path: String,
}

impl Fault {
    /// About a value.
    pub fn at(node: &Node, path: impl Into<String>, message: impl Into<String>) -> Self {
        let place = Some((node.origin.line, node.origin.column));
        Self { message: message.into(), place, path: path.into() }
    }

    /// Without a place of its own; whoever knows one adds it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, path: String::new() }
    }

    /// With a place, unless it has one.
    #[must_use]
    pub fn placed(mut self, node: &Node, path: &str) -> Self {
        if self.place.is_none() {
            self.place = Some((node.origin.line, node.origin.column));
            path.clone_into(&mut self.path);
        }
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What an expression asks of a resource that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// `reference(id, version, 'Full')`: the whole resource.
    Resource { id: String, version: Option<String> },
    /// `listSecrets(id, version)`: the answer to the action.
    Action { id: String, action: String, version: String },
}

impl Need {
    /// The resource that is asked.
    pub fn id(&self) -> &str {
        match self {
            Self::Resource { id, .. } | Self::Action { id, .. } => id,
        }
    }
}

/// Why an evaluation has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Fault(Fault),
    /// Something has to be fetched first.
    Need(Need),
}

impl Stop {
    /// A fault with a place, unless it has one.
    #[must_use]
    pub fn placed(self, node: &Node, path: &str) -> Self {
        match self {
            Self::Fault(fault) => Self::Fault(fault.placed(node, path)),
            need @ Self::Need(_) => need,
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Fault(Fault::new(message))
    }
}

impl From<&str> for Stop {
    fn from(message: &str) -> Self {
        Self::Fault(Fault::new(message))
    }
}
