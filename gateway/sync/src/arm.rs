//! A service behind an ARM endpoint, ours or Azure's: read whole, and brought to what a folder says.
//!
//! Source: management-api.md §1.3–§1.13 (collections), §2.5 (pages), §6.4 (what a copy reads, and how it is throttled).

mod difference;
mod lines;
mod read;

use std::time::Duration;

use serde_json::{Map, Value, json};

pub use difference::{Change, Kind, changes};
pub use lines::differing_lines;

use crate::documents::ResourceDocument;
use crate::plane::{Request, Response, Transport};

const API_VERSION: &str = "2024-05-01";
/// Attempts of a call that is throttled.
const ATTEMPTS_MAX: u32 = 6;
/// Longest wait that a throttle may ask for.
const THROTTLE_MAX: Duration = Duration::from_mins(2);
/// Answers that are still on their way are asked for so often (long-running operations).
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Why a service cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    #[error("{method} {path}: {message}")]
    Unreachable { method: String, path: String, message: String },
    #[error("{method} {path} was answered {status}: {message}")]
    Refused { method: String, path: String, status: u16, message: String },
    #[error("{path} was answered with something that is no JSON of ARM")]
    Malformed { path: String },
}

/// A service.
pub struct Service<T> {
    transport: T,
    /// `/subscriptions/…/service/NAME`.
    path: String,
    /// Whether secret values and keys are asked for.
    with_secrets: bool,
}

impl<T: Transport> Service<T> {
    pub fn new(transport: T, path: &str, with_secrets: bool) -> Self {
        Self { transport, path: path.trim_end_matches('/').to_owned(), with_secrets }
    }

    /// Writes one document.
    pub async fn put(&self, (path, properties): &ResourceDocument) -> Result<(), ArmError> {
        let body = json!({ "properties": properties });
        self.call("PUT", path, "", Some(&body)).await.map(|_| ())
    }

    /// Deletes one document; one that is gone already is no failure.
    pub async fn delete(&self, path: &str) -> Result<(), ArmError> {
        match self.call("DELETE", path, "&deleteRevisions=true", None).await {
            Err(ArmError::Refused { status: 404, .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The answer of a GET; `None` for what is not there, or not in this tier.
    async fn get(&self, path: &str, more: &str) -> Result<Option<Value>, ArmError> {
        match self.call("GET", path, more, None).await {
            Ok(value) => Ok(Some(value)),
            Err(ArmError::Refused { status: 404 | 405, .. }) => Ok(None),
            Err(ArmError::Refused { status: 400, message, .. }) if message.contains("PricingTier") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        more: &str,
        body: Option<&Value>,
    ) -> Result<Value, ArmError> {
        let encoded: Vec<String> = path.split('/').map(encoded).collect();
        let target = format!("{}/{}?api-version={API_VERSION}{more}", self.path, encoded.join("/"));
        self.send(method, &target, body).await
    }

    /// One call, again while the service throttles.
    async fn send(&self, method: &str, target: &str, body: Option<&Value>) -> Result<Value, ArmError> {
        let text = body.map(Value::to_string);
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let request = Request {
                method,
                target,
                if_none_match: None,
                body: text.as_deref(),
                patience: Duration::from_secs(30),
            };
            let response = self.transport.send(request).await.map_err(|message| ArmError::Unreachable {
                method: method.to_owned(),
                path: target.to_owned(),
                message,
            })?;
            if matches!(response.status, 429 | 503) && attempt < ATTEMPTS_MAX {
                tokio::time::sleep(response.retry_after.unwrap_or(wait).min(THROTTLE_MAX)).await;
                wait *= 2;
                continue;
            }
            return answer(method, target, &response);
        }
        Ok(Value::Null)
    }
}

fn answer(method: &str, target: &str, response: &Response) -> Result<Value, ArmError> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    if !(200..300).contains(&response.status) {
        let body = body.unwrap_or_default();
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let details = body.pointer("/error/details").and_then(Value::as_array).into_iter().flatten();
        let details: Vec<&str> =
            std::iter::once("").chain(details.filter_map(|one| one["message"].as_str())).collect();
        let details = details.join(" ");
        return Err(ArmError::Refused {
            method: method.to_owned(),
            path: target.split('?').next().unwrap_or_default().to_owned(),
            status: response.status,
            message: format!("{}: {}{details}", text("/error/code"), text("/error/message")),
        });
    }
    match body {
        Some(body) => Ok(body),
        None if response.body.is_empty() => Ok(Value::Null),
        None => Err(ArmError::Malformed { path: target.to_owned() }),
    }
}

/// A segment of a path. `;` stands in names of revisions, and servers expect it as it is.
fn encoded(segment: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b';').remove(b'=');
    utf8_percent_encode(segment, KEPT).to_string()
}

/// The properties of an answer.
fn properties(answer: &mut Value) -> Map<String, Value> {
    match answer.get_mut("properties").map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
