//! What reading one definition needs everywhere.

use gateway_model::resource::{Parameter, ParameterExample};
use gateway_model::{Operation, OperationId};

use crate::document::{Node, Object, Value};
use crate::findings::Findings;
use crate::name::{Names, display_name};
use crate::reference::References;
use crate::template::Template;
use crate::types::{Home, Types};
use crate::{QueryParameters, Settings};

/// Most operations of one definition.
const OPERATIONS_MAX: usize = 10_000;

/// The methods of a path item, in the order that operations are listed.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// State of reading one definition.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) references: References<'a>,
    pub(crate) findings: Findings,
    pub(crate) types: Types,
    names: Names,
    operations: Vec<Operation>,
}

/// One operation as it stands in the document.
pub(crate) struct Source<'a> {
    /// Path as written, with `{x}`.
    pub(crate) path: &'a str,
    /// Method in lower case.
    pub(crate) method: &'static str,
    /// The operation object.
    pub(crate) node: &'a Node,
    /// Parameters of path and operation, references followed; those of the operation win.
    pub(crate) parameters: Vec<&'a Node>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        root: &'a Node,
        home: Home,
        named_types: Option<&Node>,
        settings: &'a Settings,
    ) -> Self {
        Self {
            settings,
            references: References::new(root),
            findings: Findings::new(settings.api.clone()),
            types: Types::new(home, named_types),
            names: Names::default(),
            operations: Vec::new(),
        }
    }

    pub(crate) fn follow(&mut self, node: &'a Node) -> Option<&'a Node> {
        self.references.follow(node, &mut self.findings)
    }

    /// Walks `paths` and `x-ms-paths`, and has `read` fill in what formats write differently.
    pub(crate) fn read_paths(&mut self, root: &'a Node, read: fn(&mut Self, &Source<'a>, &mut Operation)) {
        for paths in [root.get("paths"), root.get("x-ms-paths")].into_iter().flatten() {
            let Some(items) = paths.as_object() else {
                self.findings.error("definition-shape", &paths.origin, "paths must be an object");
                continue;
            };
            for (path, item) in items.iter().filter(|(path, _)| !path.starts_with("x-")) {
                self.read_path(path, item, read);
            }
        }
    }

    fn read_path(&mut self, path: &'a str, item: &'a Node, read: fn(&mut Self, &Source<'a>, &mut Operation)) {
        if !path.starts_with('/') {
            self.findings.error(
                "definition-path",
                &item.origin,
                format!("path '{path}' must begin with '/'"),
            );
            return;
        }
        let Some(item) = self.follow(item) else { return };
        if item.get("servers").is_some() {
            self.findings.note("servers of paths and operations are ignored", &item.origin);
        }
        for method in METHODS {
            let Some(node) = item.get(method) else { continue };
            if node.as_object().is_none() {
                self.findings.error(
                    "definition-shape",
                    &node.origin,
                    format!("'{method}' must be an object"),
                );
                continue;
            }
            if self.operations.len() >= OPERATIONS_MAX {
                let message = format!("a definition may have {OPERATIONS_MAX} operations");
                self.findings.error("document-limit", &node.origin, message);
                return;
            }
            let parameters = self.parameters(item, node);
            let source = Source { path, method, node, parameters };
            self.read_operation(&source, read);
        }
    }

    fn read_operation(&mut self, source: &Source<'a>, read: fn(&mut Self, &Source<'a>, &mut Operation)) {
        let Source { path, method, node, .. } = source;
        let operation_id = node.text("operationId");
        let upper = method.to_ascii_uppercase();
        let Some(name) = self.names.take(operation_id, method, path) else {
            self.findings.error(
                "definition-operation",
                &node.origin,
                "more than 1000 operations of one name",
            );
            return;
        };
        let mut operation = Operation {
            api: self.settings.api.clone(),
            id: OperationId::from(name),
            origin: node.origin.clone(),
            display_name: display_name(node.text("summary"), operation_id, &upper, path),
            description: node.text("description").map(str::to_owned),
            method: upper,
            ..Operation::default()
        };
        if node.get("servers").is_some() {
            self.findings.note("servers of paths and operations are ignored", &node.origin);
        }
        read(self, source, &mut operation);
        self.operations.push(operation);
    }

    /// Parameters of path and operation; the same name at the same place: the operation's.
    fn parameters(&mut self, item: &'a Node, operation: &'a Node) -> Vec<&'a Node> {
        let mut parameters: Vec<&'a Node> = Vec::new();
        for owner in [item, operation] {
            let Some(list) = owner.get("parameters") else { continue };
            let Some(list) = list.as_array() else {
                self.findings.error("definition-shape", &list.origin, "parameters must be a list");
                continue;
            };
            for parameter in list {
                let Some(parameter) = self.follow(parameter) else { continue };
                let key = (parameter.text("name"), parameter.text("in"));
                if key.0.is_none() || key.1.is_none() {
                    let message = "a parameter needs 'name' and 'in'";
                    self.findings.error("definition-parameter", &parameter.origin, message);
                    continue;
                }
                parameters.retain(|other| (other.text("name"), other.text("in")) != key);
                parameters.push(parameter);
            }
        }
        parameters
    }

    /// Sorts parameters into template, query and headers. What stands in the body is the caller's.
    pub(crate) fn place_parameters(
        &mut self,
        source: &Source<'a>,
        operation: &mut Operation,
        make: fn(&mut Self, &Source<'a>, &'a Node) -> Parameter,
    ) {
        let mut template = Template::new(source.path);
        let mut request = operation.request.take().unwrap_or_default();
        for node in source.parameters.iter().copied() {
            let required = node.get("required").and_then(Node::as_bool).unwrap_or(false);
            match node.text("in") {
                Some("path") => {
                    let parameter = make(self, source, node);
                    template.declare_path(parameter, &node.origin, &mut self.findings);
                }
                Some("query") if required && self.settings.required_query == QueryParameters::Template => {
                    let parameter = make(self, source, node);
                    if let Some(clash) = template.add_query(parameter) {
                        let message = format!(
                            "query parameter '{}' has the name of a path parameter; it is not part of the template",
                            clash.name
                        );
                        self.findings.warning("definition-parameter", &node.origin, message);
                        request.query_parameters.push(clash);
                    }
                }
                Some("query") => request.query_parameters.push(make(self, source, node)),
                Some("header") if !is_reserved_header(node.text("name").unwrap_or_default()) => {
                    request.headers.push(make(self, source, node));
                }
                Some("cookie") => self.findings.note("cookie parameters are not kept", &node.origin),
                _ => {}
            }
        }
        let (url_template, template_parameters) = template.finish(&source.node.origin, &mut self.findings);
        operation.url_template = url_template;
        operation.template_parameters = template_parameters;
        if request != gateway_model::resource::Request::default() {
            operation.request = Some(request);
        }
    }

    /// Whether the method takes no body, although the document gives it one.
    pub(crate) fn drops_body(&mut self, source: &Source<'a>, body: &Node) -> bool {
        let drops = matches!(source.method, "get" | "head" | "options");
        if drops {
            self.findings.note("request bodies of GET, HEAD and OPTIONS are not kept", &body.origin);
        }
        drops
    }

    pub(crate) fn finish(self) -> (Vec<Operation>, Types, Findings) {
        (self.operations, self.types, self.findings)
    }
}

/// Headers that a definition describes elsewhere (OpenAPI 3.1 §4.8.12.1).
fn is_reserved_header(name: &str) -> bool {
    ["accept", "content-type", "authorization"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

/// What parameter, header and form field have in common: everything that their schema says.
pub(crate) fn describe(parameter: &mut Parameter, schema: &Node) {
    type_of(schema).unwrap_or_default().clone_into(&mut parameter.parameter_type);
    parameter.default_value = schema.get("default").map(scalar_text);
    parameter.values =
        schema.get("enum").and_then(Node::as_array).unwrap_or_default().iter().map(scalar_text).collect();
}

/// The type of a schema; of several (OpenAPI 3.1) the first that is not null.
pub(crate) fn type_of(schema: &Node) -> Option<&str> {
    let written = schema.get("type")?;
    match &written.value {
        Value::Array(types) => types.iter().filter_map(Node::as_str).find(|name| *name != "null"),
        _ => written.as_str(),
    }
}

/// Whether a schema says more than [`describe`] keeps.
pub(crate) fn says_more(schema: &Node) -> bool {
    const KEPT: [&str; 6] = ["type", "default", "enum", "description", "example", "examples"];
    schema.as_object().is_some_and(|members| {
        members.keys().any(|name| !KEPT.contains(&name.as_str()) && !name.starts_with("x-"))
    })
}

fn scalar_text(node: &Node) -> String {
    node.to_text().unwrap_or_else(|| node.to_json().to_string())
}

/// An example that is a bare value.
pub(crate) fn example(value: &Node) -> ParameterExample {
    ParameterExample { value: Some(value.to_json()), ..ParameterExample::default() }
}

/// The members of an object, or none.
pub(crate) fn members(node: Option<&Node>) -> impl Iterator<Item = (&String, &Node)> {
    node.and_then(Node::as_object).into_iter().flat_map(Object::iter)
}
