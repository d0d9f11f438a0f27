//! One service: its documents, and what followers of it are told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use super::ServiceName;
use crate::tree::{Record, Tree};

/// Changes whose paths are remembered.
const RECENT_MAX: usize = 1_000;
/// Paths of one change that are remembered; a larger one counts as touching everything.
const RECENT_PATHS_MAX: usize = 1_000;

/// One service.
#[derive(Debug)]
pub struct Service {
    pub name: ServiceName,
    pub(super) tree: RwLock<Tree>,
    /// Held while a change is decided and written: one at a time.
    pub(super) writer: tokio::sync::Mutex<()>,
    pub(super) changed: watch::Sender<u64>,
    recent: Mutex<Recent>,
}

/// Paths of the last changes.
#[derive(Debug, Default)]
struct Recent {
    /// Revision from which on nothing is missing.
    complete_since: u64,
    changes: VecDeque<(u64, Vec<String>)>,
}

impl Service {
    /// The documents now. Hold it shortly: a change waits for it.
    pub fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Paths of what has changed after a revision; `None` when that is too long ago.
    pub(crate) fn changed_since(&self, revision: u64) -> Option<Vec<String>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if revision < recent.complete_since {
            return None;
        }
        let newer = recent.changes.iter().rev().take_while(|(at, _)| *at > revision);
        Some(newer.flat_map(|(_, paths)| paths).cloned().collect())
    }

    /// Remembers a change; `None` is one that may have touched anything.
    pub(super) fn remember(&self, revision: u64, paths: Option<Vec<String>>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        match paths {
            Some(paths) if paths.len() <= RECENT_PATHS_MAX => recent.changes.push_back((revision, paths)),
            _ => *recent = Recent { complete_since: revision, changes: VecDeque::new() },
        }
        if recent.changes.len() > RECENT_MAX
            && let Some((forgotten, _)) = recent.changes.pop_front()
        {
            recent.complete_since = forgotten;
        }
    }

    /// Follows the revision.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

pub(crate) fn service(name: ServiceName, tree: Tree) -> Service {
    let changed = watch::Sender::new(tree.revision);
    let recent = Recent { complete_since: tree.revision, ..Recent::default() };
    Service {
        name,
        tree: RwLock::new(tree),
        writer: tokio::sync::Mutex::new(()),
        changed,
        recent: Mutex::new(recent),
    }
}

pub(crate) fn apply(service: &Service, revision: u64, records: Vec<(String, Option<Record>)>) {
    // Before the tree shows it: whoever sees the revision finds its paths.
    service.remember(revision, Some(records.iter().map(|(path, _)| path.clone()).collect()));
    let mut tree = service.tree.write().unwrap_or_else(PoisonError::into_inner);
    for (path, record) in records {
        match record {
            Some(record) => tree.put(Arc::new(record)),
            None => tree.remove(&path),
        }
    }
    tree.revision = revision;
    drop(tree);
    service.changed.send_replace(revision);
}
