//! Tags, comments, instructions and the declaration.

use super::super::name::{
    XML_NAMESPACE, XMLNS_NAMESPACE, XName, bad_inside, bad_start, continues_name, starts_name,
};
use super::super::node::XNode;
use super::super::writer::is_allowed;
use super::{DEPTH_READ_MAX, Open, Parser, Place, Raw, declared, is_space};
use crate::clr::exception::Result;

impl Parser<'_> {
    /// A name with an optional prefix.
    fn qualified_name(&mut self) -> Result<(String, String)> {
        let first = self.simple_name()?;
        if !self.rest().starts_with(':') {
            return Ok((String::new(), first));
        }
        self.advance(1);
        let second = self.simple_name()?;
        if self.rest().starts_with(':') {
            return Err(self.error(&bad_inside(':')));
        }
        Ok((first, second))
    }

    fn simple_name(&mut self) -> Result<String> {
        let rest = self.rest();
        match rest.chars().next() {
            Some(c) if starts_name(c) => {}
            Some(c) => return Err(self.error(&bad_start(c))),
            None => return Err(self.name_ended()),
        }
        let Some(end) = rest.find(|c| !continues_name(c)) else {
            self.advance(rest.len());
            return Err(self.name_ended());
        };
        let name = rest.get(..end).unwrap_or_default().to_owned();
        self.advance(end);
        Ok(name)
    }

    fn name_ended(&self) -> crate::clr::exception::Error {
        self.error("Unexpected end of file while parsing Name has occurred.")
    }

    /// The start of a tag behind its `<`.
    pub(super) fn start_tag(&mut self) -> Result<()> {
        let place = self.here();
        if self.open.is_empty() && self.document.root().is_some() {
            return Err(self.error("There are multiple root elements."));
        }
        let (prefix, local) = self.qualified_name()?;
        let raws = self.raw_attributes()?;
        let empty = self.take("/");
        if !self.take(">") {
            return Err(self.unexpected_token("'>'"));
        }
        let scope = self.prefixes.len();
        self.declare_prefixes(&raws)?;
        let Some(namespace) =
            self.namespace_of(&prefix).map(str::to_owned).or_else(|| prefix.is_empty().then(String::new))
        else {
            return Err(self.error_at(&format!("'{prefix}' is an undeclared prefix."), place));
        };
        let element = XNode::element(&XName::trusted(&namespace, &local));
        self.put_attributes(&element, &raws)?;
        let space = self.space_of(&element);
        let tag = if prefix.is_empty() { local } else { format!("{prefix}:{local}") };
        self.put(element.clone())?;
        if empty {
            self.prefixes.truncate(scope);
            return Ok(());
        }
        if let Some(open) = element.as_element() {
            open.has_end_tag.set(true);
        }
        self.open.push(Open { node: element, tag, place, scope, space });
        if self.open.len() > DEPTH_READ_MAX {
            return Err(self.error(&format!("The document is nested deeper than {DEPTH_READ_MAX} elements.")));
        }
        Ok(())
    }

    /// Whether white space inside means something.
    fn space_of(&self, element: &XNode) -> bool {
        let outer = self.open.last().map_or(self.preserve_space, |open| open.space);
        match element.attribute(&XName::trusted(XML_NAMESPACE, "space")).map(|attribute| attribute.value()) {
            Some(value) if value == "preserve" => true,
            Some(value) if value == "default" => self.preserve_space,
            _ => outer,
        }
    }

    fn unexpected_token(&self, expected: &str) -> crate::clr::exception::Error {
        match self.peek() {
            None => self.error("Unexpected end of file has occurred."),
            Some(c) => {
                self.error(&format!("'{c}' is an unexpected token. The expected token is {expected}."))
            }
        }
    }

    fn raw_attributes(&mut self) -> Result<Vec<Raw>> {
        let mut raws: Vec<Raw> = Vec::new();
        loop {
            let spaced = self.spaces();
            match self.peek() {
                None | Some('/' | '>' | '?') => return Ok(raws),
                Some(c) if !spaced && !raws.is_empty() => {
                    return Err(self.error(&format!("'{c}' is an unexpected token. Expecting whitespace.")));
                }
                Some(_) => {}
            }
            let place = self.here();
            let (prefix, local) = self.qualified_name()?;
            self.spaces();
            if !self.take("=") {
                return Err(self.unexpected_token("'='"));
            }
            self.spaces();
            let Some(quote @ ('"' | '\'')) = self.peek() else {
                return Err(self.unexpected_token("'\"' or '''"));
            };
            self.advance(1);
            let value_place = self.here();
            let value = self.attribute_value(quote)?;
            self.count()?;
            let raw = Raw { prefix, local, value, place, value_place };
            if raws.iter().any(|one| one.qualified() == raw.qualified()) {
                let problem = format!("'{}' is a duplicate attribute name.", raw.qualified());
                return Err(self.error_at(&problem, place));
            }
            raws.push(raw);
        }
    }

    fn declare_prefixes(&mut self, raws: &[Raw]) -> Result<()> {
        for raw in raws {
            let Some(prefix) = raw.declares() else { continue };
            if prefix == "xml" && raw.value != XML_NAMESPACE {
                let problem = format!(
                    "Prefix \"xml\" is reserved for use by XML and can be mapped only to namespace name \"{XML_NAMESPACE}\"."
                );
                return Err(self.error_at(&problem, raw.place));
            }
            if prefix == "xmlns" {
                return Err(self.error_at("Prefix \"xmlns\" is reserved for use by XML.", raw.place));
            }
            let reserved = raw.value == XMLNS_NAMESPACE || (raw.value == XML_NAMESPACE && prefix != "xml");
            if reserved {
                let problem = format!(
                    "Prefix '{prefix}' cannot be mapped to namespace name reserved for \"xml\" or \"xmlns\"."
                );
                return Err(self.error_at(&problem, raw.value_place));
            }
            if raw.value.is_empty() && !prefix.is_empty() {
                let quote = Place { at: raw.value_place.at - 1, ..raw.value_place };
                return Err(self.error_at("Invalid namespace declaration.", quote));
            }
            self.prefixes.push((prefix.to_owned(), raw.value.clone()));
        }
        Ok(())
    }

    fn put_attributes(&mut self, element: &XNode, raws: &[Raw]) -> Result<()> {
        for raw in raws {
            let namespace = match raw.prefix.as_str() {
                "" => "",
                prefix => {
                    if let Some(namespace) = self.namespace_of(prefix) {
                        namespace
                    } else {
                        let problem = format!("'{prefix}' is an undeclared prefix.");
                        return Err(self.error_at(&problem, raw.place));
                    }
                }
            };
            let attribute = raw.attribute(namespace);
            if element.attribute(attribute.name()).is_some() {
                let problem = format!("'{}' is a duplicate attribute name.", raw.qualified());
                return Err(self.error_at(&problem, raw.place));
            }
            element.push_attribute(attribute);
        }
        Ok(())
    }

    /// The end of an element behind `</`.
    pub(super) fn end_tag(&mut self) -> Result<()> {
        let place = self.here();
        let Some(open) = self.open.pop() else { return Err(self.error("Unexpected end tag.")) };
        let rest = self.rest();
        let end = rest.find(|c| c == '>' || is_space(c)).unwrap_or(rest.len());
        let tag = rest.get(..end).unwrap_or_default();
        if tag.is_empty() && end == rest.len() {
            return Err(self.name_ended());
        }
        if tag != open.tag {
            let problem = format!(
                "The '{}' start tag on line {} position {} does not match the end tag of '{tag}'.",
                open.tag,
                open.place.line,
                self.column(open.place)
            );
            return Err(self.error_at(&problem, place));
        }
        self.advance(end);
        self.spaces();
        if !self.take(">") {
            return Err(self.unexpected_token("'>'"));
        }
        self.prefixes.truncate(open.scope);
        Ok(())
    }

    /// Text up to a closing mark, which is taken.
    fn up_to(&mut self, mark: &str, what: &str) -> Result<String> {
        let rest = self.rest();
        let Some(end) = rest.find(mark) else {
            self.advance(unended(rest, what));
            return Err(self.error(&format!("Unexpected end of file while parsing {what} has occurred.")));
        };
        let body = rest.get(..end).unwrap_or_default();
        if let Some((place, bad)) = body.char_indices().find(|(_, c)| !is_allowed(*c)) {
            self.advance(place);
            return Err(self.invalid_character(bad));
        }
        self.advance(end);
        let body = super::text::with_line_feeds(body);
        if what != "Comment" {
            self.advance(mark.len());
        }
        Ok(body)
    }

    pub(super) fn comment(&mut self) -> Result<()> {
        let body = self.up_to("--", "Comment")?;
        if !self.take("-->") {
            return Err(
                self.error("An XML comment cannot contain '--', and '-' cannot be the last character.")
            );
        }
        self.put(XNode::comment(&body))
    }

    pub(super) fn cdata(&mut self) -> Result<()> {
        let body = self.up_to("]]>", "CDATA")?;
        self.put(XNode::cdata(&body))
    }

    pub(super) fn instruction(&mut self) -> Result<()> {
        let place = self.here();
        let target = self.simple_name()?;
        if target.eq_ignore_ascii_case("xml") {
            let problem = "Unexpected XML declaration. The XML declaration must be the first node in the document, and \
                           no whitespace characters are allowed to appear before it.";
            return Err(self.error_at(problem, place));
        }
        self.spaces();
        let data = self.up_to("?>", "PI")?;
        self.put(XNode::instruction(&target, &data))
    }

    /// `<?xml …?>` at the very beginning.
    pub(super) fn declaration(&mut self) -> Result<()> {
        self.advance("<?xml".len());
        let raws = self.raw_attributes()?;
        if !self.take("?>") {
            return Err(self.unexpected_token("'?>'"));
        }
        if let Some(raw) = raws.iter().find(|raw| raw.local == "version" && raw.value != "1.0") {
            let problem = format!("Version number '{}' is invalid.", raw.value);
            return Err(self.error_at(&problem, raw.value_place));
        }
        self.document.set_declaration(Some(declared(&raws)));
        Ok(())
    }
}

/// How far .NET has read when the text ends inside a comment, CDATA section or instruction.
fn unended(rest: &str, what: &str) -> usize {
    match what {
        "PI" => rest.len(),
        _ if rest.chars().nth(2).is_none() => 0,
        "CDATA" => rest.trim_end_matches(']').len(),
        _ => rest.trim_end_matches('-').len(),
    }
}
