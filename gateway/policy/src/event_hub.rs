//! Azure Event Hubs as `log-to-eventhub` needs them: where a logger writes and what it shows there
//! (`self-hosted-gateway.md` §4.4).

use std::sync::Arc;

use gateway_model::Secret;
use gateway_model::resource::{Logger, LoggerType};

use crate::message::{Scheme, Url};
use crate::ports::TokenRequest;

/// Longest message, bytes; longer ones are cut (`policies.md` §10).
pub const MESSAGE_BYTES_MAX: usize = 200 << 10;

/// An event hub that a logger names.
#[derive(Debug, PartialEq)]
pub struct EventHub {
    /// `https://NAMESPACE/HUB`.
    pub url: Url,
    pub access: HubAccess,
    /// Events are gathered before they are sent; otherwise each goes out alone.
    pub is_buffered: bool,
}

/// How the gateway shows who it is.
#[derive(Debug, PartialEq)]
pub enum HubAccess {
    /// A shared access key and its name.
    Key { name: String, key: Secret },
    /// A token of the gateway's own identity.
    Token(TokenRequest),
}

/// What tokens for Event Hubs are for.
const RESOURCE: &str = "https://eventhubs.azure.net";

/// One event on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubEvent {
    pub partition: Partition,
    pub body: String,
}

/// Where in the hub an event goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Partition {
    Any,
    Id(Arc<str>),
    Key(String),
}

impl HubEvent {
    /// An event whose message is cut at [`MESSAGE_BYTES_MAX`].
    pub fn new(partition: Partition, mut body: String) -> Self {
        body.truncate(body.floor_char_boundary(MESSAGE_BYTES_MAX));
        Self { partition, body }
    }
}

impl EventHub {
    /// Reads a logger; `expand` puts named values in. The error names what is wrong, never a secret.
    pub fn of(logger: &Logger, expand: &dyn Fn(&str) -> String) -> Result<Self, String> {
        if logger.logger_type != LoggerType::AzureEventHub {
            return Err(format!("it writes to {}, not to an event hub", logger.logger_type));
        }
        let credential = |name: &str| {
            let found = logger.credentials.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| expand(value.expose()))
        };
        let is_buffered = logger.is_buffered.unwrap_or(true);
        let Some(text) = credential("connectionString") else {
            let endpoint = credential("endpointAddress")
                .ok_or("its credentials have neither connectionString nor endpointAddress")?;
            let hub = credential("name").ok_or("its credentials name no event hub (name)")?;
            let client = credential("identityClientId")
                .filter(|id| !id.is_empty() && !id.eq_ignore_ascii_case("SystemAssigned"));
            let access = HubAccess::Token(TokenRequest { resource: RESOURCE.to_owned(), client_id: client });
            return Ok(Self { url: address(Scheme::Https, &endpoint, &hub)?, access, is_buffered });
        };
        let part = |name: &str| {
            let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            pairs
                .map(|(key, value)| (key.trim(), value.trim()))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let part = |name: &str| part(name).map(|(_, value)| value).filter(|value| !value.is_empty());
        let need = |name: &'static str| part(name).ok_or(format!("its connection string has no {name}"));
        let endpoint = need("Endpoint")?;
        let hub = part("EntityPath").map(str::to_owned).or_else(|| credential("name"));
        let hub = hub.ok_or("its credentials name no event hub (name, or EntityPath)")?;
        // The emulator of Event Hubs speaks plain HTTP.
        let is_emulator =
            part("UseDevelopmentEmulator").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let scheme = if is_emulator { Scheme::Http } else { Scheme::Https };
        let access = HubAccess::Key {
            name: need("SharedAccessKeyName")?.to_owned(),
            key: need("SharedAccessKey")?.to_owned().into(),
        };
        Ok(Self { url: address(scheme, endpoint, &hub)?, access, is_buffered })
    }
}

/// `SCHEME://NAMESPACE/HUB`; the scheme that the endpoint has is `sb`, or none.
fn address(scheme: Scheme, endpoint: &str, hub: &str) -> Result<Url, String> {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).trim_end_matches('/');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if hub.is_empty() || !hub.bytes().all(is_name) || hub.contains("..") {
        return Err(format!("'{hub}' is no name of an event hub"));
    }
    Url::parse(&format!("{}://{rest}/{hub}", scheme.as_str()))
        .map_err(|error| format!("its endpoint is invalid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(credentials: &str) -> Result<EventHub, String> {
        let text = format!(r#"{{"loggerType": "azureEventHub", "credentials": {credentials}}}"#);
        EventHub::of(&serde_json::from_str(&text).unwrap(), &|text| text.replace("{{key}}", "a2V5="))
    }

    #[test]
    fn of_connection_strings_and_names() {
        let made = hub(
            r#"{"name": "logs", "connectionString": "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={{key}}"}"#,
        )
        .unwrap();
        assert_eq!(made.url.to_string(), "https://ns.servicebus.windows.net/logs");
        let key = HubAccess::Key { name: "send".to_owned(), key: "a2V5=".into() };
        assert_eq!((made.access, made.is_buffered), (key, true));
        for (bad, why) in [
            (r#"{"name": "logs"}"#, "neither connectionString nor endpointAddress"),
            (r#"{"endpointAddress": "ns.servicebus.windows.net"}"#, "no event hub"),
            (
                r#"{"connectionString": "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b"}"#,
                "no event hub",
            ),
            (
                r#"{"name": "l", "connectionString": "SharedAccessKeyName=a;SharedAccessKey=b"}"#,
                "no Endpoint",
            ),
            (
                r#"{"name": "l", "connectionString": "Endpoint=sb://x/;SharedAccessKey=b"}"#,
                "no SharedAccessKeyName",
            ),
            (
                r#"{"name": "../l", "connectionString": "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b"}"#,
                "no name",
            ),
        ] {
            assert!(hub(bad).unwrap_err().contains(why), "{bad}");
        }
    }

    #[test]
    fn of_endpoint_and_identity() {
        for (id, client_id) in [("SystemAssigned", None), ("4f1c", Some("4f1c".to_owned()))] {
            let made = hub(&format!(
                r#"{{"name": "logs", "endpointAddress": "ns.servicebus.windows.net/", "identityClientId": "{id}"}}"#
            ))
            .unwrap();
            assert_eq!(made.url.to_string(), "https://ns.servicebus.windows.net/logs");
            assert_eq!(
                made.access,
                HubAccess::Token(TokenRequest { resource: RESOURCE.to_owned(), client_id })
            );
        }
    }

    #[test]
    fn event_longer_than_the_limit_is_cut_at_a_character() {
        let event = HubEvent::new(Partition::Any, "é".repeat(MESSAGE_BYTES_MAX));
        assert_eq!(event.body.len(), MESSAGE_BYTES_MAX);
        assert_eq!(
            HubEvent::new(Partition::Any, format!("x{}", event.body)).body.len(),
            MESSAGE_BYTES_MAX - 1
        );
    }
}
