//! XSLT 1.0 (<https://www.w3.org/TR/1999/REC-xslt-19991116>), as `xsl-transform` runs it (`policies.md` B 2.11).
//!
//! Our own processor: of the crates there are, uppsala's has no modes, sorting, keys or numbering, xrust's works on the
//! data model of `XPath` 3 and has neither stylesheet parameters nor bounds, and libxslt would need a process of its own.
//! Nothing is ever loaded: `xsl:import`, `xsl:include` and `document()` are refused when a stylesheet is compiled.
//!
//! [`Stylesheet::compile`] reads a policy's element once; [`Stylesheet::transform`] runs it over a document under [`Limits`].

mod compile;
mod format_number;
mod instruction;
mod number;
mod output;
mod pattern;
mod run;
mod serialize;
mod sort;
mod stylesheet;
mod template;
mod tree;
mod xpath;

pub use stylesheet::Stylesheet;

use thiserror::Error;

/// Why a stylesheet does not compile, or a transformation ended.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Error {
    pub message: String,
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Budgets of one transformation.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Instructions run and nodes looked at.
    pub steps: u64,
    /// Templates and content nested in each other.
    pub depth: u32,
    /// Bytes of all trees that are made and of the result.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 5_000_000, depth: 5000, bytes: 4 << 20 }
    }
}

#[cfg(test)]
mod tests;
