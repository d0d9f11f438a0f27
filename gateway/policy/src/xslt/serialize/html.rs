//! The html method (XSLT 1.0 §16.2).

use super::{Writer, encoding_name};
use crate::xslt::Error;
use crate::xslt::tree::{Kind, NodeData, QName};

/// Elements without content and end tag (HTML 4.01).
const EMPTY: &[&str] = &[
    "area", "base", "basefont", "br", "col", "frame", "hr", "img", "input", "isindex", "link", "meta",
    "param",
];
/// Elements before and behind which lines are broken.
const BLOCKS: &[&str] = &[
    "address",
    "applet",
    "area",
    "base",
    "basefont",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "del",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "font",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "hr",
    "html",
    "iframe",
    "ins",
    "isindex",
    "legend",
    "li",
    "link",
    "map",
    "menu",
    "meta",
    "noframes",
    "noscript",
    "ol",
    "optgroup",
    "option",
    "p",
    "param",
    "pre",
    "s",
    "strike",
    "style",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "xmp",
];
/// Attributes that say all by being there.
const BOOLEANS: &[&str] = &[
    "checked", "compact", "declare", "defer", "disabled", "ismap", "multiple", "nohref", "noresize",
    "noshade", "nowrap", "readonly", "selected",
];
const LINKS: &[&str] = &["action", "cite", "codebase", "data", "href", "longdesc", "src", "usemap"];

pub fn write(writer: &mut Writer<'_>) -> Result<(), Error> {
    let first = writer
        .tree
        .children(0)
        .find(|at| writer.tree.get(*at).is_some_and(|node| node.kind == Kind::Element));
    let root = first.and_then(|at| writer.tree.get(at)?.name.as_deref()).map(QName::written);
    if let Some(root) = root {
        writer.doctype(&root);
    }
    let children: Vec<u32> = writer.tree.children(0).collect();
    // A line is broken only where a block begins or has ended, as .NET's writer does it.
    let mut blocks = Blocks { end: writer.text.len() };
    for child in children {
        node(writer, &mut blocks, child, 0)?;
    }
    Ok(())
}

/// Where the last beginning or end of a block stands.
struct Blocks {
    end: usize,
}

impl Blocks {
    fn is_here(&self, writer: &Writer<'_>) -> bool {
        self.end == writer.text.len() && writer.output.indent != Some(false)
    }
}

/// The lower-case name of an HTML element; those of other namespaces have none.
fn html_name(node: &NodeData) -> Option<String> {
    let name = node.name.as_deref().filter(|_| node.kind == Kind::Element)?;
    name.name.namespace.is_empty().then(|| name.name.local.to_ascii_lowercase())
}

/// Writes a node. Recursion ends where trees' depth does.
fn node(writer: &mut Writer<'_>, blocks: &mut Blocks, index: u32, level: usize) -> Result<(), Error> {
    writer.check()?;
    let tree = writer.tree;
    let Some(node) = tree.get(index) else { return Ok(()) };
    let written = node.name.as_deref().map(QName::written).unwrap_or_default();
    match node.kind {
        Kind::Element => {
            return element(writer, blocks, index, (&written, html_name(node).as_deref()), level);
        }
        Kind::Text => {
            let parent = tree.get(node.parent).and_then(html_name);
            if matches!(parent.as_deref(), Some("script" | "style")) {
                writer.text.push_str(&node.value);
            } else {
                text(writer, &node.value);
            }
        }
        Kind::RawText => writer.text.push_str(&node.value),
        Kind::Comment => writer.text.push_str(&format!("<!--{}-->", node.value)),
        Kind::Instruction => writer.text.push_str(&format!("<?{written} {}>", node.value)),
        _ => {}
    }
    Ok(())
}

fn element(
    writer: &mut Writer<'_>,
    blocks: &mut Blocks,
    index: u32,
    (written, own): (&str, Option<&str>),
    level: usize,
) -> Result<(), Error> {
    let children: Vec<u32> = writer.tree.children(index).collect();
    // What is no HTML is set out as blocks are.
    let is_block = own.is_none_or(|name| BLOCKS.contains(&name));
    if blocks.is_here(writer) && is_block {
        writer.line(level);
    }
    writer.text.push('<');
    writer.text.push_str(written);
    attributes(writer, index, own.is_some());
    if own.is_none() && children.is_empty() {
        writer.text.push_str(" />");
        blocks.end = writer.text.len();
        return Ok(());
    }
    writer.text.push('>');
    let start = writer.text.len();
    if own == Some("head") {
        if writer.output.indent != Some(false) {
            writer.line(level + 1);
        }
        let encoding = encoding_name(writer.output.encoding);
        let meta = format!("<META http-equiv=\"Content-Type\" content=\"text/html; charset={encoding}\">");
        writer.text.push_str(&meta);
    }
    if is_block {
        blocks.end = writer.text.len();
    }
    if own.is_some_and(|name| EMPTY.contains(&name)) {
        return Ok(());
    }
    for child in children {
        node(writer, blocks, child, level + 1)?;
    }
    if is_block && blocks.is_here(writer) && writer.text.len() != start {
        writer.line(level);
    }
    writer.text.push_str("</");
    writer.text.push_str(written);
    writer.text.push('>');
    if is_block {
        blocks.end = writer.text.len();
    }
    Ok(())
}

fn attributes(writer: &mut Writer<'_>, index: u32, is_html: bool) {
    for (written, text) in writer.attributes(index) {
        let lower = written.to_ascii_lowercase();
        writer.text.push(' ');
        writer.text.push_str(&written);
        if is_html && BOOLEANS.contains(&&*lower) && text.eq_ignore_ascii_case(&written) {
            continue;
        }
        writer.text.push_str("=\"");
        value(writer, text, is_html && LINKS.contains(&&*lower));
        writer.text.push('"');
    }
}

/// `<` stands as it is, and so does `&` before a brace (§16.2); of links what is not ASCII is escaped.
fn value(writer: &mut Writer<'_>, text: &str, is_link: bool) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' if chars.peek() == Some(&'{') => writer.text.push('&'),
            '&' => writer.text.push_str("&amp;"),
            '"' => writer.text.push_str("&quot;"),
            c if is_link && !c.is_ascii() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    writer.text.push_str(&format!("%{byte:02X}"));
                }
            }
            c => writer.push(c),
        }
    }
}

fn text(writer: &mut Writer<'_>, text: &str) {
    for c in text.chars() {
        match c {
            '&' => writer.text.push_str("&amp;"),
            '<' => writer.text.push_str("&lt;"),
            '>' => writer.text.push_str("&gt;"),
            c => writer.push(c),
        }
    }
}
