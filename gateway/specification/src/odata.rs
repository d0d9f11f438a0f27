//! OData metadata (CSDL XML 4.01): the entity sets, singletons, functions and actions of the container become operations;
//! the document itself is a schema, by which requests are validated.

use std::sync::Arc;

use gateway_model::resource::{Parameter, SchemaDocument};
use gateway_model::{ApiSchema, Diagnostic, Operation, OperationId, Origin};

use crate::findings::Findings;
use crate::name::Names;
use crate::xml::{Node, Xml};
use crate::{Definition, Outcome, Settings};

/// Content type of the schema.
const SCHEMA: &str = "application/vnd.ms-azure-apim.odata.schema";
/// Most operations of one document.
const OPERATIONS_MAX: usize = 10_000;

pub(crate) fn read(text: &str, file: &Arc<str>, settings: &Settings) -> Outcome {
    let failed = |error| Outcome::failed(error, settings);
    let xml = match Xml::parse(text, file) {
        Ok(xml) => xml,
        Err(error) => return failed(error),
    };
    let root = xml.root().filter(|root| root.name() == "Edmx");
    let services = root.and_then(|root| root.first("DataServices"));
    let (Some(root), Some(services)) = (root, services) else {
        let message = "this is no OData metadata: its root must be 'edmx:Edmx' with 'edmx:DataServices'";
        let place = Origin::start(Arc::clone(file));
        return failed(Diagnostic::error("definition-format", place, message));
    };
    let mut findings = Findings::new(settings.api.clone());
    for reference in root.all("Reference") {
        findings.note("referenced metadata documents are not loaded", &reference.origin());
    }
    let mut writer = Writer { settings, names: Names::default(), operations: Vec::new() };
    writer.add("GET", "/", "Service document", &root.origin());
    writer.add("GET", "/$metadata", "Metadata", &root.origin());
    writer.add("POST", "/$batch", "Batch", &root.origin());
    let schemas = services.all("Schema");
    let containers: Vec<Node<'_>> = schemas.filter_map(|schema| schema.first("EntityContainer")).collect();
    for element in containers.iter().flat_map(|container| container.elements()) {
        if writer.operations.len() > OPERATIONS_MAX {
            findings.error(
                "document-limit",
                &element.origin(),
                "too many entity sets, functions and actions",
            );
            break;
        }
        writer.element(element);
    }
    if containers.is_empty() {
        findings.error("definition-service", &root.origin(), "the metadata has no entity container");
    }
    let schema = ApiSchema {
        api: settings.api.clone(),
        id: "odata".into(),
        origin: root.origin(),
        content_type: SCHEMA.to_owned(),
        document: SchemaDocument { value: Some(text.to_owned()), ..SchemaDocument::default() },
        ..ApiSchema::default()
    };
    let title = containers.first().and_then(|container| container.attribute("Name")).map(str::to_owned);
    let definition =
        Definition { title, operations: writer.operations, schemas: vec![schema], ..Definition::default() };
    Outcome { definition: Some(definition), diagnostics: findings.finish() }
}

struct Writer<'s> {
    settings: &'s Settings,
    names: Names,
    operations: Vec<Operation>,
}

impl Writer<'_> {
    fn element(&mut self, element: Node<'_>) {
        let Some(name) = element.attribute("Name") else { return };
        let origin = element.origin();
        match element.name() {
            "EntitySet" => {
                self.add("GET", &format!("/{name}"), &format!("List {name}"), &origin);
                self.add("POST", &format!("/{name}"), &format!("Create in {name}"), &origin);
                self.add("GET", &format!("/{name}/$count"), &format!("Count {name}"), &origin);
                for (method, verb) in
                    [("GET", "Get"), ("PATCH", "Update"), ("PUT", "Replace"), ("DELETE", "Delete")]
                {
                    self.add(method, &format!("/{name}({{key}})"), &format!("{verb} one of {name}"), &origin);
                }
                for (method, verb) in [("GET", "Get"), ("POST", "Call")] {
                    let title = format!("{verb} what belongs to one of {name}");
                    self.add(method, &format!("/{name}({{key}})/{{*path}}"), &title, &origin);
                }
            }
            "Singleton" => {
                for (method, verb) in [("GET", "Get"), ("PATCH", "Update")] {
                    self.add(method, &format!("/{name}"), &format!("{verb} {name}"), &origin);
                }
                self.add(
                    "GET",
                    &format!("/{name}/{{*path}}"),
                    &format!("Get what belongs to {name}"),
                    &origin,
                );
            }
            "FunctionImport" => {
                self.add("GET", &format!("/{name}"), name, &origin);
                self.add(
                    "GET",
                    &format!("/{name}({{parameters}})"),
                    &format!("{name} with parameters"),
                    &origin,
                );
            }
            "ActionImport" => self.add("POST", &format!("/{name}"), name, &origin),
            _ => {}
        }
    }

    fn add(&mut self, method: &str, template: &str, title: &str, origin: &Origin) {
        let Some(id) = self.names.take(Some(title), method, template) else { return };
        let parameters = ["key", "parameters", "*path"]
            .into_iter()
            .filter(|name| template.contains(&format!("{{{name}}}")));
        let parameters = parameters.map(|name| Parameter {
            name: name.to_owned(),
            parameter_type: "string".to_owned(),
            required: true,
            ..Parameter::default()
        });
        self.operations.push(Operation {
            api: self.settings.api.clone(),
            id: OperationId::from(id),
            origin: origin.clone(),
            display_name: title.chars().take(300).collect(),
            method: method.to_owned(),
            url_template: template.to_owned(),
            template_parameters: parameters.collect(),
            ..Operation::default()
        });
    }
}
