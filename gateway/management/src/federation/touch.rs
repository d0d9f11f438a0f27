//! What changes can have done to a view: a quick answer spares its gateway, and a thousand others, the computation.

use std::sync::Arc;

use gateway_sync::protocol::{Document, Documents};

use super::prepared::Prepared;
use crate::mentions::NAMED;
use crate::plane::Service;
use crate::tree::{Record, Tree, opens};

/// What stands below an API and no gateway needs.
pub const NOT_SERVED: &[&str] = &["releases", "wikis", "tagdescriptions", "issues", "definitions"];
/// What no gateway needs.
const ELSEWHERE: &[&str] = &["authorizationservers", "openidconnectproviders", "identityproviders"];

/// What changes did to a view.
#[derive(Debug)]
pub enum Touch {
    Nothing,
    /// These documents are new, and these paths are gone; nothing else follows from that.
    Contents(Vec<Arc<Document>>, Vec<String>),
    /// Another choice of documents, perhaps.
    Choice,
}

/// A view, and where it is compared with the tree.
pub struct Seen<'a> {
    pub tree: &'a Tree,
    pub prepared: &'a Prepared,
    pub view: &'a Documents,
    pub gateway: &'a str,
    /// Revision that the view is current at.
    pub since: u64,
}

impl Seen<'_> {
    /// What has changed of the view since.
    pub fn touched(&self, service: &Service) -> Touch {
        if self.since == self.tree.revision {
            return Touch::Nothing;
        }
        // What is too long ago to be remembered may have touched anything.
        let Some(paths) = service.changed_since(self.since) else { return Touch::Choice };
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for path in paths {
            match self.touched_by(&path) {
                Touch::Nothing => {}
                Touch::Contents(documents, gone) => {
                    changed.extend(documents);
                    removed.extend(gone);
                }
                Touch::Choice => return Touch::Choice,
            }
        }
        if changed.is_empty() && removed.is_empty() {
            Touch::Nothing
        } else {
            Touch::Contents(changed, removed)
        }
    }

    fn touched_by(&self, path: &str) -> Touch {
        let lower = path.to_ascii_lowercase();
        let segments: Vec<&str> = lower.split('/').collect();
        let is_subscription = segments.first() == Some(&"subscriptions");
        let record = self.tree.get(path);
        let ready = || record.map(|record| self.prepared.of(self.tree, record));
        match (record, self.view.get(path)) {
            (Some(_), Some(_)) => match ready() {
                Some(ready) if ready.settled_since <= self.since => {
                    Touch::Contents(vec![Arc::clone(&ready.document)], Vec::new())
                }
                _ => Touch::Choice,
            },
            // An owner goes with the last subscription.
            (None, Some(held)) if is_subscription && !held.text.contains("\"ownerId\"") => {
                Touch::Contents(Vec::new(), vec![lower])
            }
            (None, Some(_)) => Touch::Choice,
            (Some(record), None) if is_subscription => {
                let opened = opens(record);
                let is_ours = opened.is_empty() || self.opens(&opened);
                let owner = record.text("ownerId").map(|id| id.trim_matches('/'));
                match ready() {
                    Some(ready) if is_ours && owner.is_none_or(|owner| self.holds(owner)) => {
                        Touch::Contents(vec![Arc::clone(&ready.document)], Vec::new())
                    }
                    _ if is_ours => Touch::Choice,
                    _ => Touch::Nothing,
                }
            }
            (Some(record), None) if named(&segments).is_some_and(|kind| self.names(kind, record)) => {
                Touch::Choice
            }
            (_, None) if self.may_concern(&segments) => Touch::Choice,
            _ => Touch::Nothing,
        }
    }

    fn holds(&self, path: &str) -> bool {
        self.view.get(path).is_some()
    }

    /// Whether a document of the view names a record of one of the collections in [`NAMED`].
    fn names(&self, collection: &str, record: &Record) -> bool {
        self.view.iter().any(|document| {
            let held = self.tree.get(&document.path);
            held.is_some_and(|held| {
                self.prepared.of(self.tree, held).mentions.names_record(collection, record)
            })
        })
    }

    fn serves(&self, api: &str) -> bool {
        let root = api.split(";rev=").next().unwrap_or(api);
        self.holds(&format!("gateways/{}/apis/{root}", self.gateway))
    }

    /// Whether what a subscription opens is served.
    fn opens(&self, opened: &str) -> bool {
        match opened.split_once('/') {
            Some(("apis", name)) => self.serves(name),
            _ => self.holds(opened),
        }
    }

    /// Whether a document that is not in the view could be one of it, by its path in lower case.
    fn may_concern(&self, segments: &[&str]) -> bool {
        match segments {
            ["apis", _, below, ..] if NOT_SERVED.contains(below) => false,
            ["apis", api, ..] => self.serves(api),
            ["gateways", of, ..] => of.eq_ignore_ascii_case(self.gateway),
            ["products", product, "apis", api] => {
                self.holds(&format!("products/{product}")) || self.serves(api)
            }
            ["products", name, ..] => self.holds(&format!("products/{name}")),
            ["groups", _, "users", user] => self.holds(&format!("users/{user}")),
            ["groups", name, ..] => self.holds(&format!("groups/{name}")),
            ["users" | "apiversionsets" | "tags" | "subscriptions", ..] => false,
            [kind, ..] => !ELSEWHERE.contains(kind) && named(segments).is_none(),
            [] => false,
        }
    }
}

/// The collection in [`NAMED`] that a path in lower case is in.
fn named(segments: &[&str]) -> Option<&'static str> {
    let [kind, _] = segments else { return None };
    NAMED.iter().copied().find(|named| kind.eq_ignore_ascii_case(named))
}
