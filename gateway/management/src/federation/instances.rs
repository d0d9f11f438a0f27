//! What instances of gateways said of themselves.

use std::collections::HashMap;
use std::sync::Mutex;

use gateway_store::{Instance, Store, StoreError};
use gateway_sync::protocol::Heartbeat;
use serde_json::{Value, json};

use super::lock;

/// Silence after which an instance is missing: three heartbeats.
const MISSING_SECONDS: i64 = 180;
/// Silence after which it is forgotten.
const FORGOTTEN_SECONDS: i64 = 24 * 3600;
/// Instances remembered at a time: more than any fleet, fewer than would hurt.
const INSTANCES_MAX: usize = 100_000;

type Key = (String, String, String);

struct Seen {
    at: i64,
    heartbeat: Heartbeat,
    is_stored: bool,
    is_missing: bool,
}

/// The instances that speak to this node; the store has those of all nodes.
#[derive(Default)]
pub struct Instances(Mutex<HashMap<Key, Seen>>);

impl Instances {
    /// Takes a heartbeat.
    pub fn put(&self, service: &str, gateway: &str, heartbeat: Heartbeat, now: i64) {
        let key = (service.to_owned(), gateway.to_ascii_lowercase(), heartbeat.instance_id.clone());
        let mut instances = lock(&self.0);
        if instances.len() < INSTANCES_MAX || instances.contains_key(&key) {
            let seen = Seen { at: now, heartbeat, is_stored: false, is_missing: false };
            if instances.insert(key, seen).is_some_and(|before| before.is_missing) {
                tracing::info!(
                    event_type = "GatewayInstanceBack",
                    gateway,
                    "an instance of a gateway is back"
                );
            }
        }
    }

    /// Says which instances have fallen silent, once each, and forgets those that were long ago.
    pub fn look(&self, now: i64) {
        lock(&self.0).retain(|(_, gateway, instance), seen| {
            let silence = now - seen.at;
            if silence > MISSING_SECONDS && !seen.is_missing {
                seen.is_missing = true;
                tracing::warn!(
                    event_type = "GatewayInstanceMissing",
                    gateway,
                    instance,
                    silence_seconds = silence,
                    "an instance of a gateway has fallen silent"
                );
            }
            silence <= FORGOTTEN_SECONDS
        });
    }

    /// Writes what is new to the store, in one batch.
    pub async fn save(&self, store: &Store) -> Result<(), StoreError> {
        let batch: Vec<Instance> = lock(&self.0)
            .iter_mut()
            .filter(|(_, seen)| !seen.is_stored)
            .map(|((service, gateway, instance), seen)| {
                seen.is_stored = true;
                Instance {
                    service: service.clone(),
                    gateway: gateway.clone(),
                    instance: instance.clone(),
                    seen: seen.at,
                    body: serde_json::to_vec(&seen.heartbeat).unwrap_or_default(),
                }
            })
            .collect();
        if batch.is_empty() { Ok(()) } else { store.put_instances(batch).await }
    }

    /// The instances of a gateway, as answers show them: those of this node, and what other nodes have stored.
    pub async fn of(
        &self,
        store: &Store,
        service: &str,
        gateway: &str,
        now: i64,
    ) -> Result<Vec<(String, Value)>, StoreError> {
        let mut found: Vec<(String, i64, Heartbeat)> = store
            .instances(service)
            .await?
            .into_iter()
            .filter(|stored| stored.gateway.eq_ignore_ascii_case(gateway))
            .filter_map(|stored| {
                Some((stored.instance, stored.seen, serde_json::from_slice(&stored.body).ok()?))
            })
            .collect();
        for ((of, name, instance), seen) in lock(&self.0).iter() {
            if of == service && name.eq_ignore_ascii_case(gateway) {
                found.retain(|(known, _, _)| known != instance);
                found.push((instance.clone(), seen.at, seen.heartbeat.clone()));
            }
        }
        found.retain(|(_, at, _)| now - at <= FORGOTTEN_SECONDS);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found
            .into_iter()
            .map(|(instance, at, heartbeat)| (instance, shown(at, &heartbeat, now)))
            .collect())
    }
}

fn shown(at: i64, heartbeat: &Heartbeat, now: i64) -> Value {
    let started = at.saturating_sub(i64::try_from(heartbeat.uptime_seconds).unwrap_or_default());
    json!({
        "state": if now - at > MISSING_SECONDS { "missing" } else { "running" },
        "lastHeartbeat": crate::service::time(at),
        "startedAt": crate::service::time(started),
        "version": heartbeat.version,
        "host": heartbeat.host,
        "appliedConfiguration": heartbeat.applied.trim_matches('"'),
        "configurationSource": heartbeat.source,
        "ready": heartbeat.ready,
        "apis": heartbeat.apis,
        "apisIsolated": heartbeat.apis_isolated,
        "diagnostics": heartbeat.diagnostics,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn instance_is_missing_after_three_minutes_and_forgotten_after_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("db").to_string_lossy()).await.expect("a store");
        let instances = Instances::default();
        let heartbeat = Heartbeat { instance_id: "i".to_owned(), uptime_seconds: 10, ..Heartbeat::default() };
        instances.put("s", "Edge", heartbeat, 1_000);
        instances.save(&store).await.expect("saved");
        let state = async |instances: &Instances, now| {
            let found = instances.of(&store, "s", "edge", now).await.expect("read");
            found.first().map(|(_, shown)| shown["state"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(state(&instances, 1_180).await.as_deref(), Some("running"));
        assert_eq!(state(&instances, 1_181).await.as_deref(), Some("missing"));
        // Another node, or this one after a restart, knows it from the store.
        assert_eq!(state(&Instances::default(), 1_181).await.as_deref(), Some("missing"));
        assert_eq!(state(&instances, 1_000 + FORGOTTEN_SECONDS + 1).await, None);
        assert!(instances.of(&store, "s", "other", 1_000).await.expect("read").is_empty());
    }
}
