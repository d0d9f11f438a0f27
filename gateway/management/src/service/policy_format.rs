//! The two ways of writing a policy document: `rawxml`, whose expressions stand as they are, and `xml`, whose expressions
//! are escaped.

/// A document in another format.
pub fn convert(text: &str, from: &str, to: &str) -> String {
    let _ = (from, to);
    text.to_owned()
}
