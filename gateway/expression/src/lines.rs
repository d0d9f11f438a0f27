//! The protocol of `gateway expression`: one JSON object a line in, one out.
//!
//! In: `{"id", "expr", "ret"?, "ctx"?}`: `expr` is a policy expression (bare C# counts as inside `@( )`), `ret` the wanted
//! result (`bool`, `int`, `long`, `double`, `string`, `bytes`, `any`, or a C# type that the value must convert to), and `ctx`
//! replaces top-level keys of the fixture. Out: `{"id", "type", "value"}`, `{"id", "exception": {"type", "message"}}` or
//! `{"id", "diagnostics": […]}`.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value as Json, json};

use crate::clr::encoding;
use crate::compile::{Expected, Options, compile, compile_to, is_expression};
use crate::host::Fixture;
use crate::types::portable_text;
use crate::value::Value;

static DEFECTS: AtomicU64 = AtomicU64::new(0);

/// Panics caught by [`answer`] since the process began: each is a defect.
pub fn defects() -> u64 {
    DEFECTS.load(Ordering::Relaxed)
}

/// The answer to one line; always one JSON object without a line break.
pub fn answer(line: &str, fixture: &Json, options: &Options) -> String {
    let request: Json = match serde_json::from_str(line) {
        Ok(request @ Json::Object(_)) => request,
        Ok(_) => return refused(&Json::Null, "the line is not a JSON object"),
        Err(error) => return refused(&Json::Null, &format!("the line is not JSON: {error}")),
    };
    let id = request.get("id").cloned().unwrap_or(Json::Null);
    if let Ok(text) = catch_unwind(AssertUnwindSafe(|| reply(&request, &id, fixture, options))) {
        text
    } else {
        DEFECTS.fetch_add(1, Ordering::Relaxed);
        refused(&id, "internal error")
    }
}

/// The answer to a line that cannot be read at all.
pub fn refusal(message: &str) -> String {
    refused(&Json::Null, message)
}

fn refused(id: &Json, message: &str) -> String {
    diagnostics(id, &[json!({ "line": 1, "column": 1, "code": "GW0001", "message": message })])
}

fn diagnostics(id: &Json, list: &[Json]) -> String {
    json!({ "id": id, "diagnostics": list }).to_string()
}

fn expected(ret: &str) -> Option<Expected> {
    Some(match ret {
        "bool" | "System.Boolean" => Expected::Bool,
        "int" | "System.Int32" => Expected::Int,
        "long" | "System.Int64" => Expected::Long,
        "double" | "System.Double" => Expected::Double,
        "string" | "System.String" => Expected::String,
        "bytes" | "byte[]" | "System.Byte[]" => Expected::Bytes,
        "any" | "object" | "System.Object" | "" => Expected::Any,
        _ => return None,
    })
}

/// The text with its `@( … )`, which may be left out here; a comment at its end must not swallow the bracket.
fn marked(text: &str) -> Cow<'_, str> {
    if is_expression(text) { Cow::Borrowed(text) } else { Cow::Owned(format!("@({text}\n)")) }
}

fn reply(request: &Json, id: &Json, fixture: &Json, options: &Options) -> String {
    let Some(text) = request.get("expr").and_then(Json::as_str) else {
        return refused(id, "'expr' is missing or no string");
    };
    let text = &*marked(text);
    let ret = match request.get("ret") {
        None | Some(Json::Null) => "any",
        Some(Json::String(ret)) => ret.trim(),
        Some(_) => return refused(id, "'ret' is no string"),
    };
    let mut context = fixture.as_object().cloned().unwrap_or_else(Map::new);
    for (name, value) in request.get("ctx").and_then(Json::as_object).into_iter().flatten() {
        context.insert(name.clone(), value.clone());
    }
    let host = match Fixture::parse(&Json::Object(context)) {
        Ok(host) => host,
        Err(error) => return refused(id, &error.to_string()),
    };
    let compiled = match expected(ret) {
        Some(expected) => compile(text, expected, options),
        None => match compile_to(text, ret, options) {
            Some(compiled) => compiled,
            None => return refused(id, &format!("'ret': there is no type '{ret}'")),
        },
    };
    let expression = match compiled {
        Ok(expression) => expression,
        Err(list) => {
            let list: Vec<Json> = list
                .iter()
                .map(|d| json!({ "line": d.line, "column": d.column, "code": d.code, "message": d.message }))
                .collect();
            return diagnostics(id, &list);
        }
    };
    match expression.evaluate(&host) {
        Ok(value) => {
            let text = if value.is_null() { Json::Null } else { Json::String(shown(&value, &host)) };
            json!({ "id": id, "type": value.clr_type_name(), "value": text }).to_string()
        }
        Err(exception) => {
            json!({ "id": id, "exception": { "type": exception.type_name, "message": exception.message } })
                .to_string()
        }
    }
}

/// `byte[]` as base64, `DateTime` as `o`, everything else as its `ToString()`.
fn shown(value: &Value, host: &Fixture) -> String {
    if let Some(bytes) = value.as_bytes() {
        return encoding::to_base64(&bytes);
    }
    match value {
        Value::DateTime(..) => portable_text(value),
        other => other.text_with(host).as_str().to_owned(),
    }
}
