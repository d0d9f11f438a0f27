//! JSON objects whose names are unique (RFC 7515 §4, RFC 7519 §4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Malformed;

/// Most members of a header or payload.
const MEMBERS_MAX: usize = 1000;

/// Reads an object; a name that comes twice is refused, deep nesting by the parser.
pub fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Malformed> {
    let object: Unique = serde_json::from_slice(bytes)
        .map_err(|_| Malformed("A part of the token is not a JSON object with unique names."))?;
    Ok(object.0)
}

struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if map.len() >= MEMBERS_MAX || map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name comes twice, or there are too many"));
            }
        }
        Ok(Unique(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_repeated_names_and_other_values_are_refused() {
        assert_eq!(parse(br#"{"a":1,"b":[2]}"#).unwrap().len(), 2);
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, "[]", "null", "", "{} x", "{\"a\":"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(&[b'{', b'"', 0xff, b'"', b':', b'1', b'}']).is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse(deep.as_bytes()).is_err());
        let many: Vec<String> = (0..=MEMBERS_MAX).map(|n| format!("\"c{n}\":0")).collect();
        assert!(parse(format!("{{{}}}", many.join(",")).as_bytes()).is_err());
    }
}
