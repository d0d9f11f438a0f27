//! Query strings. Names are compared without case.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands as it is in a query that we write.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'$');

/// Parameters in the order written.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query without its `?`. `+` is a blank.
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let part = if part.contains('+') { part.replace('+', " ").into() } else { Cow::Borrowed(part) };
            percent_decode_str(&part).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is `true`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// As text, with one parameter set.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(known, _)| !known.eq_ignore_ascii_case(name));
        kept.map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([(name, value)])
            .map(|(name, value)| {
                format!("{}={}", utf8_percent_encode(name, KEPT), utf8_percent_encode(value, KEPT))
            })
            .collect::<Vec<_>>()
            .join("&")
    }
}
