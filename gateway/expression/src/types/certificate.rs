//! `X509Certificate2` and its relatives (expressions.md §2.8, §6.9).

mod more;
mod rare;

pub(super) use more::MORE;
pub(super) use rare::{EMPTY, RARE};

use std::any::Any;
use std::cell::RefCell;

use super::crypto::rsa_value;
use super::format::date_value;
use super::{Allow, Args, Member, Type, TypeTable, library, m};
use crate::clr::crypto::{self, Certificate, NameKind};
use crate::host::{self, Host};
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Kind, Object, Value};

const NAMESPACE: &str = "System.Security.Cryptography.X509Certificates";

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Security.Cryptography.X509Certificates.X509NameType { SimpleName, EmailName, UpnName, DnsName, DnsFromAlternativeName, UrlName }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X500DistinguishedName",
        allow: Allow::Only(&["Name"]),
        members: &[m("string Name { get; }", |vm, a| vm.text(a.object::<DistinguishedName>(0)?.0.as_str()))],
    },
    TypeTable {
        header: "class System.Security.Cryptography.Oid",
        allow: Allow::All,
        members: &[
            m("new(string oid)", |_, a| {
                let text = a.str(0)?;
                let found = OIDS.iter().find(|(dotted, name)| [*dotted, *name].contains(&text.as_str()));
                Ok(Value::object(match found {
                    Some((dotted, name)) => Oid::new(Some(Text::from(*dotted)), Some(Text::from(*name))),
                    None => Oid::new(Some(text.clone()), None),
                }))
            }),
            m("new(string value, string friendlyName)", |_, a| {
                Ok(Value::object(Oid::new(a.opt_str(0).cloned(), a.opt_str(1).cloned())))
            }),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.PublicKey",
        allow: Allow::All,
        members: &[
            m("Oid Oid { get; }", |_, a| Ok(named_oid(&a.object::<PublicKey>(0)?.algorithm))),
            m("System.Security.Cryptography.RSA GetRSAPublicKey()", |_, a| {
                Ok(rsa_value(a.object::<PublicKey>(0)?.rsa.clone()))
            }),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509Certificate : System.IDisposable",
        allow: Allow::All,
        members: BASE,
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509Certificate2 : System.Security.Cryptography.X509Certificates.X509Certificate",
        allow: Allow::All,
        members: MEMBERS,
    },
    TypeTable {
        header: "static class System.Security.Cryptography.X509Certificates.RSACertificateExtensions",
        allow: Allow::All,
        members: &[
            m(
                "static System.Security.Cryptography.RSA GetRSAPrivateKey(this X509Certificate2 certificate)",
                |_, a| Ok(rsa_value(own(a)?.private_key())),
            ),
            m(
                "static System.Security.Cryptography.RSA GetRSAPublicKey(this X509Certificate2 certificate)",
                |_, a| Ok(rsa_value(own(a)?.public_key())),
            ),
        ],
    },
    TypeTable {
        header: "static class Microsoft.Azure.ApiManagement.CertificateExtensions",
        allow: Allow::All,
        members: &[m("static bool VerifyNoRevocation(this X509Certificate2 certificate)", verify)],
    },
];

const BASE: &[Member] = &[
    m("new(byte[] data)", |_, a| Ok(made_by(a, Certificate::parse(&a.bytes(0)?)?))),
    m("string Subject { get; }", |vm, a| vm.text(own(a)?.subject())),
    m("string Issuer { get; }", |vm, a| vm.text(own(a)?.issuer())),
    m("byte[] GetCertHash()", |_, a| Ok(Value::bytes(own(a)?.hash()))),
    m("string GetCertHashString()", |vm, a| vm.text(own(a)?.thumbprint())),
    m("byte[] GetRawCertData()", |_, a| Ok(Value::bytes(own(a)?.der().to_vec()))),
    m("byte[] GetPublicKey()", |_, a| Ok(Value::bytes(own(a)?.public_key_bytes().to_vec()))),
    m("string GetPublicKeyString()", |vm, a| vm.text(own(a)?.public_key_string())),
    m("string GetSerialNumberString()", |vm, a| vm.text(own(a)?.serial_number())),
    m("string GetKeyAlgorithm()", |vm, a| vm.text(own(a)?.key_algorithm())),
    m("string GetEffectiveDateString()", |vm, a| vm.text(own(a)?.not_before().to_text("")?)),
    m("string GetExpirationDateString()", |vm, a| vm.text(own(a)?.not_after().to_text("")?)),
];

const MEMBERS: &[Member] = &[
    m("new(byte[] rawData)", |_, a| Ok(made(Certificate::parse(&a.bytes(0)?)?))),
    m("new(byte[] rawData, string password)", |_, a| {
        let password = a.opt_str(1).map_or("", Text::as_str);
        Ok(made(Certificate::parse_with_password(&a.bytes(0)?, password)?))
    }),
    m("string Thumbprint { get; }", |vm, a| vm.text(own(a)?.thumbprint())),
    m("string SerialNumber { get; }", |vm, a| vm.text(own(a)?.serial_number())),
    m("X500DistinguishedName SubjectName { get; }", |_, a| {
        Ok(Value::object(DistinguishedName(own(a)?.subject().to_owned())))
    }),
    m("X500DistinguishedName IssuerName { get; }", |_, a| {
        Ok(Value::object(DistinguishedName(own(a)?.issuer().to_owned())))
    }),
    m("System.DateTime NotBefore { get; }", |_, a| Ok(date_value(own(a)?.not_before()))),
    m("System.DateTime NotAfter { get; }", |_, a| Ok(date_value(own(a)?.not_after()))),
    m("int Version { get; }", |_, a| Ok(Value::I32(own(a)?.version() as i32))),
    m("byte[] RawData { get; }", |_, a| Ok(Value::bytes(own(a)?.der().to_vec()))),
    m("bool HasPrivateKey { get; }", |_, a| Ok(Value::Bool(own(a)?.has_private_key()))),
    m("Oid SignatureAlgorithm { get; }", |_, a| {
        let certificate = own(a)?;
        let (value, name) = (certificate.signature_algorithm(), certificate.signature_algorithm_name());
        Ok(Value::object(Oid::new(Some(Text::from(value)), Some(Text::from(name)))))
    }),
    m("PublicKey PublicKey { get; }", |_, a| {
        let own = own(a)?;
        Ok(Value::object(PublicKey {
            algorithm: own.key_algorithm().to_owned(),
            parameters: own.key_parameters().to_vec(),
            value: own.public_key_bytes().to_vec(),
            rsa: own.public_key(),
        }))
    }),
    m("string GetNameInfo(X509NameType nameType, bool forIssuer)", |vm, a| {
        let kind = match a.i64(1)? {
            0 => NameKind::SimpleName,
            1 => NameKind::EmailName,
            2 => NameKind::UpnName,
            3 => NameKind::DnsName,
            4 => NameKind::DnsFromAlternativeName,
            _ => NameKind::UrlName,
        };
        vm.text(own(a)?.name_info(kind, a.bool(2)?))
    }),
    m("bool Verify()", verify),
];

/// A certificate; without content it is what `new X509Certificate2()` makes.
struct CertificateObject {
    certificate: Option<Certificate>,
    /// Made as `X509Certificate`.
    is_base: bool,
}

struct DistinguishedName(String);

/// `Oid`: the dotted numbers and the name for people.
struct Oid(RefCell<Option<Text>>, RefCell<Option<Text>>);

impl Oid {
    fn new(value: Option<Text>, name: Option<Text>) -> Self {
        Self(RefCell::new(value), RefCell::new(name))
    }

    fn value(&self) -> Option<Text> {
        self.0.borrow().clone()
    }

    fn name(&self) -> Option<Text> {
        self.1.borrow().clone()
    }

    fn set_value(&self, value: Option<Text>) {
        *self.0.borrow_mut() = value;
    }

    fn set_name(&self, name: Option<Text>) {
        *self.1.borrow_mut() = name;
    }
}

/// The algorithms that policies name.
const OIDS: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.1", "RSA"),
    ("2.5.29.14", "Subject Key Identifier"),
    ("2.5.29.15", "Key Usage"),
    ("2.5.29.17", "Subject Alternative Name"),
    ("2.5.29.19", "Basic Constraints"),
    ("2.5.29.31", "CRL Distribution Points"),
    ("2.5.29.32", "Certificate Policies"),
    ("2.5.29.35", "Authority Key Identifier"),
    ("2.5.29.37", "Enhanced Key Usage"),
    ("1.3.6.1.5.5.7.1.1", "Authority Information Access"),
    ("1.2.840.113549.1.1.5", "sha1RSA"),
    ("1.2.840.113549.1.1.11", "sha256RSA"),
    ("1.2.840.113549.1.1.12", "sha384RSA"),
    ("1.2.840.113549.1.1.13", "sha512RSA"),
    ("1.2.840.113549.2.5", "md5"),
    ("1.3.14.3.2.26", "sha1"),
    ("2.16.840.1.101.3.4.2.1", "sha256"),
    ("2.16.840.1.101.3.4.2.2", "sha384"),
    ("2.16.840.1.101.3.4.2.3", "sha512"),
];

struct PublicKey {
    algorithm: String,
    parameters: Vec<u8>,
    value: Vec<u8>,
    rsa: Option<crypto::RsaKey>,
}

fn oid_name(dotted: &str) -> Option<&'static str> {
    OIDS.iter().find(|(known, _)| *known == dotted).map(|(_, name)| *name)
}

fn named_oid(dotted: &str) -> Value {
    Value::object(Oid::new(Some(Text::from(dotted)), oid_name(dotted).map(Text::from)))
}

fn class_type(name: &str) -> Type {
    library().named(&format!("{NAMESPACE}.{name}"))
}

pub(super) fn certificate_type() -> Type {
    class_type("X509Certificate2")
}

/// A certificate of the host; null when it cannot be read, which the host has checked.
pub(super) fn certificate_value(certificate: &host::Certificate) -> Value {
    Certificate::with_private_key(&certificate.der, certificate.private_key.as_deref())
        .map_or(Value::Null, made)
}

fn made(certificate: Certificate) -> Value {
    Value::object(CertificateObject { certificate: Some(certificate), is_base: false })
}

/// Of the class whose constructor runs.
fn made_by(a: &Args<'_>, certificate: Certificate) -> Value {
    Value::object(CertificateObject { certificate: Some(certificate), is_base: is_base(a) })
}

fn empty(a: &Args<'_>) -> Value {
    Value::object(CertificateObject { certificate: None, is_base: is_base(a) })
}

fn is_base(a: &Args<'_>) -> bool {
    library().get(a.member.owner).name == "X509Certificate"
}

fn own<'a>(a: &Args<'a>) -> Result<&'a Certificate, Fault> {
    let found = a.object::<CertificateObject>(0)?.certificate.as_ref();
    let problem = "m_safeCertContext is an invalid handle.";
    found.ok_or_else(|| Fault::new("System.Security.Cryptography.CryptographicException", problem))
}

/// The chain up to a root that the host trusts. Revocation lists need the network: they are not consulted.
fn verify(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    vm.steps(10_000)?;
    let mut roots = Vec::new();
    vm.host.trusted_roots(&mut |der| roots.extend(Certificate::parse(der).ok()));
    let now = super::format::date(vm.host.now_ticks(), Kind::Utc)?;
    Ok(Value::Bool(crypto::verify_chain(own(a)?, &[], &roots, now)))
}

impl Object for CertificateObject {
    fn ty(&self) -> Type {
        if self.is_base { class_type("X509Certificate") } else { certificate_type() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        match &self.certificate {
            Some(certificate) if !self.is_base => Text::from(certificate.to_string()),
            _ => Text::from(self.ty().clr_name()),
        }
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.certificate == self.certificate))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.certificate.as_ref().map_or(0, |own| Value::str(&own.thumbprint()).hash_code()))
    }
}

impl Object for DistinguishedName {
    fn ty(&self) -> Type {
        class_type("X500DistinguishedName")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Oid {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.Oid")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for PublicKey {
    fn ty(&self) -> Type {
        class_type("PublicKey")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
