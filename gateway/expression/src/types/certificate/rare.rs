//! Certificates without content, of files, of which policies have none; extensions; the encoded parts of public keys.

use std::any::Any;
use std::rc::Rc;

use super::super::crypto::rsa_value;
use super::super::{Allow, Args, Type, TypeTable, library, m};
use super::{CertificateObject, NAMESPACE, Oid, PublicKey, class_type, empty, named_oid, own};
use crate::clr::crypto::{Certificate, Extension, NameKind, RsaKey};
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

/// What Windows says about a file that is not there.
const NO_FILE: &str = "The system cannot find the file specified.";

macro_rules! certificates {
    ($($class:literal),*) => {
        pub(in super::super) static EMPTY: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class System.Security.Cryptography.X509Certificates.", $class),
            allow: Allow::All,
            members: &[
                m("new()", |_, a| Ok(empty(a))),
                m("new(string fileName)", |_, a| no_file(a, 0)),
                m("new(string fileName, string password)", |_, a| no_file(a, 0)),
                m("new(string fileName, string password, X509KeyStorageFlags keyStorageFlags)", |_, a| no_file(a, 0)),
                m("void Import(string fileName)", super::more::immutable),
                m(
                    "void Import(string fileName, string password, X509KeyStorageFlags keyStorageFlags)",
                    super::more::immutable,
                ),
                m("string ToString(bool verbose)", |vm, a| {
                    let text = shown(vm, a)?;
                    vm.text(text)
                }),
            ],
        }),*];
    };
}

certificates! { "X509Certificate", "X509Certificate2" }

pub(in super::super) static RARE: &[TypeTable] = &[
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.X509Certificate",
        allow: Allow::All,
        members: &[
            m("static X509Certificate CreateFromCertFile(string filename)", |_, a| no_file(a, 0)),
            m("static X509Certificate CreateFromSignedFile(string filename)", |_, a| no_file(a, 0)),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.X509Certificate2",
        allow: Allow::All,
        members: &[
            m("static X509ContentType GetCertContentType(string fileName)", |_, a| no_file(a, 0)),
            m("X509ExtensionCollection Extensions { get; }", |vm, a| {
                let found: Vec<Extension> = own(a)?.extensions();
                vm.charge(own(a)?.der().len())?;
                let items = found.into_iter().map(|one| Value::object(ExtensionObject(one))).collect();
                Ok(Value::object(Extensions(items)))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.X509Certificates.PublicKey",
        allow: Allow::All,
        members: &[
            m(
                "new(System.Security.Cryptography.Oid oid, System.Security.Cryptography.AsnEncodedData parameters, System.Security.Cryptography.AsnEncodedData keyValue)",
                |_, a| {
                    let algorithm = a.object::<Oid>(0)?.value().unwrap_or_else(|| Text::from(""));
                    let (parameters, value) = (a.object::<Encoded>(1)?, a.object::<Encoded>(2)?);
                    let key = RsaKey::from_public_der(&value.1).ok();
                    Ok(Value::object(PublicKey {
                        algorithm: algorithm.as_str().to_owned(),
                        parameters: parameters.1.to_vec(),
                        value: value.1.to_vec(),
                        rsa: key.filter(|_| algorithm.as_str() == RSA),
                    }))
                },
            ),
            m("System.Security.Cryptography.AsnEncodedData EncodedKeyValue { get; }", |_, a| {
                let key = a.object::<PublicKey>(0)?;
                Ok(encoded(&key.algorithm, &key.value))
            }),
            m("System.Security.Cryptography.AsnEncodedData EncodedParameters { get; }", |_, a| {
                let key = a.object::<PublicKey>(0)?;
                Ok(encoded(&key.algorithm, &key.parameters))
            }),
            m("System.Security.Cryptography.AsymmetricAlgorithm Key { get; }", |_, a| {
                Ok(rsa_value(a.object::<PublicKey>(0)?.rsa.clone()))
            }),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.AsnEncodedData",
        allow: Allow::None,
        members: &[
            m("byte[] RawData { get; }", |_, a| {
                let extension = a.this().downcast::<ExtensionObject>().map(|one| one.0.value.clone());
                Ok(Value::bytes(match extension {
                    Some(value) => value,
                    None => a.object::<Encoded>(0)?.1.to_vec(),
                }))
            }),
            m("Oid Oid { get; }", |_, a| {
                let extension = a.this().downcast::<ExtensionObject>().map(|one| one.0.oid.clone());
                Ok(named_oid(&match extension {
                    Some(oid) => oid,
                    None => a.object::<Encoded>(0)?.0.clone(),
                }))
            }),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509Extension : System.Security.Cryptography.AsnEncodedData",
        allow: Allow::None,
        members: &[m("bool Critical { get; }", |_, a| {
            Ok(Value::Bool(a.object::<ExtensionObject>(0)?.0.critical))
        })],
    },
    TypeTable {
        header: "class System.Security.Cryptography.X509Certificates.X509ExtensionCollection : System.Collections.Generic.IEnumerable<X509Extension>",
        allow: Allow::None,
        members: &[
            m("int Count { get; }", |_, a| Ok(Value::I32(a.object::<Extensions>(0)?.0.len() as i32))),
            m("X509Extension this[int index] { get; }", |_, a| {
                let found = usize::try_from(a.i32(1)?)
                    .ok()
                    .and_then(|index| a.object::<Extensions>(0).ok()?.0.get(index));
                found.cloned().ok_or_else(Fault::index_argument)
            }),
            m("X509Extension this[string oid] { get; }", |_, a| {
                let wanted = a.str(1)?.as_str();
                let fits =
                    |item: &&Value| item.downcast::<ExtensionObject>().is_some_and(|one| one.0.oid == wanted);
                Ok(a.object::<Extensions>(0)?.0.iter().find(fits).cloned().unwrap_or(Value::Null))
            }),
        ],
    },
];

const RSA: &str = "1.2.840.113549.1.1.1";

/// `AsnEncodedData`: an object identifier and DER.
struct Encoded(String, Rc<[u8]>);

struct ExtensionObject(Extension);

struct Extensions(Vec<Value>);

impl Object for Encoded {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.AsnEncodedData")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for ExtensionObject {
    fn ty(&self) -> Type {
        class_type("X509Extension")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Extensions {
    fn ty(&self) -> Type {
        library().named(&format!("{NAMESPACE}.X509ExtensionCollection"))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(ValuesIter::boxed(self.0.clone())))
    }
}

fn encoded(algorithm: &str, der: &[u8]) -> Value {
    Value::object(Encoded(algorithm.to_owned(), der.into()))
}

fn no_file(a: &Args<'_>, index: usize) -> Result<Value, Fault> {
    a.str(index)?;
    Err(Fault::new("System.Security.Cryptography.CryptographicException", NO_FILE))
}

/// `ToString(verbose)`: what the class says of itself, or all of the certificate.
fn shown(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<String, Fault> {
    let object = a.object::<CertificateObject>(0)?;
    let (Some(certificate), true) = (&object.certificate, a.bool(1)?) else {
        return Ok(vm.to_text(a.this())?.as_str().to_owned());
    };
    vm.charge(certificate.der().len() * 4)?;
    Ok(if object.is_base { certificate.to_string() } else { verbose(certificate) })
}

fn verbose(certificate: &Certificate) -> String {
    let hex = |bytes: &[u8]| crate::clr::bit_converter::text(bytes).replace('-', "");
    let names = |name: &str, for_issuer: bool| {
        let kinds = [
            ("Simple Name", NameKind::SimpleName),
            ("Email Name", NameKind::EmailName),
            ("DNS Name", NameKind::DnsName),
        ];
        let lines = kinds.iter().map(|(title, kind)| (title, certificate.name_info(*kind, for_issuer)));
        let lines: String = lines
            .filter(|(_, text)| !text.is_empty())
            .map(|(title, text)| format!("\n  {title}: {text}"))
            .collect();
        format!("{name}{lines}")
    };
    let algorithm = certificate.signature_algorithm();
    let key = certificate.key_algorithm();
    let length =
        certificate.public_key().map(|key| format!("\n  Length: {}", key.bits())).unwrap_or_default();
    let sections = [
        ("Version", format!("V{}", certificate.version())),
        ("Subject", names(certificate.subject(), false)),
        ("Issuer", names(certificate.issuer(), true)),
        ("Serial Number", certificate.serial_number()),
        ("Not Before", certificate.not_before().to_string()),
        ("Not After", certificate.not_after().to_string()),
        ("Thumbprint", certificate.thumbprint()),
        ("Signature Algorithm", format!("{}({algorithm})", certificate.signature_algorithm_name())),
        (
            "Public Key",
            format!(
                "Algorithm: {}{length}\n  Key Blob: {}\n  Parameters: {}",
                super::oid_name(key).unwrap_or(key),
                certificate.public_key_string(),
                hex(certificate.key_parameters())
            ),
        ),
    ];
    let mut text: String =
        sections.iter().map(|(title, value)| format!("[{title}]\n  {value}\n\n")).collect();
    let extensions = certificate.extensions();
    if extensions.is_empty() {
        text.truncate(text.len() - 1);
        return text;
    }
    text.push_str("[Extensions]\n");
    for one in extensions {
        let name = super::oid_name(&one.oid).unwrap_or_default();
        text.push_str(&format!("* {name}({}):\n  {}\n", one.oid, hex(&one.value)));
    }
    text
}
