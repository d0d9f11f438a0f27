//! `Newtonsoft.Json` and `Newtonsoft.Json.Linq` (expressions.md §6.7), over [`crate::clr::json`].

mod containers;
mod convert;
mod deserialize;
mod operators;
mod rest;
mod serialize;
mod settings;
mod token;
mod walk;

use std::any::Any;
use std::rc::Rc;

use super::{Args, Type, TypeTable, library};
use crate::clr::json::{self, DEPTH_DEFAULT, JToken};
use crate::host::Host;
use crate::run::{Fault, Iter, Vm};
use crate::text::Text;
use crate::value::{Holds, Object, Portable, Value};

pub(super) static TABLES: &[&[TypeTable]] = &[
    token::TABLE,
    containers::TABLE,
    operators::TABLE,
    serialize::TABLE,
    settings::TABLE,
    rest::TABLE,
    rest::LOADS,
    rest::PARSED,
];

/// A JSON token as a value: a handle of the tree.
#[derive(Clone)]
pub(crate) struct Json(pub JToken, #[expect(dead_code, reason = "held, never read")] JToken);

impl Object for Json {
    fn ty(&self) -> Type {
        match self.0.class_name() {
            "JObject" => Type::JOBJECT,
            "JArray" => Type::JARRAY,
            "JConstructor" => Type::JCONSTRUCTOR,
            "JProperty" => Type::JPROPERTY,
            "JRaw" => Type::JRAW,
            _ => Type::JVALUE,
        }
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.to_text())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let Some(other) = other.downcast::<Self>() else { return Some(false) };
        let scalars = !self.0.is_container() && !other.0.is_container();
        Some(self.0.same(&other.0) || (scalars && json::deep_equals(Some(&self.0), Some(&other.0))))
    }

    fn extent(&self) -> usize {
        self.0.count()
    }

    fn hash(&self) -> Option<u64> {
        match self.0.scalar() {
            Some(scalar) => Some(Value::str(&scalar.to_text()).hash_code()),
            None => Some(self.0.identity() as u64),
        }
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|o| o.0.same(&self.0))
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(walk::children(&self.0, value)))
    }

    fn portable(&self) -> Option<Portable> {
        Some(Portable::Json(self.0.to_json(json::Formatting::None).into()))
    }
}

/// Whether a container holds just this token; `None` of what is no container, as `ICollection<JToken>` answers LINQ.
pub(super) fn holds(container: &Value, token: &Value) -> Option<bool> {
    let container = container.downcast::<Json>().filter(|json| json.0.class_name() != "JValue")?;
    let token = token.downcast::<Json>();
    Some(token.is_some_and(|token| container.0.children().iter().any(|child| child.same(&token.0))))
}

/// The members of an object for a sequence of pairs, which an object is as well.
pub(super) fn pairs_of(source: &Value, element: &Type) -> Option<Value> {
    let json = source.downcast::<Json>().filter(|json| json.0.class_name() == "JObject")?;
    (element.def() == Some(super::KEY_VALUE_PAIR)).then(|| containers::pairs(&json.0))
}

/// The value of a token.
pub(super) fn value(token: JToken) -> Value {
    let root = token.root();
    Value::object(Json(token, root))
}

pub(super) fn optional(token: Option<JToken>) -> Value {
    token.map_or(Value::Null, value)
}

/// What tells a token from all others while it lives.
pub(super) fn identity(value: &Value) -> Option<usize> {
    value.downcast::<Json>().map(|json| json.0.identity())
}

/// A class of the namespace.
pub(super) fn class_type(name: &str) -> Type {
    library().named(&format!("Newtonsoft.Json.Linq.{name}"))
}

/// The token of a JSON text, as it was shared between threads.
pub(crate) fn json_value(text: &str) -> Option<Value> {
    json::parse(text, DEPTH_DEFAULT).ok().map(value)
}

/// A member of a JSON text, null when there is none.
pub(crate) fn json_member(text: &str, name: &str) -> Result<Value, Fault> {
    let token = json::parse(text, DEPTH_DEFAULT)?;
    Ok(optional(token.by_name(name)?))
}

/// `Parse(text)` of a class.
fn parse_argument(vm: &mut Vm<'_>, a: &Args<'_>, class: &str) -> Result<Value, Fault> {
    // Of a missing text .NET names the parameter of the reader that it makes.
    let text = a.opt_str(0).ok_or_else(|| Fault::argument_null("s"))?;
    parse(vm, text.as_str(), class)
}

/// Parses text, charged by its size.
pub(super) fn parse(vm: &mut Vm<'_>, text: &str, kind: &str) -> Result<Value, Fault> {
    vm.steps(text.len() as u64 / 64)?;
    vm.charge(text.len().saturating_mul(4))?;
    let token = match kind {
        "JObject" => json::parse_object(text, DEPTH_DEFAULT)?,
        "JArray" => json::parse_array(text, DEPTH_DEFAULT)?,
        _ => json::parse(text, DEPTH_DEFAULT)?,
    };
    Ok(value(token))
}

/// The value of a key when a dictionary is a JSON object.
pub(super) fn dictionary_get(
    _vm: &mut Vm<'_>,
    dictionary: &Value,
    key: &Value,
) -> Result<Option<Value>, Fault> {
    let (Some(object), Some(name)) = (dictionary.downcast::<Json>(), key.as_str()) else {
        return Err(Fault::not_supported("The collection is not a dictionary."));
    };
    Ok(object.0.by_name(name)?.map(value))
}

/// Sets a key when a dictionary is a JSON object.
pub(super) fn dictionary_set(dictionary: &Value, key: &Value, new: &Value) -> Result<(), Fault> {
    let (Some(object), Some(name)) = (dictionary.downcast::<Json>(), key.as_str()) else {
        return Err(Fault::not_supported("Collection is read-only."));
    };
    let token = new.downcast::<Json>().map_or_else(JToken::null, |j| j.0.clone());
    Ok(object.0.set_by_name(name, &token)?)
}

/// Names and values of a JSON object, when the value is one.
pub(super) fn entries(object: &Value) -> Option<Vec<(Value, Value)>> {
    let json = object.downcast::<Json>().filter(|j| j.0.class_name() == "JObject")?;
    let entry = |p: JToken| (Value::str(p.name().unwrap_or_default()), optional(p.property_value()));
    Some(json.0.children().into_iter().map(entry).collect())
}

/// The order of two `JValue`s.
pub(super) fn compare(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    let (x, y) = (a.downcast::<Json>()?.0.scalar()?, b.downcast::<Json>()?.0.scalar()?);
    json::compare_scalars(&x, &y).ok().map(|order| order.cmp(&0))
}

/// What a `JValue` holds, as a C# value.
pub(super) fn scalar_value(value: &Value) -> Option<Value> {
    value.downcast::<Json>()?.0.scalar().map(|s| convert::plain(&s))
}
