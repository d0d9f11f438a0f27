//! RFC 8259 with places; and the looser JSON of ARM templates.

use std::borrow::Cow;
use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};

use super::{DEPTH_MAX, Document, Node, Object, Value, duplicate_member};

pub(super) fn parse(text: &str, file: &Arc<str>, is_loose: bool) -> Result<Document, Diagnostic> {
    let place = Origin::start(file.clone());
    let mut reader = Reader { text, is_loose, at: 0, place, placed: 0, warnings: Vec::new() };
    reader.skip_space();
    let root = reader.value(None, 0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(Document { root, warnings: reader.warnings }),
        Some(_) => Err(reader.error("there is more after the end of the value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Comments, names without quotes, a comma before the end, and texts of several lines are read too.
    is_loose: bool,
    at: usize,
    /// Place of byte `placed`; moves forward only.
    place: Origin,
    placed: usize,
    warnings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let rest = self.text.get(self.at..).unwrap_or_default();
            let comment = match rest.get(..2) {
                Some("//") if self.is_loose => rest.find('\n'),
                Some("/*") if self.is_loose => {
                    rest.get(2..).and_then(|rest| rest.find("*/")).map(|end| end + 4)
                }
                _ => return,
            };
            self.at += comment.unwrap_or(rest.len());
        }
    }

    fn origin(&mut self) -> Origin {
        let passed = self.text.get(self.placed..self.at).unwrap_or_default();
        self.place = self.place.advance(passed, passed.len());
        self.placed = self.at;
        self.place.clone()
    }

    fn error(&mut self, message: impl Into<String>) -> Diagnostic {
        let origin = self.origin();
        Diagnostic::error("json-syntax", origin, message)
    }

    fn unexpected(&mut self, wanted: &str) -> Diagnostic {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let message = match rest.chars().next() {
            Some(found) => format!("expected {wanted}, found '{}'", found.escape_default()),
            None => format!("expected {wanted}, found the end"),
        };
        self.error(message)
    }

    /// Reads a value; `name` is the place of the member's name.
    fn value(&mut self, name: Option<Origin>, depth: usize) -> Result<Node, Diagnostic> {
        let here = self.origin();
        let value = match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => {
                let message = format!("more than {DEPTH_MAX} levels of nesting");
                return Err(Diagnostic::error("document-limit", here, message));
            }
            Some(b'{') => {
                let value = Value::Object(self.object(depth + 1)?);
                return Ok(Node { value, origin: name.unwrap_or(here) });
            }
            Some(b'[') => {
                let value = Value::Array(self.array(depth + 1)?);
                return Ok(Node { value, origin: name.unwrap_or(here) });
            }
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { value, origin: here })
    }

    fn object(&mut self, depth: usize) -> Result<Object, Diagnostic> {
        let mut members = Object::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            self.skip_space();
            if self.is_loose && self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(members);
            }
            let place = self.origin();
            let name = self.name()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("':'"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(Some(place.clone()), depth)?;
            if members.contains_key(&name) {
                self.warnings.push(duplicate_member(&name, place));
            }
            members.insert(name, value);
            if !self.more(b'}', "',' or '}'")? {
                return Ok(members);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, Diagnostic> {
        let mut elements = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            self.skip_space();
            if self.is_loose && self.peek() == Some(b']') {
                self.at += 1;
                return Ok(elements);
            }
            elements.push(self.value(None, depth)?);
            if !self.more(b']', "',' or ']'")? {
                return Ok(elements);
            }
        }
    }

    /// After an element: whether a comma follows, or else the end.
    fn more(&mut self, end: u8, wanted: &str) -> Result<bool, Diagnostic> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(found) if found == end => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn name(&mut self) -> Result<String, Diagnostic> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let length = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        if !self.is_loose || length == 0 {
            return Err(self.unexpected("a member name in quotes"));
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default().to_owned())
    }

    fn string(&mut self) -> Result<String, Diagnostic> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return Err(self.error("a text has no closing quote"));
                }
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(b'\n' | b'\r' | b'\t') if self.is_loose => self.at += 1,
                Some(0..=0x1f) => return Err(self.error("a control character in a text must be escaped")),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let mut quoted = Cow::from(self.text.get(start..self.at).unwrap_or_default());
        if self.is_loose && quoted.contains(['\n', '\r', '\t']) {
            quoted = quoted.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t").into();
        }
        if let Ok(text) = serde_json::from_str(&quoted) {
            return Ok(text);
        }
        self.at = start;
        Err(self.error("a text has an escape that means nothing"))
    }

    fn number(&mut self) -> Result<Value, Diagnostic> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        match serde_json::from_str(rest.get(..length).unwrap_or_default()) {
            Ok(number) => {
                self.at += length;
                Ok(Value::Number(number))
            }
            Err(_) => Err(self.error("this is no number, or one too large")),
        }
    }

    fn word(&mut self) -> Result<Value, Diagnostic> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("a value"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Syntax, parse};
    use super::*;

    fn read(text: &str) -> Result<Document, Diagnostic> {
        parse(text, &"f".into(), Syntax::Json)
    }

    #[test]
    fn json_reads_what_serde_json_reads() {
        for text in [
            r#"{"a":[1,-2.5e3,true,false,null,"x\u00e9\ud83d\ude00\n"],"b":{}}"#,
            " [ ] ",
            "\"a\"",
            "0",
            "[18446744073709551615, -9223372036854775808, 1.5]",
        ] {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            let read = read(text).map(|document| document.root.to_json());
            assert_eq!(read, Ok(expected), "{text}");
        }
    }

    #[test]
    fn json_errors_name_their_place() {
        for (text, line, column, message) in [
            ("", 1, 1, "expected a value, found the end"),
            ("{\n  \"a\" 1}", 2, 7, "expected ':', found '1'"),
            ("{\"ä\": tru}", 1, 7, "expected a value, found 't'"),
            ("[1 2]", 1, 4, "expected ',' or ']', found '2'"),
            ("{\"a\":1,}", 1, 8, "expected a member name in quotes, found '}'"),
            ("[1] x", 1, 5, "there is more after the end of the value"),
            ("[\"a", 1, 2, "a text has no closing quote"),
            ("[\"a\\", 1, 2, "a text has no closing quote"),
            ("[\"\\x\"]", 1, 2, "a text has an escape that means nothing"),
            ("[\"\\ud800\"]", 1, 2, "a text has an escape that means nothing"),
            ("[\"a\nb\"]", 1, 4, "a control character in a text must be escaped"),
            ("[01]", 1, 2, "this is no number, or one too large"),
            ("[1e999]", 1, 2, "this is no number, or one too large"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert_eq!(
                (error.origin.line, error.origin.column, &*error.message),
                (line, column, message),
                "{text:?}"
            );
        }
    }

    #[test]
    fn json_nesting_is_limited() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(read(&nested(DEPTH_MAX + 1)).err().map(|error| error.code), Some("document-limit"));
        assert!(read(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn json_may_be_as_loose_as_templates_are() {
        let text = "// a\n{ template: {\"a\": [1, /* b */ 2,], \"b\": \"x\n\ty\\n//\", $c: 'no'}}";
        let loose = |text: &str| parse(text, &"f".into(), Syntax::Template).map(|read| read.root.to_json());
        let good = text.replace(", $c: 'no'", ",");
        assert_eq!(
            loose(&good).map(|read| read.to_string()),
            Ok(r#"{"template":{"a":[1,2],"b":"x\n\ty\n//"}}"#.to_owned())
        );
        let place = |text: &str| loose(text).err().map(|error| (error.origin.line, error.origin.column));
        assert_eq!(place(text), Some((3, 14)));
        assert_eq!((place("{\"a\": 1 /* never"), place("{- : 1}")), (Some((1, 17)), Some((1, 2))));
        assert!(read(&good).is_err());
    }

    #[test]
    fn json_member_written_twice_warns_and_the_last_counts() {
        let document = read("{\"a\":1,\n \"a\":2}").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(document.root.to_json().to_string(), "{\"a\":2}");
        let places: Vec<_> = document.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            places,
            ["f:2:2: warning[duplicate-member]: 'a' is written twice here; the last one counts"]
        );
    }

    #[test]
    fn json_places_are_those_of_scalars_and_of_names_of_containers() {
        let document = read("{\"a\":\n  {\"b\": 7}}").unwrap_or_else(|error| panic!("{error}"));
        let a = document.root.get("a");
        assert_eq!(a.map(|node| (node.origin.line, node.origin.column)), Some((1, 2)));
        let b = a.and_then(|node| node.get("b"));
        assert_eq!(b.map(|node| (node.origin.line, node.origin.column)), Some((2, 9)));
    }

    proptest::proptest! {
        #[test]
        fn json_of_any_text_agrees_with_serde_json(text in r#"[\[\]{}:,"a0-9\\u. tfn\n-]{0,40}"#) {
            let ours = read(&text).map(|document| document.root.to_json());
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
                proptest::prop_assert_eq!(ours, Ok(theirs));
            } else {
                proptest::prop_assert!(ours.is_err());
            }
        }
    }
}
