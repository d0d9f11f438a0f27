//! TLS towards backends: who is trusted, what is checked, and what may be switched off.

use std::rc::Rc;
use std::sync::Arc;

use gateway_policy::backend::{Backend, BackendTls};
use gateway_policy::message::Url;
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::support::{Scripted, exchange_to, forward, on_worker, request, scripted};

/// A certificate authority of this test alone.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server with a certificate for `name`, speaking `alpn`.
    pub fn acceptor(&self, name: &str, alpn: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// An upstream that trusts this authority alone.
    pub fn upstream(&self) -> Rc<Upstream> {
        let mut roots = Roots::none();
        roots.add_pem(self.pem.as_bytes(), "the test's authority").unwrap();
        Upstream::new(UpstreamSettings::default(), &UpstreamShared::new(roots))
    }
}

/// Answers every HTTP/1.1 request with `ok`.
async fn serving(acceptor: TlsAcceptor) -> Scripted {
    scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = Vec::new();
            while stream.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
                if buffer.ends_with(b"\r\n\r\n") {
                    buffer.clear();
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    stream.write_all(answer).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        }
    })
    .await
}

fn backend(url: &str, chain: bool, name: bool) -> Backend {
    let mut backend = Backend::from_url(Url::parse(url).unwrap());
    backend.tls = BackendTls {
        validate_certificate_chain: chain,
        validate_certificate_name: name,
        ..BackendTls::default()
    };
    backend
}

#[test]
fn tls_connection_is_kept_and_used_again() {
    on_worker(async {
        let authority = Authority::new();
        let server = serving(authority.acceptor("localhost", &["http/1.1"])).await;
        let url = format!("https://localhost:{}", server.address.port());
        let upstream = authority.upstream();
        for _ in 0..20 {
            let mut exchange = exchange_to(request("GET", "/"), backend(&url, true, true));
            assert_eq!(forward(&upstream, &mut exchange).await.unwrap().1, "ok");
            tokio::task::yield_now().await;
        }
        assert_eq!(server.connections.get(), 1, "session tickets must not look like a closed connection");
    });
}

#[test]
fn tls_checks_hold_unless_switched_off() {
    on_worker(async {
        let (ours, foreign) = (Authority::new(), Authority::new());
        for (authority, certificate, chain, name, accepted) in [
            (&ours, "localhost", true, true, true),
            (&ours, "other.example", true, true, false),
            (&ours, "other.example", true, false, true),
            (&ours, "other.example", false, true, false),
            (&foreign, "localhost", true, true, false),
            (&foreign, "localhost", true, false, false),
            (&foreign, "localhost", false, true, true),
            (&foreign, "other.example", false, true, false),
            (&foreign, "other.example", false, false, true),
        ] {
            let server = serving(authority.acceptor(certificate, &[])).await;
            let url = format!("https://localhost:{}", server.address.port());
            let upstream = ours.upstream();
            let outcome =
                forward(&upstream, &mut exchange_to(request("GET", "/"), backend(&url, chain, name))).await;
            assert_eq!(outcome.is_ok(), accepted, "{certificate} {chain} {name}");
            if let Err(fault) = outcome {
                assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
                assert!(fault.error.message.starts_with("the TLS handshake with the backend localhost:"));
                assert_eq!((upstream.counters().failed_tls.get(), upstream.open_connections()), (1, 0));
            }
        }
    });
}

#[test]
fn tls_rules_do_not_share_connections() {
    on_worker(async {
        let (ours, foreign) = (Authority::new(), Authority::new());
        let server = serving(foreign.acceptor("localhost", &[])).await;
        let url = format!("https://localhost:{}", server.address.port());
        let upstream = ours.upstream();
        forward(&upstream, &mut exchange_to(request("GET", "/"), backend(&url, false, false))).await.unwrap();
        assert_eq!(upstream.idle_connections(), 1);
        let strict =
            forward(&upstream, &mut exchange_to(request("GET", "/"), backend(&url, true, true))).await;
        assert!(strict.is_err(), "an unchecked connection must not serve a checked backend");
    });
}

#[test]
fn tls_to_a_literal_address_checks_the_address() {
    on_worker(async {
        let authority = Authority::new();
        let server = serving(authority.acceptor("127.0.0.1", &[])).await;
        let url = format!("https://{}", server.address);
        let mut exchange = exchange_to(request("GET", "/"), backend(&url, true, true));
        assert_eq!(forward(&authority.upstream(), &mut exchange).await.unwrap().1, "ok");
    });
}

#[test]
fn roots_unusable_files_name_themselves() {
    let mut roots = Roots::none();
    let error = roots.add_pem(b"no certificate", "ca.pem").unwrap_err();
    assert_eq!(error.to_string(), "ca.pem holds no usable PEM certificate");
    let error = roots.add_file(std::path::Path::new("/nowhere/ca.pem")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the certificate file /nowhere/ca.pem");
}
