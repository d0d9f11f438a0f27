//! OpenAPI 3.0.

use gateway_model::Operation;
use gateway_model::resource::{Parameter, Representation, Response};
use serde_json::{Map, Value, json};

use super::Source;
use super::operation::{
    Placed, examples, form_schema, named, parameters, plain_schema, put_info, put_paths, put_responses,
    put_security, put_text,
};
use super::schemas::Types;

pub fn write(source: &Source) -> Value {
    let types = Types::of(&source.schemas, "#/components/schemas/");
    let mut document = Map::from_iter([("openapi".to_owned(), Value::from("3.0.1"))]);
    let more = [("termsOfService", "termsOfServiceUrl"), ("contact", "contact"), ("license", "license")];
    put_info(&mut document, source, &more);
    if !source.servers.is_empty() {
        let servers = source.servers.iter().map(|url| json!({ "url": url })).collect();
        document.insert("servers".to_owned(), Value::Array(servers));
    }
    put_paths(&mut document, source, |one, whole| operation(one, whole, &types));
    let mut components = Map::new();
    if !types.all.is_empty() {
        components.insert("schemas".to_owned(), Value::Object(types.all));
    }
    if let Some(schemes) = put_security(&mut document, source) {
        components.insert("securitySchemes".to_owned(), schemes);
    }
    if !components.is_empty() {
        document.insert("components".to_owned(), Value::Object(components));
    }
    Value::Object(document)
}

fn operation(operation: &Operation, whole: bool, types: &Types) -> Value {
    let mut out = named(operation);
    let written: Vec<Value> =
        parameters(operation, whole).iter().map(|placed| parameter(placed, types)).collect();
    if !written.is_empty() {
        out.insert("parameters".to_owned(), Value::Array(written));
    }
    let request = operation.request.as_ref().filter(|request| !request.representations.is_empty());
    if let Some(request) = request {
        let mut body = Map::new();
        put_text(&mut body, "description", request.description.as_deref());
        body.insert("content".to_owned(), content(&request.representations, types));
        out.insert("requestBody".to_owned(), Value::Object(body));
    }
    put_responses(&mut out, operation, |one| response(one, types));
    Value::Object(out)
}

fn parameter(placed: &Placed<'_>, types: &Types) -> Value {
    let mut out = Map::from_iter([
        ("name".to_owned(), Value::from(placed.parameter.name.as_str())),
        ("in".to_owned(), Value::from(placed.place)),
    ]);
    put_text(&mut out, "description", placed.parameter.description.as_deref());
    if placed.required {
        out.insert("required".to_owned(), Value::Bool(true));
    }
    describe(&mut out, placed.parameter, types);
    Value::Object(out)
}

/// Schema and examples of a parameter or header.
fn describe(out: &mut Map<String, Value>, parameter: &Parameter, types: &Types) {
    let schema = types.reference(parameter.schema_id.as_deref(), parameter.type_name.as_deref());
    let schema = schema.unwrap_or_else(|| Value::Object(plain_schema(parameter)));
    out.insert("schema".to_owned(), schema);
    examples(out, &parameter.examples, None);
}

fn content(representations: &[Representation], types: &Types) -> Value {
    let all = representations.iter().map(|representation| {
        let mut media = Map::new();
        let schema =
            types.reference(representation.schema_id.as_deref(), representation.type_name.as_deref());
        if let Some(schema) = schema.or_else(|| form_schema(representation)) {
            media.insert("schema".to_owned(), schema);
        }
        examples(&mut media, &representation.examples, representation.sample.as_deref());
        (representation.content_type.clone(), Value::Object(media))
    });
    Value::Object(all.collect())
}

fn response(response: &Response, types: &Types) -> Value {
    let description = response.description.clone().unwrap_or_default();
    let mut out = Map::from_iter([("description".to_owned(), Value::from(description))]);
    if !response.headers.is_empty() {
        let headers = response.headers.iter().map(|header| {
            let mut one = Map::new();
            put_text(&mut one, "description", header.description.as_deref());
            if header.required {
                one.insert("required".to_owned(), Value::Bool(true));
            }
            describe(&mut one, header, types);
            (header.name.clone(), Value::Object(one))
        });
        out.insert("headers".to_owned(), Value::Object(headers.collect()));
    }
    if !response.representations.is_empty() {
        out.insert("content".to_owned(), content(&response.representations, types));
    }
    Value::Object(out)
}
