//! Protobuf as it is on the wire, written straight into one buffer: spans and records are too many to be built as
//! messages of `opentelemetry-proto` first. Field numbers stand beside the fields' names where they are written; tests
//! read what comes out with that crate.

/// Wire types (protobuf encoding guide).
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Collectors take messages of 4 MiB by gRPC unless they are told otherwise; the items of one request are far below one.
const ITEMS_BYTES_MAX: usize = 2 << 20;

/// Bytes of one text.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A message under construction.
#[derive(Debug, Default)]
pub struct Wire(Vec<u8>);

impl Wire {
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// An integer or an enumeration's number.
    pub fn number(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    pub fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub fn fixed32(&mut self, field: u32, value: u32) {
        self.key(field, FIXED32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        self.length(field, value.len());
        self.0.extend_from_slice(value);
    }

    /// A text, cut at its bound.
    pub fn text(&mut self, field: u32, value: &str) {
        self.bytes(field, cut(value).as_bytes());
    }

    /// A message within; its length is known behind it.
    pub fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        self.key(field, LENGTH);
        let start = self.0.len();
        self.0.push(0);
        fill(self);
        let length = self.0.len() - start - 1;
        if let (true, Some(place)) = (length < 0x80, self.0.get_mut(start)) {
            *place = length as u8;
        } else {
            let mut prefix = Self::default();
            prefix.varint(length as u64);
            self.0.splice(start..=start, prefix.0);
        }
    }

    /// A `KeyValue` with a text, the most frequent message: its lengths are known before.
    pub fn attribute(&mut self, field: u32, name: &str, value: &str) {
        let value = cut(value);
        let any = 1 + varint_length(value.len()) + value.len();
        self.length(field, 1 + varint_length(name.len()) + name.len() + 1 + varint_length(any) + any);
        self.bytes(1, name.as_bytes()); // key
        self.length(2, any); // value
        self.bytes(1, value.as_bytes()); // string_value
    }

    /// A `KeyValue` with an integer.
    pub fn attribute_number(&mut self, field: u32, name: &str, value: u64) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, |any| any.number(3, value)); // int_value
        });
    }

    /// The head of a message that others are appended to, up to `length` bytes.
    fn length(&mut self, field: u32, length: usize) {
        self.key(field, LENGTH);
        self.varint(length as u64);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint((field << 3 | wire_type).into());
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

fn varint_length(value: usize) -> usize {
    (1 + value.checked_ilog2().unwrap_or(0) / 7) as usize
}

/// A text that is not longer than its bound.
pub fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// What stands before items in a request to a collector, of logs and of traces alike: `resource_… = 1 { resource = 1,
/// scope_… = 2 { scope = 1, items = 2 … } }`. `items`: bytes of them, each with its key.
pub fn envelope(resource: &[u8], scope: &[u8], items: usize) -> Wire {
    let (mut outer, mut inner) = (Wire::default(), Wire::default());
    inner.bytes(1, scope);
    let scoped = inner.0.len() + items;
    outer.bytes(1, resource);
    outer.length(2, scoped);
    let mut out = Wire::with_capacity(outer.0.len() + inner.0.len() + 8);
    out.length(1, outer.0.len() + scoped);
    out.0.extend_from_slice(&outer.0);
    out.0.extend_from_slice(&inner.0);
    out
}

/// The field of items in what [`envelope`] precedes.
const ITEM: u32 = 2;

/// Spans or records, as many as go into one request to a collector.
#[derive(Debug, Default)]
pub struct Items {
    wire: Wire,
    count: u64,
}

impl Items {
    /// Adds one.
    pub fn add(&mut self, fill: impl FnOnce(&mut Wire)) {
        self.wire.message(ITEM, fill);
        self.count += 1;
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.wire.as_bytes()
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// No more are added: with the next request it might be larger than collectors take.
    pub fn is_full(&self) -> bool {
        self.wire.0.len() >= ITEMS_BYTES_MAX
    }

    pub fn clear(&mut self) {
        self.wire.0.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, KeyValueList};
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let mut wire = Wire::default();
        wire.text(1, &"é".repeat(TEXT_BYTES_MAX));
        assert_eq!(wire.as_bytes().len(), TEXT_BYTES_MAX + 3);
    }

    proptest! {
        #[test]
        fn messages_are_those_of_prost(
            texts in prop::collection::vec(("[a-z.]{0,200}", "\\PC{0,300}"), 0..20),
            numbers in prop::collection::vec(("[a-z]{0,9}", any::<u64>()), 0..20),
        ) {
            let mut wire = Wire::default();
            let mut list = KeyValueList::default();
            let pair = |name: &str, value| KeyValue {
                key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default()
            };
            wire.message(6, |all| {
                for (name, value) in &texts {
                    all.attribute(1, name, value);
                    list.values.push(pair(name, Value::StringValue(value.clone())));
                }
                for (name, value) in &numbers {
                    all.attribute_number(1, name, *value);
                    list.values.push(pair(name, Value::IntValue(*value as i64)));
                }
            });
            let read = AnyValue::decode(wire.as_bytes()).unwrap();
            prop_assert_eq!(read.value, Some(Value::KvlistValue(list)));
        }
    }
}
