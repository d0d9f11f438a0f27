//! Query strings: `name=value` pairs, kept encoded as they came; names compare decoded and without case.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 §2.3.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The pairs of a query, encoded, in order; a pair without `=` has an empty value.
pub fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    parts(query).map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Whether the query holds the parameter.
pub fn contains(query: &str, name: &str) -> bool {
    pairs(query).any(|(found, _)| is_named(found, name))
}

/// Drops every occurrence of the parameter; the rest stays to the byte.
pub fn remove(query: &str, name: &str) -> String {
    retain(query, |found| !is_named(found, name))
}

/// Keeps the pairs whose encoded name passes.
pub fn retain(query: &str, mut keep: impl FnMut(&str) -> bool) -> String {
    let mut kept = String::with_capacity(query.len());
    for part in parts(query) {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        if keep(name) {
            push_part(&mut kept, part);
        }
    }
    kept
}

/// Adds a pair behind the others, encoding both.
pub fn append(query: &mut String, name: &str, value: &str) {
    push_part(query, "");
    query.extend(encode(name));
    query.push('=');
    query.extend(encode(value));
}

/// Adds an encoded pair, or several of them, behind the others.
pub fn push_part(query: &mut String, part: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(part);
}

/// Percent-encodes all that is not unreserved.
pub fn encode(text: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(text, COMPONENT)
}

/// A name or value as text: `+` is a blank, escapes are decoded.
pub fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let blanks = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&blanks).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// Whether an encoded name is that of the parameter.
pub fn is_named(encoded: &str, name: &str) -> bool {
    encoded.eq_ignore_ascii_case(name) || decode(encoded).eq_ignore_ascii_case(name)
}

fn parts(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remove_leaves_the_rest_to_the_byte() {
        for (query, name, expected) in [
            ("a=1&b=%41+&a=2", "a", "b=%41+"),
            ("a=1&b", "b", "a=1"),
            ("%61=1&c=", "A", "c="),
            ("a+b=1&c=2", "a b", "c=2"),
            ("&&a=1&", "x", "a=1"),
            ("", "x", ""),
        ] {
            assert_eq!(remove(query, name), expected, "{query} without {name}");
        }
    }

    #[test]
    fn append_reads_back_as_written() {
        let mut query = String::from("x");
        append(&mut query, "a b", "1&2=3#\u{e9}/+");
        assert_eq!(query, "x&a%20b=1%262%3D3%23%C3%A9%2F%2B");
        let (_, value) = pairs(&query).last().unwrap();
        assert_eq!(decode(value), "1&2=3#\u{e9}/+");
    }

    #[test]
    fn contains_compares_decoded_without_case() {
        assert!(contains("A%62c=1", "aBC"));
        assert!(!contains("ab=1", "abc"));
    }

    proptest::proptest! {
        #[test]
        fn decode_undoes_encode(text in ".{0,40}") {
            let encoded: String = encode(&text).collect();
            assert_eq!(decode(&encoded), text);
        }
    }
}
