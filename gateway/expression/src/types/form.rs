//! Bodies as the type asked for, and form-encoded content (expressions.md §2.6).

use super::collection::{new_dictionary, new_list};
use super::dictionary::{entries, query_pairs};
use super::{Allow, Type, TypeTable, m};
use crate::clr::encoding;
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "static class Microsoft.Azure.ApiManagement.FormExtensions",
    allow: Allow::All,
    members: &[
        m("static string ToQueryString(this IDictionary<string, IList<string>> dictionary)", |vm, a| {
            let text = encoded(vm, a.at(0))?;
            vm.text(if text.is_empty() { text } else { format!("?{text}") })
        }),
        m(
            "static string ToFormUrlEncodedContent(this IDictionary<string, IList<string>> dictionary)",
            |vm, a| {
                let text = encoded(vm, a.at(0))?;
                vm.text(text)
            },
        ),
    ],
}];

/// `IDictionary<string, IList<string>>` of a form.
pub(super) fn form_dictionary(vm: &mut Vm<'_>, text: &str) -> Result<Value, Fault> {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, value) in query_pairs(text) {
        vm.steps(1)?;
        match groups.iter_mut().find(|(n, _)| *n == name) {
            Some((_, values)) => values.push(Value::str(&value)),
            None => groups.push((name, vec![Value::str(&value)])),
        }
    }
    let mut list = Vec::with_capacity(groups.len());
    for (name, values) in groups {
        list.push((Value::str(&name), new_list(vm, Type::STRING, values)?));
    }
    let values = Type::generic(super::ILIST, vec![Type::STRING]);
    new_dictionary(vm, (Type::STRING, values), false, list)
}

fn encoded(vm: &mut Vm<'_>, form: &Value) -> Result<String, Fault> {
    let mut parts = Vec::new();
    for (name, values) in entries(vm, form)? {
        for value in vm.collect(&values)? {
            let value = encoding::url_encode(&value.to_text());
            parts.push(format!("{}={value}", encoding::url_encode(&name.to_text())));
        }
    }
    Ok(parts.join("&"))
}

/// `As<T>` of text: JSON or XML by the type.
pub(super) fn parse_body(vm: &mut Vm<'_>, text: &str, ty: &Type) -> Result<Value, Fault> {
    let name = ty.clr_name();
    if let Some(class) = name.strip_prefix("Newtonsoft.Json.Linq.") {
        let parsed = super::json::parse(vm, text, class)?;
        return crate::run::cast(parsed, ty);
    }
    if let Some(class) = name.strip_prefix("System.Xml.Linq.").filter(|class| *class != "XAttribute") {
        let parsed = super::xml::parse_as(vm, text, class)?;
        return crate::run::cast(parsed, ty);
    }
    Err(Fault::invalid_operation(&format!("The body cannot be read as '{name}'.")))
}
