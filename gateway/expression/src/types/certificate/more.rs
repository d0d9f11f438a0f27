//! The members of certificates and object identifiers that policies name seldom. Files are out of reach.

use super::super::crypto::{hash_algorithm, rsa_key, rsa_value};
use super::super::{Allow, Args, TypeTable, m, rw};
use super::{OIDS, Oid, made, made_by, own};
use crate::clr::crypto::Certificate;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::Value;

const IMMUTABLE: &str =
    "X509Certificate is immutable on this platform. Use the equivalent constructor instead.";

pub(in super::super) static MORE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Security.Cryptography.X509Certificates.X509ContentType { Unknown = 0, Cert = 1, SerializedCert = 2, Pfx = 3, Pkcs12 = 3, SerializedStore = 4, Pkcs7 = 5, Authenticode = 6 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum System.Security.Cryptography.X509Certificates.X509KeyStorageFlags { DefaultKeySet = 0, UserKeySet = 1, MachineKeySet = 2, Exportable = 4, UserProtected = 8, PersistKeySet = 16, EphemeralKeySet = 32 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.Security.Cryptography.OidGroup { All, HashAlgorithm, EncryptionAlgorithm, PublicKeyAlgorithm, SignatureAlgorithm, Attribute, ExtensionOrAttribute, EnhancedKeyUsage, Policy, Template, KeyDerivationFunction }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.X509Certificate",
        allow: Allow::All,
        members: &[
            m("new(byte[] rawData, string password)", of_bytes),
            m("new(byte[] rawData, string password, X509KeyStorageFlags keyStorageFlags)", of_bytes),
            m("new(X509Certificate cert)", |_, a| Ok(made_by(a, own(a)?.clone()))),
            m("void Reset()", |_, _| Ok(Value::Null)),
            m("void Dispose()", |_, _| Ok(Value::Null)),
            m("byte[] Export(X509ContentType contentType)", export),
            m("byte[] Export(X509ContentType contentType, string password)", export),
            m("string GetRawCertDataString()", |vm, a| vm.text(hex(own(a)?.der()))),
            m("byte[] GetCertHash(HashAlgorithmName hashAlgorithm)", |_, a| {
                Ok(Value::bytes(hash_algorithm(a, 1)?.hash(own(a)?.der())))
            }),
            m("string GetCertHashString(HashAlgorithmName hashAlgorithm)", |vm, a| {
                let hash = hash_algorithm(a, 1)?.hash(own(a)?.der());
                vm.text(hex(&hash))
            }),
            m("string GetFormat()", |_, _| Ok(Value::str("X509"))),
            m("byte[] GetKeyAlgorithmParameters()", |_, a| {
                Ok(Value::bytes(own(a)?.key_parameters().to_vec()))
            }),
            m("string GetKeyAlgorithmParametersString()", |vm, a| vm.text(hex(own(a)?.key_parameters()))),
            m("byte[] GetSerialNumber()", |_, a| {
                Ok(Value::bytes(own(a)?.serial_bytes().iter().rev().copied().collect()))
            }),
            m("string GetName()", |vm, a| vm.text(own(a)?.subject())),
            m("string GetIssuerName()", |vm, a| vm.text(own(a)?.issuer())),
            m("void Import(byte[] rawData)", immutable),
            m("void Import(byte[] rawData, string password, X509KeyStorageFlags keyStorageFlags)", immutable),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.X509Certificate2",
        allow: Allow::All,
        members: &[
            m("new(byte[] rawData, string password, X509KeyStorageFlags keyStorageFlags)", of_bytes),
            m("new(X509Certificate certificate)", |_, a| Ok(made(own(a)?.clone()))),
            m("void Reset()", |_, _| Ok(Value::Null)),
            rw(
                "bool Archived { get; set; }",
                |_, _| Ok(Value::Bool(false)),
                |_, _| Err(not_on_unix("The Archived property cannot be set on Unix.")),
            ),
            rw(
                "string FriendlyName { get; set; }",
                |_, _| Ok(Value::str("")),
                |_, _| Err(not_on_unix("The FriendlyName value cannot be set on Unix.")),
            ),
            rw(
                "System.Security.Cryptography.AsymmetricAlgorithm PrivateKey { get; set; }",
                |_, a| Ok(rsa_value(own(a)?.private_key())),
                immutable,
            ),
            m("static X509ContentType GetCertContentType(byte[] rawData)", |_, a| {
                let bytes = a.bytes(0)?;
                let kind = match Certificate::parse(&bytes) {
                    Ok(certificate) if bytes.starts_with(certificate.der()) || bytes.starts_with(b"-") => 1,
                    Ok(_) => 3,
                    // A container under a password cannot be looked into.
                    Err(_) if bytes.first() == Some(&0x30) => 3,
                    Err(error) => return Err(error.into()),
                };
                let def = super::class_type("X509ContentType").def();
                Ok(def.map_or(Value::Null, |def| Value::Enum(def, kind)))
            }),
            m("void Import(byte[] rawData)", immutable),
            m("void Import(byte[] rawData, string password, X509KeyStorageFlags keyStorageFlags)", immutable),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.RSACertificateExtensions",
        allow: Allow::All,
        members: &[m(
            "static X509Certificate2 CopyWithPrivateKey(this X509Certificate2 certificate, System.Security.Cryptography.RSA privateKey)",
            |vm, a| {
                let (certificate, key) = (own(a)?, rsa_key(vm, a.at(1))?);
                if certificate.has_private_key() {
                    return Err(Fault::invalid_operation(
                        "The certificate already has an associated private key.",
                    ));
                }
                let same = certificate.public_key().is_some_and(|own| own.public_der() == key.public_der());
                if !same {
                    let problem = "The provided key does not match the public key for this certificate.";
                    return Err(Fault::argument(problem, "privateKey"));
                }
                Ok(made(Certificate::with_private_key(certificate.der(), Some(key.private_info()?))?))
            },
        )],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.Oid",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Oid::new(None, None)))),
            m("new(Oid oid)", |_, a| {
                let other = a.object::<Oid>(0)?;
                Ok(Value::object(Oid::new(other.value(), other.name())))
            }),
            rw(
                "string Value { get; set; }",
                |_, a| Ok(text(a.object::<Oid>(0)?.value())),
                |_, a| {
                    a.object::<Oid>(0)?.set_value(a.opt_str(1).cloned());
                    Ok(Value::Null)
                },
            ),
            rw(
                "string FriendlyName { get; set; }",
                |_, a| Ok(text(a.object::<Oid>(0)?.name())),
                |_, a| {
                    a.object::<Oid>(0)?.set_name(a.opt_str(1).cloned());
                    Ok(Value::Null)
                },
            ),
            m("static Oid FromFriendlyName(string friendlyName, OidGroup group)", |_, a| {
                find(a.str(0)?, |(_, name), wanted| name.eq_ignore_ascii_case(wanted))
            }),
            m("static Oid FromOidValue(string oidValue, OidGroup group)", |_, a| {
                find(a.str(0)?, |(dotted, _), wanted| *dotted == wanted)
            }),
        ],
    },
];

fn text(text: Option<Text>) -> Value {
    text.map_or(Value::Null, Value::Str)
}

fn find(wanted: &Text, fits: fn(&(&str, &str), &str) -> bool) -> Result<Value, Fault> {
    let found = OIDS.iter().find(|known| fits(known, wanted.as_str()));
    let (dotted, name) = found.ok_or_else(|| {
        Fault::new(
            "System.Security.Cryptography.CryptographicException",
            "The specified OID is not a known OID.",
        )
    })?;
    Ok(Value::object(Oid::new(Some(Text::from(*dotted)), Some(Text::from(*name)))))
}

fn hex(bytes: &[u8]) -> String {
    crate::clr::bit_converter::text(bytes).replace('-', "")
}

fn of_bytes(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let password = a.opt_str(1).map_or("", Text::as_str);
    Ok(made_by(a, Certificate::parse_with_password(&a.bytes(0)?, password)?))
}

fn export(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let problem = "Error occurred during a cryptographic operation.";
    let fail = |_| Fault::new("System.Security.Cryptography.CryptographicException", problem);
    own(a).map_err(fail)?;
    if a.i64(1)? == 1 {
        return Ok(Value::bytes(own(a)?.der().to_vec()));
    }
    Err(Fault::not_supported("Only X509ContentType.Cert can be exported."))
}

pub(super) fn immutable(_vm: &mut Vm<'_>, _a: &Args<'_>) -> Result<Value, Fault> {
    Err(Fault::new("System.PlatformNotSupportedException", IMMUTABLE))
}

fn not_on_unix(problem: &str) -> Fault {
    Fault::new("System.PlatformNotSupportedException", problem)
}
