//! Azure Monitor custom metrics: aggregates of a minute (self-hosted-gateway.md §4.1), of requests, of policies'
//! metrics, and of what the kernel programs count.

mod aggregate;
mod kernel;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::aggregate::Minutes;
use self::kernel::Kernel;
use super::lines::{self, Frame, Writer};
use super::post::Post;
use super::{Exporter, Gathered, LocalFuture, Outbound, Payload, Shown, Verdict};
use crate::metrics::Registry;
use crate::sink::Instance;

/// 4 MB a call; with some room.
const BODY_BYTES_MAX: usize = 3_900_000;
const FRAME: Frame = lines::lines(BODY_BYTES_MAX, BODY_BYTES_MAX);
/// Behind this age the service takes no metric.
const AGE_MAX: Duration = Duration::from_mins(20);

/// The Azure resource that the metrics belong to, and as whom they are sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Default `https://{region}.monitoring.azure.com`, the region being that of the resource.
    pub endpoint: String,
    /// `/subscriptions/…`.
    pub resource: String,
    /// Default `API Management Gateway`.
    pub namespace: String,
    /// Of tokens; default `https://monitoring.azure.com/`, with its slash.
    pub audience: String,
    /// A user-assigned identity.
    pub client_id: Option<String>,
}

/// The exporter.
pub struct MonitorMetrics {
    post: Post,
    namespace: String,
    registry: Arc<Registry>,
    minutes: RefCell<Minutes>,
    kernel: RefCell<Kernel>,
}

impl MonitorMetrics {
    pub fn new(settings: &Settings, registry: Arc<Registry>, instance: &Instance) -> Self {
        let Settings { endpoint, resource, namespace, audience, client_id } = settings;
        let post = Post {
            url: format!("{}{}/metrics", endpoint.trim_end_matches('/'), resource.trim_end_matches('/')),
            content_type: "application/x-ndjson",
            gzip: true,
            headers: Vec::new(),
            shown: Shown::Token { audience: audience.clone(), client_id: client_id.clone() },
            frame: Some(FRAME),
        };
        Self {
            post,
            namespace: namespace.clone(),
            registry,
            minutes: RefCell::new(Minutes::new(instance)),
            kernel: RefCell::default(),
        }
    }
}

impl Exporter for MonitorMetrics {
    fn encode(&self, gathered: &[Gathered], now: SystemTime, end: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut minutes = self.minutes.borrow_mut();
        let mut left_out = 0;
        for item in gathered {
            left_out += item.with(|event| minutes.add(event, &self.namespace));
        }
        self.kernel.borrow_mut().read(&self.registry, now, end, |minute, metric, dimensions, value| {
            left_out += minutes.add_reading(minute, &self.namespace, metric, dimensions, value);
        });
        for (minute, metrics) in minutes.ended(now, end) {
            let mut writer = Writer::new(FRAME, Some(minute + AGE_MAX), payloads);
            metrics.write(minute, &mut |line| writer.add(line));
            left_out += writer.finish();
        }
        left_out
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.post.send(payload, outbound))
    }
}

#[cfg(test)]
mod tests;
