//! API folders: document, definition, policies, operations, revisions.

use std::collections::BTreeMap;

use gateway_model::{
    Api, ApiId, ApiSchema, ApiType, Diagnostic, LogDiagnosticScope, Operation, OperationId, Origin,
    PolicyScope, Resolver, ResolverId, Resource, ResourceId, SchemaId, TagId, TagLink,
};
use gateway_specification::Definition;

use super::document;
use super::layout::ApiFile;
use super::load::{Content, Loader, bad_name};

mod definition;
mod parallel;

/// The files of one API revision.
#[derive(Default)]
pub(super) struct ApiFiles<'t> {
    information: Option<Content<'t>>,
    policy: Option<Content<'t>>,
    specifications: Vec<(&'t str, Content<'t>)>,
    operations: BTreeMap<OperationId, OperationFiles<'t>>,
    rest: Vec<(ApiFile<'t>, Content<'t>)>,
}

#[derive(Default)]
struct OperationFiles<'t> {
    information: Option<Content<'t>>,
    policy: Option<Content<'t>>,
}

impl<'t> ApiFiles<'t> {
    /// Adds a file. A second one of its kind (folders that differ in case only) is given back as a finding.
    pub(super) fn add(&mut self, file: ApiFile<'t>, content: Content<'t>) -> Option<Diagnostic> {
        let first = match file {
            ApiFile::Information => self.information.replace(content),
            ApiFile::Policy => self.policy.replace(content),
            ApiFile::OperationPolicy(name) => self.operation(name).policy.replace(content),
            ApiFile::OperationInformation(name) => self.operation(name).information.replace(content),
            ApiFile::Specification(extension) => {
                self.specifications.push((extension, content));
                None
            }
            _ => {
                self.rest.push((file, content));
                None
            }
        };
        first.map(|(first, _)| {
            let message = format!("'{first}' is the same file: names are compared without case");
            Diagnostic::error("duplicate-resource", Origin::start(content.0.clone()), message)
        })
    }

    fn operation(&mut self, name: &str) -> &mut OperationFiles<'t> {
        self.operations.entry(name.into()).or_default()
    }

    /// The place to report what concerns the whole folder.
    fn origin(&self, api: &ApiId) -> Origin {
        self.information
            .map_or_else(|| Origin::start(format!("apis/{api}")), |(file, _)| Origin::start(file.clone()))
    }
}

/// Loads all APIs: current revisions first, because the others take properties from them.
pub(super) fn load(loader: &mut Loader<'_>, apis: &BTreeMap<ApiId, ApiFiles<'_>>) {
    let (current, others): (Vec<_>, Vec<_>) = apis.iter().partition(|(api, _)| api.revision().is_none());
    let mut read = Vec::new();
    for (id, files) in current.into_iter().chain(others) {
        read.extend(read_api(loader, id, files).map(|api| (api, files)));
    }
    // Definitions are most of the bytes, and none needs another one.
    let definitions = parallel::map(&read, |(api, files)| definition::read(api, &files.specifications));
    for ((api, files), definition) in read.into_iter().zip(definitions) {
        loader.found.extend(definition.diagnostics);
        load_api(loader, api, files, definition.definition.unwrap_or_default());
    }
}

fn read_api(loader: &mut Loader<'_>, id: &ApiId, files: &ApiFiles<'_>) -> Option<Api> {
    let resource = ResourceId::Api(id.clone());
    let Some(information) = files.information else {
        let message = format!("API '{id}' has no apiInformation.json");
        loader.found.push(Diagnostic::error("api-without-document", files.origin(id), message).on(resource));
        return None;
    };
    // Path and the like of another revision are those of the current one.
    let mandatory: &[&str] = if id.revision().is_none() { &["path"] } else { &[] };
    let api = loader.typed::<Api>(information, &format!("apis/{id}"), &resource, mandatory)?;
    Some(Api { id: id.clone(), origin: Origin::start(information.0.clone()), ..api })
}

/// What all revisions of an API have in common (management-api.md §1.16, policies.md §6.4).
fn share(current: &Api, api: &mut Api) {
    api.display_name.clone_from(&current.display_name);
    api.description.clone_from(&current.description);
    api.api_type.clone_from(&current.api_type);
    api.path.clone_from(&current.path);
    api.protocols_written.clone_from(&current.protocols_written);
    api.api_version.clone_from(&current.api_version);
    api.api_version_set_id.clone_from(&current.api_version_set_id);
    api.subscription_required = current.subscription_required;
    api.subscription_key_parameter_names.clone_from(&current.subscription_key_parameter_names);
}

fn load_api(loader: &mut Loader<'_>, mut api: Api, files: &ApiFiles<'_>, definition: Definition) {
    let id = api.id.clone();
    if id.revision().is_some() {
        // `x` is the current revision, whatever a document of another revision says.
        api.is_current_written = Some(false);
        if let Some(current) = loader.set.apis.get(&id.root()) {
            share(current, &mut api);
        }
    }
    if api.service_url.is_none() {
        api.service_url.clone_from(&definition.service_url);
    }
    if api.display_name.is_empty() {
        api.display_name = definition.title.clone().unwrap_or_else(|| id.to_string());
    }
    check_type(loader, &api, files);
    let is_websocket = api.api_type == ApiType::WebSocket;
    let origin = api.origin.clone();
    loader.insert(api);
    if let Some(policy) = files.policy {
        loader.policy(PolicyScope::Api(id.clone()), policy, &format!("apis/{id}/policies/policy"));
    }
    let Definition { mut operations, schemas, .. } = definition;
    if is_websocket {
        operations = vec![on_handshake(&id, origin)];
    }
    for schema in schemas {
        loader.insert(schema);
    }
    load_operations(loader, &id, operations, &files.operations);
    for (file, content) in &files.rest {
        load_rest(loader, &id, *file, *content);
    }
}

/// What can be said about the type of an API.
fn check_type(loader: &mut Loader<'_>, api: &Api, files: &ApiFiles<'_>) {
    let is_empty = files.specifications.is_empty() && files.operations.is_empty();
    let finding = match &api.api_type {
        ApiType::Other(kind) => {
            let message = format!("API '{}' has type '{kind}', which is not served", api.id);
            Diagnostic::error("api-type", api.origin.clone(), message)
        }
        ApiType::Http | ApiType::Soap if is_empty => {
            let message = format!("API '{}' has no operations: no request will find one", api.id);
            Diagnostic::warning("api-without-operations", api.origin.clone(), message)
        }
        _ => return,
    };
    loader.found.push(finding.on(api.id()));
}

/// The one operation of a WebSocket API (policies.md §9).
fn on_handshake(api: &ApiId, origin: Origin) -> Operation {
    Operation {
        api: api.clone(),
        id: "onHandshake".into(),
        origin,
        display_name: "onHandshake".to_owned(),
        method: "GET".to_owned(),
        url_template: "/".to_owned(),
        ..Operation::default()
    }
}

/// Operations of the definition, with or replaced by those of `operationInformation.json`; then their policies.
fn load_operations(
    loader: &mut Loader<'_>,
    api: &ApiId,
    defined: Vec<Operation>,
    files: &BTreeMap<OperationId, OperationFiles<'_>>,
) {
    let mut operations: BTreeMap<OperationId, Operation> = BTreeMap::new();
    for operation in defined {
        operations.insert(operation.id.clone(), operation);
    }
    for (written, files) in files {
        // Azure names an operation by the normalised operationId; a folder may still have the id as written.
        let normalised = OperationId::from(gateway_specification::operation_name(written.as_str()));
        let known = operations.get_key_value(written).or_else(|| operations.get_key_value(&normalised));
        let name = known.map_or_else(|| written.clone(), |(name, _)| name.clone());
        if let Some(information) = files.information {
            let defined = operations.remove(&name);
            if let Some(operation) = read_operation(loader, api, &name, information, defined) {
                operations.insert(name.clone(), operation);
            }
        }
        let Some(policy) = files.policy else { continue };
        if !operations.contains_key(&name) {
            let message = format!("API '{api}' has no operation '{written}'");
            let finding = Diagnostic::error("operation-missing", Origin::start(policy.0.clone()), message);
            loader.found.push(finding.on(ResourceId::Api(api.clone())));
            continue;
        }
        let address = format!("apis/{api}/operations/{written}/policies/policy");
        loader.policy(PolicyScope::Operation(api.clone(), name), policy, &address);
    }
    for operation in operations.into_values() {
        loader.insert(operation);
    }
}

/// `operationInformation.json`; what it leaves out is taken from the definition.
fn read_operation(
    loader: &mut Loader<'_>,
    api: &ApiId,
    name: &OperationId,
    content: Content<'_>,
    defined: Option<Operation>,
) -> Option<Operation> {
    if let Err(error) = OperationId::parse(name.as_str()) {
        loader.found.push(bad_name(content.0, name.as_str(), &error.to_string()).in_api(api.clone()));
        return None;
    }
    let resource = ResourceId::Operation(api.clone(), name.clone());
    let address = format!("apis/{api}/operations/{name}");
    let mandatory: &[&str] = if defined.is_some() { &[] } else { &["method", "urlTemplate"] };
    let written = loader.typed::<Operation>(content, &address, &resource, mandatory)?;
    let mut operation =
        Operation { api: api.clone(), id: name.clone(), origin: Origin::start(content.0.clone()), ..written };
    let Some(defined) = defined else { return Some(operation) };
    if operation.method.is_empty() {
        operation.method = defined.method;
    }
    if operation.url_template.is_empty() {
        operation.url_template = defined.url_template;
        operation.template_parameters = defined.template_parameters;
    }
    if operation.display_name.is_empty() {
        operation.display_name = defined.display_name;
    }
    operation.request = operation.request.or(defined.request);
    if operation.responses.is_empty() {
        operation.responses = defined.responses;
    }
    Some(operation)
}

fn load_rest(loader: &mut Loader<'_>, api: &ApiId, file: ApiFile<'_>, content: Content<'_>) {
    match file {
        ApiFile::LogDiagnostic(name) => {
            let scope = LogDiagnosticScope::Api(api.clone());
            loader.log_diagnostic(scope, name, content, &format!("apis/{api}/diagnostics"));
        }
        ApiFile::Schema(name) => load_schema(loader, api, name, content),
        ApiFile::Resolver(name) => load_resolver(loader, api, name, content),
        ApiFile::ResolverPolicy(name) => {
            let scope = PolicyScope::Resolver(api.clone(), name.into());
            loader.policy(scope, content, &format!("apis/{api}/resolvers/{name}/policies/policy"));
        }
        ApiFile::Tag(name) => {
            let read = document::tree(
                content.0,
                content.1,
                gateway_specification::document::Syntax::Json,
                &mut loader.found,
            );
            if let Err(error) = read {
                loader.found.push(error);
            }
            match TagId::parse(name) {
                Ok(tag) => loader.insert(TagLink {
                    tag,
                    target: ResourceId::Api(api.root()),
                    origin: Origin::start(content.0.clone()),
                }),
                Err(error) => loader.found.push(bad_name(content.0, name, &error.to_string())),
            }
        }
        _ => {}
    }
}

fn load_schema(loader: &mut Loader<'_>, api: &ApiId, name: &str, content: Content<'_>) {
    let id = match SchemaId::parse(name) {
        Ok(id) => id,
        Err(error) => {
            return loader.found.push(bad_name(content.0, name, &error.to_string()).in_api(api.clone()));
        }
    };
    let resource = ResourceId::ApiSchema(api.clone(), id.clone());
    let address = format!("apis/{api}/schemas/{name}");
    if let Some(schema) = loader.typed::<ApiSchema>(content, &address, &resource, &["contentType"]) {
        loader.insert(ApiSchema { api: api.clone(), id, origin: Origin::start(content.0.clone()), ..schema });
    }
}

fn load_resolver(loader: &mut Loader<'_>, api: &ApiId, name: &str, content: Content<'_>) {
    let id = match ResolverId::parse(name) {
        Ok(id) => id,
        Err(error) => {
            return loader.found.push(bad_name(content.0, name, &error.to_string()).in_api(api.clone()));
        }
    };
    let resource = ResourceId::Resolver(api.clone(), id.clone());
    let address = format!("apis/{api}/resolvers/{name}");
    if let Some(resolver) = loader.typed::<Resolver>(content, &address, &resource, &["path"]) {
        loader.insert(Resolver {
            api: api.clone(),
            id,
            origin: Origin::start(content.0.clone()),
            ..resolver
        });
    }
}
