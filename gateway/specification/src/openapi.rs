//! OpenAPI 3.0 and 3.1.

use gateway_model::Operation;
use gateway_model::resource::{Parameter, Representation, Response};

use crate::context::{Context, Source, describe, example, members, says_more};
use crate::document::Node;
use crate::findings::Findings;
use crate::name::type_name;
use crate::types::{Home, TypeReference};
use crate::{Definition, Settings, server};

mod content;

/// Reads the object of an OpenAPI 3 document.
pub(crate) fn read(root: &Node, settings: &Settings) -> (Definition, Findings) {
    let named_types = root.get("components").and_then(|components| components.get("schemas"));
    let mut context = Context::new(root, Home::Components, named_types, settings);
    if let Some(webhooks) = root.get("webhooks") {
        context.findings.note("webhooks are not kept", &webhooks.origin);
    }
    let servers = root.get("servers").or_else(|| root.get("x-servers"));
    let source = settings.source_url.as_deref();
    let service_url = server::of_list(servers, source, &mut context.findings);
    context.read_paths(root, read_operation);
    let (operations, types, findings) = context.finish();
    let schemas = types.finish(&settings.api, &root.origin, named_types).into_iter().collect();
    (Definition { service_url, operations, schemas, ..Definition::of_info(root) }, findings)
}

fn read_operation<'a>(context: &mut Context<'a>, source: &Source<'a>, operation: &mut Operation) {
    if let Some(body) = source.node.get("requestBody") {
        read_body(context, source, body, operation);
    }
    context.place_parameters(source, operation, parameter);
    if let Some(callbacks) = source.node.get("callbacks") {
        context.findings.note("callbacks are not kept", &callbacks.origin);
    }
    for (status, response) in members(source.node.get("responses")) {
        read_response(context, source, status, response, operation);
    }
}

fn read_body<'a>(context: &mut Context<'a>, source: &Source<'a>, body: &'a Node, operation: &mut Operation) {
    let Some(body) = context.follow(body) else { return };
    if context.drops_body(source, body) {
        return;
    }
    let mut request = operation.request.take().unwrap_or_default();
    request.description = body.text("description").map(str::to_owned);
    request.representations = representations(context, source, body, "Request");
    operation.request = Some(request);
}

fn read_response<'a>(
    context: &mut Context<'a>,
    source: &Source<'a>,
    status: &str,
    response: &'a Node,
    operation: &mut Operation,
) {
    if status.starts_with("x-") {
        return;
    }
    let Some(status_code) = status_code(status) else {
        context
            .findings
            .note("responses 'default' and of ranges such as '4XX' are not kept", &response.origin);
        return;
    };
    let Some(response) = context.follow(response) else { return };
    let description = response.text("description").filter(|text| !text.is_empty()).map(str::to_owned);
    let representations = representations(context, source, response, &format!("{status}Response"));
    let mut headers = Vec::new();
    for (name, header) in members(response.get("headers")) {
        let Some(header) = context.follow(header) else { continue };
        headers.push(Parameter { name: name.clone(), ..value_of(context, source, header, name) });
    }
    operation.responses.push(Response { status_code, description, representations, headers });
}

/// A status of three digits.
pub(crate) fn status_code(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| text.len() == 3 && (100..=599).contains(status))
}

fn representations<'a>(
    context: &mut Context<'a>,
    source: &Source<'a>,
    owner: &'a Node,
    name: &str,
) -> Vec<Representation> {
    let contents: Vec<_> = members(owner.get("content")).collect();
    let several = contents.len() > 1;
    contents
        .into_iter()
        .map(|(content_type, media)| {
            let kind = if several { type_name(content_type, "", name) } else { name.to_owned() };
            content::representation(
                context,
                content_type,
                media,
                &type_name(source.path, source.method, &kind),
            )
        })
        .collect()
}

fn parameter<'a>(context: &mut Context<'a>, source: &Source<'a>, node: &'a Node) -> Parameter {
    let name = node.text("name").unwrap_or_default();
    let parameter = Parameter { name: name.to_owned(), ..value_of(context, source, node, name) };
    if node.text("in") == Some("query") && parameter.parameter_type == "array" {
        let style = node.text("style").unwrap_or("form");
        let explode = node.get("explode").and_then(Node::as_bool).unwrap_or(style == "form");
        if style != "form" || !explode {
            context.findings.note(
                "lists in query parameters are read as exploded form, whatever their style",
                &node.origin,
            );
        }
    }
    parameter
}

/// What a parameter or header object says, name aside.
fn value_of<'a>(context: &mut Context<'a>, source: &Source<'a>, node: &'a Node, name: &str) -> Parameter {
    let mut parameter = Parameter {
        description: node.text("description").map(str::to_owned),
        required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
        ..Parameter::default()
    };
    let content = members(node.get("content")).next().map(|(_, media)| media);
    let written = node.get("schema").or_else(|| content.and_then(|media| media.get("schema")));
    if let Some(written) = written {
        let reference = if written.get("$ref").is_some() || says_more(written) {
            context.types.refer(written, &type_name(source.path, source.method, &format!("{name} parameter")))
        } else {
            TypeReference::default()
        };
        parameter.schema_id = reference.schema_id;
        parameter.type_name = reference.type_name;
        if let Some(schema) = context.follow(written) {
            describe(&mut parameter, schema);
        }
    }
    parameter.examples = content::examples(context, node);
    if parameter.examples.is_empty()
        && let Some(value) = written.and_then(|schema| schema.get("example"))
    {
        parameter.examples.insert("default".to_owned(), example(value));
    }
    parameter
}
