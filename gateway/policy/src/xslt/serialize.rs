//! Writes a result tree (XSLT 1.0 §16).

mod html;
mod xml;

use super::Error;
use super::stylesheet::{Encoding, Method, Output};
use super::tree::{Kind, Tree};

/// The bytes of the result, of which there may be so many.
pub fn bytes(tree: &Tree, output: &Output, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let method = output.method.unwrap_or_else(|| default_method(tree));
    let mut writer = Writer { tree, output, text: String::new(), bytes_max };
    match method {
        Method::Text => {
            let texts = tree.nodes.iter().filter(|node| matches!(node.kind, Kind::Text | Kind::RawText));
            writer.text.extend(texts.map(|node| &*node.value));
        }
        Method::Xml => xml::write(&mut writer)?,
        Method::Html => html::write(&mut writer)?,
    }
    let made = encode(&writer.text, output.encoding);
    if made.len() > bytes_max { Err(too_large()) } else { Ok(made) }
}

/// HTML when the first element is `html` without a namespace and no text stands before it (§16).
fn default_method(tree: &Tree) -> Method {
    for index in tree.children(0) {
        let Some(node) = tree.get(index) else { continue };
        match node.kind {
            Kind::Element => {
                let name = node.name.as_deref().map(|name| &name.name);
                let is_html = name
                    .is_some_and(|name| name.namespace.is_empty() && name.local.eq_ignore_ascii_case("html"));
                return if is_html { Method::Html } else { Method::Xml };
            }
            Kind::Text | Kind::RawText if !node.value.trim().is_empty() => return Method::Xml,
            _ => {}
        }
    }
    Method::Xml
}

fn too_large() -> Error {
    Error::new("The result of the stylesheet is too large.")
}

/// The text under construction.
struct Writer<'w> {
    tree: &'w Tree,
    output: &'w Output,
    text: String,
    bytes_max: usize,
}

impl<'w> Writer<'w> {
    fn check(&self) -> Result<(), Error> {
        if self.text.len() > self.bytes_max { Err(too_large()) } else { Ok(()) }
    }

    /// Names and values of an element's attributes, then of its declarations, as .NET's writer has them.
    fn attributes(&self, index: u32) -> Vec<(String, &'w str)> {
        let tree = self.tree;
        let all = tree.attached(index, Kind::Attribute).chain(tree.attached(index, Kind::Namespace));
        all.filter_map(|at| {
            let node = tree.get(at)?;
            let name = node.name.as_deref()?;
            let written = match (node.kind, &*name.name.local) {
                (Kind::Namespace, "") => "xmlns".to_owned(),
                (Kind::Namespace, prefix) => format!("xmlns:{prefix}"),
                _ => name.written(),
            };
            Some((written, &*node.value))
        })
        .collect()
    }

    /// A line break and two blanks a level.
    fn line(&mut self, level: usize) {
        if !self.text.is_empty() {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", level));
        }
    }

    /// A character, by its number where the encoding has none for it.
    fn push(&mut self, c: char) {
        if has(self.output.encoding, c) {
            self.text.push(c);
        } else {
            self.text.push_str(&format!("&#x{:X};", u32::from(c)));
        }
    }

    fn doctype(&mut self, root: &str) {
        let (public, system) = (self.output.doctype_public.as_deref(), self.output.doctype_system.as_deref());
        match (public, system) {
            (Some(public), Some(system)) => {
                self.text.push_str(&format!("<!DOCTYPE {root} PUBLIC \"{public}\" \"{system}\">"));
            }
            (None, Some(system)) => self.text.push_str(&format!("<!DOCTYPE {root} SYSTEM \"{system}\">")),
            (Some(public), None) => self.text.push_str(&format!("<!DOCTYPE {root} PUBLIC \"{public}\">")),
            (None, None) => {}
        }
    }
}

fn has(encoding: Encoding, c: char) -> bool {
    match encoding {
        Encoding::Utf8 | Encoding::Utf16 => true,
        Encoding::Latin1 => u32::from(c) < 0x100,
        Encoding::Ascii => c.is_ascii(),
    }
}

fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16 => "utf-16",
        Encoding::Latin1 => "iso-8859-1",
        Encoding::Ascii => "us-ascii",
    }
}

/// What the encoding has no code for stands as a question mark: only names and raw text can have such.
fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    let narrow = |c: char| if has(encoding, c) { u32::from(c) as u8 } else { b'?' };
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16 => {
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
        Encoding::Latin1 | Encoding::Ascii => text.chars().map(narrow).collect(),
    }
}
