//! Documents of a view.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use gateway_model::{Diagnostic, Origin, ResourceSet};
use serde_json::{Map, Value};

/// A resource as the management API has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Path below the service, `apis/orders/operations/get`.
    pub path: Arc<str>,
    /// JSON of what stands under `properties`, on one line.
    pub text: Arc<str>,
    /// The path in lower case.
    key: Arc<str>,
    hash: [u8; 32],
}

impl Document {
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let (path, text) = (path.into(), text.into());
        let mut context = Context::new(&SHA256);
        context.update(path.as_bytes());
        context.update(b"\n");
        context.update(text.as_bytes());
        let hash = context.finish().as_ref().first_chunk().copied().unwrap_or_default();
        let is_lower = !path.bytes().any(|byte| byte.is_ascii_uppercase());
        let key = if is_lower { Arc::clone(&path) } else { Arc::from(path.to_ascii_lowercase()) };
        Self { path, text, key, hash }
    }
}

/// The documents of a view, by path; paths are compared without ASCII case.
#[derive(Clone, Debug, Default)]
pub struct Documents(BTreeSet<ByPath>);

/// A plane keeps the views of thousands of gateways: each costs a pointer a document.
#[derive(Clone, Debug)]
struct ByPath(Arc<Document>);

impl Borrow<str> for ByPath {
    fn borrow(&self) -> &str {
        &self.0.key
    }
}

impl PartialEq for ByPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByPath {}

impl PartialOrd for ByPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl Documents {
    /// Adds or replaces.
    pub fn put(&mut self, document: Arc<Document>) {
        self.0.replace(ByPath(document));
    }

    /// Removes by path.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(path.to_ascii_lowercase().as_str());
    }

    pub fn get(&self, path: &str) -> Option<&Arc<Document>> {
        self.0.get(path.to_ascii_lowercase().as_str()).map(|document| &document.0)
    }

    /// All, by path.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.0.iter().map(|document| &document.0)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Equal documents, equal hash.
    pub fn hash(&self) -> u64 {
        let mut context = Context::new(&SHA256);
        for document in self.iter() {
            context.update(&document.hash);
        }
        u64::from_be_bytes(context.finish().as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// What turns `self` into `other`: documents that are new or differ, and paths that are gone.
    pub fn difference(&self, other: &Self) -> (Vec<Arc<Document>>, Vec<Arc<str>>) {
        // Both are in order: one walk over each.
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        let mut ours = self.iter().peekable();
        for document in other.iter() {
            while let Some(missing) = ours.next_if(|own| own.key < document.key) {
                gone.push(Arc::clone(&missing.path));
            }
            let known = ours.next_if(|own| own.key == document.key);
            if known.is_none_or(|known| known.hash != document.hash) {
                changed.push(Arc::clone(document));
            }
        }
        gone.extend(ours.map(|missing| Arc::clone(&missing.path)));
        (changed, gone)
    }

    /// The resources; a document that cannot be read is a finding with its path as the place.
    pub fn resources(&self, revision: u64) -> (ResourceSet, Vec<Diagnostic>) {
        let mut set = ResourceSet { revision, ..ResourceSet::default() };
        let mut findings = Vec::new();
        for document in self.iter() {
            let read: Result<Map<String, Value>, _> = serde_json::from_str(&document.text);
            let inserted = match read {
                Ok(properties) => set.insert_document(&document.path, &properties),
                Err(error) => {
                    let origin = Origin::start(&*document.path);
                    Err(Diagnostic::error("document-shape", origin, error.to_string()))
                }
            };
            findings.extend(inserted.err());
        }
        (set, findings)
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn hex_digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(list: &[(&str, &str)]) -> Documents {
        let mut documents = Documents::default();
        for (path, text) in list {
            documents.put(Arc::new(Document::new(*path, *text)));
        }
        documents
    }

    #[test]
    fn difference_leads_from_one_view_to_the_other() {
        let old = documents(&[("apis/a", "{}"), ("apis/b", "{}"), ("tags/t", "{}")]);
        let new = documents(&[("apis/A", "{\"path\":\"a\"}"), ("tags/t", "{}"), ("tags/u", "{}")]);
        let (changed, gone) = old.difference(&new);
        let mut led = old.clone();
        for path in &gone {
            led.remove(path);
        }
        for document in &changed {
            led.put(Arc::clone(document));
        }
        assert_eq!((changed.len(), gone.len()), (2, 1));
        assert_eq!(led.hash(), new.hash());
        assert_ne!(old.hash(), new.hash());
    }

    #[test]
    fn resources_report_what_cannot_be_read() {
        let view = documents(&[("apis/a", "{\"path\":\"a\"}"), ("apis/b", "{\"path\":7}"), ("tags/t", "no")]);
        let (set, findings) = view.resources(9);
        assert_eq!((set.apis.len(), set.revision), (1, 9));
        let places: Vec<_> = findings.iter().map(|finding| finding.origin.file.to_string()).collect();
        assert_eq!(places, ["apis/b", "tags/t"]);
    }
}
