//! The reader: text to elements.

use gateway_expression::{cut, is_expression};
use thiserror::Error;

use super::{Attribute, Element, Expanded, Node, Position, Text, expand};

/// Bounds on one document (`policies.md` §10, `reliability-security.md` §4.3).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Default 256 KiB; fragments 512 KiB.
    pub bytes_max: usize,
    /// Nested elements; default 128.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 256 << 10, depth_max: 128 }
    }
}

/// Why a text is no policy document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ReadError {
    pub message: String,
    pub at: Position,
}

/// Reads one document. Places are those of the submitted text, before named values were put in.
pub fn read(expanded: &Expanded, submitted: &str, limits: Limits) -> Result<Element, ReadError> {
    let lines = Lines::new(submitted);
    let mut reader = Reader { text: &expanded.text, at: 0, lines, expanded, limits, comments: None };
    reader.document()
}

/// The same with the comments: those before the root, the root, those behind it.
pub fn read_with_comments(text: &str, limits: Limits) -> Result<Vec<Node>, ReadError> {
    let expanded = expand(text, &|_| None);
    let lines = Lines::new(text);
    let comments = Some(Vec::new());
    let mut reader = Reader { text: &expanded.text, at: 0, lines, expanded: &expanded, limits, comments };
    let mut before = 0;
    let root = reader.document_with(&mut before)?;
    let mut nodes = reader.comments.unwrap_or_default();
    nodes.insert(before.min(nodes.len()), Node::Element(root));
    Ok(nodes)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    lines: Lines<'a>,
    expanded: &'a Expanded,
    limits: Limits,
    /// Comments outside of the root, where comments are kept at all.
    comments: Option<Vec<Node>>,
}

type Read<T> = Result<T, ReadError>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Element> {
        self.document_with(&mut 0)
    }

    /// Reads all; `before` becomes the number of comments in front of the root.
    fn document_with(&mut self, before: &mut usize) -> Read<Element> {
        if self.text.len() > self.limits.bytes_max {
            return Err(
                self.error(0, format!("The policy document exceeds {} bytes.", self.limits.bytes_max))
            );
        }
        self.skip_prolog()?;
        *before = self.comments.as_ref().map_or(0, Vec::len);
        if !self.starts_with("<") {
            return Err(self.error(self.at, "Data at the root level is invalid."));
        }
        let root = self.element(0)?;
        self.skip_misc()?;
        if self.at < self.text.len() {
            return Err(
                self.error(self.at, "There are multiple root elements, or text behind the root element.")
            );
        }
        Ok(root)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix)
    }

    fn position(&self, at: usize) -> Position {
        self.lines.position(self.expanded.submitted_offset(at))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ReadError {
        ReadError { message: message.into(), at: self.position(at) }
    }

    fn skip_blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn skip_prolog(&mut self) -> Read<()> {
        if self.starts_with("\u{feff}") {
            self.at += '\u{feff}'.len_utf8();
        }
        self.skip_blank();
        if self.starts_with("<?xml") {
            self.skip_past("?>", "XML declaration")?;
        }
        self.skip_misc()
    }

    /// Blanks, comments and processing instructions between elements.
    fn skip_misc(&mut self) -> Read<()> {
        loop {
            self.skip_blank();
            if self.starts_with("<!--") {
                let comment = self.comment()?;
                if let Some(comments) = &mut self.comments {
                    comments.push(comment);
                }
            } else if self.starts_with("<?") {
                self.skip_past("?>", "processing instruction")?;
            } else if self.starts_with("<!") {
                return Err(
                    self.error(self.at, "For security reasons DTD is prohibited in a policy document.")
                );
            } else {
                return Ok(());
            }
        }
    }

    fn comment(&mut self) -> Read<Node> {
        let start = self.at;
        self.skip_past("-->", "comment")?;
        Ok(Node::Comment(self.text.get(start..self.at).unwrap_or_default().into()))
    }

    fn skip_past(&mut self, end: &str, what: &str) -> Read<()> {
        match self.rest().find(end) {
            Some(length) => {
                self.at += length + end.len();
                Ok(())
            }
            None => Err(self.error(self.at, format!("Unexpected end of file: the {what} is not closed."))),
        }
    }

    fn name(&mut self) -> Read<Box<str>> {
        let rest = self.rest();
        let length = rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len());
        let name = &rest[..length];
        if name.is_empty() || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let found = rest.chars().next().map_or("the end of the text".to_owned(), |c| format!("'{c}'"));
            return Err(self.error(self.at, format!("Name cannot begin with {found}.")));
        }
        let name = name.into();
        self.at += length;
        Ok(name)
    }

    /// Reads an element; the cursor stands on its `<`.
    fn element(&mut self, depth: usize) -> Read<Element> {
        let start = self.at;
        if depth >= self.limits.depth_max {
            return Err(
                self.error(start, format!("Elements are nested deeper than {}.", self.limits.depth_max))
            );
        }
        self.at += 1;
        let name = self.name()?;
        let mut element = Element {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            at: self.position(start),
            span: 0..0,
        };
        if self.attributes(&mut element)? {
            self.content(&mut element, depth)?;
        }
        let from = self.expanded.submitted_offset(start);
        element.span = from..self.expanded.submitted_offset(self.at).max(from);
        Ok(element)
    }

    /// Reads attributes up to the tag's end; whether content follows.
    fn attributes(&mut self, element: &mut Element) -> Read<bool> {
        loop {
            self.skip_blank();
            if self.starts_with("/>") {
                self.at += 2;
                return Ok(false);
            }
            if self.starts_with(">") {
                self.at += 1;
                return Ok(true);
            }
            if self.rest().is_empty() {
                return Err(
                    self.error(self.at, format!("Unexpected end of file in element '{}'.", element.name))
                );
            }
            let name_at = self.at;
            let name = self.name()?;
            if element.attribute(&name).is_some() {
                return Err(self.error(name_at, format!("'{name}' is a duplicate attribute name.")));
            }
            self.skip_blank();
            if !self.starts_with("=") {
                return Err(self.error(self.at, format!("Attribute '{name}' has no value; '=' is expected.")));
            }
            self.at += 1;
            self.skip_blank();
            let (value, at) = self.attribute_value(&name)?;
            element.attributes.push(Attribute { name, value, at });
        }
    }

    fn attribute_value(&mut self, name: &str) -> Read<(String, Position)> {
        let quote = match self.rest().bytes().next() {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => return Err(self.error(self.at, format!("The value of attribute '{name}' must be quoted."))),
        };
        self.at += 1;
        let start = self.at;
        let rest = self.rest();
        let plain = rest.find(quote).map(|end| (decode(&rest[..end]), end));
        let (value, end) = match plain {
            Some((value, end)) if !is_expression(&value) || is_whole_expression(&value) => {
                if !is_expression(&value) && value_has_tag(&rest[..end]) {
                    return Err(self.error(start, "'<' is an invalid attribute character."));
                }
                (value, end)
            }
            _ => self.raw_expression(start, &|rest| {
                let blank = rest.len() - rest.trim_start().len();
                rest[blank..].starts_with(quote).then_some(blank)
            })?,
        };
        self.at = start + end + 1;
        Ok((value, self.position(start)))
    }

    /// Takes an expression by C# lexing; `closing` tells the blanks before what must follow. Returns the decoded
    /// text and its length in bytes.
    fn raw_expression(&self, start: usize, closing: &dyn Fn(&str) -> Option<usize>) -> Read<(String, usize)> {
        let text = &self.text[start..];
        let blank = text.len() - text.trim_start().len();
        let length = cut::end_of_expression(&text[blank..])
            .map_err(|error| self.error(start + blank, error.to_string()))?;
        let end = blank + length;
        match closing(&text[end..]) {
            Some(more) => Ok((decode(&text[..end]), end + more)),
            None => Err(self.error(
                start + end,
                "An expression must be the whole value; it cannot be mixed with other text.",
            )),
        }
    }

    /// Reads content up to and with the end tag.
    fn content(&mut self, element: &mut Element, depth: usize) -> Read<()> {
        loop {
            if self.starts_with("</") {
                return self.end_tag(element);
            } else if self.starts_with("<!--") {
                let comment = self.comment()?;
                if self.comments.is_some() {
                    element.children.push(comment);
                }
            } else if self.starts_with("<![CDATA[") {
                self.cdata(element)?;
            } else if self.starts_with("<?") {
                self.skip_past("?>", "processing instruction")?;
            } else if self.starts_with("<!") {
                return Err(
                    self.error(self.at, "For security reasons DTD is prohibited in a policy document.")
                );
            } else if self.starts_with("<") {
                element.children.push(Node::Element(self.element(depth + 1)?));
            } else if self.rest().is_empty() {
                return Err(self.error(
                    self.at,
                    format!("Unexpected end of file: element '{}' is not closed.", element.name),
                ));
            } else {
                self.text_node(element)?;
            }
        }
    }

    fn end_tag(&mut self, element: &Element) -> Read<()> {
        let start = self.at;
        self.at += 2;
        let name = self.name()?;
        if name != element.name {
            let Position { line, column } = element.at;
            return Err(self.error(
                start,
                format!("The '{}' start tag on line {line} position {column} does not match the end tag of '{name}'.", element.name),
            ));
        }
        self.skip_blank();
        if !self.starts_with(">") {
            return Err(self.error(self.at, "'>' is expected."));
        }
        self.at += 1;
        Ok(())
    }

    fn cdata(&mut self, element: &mut Element) -> Read<()> {
        let start = self.at + "<![CDATA[".len();
        self.skip_past("]]>", "CDATA section")?;
        let value = self.text[start..self.at - "]]>".len()].to_owned();
        element.children.push(Node::Text(Text { value, at: self.position(start) }));
        Ok(())
    }

    fn text_node(&mut self, element: &mut Element) -> Read<()> {
        let start = self.at;
        let rest = self.rest();
        let plain_end = rest.find('<').unwrap_or(rest.len());
        let plain = decode(&rest[..plain_end]);
        // Only what opens the element's text can be an expression; behind other content it is plain text.
        let opens = element.children.iter().all(|node| match node {
            Node::Text(text) => text.value.trim().is_empty(),
            Node::Comment(_) => true,
            Node::Element(_) => false,
        });
        let (value, end) = if opens && is_expression(&plain) && !is_whole_expression(&plain) {
            self.raw_expression(start, &|rest| rest.trim_start().starts_with('<').then_some(0))?
        } else {
            (plain, plain_end)
        };
        let blank = value.len() - value.trim_start().len();
        let at = self.position(start + blank.min(end));
        self.at = start + end;
        element.children.push(Node::Text(Text { value, at }));
        Ok(())
    }
}

/// Whether the text is one expression and nothing else.
fn is_whole_expression(text: &str) -> bool {
    let text = text.trim();
    cut::end_of_expression(text).is_ok_and(|end| end == text.len())
}

fn value_has_tag(text: &str) -> bool {
    text.contains('<')
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':')
}

/// Decodes the five XML entities and numeric references once; any other ampersand stays.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((c, length)) = entity(rest) {
            out.push(c);
            rest = &rest[length..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The character and byte length of the entity that `text` begins with.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let c = match &text[1..end] {
        "quot" => '"',
        "apos" => '\'',
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        name => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((c, end + 1))
}

/// Line starts of the submitted text.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        Position { line: line as u32, column: before.chars().count() as u32 + 1 }
    }
}

#[cfg(test)]
mod tests;
