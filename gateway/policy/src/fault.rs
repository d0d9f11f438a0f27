//! A failed request: what the client is told, and what `context.LastError` tells the policies
//! (`policies.md` §5). The two texts differ on purpose: clients get less detail.

use std::borrow::Cow;
use std::fmt;

pub use gateway_expression::host::LastError;

/// Which section of the pipeline ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Inbound,
    Backend,
    Outbound,
    OnError,
}

impl Section {
    pub const ALL: [Self; 4] = [Self::Inbound, Self::Backend, Self::Outbound, Self::OnError];

    /// The element's name, as `LastError.Section` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Backend => "backend",
            Self::Outbound => "outbound",
            Self::OnError => "on-error",
        }
    }
}

/// Scope of the policy document that a statement stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Global,
    Product,
    Api,
    Operation,
    /// A field of a GraphQL API.
    Resolver,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Product => "product",
            Self::Api => "api",
            Self::Operation => "operation",
            Self::Resolver => "resolver",
        }
    }
}

/// An error that ends the section and leads to `on-error`.
#[derive(Debug)]
pub struct Fault {
    /// Status of the answer unless `on-error` changes it.
    pub status: u16,
    /// `message` of the envelope that the client gets.
    pub public: Cow<'static, str>,
    /// Extra fields of the answer, such as `Retry-After`.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// Boxed: errors are rare, and every step's result carries this type.
    pub error: Box<LastError>,
}

impl Fault {
    /// A fault with the given status and client text.
    pub fn new(
        status: u16,
        public: impl Into<Cow<'static, str>>,
        source: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let error = LastError {
            source: source.into(),
            reason: reason.into(),
            message: message.into(),
            ..LastError::default()
        };
        Self { status, public: public.into(), headers: Vec::new(), error: Box::new(error) }
    }

    /// 500 `Internal server error`; the answer carries the activity id, the detail stays inside.
    pub fn internal(
        source: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(500, "Internal server error", source, reason, message)
    }

    /// An expression threw (`expressions.md` §7.2). The runner fills in the policy's name.
    pub fn expression(message: &str) -> Self {
        Self::internal(
            "",
            "ExpressionValueEvaluationFailure",
            format!("Expression evaluation failed. {message}"),
        )
    }

    /// A value that would break the message it is put into (X-06).
    pub fn invalid_value(source: &'static str, what: impl fmt::Display) -> Self {
        Self::internal(source, "ExpressionValueEvaluationFailure", format!("Invalid value. {what}"))
    }

    /// Adds a field to the answer.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The body of an error answer, to the byte as the service writes it (`policies.md` §5.1).
pub fn envelope(status: u16, message: &str, activity_id: Option<&str>) -> String {
    let mut text = format!("{{ \"statusCode\": {status}, \"message\": \"");
    escape_json(message, &mut text);
    text.push('"');
    if let Some(id) = activity_id {
        text.push_str(", \"activityId\": \"");
        escape_json(id, &mut text);
        text.push('"');
    }
    text.push_str(" }");
    text
}

fn escape_json(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                use fmt::Write;
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelope_captured_answers_match_to_the_byte() {
        // Lengths of three public captures (policies.md §5.1).
        assert_eq!(envelope(429, "Rate limit is exceeded. Try again in 57 seconds.", None).len(), 84);
        let missing = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.";
        assert_eq!(envelope(401, missing, None).len(), 152);
        let invalid = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.";
        assert_eq!(envelope(401, invalid, None).len(), 143);
    }

    #[test]
    fn envelope_quotes_and_controls_are_escaped() {
        assert_eq!(
            envelope(500, "a\"b\\\u{1}", Some("id")),
            "{ \"statusCode\": 500, \"message\": \"a\\\"b\\\\\\u0001\", \"activityId\": \"id\" }"
        );
    }
}
