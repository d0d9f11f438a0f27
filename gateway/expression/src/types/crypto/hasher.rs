//! `HashAlgorithm`, `KeyedHashAlgorithm` and `HMAC`: at once, or block by block.

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use super::{NAMESPACE, charged, rsa};
use crate::clr::crypto::HashAlgorithm;
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

pub(in super::super) static HASHERS: &[TypeTable] = &[
    TypeTable {
        header: "abstract class System.Security.Cryptography.HashAlgorithm : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("byte[] ComputeHash(byte[] buffer)", |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let this = a.object::<Hasher>(0)?;
                this.pending.borrow_mut().clear();
                Ok(this.finish(&bytes))
            }),
            m("byte[] ComputeHash(byte[] buffer, int offset, int count)", |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let this = a.object::<Hasher>(0)?;
                this.pending.borrow_mut().clear();
                Ok(this.finish(rsa::range(a, &bytes, 2)?))
            }),
            m(
                "int TransformBlock(byte[] inputBuffer, int inputOffset, int inputCount, byte[] outputBuffer, int outputOffset)",
                |vm, a| {
                    let bytes = charged(vm, a, 1)?;
                    let part = rsa::range(a, &bytes, 2)?;
                    let this = a.object::<Hasher>(0)?;
                    this.pending.borrow_mut().extend(part);
                    this.is_open.set(true);
                    if let Value::Array(target) = a.at(4) {
                        let items: Vec<Value> = part.iter().map(|byte| Value::U8(*byte)).collect();
                        let at = Value::Array(std::rc::Rc::clone(target));
                        super::super::collection::range::copy(vm, &items, &at, a.i32(5)?)?;
                    }
                    Ok(Value::I32(part.len() as i32))
                },
            ),
            m("byte[] TransformFinalBlock(byte[] inputBuffer, int inputOffset, int inputCount)", |vm, a| {
                let bytes = charged(vm, a, 1)?;
                let part = rsa::range(a, &bytes, 2)?;
                a.object::<Hasher>(0)?.finish(part);
                Ok(Value::bytes(part.to_vec()))
            }),
            m("byte[] Hash { get; }", |_, a| {
                let this = a.object::<Hasher>(0)?;
                if this.is_open.get() {
                    let problem = "Hash must be finalized before the hash value is retrieved.";
                    return Err(Fault::new(
                        "System.Security.Cryptography.CryptographicUnexpectedOperationException",
                        problem,
                    ));
                }
                Ok(this.last.borrow().clone().map_or(Value::Null, Value::bytes))
            }),
            m("void Initialize()", initialize),
            m("int HashSize { get; }", |_, a| Ok(Value::I32(a.object::<Hasher>(0)?.algorithm.bits() as i32))),
            m("int InputBlockSize { get; }", |_, _| Ok(Value::I32(1))),
            m("int OutputBlockSize { get; }", |_, _| Ok(Value::I32(1))),
            m("bool CanTransformMultipleBlocks { get; }", |_, _| Ok(Value::Bool(true))),
            m("bool CanReuseTransform { get; }", |_, _| Ok(Value::Bool(true))),
            m("void Clear()", |_, _| Ok(Value::Null)),
            m("void Dispose()", |_, _| Ok(Value::Null)),
            m("static HashAlgorithm Create()", no_default),
            m("static HashAlgorithm Create(string hashName)", |_, a| Ok(create(a.str(0)?.as_str(), ""))),
        ],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.KeyedHashAlgorithm : System.Security.Cryptography.HashAlgorithm",
        allow: Allow::All,
        members: &[
            rw(
                "byte[] Key { get; set; }",
                |_, a| {
                    let key = a.object::<Hasher>(0)?.key.as_ref().map(|key| key.borrow().clone());
                    Ok(key.map_or(Value::Null, Value::bytes))
                },
                |_, a| {
                    if let Some(key) = &a.object::<Hasher>(0)?.key {
                        *key.borrow_mut() = a.bytes(1)?;
                    }
                    Ok(Value::Null)
                },
            ),
            m("static KeyedHashAlgorithm Create()", no_default),
            m("static KeyedHashAlgorithm Create(string algName)", |_, a| {
                Ok(create(a.str(0)?.as_str(), "HMAC"))
            }),
        ],
    },
    TypeTable {
        header: "abstract class System.Security.Cryptography.HMAC : System.Security.Cryptography.KeyedHashAlgorithm",
        allow: Allow::All,
        members: &[
            rw(
                "string HashName { get; set; }",
                |vm, a| vm.text(a.object::<Hasher>(0)?.algorithm.name()),
                |_, a| {
                    let same = a.opt_str(1).is_some_and(|name| {
                        a.object::<Hasher>(0)
                            .is_ok_and(|own| own.algorithm.name().eq_ignore_ascii_case(name.as_str()))
                    });
                    let problem = "Cannot change the hash algorithm of an HMAC.";
                    if same {
                        Ok(Value::Null)
                    } else {
                        Err(Fault::new("System.PlatformNotSupportedException", problem))
                    }
                },
            ),
            m("void Initialize()", initialize),
            m("static HMAC Create()", no_default),
            m("static HMAC Create(string algorithmName)", |_, a| Ok(create(a.str(0)?.as_str(), "HMAC"))),
        ],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.HMACSHA1",
        allow: Allow::All,
        members: &[m("new(byte[] key, bool useManagedSha1)", |_, a| {
            Ok(hasher("HMACSHA1", HashAlgorithm::Sha1, Some(a.bytes(0)?)))
        })],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.HMACSHA384",
        allow: Allow::All,
        members: &[rw("bool ProduceLegacyHmacValues { get; set; }", |_, _| Ok(Value::Bool(false)), legacy)],
    },
    TypeTable {
        header: "partial class System.Security.Cryptography.HMACSHA512",
        allow: Allow::All,
        members: &[rw("bool ProduceLegacyHmacValues { get; set; }", |_, _| Ok(Value::Bool(false)), legacy)],
    },
];

/// A hash or a keyed hash.
pub(super) struct Hasher {
    class: &'static str,
    algorithm: HashAlgorithm,
    key: Option<RefCell<Vec<u8>>>,
    /// What blocks have brought so far.
    pending: RefCell<Vec<u8>>,
    /// Blocks came, and the last one not yet.
    is_open: Cell<bool>,
    last: RefCell<Option<Vec<u8>>>,
}

impl Hasher {
    /// The hash of what blocks brought and the last part.
    fn finish(&self, part: &[u8]) -> Value {
        let mut bytes = self.pending.take();
        bytes.extend(part);
        let hash = match &self.key {
            Some(key) => self.algorithm.hmac(&key.borrow(), &bytes),
            None => self.algorithm.hash(&bytes),
        };
        self.is_open.set(false);
        *self.last.borrow_mut() = Some(hash.clone());
        Value::bytes(hash)
    }
}

impl Object for Hasher {
    fn ty(&self) -> Type {
        library().named(&format!("{NAMESPACE}.{}", self.class))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn hasher(class: &'static str, algorithm: HashAlgorithm, key: Option<Vec<u8>>) -> Value {
    Value::object(Hasher {
        class,
        algorithm,
        key: key.map(RefCell::new),
        pending: RefCell::default(),
        is_open: Cell::new(false),
        last: RefCell::default(),
    })
}

pub(super) fn initialize(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let this = a.object::<Hasher>(0)?;
    this.pending.borrow_mut().clear();
    this.is_open.set(false);
    Ok(Value::Null)
}

fn no_default(_vm: &mut Vm<'_>, _a: &Args<'_>) -> Result<Value, Fault> {
    let problem = "This platform does not allow the automatic selection of an algorithm.";
    Err(Fault::new("System.PlatformNotSupportedException", problem))
}

/// An algorithm by its name, null when there is none of the kind.
fn create(name: &str, kind: &str) -> Value {
    let short = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase().replace('-', "");
    let hash = short.strip_prefix("HMAC");
    let Ok(algorithm) = HashAlgorithm::by_name(hash.unwrap_or(&short)) else { return Value::Null };
    if hash.is_none() {
        return if kind.is_empty() { hasher(algorithm.name(), algorithm, None) } else { Value::Null };
    }
    let class = match algorithm {
        HashAlgorithm::Md5 => "HMACMD5",
        HashAlgorithm::Sha1 => "HMACSHA1",
        HashAlgorithm::Sha256 => "HMACSHA256",
        HashAlgorithm::Sha384 => "HMACSHA384",
        HashAlgorithm::Sha512 => "HMACSHA512",
    };
    let mut key = vec![0; algorithm.hmac_key_bytes()];
    match crate::clr::crypto::random_bytes(&mut key) {
        Ok(()) => hasher(class, algorithm, Some(key)),
        Err(_) => Value::Null,
    }
}

fn legacy(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.bool(1)? {
        Err(Fault::new(
            "System.PlatformNotSupportedException",
            "Operation is not supported on this platform.",
        ))
    } else {
        Ok(Value::Null)
    }
}
