//! WSDL 1.1: the operations of one port, passed through as SOAP or made REST (management-api.md §3.3).

mod rest;
mod schema;

use std::sync::Arc;

use gateway_model::resource::{Representation, Request, Response};
use gateway_model::{Diagnostic, Operation, OperationId, Origin};

use self::rest::Message;
use self::schema::{Field, Schemas};
use crate::findings::Findings;
use crate::name::Names;
use crate::xml::{Node, Xml, local};
use crate::{Definition, Outcome, Settings, WsdlSelector};

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const SOAP_1_1: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SOAP_1_2: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
/// Most operations of one document.
const OPERATIONS_MAX: usize = 10_000;

pub(crate) fn read(text: &str, file: &Arc<str>, settings: &Settings) -> Outcome {
    let failed = |error| Outcome::failed(error, settings);
    let xml = match Xml::parse(text, file) {
        Ok(xml) => xml,
        Err(error) => return failed(error),
    };
    let root = xml.root().filter(|root| root.name() == "definitions" && root.namespace() == WSDL);
    let Some(root) = root else {
        let message = "this is no WSDL 1.1 document: its root must be 'definitions' of the WSDL namespace";
        let place = Origin::start(Arc::clone(file));
        return failed(Diagnostic::error("definition-format", place, message));
    };
    let mut findings = Findings::new(settings.api.clone());
    refuse_imports(root, &mut findings);
    let Some(port) = port(root, &settings.wsdl, &mut findings) else {
        return Outcome { definition: None, diagnostics: findings.finish() };
    };
    let service = port.service;
    let mut definition = Definition {
        title: service.attribute("name").map(str::to_owned),
        description: documentation(service).or_else(|| documentation(root)),
        service_url: port.address.map(str::to_owned),
        ..Definition::default()
    };
    operations(root, &port, settings, &mut definition, &mut findings);
    if settings.soap_to_rest {
        to_rest(root, &port, &mut definition, &mut findings);
    }
    Outcome { definition: Some(definition), diagnostics: findings.finish() }
}

/// One file it is: what it would load is never loaded.
fn refuse_imports(root: Node<'_>, findings: &mut Findings) {
    for import in root.all("import") {
        findings.error(
            "definition-reference",
            &import.origin(),
            "a WSDL with 'wsdl:import' is not read: it must be one document",
        );
    }
    for schema in root.all("types").flat_map(|types| types.all("schema").collect::<Vec<_>>()) {
        let loads = |node: &Node<'_>| {
            matches!(node.name(), "import" | "include" | "redefine")
                && node.attribute("schemaLocation").is_some()
        };
        for import in schema.elements().filter(loads) {
            let message = format!("a schema with '{}' of another document is not read", import.name());
            findings.error("definition-reference", &import.origin(), message);
        }
    }
}

fn documentation(node: Node<'_>) -> Option<String> {
    node.first("documentation").map(Node::text).filter(|text| !text.is_empty())
}

/// A port of a SOAP binding.
struct Port<'x> {
    service: Node<'x>,
    binding: Node<'x>,
    address: Option<&'x str>,
    is_soap_1_2: bool,
}

/// The port that is asked for; else the first of SOAP 1.1, else of SOAP 1.2.
fn port<'x>(root: Node<'x>, wanted: &WsdlSelector, findings: &mut Findings) -> Option<Port<'x>> {
    let is = |wanted: &Option<String>, node: Node<'_>| {
        wanted.as_deref().is_none_or(|wanted| node.attribute("name") == Some(wanted))
    };
    let mut found: Option<Port<'x>> = None;
    for service in root.all("service").filter(|service| is(&wanted.service, *service)) {
        for port in service.all("port").filter(|port| is(&wanted.endpoint, *port)) {
            let soap = port
                .elements()
                .find(|node| node.name() == "address" && matches!(node.namespace(), SOAP_1_1 | SOAP_1_2));
            let Some(soap) = soap else { continue };
            let name = local(port.attribute("binding").unwrap_or_default());
            let binding = root.all("binding").find(|binding| binding.attribute("name") == Some(name));
            let Some(binding) = binding else {
                let message = format!("the document has no binding '{name}'");
                findings.error("definition-reference", &port.origin(), message);
                continue;
            };
            let is_soap_1_2 = soap.namespace() == SOAP_1_2;
            if found.as_ref().is_none_or(|found| found.is_soap_1_2 && !is_soap_1_2) {
                found = Some(Port { service, binding, address: soap.attribute("location"), is_soap_1_2 });
            }
        }
    }
    if found.is_none() {
        let message = match (&wanted.service, &wanted.endpoint) {
            (None, None) => "the document has no service with a SOAP port".to_owned(),
            (service, endpoint) => format!(
                "the document has no SOAP port '{}' in a service '{}'",
                endpoint.as_deref().unwrap_or("*"),
                service.as_deref().unwrap_or("*")
            ),
        };
        findings.error("definition-service", &root.origin(), message);
    }
    found
}

fn operations(
    root: Node<'_>,
    port: &Port<'_>,
    settings: &Settings,
    definition: &mut Definition,
    findings: &mut Findings,
) {
    let port_type = local(port.binding.attribute("type").unwrap_or_default());
    let port_type = root.all("portType").find(|node| node.attribute("name") == Some(port_type));
    let content_type = if port.is_soap_1_2 { "application/soap+xml" } else { "text/xml" };
    let representation =
        || Representation { content_type: content_type.to_owned(), ..Representation::default() };
    let mut names = Names::default();
    for node in port.binding.all("operation") {
        let name = node.attribute("name").unwrap_or_default();
        let soap = node
            .elements()
            .find(|inner| inner.name() == "operation" && matches!(inner.namespace(), SOAP_1_1 | SOAP_1_2));
        if soap.and_then(|soap| soap.attribute("style")) == Some("rpc")
            || binding_style(port.binding) == Some("rpc")
        {
            let message = format!("operation '{name}' has the style rpc; only document is read");
            findings.error("definition-operation", &node.origin(), message);
            continue;
        }
        let action = soap.and_then(|soap| soap.attribute("soapAction")).unwrap_or_default();
        let url_template = format!("/?soapAction={action}");
        let twin = definition.operations.iter().find(|other| other.url_template == url_template);
        if let Some(twin) = twin {
            let message = format!(
                "operations '{}' and '{name}' have the same SOAP action '{action}': they cannot be told apart",
                twin.display_name
            );
            findings.error("definition-operation", &node.origin(), message);
            continue;
        }
        let id = names.take(Some(name), "post", "/");
        let Some(id) = id.filter(|_| definition.operations.len() < OPERATIONS_MAX) else {
            findings.error("document-limit", &node.origin(), "too many operations");
            return;
        };
        let abstract_operation = port_type
            .and_then(|port_type| port_type.all("operation").find(|it| it.attribute("name") == Some(name)));
        definition.operations.push(Operation {
            api: settings.api.clone(),
            id: OperationId::from(id),
            origin: node.origin(),
            display_name: name.chars().take(300).collect(),
            description: abstract_operation.and_then(documentation).or_else(|| documentation(node)),
            method: "POST".to_owned(),
            url_template,
            request: Some(Request { representations: vec![representation()], ..Request::default() }),
            responses: vec![Response {
                status_code: 200,
                representations: vec![representation()],
                ..Response::default()
            }],
            ..Operation::default()
        });
    }
    if definition.operations.is_empty() {
        findings.error("definition-operation", &port.binding.origin(), "the binding has no operations");
    }
}

/// Makes operations of REST of those of SOAP: `POST /Add` with JSON both ways, by a policy of each.
fn to_rest(root: Node<'_>, port: &Port<'_>, definition: &mut Definition, findings: &mut Findings) {
    let address = port.address.unwrap_or_default();
    let authority = address.find("://").map(|at| at + 3);
    let end = authority.and_then(|from| address.get(from..)?.find('/').map(|at| at + from));
    let (base, path) = address.split_at(end.unwrap_or(address.len()));
    definition.service_url = Some(base.to_owned());
    let path = if path.is_empty() { "/" } else { path };
    let mut schemas = Schemas::of(root);
    for operation in &mut definition.operations {
        let name = operation.display_name.clone();
        let messages = Messages::of(root, port, &name);
        let field = |message: Option<&str>, schemas: &mut Schemas<'_>| {
            message.map(|it| body(root, it, schemas)).transpose()
        };
        let read = field(messages.input, &mut schemas)
            .and_then(|it| Ok((it, field(messages.output, &mut schemas)?)));
        let (request, response) = match read {
            Ok(read) => read,
            Err(message) => {
                let message = format!("operation '{name}' cannot become REST: {message}");
                findings.error("definition-operation", &operation.origin, message);
                continue;
            }
        };
        let action = operation.url_template.strip_prefix("/?soapAction=").unwrap_or_default();
        let (request, response) = (request.flatten(), response.flatten());
        let message = Message {
            action,
            path,
            is_soap_1_2: port.is_soap_1_2,
            request: request.as_ref(),
            response: response.as_ref(),
        };
        definition.policies.push((operation.id.clone(), rest::policy(&message)));
        operation.url_template = format!("/{name}");
        let json =
            Representation { content_type: "application/json".to_owned(), ..Representation::default() };
        for representation in operation.request.iter_mut().flat_map(|it| &mut it.representations) {
            *representation = json.clone();
        }
        for representation in operation.responses.iter_mut().flat_map(|it| &mut it.representations) {
            *representation = json.clone();
        }
    }
}

/// Names of the messages of an operation.
struct Messages<'x> {
    input: Option<&'x str>,
    output: Option<&'x str>,
}

impl<'x> Messages<'x> {
    fn of(root: Node<'x>, port: &Port<'x>, operation: &str) -> Self {
        let port_type = local(port.binding.attribute("type").unwrap_or_default());
        let port_type = root.all("portType").find(|node| node.attribute("name") == Some(port_type));
        let found =
            port_type.and_then(|it| it.all("operation").find(|it| it.attribute("name") == Some(operation)));
        let message = |kind| found.and_then(|operation| operation.first(kind)?.attribute("message"));
        Self { input: message("input"), output: message("output") }
    }
}

/// The element that is the body of a message; none for an empty one.
fn body(root: Node<'_>, message: &str, schemas: &mut Schemas<'_>) -> Result<Option<Field>, String> {
    let name = local(message);
    let found = root.all("message").find(|node| node.attribute("name") == Some(name));
    let found = found.ok_or_else(|| format!("the document has no message '{name}'"))?;
    let mut parts = found.all("part");
    match (parts.next(), parts.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(format!("the message '{name}' has several parts")),
        (Some(part), None) => match part.attribute("element") {
            Some(element) => schemas.element(element).map(Some),
            None => {
                Err(format!("the part of the message '{name}' is no element: it is not document/literal"))
            }
        },
    }
}

fn binding_style(binding: Node<'_>) -> Option<&str> {
    let soap = binding.elements().find(|node| matches!(node.namespace(), SOAP_1_1 | SOAP_1_2));
    soap.and_then(|soap| soap.attribute("style"))
}
