//! The two ways of writing a policy document: `rawxml`, whose expressions stand as they are, and `xml`, whose expressions
//! are escaped.

use gateway_policy::xml::{Spelling, respell};

/// A document in another format. `xml` is indented by tabs with CRLF, as the service shows it.
pub fn convert(text: &str, from: &str, to: &str) -> String {
    match (from, to) {
        ("rawxml", "rawxml") => text.to_owned(),
        (_, "rawxml") => respell(text, Spelling::RawXml),
        _ => respell(text, Spelling::Xml),
    }
}
