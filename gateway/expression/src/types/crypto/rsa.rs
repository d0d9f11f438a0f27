//! `RSA` and `AsymmetricAlgorithm`: keys made, imported and exported, and what they tell of themselves.

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use super::{Named, charged, hash_algorithm, named, private_work, signature};
use crate::clr::crypto::{RsaKey, RsaNumbers};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

const ASYMMETRIC: &str = "System.Security.Cryptography.AsymmetricAlgorithm";

/// A number of an `RSAParameters`, read and written as it is.
macro_rules! part {
    ($signature:literal, $field:ident) => {
        rw(
            $signature,
            |_, a| number(&a.object::<Parameters>(0)?.0.borrow().$field),
            |_, a| {
                a.object::<Parameters>(0)?.0.borrow_mut().$field = a.at(1).as_bytes().unwrap_or_default();
                Ok(Value::Null)
            },
        )
    };
}

pub(in super::super) static RSA_KEYS: &[TypeTable] = &[
    TypeTable {
        header: "struct System.Security.Cryptography.RSAParameters",
        allow: Allow::None,
        members: &[
            part!("byte[] Modulus { get; set; }", modulus),
            part!("byte[] Exponent { get; set; }", exponent),
            part!("byte[] D { get; set; }", d),
            part!("byte[] P { get; set; }", p),
            part!("byte[] Q { get; set; }", q),
            part!("byte[] DP { get; set; }", dp),
            part!("byte[] DQ { get; set; }", dq),
            part!("byte[] InverseQ { get; set; }", inverse_q),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.KeySizes",
        allow: Allow::None,
        members: &[
            m("int MinSize { get; }", |_, a| Ok(Value::I32(a.object::<Sizes>(0)?.0))),
            m("int MaxSize { get; }", |_, a| Ok(Value::I32(a.object::<Sizes>(0)?.1))),
            m("int SkipSize { get; }", |_, a| Ok(Value::I32(a.object::<Sizes>(0)?.2))),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.AsymmetricAlgorithm",
        allow: Allow::All,
        members: &[
            rw(
                "int KeySize { get; set; }",
                |_, a| Ok(Value::I32(a.object::<Rsa>(0)?.bits())),
                |_, a| {
                    let own = a.object::<Rsa>(0)?;
                    own.size.set(a.i32(1)?);
                    own.key.borrow_mut().take();
                    Ok(Value::Null)
                },
            ),
            m("KeySizes[] LegalKeySizes { get; }", |_, _| Ok(sizes(&[(2048, 3072, 1024)]))),
            m("string SignatureAlgorithm { get; }", |_, _| Ok(Value::str("RSA"))),
            m("string KeyExchangeAlgorithm { get; }", |_, _| Ok(Value::str("RSA"))),
            m("static AsymmetricAlgorithm Create()", |_, _| {
                let problem = "This platform does not allow the automatic selection of an algorithm.";
                Err(Fault::new("System.PlatformNotSupportedException", problem))
            }),
            m("static AsymmetricAlgorithm Create(string algName)", create_named),
            m("void FromXmlString(string xmlString)", |vm, a| {
                private_work(vm)?;
                a.object::<Rsa>(0)?.set(RsaKey::from_xml(a.str(1)?.as_str())?);
                Ok(Value::Null)
            }),
            m("string ToXmlString(bool includePrivateParameters)", |vm, a| {
                let text = key(vm, a)?.to_xml(a.bool(1)?)?;
                vm.text(text)
            }),
            m("void Clear()", |_, _| Ok(Value::Null)),
            m("void Dispose()", |_, _| Ok(Value::Null)),
            m("byte[] ExportPkcs8PrivateKey()", |vm, a| {
                Ok(Value::bytes(key(vm, a)?.private_info()?.to_vec()))
            }),
            m("byte[] ExportSubjectPublicKeyInfo()", |vm, a| {
                Ok(Value::bytes(key(vm, a)?.public_der().to_vec()))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.RSA",
        allow: Allow::All,
        members: &[
            m("static RSA Create()", |_, _| Ok(Value::object(Rsa::of_size(2048)))),
            m("static RSA Create(int keySizeInBits)", |_, a| Ok(Value::object(Rsa::of_size(a.i32(0)?)))),
            m("static RSA Create(string algName)", create_named),
            m("static RSA Create(RSAParameters parameters)", |vm, a| {
                private_work(vm)?;
                let numbers = a.object::<Parameters>(0)?.0.borrow();
                Ok(rsa_value(Some(RsaKey::from_parameters(&numbers)?)))
            }),
            m("RSAParameters ExportParameters(bool includePrivateParameters)", |vm, a| {
                let numbers = key(vm, a)?.parameters(a.bool(1)?)?;
                Ok(Value::object(Parameters(RefCell::new(numbers))))
            }),
            m("void ImportParameters(RSAParameters parameters)", |vm, a| {
                private_work(vm)?;
                let made = RsaKey::from_parameters(&a.object::<Parameters>(1)?.0.borrow())?;
                a.object::<Rsa>(0)?.set(made);
                Ok(Value::Null)
            }),
            m("byte[] ExportRSAPrivateKey()", |vm, a| Ok(Value::bytes(key(vm, a)?.private_der()?.to_vec()))),
            m("byte[] ExportRSAPublicKey()", |vm, a| Ok(Value::bytes(key(vm, a)?.public_pkcs1()?))),
            m("byte[] DecryptValue(byte[] rgb)", |_, _| {
                Err(Fault::not_supported("Method is not supported."))
            }),
            m("byte[] EncryptValue(byte[] rgb)", |_, _| {
                Err(Fault::not_supported("Method is not supported."))
            }),
            m("string SignatureAlgorithm { get; }", |_, _| Ok(Value::str("RSA"))),
            m("string KeyExchangeAlgorithm { get; }", |_, _| Ok(Value::str("RSA"))),
            m("void FromXmlString(string xmlString)", |vm, a| {
                private_work(vm)?;
                a.object::<Rsa>(0)?.set(RsaKey::from_xml(a.str(1)?.as_str())?);
                Ok(Value::Null)
            }),
            m("string ToXmlString(bool includePrivateParameters)", |vm, a| {
                let text = key(vm, a)?.to_xml(a.bool(1)?)?;
                vm.text(text)
            }),
            m(
                "byte[] SignData(byte[] data, int offset, int count, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
                |vm, a| {
                    let bytes = charged(vm, a, 1)?;
                    let part = range(a, &bytes, 2)?;
                    private_work(vm)?;
                    Ok(Value::bytes(key(vm, a)?.sign(part, hash_algorithm(a, 4)?, signature(a, 5)?)?))
                },
            ),
            m(
                "bool VerifyData(byte[] data, int offset, int count, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
                |vm, a| {
                    let bytes = charged(vm, a, 1)?;
                    let part = range(a, &bytes, 2)?;
                    let key = key(vm, a)?;
                    Ok(Value::Bool(key.verify(
                        part,
                        &a.bytes(4)?,
                        hash_algorithm(a, 5)?,
                        signature(a, 6)?,
                    )?))
                },
            ),
        ],
    },
    TypeTable {
        header: "enum System.Security.Cryptography.RSASignaturePaddingMode { Pkcs1, Pss }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.Security.Cryptography.RSAEncryptionPaddingMode { Pkcs1, Oaep }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.RSASignaturePadding",
        allow: Allow::All,
        members: &[m("RSASignaturePaddingMode Mode { get; }", |_, a| {
            mode("RSASignaturePaddingMode", a.object::<Named>(0)?.1 == "Pss")
        })],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.RSAEncryptionPadding",
        allow: Allow::All,
        members: &[
            m("RSAEncryptionPaddingMode Mode { get; }", |_, a| {
                mode("RSAEncryptionPaddingMode", a.object::<Named>(0)?.1.starts_with("Oaep"))
            }),
            m("HashAlgorithmName OaepHashAlgorithm { get; }", |_, a| {
                let name = a.object::<Named>(0)?.1.strip_prefix("Oaep").unwrap_or_default();
                Ok(named("HashAlgorithmName", name))
            }),
            m("static RSAEncryptionPadding CreateOaep(HashAlgorithmName hashAlgorithm)", |_, a| {
                let name = &a.object::<Named>(0)?.1;
                if name.is_empty() {
                    return Err(Fault::argument(
                        "The hash algorithm name cannot be null or empty.",
                        "hashAlgorithm",
                    ));
                }
                Ok(named("RSAEncryptionPadding", &format!("Oaep{name}")))
            }),
        ],
    },
];

/// An RSA key as a value; one that `Create()` gives is made when it is first used.
pub(super) struct Rsa {
    size: Cell<i32>,
    key: RefCell<Option<RsaKey>>,
}

impl Rsa {
    fn of_size(bits: i32) -> Self {
        Self { size: Cell::new(bits), key: RefCell::new(None) }
    }

    fn set(&self, key: RsaKey) {
        *self.key.borrow_mut() = Some(key);
    }

    fn bits(&self) -> i32 {
        self.key.borrow().as_ref().map_or(self.size.get(), |key| key.bits() as i32)
    }
}

impl Object for Rsa {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.RSA")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `RSAParameters`.
struct Parameters(RefCell<RsaNumbers>);

impl Object for Parameters {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.RSAParameters")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `KeySizes`.
struct Sizes(i32, i32, i32);

impl Object for Sizes {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.KeySizes")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `KeySizes[]` of least, most and step.
pub(super) fn sizes(list: &[(i32, i32, i32)]) -> Value {
    let items = list.iter().map(|(least, most, step)| Value::object(Sizes(*least, *most, *step))).collect();
    Value::array(library().named("System.Security.Cryptography.KeySizes"), items)
}

pub(in super::super) fn rsa_value(key: Option<RsaKey>) -> Value {
    key.map_or(Value::Null, |key| {
        Value::object(Rsa { size: Cell::new(key.bits() as i32), key: RefCell::new(Some(key)) })
    })
}

/// The key behind an argument that is one.
pub(in super::super) fn rsa_key(vm: &mut Vm<'_>, value: &Value) -> Result<RsaKey, Fault> {
    let Some(own) = value.downcast::<Rsa>() else { return Err(Fault::argument_null("privateKey")) };
    made(vm, own)
}

/// The receiver's key.
pub(super) fn key(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<RsaKey, Fault> {
    made(vm, a.object::<Rsa>(0)?)
}

/// A new key takes the time of some hundred thousand steps, the more the longer it is.
fn made(vm: &mut Vm<'_>, own: &Rsa) -> Result<RsaKey, Fault> {
    if let Some(key) = &*own.key.borrow() {
        return Ok(key.clone());
    }
    vm.steps(match own.size.get() {
        2048 => 300_000,
        _ => 900_000,
    })?;
    let key = RsaKey::generate(own.size.get())?;
    own.set(key.clone());
    Ok(key)
}

/// A number of `RSAParameters`; null when it has none.
fn number(bytes: &[u8]) -> Result<Value, Fault> {
    Ok(if bytes.is_empty() { Value::Null } else { Value::bytes(bytes.to_vec()) })
}

fn create_named(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let name = a.str(0)?.as_str();
    let short = name.rsplit('.').next().unwrap_or(name);
    let known = short.eq_ignore_ascii_case("RSA") || name == ASYMMETRIC;
    Ok(if known { Value::object(Rsa::of_size(2048)) } else { Value::Null })
}

fn mode(name: &str, second: bool) -> Result<Value, Fault> {
    let def = library().named(&format!("System.Security.Cryptography.{name}")).def();
    Ok(def.map_or(Value::Null, |def| Value::Enum(def, i64::from(second))))
}

/// A part of bytes; the arguments are its start and its length.
pub(super) fn range<'b>(a: &Args<'_>, bytes: &'b [u8], at: usize) -> Result<&'b [u8], Fault> {
    let problem = || {
        Fault::argument(
            "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.",
            "",
        )
    };
    let start = usize::try_from(a.i32(at)?).map_err(|_| problem())?;
    let end = usize::try_from(a.i32(at + 1)?).ok().and_then(|count| start.checked_add(count));
    bytes.get(start..end.ok_or_else(problem)?).ok_or_else(problem)
}
