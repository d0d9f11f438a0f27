//! YAML 1.2 with places and budgets: core schema, merge keys, one document.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use serde_json::Number;

use super::{ALIAS_FACTOR_MAX, DEPTH_MAX, Document, Node, Object, Value, duplicate_member};

pub(super) fn parse(text: &str, file: &Arc<str>) -> Result<Document, Diagnostic> {
    let mut builder = Builder {
        file: file.clone(),
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        alias_bytes_left: text.len().saturating_mul(ALIAS_FACTOR_MAX),
        warnings: Vec::new(),
    };
    for next in Parser::new_from_str(text) {
        match next {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => {
                let origin = builder.origin(*error.marker());
                return Err(Diagnostic::error("yaml-syntax", origin, error.info()));
            }
        }
    }
    let root = builder.root.unwrap_or(Node { value: Value::Null, origin: Origin::start(file.clone()) });
    Ok(Document { root, warnings: builder.warnings })
}

struct Builder {
    file: Arc<str>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    alias_bytes_left: usize,
    warnings: Vec<Diagnostic>,
}

/// A node that an alias may repeat, with what repeating it costs.
struct Anchored {
    node: Node,
    weight: usize,
    depth: usize,
}

/// A collection that is not closed yet.
struct Open {
    container: Container,
    anchor: usize,
    origin: Origin,
}

enum Container {
    Sequence(Vec<Node>),
    Mapping { members: Object, merges: Vec<Node>, key: Option<Key> },
}

/// A member name whose value is still to come.
struct Key {
    name: String,
    origin: Origin,
    /// `<<` without quotes.
    merge: bool,
}

impl Builder {
    fn origin(&self, marker: Marker) -> Origin {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Origin::new(self.file.clone(), small(marker.line().max(1)), small(marker.col()).saturating_add(1))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = "only one YAML document a file is read";
                Err(Diagnostic::error("yaml-documents", self.origin(span.start), message))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let origin = self.origin(span.start);
                self.scalar(&text, style, anchor, tag.as_deref(), origin)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.start(Container::Sequence(Vec::new()), anchor, span.start)
            }
            Event::MappingStart(_, anchor, _) => {
                let container = Container::Mapping { members: Object::new(), merges: Vec::new(), key: None };
                self.start(container, anchor, span.start)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, span.start),
            _ => Ok(()),
        }
    }

    fn start(&mut self, container: Container, anchor: usize, marker: Marker) -> Result<(), Diagnostic> {
        let mut origin = self.origin(marker);
        self.check_depth(1, &origin)?;
        match self.open.last() {
            Some(Open { container: Container::Mapping { key: Some(key), .. }, .. }) => {
                origin = key.origin.clone();
            }
            Some(Open { container: Container::Mapping { key: None, .. }, .. }) => {
                let message = "a member name must be a scalar";
                return Err(Diagnostic::error("yaml-key", origin, message));
            }
            _ => {}
        }
        self.open.push(Open { container, anchor, origin });
        Ok(())
    }

    fn check_depth(&self, more: usize, origin: &Origin) -> Result<(), Diagnostic> {
        if self.open.len() + more > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} levels of nesting");
            return Err(Diagnostic::error("document-limit", origin.clone(), message));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.container {
            Container::Sequence(elements) => Value::Array(elements),
            Container::Mapping { mut members, merges, .. } => {
                for merge in merges {
                    merge_into(&mut members, merge)?;
                }
                Value::Object(members)
            }
        };
        self.add(Node { value, origin: open.origin }, open.anchor);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        origin: Origin,
    ) -> Result<(), Diagnostic> {
        if let Some(Open { container: Container::Mapping { key: key @ None, members, .. }, .. }) =
            self.open.last_mut()
        {
            let merge = style == ScalarStyle::Plain && text == "<<";
            if !merge && members.contains_key(text) {
                self.warnings.push(duplicate_member(text, origin.clone()));
            }
            let value = Value::String(text.to_owned());
            *key = Some(Key { name: text.to_owned(), origin: origin.clone(), merge });
            self.remember(anchor, &Node { value, origin });
            return Ok(());
        }
        let value = match tag.and_then(Tag::core_suffix) {
            Some("str") => Value::String(text.to_owned()),
            _ if style == ScalarStyle::Plain => plain(text),
            _ => Value::String(text.to_owned()),
        };
        self.add(Node { value, origin }, anchor);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, marker: Marker) -> Result<(), Diagnostic> {
        let origin = self.origin(marker);
        let Some(anchored) = self.anchors.get(&anchor) else {
            let message = "an alias must not stand inside the value that it repeats";
            return Err(Diagnostic::error("yaml-alias", origin, message));
        };
        self.check_depth(anchored.depth, &origin)?;
        let Some(left) = self.alias_bytes_left.checked_sub(anchored.weight) else {
            let message = format!("aliases add more than {ALIAS_FACTOR_MAX} times the size of the document");
            return Err(Diagnostic::error("document-limit", origin, message));
        };
        let mut node = anchored.node.clone();
        self.alias_bytes_left = left;
        if let Some(Open { container: Container::Mapping { key: key @ None, .. }, .. }) = self.open.last_mut()
        {
            let Some(name) = node.to_text() else {
                return Err(Diagnostic::error("yaml-key", origin, "a member name must be a scalar"));
            };
            *key = Some(Key { name, origin, merge: false });
            return Ok(());
        }
        node.origin = origin;
        self.add(node, 0);
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            let anchored = Anchored { weight: node.weight(), depth: node.depth(), node: node.clone() };
            self.anchors.insert(anchor, anchored);
        }
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) {
        self.remember(anchor, &node);
        match self.open.last_mut().map(|open| &mut open.container) {
            None => self.root = Some(node),
            Some(Container::Sequence(elements)) => elements.push(node),
            Some(Container::Mapping { members, merges, key }) => match key.take() {
                Some(Key { merge: true, .. }) => merges.push(node),
                Some(Key { name, .. }) => {
                    members.insert(name, node);
                }
                None => {}
            },
        }
    }
}

/// A merge key gives members that are not written; of several mappings the first wins.
fn merge_into(members: &mut Object, merge: Node) -> Result<(), Diagnostic> {
    match merge.value {
        Value::Object(more) => {
            for (name, node) in more {
                members.entry(name).or_insert(node);
            }
            Ok(())
        }
        Value::Array(elements) => elements.into_iter().try_for_each(|element| merge_into(members, element)),
        _ => Err(Diagnostic::error(
            "yaml-merge",
            merge.origin,
            "'<<' must name a mapping or a list of mappings",
        )),
    }
}

/// A plain scalar by the core schema (YAML 1.2.2 §10.3.2). Infinity and not-a-number have no JSON form and stay
/// texts.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            // `from_str_radix` takes a sign, the core schema does not.
            let good = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            return good.then(|| u64::from_str_radix(digits, radix).ok()).flatten().map(Number::from);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let first = unsigned.bytes().find(|byte| *byte != b'.')?;
    let shape = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !first.is_ascii_digit() || !unsigned.bytes().all(shape) {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let integer = text.strip_prefix('+').unwrap_or(text);
        return integer
            .parse::<u64>()
            .map(Number::from)
            .or_else(|_| integer.parse::<i64>().map(Number::from))
            .ok();
    }
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::super::{Syntax, parse};
    use super::*;

    fn read(text: &str) -> Result<Document, Diagnostic> {
        parse(text, &"f".into(), Syntax::Yaml)
    }

    fn json(text: &str) -> String {
        read(text).map_or_else(|error| error.to_string(), |document| document.root.to_json().to_string())
    }

    #[test]
    fn yaml_reads_the_core_schema() {
        for (text, expected) in [
            ("", "null"),
            ("a: 1\nb: [x, 'y', \"z\\n\"]", r#"{"a":1,"b":["x","y","z\n"]}"#),
            ("- ~\n- null\n-\n- no\n- yes", r#"[null,null,null,"no","yes"]"#),
            (
                "[0x1F, 0o17, 017, -5, +5, 1.5, 1e3, .5, 1.0.0, 1-2, 0x-1]",
                r#"[31,15,17,-5,5,1.5,1000.0,0.5,"1.0.0","1-2","0x-1"]"#,
            ),
            (
                "[true, True, 'true', !!str true, .inf, 2026-01-01]",
                r#"[true,true,"true","true",".inf","2026-01-01"]"#,
            ),
            ("200: ok\ntrue: x", r#"{"200":"ok","true":"x"}"#),
            ("a: |\n  x\n  y\nb: >\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y\n"}"#),
            ("a: &a {x: 1}\nb: *a", r#"{"a":{"x":1},"b":{"x":1}}"#),
            ("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}", r#"{"a":{"x":1,"y":1},"b":{"x":2,"y":1}}"#),
            ("&k a: 1\n*k : 2", r#"{"a":2}"#),
            ("99999999999999999999", "\"99999999999999999999\""),
            ("{\"openapi\": \"3.0.0\"}", r#"{"openapi":"3.0.0"}"#),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn yaml_errors_name_their_place() {
        for (text, code, line, column) in [
            ("a: [1, 2", "yaml-syntax", 1, 4),
            ("a: b: c", "yaml-syntax", 1, 5),
            ("a: 1\n---\nb: 2", "yaml-documents", 2, 1),
            ("? [a]\n: 1", "yaml-key", 1, 3),
            ("a: &a [*a]", "yaml-alias", 1, 8),
            ("a: *b", "yaml-syntax", 1, 4),
            ("a:\n  <<: 3", "yaml-merge", 2, 7),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert_eq!(
                (error.code, error.origin.line, error.origin.column),
                (code, line, column),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn yaml_places_are_those_of_scalars_and_of_names_of_containers() {
        let document = read("a:\n  b:\n    - x\n").unwrap_or_else(|error| panic!("{error}"));
        let b = document.root.get("a").and_then(|node| node.get("b"));
        assert_eq!(b.map(|node| (node.origin.line, node.origin.column)), Some((2, 3)));
        let x = b.and_then(Node::as_array).and_then(<[Node]>::first);
        assert_eq!(x.map(|node| (node.origin.line, node.origin.column)), Some((3, 7)));
    }

    #[test]
    fn yaml_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let previous = vec![format!("*a{}", level - 1); 9].join(", ");
            text.extend([format!("a{level}: &a{level} [{previous}]\n")]);
        }
        assert_eq!(read(&text).err().map(|error| error.code), Some("document-limit"));
    }

    #[test]
    fn yaml_nesting_is_limited_through_aliases_too() {
        assert!(read(&("[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX))).is_ok());
        let text = "[".repeat(DEPTH_MAX + 1) + &"]".repeat(DEPTH_MAX + 1);
        assert_eq!(read(&text).err().map(|error| error.code), Some("document-limit"));
        let mut text = String::from("- &a0 []\n");
        for level in 1..=DEPTH_MAX {
            text.extend([format!("- &a{level} [*a{}]\n", level - 1)]);
        }
        assert_eq!(read(&text).err().map(|error| error.code), Some("document-limit"));
    }

    proptest::proptest! {
        #[test]
        fn yaml_of_any_text_never_panics_and_keeps_the_depth(text in "[-a-c0-9:&*<!|>{}\\[\\],\"'#? \n]{0,80}") {
            if let Ok(document) = read(&text) {
                proptest::prop_assert!(document.root.depth() <= DEPTH_MAX);
            }
        }
    }
}
