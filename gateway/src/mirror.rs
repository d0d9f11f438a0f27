//! The hub: a plane that mirrors another service over ARM, ours or Azure's, and serves it to its gateways.
//!
//! One reader for any number of gateways: Azure allows a principal some 25 reads a second (management-api.md §6.4). What was
//! read last stays in the store, so a hub serves its gateways while the service is away, also after a restart.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_management::{Others, Plane, ServiceName};
use gateway_model::Secret;
use gateway_policy::backend::BackendTls;
use gateway_proxy::upstream::{Offer, Roots, TlsClient};
use gateway_sync::arm::Service;
use gateway_sync::documents::documents;
use tokio::sync::watch;

use crate::plane_transport::{Authorization, Endpoint, PlaneTransport};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Which service is mirrored.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    /// The endpoint, and the ARM id of the service as its path.
    pub service: Endpoint,
    /// Bearer token.
    pub token: Secret,
    /// From the end of a reading to the next.
    pub interval: Duration,
}

/// The thread that reads; stops when dropped.
pub struct Mirror {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads the service for as long as the mirror is held.
pub fn start(settings: MirrorSettings, plane: Arc<Plane>, into: ServiceName) -> Result<Mirror, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the mirror has no runtime: {error}"))?;
    let tls = TlsClient::new(Roots::system()).config(&BackendTls::default(), Offer::Http1);
    let tls = tls.ok_or("TLS to the mirrored service cannot be set up")?;
    let (stop, mut stopped) = watch::channel(false);
    let thread = std::thread::Builder::new().name("mirror".to_owned()).spawn(move || {
        let mut endpoint = settings.service;
        let path = std::mem::take(&mut endpoint.prefix);
        let token = Authorization::Given(format!("Bearer {}", settings.token.expose()).into());
        let transport = match PlaneTransport::new(endpoint, &token, tls, TIMEOUT) {
            Ok(transport) => transport,
            Err(error) => return tracing::error!(%error, "the mirrored service cannot be asked"),
        };
        let service = Service::new(transport, &path, true);
        let follow = async {
            let (mut told, mut known) = (None, HashSet::new());
            loop {
                let read = once(&service, &plane, &into, &mut known).await;
                tell(&mut told, read);
                tokio::time::sleep(settings.interval).await;
            }
        };
        runtime.block_on(async {
            tokio::select! {
                () = follow => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
    });
    let thread = thread.map_err(|error| format!("the mirror cannot start: {error}"))?;
    Ok(Mirror { stop, thread: Some(thread) })
}

/// One reading, written as one change; without a difference nothing is written. What cannot be read is told once, and again
/// when it comes anew.
async fn once(
    service: &Service<PlaneTransport>,
    plane: &Plane,
    into: &ServiceName,
    known: &mut HashSet<String>,
) -> Result<(), String> {
    let (set, findings) = service.read().await.map_err(|error| error.to_string())?;
    let now: HashSet<String> = findings.iter().map(ToString::to_string).collect();
    for finding in now.difference(known) {
        tracing::warn!(
            event_type = "MirrorDocument",
            finding,
            "something of the mirrored service cannot be read"
        );
    }
    *known = now;
    let own = plane.service(into).ok_or("the service of the mirror is gone")?;
    let others = Others::Remove { except: HashSet::new(), with_gateways: true };
    plane.take_over(&own, &documents(&set), &others, None).await.map_err(|error| error.to_string())
}

/// One line when the service can be read, or cannot any more.
fn tell(told: &mut Option<bool>, read: Result<(), String>) {
    if *told == Some(read.is_ok()) {
        return;
    }
    *told = Some(read.is_ok());
    match read {
        Ok(()) => {
            tracing::info!(event_type = "MirrorState", available = true, "the mirrored service is read");
        }
        Err(error) => {
            tracing::warn!(
                event_type = "MirrorState",
                available = false,
                error,
                "the mirrored service cannot be read"
            );
        }
    }
}
