//! Chains of client certificates: to the operator's authorities (RFC 5280 §6), by the operator's revocation lists.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use gateway_policy::ports::{ClientTrust, Revocation, TrustError};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use thiserror::Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Longest chain that is looked at, the leaf included.
const CHAIN_MAX: usize = 10;

/// Files of the operator that cannot be used.
#[derive(Debug, Error)]
pub enum ClientTrustError {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("{path} holds no usable PEM {what}")]
    Pem { path: String, what: &'static str },
    #[error("the authorities or revocation lists cannot be used: {0}")]
    Unusable(String),
}

/// Authorities and lists. Without authorities nobody is trusted.
#[derive(Debug, Default)]
pub struct ClientAuthorities {
    certificates: Vec<Vec<u8>>,
    verifiers: Option<Verifiers>,
    has_lists: bool,
}

#[derive(Debug)]
struct Verifiers {
    /// No lists.
    chain: Arc<dyn ClientCertVerifier>,
    /// Every issuer needs a list.
    strict: Arc<dyn ClientCertVerifier>,
    /// Lists hold where there are any.
    lenient: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// Reads PEM files: certificates of authorities, and their revocation lists.
    pub fn read(roots: Option<&Path>, lists: Option<&Path>) -> Result<Self, ClientTrustError> {
        let Some(roots) = roots else { return Ok(Self::default()) };
        let pem = read(roots)?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|_| unusable(roots, "certificate"))?;
        if certificates.is_empty() {
            return Err(unusable(roots, "certificate"));
        }
        let lists = match lists {
            None => Vec::new(),
            Some(path) => CertificateRevocationListDer::pem_slice_iter(&read(path)?)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| unusable(path, "revocation list"))?,
        };
        Self::new(&certificates, &lists)
    }

    pub fn new(
        certificates: &[CertificateDer<'static>],
        lists: &[CertificateRevocationListDer<'static>],
    ) -> Result<Self, ClientTrustError> {
        let wrong = |error: &dyn std::fmt::Display| ClientTrustError::Unusable(error.to_string());
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store.add(certificate.clone()).map_err(|error| wrong(&error))?;
        }
        let (store, provider) = (Arc::new(store), Arc::new(aws_lc_rs::default_provider()));
        let builder = || builder(&store, &provider);
        let verifiers = Verifiers {
            chain: builder().build().map_err(|error| wrong(&error))?,
            strict: builder().with_crls(lists.to_vec()).build().map_err(|error| wrong(&error))?,
            lenient: builder()
                .with_crls(lists.to_vec())
                .allow_unknown_revocation_status()
                .build()
                .map_err(|error| wrong(&error))?,
        };
        Ok(Self {
            certificates: certificates.iter().map(|certificate| certificate.to_vec()).collect(),
            verifiers: Some(verifiers),
            has_lists: !lists.is_empty(),
        })
    }
}

fn builder(
    store: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> rustls::server::ClientCertVerifierBuilder {
    WebPkiClientVerifier::builder_with_provider(Arc::clone(store), Arc::clone(provider))
}

fn read(path: &Path) -> Result<Vec<u8>, ClientTrustError> {
    fs::read(path).map_err(|source| ClientTrustError::Read { path: path.display().to_string(), source })
}

fn unusable(path: &Path, what: &'static str) -> ClientTrustError {
    ClientTrustError::Pem { path: path.display().to_string(), what }
}

impl ClientTrust for ClientAuthorities {
    fn verify(&self, chain: &[Vec<u8>], at: SystemTime, revocation: Revocation) -> Result<(), TrustError> {
        let untrusted = |text: &str| TrustError::Untrusted(text.to_owned());
        let verifiers = self.verifiers.as_ref().ok_or_else(|| {
            untrusted("no authority of client certificates is set (net.server.tls.client.roots)")
        })?;
        if chain.len() > CHAIN_MAX {
            return Err(untrusted("the chain is too long"));
        }
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Some((leaf, between)) = chain.split_first() else {
            return Err(untrusted("there is no certificate"));
        };
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let judge = |verifier: &Arc<dyn ClientCertVerifier>| {
            verifier.verify_client_cert(leaf, between, UnixTime::since_unix_epoch(at)).map(drop)
        };
        judge(&verifiers.chain).map_err(|error| TrustError::Untrusted(reason(&error)))?;
        if revocation == Revocation::Ignored {
            return Ok(());
        }
        let names_list = chain.iter().any(|der| names_revocation_list(der));
        // Where a certificate names no list, none can be expected; what is at hand holds all the same.
        let verdict = match (names_list, self.has_lists) {
            (true, false) => return Err(TrustError::RevocationUnknown),
            (true, true) => judge(&verifiers.strict),
            (false, _) => judge(&verifiers.lenient),
        };
        verdict.map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::Revoked) => TrustError::Revoked,
            Error::InvalidCertificate(CertificateError::UnknownRevocationStatus) => {
                TrustError::RevocationUnknown
            }
            other => TrustError::Untrusted(reason(&other)),
        })
    }

    fn authorities(&self) -> &[Vec<u8>] {
        &self.certificates
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => "its issuer is not trusted".to_owned(),
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => "it is not for clients".to_owned(),
        other => format!("its chain does not hold ({other})"),
    }
}

fn names_revocation_list(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, certificate)| {
        let mut parsed =
            certificate.extensions().iter().map(x509_parser::extensions::X509Extension::parsed_extension);
        parsed.any(|extension| matches!(extension, ParsedExtension::CRLDistributionPoints(_)))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DnType,
        ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
        date_time_ymd,
    };

    use super::*;

    struct World {
        authority: Issuer<'static, KeyPair>,
        root: CertificateDer<'static>,
    }

    fn world() -> World {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().der().clone();
        World { authority: Issuer::new(params, key), root }
    }

    impl World {
        fn leaf(&self, serial: u64, usage: ExtendedKeyUsagePurpose, list: Option<&str>) -> Vec<u8> {
            let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
            params.serial_number = Some(SerialNumber::from(serial));
            params.extended_key_usages = vec![usage];
            params.crl_distribution_points =
                list.iter().map(|uri| CrlDistributionPoint { uris: vec![(*uri).to_owned()] }).collect();
            params.signed_by(&KeyPair::generate().unwrap(), &self.authority).unwrap().der().to_vec()
        }

        fn list(&self, revoked: u64) -> CertificateRevocationListDer<'static> {
            let revoked = RevokedCertParams {
                serial_number: SerialNumber::from(revoked),
                revocation_time: date_time_ymd(2025, 1, 1),
                reason_code: None,
                invalidity_date: None,
            };
            let list = CertificateRevocationListParams {
                this_update: date_time_ymd(2025, 1, 1),
                next_update: date_time_ymd(2099, 1, 1),
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: vec![revoked],
                key_identifier_method: KeyIdMethod::Sha256,
            };
            list.signed_by(&self.authority).unwrap().into()
        }
    }

    #[test]
    fn verify_chain_usage_and_lists_decide() {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let (own, other) = (world(), world());
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let plain = ClientAuthorities::new(std::slice::from_ref(&own.root), &[]).unwrap();
        let with_list = ClientAuthorities::new(std::slice::from_ref(&own.root), &[own.list(7)]).unwrap();
        let checked =
            |trust: &ClientAuthorities, leaf: Vec<u8>| trust.verify(&[leaf], at, Revocation::Checked);
        let untrusted = |result| matches!(result, Err(TrustError::Untrusted(_)));
        assert_eq!(checked(&plain, own.leaf(1, ClientAuth, None)), Ok(()));
        assert!(untrusted(checked(&plain, other.leaf(1, ClientAuth, None))));
        assert!(untrusted(checked(&plain, own.leaf(1, ServerAuth, None))));
        assert!(untrusted(checked(&plain, b"no certificate".to_vec())));
        assert!(untrusted(checked(&ClientAuthorities::default(), own.leaf(1, ClientAuth, None))));
        let url = Some("http://lists.example/1");
        assert_eq!(checked(&plain, own.leaf(1, ClientAuth, url)), Err(TrustError::RevocationUnknown));
        assert_eq!(checked(&with_list, own.leaf(1, ClientAuth, url)), Ok(()));
        assert_eq!(checked(&with_list, own.leaf(7, ClientAuth, None)), Err(TrustError::Revoked));
        assert_eq!(with_list.verify(&[own.leaf(7, ClientAuth, url)], at, Revocation::Ignored), Ok(()));
        assert!(untrusted(plain.verify(&vec![own.leaf(1, ClientAuth, None); 50], at, Revocation::Ignored)));
        let much_later = SystemTime::UNIX_EPOCH + Duration::from_hours(25_000_000_000);
        assert!(untrusted(plain.verify(&[own.leaf(1, ClientAuth, None)], much_later, Revocation::Ignored)));
    }
}
