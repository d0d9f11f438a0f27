//! Azure Monitor logs: requests as rows of a Log Analytics table, by the Logs Ingestion API
//! (self-hosted-gateway.md §4.2).

mod row;

use std::sync::Arc;
use std::time::SystemTime;

use super::lines::{self, Frame, Writer};
use super::post::Post;
use super::{Exporter, Gathered, LocalFuture, Outbound, Payload, Shown, Verdict};
use crate::sink::Instance;

/// 1 MB a call, compressed and not; with some room.
const BODY_BYTES_MAX: usize = 1_000_000;
const FRAME: Frame = lines::array(BODY_BYTES_MAX, BODY_BYTES_MAX);

/// Which table, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Of the data collection endpoint or rule.
    pub endpoint: String,
    /// Immutable id of the data collection rule.
    pub rule: String,
    /// Default `Custom-ApiManagementGatewayLogs_CL`.
    pub stream: String,
    /// Of tokens; default `https://monitor.azure.com`.
    pub audience: String,
    /// A user-assigned identity.
    pub client_id: Option<String>,
}

/// The exporter.
pub struct LogsIngestion {
    post: Post,
    instance: Arc<Instance>,
}

impl LogsIngestion {
    pub fn new(settings: &Settings, instance: Arc<Instance>) -> Self {
        let Settings { endpoint, rule, stream, audience, client_id } = settings;
        let endpoint = endpoint.trim_end_matches('/');
        let post = Post {
            url: format!("{endpoint}/dataCollectionRules/{rule}/streams/{stream}?api-version=2023-01-01"),
            content_type: "application/json",
            gzip: true,
            headers: Vec::new(),
            shown: Shown::Token { audience: audience.clone(), client_id: client_id.clone() },
            frame: Some(FRAME),
        };
        Self { post, instance }
    }
}

impl Exporter for LogsIngestion {
    fn encode(&self, gathered: &[Gathered], _: SystemTime, _: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut writer = Writer::new(FRAME, None, payloads);
        let mut row = String::with_capacity(2048);
        for item in gathered {
            row.clear();
            item.with(|event| row::write(&mut row, event, &item.rules, &self.instance));
            writer.add(&row);
        }
        writer.finish()
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.post.send(payload, outbound))
    }
}
