//! An `<identity>` and how a certificate matches it.

use gateway_expression::clr::crypto::{Certificate, has_signed};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::distinguished_name::canonical;
use crate::catalogue::{AttributeDef, Kind, optional};
use crate::certificates::plain_hex;
use crate::compile::Compiler;
use crate::exchange::ClientCertificate;
use crate::xml::Element;

pub const ATTRIBUTES: &[AttributeDef] = &[
    optional("thumbprint", Kind::Text),
    optional("serial-number", Kind::Text),
    optional("common-name", Kind::Text),
    optional("subject", Kind::Text),
    optional("dns-name", Kind::Text),
    optional("issuer-subject", Kind::Text),
    optional("issuer-thumbprint", Kind::Text),
    optional("issuer-certificate-id", Kind::Text),
];

/// What a certificate must be; everything that is given must match.
#[derive(Debug, Default)]
pub struct Identity {
    thumbprint: Option<String>,
    serial_number: Option<String>,
    common_name: Option<String>,
    subject: Option<Vec<Vec<String>>>,
    dns_name: Option<String>,
    issuer_subject: Option<Vec<Vec<String>>>,
    issuer_thumbprint: Option<String>,
    issuer: Option<Certificate>,
}

/// What is compared of a certificate.
pub struct Facts {
    certificate: Certificate,
    dns_names: Vec<String>,
    /// Certificates of the chain and of the authorities that have signed it.
    signers: Vec<Certificate>,
}

impl Identity {
    /// Reads the attributes; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let before = c.findings();
        let text = |name| element.attribute(name).map(|attribute| attribute.value.trim());
        if ATTRIBUTES.iter().all(|attribute| text(attribute.name).is_none()) {
            c.error("xsd", element.at, "The element 'identity' names nothing to compare.");
        }
        let by_id = text("issuer-certificate-id");
        if by_id.is_some() && (text("issuer-subject").is_some() || text("issuer-thumbprint").is_some()) {
            let message =
                "The attribute 'issuer-certificate-id' excludes 'issuer-subject' and 'issuer-thumbprint'.";
            c.error("xsd", element.at, message);
        }
        let issuer = by_id.and_then(|id| {
            let found = c.lookup.certificates().by_id(id).map(|stored| stored.certificate.clone());
            if found.is_none() {
                c.error("certificate-missing", element.at, format!("The certificate '{id}' does not exist."));
            }
            found
        });
        let identity = Self {
            thumbprint: text("thumbprint").map(plain_hex),
            serial_number: text("serial-number").map(plain_serial),
            common_name: text("common-name").map(str::to_owned),
            subject: name(element, "subject", c),
            dns_name: text("dns-name").map(str::to_owned),
            issuer_subject: name(element, "issuer-subject", c),
            issuer_thumbprint: text("issuer-thumbprint").map(plain_hex),
            issuer,
        };
        (c.findings() == before).then_some(identity)
    }

    pub fn matches(&self, facts: &Facts) -> bool {
        let own = &facts.certificate;
        let same = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(have))
        };
        let named = |wanted: &Option<Vec<Vec<String>>>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| canonical(have).as_ref() == Some(wanted))
        };
        same(&self.thumbprint, &own.thumbprint())
            && same(&self.serial_number, &plain_serial(&own.serial_number()))
            && same(&self.common_name, &common_name(own))
            && named(&self.subject, own.subject())
            && self
                .dns_name
                .as_ref()
                .is_none_or(|wanted| facts.dns_names.iter().any(|name| name.eq_ignore_ascii_case(wanted)))
            && named(&self.issuer_subject, own.issuer())
            && self
                .issuer_thumbprint
                .as_ref()
                .is_none_or(|wanted| facts.signers.iter().any(|signer| signer.thumbprint() == *wanted))
            && self.issuer.as_ref().is_none_or(|issuer| has_signed(issuer, own))
    }
}

fn name(element: &Element, attribute: &str, c: &mut Compiler<'_>) -> Option<Vec<Vec<String>>> {
    let attribute = element.attribute(attribute)?;
    let found = canonical(&attribute.value);
    if found.is_none() {
        let text = format!(
            "The '{}' attribute is no distinguished name: '{}' (CN=name, O=\"value, with comma\").",
            attribute.name, attribute.value
        );
        c.error("distinguished-name", attribute.at, text);
    }
    found
}

/// Hexadecimal without leading zeros, which tools show or not.
fn plain_serial(text: &str) -> String {
    plain_hex(text).trim_start_matches('0').to_owned()
}

/// The CN alone; `GetNameInfo` would fall back to other names.
fn common_name(certificate: &Certificate) -> String {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else { return String::new() };
    let first = parsed.subject().iter_common_name().next();
    first.and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned()
}

impl Facts {
    /// `None` when the certificate cannot be read.
    pub fn of(shown: &ClientCertificate, authorities: &[Vec<u8>]) -> Option<Self> {
        let certificate = Certificate::parse(&shown.leaf.der).ok()?;
        let (_, parsed) = X509Certificate::from_der(certificate.der()).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|extension| &extension.value.general_names);
        let dns_names = names
            .filter_map(|name| match name {
                GeneralName::DNSName(text) => Some((*text).to_owned()),
                _ => None,
            })
            .collect();
        let issuer = parsed.issuer().as_raw();
        let is_issuer = |der: &&Vec<u8>| {
            X509Certificate::from_der(der).is_ok_and(|(_, other)| other.subject().as_raw() == issuer)
        };
        let candidates = shown.intermediates.iter().chain(authorities).filter(is_issuer);
        let signers = candidates
            .filter_map(|der| Certificate::parse(der).ok())
            .filter(|signer| has_signed(signer, &certificate))
            .collect();
        Some(Self { certificate, dns_names, signers })
    }
}
