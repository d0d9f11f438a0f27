//! Copies of nodes, and the white space that a stylesheet does not want (XSLT 1.0 §3.4, §7.5, §11.3).

use std::sync::Arc;

use super::{Done, Transformation};
use crate::xslt::stylesheet::Stylesheet;
use crate::xslt::tree::{Kind, Tree, TreeBuilder, XML_NAMESPACE};
use crate::xslt::xpath::{Axis, Node, Test, passes};

/// The source without the blank texts that `xsl:strip-space` names.
pub fn stripped(sheet: &Stylesheet, source: Tree) -> Tree {
    if !sheet.spaces.iter().any(|space| space.strips) {
        return source;
    }
    let mut builder = TreeBuilder::default();
    let mut ends: Vec<u32> = Vec::new();
    // Behind the root and its declaration.
    for index in 2..source.nodes.len() as u32 {
        while ends.last().is_some_and(|end| *end <= index) {
            ends.pop();
            builder.end();
        }
        let Some(node) = source.get(index) else { continue };
        match (node.kind, &node.name) {
            (Kind::Element, Some(name)) => {
                builder.start(Arc::clone(name));
                ends.push(node.end);
            }
            (Kind::Namespace | Kind::Attribute, Some(name)) => {
                builder.attach(node.kind, Arc::clone(name), &node.value);
            }
            (Kind::Text, _) if is_blank(&node.value) && strips(sheet, &source, node.parent) => {}
            _ => builder.leaf(node.kind, node.name.clone(), &node.value),
        }
    }
    builder.finish()
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
}

/// Whether blank texts of an element go: the most exact name decides, of equal ones the last.
fn strips(sheet: &Stylesheet, source: &Tree, element: u32) -> bool {
    let mut at = element;
    while at != 0 {
        match source.attribute(at, XML_NAMESPACE, "space") {
            Some("preserve") => return false,
            Some(_) => break,
            None => at = source.get(at).map_or(0, |node| node.parent),
        }
    }
    let Some(node) = source.get(element) else { return false };
    let exactness = |test: &Test| match test {
        Test::Name(_) => 2,
        Test::Namespace(_) => 1,
        _ => 0,
    };
    let fitting = sheet.spaces.iter().filter(|space| passes(node, Axis::Child, &space.test));
    fitting.max_by_key(|space| exactness(&space.test)).is_some_and(|space| space.strips)
}

impl Transformation<'_> {
    /// Writes a node with all that is in it.
    pub(super) fn copy_deep(&mut self, node: Node) -> Done {
        let Some(root) = self.trees.get(node.tree as usize).and_then(|tree| tree.get(node.index)) else {
            return Ok(());
        };
        let end = root.end;
        let mut ends: Vec<u32> = Vec::new();
        let mut index = node.index;
        while index < end {
            self.close(&mut ends, index);
            self.charge_one()?;
            let Some(data) = self.trees.get(node.tree as usize).and_then(|tree| tree.get(index)) else {
                break;
            };
            let (kind, children, data_end) = (data.kind, data.children, data.end);
            self.copy_one(Node { tree: node.tree, index })?;
            index = match kind {
                Kind::Element => {
                    ends.push(data_end);
                    self.copy_attributes(Node { tree: node.tree, index })?;
                    children
                }
                Kind::Root => children,
                _ => data_end,
            };
        }
        self.close(&mut ends, end);
        Ok(())
    }

    fn close(&mut self, ends: &mut Vec<u32>, index: u32) {
        while ends.last().is_some_and(|end| *end <= index) {
            ends.pop();
            if let Some(output) = self.outputs.last_mut() {
                output.end();
            }
        }
    }

    fn charge_one(&self) -> Done {
        super::super::xpath::Host::charge(self, 1)
    }

    /// Writes the node itself: of an element the start tag with its declarations.
    pub(super) fn copy_one(&mut self, node: Node) -> Done {
        let Some(tree) = self.trees.get(node.tree as usize) else { return Ok(()) };
        let Some(data) = tree.get(node.index) else { return Ok(()) };
        let size = data.value.len();
        let left = self.bytes_left.checked_sub(size.saturating_add(super::NODE_BYTES));
        self.bytes_left =
            left.ok_or_else(|| crate::xslt::Error::new("The result of the stylesheet is too large."))?;
        let Some(output) = self.outputs.last_mut() else { return Ok(()) };
        match (data.kind, &data.name) {
            (Kind::Element, Some(name)) => {
                output.start(Arc::clone(name));
                for declared in tree.namespaces(node.index) {
                    if let Some((name, value)) =
                        tree.get(declared).and_then(|node| Some((node.name.as_deref()?, &node.value)))
                        && **value != *XML_NAMESPACE
                    {
                        output.namespace(&name.name.local, value);
                    }
                }
            }
            (Kind::Attribute, Some(name)) => output.attribute(Arc::clone(name), data.value.to_string())?,
            (Kind::Namespace, Some(name)) => output.namespace(&name.name.local, &data.value),
            (Kind::Text | Kind::RawText, _) => output.text(&data.value, data.kind == Kind::RawText),
            (Kind::Comment, _) => output.comment(&data.value),
            (Kind::Instruction, Some(name)) => output.instruction(Arc::clone(name), &data.value),
            _ => {}
        }
        Ok(())
    }

    fn copy_attributes(&mut self, node: Node) -> Done {
        let attributes: Vec<u32> = self
            .trees
            .get(node.tree as usize)
            .map(|tree| tree.attached(node.index, Kind::Attribute).collect())
            .unwrap_or_default();
        for index in attributes {
            self.copy_one(Node { tree: node.tree, index })?;
        }
        Ok(())
    }
}
