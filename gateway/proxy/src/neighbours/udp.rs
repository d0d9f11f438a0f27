//! The exchange by datagrams: heartbeats to every address of a name, changes to the same addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::exchange::Taken;
use super::{EXCHANGE_INTERVAL, Exchange};

/// How often the gateways show that they are there.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);
/// How often the name is asked for its addresses.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(10);
/// Addresses used of the name.
const ADDRESSES_MAX: usize = 256;

/// Where the gateways are.
#[derive(Clone, Debug)]
pub struct UdpSettings {
    /// Names or addresses, comma-separated; each may have many addresses.
    pub host: String,
    /// Own address of both sockets.
    pub address: IpAddr,
    pub heartbeat_port: u16,
    pub counter_port: u16,
}

/// Both sockets, bound.
pub struct Udp {
    settings: UdpSettings,
    heartbeat: UdpSocket,
    counters: UdpSocket,
    addresses: Vec<IpAddr>,
}

impl Udp {
    /// Binds the sockets. To be called inside the runtime that serves them.
    pub async fn bind(settings: UdpSettings) -> io::Result<Self> {
        let heartbeat = UdpSocket::bind((settings.address, settings.heartbeat_port)).await?;
        let counters = UdpSocket::bind((settings.address, settings.counter_port)).await?;
        Ok(Self { settings, heartbeat, counters, addresses: Vec::new() })
    }

    /// Exchanges until dropped.
    pub async fn run(mut self, mut exchange: Exchange) {
        let mut resolve = every(RESOLVE_INTERVAL);
        let mut beat = every(HEARTBEAT_INTERVAL);
        let mut tell = every(EXCHANGE_INTERVAL);
        let (mut of_heartbeat, mut of_counters) = ([0; 2048], [0; 2048]);
        loop {
            tokio::select! {
                _ = resolve.tick() => self.resolve().await,
                _ = beat.tick() => self.beat(&mut exchange).await,
                _ = tell.tick() => {
                    for datagram in exchange.changes() {
                        self.send(&self.counters, self.settings.counter_port, &datagram).await;
                    }
                }
                received = self.heartbeat.recv_from(&mut of_heartbeat) => {
                    take(received, &of_heartbeat, &mut exchange);
                }
                received = self.counters.recv_from(&mut of_counters) => {
                    take(received, &of_counters, &mut exchange);
                }
            }
        }
    }

    async fn resolve(&mut self) {
        let mut addresses = Vec::new();
        for host in self.settings.host.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            match tokio::net::lookup_host((host, self.settings.heartbeat_port)).await {
                Ok(found) => addresses.extend(found.map(|address| address.ip())),
                Err(error) => {
                    tracing::warn!(event_type = "NeighborhoodUnknown", host, %error, "neighborhood.host has no addresses");
                }
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(ADDRESSES_MAX);
        // A name server that fails for a moment takes nobody away.
        if !addresses.is_empty() {
            self.addresses = addresses;
        }
    }

    async fn beat(&self, exchange: &mut Exchange) {
        let instances = self.addresses.len();
        tracing::debug!(
            event_type = "SendingHeartbeat",
            instances,
            "sending a heartbeat to {instances} instances"
        );
        let datagram = exchange.heartbeat();
        self.send(&self.heartbeat, self.settings.heartbeat_port, &datagram).await;
        tracing::debug!(
            event_type = "HeartbeatSent",
            neighbours = exchange.neighbours(),
            "a heartbeat is sent"
        );
    }

    /// Sends to every address; one that cannot be reached is left out this time.
    async fn send(&self, socket: &UdpSocket, port: u16, datagram: &[u8]) {
        for address in &self.addresses {
            if let Err(error) = socket.send_to(datagram, SocketAddr::new(*address, port)).await {
                tracing::debug!(%address, %error, "a neighbour is not told");
            }
        }
    }
}

fn take(received: io::Result<(usize, SocketAddr)>, buffer: &[u8], exchange: &mut Exchange) {
    // An error tells of an earlier datagram that was not delivered.
    let Ok((length, from)) = received else { return };
    if exchange.take(buffer.get(..length).unwrap_or_default()) == Taken::New {
        tracing::info!(event_type = "NeighbourFound", address = %from.ip(), "another gateway shares the counters");
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
