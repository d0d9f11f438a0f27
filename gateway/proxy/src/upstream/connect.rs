//! A new connection to a target: name, TCP, TLS.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_policy::ports::HttpVersion;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connect_proxy;
use super::counters::UpstreamCounters;
use super::dns::Dns;
use super::failure::UpstreamError;
use super::guard::Guard;
use super::io::Io;
use super::target::Target;
use super::tls::{Offer, TlsClient};

/// The second address family starts this long after the first (RFC 8305 §5).
const SECOND_FAMILY_DELAY: Duration = Duration::from_millis(250);
/// One address may take this long while others of its family wait.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);

/// Opens connections for one worker.
pub struct Dialer {
    pub dns: Dns,
    pub tls: Arc<TlsClient>,
    pub guard: Guard,
    pub counters: Rc<UpstreamCounters>,
    pub connect_timeout: Duration,
    pub tcp_user_timeout: Duration,
}

impl Dialer {
    /// Connects within the connect time-out.
    pub async fn connect(&self, target: &Target) -> Result<Io, UpstreamError> {
        match timeout(self.connect_timeout, self.connect_now(target)).await {
            Ok(connected) => {
                let io = connected?;
                self.counters.opened.increment();
                Ok(io)
            }
            Err(_) => Err(UpstreamError::ConnectTimeout {
                authority: target.authority(),
                after: self.connect_timeout,
            }),
        }
    }

    /// A bare TCP connection within `limit`.
    pub async fn dial(&self, host: &str, port: u16, limit: Duration) -> Result<TcpStream, UpstreamError> {
        let authority = || format!("{host}:{port}");
        let connecting = async {
            let addresses = self.resolve(host).await?;
            let stream = race(addresses, port).await.and_then(|stream| {
                self.set_options(&stream)?;
                Ok(stream)
            });
            stream.map_err(|cause| UpstreamError::Connect { authority: authority(), cause })
        };
        timeout(limit, connecting)
            .await
            .unwrap_or_else(|_| Err(UpstreamError::ConnectTimeout { authority: authority(), after: limit }))
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, UpstreamError> {
        let answer = self.dns.addresses(host, &self.counters).await;
        answer.map_err(|cause| UpstreamError::Resolve { host: host.to_owned(), cause: cause.to_string() })
    }

    async fn connect_now(&self, target: &Target) -> Result<Io, UpstreamError> {
        let (host, port) = match &target.proxy {
            None => (&target.host, target.port),
            Some(proxy) => (&proxy.host, proxy.port),
        };
        if target.proxy.is_some() {
            self.check_literal(target)?;
        }
        let addresses = self.addresses(target, host, port).await?;
        let stream = race(addresses, port).await.map_err(|cause| Self::connect_error(target, cause))?;
        self.set_options(&stream).map_err(|cause| Self::connect_error(target, cause))?;
        if target.guarded {
            self.check_connection(target, &stream)?;
        }
        let stream = match &target.proxy {
            Some(proxy) if target.is_tls() => connect_proxy::tunnel(stream, target, proxy)
                .await
                .map_err(|cause| Self::connect_error(target, cause))?,
            _ => stream,
        };
        if target.is_tls() { self.handshake(target, stream).await } else { Ok(Io::Clear(stream)) }
    }

    /// Addresses that may be called; a guarded target loses those that the rules refuse.
    async fn addresses(&self, target: &Target, host: &str, port: u16) -> Result<Vec<IpAddr>, UpstreamError> {
        let mut addresses = self.resolve(host).await?;
        if target.guarded {
            addresses.retain(|ip| self.guard.allows(SocketAddr::new(*ip, port)));
            if addresses.is_empty() {
                return Err(UpstreamError::Refused { host: host.to_owned() });
            }
        }
        Ok(addresses)
    }

    /// Behind a proxy names are the proxy's to resolve; what is an address already is checked here.
    fn check_literal(&self, target: &Target) -> Result<(), UpstreamError> {
        let bare = target.host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(ip) if target.guarded && !self.guard.allows(SocketAddr::new(ip, target.port)) => {
                Err(UpstreamError::Refused { host: target.host.clone() })
            }
            _ => Ok(()),
        }
    }

    fn check_connection(&self, target: &Target, stream: &TcpStream) -> Result<(), UpstreamError> {
        let ends = stream.local_addr().and_then(|local| stream.peer_addr().map(|peer| (local, peer)));
        let (local, peer) = ends.map_err(|cause| Self::connect_error(target, cause))?;
        if self.guard.allows_connection(local, peer) {
            Ok(())
        } else {
            Err(UpstreamError::Refused { host: target.host.clone() })
        }
    }

    fn set_options(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        socket.set_tcp_user_timeout(Some(self.tcp_user_timeout))?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_TIME))
    }

    async fn handshake(&self, target: &Target, stream: TcpStream) -> Result<Io, UpstreamError> {
        let failed = |cause| UpstreamError::Tls { authority: target.authority(), cause };
        let offer = match target.version {
            HttpVersion::Http1 => Offer::Http1,
            HttpVersion::Http2OrHttp1 => Offer::Http2OrHttp1,
            HttpVersion::Http2 => Offer::Http2,
        };
        let config = self
            .tls
            .config(&target.tls, offer)
            .ok_or_else(|| failed(io::Error::other("the client certificate does not fit its key")))?;
        let bare = target.host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| failed(io::Error::other("the host is no name a certificate can carry")))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(failed)?;
        Ok(Io::Tls(Box::new(stream)))
    }

    fn connect_error(target: &Target, cause: io::Error) -> UpstreamError {
        UpstreamError::Connect { authority: target.authority(), cause }
    }
}

/// Both families race when there are both: the first address's family begins, the other follows after 250 ms
/// or as soon as the first has failed.
async fn race(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    if second.is_empty() {
        return try_each(first, port).await;
    }
    let mut first = pin!(try_each(first, port));
    if let Ok(done) = timeout(SECOND_FAMILY_DELAY, first.as_mut()).await {
        return match done {
            Ok(stream) => Ok(stream),
            Err(_) => try_each(second, port).await,
        };
    }
    first_success(first, pin!(try_each(second, port))).await
}

/// The first of two attempts to succeed; the second error when both fail.
async fn first_success(
    mut first: impl Future<Output = io::Result<TcpStream>> + Unpin,
    mut second: impl Future<Output = io::Result<TcpStream>> + Unpin,
) -> io::Result<TcpStream> {
    tokio::select! {
        done = &mut first => match done {
            Ok(stream) => Ok(stream),
            Err(_) => second.await,
        },
        done = &mut second => match done {
            Ok(stream) => Ok(stream),
            Err(_) => first.await,
        },
    }
}

async fn try_each(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let count = addresses.len();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for (index, address) in addresses.into_iter().enumerate() {
        let connecting = TcpStream::connect(SocketAddr::new(address, port));
        let done = if index + 1 == count {
            connecting.await
        } else {
            timeout(ADDRESS_TIMEOUT, connecting)
                .await
                .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "connect timed out")))
        };
        match done {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
