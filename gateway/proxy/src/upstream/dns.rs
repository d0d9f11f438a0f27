//! Names of backends to addresses.
//!
//! Each worker asks through a resolver of its own, since its sockets live on that worker's runtime; answers are
//! shared by all workers.

mod cache;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use thiserror::Error;

pub use cache::DnsCache;
use cache::{Found, Slot};

use super::counters::UpstreamCounters;

/// Most addresses used of one answer (U-01).
const ADDRESSES_MAX: usize = 16;
/// Of one query to one server.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a name has no addresses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DnsError {
    #[error("the name does not exist or has no addresses")]
    NoAddresses,
    #[error("no answer from the name servers: {0}")]
    Unavailable(String),
}

/// Which name servers are asked.
#[derive(Clone, Debug, Default)]
pub enum NameServers {
    /// `/etc/resolv.conf`.
    #[default]
    System,
    /// These, by UDP and TCP.
    Given(Vec<SocketAddr>),
}

/// One worker's way to addresses.
pub struct Dns {
    resolver: Option<TokioResolver>,
    cache: Arc<DnsCache>,
}

impl Dns {
    /// Without usable name servers only literal addresses and `localhost` work; that is told once.
    pub fn new(servers: &NameServers, cache: Arc<DnsCache>) -> Self {
        let resolver = match build(servers) {
            Ok(resolver) => Some(resolver),
            Err(error) => {
                tracing::warn!(%error, "no name resolution: the resolver configuration cannot be used");
                None
            }
        };
        Self { resolver, cache }
    }

    /// The addresses of a host as it stands in a URL, in an order that differs from call to call.
    pub async fn addresses(&self, host: &str, counters: &UpstreamCounters) -> Result<Vec<IpAddr>, DnsError> {
        if let Some(literal) = literal(host) {
            return Ok(vec![literal]);
        }
        // RFC 6761 §6.3: these names never go to a server.
        if host == "localhost" || host.ends_with(".localhost") {
            return Ok(vec![IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        }
        let slot = self.cache.slot(host);
        if let Found::Fresh(answer) = slot.look(Instant::now()) {
            return answer.map(|addresses| slot.rotated(&addresses));
        }
        // One question at a time for one name; who waited finds the answer in the cache.
        let _asking = slot.asking().await;
        match slot.look(Instant::now()) {
            Found::Fresh(answer) => answer.map(|addresses| slot.rotated(&addresses)),
            Found::Nothing => self.ask(host, &slot, counters).await,
        }
    }

    async fn ask(
        &self,
        host: &str,
        slot: &Slot,
        counters: &UpstreamCounters,
    ) -> Result<Vec<IpAddr>, DnsError> {
        let answer = self.query(host).await;
        let now = Instant::now();
        let error = match answer {
            Ok((addresses, until)) => {
                let addresses: Arc<[IpAddr]> = addresses.into();
                slot.store(Arc::clone(&addresses), until, now);
                return Ok(slot.rotated(&addresses));
            }
            Err(error) => error,
        };
        if let (DnsError::Unavailable(cause), Some(addresses)) = (&error, slot.last_good(now)) {
            tracing::warn!(host, cause, "name servers do not answer, the last addresses are used");
            counters.stale_addresses.increment();
            slot.postpone(now);
            return Ok(slot.rotated(&addresses));
        }
        slot.store_failure(error.clone(), now);
        Err(error)
    }

    async fn query(&self, host: &str) -> Result<(Vec<IpAddr>, Instant), DnsError> {
        let Some(resolver) = &self.resolver else {
            return Err(DnsError::Unavailable("no name servers are configured".to_owned()));
        };
        match resolver.lookup_ip(host).await {
            Ok(found) => {
                let addresses: Vec<IpAddr> = found.iter().take(ADDRESSES_MAX).collect();
                if addresses.is_empty() {
                    return Err(DnsError::NoAddresses);
                }
                Ok((addresses, found.valid_until()))
            }
            Err(error) if error.is_no_records_found() => Err(DnsError::NoAddresses),
            Err(error) => Err(DnsError::Unavailable(error.to_string())),
        }
    }
}

/// An address written in the URL itself.
fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn build(servers: &NameServers) -> Result<TokioResolver, NetError> {
    let provider = TokioRuntimeProvider::default();
    let mut builder = match servers {
        NameServers::System => TokioResolver::builder(provider)?,
        NameServers::Given(servers) => {
            let servers = servers.iter().map(|server| name_server(*server)).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, provider)
        }
    };
    let options: &mut ResolverOpts = builder.options_mut();
    // Our cache has the rules; two caches would add their lifetimes.
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = options.timeout.min(QUERY_TIMEOUT);
    builder.build()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}
