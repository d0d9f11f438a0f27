//! Subscription keys (`policies.md` §6.6): who calls, and in which product.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use gateway_expression::host::{Subscription, User};
use gateway_model::{ApiId, ProductId, SubscriptionScope};

/// SHA-256 of a key. Keys are looked up by digest, so that time tells nothing about them (K-01).
pub type KeyDigest = [u8; 32];

/// All keys of a snapshot.
#[derive(Debug, Default)]
pub struct KeyIndex {
    by_digest: HashMap<KeyDigest, Arc<KeyEntry>>,
}

/// One key of a subscription.
#[derive(Debug)]
pub struct KeyEntry {
    pub scope: SubscriptionScope,
    pub is_active: bool,
    pub allow_tracing: bool,
    /// `Subscription.Key` is the key of this entry.
    pub subscription: Arc<Subscription>,
    pub user: Option<Arc<User>>,
}

/// What a valid key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant<'a> {
    /// The API itself, without a product: its key, or one for all APIs.
    Api,
    /// The API as part of this product.
    Product(&'a ProductId),
}

/// The digest of a key.
pub fn digest_of(key: &[u8]) -> KeyDigest {
    let mut out = KeyDigest::default();
    out.copy_from_slice(digest(&SHA256, key).as_ref());
    out
}

impl KeyIndex {
    /// Adds a key. `false` when another subscription has the same one.
    pub fn add(&mut self, digest: KeyDigest, entry: KeyEntry) -> bool {
        match self.by_digest.entry(digest) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Arc::new(entry));
                true
            }
        }
    }

    /// The entry of a key, whatever it is worth.
    pub fn find(&self, key: &[u8]) -> Option<&Arc<KeyEntry>> {
        self.by_digest.get(&digest_of(key))
    }

    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }
}

impl KeyEntry {
    /// What the key allows for an API that is part of `products`; `None` when it is not valid there.
    pub fn grant(&self, api: &ApiId, products: &[ProductId]) -> Option<Grant<'_>> {
        if !self.is_active {
            return None;
        }
        match &self.scope {
            SubscriptionScope::AllApis => Some(Grant::Api),
            SubscriptionScope::Api(own) => (*own == *api).then_some(Grant::Api),
            SubscriptionScope::Product(product) => {
                products.contains(product).then_some(Grant::Product(product))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(scope: SubscriptionScope, is_active: bool) -> KeyEntry {
        KeyEntry { scope, is_active, allow_tracing: false, subscription: Arc::default(), user: None }
    }

    #[test]
    fn grant_follows_scope_and_state() {
        let (api, product) = (ApiId::from("a"), ProductId::from("p"));
        let products = [product.clone()];
        for (scope, expected) in [
            (SubscriptionScope::AllApis, Some(Grant::Api)),
            (SubscriptionScope::Api("a".into()), Some(Grant::Api)),
            (SubscriptionScope::Api("b".into()), None),
            (SubscriptionScope::Product("p".into()), Some(Grant::Product(&product))),
            (SubscriptionScope::Product("q".into()), None),
        ] {
            assert_eq!(entry(scope.clone(), true).grant(&api, &products), expected, "{scope}");
            assert_eq!(entry(scope, false).grant(&api, &products), None);
        }
    }

    #[test]
    fn add_the_same_key_twice_is_refused() {
        let mut index = KeyIndex::default();
        assert!(index.add(digest_of(b"k"), entry(SubscriptionScope::AllApis, true)));
        assert!(!index.add(digest_of(b"k"), entry(SubscriptionScope::AllApis, true)));
        assert!(index.find(b"k").is_some());
        assert!(index.find(b"K").is_none());
    }
}
