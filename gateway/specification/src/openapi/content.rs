//! Media types of OpenAPI 3: schemas, examples, form fields.

use gateway_model::resource::{Parameter, ParameterExample, Representation};
use indexmap::IndexMap;

use crate::context::{Context, describe, example, members};
use crate::document::Node;

/// A media type object; `name` is for a schema written in place.
pub(super) fn representation<'a>(
    context: &mut Context<'a>,
    content_type: &str,
    media: &'a Node,
    name: &str,
) -> Representation {
    let mut representation = Representation {
        content_type: content_type.to_owned(),
        examples: examples(context, media),
        ..Representation::default()
    };
    let Some(written) = media.get("schema") else { return representation };
    let reference = context.types.refer(written, name);
    representation.schema_id = reference.schema_id;
    representation.type_name = reference.type_name;
    let Some(schema) = context.follow(written) else { return representation };
    if representation.examples.is_empty() {
        let first = schema.get("examples").and_then(Node::as_array).and_then(<[Node]>::first);
        if let Some(value) = schema.get("example").or(first) {
            representation.examples.insert("default".to_owned(), example(value));
        }
    }
    if is_form(content_type) {
        representation.form_parameters = form_parameters(context, schema);
    }
    representation
}

/// `examples` by name, or else the one `example`, which gets the name `default`.
pub(super) fn examples<'a>(context: &mut Context<'a>, owner: &'a Node) -> IndexMap<String, ParameterExample> {
    let mut examples = IndexMap::new();
    for (name, node) in members(owner.get("examples")) {
        let Some(node) = context.follow(node) else { continue };
        examples.insert(
            name.clone(),
            ParameterExample {
                summary: node.text("summary").map(str::to_owned),
                description: node.text("description").map(str::to_owned),
                value: node.get("value").map(Node::to_json),
                external_value: node.text("externalValue").map(str::to_owned),
            },
        );
    }
    if let Some(value) = owner.get("example").filter(|_| examples.is_empty()) {
        examples.insert("default".to_owned(), example(value));
    }
    examples
}

fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data"]
        .iter()
        .any(|form| essence.eq_ignore_ascii_case(form))
}

fn form_parameters<'a>(context: &mut Context<'a>, schema: &'a Node) -> Vec<Parameter> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Node::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .collect();
    let mut parameters = Vec::new();
    for (name, property) in members(schema.get("properties")) {
        let Some(property) = context.follow(property) else { continue };
        let mut parameter = Parameter {
            name: name.clone(),
            description: property.text("description").map(str::to_owned),
            required: required.contains(&name.as_str()),
            ..Parameter::default()
        };
        describe(&mut parameter, property);
        parameters.push(parameter);
    }
    parameters
}
