//! The form of the library's tables, and what a native function receives.

use super::ty::{DefId, Type};
use crate::parser::signature::MemberKind;
use crate::run::{Fault, Vm};
use crate::syntax::Constant;
use crate::text::Text;
use crate::value::Value;

/// What a member does.
pub(crate) type Native = fn(&mut Vm<'_>, &Args<'_>) -> Result<Value, Fault>;

/// Which members policies may use when checked strictly (expressions.md §3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Allow {
    All,
    Only(&'static [&'static str]),
    /// Known to the binder only, so that its values have a type.
    None,
}

/// A constant of the library.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Literal {
    Char(u16),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
}

impl Literal {
    pub fn constant(self) -> Constant {
        match self {
            Self::Char(v) => Constant::Char(v),
            Self::I8(v) => Constant::I8(v),
            Self::U8(v) => Constant::U8(v),
            Self::I16(v) => Constant::I16(v),
            Self::U16(v) => Constant::U16(v),
            Self::I32(v) => Constant::I32(v),
            Self::U32(v) => Constant::U32(v),
            Self::I64(v) => Constant::I64(v),
            Self::U64(v) => Constant::U64(v),
            Self::F32(v) => Constant::F32(v),
            Self::F64(v) => Constant::F64(v),
        }
    }
}

/// A type of the library as its file declares it.
pub(crate) struct TypeTable {
    pub header: &'static str,
    pub allow: Allow,
    pub members: &'static [Member],
}

/// A member as its file declares it.
pub(crate) struct Member {
    pub signature: &'static str,
    pub run: Native,
    pub set: Option<Native>,
    pub constant: Option<Literal>,
}

/// A method, constructor, operator, or read-only property.
pub(crate) const fn m(signature: &'static str, run: Native) -> Member {
    Member { signature, run, set: None, constant: None }
}

/// A property or indexer that can be set.
pub(crate) const fn rw(signature: &'static str, get: Native, set: Native) -> Member {
    Member { signature, run: get, set: Some(set), constant: None }
}

/// A constant.
pub(crate) const fn c(signature: &'static str, value: Literal) -> Member {
    Member { signature, run: |_, _| Ok(Value::Null), set: None, constant: Some(value) }
}

/// A parameter, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: String,
    pub ty: Type,
    pub is_out: bool,
    pub is_ref: bool,
    pub is_params: bool,
    pub default: Option<Constant>,
}

/// A member, resolved.
#[derive(Debug)]
pub(crate) struct MemberDef {
    pub owner: DefId,
    pub name: String,
    pub kind: MemberKind,
    pub is_static: bool,
    pub is_extension: bool,
    pub type_parameters: u8,
    pub parameters: Vec<Parameter>,
    pub result: Type,
    pub run: Native,
    pub set: Option<Native>,
    pub constant: Option<Constant>,
}

/// What a native function is called with.
pub(crate) struct Args<'a> {
    pub values: &'a [Value],
    pub types: &'a [Type],
    pub member: &'static MemberDef,
}

impl<'a> Args<'a> {
    /// The receiver.
    pub fn this(&self) -> &'a Value {
        self.at(0)
    }

    /// An argument; null when it was not given.
    pub fn at(&self, index: usize) -> &'a Value {
        const ABSENT: &Value = &Value::Null;
        self.values.get(index).unwrap_or(ABSENT)
    }

    /// A type argument: the declaring type's come first.
    pub fn ty(&self, index: usize) -> Type {
        self.types.get(index).cloned().unwrap_or(Type::OBJECT)
    }

    /// The name of the parameter that an argument index stands for.
    fn parameter_name(&self, index: usize) -> &str {
        let shift = usize::from(!self.member.is_static && self.member.kind != MemberKind::Constructor);
        self.member.parameters.get(index.wrapping_sub(shift)).map_or("value", |p| p.name.as_str())
    }

    /// `ArgumentNullException` for an argument.
    pub fn null(&self, index: usize) -> Fault {
        Fault::argument_null(self.parameter_name(index))
    }

    /// The argument is of no form that this member knows.
    fn unexpected(&self, index: usize) -> Fault {
        if self.at(index).is_null() {
            self.null(index)
        } else {
            Fault::invalid_cast(self.at(index), &Type::OBJECT)
        }
    }

    /// A string that must not be null.
    pub fn str(&self, index: usize) -> Result<&'a Text, Fault> {
        match self.at(index) {
            Value::Str(text) => Ok(text),
            _ => Err(self.unexpected(index)),
        }
    }

    /// A string, or `None` for null.
    pub fn opt_str(&self, index: usize) -> Option<&'a Text> {
        match self.at(index) {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn bool(&self, index: usize) -> Result<bool, Fault> {
        self.at(index).as_bool().ok_or_else(|| self.unexpected(index))
    }

    pub fn i64(&self, index: usize) -> Result<i64, Fault> {
        self.at(index).as_i64().ok_or_else(|| self.unexpected(index))
    }

    pub fn i32(&self, index: usize) -> Result<i32, Fault> {
        Ok(self.i64(index)? as i32)
    }

    pub fn f64(&self, index: usize) -> Result<f64, Fault> {
        self.at(index).as_f64().ok_or_else(|| self.unexpected(index))
    }

    pub fn char(&self, index: usize) -> Result<u16, Fault> {
        Ok(self.i64(index)? as u16)
    }

    /// A copy of a `byte[]`.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, Fault> {
        self.at(index).as_bytes().ok_or_else(|| self.unexpected(index))
    }

    /// The library object of a Rust type.
    pub fn object<T: 'static>(&self, index: usize) -> Result<&'a T, Fault> {
        self.at(index).downcast().ok_or_else(|| self.unexpected(index))
    }

    /// Writes an `out` or `ref` argument.
    pub fn set_out(&self, index: usize, value: Value) {
        if let Value::Cell(cell) = self.at(index) {
            *cell.borrow_mut() = value;
        }
    }
}
