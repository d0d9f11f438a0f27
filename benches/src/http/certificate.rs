//! The certificate that all proxies show: P-256, self-signed, made for the run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Where it lies, in the forms the proxies read.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub dir: PathBuf,
    pub chain: PathBuf,
    pub key: PathBuf,
    /// Both in one file.
    pub pem: PathBuf,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub fn make(dir: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        fs::create_dir_all(dir)?;
        let paths = ["default.crt", "default.key", "default.pem"].map(|name| dir.join(name));
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(&paths[0], &chain)?;
        fs::write(&paths[1], &key)?;
        fs::write(&paths[2], chain + &key)?;
        let [chain, key, pem] = paths;
        Ok(Self { dir: dir.to_owned(), chain, key, pem, der: made.cert.der().clone() })
    }

    /// A client that trusts it and speaks one protocol.
    pub fn client(&self, protocol: &str) -> anyhow::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone())?;
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(Arc::new(config))
    }
}
