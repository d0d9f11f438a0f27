//! Records as they travel, made once a version and shared by all views.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use gateway_sync::protocol::Document;

use super::lock;
use super::mentions::Mentions;
use crate::tree::{Properties, Record};

/// A record, ready to travel.
#[derive(Debug)]
pub struct Ready {
    version: u64,
    pub document: Arc<Document>,
    pub mentions: Mentions,
}

/// By path.
#[derive(Debug, Default)]
pub struct Prepared(Mutex<HashMap<Arc<str>, Arc<Ready>>>);

impl Prepared {
    /// A record without what no gateway needs.
    pub fn of(&self, record: &Record) -> Arc<Ready> {
        if let Some(ready) = lock(&self.0).get(&record.path)
            && ready.version == record.version
        {
            return Arc::clone(ready);
        }
        let properties = without_secrets_of_the_plane(record);
        let text = serde_json::Value::Object(properties).to_string();
        let ready = Arc::new(Ready {
            version: record.version,
            document: Arc::new(Document::new(Arc::clone(&record.path), text)),
            mentions: Mentions::of(&record.properties),
        });
        lock(&self.0).insert(Arc::clone(&record.path), Arc::clone(&ready));
        ready
    }

    /// Forgets what is not in use, once that is most of it.
    pub fn tidy(&self, records: usize) {
        let mut ready = lock(&self.0);
        if ready.len() > records.saturating_mul(2).max(1_000) {
            ready.retain(|_, ready| Arc::strong_count(&ready.document) > 1);
        }
    }
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
