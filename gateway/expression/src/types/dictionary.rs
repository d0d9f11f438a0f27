//! The read-only dictionaries of the model, and the `GetValueOrDefault` family (expressions.md §2.4, §2.9).

use super::collection;
use super::runtime::{is_instance, pair};
use super::{Allow, Type, TypeTable, library, m};
use crate::host::{Host, Message, WhichUrl};
use crate::message::{StoredPart, StoredValue};
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::text::Text;
use crate::value::{ContextPart, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Collections.Generic.IReadOnlyDictionary<TKey, TValue> : System.Collections.Generic.IReadOnlyCollection<System.Collections.Generic.KeyValuePair<TKey, TValue>>",
        allow: Allow::All,
        members: &[
            m("TValue this[TKey key] { get; }", |vm, a| get(vm, a.this(), a.at(1))),
            m("bool ContainsKey(TKey key)", |vm, a| contains(vm, a.this(), a.at(1))),
            m("bool TryGetValue(TKey key, out TValue value)", |vm, a| {
                let found = look_up(vm, a.this(), a.at(1))?;
                let ok = found.is_some();
                a.set_out(2, found.unwrap_or_else(|| super::default_value(&a.ty(1))));
                Ok(Value::Bool(ok))
            }),
            m("System.Collections.Generic.IEnumerable<TKey> Keys { get; }", |vm, a| {
                let keys = entries(vm, a.this())?.into_iter().map(|(k, _)| k).collect();
                collection::new_list(vm, a.ty(0), keys)
            }),
            m("System.Collections.Generic.IEnumerable<TValue> Values { get; }", |vm, a| {
                let values = entries(vm, a.this())?.into_iter().map(|(_, v)| v).collect();
                collection::new_list(vm, a.ty(1), values)
            }),
        ],
    },
    TypeTable {
        header: "static class Microsoft.Azure.ApiManagement.DictionaryExtensions",
        allow: Allow::All,
        members: &[
            m(
                "static string GetValueOrDefault(this System.Collections.Generic.IReadOnlyDictionary<string, string[]> dictionary, string key)",
                |vm, a| joined(vm, a.at(0), a.at(1), &Value::Null),
            ),
            m(
                "static string GetValueOrDefault(this System.Collections.Generic.IReadOnlyDictionary<string, string[]> dictionary, string key, string defaultValue)",
                |vm, a| joined(vm, a.at(0), a.at(1), a.at(2)),
            ),
            m(
                "static T GetValueOrDefault<T>(this System.Collections.Generic.IReadOnlyDictionary<string, object> dictionary, string key, T defaultValue = default)",
                |vm, a| typed(vm, a.at(0), a.at(1), a.at(2), &a.ty(0)),
            ),
            m(
                "static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IReadOnlyDictionary<TKey, TValue> dictionary, TKey key)",
                |vm, a| {
                    let default = super::default_value(&a.ty(1));
                    Ok(look_up(vm, a.at(0), a.at(1))?.unwrap_or(default))
                },
            ),
            m(
                "static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IReadOnlyDictionary<TKey, TValue> dictionary, TKey key, TValue defaultValue)",
                |vm, a| Ok(look_up(vm, a.at(0), a.at(1))?.unwrap_or_else(|| a.at(2).clone())),
            ),
            m(
                "static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IDictionary<TKey, TValue> dictionary, TKey key)",
                |vm, a| {
                    let default = super::default_value(&a.ty(1));
                    Ok(look_up(vm, a.at(0), a.at(1))?.unwrap_or(default))
                },
            ),
            m(
                "static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IDictionary<TKey, TValue> dictionary, TKey key, TValue defaultValue)",
                |vm, a| Ok(look_up(vm, a.at(0), a.at(1))?.unwrap_or_else(|| a.at(2).clone())),
            ),
        ],
    },
];

/// The type of header and query dictionaries.
pub(crate) fn headers_type() -> Type {
    let def = library().by_full_name("System.Collections.Generic.IReadOnlyDictionary", 2);
    def.map_or(Type::OBJECT, |def| Type::generic(def, vec![Type::STRING, Type::array_of(Type::STRING, 1)]))
}

/// All values of a header as one `string[]`.
fn header(host: &dyn Host, message: Message, name: &str) -> Option<Value> {
    let mut values = Vec::new();
    host.header(message, name, &mut |value| values.push(Text::from(value)));
    (!values.is_empty()).then(|| Value::strings(values))
}

/// Decoded query parameters in order.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// URL decoding of a query: `+` is a space; bad escapes stay.
pub(super) fn decode(text: &str) -> String {
    if !text.contains(['+', '%']) {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    let bytes = spaced.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = spaced.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        if let (b'%', Some(value)) = (byte, hex) {
            out.push(value);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Entries grouped by name without regard to case, in order of first appearance.
fn grouped(lines: impl IntoIterator<Item = (String, String)>) -> Vec<(Value, Value)> {
    let mut groups: Vec<(String, Vec<Text>)> = Vec::new();
    for (name, value) in lines {
        match groups.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(&name)) {
            Some((_, values)) => values.push(Text::from(value)),
            None => groups.push((name, vec![Text::from(value)])),
        }
    }
    groups.into_iter().map(|(name, values)| (Value::str(&name), Value::strings(values))).collect()
}

pub(crate) fn header_entries(headers: &[(String, String)]) -> Box<dyn Iter> {
    let text_array = Type::array_of(Type::STRING, 1);
    let items = grouped(headers.iter().cloned());
    ValuesIter::boxed(items.into_iter().map(|(k, v)| pair(Type::STRING, text_array.clone(), k, v)).collect())
}

/// The value of a key in any dictionary.
pub(super) fn look_up(vm: &mut Vm<'_>, dictionary: &Value, key: &Value) -> Result<Option<Value>, Fault> {
    if key.is_null() {
        return Err(Fault::argument_null("key"));
    }
    match dictionary {
        Value::Context(part) => {
            let Value::Str(name) = key else { return Ok(None) };
            let name = name.as_str();
            let found = look_up_context(vm.host, *part, name);
            if let Some(Value::Array(array)) = &found {
                vm.charge(array.len() * 24)?;
            }
            Ok(found)
        }
        Value::Null => Err(Fault::null_reference()),
        other => match other.downcast::<StoredValue>() {
            Some(stored) if stored.part == StoredPart::Headers => {
                let Value::Str(name) = key else { return Ok(None) };
                let lines = stored.stored.data.headers.iter();
                let values: Vec<Text> = lines
                    .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_str()))
                    .map(|(_, v)| Text::from(v.as_str()))
                    .collect();
                Ok((!values.is_empty()).then(|| Value::strings(values)))
            }
            _ => collection::dictionary_get(vm, other, key),
        },
    }
}

fn look_up_context(host: &dyn Host, part: ContextPart, name: &str) -> Option<Value> {
    match part {
        ContextPart::Variables => host.variable(name),
        ContextPart::RequestHeaders => header(host, Message::Request, name),
        ContextPart::ResponseHeaders => header(host, Message::Response, name),
        ContextPart::MatchedParameters => host.matched_parameter(name).map(Value::str),
        ContextPart::Query | ContextPart::OriginalQuery => {
            let which = if part == ContextPart::Query { WhichUrl::Current } else { WhichUrl::Original };
            let pairs = query_pairs(host.url(which).query);
            let values: Vec<Text> = pairs
                .into_iter()
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| Text::from(v))
                .collect();
            (!values.is_empty()).then(|| Value::strings(values))
        }
        ContextPart::Certificates => host.deployment_certificate(name).map(super::certificate_value),
        _ => None,
    }
}

pub(super) fn get(vm: &mut Vm<'_>, dictionary: &Value, key: &Value) -> Result<Value, Fault> {
    if let Some(value) = look_up(vm, dictionary, key)? {
        Ok(value)
    } else {
        let key = vm.to_text(key)?;
        Err(Fault::key_not_found(key.as_str()))
    }
}

pub(super) fn contains(vm: &mut Vm<'_>, dictionary: &Value, key: &Value) -> Result<Value, Fault> {
    if let (Value::Context(ContextPart::Variables), Value::Str(name)) = (dictionary, key) {
        return Ok(Value::Bool(vm.host.has_variable(name.as_str())));
    }
    Ok(Value::Bool(look_up(vm, dictionary, key)?.is_some()))
}

/// Every entry of any dictionary.
pub(super) fn entries(vm: &mut Vm<'_>, dictionary: &Value) -> Result<Vec<(Value, Value)>, Fault> {
    match dictionary {
        Value::Context(part) => {
            let list = context_entries(vm.host, *part);
            vm.elements(list.len())?;
            Ok(list)
        }
        Value::Null => Err(Fault::null_reference()),
        other => match other.downcast::<StoredValue>() {
            Some(stored) if stored.part == StoredPart::Headers => {
                Ok(grouped(stored.stored.data.headers.iter().cloned()))
            }
            _ => collection::dictionary_entries(vm, other),
        },
    }
}

fn context_entries(host: &dyn Host, part: ContextPart) -> Vec<(Value, Value)> {
    let mut list: Vec<(Value, Value)> = Vec::new();
    match part {
        ContextPart::Variables => host.variables(&mut |name, value| list.push((Value::str(name), value))),
        ContextPart::MatchedParameters => {
            host.matched_parameters(&mut |name, value| list.push((Value::str(name), Value::str(value))));
        }
        ContextPart::RequestHeaders | ContextPart::ResponseHeaders => {
            let message =
                if part == ContextPart::RequestHeaders { Message::Request } else { Message::Response };
            let mut lines = Vec::new();
            host.headers(message, &mut |name, value| lines.push((name.to_owned(), value.to_owned())));
            list = grouped(lines);
        }
        ContextPart::Query => list = grouped(query_pairs(host.url(WhichUrl::Current).query)),
        ContextPart::OriginalQuery => list = grouped(query_pairs(host.url(WhichUrl::Original).query)),
        ContextPart::Certificates => {
            host.deployment_certificates(&mut |id, certificate| {
                list.push((Value::str(id), super::certificate_value(certificate)));
            });
        }
        _ => {}
    }
    list
}

/// `foreach` over a dictionary of the context.
pub(crate) fn iterate_context(vm: &mut Vm<'_>, part: ContextPart) -> Result<Box<dyn Iter>, Fault> {
    let value_type = match part {
        ContextPart::Variables => Type::OBJECT,
        ContextPart::MatchedParameters => Type::STRING,
        ContextPart::Certificates => super::certificate_type(),
        _ => Type::array_of(Type::STRING, 1),
    };
    let list = entries(vm, &Value::Context(part))?;
    let items = list.into_iter().map(|(k, v)| pair(Type::STRING, value_type.clone(), k, v)).collect();
    Ok(ValuesIter::boxed(items))
}

/// Values joined by commas, or the default.
fn joined(vm: &mut Vm<'_>, dictionary: &Value, key: &Value, default: &Value) -> Result<Value, Fault> {
    let message = match dictionary {
        Value::Context(ContextPart::RequestHeaders) => Some(Message::Request),
        Value::Context(ContextPart::ResponseHeaders) => Some(Message::Response),
        _ => None,
    };
    let (Some(message), Value::Str(name)) = (message, key) else {
        return match look_up(vm, dictionary, key)? {
            Some(Value::Array(array)) => {
                let parts: Vec<String> = array.values().iter().map(Value::to_text).collect();
                vm.text(parts.join(","))
            }
            Some(other) => Ok(other),
            None => Ok(default.clone()),
        };
    };
    // The commonest read of all: one line, one string.
    let mut text: Option<String> = None;
    let mut first: Option<Text> = None;
    vm.host.header(message, name.as_str(), &mut |value| match (&mut text, &first) {
        (Some(all), _) => {
            all.push(',');
            all.push_str(value);
        }
        (None, Some(before)) => text = Some(format!("{before},{value}")),
        (None, None) => first = Some(Text::from(value)),
    });
    match (text, first) {
        (Some(text), _) => vm.text(text),
        (None, Some(text)) => vm.text(text),
        (None, None) => Ok(default.clone()),
    }
}

/// A variable that must be of the type asked for.
fn typed(
    vm: &mut Vm<'_>,
    dictionary: &Value,
    key: &Value,
    default: &Value,
    ty: &Type,
) -> Result<Value, Fault> {
    match look_up(vm, dictionary, key)? {
        None => Ok(default.clone()),
        Some(Value::Null) => Ok(super::default_value(ty)),
        Some(value) if is_instance(&value, ty) => Ok(value),
        Some(value) => Err(wrong_variable(&value, &key.to_text(), ty)),
    }
}

/// A variable of another type than asked for.
pub(crate) fn wrong_variable(value: &Value, key: &str, ty: &Type) -> Fault {
    let from = value.clr_type_name().unwrap_or_default();
    let to = ty.clr_name();
    let message =
        format!("Unable to convert context variable `{key}` of type `{from}` to the type of `{to}`.");
    Fault::new("System.InvalidCastException", message)
}
