//! TLS of the management listener: the certificate of the settings, else a self-signed one that is made at the first
//! start and kept beside the store, so that clients can be told to trust it.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{StartError, beside};
use crate::settings::ManagementSettings;

/// The TLS side of a listener at `address`.
pub fn acceptor(settings: &ManagementSettings, address: IpAddr) -> Result<TlsAcceptor, StartError> {
    let (chain, key) = match (&settings.certificate, &settings.key) {
        (Some(chain), Some(key)) => (chain.clone(), key.clone()),
        (None, None) => own(settings, address)?,
        (Some(_), None) => return Err(missing("management.tls.key")),
        (None, Some(_)) => return Err(missing("management.tls.certificate")),
    };
    read(&chain, &key).map_err(unusable)
}

fn unusable(reason: String) -> StartError {
    StartError::Setting { name: "management.tls.certificate", reason }
}

fn missing(name: &'static str) -> StartError {
    StartError::Setting { name, reason: "a certificate and its key belong together".to_owned() }
}

/// The files of the self-signed certificate, made where they are not there.
fn own(settings: &ManagementSettings, address: IpAddr) -> Result<(PathBuf, PathBuf), StartError> {
    let (Some(chain), Some(key)) = (beside(settings, ".crt"), beside(settings, ".crt.key")) else {
        let reason = "there is no place for one of its own beside a store on a server: name a certificate";
        return Err(unusable(reason.to_owned()));
    };
    if !chain.exists() || !key.exists() {
        make(settings, address, &chain, &key).map_err(unusable)?;
        tracing::info!(
            event_type = "ManagementCertificate",
            path = %chain.display(),
            "a self-signed certificate was made; tell clients to trust it"
        );
    }
    Ok((chain, key))
}

fn make(settings: &ManagementSettings, address: IpAddr, chain: &Path, key: &Path) -> Result<(), String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
        names.push(host.trim().to_owned());
    }
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names.extend(settings.names.iter().cloned());
    names.sort_unstable();
    names.dedup();
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
    write(key, &made.signing_key.serialize_pem(), 0o600)?;
    write(chain, &made.cert.pem(), 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn read(chain: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = fs::read(chain).map_err(|error| named(chain, &error))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| named(chain, &error))?;
    let bytes = fs::read(key).map_err(|error| named(key, &error))?;
    let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| named(key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| named(chain, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
