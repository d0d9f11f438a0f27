//! Records as they travel, made once a version and shared by all views.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use gateway_sync::protocol::Document;

use super::lock;
use crate::mentions::{Mentions, NAMED, names_of};
use crate::tree::{Properties, Record, Tree};

/// Members that decide what else a view holds.
const LINKS: &[&str] = &["scope", "ownerId", "apiVersionSetId", "displayName", "thumbprint"];

/// A record, ready to travel.
#[derive(Debug)]
pub struct Ready {
    version: u64,
    /// Since this version it has named the same: a newer document in the place of an older one leaves all others of a view
    /// as they are.
    pub settled_since: u64,
    pub document: Arc<Document>,
    pub mentions: Mentions,
    /// Of [`LINKS`].
    links: u64,
}

/// By path.
#[derive(Debug, Default)]
pub struct Prepared {
    ready: Mutex<HashMap<Arc<str>, Arc<Ready>>>,
    names: Mutex<Names>,
}

/// What the documents of a revision can name.
#[derive(Debug, Default)]
struct Names {
    revision: u64,
    hashes: Arc<HashSet<u64>>,
}

impl Prepared {
    /// A record of the tree, without what no gateway needs.
    pub fn of(&self, tree: &Tree, record: &Record) -> Arc<Ready> {
        let known = lock(&self.ready).get(&record.path).cloned();
        if let Some(ready) = &known
            && ready.version == record.version
        {
            return Arc::clone(ready);
        }
        let text = serde_json::Value::Object(without_secrets_of_the_plane(record)).to_string();
        let (mentions, links) = (mentions(record), links(record));
        let names_the_same = |known: &Ready| {
            known.links == links
                && (known.mentions == mentions || known.mentions.agree(&mentions, &self.names(tree)))
        };
        let settled_since = match known {
            Some(known) if names_the_same(&known) => known.settled_since,
            _ => record.version,
        };
        let document = Arc::new(Document::new(Arc::clone(&record.path), text));
        let ready = Arc::new(Ready { version: record.version, settled_since, document, mentions, links });
        lock(&self.ready).insert(Arc::clone(&record.path), Arc::clone(&ready));
        ready
    }

    /// Forgets what is not in use, once that is most of it.
    pub fn tidy(&self, records: usize) {
        let mut ready = lock(&self.ready);
        if ready.len() > records.saturating_mul(2).max(1_000) {
            ready.retain(|_, ready| Arc::strong_count(&ready.document) > 1);
        }
    }

    fn names(&self, tree: &Tree) -> Arc<HashSet<u64>> {
        let mut names = lock(&self.names);
        if names.revision != tree.revision {
            let named = NAMED.iter().flat_map(|collection| tree.list(collection));
            let hashes = Arc::new(named.flat_map(|record| names_of(record)).collect());
            *names = Names { revision: tree.revision, hashes };
        }
        Arc::clone(&names.hashes)
    }
}

/// Subscriptions and users name nothing but by their [`LINKS`], and there are many of them.
fn mentions(record: &Record) -> Mentions {
    let collection = record.path.split('/').next().unwrap_or_default();
    if ["subscriptions", "users"].iter().any(|kind| collection.eq_ignore_ascii_case(kind)) {
        return Mentions::default();
    }
    Mentions::of(&record.properties)
}

fn links(record: &Record) -> u64 {
    let mut hasher = DefaultHasher::new();
    LINKS.iter().for_each(|member| record.text(member).hash(&mut hasher));
    hasher.finish()
}

/// Keys of gateways and passwords of users never leave the plane.
fn without_secrets_of_the_plane(record: &Record) -> Properties {
    let mut properties = record.properties.clone();
    let path = record.path.to_ascii_lowercase();
    let secrets: &[&str] = if path.starts_with("gateways/") {
        &["primaryKey", "secondaryKey"]
    } else if path.starts_with("users/") {
        &["password"]
    } else {
        &[]
    };
    for secret in secrets {
        properties.shift_remove(*secret);
    }
    properties
}
