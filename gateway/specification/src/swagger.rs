//! OpenAPI 2.0 (Swagger).

use gateway_model::Operation;
use gateway_model::resource::{Parameter, Representation, Response};

use crate::context::{Context, Source, describe, example, members, says_more};
use crate::document::Node;
use crate::findings::Findings;
use crate::name::type_name;
use crate::openapi::status_code;
use crate::types::Home;
use crate::{Definition, Settings, server};

/// Reads the object of an OpenAPI 2 document.
pub(crate) fn read(root: &Node, settings: &Settings) -> (Definition, Findings) {
    let named_types = root.get("definitions");
    let mut context = Context::new(root, Home::Definitions, named_types, settings);
    let service_url = service_url(root, settings, &mut context.findings);
    context.read_paths(root, |context, source, operation| read_operation(context, source, operation));
    let (operations, types, findings) = context.finish();
    let schemas = types.finish(&settings.api, &root.origin, named_types).into_iter().collect();
    (Definition { service_url, operations, schemas, ..Definition::of_info(root) }, findings)
}

/// `schemes`, `host` and `basePath`; https when no scheme is written. Without a host `x-servers`, else the host that the
/// document was read from (OpenAPI 2.0, "Swagger Object").
fn service_url(root: &Node, settings: &Settings, findings: &mut Findings) -> Option<String> {
    let base = root.text("basePath");
    let host = root.text("host").filter(|host| !host.is_empty());
    let source = settings.source_url.as_deref();
    let (default, host) = match (host, root.get("x-servers"), source.and_then(server::parts)) {
        (Some(host), ..) => ("https", host),
        (None, Some(servers), _) => return server::of_list(Some(servers), source, findings),
        (None, None, Some((scheme, host, _))) if base.is_some() => (scheme, host),
        _ => return None,
    };
    let schemes: Vec<&str> = root
        .get("schemes")
        .and_then(Node::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .collect();
    let scheme = schemes.iter().find(|scheme| scheme.eq_ignore_ascii_case("https")).or(schemes.first());
    let path = base.unwrap_or_default().trim_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    Some(format!("{}://{host}{slash}{path}", scheme.unwrap_or(&default)))
}

fn read_operation<'a>(context: &mut Context<'a>, source: &Source<'a>, operation: &mut Operation) {
    read_body(context, source, operation);
    context.place_parameters(source, operation, parameter);
    let produces = content_types(context, source, "produces");
    for (status, response) in members(source.node.get("responses")) {
        if status.starts_with("x-") {
            continue;
        }
        let Some(status_code) = status_code(status) else {
            context
                .findings
                .note("responses 'default' and of ranges such as '4XX' are not kept", &response.origin);
            continue;
        };
        let Some(response) = context.follow(response) else { continue };
        operation.responses.push(read_response(context, source, status_code, response, &produces));
    }
}

/// `consumes` or `produces` of the operation, else of the document.
fn content_types(context: &Context<'_>, source: &Source<'_>, name: &str) -> Vec<String> {
    let list = source.node.get(name).or_else(|| context.references.root().get(name));
    list.and_then(Node::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .map(str::to_owned)
        .collect()
}

fn read_body<'a>(context: &mut Context<'a>, source: &Source<'a>, operation: &mut Operation) {
    let in_place = |place: &str| -> Vec<&'a Node> {
        source.parameters.iter().copied().filter(|node| node.text("in") == Some(place)).collect()
    };
    let (bodies, fields) = (in_place("body"), in_place("formData"));
    let Some(first) = bodies.first().or(fields.first()).copied() else { return };
    if context.drops_body(source, first) {
        return;
    }
    let mut content_types = content_types(context, source, "consumes");
    let mut representation = Representation::default();
    if let Some(body) = bodies.first() {
        if let Some(schema) = body.get("schema") {
            let name = type_name(source.path, source.method, "Request");
            let reference = context.types.refer(schema, &name);
            representation.schema_id = reference.schema_id;
            representation.type_name = reference.type_name;
        }
        if content_types.is_empty() {
            content_types.push("application/json".to_owned());
        }
    } else {
        context.findings.note("form parameters are kept here, but not by Azure's import", &first.origin);
        representation.form_parameters =
            fields.iter().map(|field| parameter(context, source, field)).collect();
        content_types.retain(|content_type| content_type.contains("form"));
        if content_types.is_empty() {
            content_types.push("application/x-www-form-urlencoded".to_owned());
        }
    }
    let mut request = operation.request.take().unwrap_or_default();
    request.description = first.text("description").filter(|_| !bodies.is_empty()).map(str::to_owned);
    request.representations = content_types
        .into_iter()
        .map(|content_type| Representation { content_type, ..representation.clone() })
        .collect();
    operation.request = Some(request);
}

fn read_response<'a>(
    context: &mut Context<'a>,
    source: &Source<'a>,
    status_code: u16,
    response: &'a Node,
    produces: &[String],
) -> Response {
    let schema = response.get("schema");
    // Without a schema there may be no body at all, as with 204.
    let mut content_types = if schema.is_some() { produces.to_vec() } else { Vec::new() };
    for (content_type, _) in members(response.get("examples")) {
        if !content_types.contains(content_type) {
            content_types.push(content_type.clone());
        }
    }
    if content_types.is_empty() && schema.is_some() {
        content_types.push("application/json".to_owned());
    }
    let reference = schema.map(|schema| {
        let name = type_name(source.path, source.method, &format!("{status_code}Response"));
        context.types.refer(schema, &name)
    });
    let reference = reference.unwrap_or_default();
    let mut representations = Vec::new();
    for content_type in content_types {
        let mut representation = Representation {
            schema_id: reference.schema_id.clone(),
            type_name: reference.type_name.clone(),
            ..Representation::default()
        };
        let written = response.get("examples").and_then(|examples| examples.get(&content_type));
        if let Some(value) = written.or_else(|| schema.and_then(|schema| schema.get("example"))) {
            representation.examples.insert("default".to_owned(), example(value));
        }
        representation.content_type = content_type;
        representations.push(representation);
    }
    let mut headers = Vec::new();
    for (name, header) in members(response.get("headers")) {
        let mut parameter = Parameter {
            name: name.clone(),
            description: header.text("description").map(str::to_owned),
            ..Parameter::default()
        };
        describe(&mut parameter, header);
        headers.push(parameter);
    }
    let description = response.text("description").filter(|text| !text.is_empty()).map(str::to_owned);
    Response { status_code, description, representations, headers }
}

/// A parameter is its own schema here.
fn parameter<'a>(context: &mut Context<'a>, source: &Source<'a>, node: &'a Node) -> Parameter {
    let name = node.text("name").unwrap_or_default();
    let mut parameter = Parameter {
        name: name.to_owned(),
        description: node.text("description").map(str::to_owned),
        required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
        ..Parameter::default()
    };
    describe(&mut parameter, node);
    let is_list = parameter.parameter_type == "array";
    if is_list && node.text("in") == Some("query") && node.text("collectionFormat") != Some("multi") {
        context
            .findings
            .note("lists in query parameters are read as exploded form, whatever their style", &node.origin);
    }
    let schema = schema_of(node);
    if says_more(&schema) {
        let reference = context
            .types
            .refer(&schema, &type_name(source.path, source.method, &format!("{name} parameter")));
        parameter.schema_id = reference.schema_id;
        parameter.type_name = reference.type_name;
    }
    parameter
}

/// The members of a parameter object that are those of a schema.
fn schema_of(node: &Node) -> Node {
    const OWN: [&str; 6] = ["name", "in", "required", "description", "collectionFormat", "allowEmptyValue"];
    let members = members(Some(node)).filter(|(name, _)| !OWN.contains(&name.as_str()));
    let members: crate::document::Object = members.map(|(name, node)| (name.clone(), node.clone())).collect();
    Node { value: members.into(), origin: node.origin.clone() }
}
