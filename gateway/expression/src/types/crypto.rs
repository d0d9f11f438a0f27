//! `System.Security.Cryptography` and the model's cipher helpers (expressions.md §2.8, §6.9).

mod hasher;
mod rsa;
mod symmetric;

pub(super) use hasher::HASHERS;
pub(super) use rsa::{RSA_KEYS, rsa_key, rsa_value};
pub(super) use symmetric::SYMMETRIC;

use std::any::Any;

use hasher::hasher;
use rsa::key;

use super::{Allow, Args, Member, Type, TypeTable, library, m};
use crate::clr::crypto::{self, EncryptionPadding, HashAlgorithm, SignaturePadding};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

const NAMESPACE: &str = "System.Security.Cryptography";

/// A hash class, its `Create()`, and `HMAC…` of it.
macro_rules! hashes {
    ($($class:literal, $managed:literal, $hmac:literal, $algorithm:ident;)*) => {
        pub(super) static HASHES: &[TypeTable] = &[$(
            TypeTable {
                header: concat!("class System.Security.Cryptography.", $class, " : System.Security.Cryptography.HashAlgorithm"),
                allow: Allow::All,
                members: &[
                    m(concat!("static ", $class, " Create()"), |_, _| Ok(hasher($class, HashAlgorithm::$algorithm, None))),
                    m(concat!("static ", $class, " Create(string hashName)"), |_, a| {
                        let named = HashAlgorithm::by_name(a.str(0)?.as_str()).ok();
                        let fits = named == Some(HashAlgorithm::$algorithm);
                        Ok(if fits { hasher($class, HashAlgorithm::$algorithm, None) } else { Value::Null })
                    }),
                    m("static byte[] HashData(byte[] source)", |vm, a| {
                        let bytes = charged(vm, a, 0)?;
                        Ok(Value::bytes(HashAlgorithm::$algorithm.hash(&bytes)))
                    }),
                ],
            },
            TypeTable {
                header: concat!("class System.Security.Cryptography.", $managed, " : System.Security.Cryptography.", $class),
                allow: Allow::All,
                members: &[
                    m("new()", |_, _| Ok(hasher($managed, HashAlgorithm::$algorithm, None))),
                    m("void Initialize()", hasher::initialize),
                ],
            },
            TypeTable {
                header: concat!("class System.Security.Cryptography.", $hmac, " : System.Security.Cryptography.HMAC"),
                allow: Allow::All,
                members: &[
                    m("new()", |_, _| {
                        let mut key = vec![0; HashAlgorithm::$algorithm.hmac_key_bytes()];
                        crypto::random_bytes(&mut key)?;
                        Ok(hasher($hmac, HashAlgorithm::$algorithm, Some(key)))
                    }),
                    m("new(byte[] key)", |_, a| Ok(hasher($hmac, HashAlgorithm::$algorithm, Some(a.bytes(0)?)))),
                    m("void Initialize()", hasher::initialize),
                    m("static byte[] HashData(byte[] key, byte[] source)", |vm, a| {
                        let bytes = charged(vm, a, 1)?;
                        Ok(Value::bytes(HashAlgorithm::$algorithm.hmac(&a.bytes(0)?, &bytes)))
                    }),
                ],
            },
        )*];
    };
}

hashes! {
    "MD5", "MD5CryptoServiceProvider", "HMACMD5", Md5;
    "SHA1", "SHA1Managed", "HMACSHA1", Sha1;
    "SHA256", "SHA256Managed", "HMACSHA256", Sha256;
    "SHA384", "SHA384Managed", "HMACSHA384", Sha384;
    "SHA512", "SHA512Managed", "HMACSHA512", Sha512;
}

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Security.Cryptography.CipherMode { CBC = 1, ECB = 2, OFB = 3, CFB = 4, CTS = 5 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum System.Security.Cryptography.PaddingMode { None = 1, PKCS7 = 2, Zeros = 3, ANSIX923 = 4, ISO10126 = 5 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "struct System.Security.Cryptography.HashAlgorithmName",
        allow: Allow::All,
        members: &[
            m("new(string name)", |_, a| {
                Ok(Value::object(Named("HashAlgorithmName", a.str(0)?.as_str().to_owned())))
            }),
            m("static HashAlgorithmName MD5 { get; }", |_, _| Ok(named("HashAlgorithmName", "MD5"))),
            m("static HashAlgorithmName SHA1 { get; }", |_, _| Ok(named("HashAlgorithmName", "SHA1"))),
            m("static HashAlgorithmName SHA256 { get; }", |_, _| Ok(named("HashAlgorithmName", "SHA256"))),
            m("static HashAlgorithmName SHA384 { get; }", |_, _| Ok(named("HashAlgorithmName", "SHA384"))),
            m("static HashAlgorithmName SHA512 { get; }", |_, _| Ok(named("HashAlgorithmName", "SHA512"))),
            m("string Name { get; }", |vm, a| vm.text(a.object::<Named>(0)?.1.as_str())),
            m("static bool operator ==(HashAlgorithmName left, HashAlgorithmName right)", |_, a| {
                Ok(Value::Bool(a.at(0).equals(a.at(1))))
            }),
            m("static bool operator !=(HashAlgorithmName left, HashAlgorithmName right)", |_, a| {
                Ok(Value::Bool(!a.at(0).equals(a.at(1))))
            }),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.RSASignaturePadding",
        allow: Allow::All,
        members: &[
            m("static RSASignaturePadding Pkcs1 { get; }", |_, _| Ok(named("RSASignaturePadding", "Pkcs1"))),
            m("static RSASignaturePadding Pss { get; }", |_, _| Ok(named("RSASignaturePadding", "Pss"))),
        ],
    },
    TypeTable {
        header: "class System.Security.Cryptography.RSAEncryptionPadding",
        allow: Allow::All,
        members: &[
            m("static RSAEncryptionPadding Pkcs1 { get; }", |_, _| {
                Ok(named("RSAEncryptionPadding", "Pkcs1"))
            }),
            m("static RSAEncryptionPadding OaepSHA1 { get; }", |_, _| {
                Ok(named("RSAEncryptionPadding", "OaepSHA1"))
            }),
            m("static RSAEncryptionPadding OaepSHA256 { get; }", |_, _| {
                Ok(named("RSAEncryptionPadding", "OaepSHA256"))
            }),
            m("static RSAEncryptionPadding OaepSHA384 { get; }", |_, _| {
                Ok(named("RSAEncryptionPadding", "OaepSHA384"))
            }),
            m("static RSAEncryptionPadding OaepSHA512 { get; }", |_, _| {
                Ok(named("RSAEncryptionPadding", "OaepSHA512"))
            }),
        ],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.AsymmetricAlgorithm : System.IDisposable",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.RSA : System.Security.Cryptography.AsymmetricAlgorithm",
        allow: Allow::All,
        members: RSA,
    },
    TypeTable {
        header: "class System.Security.Cryptography.CspParameters",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Security.Cryptography.RNGCryptoServiceProvider : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(named("RNGCryptoServiceProvider", ""))),
            m("new(string str)", |_, _| Ok(named("RNGCryptoServiceProvider", ""))),
            m("new(byte[] rgb)", |_, _| Ok(named("RNGCryptoServiceProvider", ""))),
            m("new(CspParameters cspParams)", |_, _| Ok(named("RNGCryptoServiceProvider", ""))),
            m("void GetBytes(byte[] data)", |_, a| random_bytes(a, None, false)),
            m("void GetNonZeroBytes(byte[] data)", |_, a| random_bytes(a, None, true)),
            m("void GetBytes(byte[] data, int offset, int count)", |_, a| random_bytes(a, Some(2), false)),
            m("void Dispose()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "static class Microsoft.Azure.ApiManagement.CipherExtensions",
        allow: Allow::All,
        members: &[
            m("static byte[] Encrypt(this byte[] input, string alg, byte[] key, byte[] iv)", |vm, a| {
                let bytes = charged(vm, a, 0)?;
                Ok(Value::bytes(crypto::encrypt(&bytes, a.str(1)?.as_str(), &a.bytes(2)?, &a.bytes(3)?)?))
            }),
            m("static byte[] Decrypt(this byte[] input, string alg, byte[] key, byte[] iv)", |vm, a| {
                let bytes = charged(vm, a, 0)?;
                Ok(Value::bytes(crypto::decrypt(&bytes, a.str(1)?.as_str(), &a.bytes(2)?, &a.bytes(3)?)?))
            }),
        ],
    },
];

const RSA: &[Member] = &[
    m(
        "byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            let bytes = charged(vm, a, 1)?;
            private_work(vm)?;
            Ok(Value::bytes(key(vm, a)?.sign(&bytes, hash_algorithm(a, 2)?, signature(a, 3)?)?))
        },
    ),
    m(
        "byte[] SignHash(byte[] hash, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            private_work(vm)?;
            Ok(Value::bytes(key(vm, a)?.sign_hash(&a.bytes(1)?, hash_algorithm(a, 2)?, signature(a, 3)?)?))
        },
    ),
    m(
        "bool VerifyData(byte[] data, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            let bytes = charged(vm, a, 1)?;
            Ok(Value::Bool(key(vm, a)?.verify(
                &bytes,
                &a.bytes(2)?,
                hash_algorithm(a, 3)?,
                signature(a, 4)?,
            )?))
        },
    ),
    m(
        "bool VerifyHash(byte[] hash, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            Ok(Value::Bool(key(vm, a)?.verify_hash(
                &a.bytes(1)?,
                &a.bytes(2)?,
                hash_algorithm(a, 3)?,
                signature(a, 4)?,
            )?))
        },
    ),
    m("byte[] Encrypt(byte[] data, RSAEncryptionPadding padding)", |vm, a| {
        let bytes = charged(vm, a, 1)?;
        Ok(Value::bytes(key(vm, a)?.encrypt(&bytes, encryption(a, 2)?)?))
    }),
    m("byte[] Decrypt(byte[] data, RSAEncryptionPadding padding)", |vm, a| {
        private_work(vm)?;
        Ok(Value::bytes(key(vm, a)?.decrypt(&a.bytes(1)?, encryption(a, 2)?)?))
    }),
];

/// A value that is a name: hash names and paddings.
struct Named(&'static str, String);

impl Object for Named {
    fn ty(&self) -> Type {
        library().named(&format!("{NAMESPACE}.{}", self.0))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn crate::host::Host>) -> crate::text::Text {
        if self.1.is_empty() {
            return crate::text::Text::from(self.ty().clr_name());
        }
        crate::text::Text::from(self.1.as_str())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0 && o.1 == self.1))
    }
}

fn named(class: &'static str, name: &str) -> Value {
    Value::object(Named(class, name.to_owned()))
}

/// The bytes of an argument, charged as work and memory.
fn charged(vm: &mut Vm<'_>, a: &Args<'_>, index: usize) -> Result<Vec<u8>, Fault> {
    let bytes = a.bytes(index)?;
    vm.charge(bytes.len())?;
    vm.steps(bytes.len() as u64 / 64)?;
    Ok(bytes)
}

/// Fills a `byte[]` or the part of it that two arguments name.
fn random_bytes(a: &Args<'_>, part: Option<usize>, without_zero: bool) -> Result<Value, Fault> {
    let mut bytes = a.bytes(1)?;
    let (start, count) = match part {
        Some(at) => (a.i32(at)? as usize, rsa::range(a, &bytes, at)?.len()),
        None => (0, bytes.len()),
    };
    for slot in bytes.iter_mut().skip(start).take(count) {
        let mut fresh = [0];
        while {
            crypto::random_bytes(&mut fresh)?;
            without_zero && fresh == [0]
        } {}
        [*slot] = fresh;
    }
    if let Value::Array(target) = a.at(1) {
        target.replace(bytes.into_iter().map(Value::U8).collect());
    }
    Ok(Value::Null)
}

/// A private-key operation takes about a millisecond: what ten thousand steps take.
fn private_work(vm: &mut Vm<'_>) -> Result<(), Fault> {
    vm.steps(10_000)
}

pub(super) fn hash_algorithm(a: &Args<'_>, index: usize) -> Result<HashAlgorithm, Fault> {
    Ok(HashAlgorithm::by_name(&a.object::<Named>(index)?.1)?)
}

fn signature(a: &Args<'_>, index: usize) -> Result<SignaturePadding, Fault> {
    Ok(if a.object::<Named>(index)?.1 == "Pss" { SignaturePadding::Pss } else { SignaturePadding::Pkcs1 })
}

fn encryption(a: &Args<'_>, index: usize) -> Result<EncryptionPadding, Fault> {
    let name = a.object::<Named>(index)?.1.as_str();
    Ok(match name.strip_prefix("Oaep") {
        Some(hash) => EncryptionPadding::Oaep(HashAlgorithm::by_name(hash)?),
        None => EncryptionPadding::Pkcs1,
    })
}
