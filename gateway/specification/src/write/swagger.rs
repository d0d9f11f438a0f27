//! OpenAPI 2.0 (Swagger).

use gateway_model::Operation;
use gateway_model::resource::{Parameter, Response};
use serde_json::{Map, Value, json};

use super::Source;
use super::operation::{
    form_schema, named, parameters, plain_schema, put_info, put_paths, put_responses, put_security, put_text,
};
use super::schemas::Types;

pub fn write(source: &Source) -> Value {
    let types = Types::of(&source.schemas, "#/definitions/");
    let mut document = Map::from_iter([("swagger".to_owned(), Value::from("2.0"))]);
    put_info(&mut document, source, &[]);
    place(&mut document, source.servers.first().map_or("/", String::as_str));
    put_paths(&mut document, source, |one, whole| operation(one, whole, &types));
    if !types.all.is_empty() {
        document.insert("definitions".to_owned(), Value::Object(types.all));
    }
    if let Some(schemes) = put_security(&mut document, source) {
        document.insert("securityDefinitions".to_owned(), schemes);
    }
    Value::Object(document)
}

/// `schemes`, `host` and `basePath` of a base URL.
fn place(document: &mut Map<String, Value>, server: &str) {
    let (host, path) = match server.split_once("://") {
        Some((scheme, rest)) => {
            document.insert("schemes".to_owned(), json!([scheme]));
            let at = rest.find('/').unwrap_or(rest.len());
            rest.split_at(at)
        }
        None => ("", server),
    };
    put_text(document, "host", Some(host));
    document.insert("basePath".to_owned(), Value::from(if path.is_empty() { "/" } else { path }));
}

fn operation(operation: &Operation, whole: bool, types: &Types) -> Value {
    let mut out = named(operation);
    let mut written: Vec<Value> = parameters(operation, whole)
        .iter()
        .map(|placed| parameter(placed.parameter, placed.place, placed.required))
        .collect();
    let request = operation.request.as_ref();
    if let Some(first) = request.and_then(|request| request.representations.first()) {
        let all = request.map(|request| request.representations.as_slice()).unwrap_or_default();
        let consumes: Vec<&str> = all.iter().map(|one| one.content_type.as_str()).collect();
        out.insert("consumes".to_owned(), json!(consumes));
        if first.form_parameters.is_empty() {
            let schema = types.reference(first.schema_id.as_deref(), first.type_name.as_deref());
            let mut body = Map::from_iter([
                ("name".to_owned(), Value::from("body")),
                ("in".to_owned(), Value::from("body")),
                ("schema".to_owned(), schema.or_else(|| form_schema(first)).unwrap_or_else(|| json!({}))),
            ]);
            put_text(&mut body, "description", request.and_then(|request| request.description.as_deref()));
            written.push(Value::Object(body));
        } else {
            let fields = first.form_parameters.iter();
            written.extend(fields.map(|field| parameter(field, "formData", field.required)));
        }
    }
    let produces: Vec<&str> = operation
        .responses
        .iter()
        .flat_map(|response| &response.representations)
        .map(|representation| representation.content_type.as_str())
        .fold(Vec::new(), |mut all, one| {
            if !all.contains(&one) {
                all.push(one);
            }
            all
        });
    if !produces.is_empty() {
        out.insert("produces".to_owned(), json!(produces));
    }
    if !written.is_empty() {
        out.insert("parameters".to_owned(), Value::Array(written));
    }
    put_responses(&mut out, operation, |one| response(one, types));
    Value::Object(out)
}

/// A parameter is its own schema here; a type of its own cannot be referred to.
fn parameter(parameter: &Parameter, place: &str, required: bool) -> Value {
    let mut out = Map::from_iter([
        ("name".to_owned(), Value::from(parameter.name.as_str())),
        ("in".to_owned(), Value::from(place)),
    ]);
    put_text(&mut out, "description", parameter.description.as_deref());
    if required {
        out.insert("required".to_owned(), Value::Bool(true));
    }
    let mut schema = plain_schema(parameter);
    match parameter.parameter_type.as_str() {
        "" | "object" => {
            schema.insert("type".to_owned(), Value::from("string"));
        }
        "array" => {
            schema.insert("items".to_owned(), json!({"type": "string"}));
            if place == "query" {
                schema.insert("collectionFormat".to_owned(), Value::from("multi"));
            }
        }
        _ => {}
    }
    out.extend(schema);
    Value::Object(out)
}

fn response(response: &Response, types: &Types) -> Value {
    let description = response.description.clone().unwrap_or_default();
    let mut out = Map::from_iter([("description".to_owned(), Value::from(description))]);
    let schema = response
        .representations
        .iter()
        .find_map(|one| types.reference(one.schema_id.as_deref(), one.type_name.as_deref()));
    if let Some(schema) = schema {
        out.insert("schema".to_owned(), schema);
    }
    let examples: Map<String, Value> = response
        .representations
        .iter()
        .filter_map(|one| Some((one.content_type.clone(), one.examples.values().next()?.value.clone()?)))
        .collect();
    if !examples.is_empty() {
        out.insert("examples".to_owned(), Value::Object(examples));
    }
    if !response.headers.is_empty() {
        let headers = response.headers.iter().map(|header| {
            let mut one = plain_schema(header);
            one.entry("type").or_insert_with(|| Value::from("string"));
            put_text(&mut one, "description", header.description.as_deref());
            (header.name.clone(), Value::Object(one))
        });
        out.insert("headers".to_owned(), Value::Object(headers.collect()));
    }
    Value::Object(out)
}
