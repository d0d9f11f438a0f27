//! Requests as events of an event hub, by batches over HTTPS, with a shared access key or a token of the
//! gateway's identity
//! (self-hosted-gateway.md §3.4, §4.4).

use std::sync::Arc;
use std::time::SystemTime;

use super::lines::{Frame, Writer, array, gunzip};
use super::post::Post;
use super::{Exporter, Gathered, LocalFuture, Outbound, Payload, Shown, Verdict};
use crate::diagnostic::Rules;
use crate::event::{GatewayLogs, RequestEvent, Value};
use crate::json::{self, Object};
use crate::rfc3339::Rfc3339;
use crate::sink::Instance;

/// The Basic tier takes 256 KB.
const BODY_BYTES_MAX: usize = 240 << 10;
const FRAME: Frame = array(BODY_BYTES_MAX, BODY_BYTES_MAX);

/// Which hub, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `https://{namespace}.servicebus.windows.net/{hub}`.
    pub hub: String,
    pub shown: Shown,
}

/// The exporter.
pub struct EventHubs {
    post: Post,
    instance: Arc<Instance>,
}

impl EventHubs {
    pub fn new(settings: &Settings, instance: Arc<Instance>) -> Self {
        let post = Post {
            url: format!("{}/messages?timeout=60&api-version=2014-01", settings.hub),
            content_type: "application/vnd.microsoft.servicebus.json",
            gzip: false,
            headers: vec![("x-ms-retrypolicy", "NoRetry".to_owned())],
            shown: settings.shown.clone(),
            frame: None,
        };
        Self { post, instance }
    }

    /// The shape of Azure's own export of resource logs.
    fn event(&self, event: &RequestEvent<'_>, rules: &Rules) -> String {
        let mut properties = String::with_capacity(1024);
        let record = GatewayLogs { event, region: &self.instance.region, rules: Some(rules) };
        json::json_value(&mut properties, Value::Object(&record));
        let mut body = String::with_capacity(properties.len() + 256);
        Object::write(&mut body, |body| {
            body.text("time", &Rfc3339 { time: event.time_generated, digits: 7 }, 64);
            body.text("operationName", &"Microsoft.ApiManagement/GatewayLogs", 64);
            body.text("category", &"GatewayLogs", 64);
            body.text("correlationId", &event.correlation_id, 64);
            body.value("durationMs", Value::Unsigned(event.total_time.as_millis() as u64));
            body.raw("properties", &properties);
        });
        let mut message = String::with_capacity(body.len() * 2);
        Object::write(&mut message, |message| {
            message.text("Body", &body, usize::MAX);
        });
        message
    }

    async fn attempt(&self, payload: &Payload, outbound: &dyn Outbound) -> Verdict {
        // Kept compressed like all payloads; the service takes them plain only.
        let body = gunzip(&payload.body).into_bytes();
        self.post.send(&Payload { body, ..payload.clone() }, outbound).await
    }
}

impl Exporter for EventHubs {
    fn encode(&self, gathered: &[Gathered], _: SystemTime, _: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut writer = Writer::new(FRAME, None, payloads);
        for item in gathered {
            writer.add(&item.request.with(|event| self.event(event, &item.rules)));
        }
        writer.finish()
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.attempt(payload, outbound))
    }
}
