//! What the machine asks of types while it runs.

use std::any::Any;
use std::rc::Rc;

use super::{DefId, Type, library};
use crate::bind::is_reference;
use crate::host::Host;
use crate::run::{Fault, Iter, Vm};
use crate::text::Text;
use crate::value::{Holds, Kind, Object, Value};

/// `value is T`.
pub(crate) fn is_instance(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Null, _) => false,
        (_, Type::Def(DefId(0))) => true,
        (Value::Str(_), Type::Def(_)) if *ty == Type::STRING => true,
        (Value::I32(_), Type::Def(_)) if *ty == Type::INT => true,
        (Value::Bool(_), Type::Def(_)) if *ty == Type::BOOL => true,
        _ => value.ty().is_some_and(|own| own == *ty || is_reference(&own, ty) || same_bits(&own, ty)),
    }
}

/// The CLR lets `int[]` pass for `uint[]`; enumerations unbox to themselves only.
fn same_bits(own: &Type, ty: &Type) -> bool {
    matches!((own, ty.nullable()), (own, Some(inner)) if own == inner)
}

/// `default(T)`.
pub(crate) fn default_value(ty: &Type) -> Value {
    if ty.accepts_null() {
        return Value::Null;
    }
    match ty {
        t if *t == Type::BOOL => Value::Bool(false),
        t if *t == Type::CHAR => Value::Char(0),
        t if *t == Type::SBYTE => Value::I8(0),
        t if *t == Type::BYTE => Value::U8(0),
        t if *t == Type::SHORT => Value::I16(0),
        t if *t == Type::USHORT => Value::U16(0),
        t if *t == Type::INT => Value::I32(0),
        t if *t == Type::UINT => Value::U32(0),
        t if *t == Type::LONG => Value::I64(0),
        t if *t == Type::ULONG => Value::U64(0),
        t if *t == Type::FLOAT => Value::F32(0.0),
        t if *t == Type::DOUBLE => Value::F64(0.0),
        t if *t == Type::DECIMAL => Value::Decimal(rust_decimal::Decimal::ZERO),
        t if *t == Type::DATE_TIME => Value::DateTime(0, Kind::Unspecified),
        t if *t == Type::DATE_TIME_OFFSET => Value::DateTimeOffset(0, 0),
        t if *t == Type::TIME_SPAN => Value::TimeSpan(0),
        t if *t == Type::GUID => Value::Guid([0; 16]),
        Type::Def(def) if ty.is_enum() => Value::Enum(*def, 0),
        Type::Tuple(items) => record(ty.clone(), items.iter().map(|(t, _)| default_value(t)).collect()),
        Type::Generic(super::KEY_VALUE_PAIR, arguments) => {
            record(ty.clone(), arguments.iter().map(default_value).collect())
        }
        _ => Value::Null,
    }
}

/// A tuple, anonymous object or key-value pair.
#[derive(Debug)]
pub(crate) struct Record {
    ty: Type,
    fields: Vec<Value>,
    /// Records inside each other.
    depth: u32,
}

/// Deeper records compare by identity and print their type: text, equality and hash go down by recursion.
const RECORD_DEPTH_MAX: u32 = 64;

impl Drop for Record {
    fn drop(&mut self) {
        crate::value::release(std::mem::take(&mut self.fields));
    }
}

pub(crate) fn record(ty: Type, fields: Vec<Value>) -> Value {
    let inner = fields.iter().filter_map(|f| f.downcast::<Record>()).map(|r| r.depth).max();
    Value::object(Record { ty, fields, depth: inner.unwrap_or_default() + 1 })
}

pub(crate) fn record_field(value: &Value, index: usize) -> Option<Value> {
    value.downcast::<Record>().and_then(|r| r.fields.get(index).cloned())
}

/// `KeyValuePair<K, V>`.
pub(crate) fn pair(key_type: Type, value_type: Type, key: Value, value: Value) -> Value {
    record(Type::generic(super::KEY_VALUE_PAIR, vec![key_type, value_type]), vec![key, value])
}

/// Names and values of an anonymous object, for JSON.
pub(crate) fn anonymous_fields(value: &Value) -> Option<Vec<(String, Value)>> {
    let record = value.downcast::<Record>()?;
    let Type::Anonymous(names) = &record.ty else { return None };
    Some(names.iter().map(|(n, _)| n.clone()).zip(record.fields.iter().cloned()).collect())
}

impl Object for Record {
    fn ty(&self) -> Type {
        self.ty.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, host: Option<&dyn Host>) -> Text {
        if self.depth > RECORD_DEPTH_MAX {
            return Text::from(self.ty.clr_name());
        }
        let text = |v: &Value| match host {
            Some(host) => v.text_with(host).as_str().to_owned(),
            None => v.to_text(),
        };
        let values: Vec<String> = self.fields.iter().map(text).collect();
        Text::from(match &self.ty {
            Type::Anonymous(names) => {
                let parts: Vec<String> =
                    names.iter().zip(&values).map(|((n, _), v)| format!("{n} = {v}")).collect();
                format!("{{ {} }}", parts.join(", "))
            }
            Type::Generic(super::KEY_VALUE_PAIR, _) => format!("[{}]", values.join(", ")),
            // The eighth item of a tuple is the tuple of those behind.
            Type::Generic(_, arguments) if arguments.len() == 8 => {
                let (rest, own) =
                    values.split_last().map_or(("", &[][..]), |(rest, own)| (rest.as_str(), own));
                format!("({}, {}", own.join(", "), rest.strip_prefix('(').unwrap_or(rest))
            }
            _ => format!("({})", values.join(", ")),
        })
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let same = other.downcast::<Self>().is_some_and(|o| {
            if self.depth > RECORD_DEPTH_MAX || o.depth > RECORD_DEPTH_MAX {
                return std::ptr::eq(self, o);
            }
            o.ty == self.ty
                && o.fields.len() == self.fields.len()
                && o.fields.iter().zip(&self.fields).all(|(a, b)| a.equals(b))
        });
        Some(same)
    }

    fn hash(&self) -> Option<u64> {
        if self.depth > RECORD_DEPTH_MAX {
            return Some(u64::from(self.depth));
        }
        Some(self.fields.iter().fold(17, |all, v| all.wrapping_mul(31).wrapping_add(v.hash_code())))
    }
}

/// `typeof(T)` and `GetType()`.
#[derive(Debug)]
pub(crate) struct TypeObject(pub Type);

pub(crate) fn type_value(ty: &Type) -> Value {
    Value::object(TypeObject(ty.clone()))
}

impl Object for TypeObject {
    fn ty(&self) -> Type {
        library().named("System.RuntimeType")
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.clr_name())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.0.clr_name().len() as u64)
    }
}

/// A sequence computed by a function when asked: what LINQ methods return.
pub(crate) struct Lazy {
    ty: Type,
    start: Box<dyn Fn(&mut Vm<'_>) -> Result<Box<dyn Iter>, Fault>>,
}

impl Drop for Lazy {
    fn drop(&mut self) {
        let nothing = |_: &mut Vm<'_>| Err(Fault::null_reference());
        crate::value::release(std::mem::replace(&mut self.start, Box::new(nothing)));
    }
}

/// `IEnumerable<T>` from a function that starts a new enumeration.
pub(crate) fn lazy(
    element: Type,
    start: impl Fn(&mut Vm<'_>) -> Result<Box<dyn Iter>, Fault> + 'static,
) -> Value {
    Value::object(Lazy { ty: Type::sequence_of(element), start: Box::new(start) })
}

impl Object for Lazy {
    fn ty(&self) -> Type {
        self.ty.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some((self.start)(vm))
    }
}

/// The name of an enumeration's value: a member, several joined for flags, or the number.
pub(crate) fn enum_text(def: DefId, value: i64) -> String {
    let values = &library().get(def).values;
    if let Some((name, _)) = values.iter().find(|(_, v)| *v == value) {
        return name.clone();
    }
    let mut rest = value;
    let mut names = Vec::new();
    for (name, bit) in values.iter().rev() {
        if *bit > 0 && rest & bit == *bit {
            rest &= !bit;
            names.push(name.as_str());
        }
    }
    if rest != 0 || names.is_empty() {
        return value.to_string();
    }
    names.reverse();
    names.join(", ")
}
