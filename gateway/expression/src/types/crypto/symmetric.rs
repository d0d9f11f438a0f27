//! `SymmetricAlgorithm`: AES with its keys, and the model's helpers that take one (expressions.md §2.8).

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use super::{charged, rsa};
use crate::clr::crypto;
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

const BLOCK_BYTES: usize = 16;

pub(in super::super) static SYMMETRIC: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Security.Cryptography.ICryptoTransform : System.IDisposable",
        allow: Allow::None,
        members: &[m(
            "byte[] TransformFinalBlock(byte[] inputBuffer, int inputOffset, int inputCount)",
            |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let this = a.object::<Transform>(0)?;
                transformed(rsa::range(a, &bytes, 2)?, this.encrypts, &this.key, &this.iv)
            },
        )],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.SymmetricAlgorithm : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("static SymmetricAlgorithm Create(string algName)", |_, a| {
                let name = a.str(0)?.as_str();
                let short = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
                let known = ["aes", "aesmanaged", "aescryptoserviceprovider", "rijndael", "rijndaelmanaged"];
                if !known.contains(&short.as_str()) {
                    return Ok(Value::Null);
                }
                Ok(Value::object(Symmetric::new()?))
            }),
            rw(
                "byte[] Key { get; set; }",
                |_, a| Ok(Value::bytes(own(a)?.key.borrow().clone())),
                |_, a| {
                    let key = a.bytes(1)?;
                    if ![16, 24, 32].contains(&key.len()) {
                        return Err(wrong("Specified key is not a valid size for this algorithm."));
                    }
                    *own(a)?.key.borrow_mut() = key;
                    Ok(Value::Null)
                },
            ),
            rw(
                "byte[] IV { get; set; }",
                |_, a| Ok(Value::bytes(own(a)?.iv.borrow().clone())),
                |_, a| {
                    let iv = a.bytes(1)?;
                    if iv.len() != BLOCK_BYTES {
                        return Err(wrong(
                            "Specified initialization vector (IV) does not match the block size for this algorithm.",
                        ));
                    }
                    *own(a)?.iv.borrow_mut() = iv;
                    Ok(Value::Null)
                },
            ),
            rw(
                "int KeySize { get; set; }",
                |_, a| Ok(Value::I32(own(a)?.key.borrow().len() as i32 * 8)),
                |_, a| {
                    let bits = a.i32(1)?;
                    if ![128, 192, 256].contains(&bits) {
                        return Err(wrong("Specified key is not a valid size for this algorithm."));
                    }
                    *own(a)?.key.borrow_mut() = random(bits as usize / 8)?;
                    Ok(Value::Null)
                },
            ),
            rw(
                "int BlockSize { get; set; }",
                |_, _| Ok(Value::I32(128)),
                |_, a| {
                    let problem = "Specified block size is not valid for this algorithm.";
                    if a.i32(1)? == 128 { Ok(Value::Null) } else { Err(wrong(problem)) }
                },
            ),
            rw(
                "int FeedbackSize { get; set; }",
                |_, a| Ok(Value::I32(own(a)?.feedback.get())),
                |_, a| {
                    own(a)?.feedback.set(a.i32(1)?);
                    Ok(Value::Null)
                },
            ),
            rw(
                "CipherMode Mode { get; set; }",
                |_, _| Ok(constant("CipherMode", 1)),
                |_, a| {
                    let problem = "Specified cipher mode is not valid for this algorithm.";
                    if a.i64(1)? == 1 { Ok(Value::Null) } else { Err(wrong(problem)) }
                },
            ),
            rw(
                "PaddingMode Padding { get; set; }",
                |_, _| Ok(constant("PaddingMode", 2)),
                |_, a| {
                    let problem = "Specified padding mode is not valid for this algorithm.";
                    if a.i64(1)? == 2 { Ok(Value::Null) } else { Err(wrong(problem)) }
                },
            ),
            m("KeySizes[] LegalKeySizes { get; }", |_, _| Ok(rsa::sizes(&[(128, 256, 64)]))),
            m("KeySizes[] LegalBlockSizes { get; }", |_, _| Ok(rsa::sizes(&[(128, 128, 0)]))),
            m("bool ValidKeySize(int bitLength)", |_, a| {
                Ok(Value::Bool([128, 192, 256].contains(&a.i32(1)?)))
            }),
            m("void GenerateKey()", |_, a| {
                let length = own(a)?.key.borrow().len();
                *own(a)?.key.borrow_mut() = random(length)?;
                Ok(Value::Null)
            }),
            m("void GenerateIV()", |_, a| {
                *own(a)?.iv.borrow_mut() = random(BLOCK_BYTES)?;
                Ok(Value::Null)
            }),
            m("ICryptoTransform CreateEncryptor()", |_, a| transform(a, true, None)),
            m("ICryptoTransform CreateDecryptor()", |_, a| transform(a, false, None)),
            m("ICryptoTransform CreateEncryptor(byte[] rgbKey, byte[] rgbIV)", |_, a| {
                transform(a, true, Some(1))
            }),
            m("ICryptoTransform CreateDecryptor(byte[] rgbKey, byte[] rgbIV)", |_, a| {
                transform(a, false, Some(1))
            }),
            m("void Clear()", |_, _| Ok(Value::Null)),
            m("void Dispose()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "partial class Microsoft.Azure.ApiManagement.CipherExtensions",
        allow: Allow::All,
        members: &[
            m("static byte[] Encrypt(this byte[] input, SymmetricAlgorithm alg)", |vm, a| {
                with_own(vm, a, true)
            }),
            m("static byte[] Decrypt(this byte[] input, SymmetricAlgorithm alg)", |vm, a| {
                with_own(vm, a, false)
            }),
            m(
                "static byte[] Encrypt(this byte[] input, SymmetricAlgorithm alg, byte[] key, byte[] iv)",
                |vm, a| {
                    let bytes = charged(vm, a, 0)?;
                    a.object::<Symmetric>(1)?;
                    transformed(&bytes, true, &a.bytes(2)?, &a.bytes(3)?)
                },
            ),
            m(
                "static byte[] Decrypt(this byte[] input, SymmetricAlgorithm alg, byte[] key, byte[] iv)",
                |vm, a| {
                    let bytes = charged(vm, a, 0)?;
                    a.object::<Symmetric>(1)?;
                    transformed(&bytes, false, &a.bytes(2)?, &a.bytes(3)?)
                },
            ),
        ],
    },
];

/// AES in CBC mode with PKCS #7 padding, which is all that there is.
struct Symmetric {
    key: RefCell<Vec<u8>>,
    iv: RefCell<Vec<u8>>,
    feedback: Cell<i32>,
}

impl Symmetric {
    fn new() -> Result<Self, Fault> {
        let (key, iv) = (RefCell::new(random(32)?), RefCell::new(random(BLOCK_BYTES)?));
        Ok(Self { key, iv, feedback: Cell::new(8) })
    }
}

impl Object for Symmetric {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.SymmetricAlgorithm")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An encryptor or decryptor.
struct Transform {
    encrypts: bool,
    key: Vec<u8>,
    iv: Vec<u8>,
}

impl Object for Transform {
    fn ty(&self) -> Type {
        library().named("System.Security.Cryptography.ICryptoTransform")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn own<'a>(a: &Args<'a>) -> Result<&'a Symmetric, Fault> {
    a.object::<Symmetric>(0)
}

fn wrong(problem: &str) -> Fault {
    Fault::new("System.Security.Cryptography.CryptographicException", problem)
}

fn random(length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    crypto::random_bytes(&mut bytes)?;
    Ok(bytes)
}

fn constant(name: &str, number: i64) -> Value {
    let def = library().named(&format!("System.Security.Cryptography.{name}")).def();
    def.map_or(Value::Null, |def| Value::Enum(def, number))
}

fn transform(a: &Args<'_>, encrypts: bool, given: Option<usize>) -> Result<Value, Fault> {
    let (key, iv) = match given {
        Some(at) => (a.bytes(at)?, a.bytes(at + 1)?),
        None => (own(a)?.key.borrow().clone(), own(a)?.iv.borrow().clone()),
    };
    Ok(Value::object(Transform { encrypts, key, iv }))
}

fn transformed(bytes: &[u8], encrypts: bool, key: &[u8], iv: &[u8]) -> Result<Value, Fault> {
    let made = if encrypts {
        crypto::encrypt(bytes, "Aes", key, iv)
    } else {
        crypto::decrypt(bytes, "Aes", key, iv)
    };
    Ok(Value::bytes(made?))
}

fn with_own(vm: &mut Vm<'_>, a: &Args<'_>, encrypts: bool) -> Result<Value, Fault> {
    let bytes = charged(vm, a, 0)?;
    let algorithm = a.object::<Symmetric>(1)?;
    transformed(&bytes, encrypts, &algorithm.key.borrow(), &algorithm.iv.borrow())
}
