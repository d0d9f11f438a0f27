//! What the formats have in common: paths, parameters, examples.

use gateway_model::Operation;
use gateway_model::resource::{Parameter, ParameterExample, Representation, Response};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::Source;

/// `info`.
pub fn put_info(document: &mut Map<String, Value>, source: &Source, more: &[(&str, &str)]) {
    let mut info = Map::new();
    info.insert("title".to_owned(), Value::from(source.api.display_name.as_str()));
    put_text(&mut info, "description", source.api.description.as_deref());
    info.insert("version".to_owned(), Value::from(source.version()));
    for (name, member) in more {
        if let Some(value) = source.api.extra.get(*member) {
            info.insert((*name).to_owned(), value.clone());
        }
    }
    document.insert("info".to_owned(), Value::Object(info));
}

/// `paths`, and `x-ms-paths` where there is need; `write` is told whether the whole template is the path.
pub fn put_paths(
    document: &mut Map<String, Value>,
    source: &Source,
    write: impl Fn(&Operation, bool) -> Value,
) {
    let paths = Paths::of(&source.operations);
    let items = |all: &IndexMap<&str, Vec<&Operation>>, whole: bool| -> Value {
        let items = all.iter().map(|(path, operations)| {
            let item = operations.iter().map(|one| (one.method.to_ascii_lowercase(), write(one, whole)));
            ((*path).to_owned(), Value::Object(item.collect()))
        });
        Value::Object(items.collect())
    };
    document.insert("paths".to_owned(), items(&paths.paths, false));
    if !paths.more.is_empty() {
        document.insert("x-ms-paths".to_owned(), items(&paths.more, true));
    }
}

/// `security`: the subscription key, in a header or in the query. Gives the schemes that it names; `None` where calls need
/// no key.
pub fn put_security(document: &mut Map<String, Value>, source: &Source) -> Option<Value> {
    if !source.api.subscription_required {
        return None;
    }
    let names = source.api.subscription_key_parameter_names.clone().unwrap_or_default();
    document.insert("security".to_owned(), json!([{"apiKeyHeader": []}, {"apiKeyQuery": []}]));
    Some(json!({
        "apiKeyHeader": {"type": "apiKey", "name": names.header, "in": "header"},
        "apiKeyQuery": {"type": "apiKey", "name": names.query, "in": "query"},
    }))
}

/// Title and description of an operation, and its name as its id.
pub fn named(operation: &Operation) -> Map<String, Value> {
    let mut out = Map::new();
    put_text(&mut out, "summary", Some(&operation.display_name));
    put_text(&mut out, "description", operation.description.as_deref());
    out.insert("operationId".to_owned(), Value::from(operation.id.as_str()));
    out
}

/// `responses`, by status.
pub fn put_responses(
    out: &mut Map<String, Value>,
    operation: &Operation,
    write: impl Fn(&Response) -> Value,
) {
    let mut responses: Map<String, Value> =
        operation.responses.iter().map(|one| (one.status_code.to_string(), write(one))).collect();
    if responses.is_empty() {
        // There must be one; that of all statuses says nothing.
        responses.insert("default".to_owned(), json!({"description": ""}));
    }
    out.insert("responses".to_owned(), Value::Object(responses));
}

/// Operations by path and method, and those whose place is taken by one that differs in its query only.
pub struct Paths<'s> {
    pub paths: IndexMap<&'s str, Vec<&'s Operation>>,
    /// By whole template (`x-ms-paths`).
    pub more: IndexMap<&'s str, Vec<&'s Operation>>,
}

impl<'s> Paths<'s> {
    pub fn of(operations: &'s [Operation]) -> Self {
        let mut all = Self { paths: IndexMap::new(), more: IndexMap::new() };
        for operation in operations {
            let same = all.paths.entry(path(operation)).or_default();
            if same.iter().any(|other| other.method.eq_ignore_ascii_case(&operation.method)) {
                all.more.entry(&operation.url_template).or_default().push(operation);
            } else {
                same.push(operation);
            }
        }
        all
    }
}

/// The template without its query; at least `/`.
fn path(operation: &Operation) -> &str {
    let path = operation.url_template.split('?').next().unwrap_or_default();
    if path.is_empty() { "/" } else { path }
}

/// A parameter and where it stands: `path`, `query`, `header`.
pub struct Placed<'s> {
    pub parameter: &'s Parameter,
    pub place: &'static str,
    pub required: bool,
}

/// All parameters of an operation. Those of the template's query are required; in `x-ms-paths` they belong to the path.
pub fn parameters<'s>(operation: &'s Operation, whole_template: bool) -> Vec<Placed<'s>> {
    let in_path = if whole_template { operation.url_template.as_str() } else { path(operation) };
    let of_template = operation.template_parameters.iter().map(|parameter| {
        let is_path = in_path.contains(&format!("{{{}}}", parameter.name));
        Placed { parameter, place: if is_path { "path" } else { "query" }, required: true }
    });
    let placed =
        |place| move |parameter: &'s Parameter| Placed { parameter, place, required: parameter.required };
    let request = operation.request.iter();
    let of_request = request.flat_map(move |request| {
        let query = request.query_parameters.iter().map(placed("query"));
        query.chain(request.headers.iter().map(placed("header")))
    });
    of_template.chain(of_request).collect()
}

/// Type, default and values of a parameter.
pub fn plain_schema(parameter: &Parameter) -> Map<String, Value> {
    let kind = parameter.parameter_type.as_str();
    let mut schema = Map::new();
    if !kind.is_empty() {
        schema.insert("type".to_owned(), Value::from(kind));
    }
    if let Some(default) = &parameter.default_value {
        schema.insert("default".to_owned(), scalar(default, kind));
    }
    if !parameter.values.is_empty() {
        let values = parameter.values.iter().map(|value| scalar(value, kind)).collect();
        schema.insert("enum".to_owned(), Value::Array(values));
    }
    if kind == "array" {
        schema.insert("items".to_owned(), json!({}));
    }
    schema
}

/// A value kept as text, in its type.
fn scalar(text: &str, kind: &str) -> Value {
    let read = matches!(kind, "integer" | "number" | "boolean" | "array" | "object");
    let value = read.then(|| serde_json::from_str(text).ok()).flatten();
    value.unwrap_or_else(|| Value::from(text))
}

/// `example`, or `examples` where there are several or one with a name.
pub fn examples(
    into: &mut Map<String, Value>,
    examples: &IndexMap<String, ParameterExample>,
    sample: Option<&str>,
) {
    let only_default = examples.len() == 1 && examples.contains_key("default");
    if examples.is_empty() || only_default {
        let value = examples.values().next().and_then(|example| example.value.clone());
        let sample = || sample.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
        if let Some(value) = value.or_else(sample) {
            into.insert("example".to_owned(), value);
        }
        return;
    }
    let written = examples.iter().map(|(name, example)| {
        let value = serde_json::to_value(example).unwrap_or_default();
        (name.clone(), value)
    });
    into.insert("examples".to_owned(), Value::Object(written.collect()));
}

/// The fields of a form as a schema.
pub fn form_schema(representation: &Representation) -> Option<Value> {
    if representation.form_parameters.is_empty() {
        return None;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &representation.form_parameters {
        let mut schema = plain_schema(field);
        if let Some(description) = &field.description {
            schema.insert("description".to_owned(), Value::from(description.as_str()));
        }
        properties.insert(field.name.clone(), Value::Object(schema));
        if field.required {
            required.push(Value::from(field.name.as_str()));
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    Some(schema)
}

/// Sets a member that holds a text.
pub fn put_text(into: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        into.insert(name.to_owned(), Value::from(text));
    }
}
