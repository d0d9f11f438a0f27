//! TLS towards the server, with `sslmode=require` in its address. The server is checked in any case: against the authorities
//! of the file in `sslrootcert` (PEM), else those of the system, and by its name in the address.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The parameter of an address that the driver does not know, and libpq does.
const ROOT: &str = "sslrootcert=";

/// An address without its `sslrootcert`, and that file.
pub fn without_root(address: &str) -> (String, Option<PathBuf>) {
    let Some((server, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let root = query.split('&').find_map(|part| part.strip_prefix(ROOT));
    let rest: Vec<&str> = query.split('&').filter(|part| !part.starts_with(ROOT)).collect();
    let joint = if rest.is_empty() { "" } else { "?" };
    let decoded =
        |root: &str| PathBuf::from(root.replace("%2F", "/").replace("%2f", "/").replace("%20", " "));
    (format!("{server}{joint}{}", rest.join("&")), root.map(decoded))
}

/// Makes connections.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// With the authorities of a file, or the system's.
    pub fn new(root: Option<&Path>) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = root {
            let failed =
                |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
                let certificate = certificate.map_err(|error| failed(&error))?;
                roots.add(certificate).map_err(|error| failed(&error))?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = Infallible;

    /// Called without a host as well, for sockets: a name is needed only where there is a handshake.
    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Infallible> {
        Ok(Handshake { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// One handshake, not yet begun.
pub struct Handshake {
    connector: TlsConnector,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            self.connector.connect(name, stream).await.map(Encrypted)
        })
    }
}

/// An encrypted connection.
pub struct Encrypted<S>(TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_taken_out_of_the_address() {
        for (address, rest, root) in [
            ("postgres://h/d", "postgres://h/d", None),
            ("postgres://h/d?sslmode=require", "postgres://h/d?sslmode=require", None),
            ("postgres://h/d?sslrootcert=%2Fetc%2Fca.pem", "postgres://h/d", Some("/etc/ca.pem")),
            (
                "postgres://h/d?sslmode=require&sslrootcert=/etc/ca.pem&connect_timeout=3",
                "postgres://h/d?sslmode=require&connect_timeout=3",
                Some("/etc/ca.pem"),
            ),
        ] {
            assert_eq!(without_root(address), (rest.to_owned(), root.map(PathBuf::from)), "{address}");
        }
    }
}
