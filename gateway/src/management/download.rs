//! Linked documents come by the gateway's own way to backends, which refuses what leads inside.

use std::net::SocketAddr;
use std::time::Duration;

use gateway_management::Download;
use gateway_management::download::{BYTES_MAX, Downloading, TIMEOUT};
use gateway_policy::message::BufferBudget;
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};

use super::apart::apart;

/// Time beyond that of one call, for redirects.
const MORE: Duration = Duration::from_secs(1);

/// Most bytes of all documents that are arriving.
const TOGETHER_BYTES_MAX: u64 = 4 * BYTES_MAX;

/// A way to other servers, made anew for each document: links are rare, and nothing of one is left for the next.
pub struct Links {
    shared: UpstreamShared,
    settings: UpstreamSettings,
}

impl Links {
    /// `own` are this process's listeners, which nobody may reach by it.
    pub fn new(own: Vec<SocketAddr>) -> Self {
        let settings = UpstreamSettings {
            budget: BufferBudget::new(BYTES_MAX, TOGETHER_BYTES_MAX),
            own_listeners: own,
            ..UpstreamSettings::default()
        };
        Self { shared: UpstreamShared::new(Roots::system()), settings }
    }
}

impl Download for Links {
    fn fetch<'a>(&'a self, url: &'a str, json: Option<&'a str>) -> Downloading<'a> {
        let (shared, settings) = (self.shared.clone(), self.settings.clone());
        let (url, json) = (url.to_owned(), json.map(str::to_owned));
        Box::pin(apart(move || async move {
            let upstream = Upstream::new(settings, &shared);
            let download = upstream.download(&url, json.as_deref(), TIMEOUT);
            match tokio::time::timeout(TIMEOUT + MORE, download).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("it does not arrive within {} s", TIMEOUT.as_secs())),
            }
        }))
    }
}
