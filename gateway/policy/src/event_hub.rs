//! Azure Event Hubs as `log-to-eventhub` needs them: where a logger writes and what it shows there
//! (`self-hosted-gateway.md` §4.4).

use std::sync::Arc;

use gateway_model::Secret;
use gateway_model::resource::{Logger, LoggerType};

use crate::message::{Scheme, Url};

/// Longest message, bytes; longer ones are cut (`policies.md` §10).
pub const MESSAGE_BYTES_MAX: usize = 200 << 10;

/// An event hub that a logger names.
#[derive(Debug, PartialEq)]
pub struct EventHub {
    /// `https://NAMESPACE/HUB`.
    pub url: Url,
    pub key_name: String,
    pub key: Secret,
    /// Events are gathered before they are sent; otherwise each goes out alone.
    pub is_buffered: bool,
}

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
        let text = credential("connectionString")
            .ok_or("it has no connectionString; a managed identity is not supported yet")?;
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
        let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest).trim_end_matches('/');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if hub.is_empty() || !hub.bytes().all(is_name) || hub.contains("..") {
            return Err(format!("'{hub}' is no name of an event hub"));
        }
        let url = Url::parse(&format!("{}://{rest}/{hub}", scheme.as_str()))
            .map_err(|error| format!("the endpoint of its connection string is invalid: {error}"))?;
        Ok(Self {
            url,
            key_name: need("SharedAccessKeyName")?.to_owned(),
            key: need("SharedAccessKey")?.to_owned().into(),
            is_buffered: logger.is_buffered.unwrap_or(true),
        })
    }
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
        assert_eq!((made.key_name.as_str(), made.key.expose(), made.is_buffered), ("send", "a2V5=", true));
        for (bad, why) in [
            (r#"{"name": "logs"}"#, "no connectionString"),
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
    fn event_longer_than_the_limit_is_cut_at_a_character() {
        let event = HubEvent::new(Partition::Any, "é".repeat(MESSAGE_BYTES_MAX));
        assert_eq!(event.body.len(), MESSAGE_BYTES_MAX);
        assert_eq!(
            HubEvent::new(Partition::Any, format!("x{}", event.body)).body.len(),
            MESSAGE_BYTES_MAX - 1
        );
    }
}
