//! The thread that keeps counts beyond the process and shares them with other gateways: quotas in a file, quotas and
//! rate counters through Redis, rate counters by UDP.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use gateway_proxy::neighbours::udp::{Udp, UdpSettings};
use gateway_proxy::neighbours::{Exchange, Group, redis_stream};
use gateway_proxy::ports::counters::{Others, RateCounters};
use gateway_proxy::ports::state::{INTERVAL, QuotaFile};
use gateway_proxy::redis::link::Link;
use gateway_proxy::upstream::TlsClient;
use gateway_proxy::worker::Shared;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::StartError;
use crate::settings::{CountSettings, Settings};

/// What the thread works with.
pub struct Counts {
    shared: Arc<Shared>,
    settings: CountSettings,
    /// Name of the gateway resource: only its instances share counts.
    gateway: String,
    file: Option<QuotaFile>,
}

/// A write takes up at most this part of the time.
const WRITE_SHARE: u32 = 20;

/// Rate counters that know of other gateways when the settings name some.
pub fn rate_counters(settings: &CountSettings) -> RateCounters {
    let secret = settings.neighborhood.secret.as_ref().map_or("", |secret| secret.expose());
    if settings.redis.is_some() || is_neighborly(settings) {
        RateCounters::shared(Others::new(secret.as_bytes()))
    } else {
        RateCounters::default()
    }
}

/// Whether counts are exchanged by UDP.
fn is_neighborly(settings: &CountSettings) -> bool {
    settings.redis.is_none() && settings.neighborhood.host.is_some() && settings.neighborhood.secret.is_some()
}

impl Counts {
    /// Brings the counts of an earlier process into force. A damaged file is no reason not to serve.
    pub fn load(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, StartError> {
        let counts = &settings.counts;
        if counts.redis.is_none() && counts.neighborhood.host.is_some() && !is_neighborly(counts) {
            tracing::warn!(
                event_type = "NeighborhoodClosed",
                "neighborhood.host is set and neighborhood.secret is not: rate counters are not shared"
            );
        }
        let file = match &counts.folder {
            None => None,
            Some(folder) => Some(QuotaFile::open(folder).map_err(|error| {
                StartError::Setting(format!("setting state.folder: {}: {error}", folder.display()))
            })?),
        };
        match file.as_ref().map(|file| file.load(&shared.quotas)) {
            None => {}
            Some(Ok(counters)) => {
                tracing::info!(event_type = "QuotasLoaded", counters, "quota counters are loaded");
            }
            Some(Err(error)) => {
                tracing::error!(event_type = "QuotasLost", %error, "the quota counters begin anew");
            }
        }
        let gateway = settings.config.gateway.clone().unwrap_or_default();
        Ok(Self { shared: Arc::clone(shared), settings: counts.clone(), gateway, file })
    }

    /// Starts the thread; it ends, with everything saved, when told to stop.
    pub fn spawn(
        self,
        tls: Arc<TlsClient>,
        stopped: watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, StartError> {
        let failed = |what| move |source| StartError::Io { what, source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed("the thread of the counts has no runtime"))?;
        let udp = match self.udp() {
            None => None,
            Some(settings) => Some(
                runtime
                    .block_on(Udp::bind(settings))
                    .map_err(failed("the ports of the neighborhood cannot be bound"))?,
            ),
        };
        std::thread::Builder::new()
            .name("counts".to_owned())
            .spawn(move || LocalSet::new().block_on(&runtime, self.run(udp, tls, stopped)))
            .map_err(failed("the thread of the counts cannot start"))
    }

    fn udp(&self) -> Option<UdpSettings> {
        let neighborhood = &self.settings.neighborhood;
        let host = neighborhood.host.clone().filter(|_| is_neighborly(&self.settings))?;
        Some(UdpSettings {
            host,
            address: neighborhood.address,
            heartbeat_port: neighborhood.heartbeat_port,
            counter_port: neighborhood.counter_port,
        })
    }

    fn exchange(&self) -> Exchange {
        let secret = self.settings.neighborhood.secret.as_ref().map_or("", |secret| secret.expose());
        let group = Group::new(secret.as_bytes(), &self.gateway);
        Exchange::new(Arc::clone(&self.shared.counters), group, uuid::Uuid::new_v4().into_bytes())
    }

    async fn run(self, udp: Option<Udp>, tls: Arc<TlsClient>, mut stopped: watch::Receiver<bool>) {
        if let Some(udp) = udp {
            tokio::task::spawn_local(udp.run(self.exchange()));
        }
        let link = self.settings.redis.clone().map(|settings| Link::new(settings, tls));
        if let Some(link) = &link {
            let stream = format!("gateway:rates:{}", self.gateway);
            tokio::task::spawn_local(redis_stream::run_rates(link.clone(), stream, self.exchange()));
            tokio::task::spawn_local(redis_stream::run_quotas(link.clone(), Arc::clone(&self.shared.quotas)));
        }
        let mut pause = INTERVAL;
        // An error means that the gateway has gone.
        while tokio::time::timeout(pause, stopped.wait_for(|stopped| *stopped)).await.is_err() {
            pause = self.save();
        }
        self.save();
        if let Some(link) = &link {
            redis_stream::tell_quotas(link, &self.shared.quotas).await;
        }
    }

    /// Writes what has changed; how long to wait until the next time.
    fn save(&self) -> Duration {
        let Some(file) = &self.file else { return INTERVAL };
        let Some(counters) = self.shared.quotas.unsaved() else { return INTERVAL };
        let began = Instant::now();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if let Err(error) = file.save(&counters, i64::try_from(now.as_secs()).unwrap_or(i64::MAX)) {
            tracing::error!(event_type = "QuotasNotSaved", %error, "the quota counters cannot be written");
        }
        INTERVAL.max(began.elapsed() * WRITE_SHARE)
    }
}
