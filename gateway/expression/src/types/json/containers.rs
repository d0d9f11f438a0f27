//! `JContainer`, `JObject`, `JArray`, `JProperty`, `JConstructor`.

use super::super::{Allow, Args, TypeTable, m, rw};
use super::convert::{content, from_object};
use super::settings::Settings;
use super::token::{by_key, charge_copy, one, token};
use super::walk::{descendants, live};
use super::{class_type, optional, parse_argument, value};
use crate::clr::json::{JToken, MergeSettings};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "abstract class Newtonsoft.Json.Linq.JContainer : Newtonsoft.Json.Linq.JToken",
        allow: Allow::All,
        members: &[
            m("int Count { get; }", |_, a| Ok(Value::I32(token(a, 0)?.count() as i32))),
            m("void Add(object content)", |vm, a| add(vm, a, false)),
            m("void AddFirst(object content)", |vm, a| add(vm, a, true)),
            m("void RemoveAll()", |_, a| {
                token(a, 0)?.clear();
                Ok(Value::Null)
            }),
            m("void ReplaceAll(object content)", |vm, a| {
                token(a, 0)?.clear();
                add(vm, a, false)
            }),
            m("void Merge(object content)", |vm, a| {
                let other = one(vm, a.at(1))?;
                charge_copy(vm, &other)?;
                token(a, 0)?.merge(&other, MergeSettings::default())?;
                Ok(Value::Null)
            }),
            m("void Merge(object content, JsonMergeSettings settings)", |vm, a| {
                let other = one(vm, a.at(1))?;
                charge_copy(vm, &other)?;
                let settings =
                    a.at(2).downcast::<Settings>().map_or_else(MergeSettings::default, |s| s.0.get());
                token(a, 0)?.merge(&other, settings)?;
                Ok(Value::Null)
            }),
            m("IEnumerable<JToken> Descendants()", |_, a| Ok(descendants(token(a, 0)?, false))),
            m("IEnumerable<JToken> DescendantsAndSelf()", |_, a| Ok(descendants(token(a, 0)?, true))),
        ],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JObject : Newtonsoft.Json.Linq.JContainer, System.Collections.Generic.IDictionary<string, JToken>",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(value(JToken::object()))),
            m("new(JObject other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
            m("new(params object[] content)", |vm, a| filled(vm, JToken::object(), a.at(0))),
            m("new(object content)", |vm, a| filled(vm, JToken::object(), a.at(0))),
            m("static JObject Parse(string json)", |vm, a| parse_argument(vm, a, "JObject")),
            m("static JObject FromObject(object o)", |vm, a| {
                let made = from_object(vm, a.at(0), 0)?;
                if made.class_name() != "JObject" {
                    let message =
                        format!("Object serialized to {:?}. JObject instance expected.", made.token_type());
                    return Err(Fault::argument(&message, ""));
                }
                Ok(value(made))
            }),
            rw(
                "JToken this[string propertyName] { get; set; }",
                |_, a| {
                    if a.at(1).is_null() {
                        return Err(Fault::argument_null("propertyName"));
                    }
                    by_key(a.this(), a.at(1))
                },
                |vm, a| {
                    let new = one(vm, a.at(2))?;
                    token(a, 0)?.set_by_name(a.str(1)?.as_str(), &new)?;
                    Ok(Value::Null)
                },
            ),
            m("void Add(string propertyName, JToken value)", |vm, a| {
                let new = one(vm, a.at(2))?;
                token(a, 0)?.add_property(a.str(1)?.as_str(), &new)?;
                Ok(Value::Null)
            }),
            m("bool TryAdd(string propertyName, JToken value)", |vm, a| {
                let new = one(vm, a.at(2))?;
                Ok(Value::Bool(token(a, 0)?.add_property(a.str(1)?.as_str(), &new).is_ok()))
            }),
            m("bool Remove(string propertyName)", |_, a| {
                Ok(Value::Bool(token(a, 0)?.remove_property(a.str(1)?.as_str())))
            }),
            m("bool ContainsKey(string propertyName)", |_, a| {
                Ok(Value::Bool(token(a, 0)?.find_property(a.str(1)?.as_str()).is_some()))
            }),
            m("bool TryGetValue(string propertyName, out JToken value)", |_, a| {
                let found = token(a, 0)?.get_value(a.str(1)?.as_str(), false);
                let ok = found.is_some();
                a.set_out(2, optional(found));
                Ok(Value::Bool(ok))
            }),
            m(
                "bool TryGetValue(string propertyName, StringComparison comparison, out JToken value)",
                |_, a| {
                    let ignore = crate::clr::text::ignores_case(a.i32(2)?)?;
                    let found = token(a, 0)?.get_value(a.str(1)?.as_str(), ignore);
                    let ok = found.is_some();
                    a.set_out(3, optional(found));
                    Ok(Value::Bool(ok))
                },
            ),
            m("JToken GetValue(string propertyName)", |_, a| {
                Ok(optional(token(a, 0)?.get_value(a.str(1)?.as_str(), false)))
            }),
            m("JToken GetValue(string propertyName, StringComparison comparison)", |_, a| {
                let ignore = crate::clr::text::ignores_case(a.i32(2)?)?;
                Ok(optional(token(a, 0)?.get_value(a.str(1)?.as_str(), ignore)))
            }),
            // What enumerates when a JObject is seen as a dictionary: the binder puts it there.
            m("IEnumerable<KeyValuePair<string, JToken>> AsPairs__()", |_, a| Ok(pairs(token(a, 0)?))),
            m("JProperty Property(string name)", |_, a| {
                Ok(optional(token(a, 0)?.find_property(a.str(1)?.as_str())))
            }),
            m("IEnumerable<JProperty> Properties()", |_, a| {
                Ok(live(class_type("JProperty"), token(a, 0)?, value))
            }),
            m("JEnumerable<JToken> PropertyValues()", |_, a| {
                Ok(live(class_type("JToken"), token(a, 0)?, |p| optional(p.property_value())))
            }),
        ],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JArray : Newtonsoft.Json.Linq.JContainer, System.Collections.Generic.IList<JToken>",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(value(JToken::array()))),
            m("new(JArray other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
            m("new(params object[] content)", |vm, a| filled(vm, JToken::array(), a.at(0))),
            m("new(object content)", |vm, a| filled(vm, JToken::array(), a.at(0))),
            m("static JArray Parse(string json)", |vm, a| parse_argument(vm, a, "JArray")),
            m("static JArray FromObject(object o)", |vm, a| {
                let made = from_object(vm, a.at(0), 0)?;
                if made.class_name() != "JArray" {
                    let message =
                        format!("Object serialized to {:?}. JArray instance expected.", made.token_type());
                    return Err(Fault::argument(&message, ""));
                }
                Ok(value(made))
            }),
            rw(
                "JToken this[int index] { get; set; }",
                |_, a| Ok(value(token(a, 0)?.by_index(a.i32(1)?)?)),
                |vm, a| {
                    let new = one(vm, a.at(2))?;
                    token(a, 0)?.set_by_index(a.i32(1)?, &new)?;
                    Ok(Value::Null)
                },
            ),
            m("void Add(JToken item)", |vm, a| {
                let new = one(vm, a.at(1))?;
                vm.charge(64)?;
                token(a, 0)?.add(&new)?;
                Ok(Value::Null)
            }),
            m("void Insert(int index, JToken item)", |vm, a| {
                let new = one(vm, a.at(2))?;
                token(a, 0)?.insert(a.i32(1)?, &new)?;
                Ok(Value::Null)
            }),
            m("bool Remove(JToken item)", |_, a| {
                let children = token(a, 0)?.children();
                let found = children.into_iter().find(|c| value(c.clone()).equals(a.at(1)));
                Ok(Value::Bool(found.is_some_and(|c| token(a, 0).is_ok_and(|t| t.remove_item(&c)))))
            }),
            m("void RemoveAt(int index)", |_, a| {
                token(a, 0)?.remove_at(a.i32(1)?)?;
                Ok(Value::Null)
            }),
            m("void Clear()", |_, a| {
                token(a, 0)?.clear();
                Ok(Value::Null)
            }),
            m("bool Contains(JToken item)", |_, a| {
                Ok(Value::Bool(token(a, 0)?.children().into_iter().any(|c| is_same(&c, a.at(1)))))
            }),
            m("int IndexOf(JToken item)", |_, a| {
                let found = token(a, 0)?.children().into_iter().position(|c| is_same(&c, a.at(1)));
                Ok(Value::I32(found.map_or(-1, |n| n as i32)))
            }),
        ],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JProperty : Newtonsoft.Json.Linq.JContainer",
        allow: Allow::All,
        members: &[
            m("new(JProperty other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
            m("new(string name, params object[] content)", property),
            m("new(string name, object content)", property),
            m("string Name { get; }", |vm, a| vm.text(token(a, 0)?.name().unwrap_or_default())),
            rw(
                "JToken Value { get; set; }",
                |_, a| Ok(optional(token(a, 0)?.property_value())),
                |vm, a| {
                    let new = one(vm, a.at(1))?;
                    token(a, 0)?.set_property_value(&new)?;
                    Ok(Value::Null)
                },
            ),
        ],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JConstructor : Newtonsoft.Json.Linq.JContainer",
        allow: Allow::All,
        members: &[
            m("new(string name)", |_, a| Ok(value(JToken::constructor(a.str(0)?.as_str())))),
            rw(
                "string Name { get; set; }",
                |vm, a| vm.text(token(a, 0)?.constructor_name().as_deref().unwrap_or_default()),
                |_, a| {
                    token(a, 0)?.set_constructor_name(a.str(1)?.as_str());
                    Ok(Value::Null)
                },
            ),
        ],
    },
];

/// The names and values of an object as a dictionary shows them.
pub(super) fn pairs(object: &JToken) -> Value {
    let types = vec![crate::types::Type::STRING, class_type("JToken")];
    let element = crate::types::Type::generic(crate::types::KEY_VALUE_PAIR, types);
    let pair = element.clone();
    live(element, object, move |p| {
        let name = Value::str(p.name().unwrap_or_default());
        super::super::runtime::record(pair.clone(), vec![name, optional(p.property_value())])
    })
}

fn add(vm: &mut Vm<'_>, a: &Args<'_>, first: bool) -> Result<Value, Fault> {
    let target = token(a, 0)?;
    let mut list = Vec::new();
    content(vm, a.at(1), &mut list)?;
    vm.charge(list.len() * 64)?;
    if first {
        for item in list.iter().rev() {
            target.add_first(item)?;
        }
    } else {
        for item in &list {
            target.add(item)?;
        }
    }
    Ok(Value::Null)
}

/// A container with the content of its constructor; one argument that is a sequence is spread.
fn filled(vm: &mut Vm<'_>, made: JToken, source: &Value) -> Result<Value, Fault> {
    let mut list = Vec::new();
    let is_multi =
        source.downcast::<super::Json>().is_some_and(|j| matches!(j.0.class_name(), "JArray" | "JObject"));
    if is_multi {
        // A JSON container as the only content gives its children.
        if let Some(json) = source.downcast::<super::Json>() {
            list = json.0.children();
        }
    } else if !source.is_null() || made.class_name() == "JArray" {
        content(vm, source, &mut list)?;
    }
    vm.charge(list.len() * 64 + 64)?;
    for item in &list {
        made.add(item)?;
    }
    Ok(value(made))
}

fn property(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let name = a.str(0)?.as_str();
    let content_value = a.at(1);
    let inner = match content_value {
        Value::Null => JToken::null(),
        Value::Char(_) => {
            return Err(Fault::argument("Could not determine JSON object type for type System.Char.", ""));
        }
        single if single.downcast::<super::Json>().is_some() || super::convert::scalar(single).is_some() => {
            one(vm, single)?
        }
        many => {
            let mut list = Vec::new();
            content(vm, many, &mut list)?;
            let array = JToken::array();
            for item in &list {
                array.add(item)?;
            }
            array
        }
    };
    vm.charge(96)?;
    Ok(value(JToken::property(name, &inner)?))
}

/// Containers look for the very token, as .NET's do.
fn is_same(token: &JToken, item: &Value) -> bool {
    item.downcast::<super::Json>().is_some_and(|item| item.0.same(token))
}
