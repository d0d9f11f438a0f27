//! The xml method (XSLT 1.0 §16.1), set out as .NET's writer does it.

use super::{Writer, encoding_name};
use crate::markup;
use crate::xslt::Error;
use crate::xslt::tree::{Kind, NodeData, QName};

pub fn write(writer: &mut Writer<'_>) -> Result<(), Error> {
    let output = writer.output;
    if !output.omits_declaration {
        let standalone = match output.standalone {
            Some(true) => " standalone=\"yes\"",
            Some(false) => " standalone=\"no\"",
            None => "",
        };
        let version = output.version.as_deref().unwrap_or("1.0");
        let encoding = encoding_name(output.encoding);
        writer.text.push_str(&format!("<?xml version=\"{version}\" encoding=\"{encoding}\"{standalone}?>"));
    }
    let mut mixed = false;
    let mut has_doctype = false;
    let children: Vec<u32> = writer.tree.children(0).collect();
    for index in children {
        let Some(node) = writer.tree.get(index) else { continue };
        if node.kind == Kind::Element && !has_doctype {
            has_doctype = true;
            if output.doctype_system.is_some() {
                let root = node.name.as_deref().map(QName::written).unwrap_or_default();
                if output.indent == Some(true) {
                    writer.line(0);
                }
                writer.doctype(&root);
            }
        }
        mixed |= self::node(writer, index, 0, mixed)?;
    }
    Ok(())
}

/// Writes a node; true when it is text, beside which nothing is set out. Recursion ends where trees' depth does.
fn node(writer: &mut Writer<'_>, index: u32, level: usize, mixed: bool) -> Result<bool, Error> {
    writer.check()?;
    let tree = writer.tree;
    let Some(node) = tree.get(index) else { return Ok(false) };
    let is_text = matches!(node.kind, Kind::Text | Kind::RawText);
    if !is_text && !mixed && writer.output.indent == Some(true) {
        writer.line(level);
    }
    let name = node.name.as_deref().map(QName::written).unwrap_or_default();
    match node.kind {
        Kind::Element => element(writer, index, node, &name, level)?,
        Kind::Text => text(writer, node),
        Kind::RawText => writer.text.push_str(&node.value),
        Kind::Comment => writer.text.push_str(&format!("<!--{}-->", node.value)),
        Kind::Instruction => {
            let space = if node.value.is_empty() { "" } else { " " };
            writer.text.push_str(&format!("<?{name}{space}{}?>", node.value));
        }
        _ => {}
    }
    Ok(is_text)
}

fn element(
    writer: &mut Writer<'_>,
    index: u32,
    own: &NodeData,
    name: &str,
    level: usize,
) -> Result<(), Error> {
    let tree = writer.tree;
    writer.text.push('<');
    writer.text.push_str(name);
    start(writer, index);
    let mut children = tree.children(index).peekable();
    if children.peek().is_none() {
        writer.text.push_str(" />");
        return Ok(());
    }
    writer.text.push('>');
    let mut mixed = false;
    for child in children {
        mixed |= node(writer, child, level + 1, mixed)?;
    }
    if !mixed && own.end > own.children && writer.output.indent == Some(true) {
        writer.line(level);
    }
    writer.text.push_str("</");
    writer.text.push_str(name);
    writer.text.push('>');
    Ok(())
}

fn start(writer: &mut Writer<'_>, index: u32) {
    for (name, value) in writer.attributes(index) {
        writer.text.push(' ');
        writer.text.push_str(&name);
        writer.text.push_str("=\"");
        for c in value.chars() {
            match c {
                '&' => writer.text.push_str("&amp;"),
                '<' => writer.text.push_str("&lt;"),
                '>' => writer.text.push_str("&gt;"),
                '"' => writer.text.push_str("&quot;"),
                '\t' | '\n' | '\r' => writer.text.push_str(&format!("&#x{:X};", u32::from(c))),
                c => allowed(writer, c),
            }
        }
        writer.text.push('"');
    }
}

fn text(writer: &mut Writer<'_>, node: &NodeData) {
    let parent = writer.tree.get(node.parent).and_then(|parent| parent.name.as_deref());
    if parent.is_some_and(|parent| writer.output.cdata_elements.contains(&parent.name)) {
        let parts = node.value.replace("]]>", "]]]]><![CDATA[>");
        writer.text.push_str(&format!("<![CDATA[{parts}]]>"));
        return;
    }
    let mut chars = node.value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => writer.text.push_str("&amp;"),
            '<' => writer.text.push_str("&lt;"),
            '>' => writer.text.push_str("&gt;"),
            // Line ends are made one, as .NET's writer does it.
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => writer.text.push('\n'),
            c => allowed(writer, c),
        }
    }
}

/// What XML cannot hold is replaced.
fn allowed(writer: &mut Writer<'_>, c: char) {
    writer.push(if markup::is_allowed(c) { c } else { '\u{fffd}' });
}
