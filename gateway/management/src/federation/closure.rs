//! Which documents a gateway needs: the APIs assigned to it, and whatever they depend on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gateway_model::ResourceId;
use gateway_sync::protocol::Documents;

use super::mentions::Mentions;
use super::prepared::Prepared;
use crate::service::rules::api;
use crate::tree::{Record, Tree};

/// Collections of which a view holds what its texts name.
const NAMED: &[&str] = &["policyFragments", "backends", "loggers", "certificates", "schemas", "namedValues"];
/// What stands below an API and no gateway needs.
const NOT_SERVED: &[&str] = &["releases", "wikis", "tagdescriptions", "issues", "definitions"];

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
    prepared.tidy(tree.all().count());
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
        let ready = self.prepared.of(record);
        self.mentions.add(&ready.mentions);
        self.documents.put(Arc::clone(&ready.document));
    }

    /// Takes a document that names nothing but what is looked up by its id.
    fn hold(&mut self, record: &Arc<Record>) {
        self.documents.put(Arc::clone(&self.prepared.of(record).document));
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
        for product in tree.list("products") {
            let is_served = |link: &&Arc<Record>| apis.contains(&link.name().to_ascii_lowercase());
            let collection = format!("{}/apis", product.path);
            let before = self.documents.len();
            self.take_all(tree.list(&collection).filter(is_served));
            if self.documents.len() == before {
                continue;
            }
            names.insert(product.name().to_ascii_lowercase());
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
        let mut memberships: HashMap<String, Vec<[&Arc<Record>; 2]>> = HashMap::new();
        for group in tree.list("groups") {
            for link in tree.list(&format!("{}/users", group.path)) {
                memberships.entry(link.name().to_ascii_lowercase()).or_default().push([group, link]);
            }
        }
        for subscription in tree.list("subscriptions") {
            if !is_subscribed(subscription, apis, products) {
                continue;
            }
            self.hold(subscription);
            let owner = subscription.text("ownerId").map(|id| id.trim_matches('/'));
            if let Some(owner) = owner.and_then(|path| tree.get(path)) {
                self.hold(owner);
                let of_owner = memberships.remove(&owner.name().to_ascii_lowercase());
                of_owner.into_iter().flatten().flatten().for_each(|record| self.hold(record));
            }
        }
    }

    /// What is named, and what that names, until nothing is added.
    fn named(&mut self) {
        loop {
            let before = self.documents.len();
            for collection in NAMED {
                for record in self.tree.list(collection) {
                    if self.documents.get(&record.path).is_none() && self.is_named(collection, record) {
                        self.take(record);
                    }
                }
            }
            if self.documents.len() == before {
                return;
            }
        }
    }

    fn is_named(&self, collection: &str, record: &Record) -> bool {
        let mentions = &self.mentions;
        match collection {
            "namedValues" => mentions.names_value(record.text("displayName").unwrap_or(record.name())),
            "policyFragments" => mentions.names(record.name()),
            "certificates" => {
                mentions.is_dynamic
                    || mentions.reads_certificates
                    || mentions.names(record.name())
                    || record.text("thumbprint").is_some_and(|thumbprint| mentions.names(thumbprint))
            }
            _ => mentions.is_dynamic || mentions.names(record.name()),
        }
    }
}

/// Whether a subscription opens one of these APIs or products.
pub fn is_subscribed(subscription: &Record, apis: &HashSet<String>, products: &HashSet<String>) -> bool {
    match ResourceId::parse(subscription.text("scope").unwrap_or_default()) {
        Ok(ResourceId::Api(id)) => {
            let path = format!("apis/{id}");
            let (root, _) = api::split(&path);
            root.split('/').nth(1).is_some_and(|name| apis.contains(&name.to_ascii_lowercase()))
        }
        Ok(ResourceId::Product(id)) => products.contains(&id.as_str().to_ascii_lowercase()),
        // Everything, or nothing that can be told apart from it.
        _ => true,
    }
}
