//! What all messages say of this instance, and attributes.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::sink::Instance;

/// Bytes of one text.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// Resource and scope.
pub struct Who {
    pub resource: Resource,
    pub scope: InstrumentationScope,
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
        Self { resource: Resource { attributes, ..Resource::default() }, scope }
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

/// A number.
pub fn number(name: &str, value: u64) -> KeyValue {
    attribute(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

pub fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// Nanoseconds since 1970.
pub fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
