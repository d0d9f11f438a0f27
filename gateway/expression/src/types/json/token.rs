//! `JToken`, `JValue`, `JTokenType`, `Extensions`.

use super::super::linq::from_fn;
use super::super::runtime::lazy;
use super::super::{Allow, Args, Member, Type, TypeTable, m, rw};
use super::convert::{content, from_object, scalar, value_as};
use super::deserialize::of_tree;
use super::walk::{self, live};
use super::{Json, class_type, optional, parse_argument, value};
use crate::clr::json::{self, Formatting, JToken};
use crate::run::{Fault, ValuesIter, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum Newtonsoft.Json.Linq.JTokenType { None, Object, Array, Constructor, Property, Comment, Integer, Float, String, Boolean, Null, Undefined, Date, Raw, Bytes, Guid, Uri, TimeSpan }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum Newtonsoft.Json.Formatting { None, Indented }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "interface Newtonsoft.Json.Linq.IJEnumerable<out T> : System.Collections.Generic.IEnumerable<T>",
        allow: Allow::All,
        members: &[m("IJEnumerable<JToken> this[object key] { get; }", |vm, a| {
            let mut found = Vec::new();
            for item in vm.collect(a.this())? {
                found.push(by_key(&item, a.at(1))?);
            }
            Ok(sequence(class_type("JToken"), found))
        })],
    },
    TypeTable {
        header: "struct Newtonsoft.Json.Linq.JEnumerable<T> : Newtonsoft.Json.Linq.IJEnumerable<T>",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "abstract class Newtonsoft.Json.Linq.JToken : Newtonsoft.Json.Linq.IJEnumerable<JToken>",
        allow: Allow::All,
        members: MEMBERS,
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JValue : Newtonsoft.Json.Linq.JToken, System.IComparable",
        allow: Allow::All,
        members: &[
            m("new(JValue other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
            m("new(long value)", new_value),
            m("new(decimal value)", new_value),
            m("new(char value)", new_value),
            m("new(ulong value)", new_value),
            m("new(double value)", new_value),
            m("new(float value)", new_value),
            m("new(System.DateTime value)", new_value),
            m("new(System.DateTimeOffset value)", new_value),
            m("new(bool value)", new_value),
            m("new(string value)", new_value),
            m("new(System.Guid value)", new_value),
            m("new(Uri value)", new_value),
            m("new(System.TimeSpan value)", new_value),
            m("new(object value)", new_value),
            m("static JValue CreateNull()", |_, _| Ok(value(JToken::null()))),
            m("static JValue CreateString(string value)", new_value),
            m("static JValue CreateComment(string value)", |_, a| {
                Ok(value(JToken::value(json::Scalar::Comment(a.str(0)?.as_str().into()))))
            }),
            rw(
                "object Value { get; set; }",
                |_, a| Ok(token(a, 0)?.scalar().map_or(Value::Null, |s| super::convert::plain(&s))),
                |_, a| {
                    let new = scalar(a.at(1))
                        .ok_or_else(|| Fault::argument("Could not determine JSON object type.", ""))?;
                    token(a, 0)?.set_scalar(new);
                    Ok(Value::Null)
                },
            ),
            m("string ToString(string format)", |vm, a| {
                let inner = token(a, 0)?.scalar().map_or(Value::Null, |s| super::convert::plain(&s));
                let text = super::super::format::formatted(&inner, a.opt_str(1).map_or("", |t| t.as_str()))?;
                vm.text(text)
            }),
            m("int CompareTo(JValue obj)", |_, a| {
                let pair = (token(a, 0)?.scalar(), a.object::<Json>(1).ok().and_then(|j| j.0.scalar()));
                match pair {
                    (Some(x), Some(y)) => Ok(Value::I32(json::compare_scalars(&x, &y)?)),
                    _ => Ok(Value::I32(1)),
                }
            }),
            m("bool Equals(JValue other)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
        ],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JRaw : Newtonsoft.Json.Linq.JValue",
        allow: Allow::All,
        members: &[m("new(object rawJson)", |_, a| {
            Ok(value(JToken::value(json::Scalar::Raw(a.at(0).to_text().into()))))
        })],
    },
    TypeTable {
        header: "static class Newtonsoft.Json.Linq.Extensions",
        allow: Allow::All,
        members: &[
            m("static U Value<U>(this IEnumerable<JToken> value)", |vm, a| {
                if a.at(0).is_null() {
                    return Err(Fault::argument_null("value"));
                }
                value_as(vm, a.at(0), &a.ty(0))
            }),
            m("static U Value<T, U>(this IEnumerable<T> value)", |vm, a| value_as(vm, a.at(0), &a.ty(1))),
            m("static IJEnumerable<JToken> Values(this IEnumerable<JToken> source)", |vm, a| {
                children_of_all(vm, a, None)
            }),
            m("static IEnumerable<U> Values<U>(this IEnumerable<JToken> source)", |vm, a| {
                let ty = a.ty(0);
                children_of_all(vm, a, Some(&ty))
            }),
            m("static IJEnumerable<JToken> Values(this IEnumerable<JToken> source, object key)", |vm, a| {
                keyed(vm, a, None)
            }),
            m("static IEnumerable<U> Values<U>(this IEnumerable<JToken> source, object key)", |vm, a| {
                let ty = a.ty(0);
                keyed(vm, a, Some(&ty))
            }),
            m("static IJEnumerable<JToken> Children<T>(this IEnumerable<T> source)", |vm, a| {
                children_of_all(vm, a, None)
            }),
            m("static IJEnumerable<JProperty> Properties(this IEnumerable<JObject> source)", |vm, a| {
                children_of_all(vm, a, None)
            }),
            m("static IJEnumerable<JToken> Descendants<T>(this IEnumerable<T> source)", |vm, a| {
                let mut found = Vec::new();
                for item in vm.collect(a.at(0))? {
                    if let Some(json) = item.downcast::<Json>() {
                        found.extend(json.0.descendants().into_iter().map(value));
                    }
                }
                Ok(sequence(class_type("JToken"), found))
            }),
        ],
    },
];

const MEMBERS: &[Member] = &[
    m("static JToken Parse(string json)", |vm, a| parse_argument(vm, a, "JToken")),
    m("static JToken FromObject(object o)", |vm, a| {
        if a.at(0).is_null() {
            return Err(Fault::argument_null("o"));
        }
        from_object(vm, a.at(0), 0).map(value)
    }),
    m("static bool DeepEquals(JToken t1, JToken t2)", |vm, a| {
        if let Some(first) = a.at(0).downcast::<Json>() {
            vm.steps(first.0.descendants().len() as u64 / 4)?;
        }
        let token = |i: usize| a.at(i).downcast::<Json>().map(|j| &j.0);
        Ok(Value::Bool(json::deep_equals(token(0), token(1))))
    }),
    rw(
        "JToken this[object key] { get; set; }",
        |_, a| by_key(a.this(), a.at(1)),
        |vm, a| {
            let new = one(vm, a.at(2))?;
            match (a.at(1).as_str(), a.at(1)) {
                (Some(name), _) => token(a, 0)?.set_by_name(name, &new)?,
                (None, Value::I32(index)) => token(a, 0)?.set_by_index(*index, &new)?,
                _ => return Err(bad_key(a.this(), a.at(1))),
            }
            Ok(Value::Null)
        },
    ),
    m("JTokenType Type { get; }", |_, a| {
        let def = class_type("JTokenType").def();
        Ok(def.map_or(Value::Null, |def| Value::Enum(def, token(a, 0).map_or(0, |t| t.token_type() as i64))))
    }),
    m("bool HasValues { get; }", |_, a| Ok(Value::Bool(token(a, 0)?.has_values()))),
    m("JContainer Parent { get; }", |_, a| Ok(optional(token(a, 0)?.parent()))),
    m("JToken Root { get; }", |_, a| Ok(value(token(a, 0)?.root()))),
    m("JToken First { get; }", |_, a| Ok(optional(token(a, 0)?.first()?))),
    m("JToken Last { get; }", |_, a| Ok(optional(token(a, 0)?.last()?))),
    m("JToken Next { get; }", |_, a| Ok(optional(token(a, 0)?.next()))),
    m("JToken Previous { get; }", |_, a| Ok(optional(token(a, 0)?.previous()))),
    m("string Path { get; }", |vm, a| vm.text(token(a, 0)?.path())),
    m("string ToString()", |vm, a| vm.to_text(a.this()).map(Value::Str)),
    m("string ToString(Formatting formatting, params JsonConverter[] converters)", |vm, a| {
        let formatting = if a.i64(1)? == 1 { Formatting::Indented } else { Formatting::None };
        vm.text(token(a, 0)?.to_json(formatting))
    }),
    m("JToken DeepClone()", |vm, a| {
        charge_copy(vm, token(a, 0)?)?;
        Ok(value(token(a, 0)?.deep_clone()))
    }),
    m("JEnumerable<JToken> Children()", |_, a| Ok(live(class_type("JToken"), token(a, 0)?, value))),
    m("JEnumerable<T> Children<T>()", |_, a| {
        let ty = a.ty(0);
        let kept = token(a, 0)?
            .children()
            .into_iter()
            .map(value)
            .filter(|v| super::super::is_instance(v, &ty))
            .collect();
        Ok(sequence(ty, kept))
    }),
    m("IEnumerable<JToken> Values()", |_, a| Ok(live(class_type("JToken"), token(a, 0)?, value))),
    m("IEnumerable<T> Values<T>()", |_, a| {
        let (own, ty) = (token(a, 0)?.clone(), a.ty(0));
        Ok(lazy(ty.clone(), move |_| {
            let (mut next, ty) = (walk::children(&own, value), ty.clone());
            Ok(from_fn(move |vm| match next.next(vm)? {
                Some(child) => value_as(vm, &child, &ty).map(Some),
                None => Ok(None),
            }))
        }))
    }),
    m("T Value<T>(object key)", |vm, a| {
        let found = by_key(a.this(), a.at(1))?;
        value_as(vm, &found, &a.ty(0))
    }),
    m("T ToObject<T>()", |vm, a| of_tree(vm, token(a, 0)?, &a.ty(0))),
    m("object ToObject(System.Type objectType)", |vm, a| {
        let ty = a.object::<super::super::runtime::TypeObject>(1)?.0.clone();
        of_tree(vm, token(a, 0)?, &ty)
    }),
    m("JToken SelectToken(string path)", |vm, a| {
        select(vm, a, |own, path, left| own.select_token(path, false, left)).map(optional)
    }),
    m("JToken SelectToken(string path, bool errorWhenNoMatch)", |vm, a| {
        let must_match = a.bool(2)?;
        select(vm, a, |own, path, left| own.select_token(path, must_match, left)).map(optional)
    }),
    m("IEnumerable<JToken> SelectTokens(string path)", |vm, a| selected(vm, a, false)),
    m("IEnumerable<JToken> SelectTokens(string path, bool errorWhenNoMatch)", |vm, a| {
        selected(vm, a, a.bool(2)?)
    }),
    m("void Remove()", |_, a| {
        token(a, 0)?.remove()?;
        Ok(Value::Null)
    }),
    m("void Replace(JToken value)", |_, a| {
        let new = a.at(1).downcast::<Json>().map_or_else(JToken::null, |j| j.0.clone());
        token(a, 0)?.replace(&new)?;
        Ok(Value::Null)
    }),
    m("void AddAfterSelf(object content)", |vm, a| {
        let mut list = Vec::new();
        content(vm, a.at(1), &mut list)?;
        for item in list.iter().rev() {
            token(a, 0)?.add_after_self(item)?;
        }
        Ok(Value::Null)
    }),
    m("void AddBeforeSelf(object content)", |vm, a| {
        let mut list = Vec::new();
        content(vm, a.at(1), &mut list)?;
        for item in &list {
            token(a, 0)?.add_before_self(item)?;
        }
        Ok(Value::Null)
    }),
    m("IEnumerable<JToken> Ancestors()", |_, a| {
        Ok(sequence(class_type("JToken"), token(a, 0)?.ancestors().into_iter().map(value).collect()))
    }),
    m("IEnumerable<JToken> AfterSelf()", |_, a| {
        let mut list = Vec::new();
        let mut next = token(a, 0)?.next();
        while let Some(found) = next {
            next = found.next();
            list.push(value(found));
        }
        Ok(sequence(class_type("JToken"), list))
    }),
];

/// The token that an argument is.
pub(super) fn token<'a>(a: &Args<'a>, index: usize) -> Result<&'a JToken, Fault> {
    Ok(&a.object::<Json>(index)?.0)
}

/// A lazily shown list of tokens.
pub(super) fn sequence(element: Type, items: Vec<Value>) -> Value {
    lazy(element, move |_| Ok(ValuesIter::boxed(items.clone())))
}

/// A single token as content, null as JSON null.
pub(super) fn one(vm: &mut Vm<'_>, source: &Value) -> Result<JToken, Fault> {
    match source.downcast::<Json>() {
        Some(json) => {
            // What stands elsewhere will be copied.
            if json.0.parent().is_some() {
                charge_copy(vm, &json.0)?;
            }
            Ok(json.0.clone())
        }
        None => from_object(vm, source, 0),
    }
}

/// Charges the copy of a tree.
pub(super) fn charge_copy(vm: &mut Vm<'_>, token: &JToken) -> Result<(), Fault> {
    let size = 1 + token.descendants().len();
    vm.steps(size as u64)?;
    vm.charge(size * 64)
}

fn new_value(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let name = a.at(0).clr_type_name().unwrap_or_default();
    let found = scalar(a.at(0));
    found
        .map(|s| value(JToken::value(s)))
        .ok_or_else(|| Fault::argument(&format!("Could not determine JSON object type for type {name}."), ""))
}

fn bad_key(target: &Value, key: &Value) -> Fault {
    let class = target.downcast::<Json>().map_or("JToken", |j| j.0.class_name());
    let wanted = if class == "JObject" { "Object property name" } else { "Int32 array index" };
    let shown = key.to_text();
    let shown = if matches!(key, Value::Str(_)) { format!("\"{shown}\"") } else { shown };
    match class {
        "JObject" => Fault::argument(
            &format!("Accessed JObject values with invalid key value: {shown}. {wanted} expected."),
            "",
        ),
        _ => Fault::argument(
            &format!("Accessed JArray values with invalid key value: {shown}. {wanted} expected."),
            "",
        ),
    }
}

/// `token[key]` for any key.
pub(super) fn by_key(target: &Value, key: &Value) -> Result<Value, Fault> {
    Ok(optional(member(target, key)?))
}

/// As [`by_key`], without a value around it.
pub(super) fn member(target: &Value, key: &Value) -> Result<Option<JToken>, Fault> {
    let Some(json) = target.downcast::<Json>() else { return Err(Fault::null_reference()) };
    match (key.as_str(), key) {
        (Some(name), _) => Ok(json.0.by_name(name)?),
        (None, Value::I32(index)) if json.0.class_name() != "JObject" => Ok(Some(json.0.by_index(*index)?)),
        (None, Value::Null) => Err(Fault::argument_null("key")),
        _ => Err(bad_key(target, key)),
    }
}

/// A JSONPath within the steps that are left.
fn select<T>(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    find: impl FnOnce(&JToken, &str, &mut usize) -> crate::clr::Result<T>,
) -> Result<T, Fault> {
    let before = vm.steps_left();
    let mut left = before;
    let found = find(token(a, 0)?, a.str(1)?.as_str(), &mut left);
    vm.steps((before - left) as u64)?;
    match found {
        Err(_) if left == 0 => Err(Fault::Limit(crate::run::Limit::Steps)),
        found => Ok(found?),
    }
}

fn selected(vm: &mut Vm<'_>, a: &Args<'_>, must_match: bool) -> Result<Value, Fault> {
    let list = select(vm, a, |own, path, left| own.select_tokens(path, must_match, left))?;
    vm.elements(list.len())?;
    Ok(sequence(class_type("JToken"), list.into_iter().map(value).collect()))
}

fn children_of_all(vm: &mut Vm<'_>, a: &Args<'_>, ty: Option<&Type>) -> Result<Value, Fault> {
    let mut found = Vec::new();
    for item in vm.collect(a.at(0))? {
        let Some(json) = item.downcast::<Json>() else { return Err(Fault::null_reference()) };
        match (json.0.is_container(), ty) {
            (true, None) => found.extend(json.0.children().into_iter().map(value)),
            (true, Some(ty)) => {
                for child in json.0.children() {
                    found.push(value_as(vm, &value(child), ty)?);
                }
            }
            (false, Some(ty)) => found.push(value_as(vm, &item, ty)?),
            (false, None) => {}
        }
    }
    Ok(sequence(ty.cloned().unwrap_or_else(|| class_type("JToken")), found))
}

fn keyed(vm: &mut Vm<'_>, a: &Args<'_>, ty: Option<&Type>) -> Result<Value, Fault> {
    let mut found = Vec::new();
    for item in vm.collect(a.at(0))? {
        let inner = by_key(&item, a.at(1))?;
        match ty {
            _ if inner.is_null() => {}
            Some(ty) => found.push(value_as(vm, &inner, ty)?),
            None => found.push(inner),
        }
    }
    Ok(sequence(ty.cloned().unwrap_or_else(|| class_type("JToken")), found))
}
