//! The nodes of an axis, and whether a node passes a test.

use super::evaluate::Host;
use super::value::{Node, data};
use super::{Axis, Test};
use crate::xslt::Error;
use crate::xslt::tree::{Kind, NodeData, Tree};

/// The nodes of an axis that pass the test, in the order of the axis.
pub fn select(host: &dyn Host, from: Node, axis: Axis, test: &Test) -> Result<Vec<Node>, Error> {
    let Some(tree) = host.tree(from.tree) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut seen = 0_u64;
    let mut take = |index: u32| {
        seen += 1;
        if tree.get(index).is_some_and(|node| passes(node, axis, test)) {
            found.push(Node { tree: from.tree, index });
        }
    };
    let at = from.index;
    let Some(own) = tree.get(at) else { return Ok(Vec::new()) };
    match axis {
        Axis::SelfNode => take(at),
        Axis::Child => tree.children(at).for_each(take),
        Axis::Parent => parent(tree, at).into_iter().for_each(take),
        Axis::Attribute => tree.attached(at, Kind::Attribute).for_each(take),
        Axis::Namespace if own.kind == Kind::Element => tree.namespaces(at).into_iter().for_each(take),
        Axis::Namespace => {}
        Axis::Ancestor => ancestors(tree, at).for_each(take),
        Axis::AncestorOrSelf => std::iter::once(at).chain(ancestors(tree, at)).for_each(take),
        Axis::Descendant => within(tree, at + 1..own.end).for_each(take),
        Axis::DescendantOrSelf => {
            take(at);
            within(tree, at + 1..own.end).for_each(take);
        }
        Axis::FollowingSibling => siblings(tree, at).filter(|other| *other > at).for_each(take),
        Axis::PrecedingSibling => {
            let before: Vec<u32> = siblings(tree, at).take_while(|other| *other < at).collect();
            before.into_iter().rev().for_each(take);
        }
        Axis::Following => {
            // Of an attribute the content of its element follows too.
            let start = if is_attached(own) { at + 1 } else { own.end };
            within(tree, start..tree.nodes.len() as u32).for_each(take);
        }
        Axis::Preceding => {
            let above: Vec<u32> = ancestors(tree, at).collect();
            within(tree, 1..at).rev().filter(|other| !above.contains(other)).for_each(take);
        }
    }
    host.charge(1 + seen)?;
    Ok(found)
}

fn is_attached(node: &NodeData) -> bool {
    matches!(node.kind, Kind::Attribute | Kind::Namespace)
}

fn parent(tree: &Tree, at: u32) -> Option<u32> {
    (at != 0).then(|| tree.get(at).map(|node| node.parent)).flatten()
}

fn ancestors(tree: &Tree, at: u32) -> impl Iterator<Item = u32> + '_ {
    std::iter::successors(parent(tree, at), |above| parent(tree, *above))
}

/// All nodes of a range but attributes and declarations.
fn within(tree: &Tree, range: std::ops::Range<u32>) -> impl DoubleEndedIterator<Item = u32> + '_ {
    range.filter(|at| tree.get(*at).is_some_and(|node| !is_attached(node)))
}

fn siblings(tree: &Tree, at: u32) -> impl Iterator<Item = u32> + '_ {
    let above = tree.get(at).filter(|node| at != 0 && !is_attached(node)).map(|node| node.parent);
    above.into_iter().flat_map(|above| tree.children(above))
}

/// Whether a node of an axis passes a test.
pub fn passes(node: &NodeData, axis: Axis, test: &Test) -> bool {
    let principal = match axis {
        Axis::Attribute => Kind::Attribute,
        Axis::Namespace => Kind::Namespace,
        _ => Kind::Element,
    };
    let name = node.name.as_deref().map(|name| &name.name);
    match test {
        Test::Node => true,
        Test::Text => matches!(node.kind, Kind::Text | Kind::RawText),
        Test::Comment => node.kind == Kind::Comment,
        Test::Instruction(target) => {
            node.kind == Kind::Instruction
                && target.as_ref().is_none_or(|target| name.is_some_and(|name| name.local == *target))
        }
        Test::Any => node.kind == principal,
        Test::Namespace(namespace) => {
            node.kind == principal && name.is_some_and(|name| name.namespace == *namespace)
        }
        Test::Name(wanted) => node.kind == principal && name == Some(wanted),
    }
}

/// Whether a node at hand passes a test of an axis.
pub fn node_passes(host: &dyn Host, node: Node, axis: Axis, test: &Test) -> bool {
    data(host, node).is_some_and(|node| passes(node, axis, test))
}
