//! Types as the binder and the run time name them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::library::library;

/// A type of the library, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefId(pub(crate) u16);

/// A C# type.
#[derive(Clone, Debug)]
pub enum Type {
    /// An error was reported already; agrees with everything.
    Error,
    /// No value.
    Void,
    /// The type of `null`.
    Null,
    /// A type without arguments.
    Def(DefId),
    /// A generic type with its arguments.
    Generic(DefId, Arc<[Type]>),
    /// An array and its rank.
    Array(Arc<Type>, u8),
    /// A tuple; names of elements do not take part in equality.
    Tuple(Arc<[(Type, Option<String>)]>),
    /// An anonymous object's type.
    Anonymous(Arc<[(String, Type)]>),
    /// A parameter of the declaring type, in library signatures.
    ClassParam(u8),
    /// A parameter of the method, in library signatures and during inference.
    MethodParam(u8),
}

/// Types that the language itself knows, and JSON's, which nearly every body goes through; `library()` loads them in
/// this order.
pub(crate) const CORE: &[&str] = &[
    "System.Object",
    "System.Boolean",
    "System.Char",
    "System.SByte",
    "System.Byte",
    "System.Int16",
    "System.UInt16",
    "System.Int32",
    "System.UInt32",
    "System.Int64",
    "System.UInt64",
    "System.Single",
    "System.Double",
    "System.Decimal",
    "System.String",
    "System.Nullable",
    "System.Array",
    "System.ValueType",
    "System.Enum",
    "System.Exception",
    "System.DateTime",
    "System.TimeSpan",
    "System.DateTimeOffset",
    "System.Guid",
    "System.Collections.Generic.IEnumerable",
    "System.Collections.IEnumerable",
    "System.IDisposable",
    "System.Delegate",
    "System.Type",
    "System.Collections.Generic.IList",
    "System.Collections.Generic.ICollection",
    "System.Collections.Generic.IReadOnlyList",
    "System.Collections.Generic.IReadOnlyCollection",
    "System.Collections.Generic.List",
    "System.Collections.Generic.KeyValuePair",
    "System.Collections.Generic.Dictionary",
    "Newtonsoft.Json.Linq.JToken",
    "Newtonsoft.Json.Linq.JContainer",
    "Newtonsoft.Json.Linq.JObject",
    "Newtonsoft.Json.Linq.JArray",
    "Newtonsoft.Json.Linq.JConstructor",
    "Newtonsoft.Json.Linq.JProperty",
    "Newtonsoft.Json.Linq.JValue",
    "Newtonsoft.Json.Linq.JRaw",
];

macro_rules! core {
    ($($name:ident = $index:literal),* $(,)?) => {
        impl Type { $(
            #[doc = concat!("`", stringify!($name), "`.")]
            pub const $name: Type = Type::Def(DefId($index));
        )* }
    };
}

core! {
    OBJECT = 0, BOOL = 1, CHAR = 2, SBYTE = 3, BYTE = 4, SHORT = 5, USHORT = 6, INT = 7, UINT = 8, LONG = 9,
    ULONG = 10, FLOAT = 11, DOUBLE = 12, DECIMAL = 13, STRING = 14, ARRAY = 16, VALUE_TYPE = 17, ENUM = 18,
    EXCEPTION = 19, DATE_TIME = 20, TIME_SPAN = 21, DATE_TIME_OFFSET = 22, GUID = 23, IENUMERABLE = 25,
    DISPOSABLE = 26, DELEGATE = 27, TYPE = 28, JTOKEN = 36, JCONTAINER = 37, JOBJECT = 38, JARRAY = 39,
    JCONSTRUCTOR = 40, JPROPERTY = 41, JVALUE = 42, JRAW = 43,
}

impl DefId {
    /// Whether it is one of JSON's classes.
    pub(crate) fn is_json(self) -> bool {
        (36..=43).contains(&self.0)
    }
}

pub(crate) const NULLABLE: DefId = DefId(15);
pub(crate) const SEQUENCE: DefId = DefId(24);
pub(crate) const ILIST: DefId = DefId(29);
pub(crate) const ICOLLECTION: DefId = DefId(30);
pub(crate) const IREADONLY_LIST: DefId = DefId(31);
pub(crate) const IREADONLY_COLLECTION: DefId = DefId(32);
pub(crate) const LIST: DefId = DefId(33);
pub(crate) const KEY_VALUE_PAIR: DefId = DefId(34);
pub(crate) const DICTIONARY: DefId = DefId(35);

impl Type {
    /// A generic type.
    pub fn generic(def: DefId, arguments: Vec<Type>) -> Self {
        Self::Generic(def, arguments.into())
    }

    /// An array type.
    pub fn array_of(element: Type, rank: u8) -> Self {
        Self::Array(Arc::new(element), rank)
    }

    /// `T?`.
    pub fn nullable_of(inner: Type) -> Self {
        Self::generic(NULLABLE, vec![inner])
    }

    /// `IEnumerable<T>`.
    pub fn sequence_of(element: Type) -> Self {
        Self::generic(SEQUENCE, vec![element])
    }

    /// The library entry behind it.
    pub fn def(&self) -> Option<DefId> {
        match self {
            Self::Def(def) | Self::Generic(def, _) => Some(*def),
            _ => None,
        }
    }

    /// Its type arguments.
    pub fn arguments(&self) -> &[Type] {
        match self {
            Self::Generic(_, arguments) => arguments,
            _ => &[],
        }
    }

    /// `T` of `T?`.
    pub fn nullable(&self) -> Option<&Type> {
        match self {
            Self::Generic(NULLABLE, arguments) => arguments.first(),
            _ => None,
        }
    }

    /// `T` of `T?`, else itself.
    pub fn non_nullable(&self) -> &Type {
        self.nullable().unwrap_or(self)
    }

    /// Whether it was already reported as wrong.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error)
    }

    /// Whether a value of it is never a reference (structs, enums, numbers, tuples, `T?`).
    pub fn is_value_type(&self) -> bool {
        match self {
            Self::Def(def) | Self::Generic(def, _) => library().get(*def).is_value_type,
            Self::Tuple(_) => true,
            _ => false,
        }
    }

    /// Whether null is one of its values.
    pub fn accepts_null(&self) -> bool {
        match self {
            Self::Error | Self::Null => true,
            Self::Void => false,
            other => other.nullable().is_some() || !other.is_value_type(),
        }
    }

    /// Whether it is an enumeration.
    pub fn is_enum(&self) -> bool {
        matches!(self, Self::Def(def) if library().get(*def).is_enum)
    }

    /// Whether it is a delegate.
    pub fn is_delegate(&self) -> bool {
        self.def().is_some_and(|def| library().get(def).is_delegate)
    }

    /// Whether it is an interface.
    pub fn is_interface(&self) -> bool {
        self.def().is_some_and(|def| library().get(def).is_interface)
    }

    /// Puts arguments in the places of parameters.
    #[must_use]
    pub fn substitute(&self, class: &[Type], method: &[Type]) -> Type {
        if !self.is_open() {
            return self.clone();
        }
        let each = |types: &[Type]| types.iter().map(|t| t.substitute(class, method)).collect::<Vec<_>>();
        match self {
            Self::ClassParam(index) => class.get(*index as usize).cloned().unwrap_or_else(|| self.clone()),
            Self::MethodParam(index) => method.get(*index as usize).cloned().unwrap_or_else(|| self.clone()),
            Self::Generic(def, arguments) => Self::generic(*def, each(arguments)),
            Self::Array(element, rank) => Self::array_of(element.substitute(class, method), *rank),
            Self::Tuple(items) => Self::Tuple(
                items.iter().map(|(t, name)| (t.substitute(class, method), name.clone())).collect(),
            ),
            Self::Anonymous(fields) => Self::Anonymous(
                fields.iter().map(|(name, t)| (name.clone(), t.substitute(class, method))).collect(),
            ),
            other => other.clone(),
        }
    }

    /// Whether any parameter of a method stands in it.
    pub fn is_open(&self) -> bool {
        match self {
            Self::MethodParam(_) | Self::ClassParam(_) => true,
            Self::Generic(_, arguments) => arguments.iter().any(Type::is_open),
            Self::Array(element, _) => element.is_open(),
            Self::Tuple(items) => items.iter().any(|(t, _)| t.is_open()),
            Self::Anonymous(fields) => fields.iter().any(|(_, t)| t.is_open()),
            _ => false,
        }
    }

    /// The CLR name: ``System.Collections.Generic.List`1[System.String]``.
    pub fn clr_name(&self) -> String {
        let list =
            |types: &mut dyn Iterator<Item = &Type>| types.map(Type::clr_name).collect::<Vec<_>>().join(",");
        match self {
            Self::Error | Self::Null => "null".to_owned(),
            Self::Void => "System.Void".to_owned(),
            Self::Def(def) => library().get(*def).clr_name.clone(),
            Self::Generic(def, arguments) => {
                let name = &library().get(*def).clr_name;
                format!("{name}`{}[{}]", arguments.len(), list(&mut arguments.iter()))
            }
            Self::Array(element, rank) => {
                format!("{}[{}]", element.clr_name(), ",".repeat(usize::from(*rank).saturating_sub(1)))
            }
            Self::Tuple(items) => {
                format!("System.ValueTuple`{}[{}]", items.len(), list(&mut items.iter().map(|(t, _)| t)))
            }
            Self::Anonymous(fields) => {
                let arguments = list(&mut fields.iter().map(|(_, t)| t));
                format!("<>f__AnonymousType0`{}[{arguments}]", fields.len())
            }
            Self::ClassParam(index) | Self::MethodParam(index) => format!("T{index}"),
        }
    }

    /// The name in compiler messages: `string`, `List<int>`, `int?`.
    pub fn display(&self) -> String {
        self.shown(false)
    }

    /// As [`Type::display`] with namespaces: what C# prints where a message sets two types against each other.
    pub fn qualified(&self) -> String {
        self.shown(true)
    }

    fn shown(&self, full: bool) -> String {
        let list = |types: &[Type]| types.iter().map(|t| t.shown(full)).collect::<Vec<_>>().join(", ");
        let of = |def: DefId| {
            let def = library().get(def);
            if full { def.qualified_name() } else { def.display_name() }.to_owned()
        };
        let named = |ty: &Type, name: Option<&str>| match name {
            Some(name) => format!("{} {name}", ty.shown(full)),
            None => ty.shown(full),
        };
        match self {
            Self::Error => "?".to_owned(),
            Self::Void => "void".to_owned(),
            Self::Null => "<null>".to_owned(),
            Self::Def(def) => of(*def),
            Self::Generic(NULLABLE, arguments) => format!("{}?", list(arguments)),
            Self::Generic(def, arguments) => format!("{}<{}>", of(*def), list(arguments)),
            Self::Array(..) => {
                // `int[][,]` is an array of rectangular arrays: the outermost bracket stands first.
                let (mut innermost, mut brackets) = (self, String::new());
                while let Self::Array(element, rank) = innermost {
                    brackets += &format!("[{}]", ",".repeat(usize::from(*rank).saturating_sub(1)));
                    innermost = element;
                }
                format!("{}{brackets}", innermost.shown(full))
            }
            Self::Tuple(items) => {
                let items: Vec<_> = items.iter().map(|(t, name)| named(t, name.as_deref())).collect();
                format!("({})", items.join(", "))
            }
            Self::Anonymous(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, t)| named(t, Some(name))).collect();
                format!("<anonymous type: {}>", fields.join(", "))
            }
            Self::ClassParam(index) | Self::MethodParam(index) => format!("T{index}"),
        }
    }
}

impl PartialEq for Type {
    /// Nearly all comparisons are with a type that has no arguments: those are answered where they are asked.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Def(a), Self::Def(b)) => a == b,
            (Self::Def(_), _) | (_, Self::Def(_)) => false,
            _ => self.is_alike(other),
        }
    }
}

impl Type {
    /// Whether two types that have parts are the same.
    fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Error, Self::Error) | (Self::Void, Self::Void) | (Self::Null, Self::Null) => true,
            (Self::Generic(a, x), Self::Generic(b, y)) => a == b && x == y,
            (Self::Array(a, x), Self::Array(b, y)) => x == y && a == b,
            (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|((x, _), (y, _))| x == y)
            }
            (Self::Anonymous(a), Self::Anonymous(b)) => a == b,
            (Self::ClassParam(a), Self::ClassParam(b)) | (Self::MethodParam(a), Self::MethodParam(b)) => {
                a == b
            }
            _ => false,
        }
    }
}

impl Eq for Type {}

impl Hash for Type {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.def().hash(state);
        self.arguments().hash(state);
    }
}
