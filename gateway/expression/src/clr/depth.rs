//! Trees that cannot become too deep: each node knows how many levels it holds, so that neither linking a child nor
//! refusing one walks the tree below.

use std::cell::Cell;

use super::exception::{Error, ExceptionKind, Result};

/// A node of such a tree. A clone is the same node.
pub(super) trait Level: Clone {
    /// Levels that a tree may have.
    const MAX: u16;
    /// Levels below and including this node; never less than the truth.
    fn height(&self) -> &Cell<u16>;
    /// The node that this one is a child of.
    fn above(&self) -> Option<Self>;
}

/// Tells a parent, and all above it, how high its new child is.
pub(super) fn raise<N: Level>(parent: &N, child: &N) {
    let mut height = child.height().get().saturating_add(1);
    let mut node = Some(parent.clone());
    while let Some(current) = node.filter(|current| current.height().get() < height) {
        current.height().set(height);
        height = height.saturating_add(1);
        node = current.above();
    }
}

/// Refuses a child with which the tree would become too deep.
pub(super) fn check<N: Level>(parent: &N, child: &N) -> Result<()> {
    let mut height = child.height().get();
    let mut node = Some(parent.clone());
    while let Some(current) = node {
        height = height.saturating_add(1);
        if height > N::MAX {
            return Err(Error::of(ExceptionKind::InsufficientExecutionStack));
        }
        if current.height().get() >= height {
            return Ok(());
        }
        node = current.above();
    }
    Ok(())
}
