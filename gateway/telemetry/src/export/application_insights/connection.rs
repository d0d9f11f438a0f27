//! Connection strings (self-hosted-gateway.md §4.3.1).

use std::sync::Arc;

use thiserror::Error;

const LENGTH_MAX: usize = 4096;
const ENDPOINT_DEFAULT: &str = "https://dc.services.visualstudio.com";
const AUDIENCE_DEFAULT: &str = "https://monitor.azure.com";

/// Where telemetry of one component goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionString {
    pub instrumentation_key: String,
    /// Without a slash at the end.
    pub ingestion_endpoint: String,
    /// Of tokens.
    pub audience: String,
    /// By which components name each other; not every string has it.
    pub application_id: Option<Arc<str>>,
}

/// What is wrong with one; never shows the key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConnectionStringError {
    #[error("longer than {LENGTH_MAX} characters")]
    TooLong,
    #[error("{0:?} is not NAME=VALUE")]
    NoPair(String),
    #[error("InstrumentationKey is missing or no GUID")]
    NoKey,
    #[error("IngestionEndpoint is no http or https URL")]
    BadEndpoint,
}

impl ConnectionString {
    /// Reads `NAME=VALUE;…`, or a bare instrumentation key. Names in any case; unknown ones are ignored.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        if text.len() > LENGTH_MAX {
            return Err(ConnectionStringError::TooLong);
        }
        if is_guid(text.trim()) {
            return Ok(Self::of(text.trim(), ENDPOINT_DEFAULT.to_owned(), AUDIENCE_DEFAULT));
        }
        let mut pairs = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(ConnectionStringError::NoPair(part.chars().take(4).collect()));
            };
            pairs.push((name.trim(), value.trim()));
        }
        let get = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value).filter(|value| !value.is_empty())
        };
        let key = get("InstrumentationKey").filter(|key| is_guid(key)).ok_or(ConnectionStringError::NoKey)?;
        let endpoint = match (get("IngestionEndpoint"), get("EndpointSuffix")) {
            (Some(endpoint), _) => endpoint.trim_end_matches('/').to_owned(),
            (None, Some(suffix)) => {
                let location = get("Location").map(|location| format!("{location}.")).unwrap_or_default();
                format!("https://{location}dc.{}", suffix.trim_matches('.'))
            }
            (None, None) => ENDPOINT_DEFAULT.to_owned(),
        };
        let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
            return Err(ConnectionStringError::BadEndpoint);
        }
        let audience = get("AADAudience").unwrap_or(AUDIENCE_DEFAULT);
        let application_id = get("ApplicationId").filter(|id| is_guid(id)).map(Arc::from);
        Ok(Self { application_id, ..Self::of(key, endpoint, audience.trim_end_matches('/')) })
    }

    fn of(key: &str, ingestion_endpoint: String, audience: &str) -> Self {
        let (instrumentation_key, audience) = (key.to_owned(), audience.to_owned());
        Self { instrumentation_key, ingestion_endpoint, audience, application_id: None }
    }

    /// Where items are sent.
    pub fn track_url(&self) -> String {
        if self.ingestion_endpoint.ends_with("/track") {
            self.ingestion_endpoint.clone() // the whole URL, as `logs.applicationinsights.endpoint` has it
        } else {
            format!("{}/v2.1/track", self.ingestion_endpoint)
        }
    }
}

fn is_guid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "00000000-0000-0000-0000-0000000000aa";

    #[test]
    fn connection_string_forms_are_read() {
        for (text, endpoint, audience) in [
            (KEY.to_owned(), ENDPOINT_DEFAULT, AUDIENCE_DEFAULT),
            (format!("InstrumentationKey={KEY}"), ENDPOINT_DEFAULT, AUDIENCE_DEFAULT),
            (
                format!(
                    "instrumentationkey={KEY};IngestionEndpoint=https://x.in.applicationinsights.azure.com/;LiveEndpoint=https://l/"
                ),
                "https://x.in.applicationinsights.azure.com",
                AUDIENCE_DEFAULT,
            ),
            (
                format!(
                    "InstrumentationKey={KEY};EndpointSuffix=applicationinsights.azure.cn;AADAudience=https://monitor.azure.cn/"
                ),
                "https://dc.applicationinsights.azure.cn",
                "https://monitor.azure.cn",
            ),
            (
                format!("InstrumentationKey={KEY};EndpointSuffix=ai.contoso.com;Location=westus2;"),
                "https://westus2.dc.ai.contoso.com",
                AUDIENCE_DEFAULT,
            ),
        ] {
            let read = ConnectionString::parse(&text).unwrap();
            assert_eq!((&*read.ingestion_endpoint, &*read.audience), (endpoint, audience), "{text}");
            assert_eq!(read.track_url(), format!("{endpoint}/v2.1/track"));
        }
    }

    #[test]
    fn connection_string_faults_are_named_without_the_key() {
        let shown = |text: &str| ConnectionString::parse(text).unwrap_err().to_string();
        assert_eq!(shown("IngestionEndpoint=https://x"), "InstrumentationKey is missing or no GUID");
        assert_eq!(shown("InstrumentationKey=secret"), "InstrumentationKey is missing or no GUID");
        assert_eq!(shown("secretsecret"), "\"secr\" is not NAME=VALUE");
        assert_eq!(
            shown(&format!("InstrumentationKey={KEY};IngestionEndpoint=ftp://x")),
            "IngestionEndpoint is no http or https URL"
        );
        assert_eq!(shown(&"x".repeat(5000)), "longer than 4096 characters");
    }
}
