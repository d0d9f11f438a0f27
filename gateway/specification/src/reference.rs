//! `$ref` inside one document (RFC 6901 pointers), with a budget against bombs.

use std::collections::BTreeSet;

use crate::document::{Node, Value};
use crate::findings::Findings;

/// Longest chain of references to references.
const CHAIN_MAX: usize = 32;
/// Most text that following references may repeat, in bytes; far beyond any definition that people write.
const REPEATED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Follows references of one document.
#[derive(Debug)]
pub(crate) struct References<'a> {
    root: &'a Node,
    bytes_left: usize,
    exhausted: bool,
}

impl<'a> References<'a> {
    pub(crate) fn new(root: &'a Node) -> Self {
        Self { root, bytes_left: REPEATED_BYTES_MAX, exhausted: false }
    }

    /// The document.
    pub(crate) fn root(&self) -> &'a Node {
        self.root
    }

    /// The node itself, or what its `$ref` leads to. None after an error, which is then among the findings.
    pub(crate) fn follow(&mut self, node: &'a Node, findings: &mut Findings) -> Option<&'a Node> {
        let mut target = node;
        let mut seen = BTreeSet::new();
        while let Some(reference) = target.text("$ref") {
            if !seen.insert(reference) || seen.len() > CHAIN_MAX {
                findings.error(
                    "reference-cycle",
                    &node.origin,
                    format!("$ref '{reference}' leads back to itself"),
                );
                return None;
            }
            target = self.find(reference, target, findings)?;
        }
        if !seen.is_empty() && !self.charge(target) {
            if !std::mem::replace(&mut self.exhausted, true) {
                let message = format!("references repeat more than {REPEATED_BYTES_MAX} bytes");
                findings.error("document-limit", &node.origin, message);
            }
            return None;
        }
        Some(target)
    }

    fn find(&self, reference: &str, from: &'a Node, findings: &mut Findings) -> Option<&'a Node> {
        let Some(pointer) = reference.strip_prefix('#') else {
            let message = format!("$ref '{reference}' leads out of the document; only '#/…' is followed");
            findings.error("reference-external", &from.origin, message);
            return None;
        };
        let found = resolve(self.root, pointer);
        if found.is_none() {
            findings.error("reference-missing", &from.origin, format!("$ref '{reference}' leads to nothing"));
        }
        found
    }

    fn charge(&mut self, node: &Node) -> bool {
        if self.exhausted {
            return false;
        }
        match self.bytes_left.checked_sub(node.weight()) {
            Some(left) => {
                self.bytes_left = left;
                true
            }
            None => false,
        }
    }
}

/// The value at a pointer.
fn resolve<'a>(root: &'a Node, pointer: &str) -> Option<&'a Node> {
    if pointer.is_empty() {
        return Some(root);
    }
    let pointer = percent_decode(pointer.strip_prefix('/')?);
    pointer.split('/').try_fold(root, |node, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        match &node.value {
            Value::Object(members) => members.get(&token),
            Value::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

/// Pointers in URI fragments are percent-encoded (RFC 6901 §6).
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|pair| std::str::from_utf8(pair).ok());
        let decoded = hex.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        if let (b'%', Some(byte)) = (first, decoded) {
            bytes.push(byte);
            rest = more.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Syntax, parse};

    fn follow(text: &str) -> (Option<String>, Vec<&'static str>) {
        let document = parse(text, &"f".into(), Syntax::Json).unwrap_or_else(|error| panic!("{error}"));
        let mut findings = Findings::new("a".into());
        let start = document.root.get("start").unwrap_or_else(|| panic!("no start"));
        let found = References::new(&document.root)
            .follow(start, &mut findings)
            .map(|node| node.to_json().to_string());
        (found, findings.finish().iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn references_are_followed_through_chains_and_escapes() {
        for (text, expected) in [
            (r#"{"start":{"x":1}}"#, r#"{"x":1}"#),
            (r##"{"start":{"$ref":"#/a"},"a":{"$ref":"#/b/1"},"b":[0,7]}"##, "7"),
            (r##"{"start":{"$ref":"#/a~1b/c~0d/e%20f"},"a/b":{"c~d":{"e f":5}}}"##, "5"),
        ] {
            assert_eq!(follow(text), (Some(expected.to_owned()), vec![]), "{text}");
        }
    }

    #[test]
    fn references_that_lead_nowhere_are_errors() {
        for (text, code) in [
            (r##"{"start":{"$ref":"#/a"}}"##, "reference-missing"),
            (r##"{"start":{"$ref":"#a"}}"##, "reference-missing"),
            (r#"{"start":{"$ref":"other.json#/a"}}"#, "reference-external"),
            (r#"{"start":{"$ref":"file:///etc/passwd"}}"#, "reference-external"),
            (r##"{"start":{"$ref":"#/a"},"a":{"$ref":"#/b"},"b":{"$ref":"#/a"}}"##, "reference-cycle"),
            (r##"{"start":{"$ref":"#/start"}}"##, "reference-cycle"),
        ] {
            assert_eq!(follow(text), (None, vec![code]), "{text}");
        }
    }

    #[test]
    fn references_that_repeat_too_much_are_refused_once() {
        let text = format!(r##"{{"start":{{"$ref":"#/a"}},"a":"{}"}}"##, "x".repeat(3 * 1024 * 1024));
        let document = parse(&text, &"f".into(), Syntax::Json).unwrap_or_else(|error| panic!("{error}"));
        let start = document.root.get("start").unwrap_or_else(|| panic!("no start"));
        let mut findings = Findings::new("a".into());
        let mut references = References::new(&document.root);
        let followed = (0..20).filter(|_| references.follow(start, &mut findings).is_some()).count();
        assert_eq!(followed, 10);
        assert_eq!(findings.finish().len(), 1);
    }
}
