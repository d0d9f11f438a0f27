//! What all messages say of this instance, and attributes.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::wire::{Wire, cut, envelope};
use crate::sink::Instance;

/// Resource and scope.
pub struct Who {
    pub resource: Resource,
    pub scope: InstrumentationScope,
    resource_bytes: Vec<u8>,
    scope_bytes: Vec<u8>,
}

impl Who {
    pub fn new(instance: &Instance) -> Self {
        let name = if instance.gateway_id.is_empty() { "gateway" } else { &instance.gateway_id };
        let attributes = vec![
            text("service.name", name),
            text("service.version", &instance.version),
            text("service.instance.id", &instance.instance_id),
            text("cloud.region", &instance.region),
        ];
        let scope = InstrumentationScope {
            name: "gateway".to_owned(),
            version: instance.version.clone(),
            ..InstrumentationScope::default()
        };
        let resource = Resource { attributes, ..Resource::default() };
        let (resource_bytes, scope_bytes) = (resource.encode_to_vec(), scope.encode_to_vec());
        Self { resource, scope, resource_bytes, scope_bytes }
    }

    /// What stands before so many bytes of spans or records.
    pub fn envelope(&self, items: usize) -> Wire {
        envelope(&self.resource_bytes, &self.scope_bytes, items)
    }
}

/// An attribute.
pub fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A text, cut at its bound.
pub fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, Value::StringValue(cut(value).to_owned()))
}

/// Nanoseconds since 1970.
pub fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
