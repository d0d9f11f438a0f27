//! `JsonConvert`.

use super::super::{Allow, Args, Type, TypeTable, m};
use super::convert::from_object;
use super::deserialize::of_text;
use crate::clr::json::Formatting;
use crate::run::{Fault, Vm};
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
            m("static object DeserializeObject(string value)", |vm, a| deserialized(vm, a, &Type::OBJECT)),
            m("static T DeserializeObject<T>(string value)", |vm, a| deserialized(vm, a, &a.ty(0))),
            m("static object DeserializeObject(string value, System.Type type)", deserialized_as),
        ],
    },
];

pub(super) fn deserialized(vm: &mut Vm<'_>, a: &Args<'_>, ty: &Type) -> Result<Value, Fault> {
    of_text(vm, a.str(0)?.as_str(), ty)
}

pub(super) fn deserialized_as(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let ty = match a.at(1) {
        Value::Null => Type::OBJECT,
        _ => a.object::<super::super::runtime::TypeObject>(1)?.0.clone(),
    };
    deserialized(vm, a, &ty)
}
