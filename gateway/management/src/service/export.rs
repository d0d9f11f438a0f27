//! Definitions of APIs as documents (management-api.md §3.4): a link for whoever may read the API, which anybody may
//! follow for five minutes.

use gateway_model::ResourceSet;
use gateway_model::resource::schema::GRAPHQL_SCHEMA;
use gateway_specification::write::{Source, yaml};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::rules::{api, text};
use super::{Answer, Call, Outcome, entity, import};
use crate::arm_error::ArmError;
use crate::contract::{OPERATIONS, Operation};
use crate::plane::Plane;
use crate::query::Query;
use crate::tree::{Record, Tree};

/// How long a link leads somewhere.
const LIFETIME_SECONDS: i64 = 5 * 60;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    OpenApi,
    OpenApiJson,
    Swagger,
    Wadl,
    Wsdl,
    GraphQl,
}

/// Name in a query, name in an answer, content type.
const FORMATS: &[(Format, &str, &str, &str)] = &[
    (Format::OpenApi, "openapi", "openapi-link", "application/vnd.oai.openapi"),
    (Format::OpenApiJson, "openapi+json", "openapi+json-link", "application/vnd.oai.openapi+json"),
    (Format::Swagger, "swagger", "swagger-link-json", "application/vnd.swagger.doc+json"),
    (Format::Wadl, "wadl", "wadl-link-json", "application/vnd.sun.wadl+xml"),
    (Format::Wsdl, "wsdl", "wsdl-link+xml", "application/wsdl+xml"),
    (Format::GraphQl, "graphql", "graphql-link", "application/graphql"),
];

type Row = (Format, &'static str, &'static str, &'static str);

fn find(name: &str) -> Option<&'static Row> {
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches("-link");
    FORMATS.iter().find(|(_, known, ..)| *known == name)
}

/// GET of an API is an export where the query says so: the two have one address.
pub fn operation(found: &'static Operation, query: &Query) -> &'static Operation {
    let is_export = found.id == "Api_Get" && query.is_true("export");
    let export = OPERATIONS.iter().find(|operation| is_export && operation.id == "ApiExport_Get");
    export.unwrap_or(found)
}

/// GET of an API with `export=true`.
pub fn link(call: &Call<'_>) -> Outcome {
    let asked = call.query.get("format").unwrap_or_default();
    let Some((format, name, shown, _)) = find(asked) else {
        let names = FORMATS.iter().map(|(_, name, ..)| format!("{name}-link")).collect::<Vec<_>>();
        let message = format!("'format' must be one of {}; it is '{asked}'.", names.join(", "));
        return Err(ArmError::field("format", message));
    };
    let tree = call.service.tree();
    let record = entity::find(&tree, &call.path)?;
    // Refused now rather than behind the link.
    document(&tree, &record, *format)?;
    let until = crate::plane::now() + LIFETIME_SECONDS;
    let ticket = [call.service.name.key().as_str(), &record.path, name, &until.to_string()].join("\n");
    let ticket = call.plane.ticket(&ticket).map_err(|error| ArmError::internal(&error))?;
    let link = format!("{}/{LINKS}/{ticket}", call.base);
    let value = json!({ "link": link });
    Ok(Answer::ok(json!({
        "id": format!("{}/{}", call.service_id, record.path), "format": shown, "value": value,
        "properties": {"format": shown, "value": value},
    })))
}

/// First segment of links.
pub const LINKS: &str = "definitions";

/// What stands behind a link: content type and text.
pub fn follow(plane: &Plane, ticket: &str) -> Result<(&'static str, String), ArmError> {
    let gone = || ArmError::not_found("Definition");
    let ticket = plane.open_ticket(ticket).ok_or_else(gone)?;
    let [service, path, format, until] = ticket.split('\n').collect::<Vec<_>>()[..] else {
        return Err(gone());
    };
    if until.parse().is_ok_and(|until: i64| until < crate::plane::now()) {
        return Err(gone());
    }
    let services = plane.services();
    let service = services.iter().find(|known| known.name.key() == service).ok_or_else(gone)?;
    let (format, _, _, content_type) = find(format).ok_or_else(gone)?;
    let tree = service.tree();
    let record = tree.get(path).ok_or_else(gone)?;
    Ok((content_type, document(&tree, record, *format)?))
}

fn document(tree: &Tree, record: &Record, format: Format) -> Result<String, ArmError> {
    match format {
        Format::Wsdl => {
            let text = import::original(tree, &record.path, "wsdl").map(str::to_owned);
            text.ok_or_else(|| without("The API was not made of a WSDL document."))
        }
        Format::GraphQl => {
            let schemas = format!("{}/schemas", record.path);
            let sdl = tree.list(&schemas).find(|schema| schema.text("contentType") == Some(GRAPHQL_SCHEMA));
            let text = sdl.and_then(|schema| schema.properties.get("document")?.get("value")?.as_str());
            text.map(str::to_owned).ok_or_else(|| without("The API has no GraphQL schema."))
        }
        Format::OpenApi => Ok(yaml(&source(tree, record)?.openapi())),
        Format::OpenApiJson => Ok(pretty(&source(tree, record)?.openapi())),
        Format::Swagger => Ok(pretty(&source(tree, record)?.swagger())),
        Format::Wadl => Ok(source(tree, record)?.wadl()),
    }
}

fn without(message: &str) -> ArmError {
    ArmError::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The API with its operations and schemas, in the gateway's own terms.
fn source(tree: &Tree, record: &Record) -> Result<Source, ArmError> {
    let mut set = ResourceSet::default();
    let below = ["operations", "schemas"].map(|within| format!("{}/{within}", record.path));
    let records = below.iter().flat_map(|collection| tree.list(collection)).map(|record| &**record);
    for one in std::iter::once(record).chain(records) {
        set.insert_document(&one.path, &one.properties).map_err(|error| ArmError::internal(&error))?;
    }
    let api = set.apis.into_values().next().unwrap_or_default();
    Ok(Source {
        servers: servers(tree, record),
        operations: set.operations.into_values().collect(),
        schemas: set.api_schemas.into_values().collect(),
        api,
    })
}

/// Base URLs of the API on the host names of the gateways that serve it; its path alone where there are none.
fn servers(tree: &Tree, record: &Record) -> Vec<String> {
    let (root, revision) = api::split(&record.path);
    let name = root.rsplit('/').next().unwrap_or_default();
    let mut path = record.text("path").unwrap_or_default().trim_matches('/').to_owned();
    if let Some(revision) = revision {
        path = format!("{path};rev={revision}");
    }
    let version = record.text("apiVersion").filter(|version| !version.is_empty());
    let set = record.text("apiVersionSetId").and_then(|id| tree.get(id.trim_matches('/')));
    let scheme = set.and_then(|set| set.text("versioningScheme"));
    if let Some(version) = version.filter(|_| scheme.is_some_and(|it| it.eq_ignore_ascii_case("segment"))) {
        path = format!("{path}/{version}");
    }
    let protocols = record.properties.get("protocols").and_then(Value::as_array).into_iter().flatten();
    let protocols: Vec<&str> = protocols.filter_map(Value::as_str).collect();
    let hosts = tree
        .list("gateways")
        .filter(|gateway| tree.get(&format!("{}/apis/{name}", gateway.path)).is_some())
        .flat_map(|gateway| tree.list(&format!("{}/hostnameConfigurations", gateway.path)))
        .filter_map(|host| text(&host.properties, "hostname"));
    let servers: Vec<String> = hosts
        .flat_map(|host| protocols.iter().map(move |scheme| format!("{scheme}://{host}")))
        .map(|host| format!("{host}/{path}"))
        .collect();
    if servers.is_empty() { vec![format!("/{path}")] } else { servers }
}
