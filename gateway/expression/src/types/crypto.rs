//! `System.Security.Cryptography` and the model's cipher helpers (expressions.md §2.8, §6.9).

use std::any::Any;
use std::cell::RefCell;

use super::{Allow, Args, Member, Type, TypeTable, library, m, rw};
use crate::clr::crypto::{self, EncryptionPadding, HashAlgorithm, RsaKey, SignaturePadding};
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
                    m("static byte[] HashData(byte[] source)", |vm, a| {
                        let bytes = charged(vm, a, 0)?;
                        Ok(Value::bytes(HashAlgorithm::$algorithm.hash(&bytes)))
                    }),
                ],
            },
            TypeTable {
                header: concat!("class System.Security.Cryptography.", $managed, " : System.Security.Cryptography.", $class),
                allow: Allow::All,
                members: &[m("new()", |_, _| Ok(hasher($managed, HashAlgorithm::$algorithm, None)))],
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
        header: "abstract class System.Security.Cryptography.HashAlgorithm : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("byte[] ComputeHash(byte[] buffer)", |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let this = a.object::<Hasher>(0)?;
                Ok(Value::bytes(match &this.key {
                    Some(key) => this.algorithm.hmac(&key.borrow(), &bytes),
                    None => this.algorithm.hash(&bytes),
                }))
            }),
            m("byte[] ComputeHash(byte[] buffer, int offset, int count)", |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let range = || {
                    Fault::argument(
                        "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.",
                        "",
                    )
                };
                let start = usize::try_from(a.i32(2)?).map_err(|_| range())?;
                let end =
                    usize::try_from(a.i32(3)?).ok().and_then(|c| start.checked_add(c)).ok_or_else(range)?;
                let part = bytes.get(start..end).ok_or_else(range)?;
                let this = a.object::<Hasher>(0)?;
                Ok(Value::bytes(match &this.key {
                    Some(key) => this.algorithm.hmac(&key.borrow(), part),
                    None => this.algorithm.hash(part),
                }))
            }),
            m("int HashSize { get; }", |_, a| Ok(Value::I32(a.object::<Hasher>(0)?.algorithm.bits() as i32))),
            m("void Clear()", |_, _| Ok(Value::Null)),
            m("static HashAlgorithm Create(string hashName)", |_, a| {
                let algorithm = HashAlgorithm::by_name(a.str(0)?.as_str())?;
                Ok(hasher(algorithm.name(), algorithm, None))
            }),
        ],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.KeyedHashAlgorithm : System.Security.Cryptography.HashAlgorithm",
        allow: Allow::All,
        members: &[rw(
            "byte[] Key { get; set; }",
            |_, a| {
                Ok(a.object::<Hasher>(0)?
                    .key
                    .as_ref()
                    .map_or(Value::Null, |key| Value::bytes(key.borrow().clone())))
            },
            |_, a| {
                if let Some(key) = &a.object::<Hasher>(0)?.key {
                    *key.borrow_mut() = a.bytes(1)?;
                }
                Ok(Value::Null)
            },
        )],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.HMAC : System.Security.Cryptography.KeyedHashAlgorithm",
        allow: Allow::All,
        members: &[m("string HashName { get; }", |vm, a| vm.text(a.object::<Hasher>(0)?.algorithm.name()))],
    },
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
        members: &[m("int KeySize { get; }", |_, a| Ok(Value::I32(a.object::<Rsa>(0)?.0.bits() as i32)))],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.RSA : System.Security.Cryptography.AsymmetricAlgorithm",
        allow: Allow::All,
        members: RSA,
    },
    TypeTable {
        header: "class System.Security.Cryptography.RNGCryptoServiceProvider : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(named("RNGCryptoServiceProvider", ""))),
            m("void GetBytes(byte[] data)", |_, a| {
                let Value::Array(target) = a.at(1) else { return Err(a.null(1)) };
                let mut bytes = vec![0; target.len()];
                crypto::random_bytes(&mut bytes)?;
                target.replace(bytes.into_iter().map(Value::U8).collect());
                Ok(Value::Null)
            }),
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
            Ok(Value::bytes(key(a)?.sign(&bytes, algorithm(a, 2)?, signature(a, 3)?)?))
        },
    ),
    m(
        "byte[] SignHash(byte[] hash, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            private_work(vm)?;
            Ok(Value::bytes(key(a)?.sign_hash(&a.bytes(1)?, algorithm(a, 2)?, signature(a, 3)?)?))
        },
    ),
    m(
        "bool VerifyData(byte[] data, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |vm, a| {
            let bytes = charged(vm, a, 1)?;
            Ok(Value::Bool(key(a)?.verify(&bytes, &a.bytes(2)?, algorithm(a, 3)?, signature(a, 4)?)?))
        },
    ),
    m(
        "bool VerifyHash(byte[] hash, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)",
        |_, a| {
            Ok(Value::Bool(key(a)?.verify_hash(
                &a.bytes(1)?,
                &a.bytes(2)?,
                algorithm(a, 3)?,
                signature(a, 4)?,
            )?))
        },
    ),
    m("byte[] Encrypt(byte[] data, RSAEncryptionPadding padding)", |vm, a| {
        let bytes = charged(vm, a, 1)?;
        Ok(Value::bytes(key(a)?.encrypt(&bytes, encryption(a, 2)?)?))
    }),
    m("byte[] Decrypt(byte[] data, RSAEncryptionPadding padding)", |vm, a| {
        private_work(vm)?;
        Ok(Value::bytes(key(a)?.decrypt(&a.bytes(1)?, encryption(a, 2)?)?))
    }),
];

struct Hasher {
    class: &'static str,
    algorithm: HashAlgorithm,
    key: Option<RefCell<Vec<u8>>>,
}

impl Object for Hasher {
    fn ty(&self) -> Type {
        library().named(&format!("{NAMESPACE}.{}", self.class))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn hasher(class: &'static str, algorithm: HashAlgorithm, key: Option<Vec<u8>>) -> Value {
    Value::object(Hasher { class, algorithm, key: key.map(RefCell::new) })
}

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
        crate::text::Text::from(self.1.as_str())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0 && o.1 == self.1))
    }
}

fn named(class: &'static str, name: &str) -> Value {
    Value::object(Named(class, name.to_owned()))
}

/// An RSA key as a value.
struct Rsa(RsaKey);

impl Object for Rsa {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.RSA")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn rsa_value(key: Option<RsaKey>) -> Value {
    key.map_or(Value::Null, |key| Value::object(Rsa(key)))
}

/// The bytes of an argument, charged as work and memory.
fn charged(vm: &mut Vm<'_>, a: &Args<'_>, index: usize) -> Result<Vec<u8>, Fault> {
    let bytes = a.bytes(index)?;
    vm.charge(bytes.len())?;
    vm.steps(bytes.len() as u64 / 64)?;
    Ok(bytes)
}

/// A private-key operation takes about a millisecond: what ten thousand steps take.
fn private_work(vm: &mut Vm<'_>) -> Result<(), Fault> {
    vm.steps(10_000)
}

fn key<'a>(a: &Args<'a>) -> Result<&'a RsaKey, Fault> {
    Ok(&a.object::<Rsa>(0)?.0)
}

fn algorithm(a: &Args<'_>, index: usize) -> Result<HashAlgorithm, Fault> {
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
