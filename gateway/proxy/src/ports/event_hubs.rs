//! Events on their way to Azure Event Hubs: one queue a hub and partition, on the worker that took them; batches over
//! HTTPS (`self-hosted-gateway.md` §4.4).

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use gateway_model::Secret;
use gateway_policy::event_hub::{EventHub, HubAccess, HubEvent, Partition};
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::message::{Body, Headers, Method, Request, Url, ascii_json};
use gateway_policy::ports::OutboundCall;
use gateway_telemetry::export::{Shown, event_hubs};
use gateway_telemetry::metrics::labels::EventHubOutcome;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::upstream::Upstream;
use crate::worker::Shared;

/// What may wait on one worker.
const EVENTS_MAX: usize = 10_000;
const BYTES_MAX: usize = 8 << 20;

/// A batch, as JSON; the Basic tier takes 256 KB. One event of the longest may exceed it alone where its text needs
/// escapes, and goes out as it is.
const BATCH_BYTES_MAX: usize = 240 << 10;
const GATHER: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_mins(1);
/// Waits before a batch is sent again.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// A token is made for so long.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// The queues of one worker.
pub struct EventHubs {
    upstream: Rc<Upstream>,
    shared: Arc<Shared>,
    worker: usize,
    waiting: Cell<(usize, usize)>,
    queues: RefCell<HashMap<(String, Partition), VecDeque<String>>>,
}

impl EventHubs {
    pub fn new(upstream: Rc<Upstream>, shared: Arc<Shared>, worker: usize) -> Rc<Self> {
        let (waiting, queues) = (Cell::default(), RefCell::default());
        Rc::new(Self { upstream, shared, worker, waiting, queues })
    }

    /// Takes an event; with the queues full it is dropped and counted.
    pub fn log(self: &Rc<Self>, hub: &Arc<EventHub>, event: HubEvent) {
        let (events, bytes) = self.waiting.get();
        let bytes = bytes + event.body.len();
        if events >= EVENTS_MAX || bytes > BYTES_MAX {
            return self.count(EventHubOutcome::Dropped, 1);
        }
        self.waiting.set((events + 1, bytes));
        let key = (hub.url.to_string(), event.partition);
        let mut queues = self.queues.borrow_mut();
        if let Some(queue) = queues.get_mut(&key) {
            return queue.push_back(event.body);
        }
        queues.insert(key.clone(), VecDeque::from([event.body]));
        tokio::task::spawn_local(Rc::clone(self).drain(Arc::clone(hub), key));
    }

    /// Sends what one queue holds until it is empty.
    async fn drain(self: Rc<Self>, hub: Arc<EventHub>, key: (String, Partition)) {
        loop {
            if hub.is_buffered {
                tokio::time::sleep(GATHER).await;
            }
            let Some(batch) = self.take(&key, if hub.is_buffered { usize::MAX } else { 1 }) else { return };
            let outcome = self.send(&hub, &key.1, &batch).await;
            let (events, bytes) = self.waiting.get();
            let sent: usize = batch.iter().map(String::len).sum();
            self.waiting.set((events - batch.len().min(events), bytes - sent.min(bytes)));
            self.count(outcome, batch.len() as u64);
        }
    }

    /// The next batch; `None` ends the queue.
    fn take(&self, key: &(String, Partition), most: usize) -> Option<Vec<String>> {
        let mut queues = self.queues.borrow_mut();
        let queue = queues.get_mut(key)?;
        let mut batch = Vec::new();
        let mut bytes = 2;
        while let Some(next) = queue.front().filter(|_| batch.len() < most) {
            bytes += next.len()
                + next.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).count() * 5
                + 12;
            if bytes > BATCH_BYTES_MAX && !batch.is_empty() {
                break;
            }
            batch.extend(queue.pop_front());
        }
        if batch.is_empty() {
            queues.remove(key);
            return None;
        }
        Some(batch)
    }

    async fn send(&self, hub: &EventHub, partition: &Partition, batch: &[String]) -> EventHubOutcome {
        let mut outcome = EventHubOutcome::Failed;
        for wait in [Duration::ZERO].into_iter().chain(RETRIES) {
            tokio::time::sleep(wait).await;
            // Without a token the batch waits for the next try; the reason has been told where it was asked for.
            let Some(authorization) = self.authorization(hub).await else { continue };
            let call = OutboundCall::new(request(hub, partition, batch, authorization), TIMEOUT);
            outcome = match self.upstream.call(call).await {
                Ok(response) => match response.status {
                    200 | 201 => return EventHubOutcome::Sent,
                    429 | 503 => EventHubOutcome::Throttled,
                    500.. => EventHubOutcome::Failed,
                    status => {
                        tracing::warn!(hub = %hub.url, status, "an event hub refuses events");
                        return EventHubOutcome::Rejected;
                    }
                },
                Err(error) if error.reason == "Timeout" => EventHubOutcome::TimedOut,
                Err(_) => EventHubOutcome::Failed,
            };
        }
        tracing::warn!(hub = %hub.url, outcome = outcome.as_str(), "events are given up");
        outcome
    }

    async fn authorization(&self, hub: &EventHub) -> Option<String> {
        match &hub.access {
            HubAccess::Key { name, key } => Some(signature(&hub.url, name, key)),
            HubAccess::Token(wanted) => {
                let token =
                    self.shared.identity.token(wanted, &self.upstream, &Fetches::default()).await.ok()?;
                Some(format!("Bearer {token}"))
            }
        }
    }

    fn count(&self, outcome: EventHubOutcome, events: u64) {
        self.shared.telemetry.shard(self.worker).event_hub_events(outcome, events);
    }
}

/// A hub as the exporter of requests has it.
pub fn exporter_settings(hub: EventHub) -> event_hubs::Settings {
    let url = hub.url.to_string();
    let shown = match hub.access {
        HubAccess::Key { name, key } => Shown::Key { name, key, resource: url.clone() },
        HubAccess::Token(wanted) => Shown::Token { audience: wanted.resource, client_id: wanted.client_id },
    };
    event_hubs::Settings { hub: url, shown }
}

fn request(hub: &EventHub, partition: &Partition, batch: &[String], authorization: String) -> Request {
    let path = match partition {
        Partition::Id(id) => format!("{}/partitions/{id}/messages", hub.url.path),
        Partition::Any | Partition::Key(_) => format!("{}/messages", hub.url.path),
    };
    let (content_type, body) = match batch {
        [one] => ("application/atom+xml;type=entry;charset=utf-8", one.clone()),
        many => {
            let events: Vec<_> = many.iter().map(|body| serde_json::json!({ "Body": body })).collect();
            ("application/vnd.microsoft.servicebus.json", serde_json::Value::Array(events).to_string())
        }
    };
    let mut fields = vec![
        ("Authorization", authorization),
        ("Content-Type", content_type.to_owned()),
        ("x-ms-retrypolicy", "NoRetry".to_owned()),
    ];
    if let Partition::Key(key) = partition {
        fields.push(("BrokerProperties", ascii_json(&serde_json::json!({ "PartitionKey": key }))));
    }
    let mut headers = Headers::new();
    for (name, value) in fields {
        // A key name with control characters gives a token that cannot be sent: the hub then answers 401.
        let _ = headers.append(name, value.as_bytes());
    }
    let url = Url { path, query: "timeout=60&api-version=2014-01".to_owned(), ..hub.url.clone() };
    Request { method: Method::Post, url, headers, body: Body::from(body) }
}

/// A shared access signature for a hub, valid for an hour.
pub fn signature(hub: &Url, name: &str, key: &Secret) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    sas_token(hub, name, key, now + TOKEN_LIFETIME)
}

/// The same, valid until `expiry` after 1970.
fn sas_token(hub: &Url, name: &str, key: &Secret, expiry: Duration) -> String {
    let resource = encode(&hub.to_string().to_ascii_lowercase());
    let expiry = expiry.as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let signature = hmac::sign(&key, format!("{resource}\n{expiry}").as_bytes());
    let signature = encode(&base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature));
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={}", encode(name))
}

fn encode(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sas_token_is_the_one_that_the_service_expects() {
        let hub = Url::parse("https://Example-NS.servicebus.windows.net/Hub").unwrap();
        assert_eq!(
            sas_token(&hub, "RootManage", &"my-secret-key+/=".into(), Duration::from_secs(1_438_205_742)),
            "SharedAccessSignature sr=https%3A%2F%2Fexample-ns.servicebus.windows.net%2Fhub&sig=UahBrPiiy7lfqoh%2F6M7XzMAhapF4X8Hji17IEiBdGJ4%3D&se=1438205742&skn=RootManage"
        );
    }
}
