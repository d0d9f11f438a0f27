//! Values of expressions, with the CLR type each of them has (expressions.md §9.3).

mod array;
mod cycles;
mod portable;
mod read;
mod release;

pub use array::Array;
pub use cycles::{Cycles, Holds};
pub use portable::Portable;
pub(crate) use read::instant;
pub(crate) use release::release;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use rust_decimal::Decimal;

use crate::clr;
use crate::host::Host;
use crate::run::{Closure, Fault, Iter, Vm};
use crate::text::Text;
use crate::types::{DefId, Type};

/// `DateTimeKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No zone known.
    Unspecified,
    /// UTC.
    Utc,
    /// The gateway's zone.
    Local,
}

/// A value as C# would hold it, boxed or not.
#[derive(Clone)]
pub enum Value {
    /// `null`.
    Null,
    /// `System.Boolean`.
    Bool(bool),
    /// `System.Char`, a UTF-16 unit.
    Char(u16),
    /// `System.SByte`.
    I8(i8),
    /// `System.Byte`.
    U8(u8),
    /// `System.Int16`.
    I16(i16),
    /// `System.UInt16`.
    U16(u16),
    /// `System.Int32`.
    I32(i32),
    /// `System.UInt32`.
    U32(u32),
    /// `System.Int64`.
    I64(i64),
    /// `System.UInt64`.
    U64(u64),
    /// `System.Single`.
    F32(f32),
    /// `System.Double`.
    F64(f64),
    /// `System.Decimal`.
    Decimal(Decimal),
    /// `System.String`.
    Str(Text),
    /// `System.DateTime`: 100 ns ticks since 0001-01-01.
    DateTime(i64, Kind),
    /// `System.DateTimeOffset`: ticks of its clock and the offset in minutes.
    DateTimeOffset(i64, i16),
    /// `System.TimeSpan`, ticks.
    TimeSpan(i64),
    /// `System.Guid`, bytes in the order of its text.
    Guid([u8; 16]),
    /// A member of an enumeration.
    Enum(DefId, i64),
    /// An array of any rank.
    Array(Rc<Array>),
    /// A delegate.
    Func(Rc<Closure>),
    /// A part of the implicit `context`.
    Context(ContextPart),
    /// Every other object.
    Object(Rc<dyn Object>),
    /// A variable shared with closures; never visible to an expression.
    #[doc(hidden)]
    Cell(Rc<RefCell<Value>>),
}

/// A part of the implicit `context`, read from the host when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]

pub enum ContextPart {
    Context,
    Api,
    ApiServiceUrl,
    ApiKeyNames,
    Deployment,
    Gateway,
    Certificates,
    Sustainability,
    GraphQl,
    GraphQlArguments,
    GraphQlParent,
    LastError,
    Operation,
    Product,
    Request,
    Response,
    Subscription,
    User,
    Variables,
    Workspace,
    RequestHeaders,
    ResponseHeaders,
    RequestBody,
    ResponseBody,
    MatchedParameters,
    Url,
    OriginalUrl,
    Query,
    OriginalQuery,
}

/// An object of the library. Implementors keep their state in cells: values are shared.
pub trait Object: Any {
    /// The run-time type.
    fn ty(&self) -> Type;
    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
    /// `ToString()`; the type's name unless overridden.
    fn text(&self, host: Option<&dyn Host>) -> Text {
        let _ = host;
        Text::from(self.ty().clr_name())
    }
    /// `Equals(object)`; `None` means identity.
    fn equals(&self, other: &Value) -> Option<bool> {
        let _ = other;
        None
    }
    /// `GetHashCode()`; `None` means by identity.
    fn hash(&self) -> Option<u64> {
        None
    }
    /// Whether another object stands for the same thing: handles of one node.
    fn is_same(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }
    /// What `foreach` sees, when the object is a sequence.
    fn iterate(self: Rc<Self>, vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        let _ = vm;
        None
    }
    /// What it does with values.
    fn holds(&self) -> Holds {
        Holds::Fixed
    }
    /// Gives up the values that it was given ([`Holds::Given`]).
    fn empty(&self) {}
    /// Elements that a call on it may go through.
    fn extent(&self) -> usize {
        0
    }
    /// The form that may cross threads, when there is one.
    fn portable(&self) -> Option<Portable> {
        None
    }
}

impl Value {
    /// A string.
    pub fn str(text: &str) -> Self {
        Self::Str(Text::from(text))
    }

    /// An object of the library.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// `byte[]`.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::Array(Rc::new(Array::of_bytes(bytes)))
    }

    /// `string[]`.
    pub fn strings(items: impl IntoIterator<Item = Text>) -> Self {
        Self::array(Type::STRING, items.into_iter().map(Self::Str).collect())
    }

    /// A one-dimensional array.
    pub fn array(element: Type, items: Vec<Self>) -> Self {
        Self::Array(Rc::new(Array::new(element, items)))
    }

    /// The object behind the value, if it is one of this Rust type.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The run-time type; `None` for null.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => Type::BOOL,
            Self::Char(_) => Type::CHAR,
            Self::I8(_) => Type::SBYTE,
            Self::U8(_) => Type::BYTE,
            Self::I16(_) => Type::SHORT,
            Self::U16(_) => Type::USHORT,
            Self::I32(_) => Type::INT,
            Self::U32(_) => Type::UINT,
            Self::I64(_) => Type::LONG,
            Self::U64(_) => Type::ULONG,
            Self::F32(_) => Type::FLOAT,
            Self::F64(_) => Type::DOUBLE,
            Self::Decimal(_) => Type::DECIMAL,
            Self::Str(_) => Type::STRING,
            Self::DateTime(..) => Type::DATE_TIME,
            Self::DateTimeOffset(..) => Type::DATE_TIME_OFFSET,
            Self::TimeSpan(_) => Type::TIME_SPAN,
            Self::Guid(_) => Type::GUID,
            Self::Enum(def, _) => Type::Def(*def),
            Self::Array(array) => array.ty(),
            Self::Func(closure) => closure.ty.clone(),
            Self::Context(part) => part.ty(),
            Self::Object(object) => object.ty(),
            Self::Cell(cell) => return cell.borrow().ty(),
        })
    }

    /// The CLR name of the run-time type, `System.String`; `None` for null.
    pub fn clr_type_name(&self) -> Option<String> {
        self.ty().map(|ty| ty.clr_name())
    }

    /// `ToString()` in the invariant culture; null is empty.
    pub fn to_text(&self) -> String {
        clr::text::to_well_formed(read::text(self, None).as_str()).into_owned()
    }

    /// `ToString()` with the exchange at hand, which parts of `context` need.
    pub fn text_with(&self, host: &dyn Host) -> Text {
        read::text(self, Some(host))
    }

    /// The bool, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one of any width that fits.
    pub fn as_i64(&self) -> Option<i64> {
        Some(match self {
            Self::I8(v) => i64::from(*v),
            Self::U8(v) => i64::from(*v),
            Self::I16(v) => i64::from(*v),
            Self::U16(v) => i64::from(*v),
            Self::I32(v) => i64::from(*v),
            Self::U32(v) => i64::from(*v),
            Self::I64(v) => *v,
            Self::U64(v) => i64::try_from(*v).ok()?,
            Self::Enum(_, v) => *v,
            Self::Char(v) => i64::from(*v),
            _ => return None,
        })
    }

    /// The number as double, if it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::F32(v) => Some(f64::from(*v)),
            Self::F64(v) => Some(*v),
            Self::U64(v) => Some(*v as f64),
            Self::Decimal(v) => rust_decimal::prelude::ToPrimitive::to_f64(v),
            other => other.as_i64().map(|v| v as f64),
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// A copy of the bytes, if it is a `byte[]`.
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Array(array) => array.bytes(),
            _ => None,
        }
    }

    /// `object.Equals`: values by value, objects by their own rule or identity.
    pub fn equals(&self, other: &Self) -> bool {
        read::equals(self, other)
    }

    /// `GetHashCode` for our own tables; equal values hash equally.
    pub fn hash_code(&self) -> u64 {
        read::hash(self)
    }

    /// `ReferenceEquals`, except that equal strings are one (expressions.md §2.9).
    pub fn same(&self, other: &Self) -> bool {
        read::same(self, other)
    }

    /// The form that threads may share; `None` for objects that have none.
    pub fn to_portable(&self) -> Option<Portable> {
        Portable::of(self)
    }

    /// Back from the shared form.
    pub fn from_portable(portable: &Portable) -> Self {
        portable.value()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clr_type_name() {
            None => f.write_str("null"),
            Some(name) => write!(f, "{name}({:?})", self.to_text()),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}
