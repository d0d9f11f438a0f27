//! A change while it is decided: the documents as they would be.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tree::{By, Properties, Record, Tree, within};

/// Writes over a tree, not yet in force.
pub struct Transaction<'a> {
    tree: &'a Tree,
    now: i64,
    /// By path in lower case; `None` is deleted.
    writes: BTreeMap<String, (String, Option<Arc<Record>>)>,
}

impl<'a> Transaction<'a> {
    pub fn new(tree: &'a Tree, now: i64) -> Self {
        Self { tree, now, writes: BTreeMap::new() }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The record at a path, as it would be.
    pub fn get(&self, path: &str) -> Option<Arc<Record>> {
        match self.writes.get(&path.to_ascii_lowercase()) {
            Some((_, record)) => record.clone(),
            None => self.tree.get(path).cloned(),
        }
    }

    /// The records of a collection, as they would be, by name.
    pub fn list(&self, collection: &str) -> Vec<Arc<Record>> {
        let within = format!("{}/", collection.to_ascii_lowercase());
        self.merged(self.tree.list(collection), &|path: &str| {
            path.strip_prefix(&within).is_some_and(|name| !name.contains('/'))
        })
    }

    /// The records of a collection whose names begin so, as they would be, by name.
    pub fn starting(&self, collection: &str, prefix: &str) -> Vec<Arc<Record>> {
        let within = format!("{collection}/{prefix}").to_ascii_lowercase();
        self.merged(self.tree.starting(collection, prefix), &|path: &str| {
            path.strip_prefix(&within).is_some_and(|rest| !rest.contains('/'))
        })
    }

    /// Everything below a path, as it would be.
    pub fn below(&self, path: &str) -> Vec<Arc<Record>> {
        let within = within(path);
        self.merged(self.tree.below(path), &|path: &str| path.starts_with(&within))
    }

    /// What an index has under a value, as it would be.
    pub fn having(&self, by: By, value: &str) -> Vec<Arc<Record>> {
        let is_kept = |record: &&Arc<Record>| !self.writes.contains_key(&record.path.to_ascii_lowercase());
        let value = by.normal(value);
        let kept = self.tree.having(by, &value).filter(is_kept);
        let written = self.writes.values().filter_map(|(_, record)| record.as_ref());
        kept.chain(written.filter(|record| by.has(record, &value))).cloned().collect()
    }

    fn merged<'t>(
        &self,
        kept: impl Iterator<Item = &'t Arc<Record>>,
        is_inside: &dyn Fn(&str) -> bool,
    ) -> Vec<Arc<Record>> {
        // Nearly always: then the tree's own order holds, and no key is made of each of 100,000 subscriptions.
        if !self.writes.keys().any(|path| is_inside(path)) {
            return kept.cloned().collect();
        }
        let mut records: BTreeMap<String, Arc<Record>> =
            kept.map(|record| (record.path.to_ascii_lowercase(), Arc::clone(record))).collect();
        for (key, (_, record)) in self.writes.iter().filter(|(key, _)| is_inside(key)) {
            match record {
                Some(record) => records.insert(key.clone(), Arc::clone(record)),
                None => records.remove(key),
            };
        }
        records.into_values().collect()
    }

    /// Writes a record, and gives it. Equal properties are no change: the record stays as it is.
    pub fn put(&mut self, path: &str, properties: Properties) -> Arc<Record> {
        let known = self.get(path);
        if let Some(known) = &known
            && known.properties == properties
        {
            return Arc::clone(known);
        }
        let path = known.as_ref().map_or_else(|| path.to_owned(), |known| known.path.to_string());
        let record = Arc::new(Record {
            path: path.as_str().into(),
            version: self.tree.revision + 1,
            created: known.map_or(self.now, |known| known.created),
            modified: self.now,
            properties,
        });
        self.writes.insert(path.to_ascii_lowercase(), (path, Some(Arc::clone(&record))));
        record
    }

    /// Removes everything below a path, or below a collection.
    pub fn delete_below(&mut self, path: &str) {
        for record in self.below(path).into_iter().chain(self.list(path)) {
            self.delete_one(&record.path);
        }
    }

    /// Removes a record and everything below it.
    pub fn delete(&mut self, path: &str) {
        for record in self.below(path) {
            self.delete_one(&record.path);
        }
        self.delete_one(path);
    }

    fn delete_one(&mut self, path: &str) {
        if let Some(record) = self.get(path) {
            self.writes.insert(path.to_ascii_lowercase(), (record.path.to_string(), None));
        }
    }

    /// Moves a record and everything below it to another path.
    pub fn rename(&mut self, from: &str, to: &str) {
        let mut records = self.below(from);
        records.extend(self.get(from));
        self.delete(from);
        for record in records {
            let rest = record.path.get(from.len()..).unwrap_or_default();
            let path = format!("{to}{rest}");
            // It is the same resource in another place, as old as it was.
            let version = self.tree.revision + 1;
            let moved = Record { path: path.as_str().into(), version, ..Record::clone(&record) };
            self.writes.insert(path.to_ascii_lowercase(), (path, Some(Arc::new(moved))));
        }
    }

    /// What is to be written, by path.
    pub fn into_changes(self) -> Vec<(String, Option<Record>)> {
        let tree = self.tree;
        self.writes
            .into_values()
            .filter(|(path, record)| record.is_some() || tree.get(path).is_some())
            .map(|(path, record)| (path, record.map(|record| Record::clone(&record))))
            .collect()
    }
}
