//! Definitions of APIs: `format` and `value` of PUT api (management-api.md §3.1–§3.3).

mod graphql;

use gateway_specification::{Definition, Format, QueryParameters, Settings, WsdlSelector};
use serde_json::{Map, Value, json};

use super::rules::{Fetched, default_to, text};
use super::transaction::Transaction;
use super::{Call, download};
use crate::arm_error::{ArmError, Detail};
use crate::tree::Properties;

/// Findings told of one definition.
const DETAILS_MAX: usize = 20;
/// Where the text of a definition is kept that is shown again as it was written.
const ORIGINAL: &str = "definitions/original";

/// A definition that was read.
#[derive(Debug)]
pub struct Imported {
    definition: Definition,
    /// `type` of the API.
    api_type: &'static str,
    /// Format and text of a definition that cannot be made of operations again.
    original: Option<(&'static str, String)>,
}

/// Reads what a PUT imports, before anything is decided.
pub async fn fetch(call: &Call<'_>, properties: &Properties) -> Result<Fetched, ArmError> {
    let (Some(format), Some(value)) = (text(properties, "format"), text(properties, "value")) else {
        return match (properties.contains_key("format"), properties.contains_key("value")) {
            (false, false) => Ok(Fetched::Nothing),
            (true, _) => Err(ArmError::field("value", "'value' must not be empty where 'format' is given.")),
            (false, true) => Err(ArmError::field("format", "'format' must say what 'value' holds.")),
        };
    };
    let name = format.to_ascii_lowercase();
    let is_link = name.contains("-link");
    let kind = name.trim_end_matches("-json").trim_end_matches("-link").trim_end_matches("-xml");
    if kind == "graphql" {
        let text = graphql::fetch(call, value).await?;
        return Ok(Fetched::Definition(Box::new(of_graphql(&text)?)));
    }
    let (format, api_type) = match kind {
        "openapi" | "openapi+json" | "swagger" => (Format::OpenApi, "http"),
        "wadl" => (Format::Wadl, "http"),
        "wsdl" => (Format::Wsdl, soap(properties)?),
        "odata" => (Format::OData, "odata"),
        "grpc" => (Format::Grpc, "grpc"),
        _ => return Err(ArmError::field("format", format!("The format '{format}' is not read."))),
    };
    let document = if is_link { download::text(call, value).await? } else { value.to_owned() };
    let settings = Settings { source_url: is_link.then(|| value.to_owned()), ..settings(properties) };
    // Millions of operations a second are read, but a hostile document of 4 MiB may take longer than a poll should.
    let read = tokio::task::spawn_blocking(move || read(document, format, &settings, api_type));
    let imported = read.await.map_err(|error| ArmError::internal(&error))??;
    Ok(Fetched::Definition(Box::new(imported)))
}

/// The type of API that a WSDL becomes: SOAP passed through, or REST.
fn soap(properties: &Properties) -> Result<&'static str, ArmError> {
    match text(properties, "apiType").map(str::to_ascii_lowercase).as_deref() {
        None | Some("soap") => Ok("soap"),
        Some("http") => Ok("http"),
        Some(other) => {
            let message =
                format!("A WSDL becomes an API of type soap (passed through) or http (REST), not '{other}'.");
            Err(ArmError::field("apiType", message))
        }
    }
}

fn settings(properties: &Properties) -> Settings {
    let translates = text(properties, "translateRequiredQueryParameters");
    let selector = properties.get("wsdlSelector");
    let member = |name: &str| Some(selector?.get(name)?.as_str()?.to_owned());
    Settings {
        required_query: match translates {
            Some(to) if to.eq_ignore_ascii_case("query") => QueryParameters::Query,
            _ => QueryParameters::Template,
        },
        soap_to_rest: text(properties, "apiType").is_some_and(|to| to.eq_ignore_ascii_case("http")),
        wsdl: WsdlSelector { service: member("wsdlServiceName"), endpoint: member("wsdlEndpointName") },
        ..Settings::default()
    }
}

fn read(
    document: String,
    format: Format,
    settings: &Settings,
    api_type: &'static str,
) -> Result<Imported, ArmError> {
    let outcome = gateway_specification::read_as(&document, &"definition".into(), settings, format);
    let errors = outcome.diagnostics.iter().filter(|finding| finding.is_error());
    let details: Vec<Detail> = errors
        .take(DETAILS_MAX)
        .map(|finding| {
            let place = format!("line {}, column {}", finding.origin.line, finding.origin.column);
            Detail::new("representation", format!("Parsing error(s): {} ({place})", finding.message))
        })
        .collect();
    match outcome.definition {
        Some(definition) if details.is_empty() => {
            for finding in &outcome.diagnostics {
                tracing::info!(event_type = "ImportFinding", place = %finding.origin, finding = %finding.message, "a definition was not taken over quite as written");
            }
            let original = (format == Format::Wsdl && !settings.soap_to_rest).then_some(("wsdl", document));
            Ok(Imported { definition, api_type, original })
        }
        _ if details.is_empty() => Err(ArmError::field("representation", "Parsing error(s): no definition.")),
        _ => Err(ArmError::validation(details)),
    }
}

/// The SDL is the schema `graphql`; such an API has no operations.
fn of_graphql(text: &str) -> Result<Imported, ArmError> {
    use gateway_model::ApiSchema;
    use gateway_model::resource::SchemaDocument;
    use gateway_model::resource::schema::GRAPHQL_SCHEMA;
    super::rules::schema::check_sdl(text)?;
    let document = SchemaDocument { value: Some(text.to_owned()), ..SchemaDocument::default() };
    let schema = ApiSchema {
        id: "graphql".into(),
        content_type: GRAPHQL_SCHEMA.to_owned(),
        document,
        ..ApiSchema::default()
    };
    let definition = Definition { schemas: vec![schema], ..Definition::default() };
    Ok(Imported { definition, api_type: "graphql", original: None })
}

/// What the definition says of the API, where the request says nothing.
pub fn fill(properties: &mut Properties, imported: &Imported) {
    let Definition { title, description, service_url, .. } = &imported.definition;
    let said = [("displayName", title), ("description", description), ("serviceUrl", service_url)];
    for (member, value) in said {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            default_to(properties, member, value.chars().take(longest(member)).collect::<String>());
        }
    }
    default_to(properties, "type", imported.api_type);
}

fn longest(member: &str) -> usize {
    match member {
        "displayName" => 300,
        "serviceUrl" => 2_000,
        _ => usize::MAX,
    }
}

/// Replaces the operations and schemas of an API. Matched operations keep their policies and tags; one of another name
/// with the method and template of one that goes takes them over.
pub fn apply(tx: &mut Transaction<'_>, api: &str, imported: &Imported) {
    let collection = format!("{api}/operations");
    let wanted: Vec<(String, Properties)> = imported
        .definition
        .operations
        .iter()
        .map(|operation| (format!("{collection}/{}", operation.id), object(operation)))
        .collect();
    let is_wanted = |path: &str| wanted.iter().any(|(wanted, _)| wanted.eq_ignore_ascii_case(path));
    let mut going: Vec<_> =
        tx.list(&collection).into_iter().filter(|known| !is_wanted(&known.path)).collect();
    for (path, mut properties) in wanted {
        default_to(&mut properties, "templateParameters", json!([]));
        default_to(&mut properties, "responses", json!([]));
        if tx.get(&path).is_none() {
            let same =
                |member| move |other: &Properties, own: &Properties| other.get(member) == own.get(member);
            let (method, template) = (same("method"), same("urlTemplate"));
            let heir_of = going.iter().position(|known| {
                method(&known.properties, &properties) && template(&known.properties, &properties)
            });
            if let Some(at) = heir_of {
                tx.rename(&going.swap_remove(at).path, &path);
            }
        }
        tx.put(&path, properties);
    }
    for gone in going {
        tx.delete(&gone.path);
    }
    for (operation, policy) in &imported.definition.policies {
        let properties = [("format", "rawxml"), ("value", policy.as_str())];
        let properties = properties.map(|(name, value)| (name.to_owned(), Value::from(value)));
        tx.put(&format!("{collection}/{operation}/policies/policy"), Properties::from_iter(properties));
    }
    let collection = format!("{api}/schemas");
    let schemas = &imported.definition.schemas;
    let is_wanted = |name: &str| schemas.iter().any(|schema| schema.id.as_str().eq_ignore_ascii_case(name));
    for gone in tx.list(&collection).into_iter().filter(|known| !is_wanted(known.name())) {
        tx.delete(&gone.path);
    }
    for schema in schemas {
        tx.put(&format!("{collection}/{}", schema.id), object(schema));
    }
    let original = format!("{api}/{ORIGINAL}");
    match &imported.original {
        Some((format, text)) => {
            let properties = [("format", *format), ("value", text.as_str())];
            let properties = properties.map(|(name, value)| (name.to_owned(), Value::from(value)));
            tx.put(&original, Properties::from_iter(properties));
        }
        None => tx.delete(&original),
    }
}

/// The definition of an API as it was imported, in a format.
pub fn original<'t>(tree: &'t crate::tree::Tree, api: &str, format: &str) -> Option<&'t str> {
    let record = tree.get(&format!("{api}/{ORIGINAL}"))?;
    record.text("value").filter(|_| record.text("format") == Some(format))
}

fn object(resource: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(resource) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
