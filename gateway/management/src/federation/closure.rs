//! Which documents a gateway needs: the APIs assigned to it, and whatever they depend on.

use std::collections::HashSet;
use std::sync::Arc;

use gateway_sync::protocol::Documents;

use super::prepared::Prepared;
use super::touch::NOT_SERVED;
use crate::mentions::{Mentions, NAMED};
use crate::tree::{By, Record, Tree};

/// The documents of a gateway; `None` where there is no such gateway.
pub fn documents(tree: &Tree, gateway: &str, prepared: &Prepared) -> Option<Documents> {
    let path = format!("gateways/{gateway}");
    let record = tree.get(&path)?;
    let mut closure =
        Closure { tree, prepared, documents: Documents::default(), mentions: Mentions::default() };
    closure.take(record);
    tree.below(&path).for_each(|record| closure.take(record));
    let apis: HashSet<String> =
        tree.list(&format!("{path}/apis")).map(|link| link.name().to_ascii_lowercase()).collect();
    closure.take_all(tree.list("policies"));
    closure.take_all(tree.list("diagnostics"));
    closure.take_all(tree.list("caches"));
    for name in &apis {
        closure.api(name);
    }
    let products = closure.products(&apis);
    closure.subscriptions(&apis, &products);
    closure.named();
    prepared.tidy(tree.len());
    Some(closure.documents)
}

struct Closure<'a> {
    tree: &'a Tree,
    prepared: &'a Prepared,
    documents: Documents,
    /// What the documents name.
    mentions: Mentions,
}

impl Closure<'_> {
    fn take(&mut self, record: &Arc<Record>) {
        let ready = self.prepared.of(self.tree, record);
        self.mentions.add(&ready.mentions);
        self.documents.put(Arc::clone(&ready.document));
    }

    fn take_all<'r>(&mut self, records: impl Iterator<Item = &'r Arc<Record>>) {
        for record in records {
            self.take(record);
        }
    }

    /// All revisions of an API with what stands below them, its version set and its tags.
    fn api(&mut self, name: &str) {
        let tree = self.tree;
        let current = tree.get(&format!("apis/{name}")).into_iter();
        for revision in current.chain(tree.starting("apis", &format!("{name};rev="))) {
            self.take(revision);
            for record in tree.below(&revision.path) {
                let mut segments = record.path.split('/').skip(2);
                let kind = segments.next().unwrap_or_default().to_ascii_lowercase();
                if NOT_SERVED.contains(&kind.as_str()) {
                    continue;
                }
                self.take(record);
                if kind == "tags" {
                    self.take_all(tree.get(&format!("tags/{}", record.name())).into_iter());
                }
            }
            let set = revision.text("apiVersionSetId").map(|id| id.trim_matches('/'));
            self.take_all(set.and_then(|path| tree.get(path)).into_iter());
        }
    }

    /// Products that hold one of the APIs, with their policies and groups; their names in lower case.
    fn products(&mut self, apis: &HashSet<String>) -> HashSet<String> {
        let tree = self.tree;
        let mut names = HashSet::new();
        for link in apis.iter().flat_map(|api| tree.having(By::HoldsApi, api)) {
            self.take(link);
            let Some(name) = link.path.split('/').nth(1) else { continue };
            let is_new = names.insert(name.to_ascii_lowercase());
            let Some(product) = tree.get(&format!("products/{name}")).filter(|_| is_new) else { continue };
            self.take(product);
            self.take_all(tree.list(&format!("{}/policies", product.path)));
            for link in tree.list(&format!("{}/groups", product.path)) {
                self.take(link);
                self.take_all(tree.get(&format!("groups/{}", link.name())).into_iter());
            }
        }
        names
    }

    /// Subscriptions to everything, to one of the products or to one of the APIs, with their owners and the groups
    /// of those.
    fn subscriptions(&mut self, apis: &HashSet<String>, products: &HashSet<String>) {
        let tree = self.tree;
        let apis = apis.iter().map(|name| format!("apis/{name}"));
        let products = products.iter().map(|name| format!("products/{name}"));
        for opened in apis.chain(products).chain([String::new()]) {
            for subscription in tree.having(By::Opens, &opened) {
                self.take(subscription);
                let owner = subscription.text("ownerId").map(|id| id.trim_matches('/'));
                let Some(owner) = owner.and_then(|path| tree.get(path)) else { continue };
                self.take(owner);
                for link in tree.having(By::Member, owner.name()) {
                    self.take(link);
                    let group = link.path.split('/').nth(1).unwrap_or_default();
                    self.take_all(tree.get(&format!("groups/{group}")).into_iter());
                }
            }
        }
    }

    /// What is named, and what that names, until nothing is added.
    fn named(&mut self) {
        loop {
            let before = self.documents.len();
            for collection in NAMED {
                for record in self.tree.list(collection) {
                    if self.documents.get(&record.path).is_none()
                        && self.mentions.names_record(collection, record)
                    {
                        self.take(record);
                    }
                }
            }
            if self.documents.len() == before {
                return;
            }
        }
    }
}
