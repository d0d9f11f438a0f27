//! Requests as events of an event hub, by batches over HTTPS, with a shared access key or a token of the
//! gateway's identity
//! (self-hosted-gateway.md §3.4, §4.4).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use super::lines::{self, Frame, Writer, array};
use super::post::Post;
use super::{Exporter, Gathered, LocalFuture, Outbound, Payload, Shown, Verdict};
use crate::diagnostic::Rules;
use crate::event::{GatewayLogs, RequestEvent, Value};
use crate::json::{self, Object};
use crate::sink::Instance;

/// The Basic tier takes 256 KB.
const BODY_BYTES_MAX: usize = 240 << 10;
const FRAME: Frame = Frame { gzip: false, ..array(BODY_BYTES_MAX, BODY_BYTES_MAX) };

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
            frame: Some(FRAME),
        };
        Self { post, instance }
    }

    /// The shape of Azure's own export of resource logs. `body`: room for it.
    fn write(&self, out: &mut String, body: &mut String, event: &RequestEvent<'_>, rules: &Rules) {
        body.clear();
        Object::write(body, |body| {
            body.time("time", event.time_generated);
            body.text("operationName", "Microsoft.ApiManagement/GatewayLogs", 64);
            body.text("category", "GatewayLogs", 64);
            body.value("correlationId", Value::Id(event.correlation_id));
            body.value("durationMs", Value::Unsigned(event.total_time.as_millis() as u64));
            let record = GatewayLogs { event, region: &self.instance.region, rules: Some(rules) };
            body.value("properties", Value::Object(&record));
        });
        out.clear();
        out.push_str("{\"Body\":");
        json::string_of_json(out, body);
        out.push('}');
    }

    async fn attempt(&self, payload: &Payload, outbound: &dyn Outbound) -> Verdict {
        match lines::plain(&payload.body) {
            Cow::Borrowed(_) => self.post.send(payload, outbound).await,
            // It was compressed while it waited.
            Cow::Owned(body) => {
                let plain = Payload { items: payload.items, body, ..Payload::default() };
                self.post.send(&plain, outbound).await
            }
        }
    }
}

impl Exporter for EventHubs {
    fn encode(&self, gathered: &[Gathered], _: SystemTime, _: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut writer = Writer::new(FRAME, None, payloads);
        let (mut message, mut body) = (String::with_capacity(4096), String::with_capacity(4096));
        for item in gathered {
            item.with(|event| self.write(&mut message, &mut body, event, &item.rules));
            writer.add(&message);
        }
        writer.finish()
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.attempt(payload, outbound))
    }
}
