//! Sequences over a tree. They see what the tree is when an enumeration begins.

use super::super::runtime::lazy;
use super::{class_type, value};
use crate::clr::xml::{XName, XNode};
use crate::run::{Fault, Iter, Vm};
use crate::value::Value;

/// Whose nodes, and what taking one away while they are enumerated does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Of one list: there is no way on from a node that left it, so the enumeration ends.
    Children,
    /// Of the whole tree: .NET climbs by the parent that is no more.
    Descendants,
}

type Find = fn(&XNode, Option<&XName>) -> Vec<XNode>;

/// Nodes of a class by name, found anew for each enumeration and charged by their number.
pub(super) fn live(class: &str, own: &XNode, name: Option<&XName>, reach: Reach, find: Find) -> Value {
    let (own, name) = (own.clone(), name.cloned());
    lazy(class_type(class), move |vm| {
        let found = find(&own, name.as_ref());
        vm.steps(found.len() as u64 / 4)?;
        vm.elements(found.len())?;
        Ok(Box::new(Walk { own: own.clone(), rest: found.into_iter(), last: None, reach }))
    })
}

struct Walk {
    own: XNode,
    rest: std::vec::IntoIter<XNode>,
    last: Option<XNode>,
    reach: Reach,
}

impl Walk {
    fn has_left(&self, node: &XNode) -> bool {
        node.container().is_none() && !node.same(&self.own)
    }
}

impl Iter for Walk {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        if self.last.as_ref().is_some_and(|last| self.has_left(last)) {
            return match self.reach {
                Reach::Children => Ok(None),
                Reach::Descendants => Err(Fault::null_reference()),
            };
        }
        self.last = self.rest.by_ref().find(|node| node.container().is_some() || node.same(&self.own));
        Ok(self.last.clone().map(value))
    }
}

/// A node in front of others, where it has the name.
pub(super) fn with_self(node: &XNode, name: Option<&XName>, others: Vec<XNode>) -> Vec<XNode> {
    let fits = name.is_none_or(|name| node.name().as_ref() == Some(name));
    fits.then(|| node.clone()).into_iter().chain(others).collect()
}

/// `DescendantsAndSelf(name)`.
pub(super) fn descendants_and_self(node: &XNode, name: Option<&XName>) -> Vec<XNode> {
    with_self(node, name, node.descendants(name))
}

/// `AncestorsAndSelf(name)`.
pub(super) fn ancestors_and_self(node: &XNode, name: Option<&XName>) -> Vec<XNode> {
    with_self(node, name, node.ancestors(name))
}
