//! WADL (W3C member submission of 31 August 2009): resources and methods. Resource types, links and grammars are not read.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_model::resource::{Parameter, Representation, Request, Response};
use gateway_model::{Diagnostic, Operation, OperationId, Origin};

use crate::findings::Findings;
use crate::name::{Names, display_name};
use crate::template::Template;
use crate::xml::{Node, Xml, local};
use crate::{Definition, Outcome, QueryParameters, Settings};

/// Most operations of one document.
const OPERATIONS_MAX: usize = 10_000;

pub(crate) fn read(text: &str, file: &Arc<str>, settings: &Settings) -> Outcome {
    let xml = match Xml::parse(text, file) {
        Ok(xml) => xml,
        Err(error) => return Outcome::failed(error, settings),
    };
    let Some(root) = xml.root().filter(|root| root.name() == "application") else {
        let message = "this is no WADL document: its root must be 'application'";
        let place = Origin::start(Arc::clone(file));
        return Outcome::failed(Diagnostic::error("definition-format", place, message), settings);
    };
    let mut reader = Reader {
        settings,
        by_id: root.elements().filter_map(|node| Some((node.attribute("id")?, node))).collect(),
        names: Names::default(),
        findings: Findings::new(settings.api.clone()),
        operations: Vec::new(),
    };
    let mut service_url = None;
    for resources in root.all("resources") {
        let base = resources.attribute("base").map(|base| base.trim_end_matches('/').to_owned());
        service_url = service_url.or(base.filter(|base| base.contains("://")));
        for resource in resources.all("resource") {
            reader.resource(resource, "", &[]);
        }
    }
    let doc = root.first("doc");
    let definition = Definition {
        title: doc.and_then(|doc| doc.attribute("title")).map(str::to_owned),
        description: doc.map(Node::text).filter(|text| !text.is_empty()),
        service_url,
        operations: reader.operations,
        ..Definition::default()
    };
    Outcome { definition: Some(definition), diagnostics: reader.findings.finish() }
}

struct Reader<'x, 's> {
    settings: &'s Settings,
    /// Elements beside `resources`, which others refer to.
    by_id: HashMap<&'x str, Node<'x>>,
    names: Names,
    findings: Findings,
    operations: Vec<Operation>,
}

impl<'x> Reader<'x, '_> {
    /// The element that `href="#id"` means; the element itself without one.
    fn follow(&mut self, node: Node<'x>) -> Option<Node<'x>> {
        let Some(href) = node.attribute("href") else { return Some(node) };
        let found = href.strip_prefix('#').and_then(|id| self.by_id.get(id)).copied();
        if found.is_none() {
            let message = format!("'{href}' leads out of the document, or nowhere in it");
            self.findings.error("definition-reference", &node.origin(), message);
        }
        found
    }

    /// Recursion ends where the document's depth limit does.
    fn resource(&mut self, node: Node<'x>, above: &str, inherited: &[Node<'x>]) {
        let own = node.attribute("path").unwrap_or_default().trim_matches('/');
        let path = if own.is_empty() { above.to_owned() } else { format!("{above}/{own}") };
        if node.attribute("type").is_some() {
            self.findings.note("resource types are not read", &node.origin());
        }
        let mut parameters = inherited.to_vec();
        parameters.extend(node.all("param").filter_map(|param| self.follow(param)));
        for method in node.all("method") {
            if let Some(method) = self.follow(method) {
                self.method(method, if path.is_empty() { "/" } else { &path }, &parameters);
            }
        }
        for inner in node.all("resource") {
            self.resource(inner, &path, &parameters);
        }
    }

    fn method(&mut self, node: Node<'x>, path: &str, inherited: &[Node<'x>]) {
        let origin = node.origin();
        if self.operations.len() >= OPERATIONS_MAX {
            let message = format!("a definition may have {OPERATIONS_MAX} operations");
            return self.findings.error("document-limit", &origin, message);
        }
        let method = node.attribute("name").unwrap_or("GET").to_ascii_uppercase();
        let id = node.attribute("id");
        let Some(name) = self.names.take(id, &method.to_ascii_lowercase(), path) else {
            return self.findings.error(
                "definition-operation",
                &origin,
                "more than 1000 operations of one name",
            );
        };
        let doc = node.first("doc");
        let title = doc.and_then(|doc| doc.attribute("title"));
        let mut operation = Operation {
            api: self.settings.api.clone(),
            id: OperationId::from(name),
            display_name: display_name(title, id, &method, path),
            description: doc.map(Node::text).filter(|text| !text.is_empty()),
            method,
            origin,
            ..Operation::default()
        };
        let mut request = Request::default();
        let mut template = Template::new(path);
        let requests: Vec<Node<'x>> = node.all("request").collect();
        let own: Vec<Node<'x>> = requests
            .iter()
            .flat_map(|request| request.all("param"))
            .filter_map(|param| self.follow(param))
            .collect();
        for param in inherited.iter().copied().chain(own) {
            self.place(param, &mut template, &mut request);
        }
        for body in requests.iter().flat_map(|request| request.all("representation")) {
            request.representations.extend(self.representation(body));
        }
        let (url_template, parameters) = template.finish(&operation.origin, &mut self.findings);
        operation.url_template = url_template;
        operation.template_parameters = parameters;
        operation.request = Some(request).filter(|request| *request != Request::default());
        for response in node.all("response") {
            self.responses(response, &mut operation);
        }
        self.operations.push(operation);
    }

    fn place(&mut self, node: Node<'x>, template: &mut Template, request: &mut Request) {
        let parameter = parameter(node);
        match node.attribute("style").unwrap_or("query") {
            "template" => template.declare_path(parameter, &node.origin(), &mut self.findings),
            "query" if parameter.required && self.settings.required_query == QueryParameters::Template => {
                request.query_parameters.extend(template.add_query(parameter));
            }
            "query" => request.query_parameters.push(parameter),
            "header" => request.headers.push(parameter),
            _ => self.findings.note("matrix and plain parameters are not kept", &node.origin()),
        }
    }

    fn representation(&mut self, node: Node<'x>) -> Option<Representation> {
        let node = self.follow(node)?;
        let form_parameters = node
            .all("param")
            .filter(|param| param.attribute("style") != Some("plain"))
            .map(parameter)
            .collect();
        let content_type = node.attribute("mediaType")?.to_owned();
        Some(Representation { content_type, form_parameters, ..Representation::default() })
    }

    /// One response for each status that is written.
    fn responses(&mut self, node: Node<'x>, operation: &mut Operation) {
        let representations: Vec<Representation> =
            node.all("representation").filter_map(|body| self.representation(body)).collect();
        let statuses = node.attribute("status").unwrap_or("200").split_ascii_whitespace();
        for status in statuses.filter_map(|status| status.parse().ok()) {
            operation.responses.push(Response {
                status_code: status,
                description: node.first("doc").map(Node::text).filter(|text| !text.is_empty()),
                representations: representations.clone(),
                headers: node.all("param").map(parameter).collect(),
            });
        }
    }
}

fn parameter(node: Node<'_>) -> Parameter {
    let kind = match local(node.attribute("type").unwrap_or("string")) {
        "int" | "integer" | "long" | "short" | "byte" => "integer",
        "decimal" | "float" | "double" => "number",
        "boolean" => "boolean",
        _ => "string",
    };
    Parameter {
        name: node.attribute("name").unwrap_or_default().to_owned(),
        description: node.first("doc").map(Node::text).filter(|text| !text.is_empty()),
        parameter_type: kind.to_owned(),
        default_value: node.attribute("default").or(node.attribute("fixed")).map(str::to_owned),
        required: node.attribute("required") == Some("true") || node.attribute("style") == Some("template"),
        values: node
            .all("option")
            .filter_map(|option| option.attribute("value"))
            .map(str::to_owned)
            .collect(),
        ..Parameter::default()
    }
}
