//! `X509Certificate2`.

use std::sync::Arc;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::distinguished_name;
use super::hash::HashAlgorithm;
use super::pkcs12;
use super::rsa::RsaKey;
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::encoding::from_base64;
use crate::clr::exception::{Error, Result};

/// `X509NameType`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are .NET's")]
pub enum NameKind {
    SimpleName = 0,
    EmailName = 1,
    UpnName = 2,
    DnsName = 3,
    DnsFromAlternativeName = 4,
    UrlName = 5,
}

/// `X509Extension`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// `Oid.Value`
    pub oid: String,
    /// `Critical`
    pub critical: bool,
    /// `RawData`: DER
    pub value: Vec<u8>,
}

/// A certificate, perhaps with its private key. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<Data>);

#[derive(Debug)]
struct Data {
    der: Vec<u8>,
    subject: String,
    issuer: String,
    /// Big-endian, as written.
    serial: Vec<u8>,
    not_before: DateTime,
    not_after: DateTime,
    version: u32,
    signature_algorithm: String,
    key_algorithm: String,
    /// DER; empty when there are none.
    key_parameters: Vec<u8>,
    /// The public key's bit string.
    public_key: Vec<u8>,
    /// `SubjectPublicKeyInfo`.
    public_info: Vec<u8>,
    /// `GetNameInfo` of subject and issuer, by [`NameKind`].
    names: [Vec<String>; 2],
    private: Option<RsaKey>,
}

fn unreadable() -> Error {
    Error::cryptographic("Cannot find the requested object.")
}

impl Certificate {
    /// `new X509Certificate2(bytes)`: DER, PEM, or a PFX without password.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::parse_with_password(bytes, "")
    }

    /// `new X509Certificate2(bytes, password)`.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn parse_with_password(bytes: &[u8], password: &str) -> Result<Self> {
        if let Ok(data) = Data::read(bytes, None) {
            return Ok(Self(Arc::new(data)));
        }
        if let Some(der) = pem(bytes) {
            return Data::read(&der, None).map(|data| Self(Arc::new(data)));
        }
        if bytes.first() != Some(&0x30) {
            return Err(unreadable());
        }
        let (der, key) = pkcs12::read(bytes, password)?;
        Self::with_private_key(&der, key.as_deref())
    }

    /// From a certificate (DER) and its key (PKCS #8, DER). Keys other than RSA are not kept.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn with_private_key(der: &[u8], pkcs8: Option<&[u8]>) -> Result<Self> {
        let key = pkcs8.and_then(|pkcs8| RsaKey::from_pkcs8(pkcs8).ok());
        Data::read(der, key).map(|data| Self(Arc::new(data)))
    }

    /// `RawData`, `GetRawCertData()`.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// `Subject`, `SubjectName.Name`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// `Issuer`, `IssuerName.Name`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// `SerialNumber`, `GetSerialNumberString()`: hexadecimal, upper-case.
    pub fn serial_number(&self) -> String {
        hex(&self.0.serial)
    }

    /// The serial number, big-endian.
    pub fn serial_bytes(&self) -> &[u8] {
        &self.0.serial
    }

    /// `GetKeyAlgorithmParameters()`: DER.
    pub fn key_parameters(&self) -> &[u8] {
        &self.0.key_parameters
    }

    /// `Thumbprint`, `GetCertHashString()`: SHA-1 in upper-case hexadecimal.
    pub fn thumbprint(&self) -> String {
        hex(&self.hash())
    }

    /// `GetCertHash()`.
    pub fn hash(&self) -> Vec<u8> {
        HashAlgorithm::Sha1.hash(&self.0.der)
    }

    /// `NotBefore`, local time.
    pub fn not_before(&self) -> DateTime {
        self.0.not_before
    }

    /// `NotAfter`, local time.
    pub fn not_after(&self) -> DateTime {
        self.0.not_after
    }

    /// `Version`.
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// `SignatureAlgorithm.Value`.
    pub fn signature_algorithm(&self) -> &str {
        &self.0.signature_algorithm
    }

    /// `SignatureAlgorithm.FriendlyName`; the identifier itself when it has no name.
    pub fn signature_algorithm_name(&self) -> &str {
        match self.signature_algorithm() {
            "1.2.840.113549.1.1.4" => "md5RSA",
            "1.2.840.113549.1.1.5" => "sha1RSA",
            "1.2.840.113549.1.1.11" => "sha256RSA",
            "1.2.840.113549.1.1.12" => "sha384RSA",
            "1.2.840.113549.1.1.13" => "sha512RSA",
            "1.2.840.10045.4.3.2" => "sha256ECDSA",
            "1.2.840.10045.4.3.3" => "sha384ECDSA",
            "1.2.840.10045.4.3.4" => "sha512ECDSA",
            other => other,
        }
    }

    /// `GetKeyAlgorithm()`.
    pub fn key_algorithm(&self) -> &str {
        &self.0.key_algorithm
    }

    /// `GetPublicKey()`.
    pub fn public_key_bytes(&self) -> &[u8] {
        &self.0.public_key
    }

    /// `GetPublicKeyString()`.
    pub fn public_key_string(&self) -> String {
        hex(&self.0.public_key)
    }

    /// `GetNameInfo(kind, forIssuer)`; empty when there is none.
    pub fn name_info(&self, kind: NameKind, for_issuer: bool) -> &str {
        let [subject, issuer] = &self.0.names;
        let names = if for_issuer { issuer } else { subject };
        names.get(kind as usize).map_or("", String::as_str)
    }

    /// `Extensions`, in the order of the encoding.
    pub fn extensions(&self) -> Vec<Extension> {
        let Ok((_, parsed)) = X509Certificate::from_der(&self.0.der) else { return Vec::new() };
        let extension = |one: &x509_parser::extensions::X509Extension<'_>| Extension {
            oid: one.oid.to_id_string(),
            critical: one.critical,
            value: one.value.to_vec(),
        };
        parsed.extensions().iter().map(extension).collect()
    }

    /// `HasPrivateKey`.
    pub fn has_private_key(&self) -> bool {
        self.0.private.is_some()
    }

    /// `GetRSAPrivateKey()`.
    pub fn private_key(&self) -> Option<RsaKey> {
        self.0.private.clone()
    }

    /// `GetRSAPublicKey()`; `None` for other kinds of keys.
    pub fn public_key(&self) -> Option<RsaKey> {
        RsaKey::from_public_der(&self.0.public_info).ok()
    }
}

impl Data {
    fn read(der: &[u8], private: Option<RsaKey>) -> Result<Self> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| unreadable())?;
        let time = |seconds: i64| {
            DateTime::from_unix_nanoseconds(i128::from(seconds) * 1_000_000_000)
                .with_kind(DateTimeKind::Local)
        };
        let info = parsed.public_key();
        Ok(Self {
            subject: distinguished_name::text(parsed.subject()),
            issuer: distinguished_name::text(parsed.issuer()),
            serial: parsed.raw_serial().to_vec(),
            not_before: time(parsed.validity().not_before.timestamp()),
            not_after: time(parsed.validity().not_after.timestamp()),
            version: parsed.version().0 + 1,
            signature_algorithm: parsed.signature_algorithm.algorithm.to_id_string(),
            key_algorithm: info.algorithm.algorithm.to_id_string(),
            key_parameters: info
                .algorithm
                .parameters
                .as_ref()
                .and_then(|any| x509_parser::der_parser::asn1_rs::ToDer::to_der_vec(any).ok())
                .unwrap_or_default(),
            public_key: info.subject_public_key.data.to_vec(),
            public_info: info.raw.to_vec(),
            names: [subject_names(&parsed), names(parsed.issuer(), &Alternatives::default())],
            der: der.get(..parsed.as_raw().len()).unwrap_or(der).to_vec(),
            private,
        })
    }
}

#[derive(Default)]
struct Alternatives {
    email: Option<String>,
    dns: Option<String>,
    url: Option<String>,
}

fn subject_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut found = Alternatives::default();
    if let Ok(Some(extension)) = certificate.subject_alternative_name() {
        for name in &extension.value.general_names {
            let slot = match name {
                GeneralName::RFC822Name(text) => (&mut found.email, *text),
                GeneralName::DNSName(text) => (&mut found.dns, *text),
                GeneralName::URI(text) => (&mut found.url, *text),
                _ => continue,
            };
            slot.0.get_or_insert_with(|| slot.1.to_owned());
        }
    }
    names(certificate.subject(), &found)
}

/// In the order of [`NameKind`].
fn names(name: &x509_parser::prelude::X509Name<'_>, found: &Alternatives) -> Vec<String> {
    let first = |keys: &[&str]| distinguished_name::first(name, keys);
    let simple = first(&["CN", "OU", "O", "E"]).or_else(|| found.email.clone()).or_else(|| found.dns.clone());
    let email = found.email.clone().or_else(|| first(&["E"]));
    let dns = found.dns.clone().or_else(|| first(&["CN"]));
    [simple, email, None, dns, found.dns.clone(), found.url.clone()].map(Option::unwrap_or_default).to_vec()
}

/// The first certificate of a PEM text.
fn pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.split_once("-----BEGIN CERTIFICATE-----")?.1;
    from_base64(body.split_once("-----END CERTIFICATE-----")?.0).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect::<String>()
        .to_ascii_uppercase()
}

impl PartialEq for Certificate {
    /// `Equals`: the same encoding.
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl std::fmt::Display for Certificate {
    /// `ToString()`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sections = [
            ("Subject", self.subject().to_owned()),
            ("Issuer", self.issuer().to_owned()),
            ("Serial Number", self.serial_number()),
            ("Not Before", self.not_before().to_string()),
            ("Not After", self.not_after().to_string()),
            ("Thumbprint", self.thumbprint()),
        ];
        let lines: Vec<String> =
            sections.iter().map(|(title, value)| format!("[{title}]\n  {value}\n")).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pfx(text: &str) -> Vec<u8> {
        from_base64(text).unwrap()
    }

    /// A certificate with its key, made by OpenSSL.
    pub(in super::super) fn sample() -> Certificate {
        Certificate::parse_with_password(&pfx(include_str!("modern.pfx.txt")), "secret").unwrap()
    }

    #[test]
    fn fields_are_those_of_dotnet() {
        let certificate = sample();
        let name =
            "E=ops@example.org, CN=gateway.example, OU=Two + OU=Unit, O=\"Acme, Inc.\", S=Utrecht, C=NL";
        assert_eq!((certificate.subject(), certificate.issuer()), (name, name));
        assert_eq!(certificate.serial_number(), "00A1B2C3D4");
        assert_eq!(certificate.thumbprint(), "5BB32855699C41E87F65888A6CCED879D1F02DDB");
        assert_eq!(certificate.not_before().to_text("o").unwrap(), "2026-11-24T05:09:02.0000000+00:00");
        assert_eq!(certificate.not_after().to_string(), "10/31/2126 05:09:02");
        assert_eq!(certificate.signature_algorithm_name(), "sha256RSA");
        assert_eq!((certificate.version(), certificate.key_algorithm()), (3, "1.2.840.113549.1.1.1"));
        assert_eq!(certificate.name_info(NameKind::SimpleName, false), "gateway.example");
        assert_eq!(certificate.name_info(NameKind::EmailName, false), "a@b.c");
        assert_eq!(certificate.name_info(NameKind::DnsFromAlternativeName, false), "gateway.example");
        assert_eq!(certificate.name_info(NameKind::DnsFromAlternativeName, true), "");
        assert!(certificate.to_string().starts_with(&format!("[Subject]\n  {name}\n\n[Issuer]\n")));
        assert!(certificate.has_private_key());
    }

    #[test]
    fn every_form_of_a_certificate_is_read() {
        let certificate = sample();
        let legacy =
            Certificate::parse_with_password(&pfx(include_str!("legacy.pfx.txt")), "secret").unwrap();
        assert_eq!(legacy, certificate);
        assert!(legacy.has_private_key());
        let plain = Certificate::parse(certificate.der()).unwrap();
        assert!(plain == certificate && !plain.has_private_key());
        let body = crate::clr::encoding::to_base64_lines(certificate.der());
        let pem = format!("x\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(Certificate::parse(pem.as_bytes()).unwrap(), certificate);
        let signature = certificate
            .private_key()
            .unwrap()
            .sign(b"x", HashAlgorithm::Sha256, super::super::SignaturePadding::Pkcs1)
            .unwrap();
        let public = plain.public_key().unwrap();
        assert!(
            public
                .verify(b"x", &signature, HashAlgorithm::Sha256, super::super::SignaturePadding::Pkcs1)
                .unwrap()
        );
    }

    #[test]
    fn a_wrong_password_is_an_error() {
        let bytes = pfx(include_str!("modern.pfx.txt"));
        let error = Certificate::parse_with_password(&bytes, "wrong").unwrap_err();
        assert!(error.message.contains("password"), "{error}");
        assert!(Certificate::parse(b"").is_err() && Certificate::parse(b"text").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damaged_certificates_are_answered(place in 0_usize..900, byte: u8) {
            let mut der = sample().der().to_vec();
            der[place] = byte;
            if let Ok(read) = Certificate::parse(&der) {
                let _ = (read.to_string(), read.public_key());
            }
        }
    }
}
