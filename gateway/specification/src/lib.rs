//! API definitions → operations, schemas and service URL, and back ([`write`]).
//!
//! One file a format (`openapi`, `swagger`, `wadl`, `wsdl`, `odata`, `grpc`); [`document`] reads JSON and YAML for all of
//! them, and for whoever needs places in errors. Nothing here opens a file or an address: references outside the
//! document are refused. Rules: management-api.md §3.2, §3.3.

use std::sync::Arc;

use gateway_model::{ApiId, ApiSchema, Diagnostic, Operation, OperationId, Origin, ResourceId, diagnostic};

use crate::document::{Node, Syntax};

mod context;
pub mod document;
mod findings;
mod grpc;
pub mod introspection;
mod name;
mod odata;
mod openapi;
mod reference;
mod server;
mod swagger;
mod template;
mod types;
mod wadl;
pub mod write;
mod wsdl;
mod xml;

/// The operation name for an `operationId`: lower case, each run of other characters than letters and digits one
/// `-`, at most 76 characters.
pub fn operation_name(operation_id: &str) -> String {
    name::normalise(operation_id)
}

/// Where required query parameters go (`translateRequiredQueryParameters`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryParameters {
    /// Into the template: `/pets?limit={limit}`.
    #[default]
    Template,
    /// They stay query parameters.
    Query,
}

/// What the reader of a definition must know.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The API revision that the operations will belong to.
    pub api: ApiId,
    /// Where required query parameters go.
    pub required_query: QueryParameters,
    /// The port of a WSDL document.
    pub wsdl: WsdlSelector,
    /// Whether the operations of a WSDL document become REST.
    pub soap_to_rest: bool,
    /// Where the document was read from: relative addresses of servers stand on it.
    pub source_url: Option<String>,
}

/// Which port of a WSDL document becomes the API (`wsdlSelector`); the first SOAP port where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WsdlSelector {
    pub service: Option<String>,
    pub endpoint: Option<String>,
}

/// How a definition is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenAPI 3.0, 3.1 or 2.0, JSON or YAML.
    OpenApi,
    Wadl,
    /// WSDL 1.1.
    Wsdl,
    /// CSDL XML.
    OData,
    /// Protocol buffers.
    Grpc,
}

/// What a definition says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Version of the API.
    pub version: Option<String>,
    /// Base URL of the backend.
    pub service_url: Option<String>,
    /// Operations, in the order written.
    pub operations: Vec<Operation>,
    /// Schemas that operations refer to.
    pub schemas: Vec<ApiSchema>,
    /// Policies of operations, by their names (`rawxml`): what makes REST of SOAP.
    pub policies: Vec<(OperationId, String)>,
}

impl Definition {
    /// What `info` says.
    fn of_info(root: &Node) -> Self {
        let text = |name: &str| root.get("info").and_then(|info| info.get(name)).and_then(Node::to_text);
        Self {
            title: text("title"),
            description: text("description"),
            version: text("version"),
            ..Self::default()
        }
    }
}

/// A definition as far as it could be read, with everything found on the way.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// None when the document could not be read at all.
    pub definition: Option<Definition>,
    /// Findings, in file order. With an error among them the definition is not complete.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a definition of a format.
pub fn read_as(text: &str, file: &Arc<str>, settings: &Settings, format: Format) -> Outcome {
    match format {
        Format::OpenApi => read(text, file, settings),
        Format::Wadl => wadl::read(text, file, settings),
        Format::Wsdl => wsdl::read(text, file, settings),
        Format::OData => odata::read(text, file, settings),
        Format::Grpc => grpc::read(text, file, settings),
    }
}

/// Reads an OpenAPI 3.0, 3.1 or 2.0 definition in JSON or YAML.
pub fn read(text: &str, file: &Arc<str>, settings: &Settings) -> Outcome {
    let syntax = Syntax::sniff(text);
    let document = match document::parse(text, file, syntax) {
        Ok(document) => document,
        Err(error) => return Outcome::failed(error, settings),
    };
    let root = &document.root;
    let version = |name: &str| root.get(name).and_then(Node::to_text);
    let (definition, findings) = if version("openapi").is_some_and(|version| version.starts_with("3.")) {
        openapi::read(root, settings)
    } else if version("swagger").is_some_and(|version| version == "2.0" || version == "2") {
        let (definition, mut findings) = swagger::read(root, settings);
        if syntax == Syntax::Yaml {
            let message = "OpenAPI 2.0 in YAML is read here, but not by Azure's import";
            findings.warning("definition-format", &root.origin, message);
        }
        (definition, findings)
    } else {
        let message =
            "this is no OpenAPI 3.0, 3.1 or 2.0 definition: 'openapi' or 'swagger' must name the version";
        return Outcome::failed(
            Diagnostic::error("definition-format", Origin::start(file.clone()), message),
            settings,
        );
    };
    let mut diagnostics = findings.finish();
    diagnostics.extend(document.warnings.into_iter().map(|warning| warning.in_api(settings.api.clone())));
    diagnostic::sort(&mut diagnostics);
    Outcome { definition: Some(definition), diagnostics }
}

impl Outcome {
    fn failed(error: Diagnostic, settings: &Settings) -> Self {
        Self { definition: None, diagnostics: vec![error.on(ResourceId::Api(settings.api.clone()))] }
    }
}
