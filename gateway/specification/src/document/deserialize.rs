//! Typed values out of a tree; errors know the place.

use std::fmt;

use gateway_model::Origin;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::{Node, Object, Value};

/// A value that has not the shape it should have.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapeError {
    /// The place of the innermost value concerned.
    pub origin: Option<Origin>,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { origin: None, message: message.to_string() }
    }
}

impl ShapeError {
    fn at(mut self, origin: &Origin) -> Self {
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }
}

impl Node {
    /// Reads a typed value. Members that are `null` count as absent, as they do in the management API.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ShapeError> {
        T::deserialize(self)
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let result = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => visit_number(number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => visitor.visit_seq(Elements { rest: elements }),
            Value::Object(members) => visitor.visit_map(Members { rest: members.iter(), value: None }),
        };
        result.map_err(|error| error.at(&self.origin))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// YAML writers leave quotes out: a scalar is good where a text is wanted.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.value {
            Value::Number(_) | Value::Bool(_) => visitor
                .visit_string(self.to_text().unwrap_or_default())
                .map_err(|error: ShapeError| error.at(&self.origin)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match &self.value {
            Value::String(text) => visitor.visit_enum(Variant(text)).map_err(|error| error.at(&self.origin)),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn visit_number<'de, V: Visitor<'de>>(
    number: &serde_json::Number,
    visitor: V,
) -> Result<V::Value, ShapeError> {
    if let Some(value) = number.as_u64() {
        visitor.visit_u64(value)
    } else if let Some(value) = number.as_i64() {
        visitor.visit_i64(value)
    } else {
        visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
    }
}

struct Elements<'de> {
    rest: &'de [Node],
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ShapeError> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        seed.deserialize(first).map(Some).map_err(|error| error.at(&first.origin))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Members<'de> {
    rest: indexmap::map::Iter<'de, String, Node>,
    value: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let Some((name, node)) = self.rest.find(|(_, node)| node.value != Value::Null) else {
            return Ok(None);
        };
        self.value = Some((name, node));
        let name: StrDeserializer<'_, ShapeError> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(&node.origin))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        let Some((name, node)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its name"));
        };
        seed.deserialize(node).map_err(|mut error| {
            if error.origin.is_none() || error.origin.as_ref() == Some(&node.origin) {
                error.message = format!("{name}: {}", error.message);
            }
            error.at(&node.origin)
        })
    }
}

struct Variant<'de>(&'de str);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ShapeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ShapeError> {
        let name: StrDeserializer<'_, ShapeError> = self.0.into_deserializer();
        seed.deserialize(name).map(|value| (value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, ShapeError> {
        Err(de::Error::custom(format_args!("'{}' takes no value here", self.0)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, ShapeError> {
        Err(de::Error::custom(format_args!("'{}' takes no values here", self.0)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ShapeError> {
        Err(de::Error::custom(format_args!("'{}' takes no members here", self.0)))
    }
}

/// An object of no members, for callers that need one.
impl From<Object> for Value {
    fn from(members: Object) -> Self {
        Self::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Syntax, parse};
    use super::*;
    use gateway_model::{Api, Backend, Subscription};

    fn node(text: &str) -> Node {
        parse(text, &"f".into(), Syntax::Json)
            .map_or_else(|error| panic!("{error}"), |document| document.root)
    }

    #[test]
    fn deserialize_reads_resources_as_serde_json_does() {
        let text = r#"{"displayName":"A","path":"a","protocols":["HTTPS","http"],"apiRevision":"2","isCurrent":false,
            "subscriptionKeyParameterNames":{"header":"k"},"future":{"x":[1,2.5,null]}}"#;
        let expected: Api = serde_json::from_str(text).unwrap_or_default();
        assert_eq!(node(text).deserialize(), Ok(expected));
        let text = r#"{"type":"Pool","pool":{"services":[{"id":"/backends/a","weight":3}]},"circuitBreaker":{"rules":
            [{"name":"r","tripDuration":"PT1M","failureCondition":{"count":3,"interval":"PT5S"}}]}}"#;
        let expected: Backend = serde_json::from_str(text).unwrap_or_default();
        assert_eq!(node(text).deserialize(), Ok(expected));
    }

    #[test]
    fn deserialize_takes_null_members_as_absent() {
        let api: Result<Api, _> = node(r#"{"path":"a","displayName":null,"protocols":null}"#).deserialize();
        assert_eq!(api.map(|api| (api.path, api.protocols_written.len())), Ok(("a".to_owned(), 0)));
    }

    #[test]
    fn deserialize_errors_name_member_and_place() {
        for (text, line, column, message) in [
            (
                "{\n \"isCurrent\": \"yes\"}",
                2,
                15,
                "isCurrent: invalid type: string \"yes\", expected a boolean",
            ),
            ("{\"protocols\": [\"http\", {}]}", 1, 24, "invalid type: map, expected a string"),
            (
                "{\n\n\"subscriptionKeyParameterNames\": 7}",
                3,
                34,
                "subscriptionKeyParameterNames: invalid type: integer `7`, expected struct SubscriptionKeyParameterNames",
            ),
        ] {
            let error = node(text).deserialize::<Api>().err().unwrap_or_else(|| panic!("{text} was read"));
            let origin = error.origin.clone().unwrap_or_default();
            assert_eq!(
                (origin.line, origin.column, error.message.as_str()),
                (line, column, message),
                "{text}"
            );
        }
        let error = node("{\"scope\": \"/nothing\"}").deserialize::<Subscription>().err();
        assert_eq!(error.and_then(|error| error.origin).map(|origin| origin.column), Some(11));
    }
}
