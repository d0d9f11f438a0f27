//! Certificates of the HTTPS listener: a folder of PEM pairs, read again when they change.
//!
//! `api.example.crt` with `api.example.key` serves that name, `_.example.crt` every name one label below
//! `example`, `default.crt` everybody else. Without a folder a fresh self-signed certificate serves all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway_proxy::downstream::TlsServer;
use gateway_proxy::downstream::tls::{Certificate, Certificates};
use gateway_telemetry::{Event, Telemetry};

use crate::start_error::StartError;

/// The TLS side of the listener, and what renews it.
pub struct Tls {
    pub server: Arc<TlsServer>,
    folder: Option<PathBuf>,
    /// What the certificates in force were read from.
    read: Files,
}

/// Contents by file name.
type Files = BTreeMap<String, Vec<u8>>;

impl Tls {
    /// Reads the folder; a pair that cannot be used stops the start, since half of the hosts would be dark.
    pub fn start(folder: Option<&Path>) -> Result<Self, StartError> {
        let (read, certificates) = match folder {
            None => (Files::new(), Certificates::only(self_signed()?)),
            Some(folder) => {
                let read = files(folder).map_err(|reason| setting_error(folder, &reason))?;
                let certificates = certificates(&read).map_err(|reason| setting_error(folder, &reason))?;
                (read, certificates)
            }
        };
        let server =
            TlsServer::new(certificates, true).map_err(|error| StartError::Setting(error.to_string()))?;
        Ok(Self { server: Arc::new(server), folder: folder.map(Path::to_path_buf), read })
    }

    /// Looks at the folder again. New contents go into force for new connections; contents that cannot be used are
    /// reported once, and the old certificates stay.
    pub fn refresh(&mut self, telemetry: &Telemetry) {
        let Some(folder) = &self.folder else { return };
        let read = match files(folder) {
            Ok(read) if read != self.read => read,
            Ok(_) => return,
            Err(reason) => return tracing::warn!(reason, "the certificate folder cannot be read"),
        };
        match certificates(&read) {
            Ok(certificates) => {
                self.server.replace(certificates);
                telemetry.event(&Event::CertificatesLoaded { names: (read.len() / 2) as u64 });
            }
            Err(reason) => tracing::error!(reason, "new certificates are not usable; the old ones stay"),
        }
        self.read = read;
    }
}

fn setting_error(folder: &Path, reason: &str) -> StartError {
    StartError::Setting(format!("setting net.server.tls.certificates: {}: {reason}", folder.display()))
}

fn self_signed() -> Result<Certificate, StartError> {
    Certificate::self_signed(&["localhost".to_owned()])
        .map_err(|error| StartError::Setting(error.to_string()))
}

fn files(folder: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if [".crt", ".key"].iter().any(|suffix| name.ends_with(suffix)) {
            let content = fs::read(entry.path()).map_err(|error| format!("{name}: {error}"))?;
            files.insert(name, content);
        }
    }
    Ok(files)
}

fn certificates(files: &Files) -> Result<Certificates, String> {
    let mut certificates = Certificates::default();
    let mut has_any = false;
    for (name, chain) in files {
        let Some(stem) = name.strip_suffix(".crt") else { continue };
        let key = files.get(&format!("{stem}.key")).ok_or_else(|| format!("{stem}.key is missing"))?;
        let certificate = Certificate::from_pem(chain, key).map_err(|error| format!("{name}: {error}"))?;
        has_any = true;
        match stem.strip_prefix("_.") {
            _ if stem == "default" => certificates.set_default(certificate),
            Some(parent) => certificates.insert(&format!("*.{parent}"), certificate),
            None => certificates.insert(stem, certificate),
        }
    }
    if has_any { Ok(certificates) } else { Err("it holds no NAME.crt".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_a_pair_that_is_not_whole_is_named() {
        let files = Files::from([("a.example.crt".to_owned(), b"x".to_vec())]);
        assert_eq!(certificates(&files).unwrap_err(), "a.example.key is missing");
        let files = Files::from([("a.crt".to_owned(), b"x".to_vec()), ("a.key".to_owned(), b"y".to_vec())]);
        assert!(certificates(&files).unwrap_err().starts_with("a.crt: "));
        assert!(certificates(&Files::new()).is_err());
    }
}
