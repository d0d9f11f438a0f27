//! Subscriptions to the key index.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_expression::host;
use gateway_model::resource::SubscriptionState;
use gateway_model::{Diagnostic, Resource, ResourceId, ResourceSet, Secret, Subscription, UserId};

use super::caller;
use crate::keys::{KeyDigest, KeyEntry, KeyIndex, digest_of};

/// Indexes all keys. A key that two subscriptions share is reported; the first by name keeps it.
pub fn compile(set: &ResourceSet, diagnostics: &mut Vec<Diagnostic>) -> KeyIndex {
    let mut keys = KeyIndex::default();
    let users = caller::users(set);
    for subscription in set.subscriptions.values() {
        let written = [
            (&subscription.primary_key, &subscription.primary_key_hash),
            (&subscription.secondary_key, &subscription.secondary_key_hash),
        ];
        for (key, hash) in written {
            let digest = match (key, hash) {
                (Some(key), _) => digest_of(key.expose().as_bytes()),
                (None, Some(hash)) => {
                    if let Some(digest) = parse_digest(hash) {
                        digest
                    } else {
                        let text = format!(
                            "a key hash of subscription {} is not 64 hex digits (SHA-256)",
                            subscription.id
                        );
                        diagnostics.push(finding(subscription, "key-hash", text));
                        continue;
                    }
                }
                (None, None) => continue,
            };
            if !keys.add(digest, entry(&users, subscription, key.as_ref())) {
                let text =
                    format!("a key of subscription {} is another subscription's key too", subscription.id);
                diagnostics.push(finding(subscription, "key-duplicate", text));
            }
        }
    }
    keys
}

fn finding(subscription: &Subscription, code: &'static str, text: String) -> Diagnostic {
    Diagnostic::error(code, subscription.origin.clone(), text).on(subscription.id())
}

fn parse_digest(hex: &str) -> Option<KeyDigest> {
    let hex = hex.trim().as_bytes();
    let mut digest = KeyDigest::default();
    if hex.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

fn entry(
    users: &BTreeMap<UserId, Arc<host::User>>,
    subscription: &Subscription,
    key: Option<&Secret>,
) -> KeyEntry {
    let text = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned()).unwrap_or_default();
    let ticks = |time: Option<&str>| time.and_then(host::ticks_of);
    let info = host::Subscription {
        id: subscription.id.to_string(),
        name: subscription.display_name.clone(),
        key: key.map(|key| key.expose().to_owned()).unwrap_or_default(),
        primary_key: text(&subscription.primary_key),
        secondary_key: text(&subscription.secondary_key),
        created_ticks: ticks(subscription.created_date.as_deref()).unwrap_or_default(),
        start_ticks: ticks(subscription.start_date.as_deref()),
        end_ticks: ticks(subscription.end_date.as_deref()),
    };
    let owner = subscription.owner_id.as_deref().and_then(|id| match ResourceId::parse(id) {
        Ok(ResourceId::User(id)) => users.get(&id),
        _ => None,
    });
    KeyEntry {
        scope: subscription.scope.clone(),
        is_active: subscription.state == SubscriptionState::Active,
        allow_tracing: subscription.allow_tracing.unwrap_or(false),
        subscription: Arc::new(info),
        user: owner.cloned(),
    }
}
