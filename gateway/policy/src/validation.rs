//! Validation of messages against the API's description (`policies.md` B §1): actions and findings, JSON Schema, XML
//! Schema.

pub mod definition;
pub mod finding;
mod json_message;
mod json_position;
mod json_rewrite;
pub mod json_schema;
mod json_walk;
pub mod parameters;
pub mod xml_schema;

/// Bytes of a schema document; larger ones are an error.
pub const SCHEMA_BYTES_MAX: usize = 4 << 20;

/// Problems of one message that are told; the rest is not looked for.
pub const PROBLEMS_MAX: usize = 100;

/// Something in a message that does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    /// From 1; 0 = unknown.
    pub line: usize,
    /// From 1; 0 = unknown.
    pub position: usize,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} Line: {}, Position: {}", self.message, self.line, self.position)
    }
}
