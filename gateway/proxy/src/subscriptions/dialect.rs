//! The two protocols that clients speak: `graphql-transport-ws` (github.com/enisdenjo/graphql-ws, PROTOCOL.md) and the
//! older `graphql-ws` (github.com/apollographql/subscriptions-transport-ws, PROTOCOL.md).

use serde_json::{Map, Value, json};

/// A protocol, by its name in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    TransportWs,
    Ws,
}

/// What a client says.
#[derive(Debug, PartialEq)]
pub enum Said {
    Init,
    Subscribe {
        id: String,
        payload: Value,
    },
    Complete {
        id: String,
    },
    Ping(Option<Value>),
    Pong,
    /// It has nothing more to say.
    Bye,
}

/// Why a connection is closed: code and reason of the close frame.
pub type Closing = (u16, &'static str);

const BAD: Closing = (4400, "Invalid message");

impl Dialect {
    pub fn named(name: &str) -> Option<Self> {
        [Self::TransportWs, Self::Ws].into_iter().find(|dialect| dialect.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::TransportWs => "graphql-transport-ws",
            Self::Ws => "graphql-ws",
        }
    }

    /// Reads a message of a client.
    pub fn read(self, text: &str) -> Result<Said, Closing> {
        let mut message: Map<String, Value> = serde_json::from_str(text).map_err(|_| BAD)?;
        let payload = message.remove("payload");
        let id = || message.get("id").and_then(Value::as_str).map(str::to_owned).filter(|id| !id.is_empty());
        let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
        Ok(match (self, kind) {
            (_, "connection_init") => Said::Init,
            (Self::TransportWs, "subscribe") | (Self::Ws, "start") => {
                Said::Subscribe { id: id().ok_or(BAD)?, payload: payload.ok_or(BAD)? }
            }
            (Self::TransportWs, "complete") | (Self::Ws, "stop") => Said::Complete { id: id().ok_or(BAD)? },
            (Self::TransportWs, "ping") => Said::Ping(payload),
            (Self::TransportWs, "pong") => Said::Pong,
            (Self::Ws, "connection_terminate") => Said::Bye,
            _ => return Err(BAD),
        })
    }

    pub fn ack() -> Value {
        json!({ "type": "connection_ack" })
    }

    pub fn pong(payload: Option<Value>) -> Value {
        match payload {
            Some(payload) => json!({ "type": "pong", "payload": payload }),
            None => json!({ "type": "pong" }),
        }
    }

    pub fn next(self, id: &str, payload: Value) -> Value {
        let kind = if self == Self::TransportWs { "next" } else { "data" };
        json!({ "id": id, "type": kind, "payload": payload })
    }

    /// A subscription that cannot be had, or ends before its time.
    pub fn error(self, id: &str, errors: Vec<Value>) -> Value {
        let payload = match self {
            Self::TransportWs => Value::Array(errors),
            Self::Ws => errors.into_iter().next().unwrap_or_default(),
        };
        json!({ "id": id, "type": "error", "payload": payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_what_each_dialect_says_and_nothing_else() {
        let payload = json!({ "query": "x" });
        let subscribe = Said::Subscribe { id: "1".to_owned(), payload: payload.clone() };
        let cases = [
            (Dialect::TransportWs, r#"{"type": "connection_init", "payload": {}}"#, Ok(Said::Init)),
            (
                Dialect::TransportWs,
                r#"{"type": "subscribe", "id": "1", "payload": {"query": "x"}}"#,
                Ok(subscribe),
            ),
            (
                Dialect::TransportWs,
                r#"{"type": "complete", "id": "1"}"#,
                Ok(Said::Complete { id: "1".to_owned() }),
            ),
            (Dialect::TransportWs, r#"{"type": "ping", "payload": 5}"#, Ok(Said::Ping(Some(json!(5))))),
            (Dialect::TransportWs, r#"{"type": "start", "id": "1", "payload": {}}"#, Err(BAD)),
            (Dialect::Ws, r#"{"type": "stop", "id": "1"}"#, Ok(Said::Complete { id: "1".to_owned() })),
            (Dialect::Ws, r#"{"type": "connection_terminate"}"#, Ok(Said::Bye)),
            (Dialect::Ws, r#"{"type": "start", "id": 1, "payload": {}}"#, Err(BAD)),
            (Dialect::Ws, r#"{"type": "start", "id": "", "payload": {}}"#, Err(BAD)),
            (Dialect::Ws, r#"{"type": "start", "id": "1"}"#, Err(BAD)),
            (Dialect::Ws, "[]", Err(BAD)),
            (Dialect::Ws, "{", Err(BAD)),
        ];
        for (dialect, text, expected) in cases {
            assert_eq!(dialect.read(text), expected, "{text}");
        }
    }
}
