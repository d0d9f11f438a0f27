//! `JsonConvert`.

use super::super::{Allow, TypeTable, m};
use super::convert::{from_object, to_type};
use super::value;
use crate::clr::json::{self, DEPTH_DEFAULT, Formatting};
use crate::run::Fault;
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable { header: "abstract class Newtonsoft.Json.JsonConverter", allow: Allow::None, members: &[] },
    TypeTable {
        header: "static class Newtonsoft.Json.JsonConvert",
        allow: Allow::Only(&["SerializeObject", "DeserializeObject"]),
        members: &[
            m("static string SerializeObject(object value)", |vm, a| {
                let text = from_object(vm, a.at(0), 0)?.to_json(Formatting::None);
                vm.text(text)
            }),
            m("static string SerializeObject(object value, Formatting formatting)", |vm, a| {
                let formatting = if a.i64(1)? == 1 { Formatting::Indented } else { Formatting::None };
                let text = from_object(vm, a.at(0), 0)?.to_json(formatting);
                vm.text(text)
            }),
            m("static object DeserializeObject(string value)", |vm, a| {
                let token = read(vm, a.str(0)?.as_str())?;
                Ok(match token {
                    None => Value::Null,
                    Some(token) => match token.scalar() {
                        Some(scalar) => super::convert::plain(&scalar),
                        None => value(token),
                    },
                })
            }),
            m("static T DeserializeObject<T>(string value)", |vm, a| match read(vm, a.str(0)?.as_str())? {
                None => Ok(super::super::default_value(&a.ty(0))),
                Some(token) => to_type(vm, &token, &a.ty(0), 0),
            }),
            m("static object DeserializeObject(string value, System.Type type)", |vm, a| {
                let ty = a.object::<super::super::runtime::TypeObject>(1)?.0.clone();
                match read(vm, a.str(0)?.as_str())? {
                    None => Ok(Value::Null),
                    Some(token) => to_type(vm, &token, &ty, 0),
                }
            }),
        ],
    },
];

/// Reads JSON; blank text is null.
fn read(vm: &mut crate::run::Vm<'_>, text: &str) -> Result<Option<json::JToken>, Fault> {
    vm.steps(text.len() as u64 / 64)?;
    vm.charge(text.len().saturating_mul(4))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    Ok(Some(json::parse(text, DEPTH_DEFAULT)?))
}
