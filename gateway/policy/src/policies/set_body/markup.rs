//! The content of an element as text: character data as it reads, XML as it was written.

use crate::xml::{Element, Node};

/// Content of the element. Where it holds elements it is XML and is written as XML again; expressions of Liquid
/// keep their characters in it.
pub fn content(element: &Element) -> String {
    if element.elements().next().is_none() {
        return element.text();
    }
    let mut out = String::new();
    element.children.iter().for_each(|node| push_node(&mut out, node));
    out
}

fn push_node(out: &mut String, node: &Node) {
    match node {
        Node::Text(text) => push_text(out, &text.value),
        Node::Element(element) => push_element(out, element),
        Node::Comment(_) => {}
    }
}

/// Recursion ends where the document reader's depth limit does.
fn push_element(out: &mut String, element: &Element) {
    out.push('<');
    out.push_str(&element.name);
    for attribute in &element.attributes {
        // Liquid inside a value has quotes of its own: the other kind stands around them.
        let quote = if attribute.value.contains('"') && !attribute.value.contains('\'') { '\'' } else { '"' };
        out.push(' ');
        out.push_str(&attribute.name);
        out.push('=');
        out.push(quote);
        outside_liquid(out, &attribute.value, |out, text| {
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            out.push_str(&if quote == '"' { text.replace('"', "&quot;") } else { text });
        });
        out.push(quote);
    }
    if element.children.is_empty() {
        return out.push_str(" />");
    }
    out.push('>');
    element.children.iter().for_each(|node| push_node(out, node));
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

fn push_text(out: &mut String, text: &str) {
    outside_liquid(out, text, |out, text| out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;")));
}

/// Writes a text, `write` being asked for what stands outside of `{{ }}` and `{% %}`.
fn outside_liquid(out: &mut String, text: &str, write: impl Fn(&mut String, &str)) {
    let mut rest = text;
    while let Some(at) = ["{{", "{%"].iter().filter_map(|opening| rest.find(opening)).min() {
        let (before, tag) = rest.split_at(at);
        let close = if tag.starts_with("{{") { "}}" } else { "%}" };
        let Some(end) = tag.find(close) else { break };
        write(out, before);
        let (tag, behind) = tag.split_at(end + close.len());
        out.push_str(tag);
        rest = behind;
    }
    write(out, rest);
}
