//! JSON into XML.

use std::fmt::Write as _;

use gateway_expression::clr::date_time::{DateTime, DateTimeKind};
use gateway_expression::clr::json::{self, JToken, Scalar, TokenType};
use thiserror::Error;

use crate::markup::{is_name_char, is_name_start, push_text, push_value};

/// Nested JSON values.
const DEPTH_MAX: usize = 128;

/// Name of the root around a document that has none of its own.
const ROOT: &str = "Document";

/// How names and values are read.
#[derive(Clone, Debug)]
pub struct JsonToXml {
    /// Texts that look like dates are written anew, normalised.
    pub parse_date: bool,
    /// Stands in JSON names where XML has the colon.
    pub namespace_separator: String,
    /// Members whose names begin with it declare namespaces; empty = none do.
    pub namespace_prefix: String,
    /// Member whose own members are attributes; empty = none is.
    pub attribute_block_name: String,
}

/// Why a document cannot be converted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConvertError {
    #[error("{0}")]
    Json(String),
    #[error("XmlNodeConverter can only convert JSON that begins with an object.")]
    NoObject,
    #[error("The member '{0}' cannot be part of an XML document.")]
    Name(String),
    #[error("The namespace prefix '{0}' cannot be declared.")]
    Prefix(String),
}

type Converted = Result<(), ConvertError>;

impl JsonToXml {
    /// The document as XML, without white space added.
    pub fn convert(&self, text: &str) -> Result<String, ConvertError> {
        let parsed =
            if self.parse_date { json::parse(text, DEPTH_MAX) } else { json::parse_without_dates(text) };
        let token = parsed.map_err(|error| ConvertError::Json(error.message))?;
        if token.token_type() != TokenType::Object {
            return Err(ConvertError::NoObject);
        }
        let mut writer = Writer { rules: self, out: String::new(), prefixes: vec!["xml".to_owned()] };
        let members = members(&token);
        let (above, own): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(name, _)| name.starts_with('?') || name == "#comment");
        for (name, value) in &above {
            writer.node(name, value)?;
        }
        match own.as_slice() {
            [(name, value)] if value.token_type() != TokenType::Array && !self.is_own(name) => {
                writer.node(name, value)?;
            }
            _ => writer.object(ROOT, &own)?,
        }
        Ok(writer.out)
    }

    /// Whether a member says something about its element instead of being one inside it.
    fn is_own(&self, name: &str) -> bool {
        name.starts_with(['@', '#']) || self.declared_prefix(name).is_some() || self.is_attribute_block(name)
    }

    fn is_attribute_block(&self, name: &str) -> bool {
        !self.attribute_block_name.is_empty() && name == self.attribute_block_name
    }

    /// The prefix that a member declares; empty for the default namespace.
    fn declared_prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        let plain = name.strip_prefix('@').unwrap_or(name);
        if let Some(rest) = plain.strip_prefix("xmlns").filter(|_| name.starts_with('@')) {
            return rest.strip_prefix(':').or(rest.is_empty().then_some(""));
        }
        if self.namespace_prefix.is_empty() {
            return None;
        }
        let rest = plain.strip_prefix(&self.namespace_prefix)?;
        let rest =
            rest.strip_prefix(':').or_else(|| rest.strip_prefix(&self.namespace_separator)).unwrap_or(rest);
        Some(rest)
    }
}

/// The members of an object; comments are dropped.
fn members(token: &JToken) -> Vec<(String, JToken)> {
    let member = |property: &JToken| Some((property.name()?.to_owned(), property.property_value()?));
    token.children().iter().filter_map(member).collect()
}

struct Writer<'r> {
    rules: &'r JsonToXml,
    out: String,
    /// Prefixes declared around the place that is written.
    prefixes: Vec<String>,
}

impl Writer<'_> {
    /// Whatever a member stands for, inside an element or above the root.
    fn node(&mut self, name: &str, value: &JToken) -> Converted {
        match name {
            "#text" | "#whitespace" | "#significant-whitespace" => self.each(value, |this, item| {
                push_text(&mut this.out, &text_of(item));
                Ok(())
            }),
            "#cdata-section" => self.each(value, |this, item| {
                let text: String = text_of(item).chars().filter(|c| crate::markup::is_allowed(*c)).collect();
                this.out.push_str("<![CDATA[");
                // A section cannot hold its own end: it is split there.
                this.out.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
                this.out.push_str("]]>");
                Ok(())
            }),
            "#comment" => self.each(value, |this, item| this.comment(&text_of(item))),
            "?xml" => self.declaration(value),
            _ if name.starts_with('?') => self.instruction(name, value),
            _ if name.starts_with('!') => Err(ConvertError::Name(name.to_owned())),
            _ if value.token_type() == TokenType::Array => {
                self.each(value, |this, item| this.element(name, item))
            }
            _ => self.element(name, value),
        }
    }

    fn each(&mut self, value: &JToken, mut write: impl FnMut(&mut Self, &JToken) -> Converted) -> Converted {
        if value.token_type() != TokenType::Array {
            return write(self, value);
        }
        value.children().iter().try_for_each(|item| write(self, item))
    }

    fn comment(&mut self, text: &str) -> Converted {
        if text.contains("--") || text.ends_with('-') || !text.chars().all(crate::markup::is_allowed) {
            return Err(ConvertError::Name("#comment".to_owned()));
        }
        self.out.push_str("<!--");
        self.out.push_str(text);
        self.out.push_str("-->");
        Ok(())
    }

    fn declaration(&mut self, value: &JToken) -> Converted {
        let given = members(value);
        let get = |name: &str| given.iter().find(|(known, _)| known == name).map(|(_, value)| text_of(value));
        let is_plain =
            |text: &String| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        self.out.push_str("<?xml");
        for (name, default) in [("version", Some("1.0")), ("encoding", None), ("standalone", None)] {
            let value = get(&format!("@{name}")).filter(is_plain).or_else(|| default.map(str::to_owned));
            // The text is sent as UTF-8, whatever it was written as before.
            let value = if name == "encoding" { value.map(|_| "utf-8".to_owned()) } else { value };
            if let Some(value) = value {
                self.attribute(name, &value);
            }
        }
        self.out.push_str("?>");
        Ok(())
    }

    fn instruction(&mut self, name: &str, value: &JToken) -> Converted {
        let target = name.get(1..).unwrap_or_default();
        let text = text_of(value);
        let is_bad = text.contains("?>") || !text.chars().all(crate::markup::is_allowed);
        if is_bad || !crate::markup::is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(ConvertError::Name(name.to_owned()));
        }
        self.out.push_str("<?");
        self.out.push_str(target);
        self.out.push(' ');
        self.out.push_str(&text);
        self.out.push_str("?>");
        Ok(())
    }

    fn element(&mut self, name: &str, value: &JToken) -> Converted {
        match value.token_type() {
            TokenType::Object => self.object(name, &members(value)),
            // An array inside an array: an element around the inner one, both of the same name.
            TokenType::Array => {
                let shown = self.name(name);
                self.open(&shown);
                self.out.push('>');
                value.children().iter().try_for_each(|item| self.element(name, item))?;
                self.close(&shown);
                Ok(())
            }
            TokenType::Null | TokenType::Undefined => {
                let shown = self.name(name);
                self.open(&shown);
                self.out.push_str(" />");
                Ok(())
            }
            _ => {
                let shown = self.name(name);
                self.open(&shown);
                self.out.push('>');
                push_text(&mut self.out, &text_of(value));
                self.close(&shown);
                Ok(())
            }
        }
    }

    fn object(&mut self, name: &str, members: &[(String, JToken)]) -> Converted {
        let outer = self.prefixes.len();
        let mut declarations = Vec::new();
        let mut attributes = Vec::new();
        let mut inside = Vec::new();
        for (member, value) in members {
            if let Some(prefix) = self.rules.declared_prefix(member) {
                self.declare(prefix, &text_of(value), &mut declarations)?;
            } else if let Some(plain) = member.strip_prefix('@') {
                attributes.push((plain.to_owned(), text_of(value)));
            } else if self.rules.is_attribute_block(member) && value.token_type() == TokenType::Object {
                attributes
                    .extend(self::members(value).into_iter().map(|(name, value)| (name, text_of(&value))));
            } else {
                inside.push((member, value));
            }
        }
        let shown = self.name(name);
        self.open(&shown);
        declarations.iter().for_each(|(name, value)| self.attribute(name, value));
        let mut written: Vec<String> = Vec::new();
        for (name, value) in attributes {
            let shown = self.name(&name);
            if written.contains(&shown) || shown == "xmlns" {
                return Err(ConvertError::Name(format!("@{name}")));
            }
            self.attribute(&shown, &value);
            written.push(shown);
        }
        if inside.is_empty() {
            self.out.push_str(" />");
        } else {
            self.out.push('>');
            inside.into_iter().try_for_each(|(name, value)| self.node(name, value))?;
            self.close(&shown);
        }
        self.prefixes.truncate(outer);
        Ok(())
    }

    fn declare(&mut self, prefix: &str, uri: &str, into: &mut Vec<(String, String)>) -> Converted {
        let reserved = matches!(prefix, "xml" | "xmlns");
        let is_bad = reserved || (!prefix.is_empty() && (!crate::markup::is_name(prefix) || uri.is_empty()));
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        if is_bad || into.iter().any(|(known, _)| *known == name) {
            return Err(ConvertError::Prefix(prefix.to_owned()));
        }
        self.prefixes.push(prefix.to_owned());
        into.push((name, uri.to_owned()));
        Ok(())
    }

    /// The qualified name of a member: its prefix where one of that name is declared, the rest encoded.
    fn name(&self, name: &str) -> String {
        let separators = [":", self.rules.namespace_separator.as_str()];
        for separator in separators.into_iter().filter(|separator| !separator.is_empty()) {
            if let Some((prefix, local)) = name.split_once(separator)
                && !prefix.is_empty()
                && !local.is_empty()
                && self.prefixes.iter().any(|known| known == prefix)
            {
                return format!("{prefix}:{}", encoded(local));
            }
        }
        encoded(name)
    }

    fn open(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        push_value(&mut self.out, value);
        self.out.push('"');
    }
}

/// `XmlConvert.EncodeLocalName`: what no name may hold becomes `_xHHHH_`.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let first = out.is_empty();
        let fits = if first { is_name_start(c) } else { is_name_char(c) };
        if fits && !looks_encoded(rest) {
            out.push(c);
        } else if c as u32 > 0xffff {
            let _ = write!(out, "_x{:08X}_", c as u32);
        } else {
            let _ = write!(out, "_x{:04X}_", c as u32);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    if out.is_empty() { "_".to_owned() } else { out }
}

/// Whether the text begins with an escape already, whose underscore must be escaped then.
fn looks_encoded(text: &str) -> bool {
    let digits = text.strip_prefix("_x").and_then(|rest| rest.get(..4));
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && text.get(6..7) == Some("_")
}

/// A value as XML writes it; containers as their JSON.
fn text_of(token: &JToken) -> String {
    match token.scalar() {
        Some(Scalar::Null | Scalar::Undefined) => String::new(),
        Some(Scalar::Bool(value)) => if value { "true" } else { "false" }.to_owned(),
        Some(Scalar::Date(date)) => date_text(date),
        Some(scalar) => scalar.to_text(),
        None => token.to_json(json::Formatting::None),
    }
}

/// `XmlConvert.ToString(date, RoundtripKind)` in UTC.
fn date_text(date: DateTime) -> String {
    let zone = match date.kind() {
        DateTimeKind::Utc => "Z",
        DateTimeKind::Local => "+00:00",
        DateTimeKind::Unspecified => "",
    };
    let text = date.to_text("yyyy-MM-ddTHH:mm:ss.FFFFFFF").unwrap_or_default();
    format!("{text}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> JsonToXml {
        JsonToXml {
            parse_date: true,
            namespace_separator: "_".into(),
            namespace_prefix: "xmlns".into(),
            attribute_block_name: "attrs".into(),
        }
    }

    #[test]
    fn convert_follows_newtonsoft() {
        for (text, expected) in [
            (r##"{"a":{"@id":1,"b":[1,null,"x"],"#text":"t"}}"##, r#"<a id="1"><b>1</b><b /><b>x</b>t</a>"#),
            (r#"{"a":1,"b":true}"#, "<Document><a>1</a><b>true</b></Document>"),
            (r#"{"a":[1,2]}"#, "<Document><a>1</a><a>2</a></Document>"),
            (r#"{"a":[[1],[]]}"#, "<Document><a><a>1</a></a><a></a></Document>"),
            (r#"{"a":""}"#, "<a></a>"),
            (r#"{"a":{}}"#, "<a />"),
            (
                r#"{"?xml":{"@version":"1.0","@encoding":"utf-16"},"a":1.50}"#,
                r#"<?xml version="1.0" encoding="utf-8"?><a>1.5</a>"#,
            ),
            (r#"{"a":"2024-01-31T10:00:00.120Z"}"#, "<a>2024-01-31T10:00:00.12Z</a>"),
            (
                r#"{"p_a":{"xmlns_p":"urn:p","p_b":1,"q_c":2}}"#,
                r#"<p:a xmlns:p="urn:p"><p:b>1</p:b><q_c>2</q_c></p:a>"#,
            ),
            (
                r#"{"a":{"@xmlns":"urn:d","attrs":{"x":"<\"&"}}}"#,
                r#"<a xmlns="urn:d" x="&lt;&quot;&amp;" />"#,
            ),
            (
                r##"{"a b":{"1":"]]>","#cdata-section":"]]>"}}"##,
                "<a_x0020_b><_x0031_>]]&gt;</_x0031_><![CDATA[]]]]><![CDATA[>]]></a_x0020_b>",
            ),
            (r#"{"_x0020_":1}"#, "<_x005F_x0020_>1</_x005F_x0020_>"),
        ] {
            assert_eq!(rules().convert(text).as_deref(), Ok(expected), "{text}");
        }
        let plain = JsonToXml { parse_date: false, ..rules() };
        assert_eq!(
            plain.convert(r#"{"a":"2024-01-31T10:00:00.120Z"}"#).unwrap(),
            "<a>2024-01-31T10:00:00.120Z</a>"
        );
    }

    #[test]
    fn convert_refuses_what_is_no_document() {
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        for text in [
            "[1]",
            "1",
            "",
            "{",
            r#"{"!DOCTYPE":{"@name":"a"}}"#,
            r##"{"a":{"#comment":"--"}}"##,
            r#"{"a":{"?xml":1,"?b":"?>"}}"#,
            r#"{"a":{"@xmlns:xml":"urn:x"}}"#,
            r#"{"a":{"@b":1,"attrs":{"b":2}}}"#,
            deep.as_str(),
        ] {
            assert!(rules().convert(text).is_err(), "{}", text.get(..40).unwrap_or(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn convert_gives_xml_whatever_the_names(name in ".{0,12}", text in ".{0,12}") {
            let json = serde_json::json!({ "r": { &name: &text, "x": { &text: &name } } }).to_string();
            if let Ok(xml) = rules().convert(&json) {
                assert!(crate::markup::read(&xml).is_ok(), "{json} {xml}");
            }
        }
    }
}
