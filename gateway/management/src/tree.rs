//! All documents of a service in memory, by collection and name.

mod index;
pub mod mention;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value};

use index::Index;
pub use index::{By, api_path, name_of, opened, opens};

/// The members under `properties`.
pub type Properties = Map<String, Value>;

/// A resource as it is kept. Ids inside are short (`/products/gold`), text is as the client wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Path below the service, as first written: `apis/orders/operations/get`.
    pub path: Arc<str>,
    /// Revision that wrote it: its `ETag`.
    pub version: u64,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970.
    pub modified: i64,
    pub properties: Properties,
}

impl Record {
    /// The last segment of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// A member that is a text.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.properties.get(member)?.as_str()
    }
}

/// The records of a service. Names are compared without ASCII case.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Revision of the last change.
    pub revision: u64,
    collections: BTreeMap<String, BTreeMap<String, Arc<Record>>>,
    index: Index,
    records: usize,
}

/// `apis/Orders` → (`apis`, `orders`).
fn split(path: &str) -> (String, String) {
    let path = path.to_ascii_lowercase();
    match path.rsplit_once('/') {
        Some((collection, name)) => (collection.to_owned(), name.to_owned()),
        None => (String::new(), path),
    }
}

/// What collections below a path begin with.
pub fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{}/", path.to_ascii_lowercase()) }
}

impl Tree {
    /// No documents, at a revision.
    pub fn at(revision: u64) -> Self {
        Self { revision, ..Self::default() }
    }

    /// The record at a path.
    pub fn get(&self, path: &str) -> Option<&Arc<Record>> {
        let (collection, name) = split(path);
        self.collections.get(&collection)?.get(&name)
    }

    /// The records of a collection, by name.
    pub fn list<'t>(
        &'t self,
        collection: &str,
    ) -> impl DoubleEndedIterator<Item = &'t Arc<Record>> + use<'t> {
        self.collections.get(&collection.to_ascii_lowercase()).into_iter().flat_map(BTreeMap::values)
    }

    /// The records of a collection whose names come after one, by name; after none: all.
    pub fn after<'t>(
        &'t self,
        collection: &str,
        name: Option<&str>,
    ) -> impl Iterator<Item = &'t Arc<Record>> + use<'t> {
        let from = name.map_or(Bound::Unbounded, |name| Bound::Excluded(name.to_ascii_lowercase()));
        let records = self.collections.get(&collection.to_ascii_lowercase());
        let from = records.map(|records| records.range((from, Bound::Unbounded)));
        from.into_iter().flatten().map(|(_, record)| record)
    }

    /// The records that an index has under a value, by path.
    pub fn having<'t>(&'t self, by: By, value: &str) -> impl Iterator<Item = &'t Arc<Record>> + use<'t> {
        let value = by.normal(value);
        let paths = self.index.paths(by, &value);
        // Values share a place by chance at times.
        paths.filter_map(|path| self.get(path)).filter(move |record| by.has(record, &value))
    }

    /// The records of a collection whose names begin so, by name.
    pub fn starting<'t>(
        &'t self,
        collection: &str,
        prefix: &str,
    ) -> impl Iterator<Item = &'t Arc<Record>> + use<'t> {
        let prefix = prefix.to_ascii_lowercase();
        let records = self.collections.get(&collection.to_ascii_lowercase());
        let from = records.map(|records| records.range(prefix.clone()..));
        from.into_iter()
            .flatten()
            .take_while(move |(name, _)| name.starts_with(&prefix))
            .map(|(_, record)| record)
    }

    /// Everything below a path, not the record there; below no path: everything.
    pub fn below<'t>(&'t self, path: &str) -> impl Iterator<Item = &'t Arc<Record>> + use<'t> {
        let from = within(path);
        let within = from.clone();
        self.collections
            .range(from..)
            .take_while(move |(collection, _)| collection.starts_with(&within))
            .flat_map(|(_, records)| records.values())
    }

    /// Every record.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.collections.values().flat_map(BTreeMap::values)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records
    }

    /// Adds or replaces.
    pub fn put(&mut self, record: Arc<Record>) {
        let (collection, name) = split(&record.path);
        match self.collections.entry(collection).or_default().insert(name, Arc::clone(&record)) {
            Some(replaced) => self.index.remove(&replaced),
            None => self.records += 1,
        }
        self.index.add(&record);
    }

    /// Removes one record.
    pub fn remove(&mut self, path: &str) {
        let (collection, name) = split(path);
        let Some(records) = self.collections.get_mut(&collection) else { return };
        if let Some(removed) = records.remove(&name) {
            self.index.remove(&removed);
            self.records -= 1;
        }
        if records.is_empty() {
            self.collections.remove(&collection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str) -> Arc<Record> {
        Arc::new(Record {
            path: path.into(),
            version: 1,
            created: 0,
            modified: 0,
            properties: Properties::new(),
        })
    }

    #[test]
    fn tree_finds_without_case_and_lists_only_the_collection() {
        let mut tree = Tree::default();
        for path in ["apis/Orders", "apis/Orders/operations/get", "apis/orders2/operations/x", "tags/t"] {
            tree.put(record(path));
        }
        assert_eq!(tree.get("APIS/orders").map(|record| &*record.path), Some("apis/Orders"));
        let names = |found: Vec<&Arc<Record>>| found.iter().map(|r| r.path.to_string()).collect::<Vec<_>>();
        assert_eq!(names(tree.list("apis").collect()), ["apis/Orders"]);
        assert_eq!(names(tree.below("apis/orders").collect()), ["apis/Orders/operations/get"]);
        assert_eq!(tree.below("").count(), 4);
        tree.remove("apis/ORDERS");
        assert!(tree.get("apis/orders").is_none());
    }

    #[test]
    fn tree_finds_by_value_what_is_there_now() {
        let subscription = |path: &str, scope: &str, key: &str| {
            let properties = [("scope", scope), ("primaryKey", key), ("secondaryKey", "k-2")];
            let properties = properties.map(|(name, value)| (name.to_owned(), Value::from(value)));
            Arc::new(Record { properties: Properties::from_iter(properties), ..Record::clone(&record(path)) })
        };
        let mut tree = Tree::default();
        tree.put(subscription("subscriptions/A", "/products/Gold", "key"));
        tree.put(subscription("subscriptions/b", "/apis/x;rev=2", "other"));
        tree.put(record("products/gold/apis/X"));
        let found = |tree: &Tree, by, value: &str| {
            tree.having(by, value).map(|r| r.path.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found(&tree, By::Key, "KEY"), "");
        assert_eq!(found(&tree, By::Key, "key"), "subscriptions/A");
        assert_eq!(found(&tree, By::Key, "k-2"), "subscriptions/A subscriptions/b");
        assert_eq!(found(&tree, By::Opens, "products/gold"), "subscriptions/A");
        assert_eq!(found(&tree, By::Opens, "apis/X"), "subscriptions/b");
        assert_eq!(found(&tree, By::HoldsApi, "x"), "products/gold/apis/X");
        tree.put(subscription("subscriptions/a", "", "new"));
        assert_eq!(found(&tree, By::Key, "key"), "");
        assert_eq!(found(&tree, By::Opens, ""), "subscriptions/a");
        tree.remove("subscriptions/a");
        assert_eq!((found(&tree, By::Opens, "").as_str(), tree.len()), ("", 2));
        let after = |name| tree.after("subscriptions", name).count();
        assert_eq!((after(None), after(Some("A")), after(Some("B"))), (1, 1, 0));
    }
}
