//! XML into JSON.

use gateway_expression::clr::json::{Formatting, Scalar, Writer};
use indexmap::IndexMap;
use uppsala::{Document, NodeId, NodeKind};

use crate::markup::{self, MarkupError};

/// Marks elements that are arrays even if they stand alone.
const JSON_NAMESPACE: &str = "http://james.newtonking.com/projects/json";

/// How the result looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Newtonsoft's: `@attribute`, `#text`, `#cdata-section`, `#comment`, `?xml`, prefixes kept.
    Direct,
    /// Plain names: no prefixes, namespaces, declaration, comments or instructions; attributes are members like
    /// elements; the text of an element that has either is `value`.
    JavascriptFriendly,
}

/// A conversion.
#[derive(Clone, Copy, Debug)]
pub struct XmlToJson {
    pub shape: Shape,
    /// Child elements are arrays, also where they stand alone.
    pub always_array: bool,
}

/// Children of one name, in the place of the first.
type Groups = IndexMap<String, Vec<NodeId>>;

impl XmlToJson {
    /// The document as compact JSON.
    pub fn convert(self, text: &str) -> Result<String, MarkupError> {
        let document = markup::read(text)?;
        let mut writer = Writer::new(Formatting::None);
        writer.start_object();
        if let (Shape::Direct, Some(declaration)) = (self.shape, &document.xml_declaration) {
            writer.name("?xml");
            writer.start_object();
            member(&mut writer, "@version", &declaration.version);
            if let Some(encoding) = &declaration.encoding {
                member(&mut writer, "@encoding", encoding);
            }
            if let Some(standalone) = declaration.standalone {
                member(&mut writer, "@standalone", if standalone { "yes" } else { "no" });
            }
            writer.end_object();
        }
        let groups = self.groups(&document, document.root());
        self.members(&document, &groups, false, &mut writer);
        writer.end_object();
        Ok(writer.finish())
    }

    /// The name that a child has in JSON; `None` when it does not show.
    fn name(self, document: &Document<'_>, node: NodeId) -> Option<String> {
        let direct = self.shape == Shape::Direct;
        let name = match document.node_kind(node)? {
            NodeKind::Element(element) if direct => element.name.prefixed_name().into_owned(),
            NodeKind::Element(element) => element.name.local_name.to_string(),
            NodeKind::Text(text) if text.trim().is_empty() => return None,
            NodeKind::CData(_) if direct => "#cdata-section".to_owned(),
            NodeKind::Text(_) | NodeKind::CData(_) => if direct { "#text" } else { "value" }.to_owned(),
            NodeKind::Comment(_) if direct => "#comment".to_owned(),
            NodeKind::ProcessingInstruction(instruction) if direct => format!("?{}", instruction.target),
            _ => return None,
        };
        Some(name)
    }

    fn groups(self, document: &Document<'_>, node: NodeId) -> Groups {
        let mut groups = Groups::new();
        for child in document.children_iter(node) {
            if let Some(name) = self.name(document, child) {
                groups.entry(name).or_default().push(child);
            }
        }
        groups
    }

    fn members(self, document: &Document<'_>, groups: &Groups, inside: bool, writer: &mut Writer) {
        for (name, nodes) in groups {
            writer.name(name);
            let all_elements = nodes.iter().all(|node| document.element(*node).is_some());
            let forced = inside && all_elements && self.always_array
                || nodes.iter().any(|node| is_marked(document, *node));
            if let ([only], false) = (nodes.as_slice(), forced) {
                self.value(document, *only, writer);
                continue;
            }
            writer.start_array();
            nodes.iter().for_each(|node| self.value(document, *node, writer));
            writer.end_array();
        }
    }

    /// Recursion ends where the reader's depth limit does.
    fn value(self, document: &Document<'_>, node: NodeId, writer: &mut Writer) {
        match document.node_kind(node) {
            Some(NodeKind::Element(_)) => self.element(document, node, writer),
            Some(NodeKind::Text(text) | NodeKind::CData(text) | NodeKind::Comment(text)) => {
                string(writer, text);
            }
            Some(NodeKind::ProcessingInstruction(instruction)) => {
                string(writer, instruction.data.as_deref().unwrap_or_default());
            }
            _ => writer.value(&Scalar::Null),
        }
    }

    fn element(self, document: &Document<'_>, node: NodeId, writer: &mut Writer) {
        let attributes = self.attributes(document, node);
        let mut groups = self.groups(document, node);
        if attributes.is_empty() && groups.is_empty() {
            let is_empty_tag = document.node_source(node).is_some_and(|source| source.ends_with("/>"));
            return if is_empty_tag {
                writer.value(&Scalar::Null);
            } else {
                string(writer, &markup::text(document, node));
            };
        }
        let text_name = if self.shape == Shape::Direct { "#text" } else { "value" };
        let is_text = groups.get(text_name).is_some_and(|nodes| !is_elements(document, nodes));
        if attributes.is_empty() && groups.len() == 1 && is_text {
            return string(writer, &markup::text(document, node));
        }
        writer.start_object();
        for (name, value) in attributes {
            // Of an attribute and an element of one plain name, the element wins.
            if !groups.contains_key(&name) {
                member(writer, &name, &value);
            }
        }
        if self.shape == Shape::JavascriptFriendly && is_text {
            groups.shift_remove(text_name);
            member(writer, "value", markup::text(document, node).trim());
        }
        self.members(document, &groups, true, writer);
        writer.end_object();
    }

    fn attributes(self, document: &Document<'_>, node: NodeId) -> IndexMap<String, String> {
        let mut found = IndexMap::new();
        let Some(element) = document.element(node) else { return found };
        if self.shape == Shape::Direct {
            for (prefix, uri) in &element.namespace_declarations {
                let name = if prefix.is_empty() { "@xmlns".to_owned() } else { format!("@xmlns:{prefix}") };
                found.insert(name, uri.to_string());
            }
        }
        for attribute in &element.attributes {
            if attribute.name.namespace_uri.as_deref() == Some(JSON_NAMESPACE) {
                continue;
            }
            let name = match self.shape {
                Shape::Direct => format!("@{}", attribute.name.prefixed_name()),
                Shape::JavascriptFriendly => attribute.name.local_name.to_string(),
            };
            found.insert(name, attribute.value.to_string());
        }
        found
    }
}

fn is_elements(document: &Document<'_>, nodes: &[NodeId]) -> bool {
    nodes.iter().any(|node| document.element(*node).is_some())
}

fn is_marked(document: &Document<'_>, node: NodeId) -> bool {
    let mark = document.element(node).and_then(|element| element.get_attribute_ns(JSON_NAMESPACE, "Array"));
    mark.is_some_and(|mark| mark.eq_ignore_ascii_case("true"))
}

fn string(writer: &mut Writer, text: &str) {
    writer.value(&Scalar::String(text.into()));
}

fn member(writer: &mut Writer, name: &str, value: &str) {
    writer.name(name);
    string(writer, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: XmlToJson = XmlToJson { shape: Shape::Direct, always_array: false };
    const PLAIN: XmlToJson = XmlToJson { shape: Shape::JavascriptFriendly, always_array: false };

    #[test]
    fn direct_is_newtonsofts() {
        for (text, expected) in [
            (
                r#"<?xml version="1.0" encoding="utf-8"?><a id="1"><b>x</b><c/><b>y</b>t</a>"#,
                r##"{"?xml":{"@version":"1.0","@encoding":"utf-8"},"a":{"@id":"1","b":["x","y"],"c":null,"#text":"t"}}"##,
            ),
            ("<a></a>", r#"{"a":""}"#),
            ("<a> <b> x </b> </a>", r#"{"a":{"b":" x "}}"#),
            (r#"<p:a xmlns:p="urn:p" p:x="1"/>"#, r#"{"p:a":{"@xmlns:p":"urn:p","@p:x":"1"}}"#),
            (
                "<a><![CDATA[<x>]]><!--c--><?t d?></a>",
                r##"{"a":{"#cdata-section":"<x>","#comment":"c","?t":"d"}}"##,
            ),
            (
                r#"<a xmlns:json="http://james.newtonking.com/projects/json"><b json:Array="true">1</b></a>"#,
                r#"{"a":{"@xmlns:json":"http://james.newtonking.com/projects/json","b":["1"]}}"#,
            ),
            (r#"<a>"\&#x1f600;</a>"#, r#"{"a":"\"\\😀"}"#),
        ] {
            assert_eq!(DIRECT.convert(text).unwrap(), expected, "{text}");
        }
        let arrays = XmlToJson { always_array: true, ..DIRECT };
        assert_eq!(arrays.convert("<a><b>1</b></a>").unwrap(), r#"{"a":{"b":["1"]}}"#);
    }

    #[test]
    fn plain_has_plain_names() {
        for (text, expected) in [
            (
                r#"<?xml version="1.0"?><p:a xmlns:p="urn:p" id="1">t<!--c--></p:a>"#,
                r#"{"a":{"id":"1","value":"t"}}"#,
            ),
            (r#"<a id="1"><id>2</id></a>"#, r#"{"a":{"id":"2"}}"#),
            ("<a><![CDATA[x]]>y</a>", r#"{"a":"xy"}"#),
        ] {
            assert_eq!(PLAIN.convert(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn convert_refuses_bombs() {
        assert!(DIRECT.convert("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").is_err());
        assert!(DIRECT.convert(&format!("{}{}", "<a>".repeat(200), "</a>".repeat(200))).is_err());
    }
}
