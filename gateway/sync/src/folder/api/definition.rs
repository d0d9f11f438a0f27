//! `specification.*` of an API.

use gateway_model::resource::SchemaDocument;
use gateway_model::resource::schema::GRAPHQL_SCHEMA;
use gateway_model::{Api, ApiId, ApiSchema, ApiType, Diagnostic, Origin, Resource};
use gateway_specification::{Definition, QueryParameters, Settings};

use crate::folder::document;
use crate::folder::load::{Content, Loader};

/// Reads the definition; an API without one has no operations from it.
pub(super) fn read(loader: &mut Loader<'_>, api: &mut Api, files: &[(&str, Content<'_>)]) -> Definition {
    let mut definition = None;
    for (extension, content) in files {
        let found = match *extension {
            "yaml" | "yml" | "json" => open_api(loader, api, *content),
            "graphql" => graphql(loader, api, *content),
            other => {
                let message = format!("definitions in .{other} are not read yet");
                let finding =
                    Diagnostic::error("definition-format", Origin::start(content.0.clone()), message);
                loader.found.push(finding.on(api.id()));
                continue;
            }
        };
        if definition.replace(found).is_some() {
            let message = format!("API '{}' has several definitions; this one counts", api.id);
            let finding = Diagnostic::warning("definition-twice", Origin::start(content.0.clone()), message);
            loader.found.push(finding.on(api.id()));
        }
    }
    definition.unwrap_or_default()
}

fn open_api(loader: &mut Loader<'_>, api: &mut Api, (file, content): Content<'_>) -> Definition {
    let text = match document::text(file, content) {
        Ok(text) => text,
        Err(error) => {
            loader.found.push(error.on(api.id()));
            return Definition::default();
        }
    };
    // A property of the import, which apiInformation.json may carry along.
    let translate = api.extra.get("translateRequiredQueryParameters").and_then(|value| value.as_str());
    let required_query = match translate {
        Some(text) if text.eq_ignore_ascii_case("query") => QueryParameters::Query,
        _ => QueryParameters::Template,
    };
    let outcome = gateway_specification::read(text, file, &Settings { api: api.id.clone(), required_query });
    loader.found.extend(outcome.diagnostics);
    outcome.definition.unwrap_or_default()
}

/// The SDL is the schema `graphql`; a GraphQL API has no operations (management-api.md §1.16).
fn graphql(loader: &mut Loader<'_>, api: &mut Api, (file, content): Content<'_>) -> Definition {
    if api.api_type != ApiType::GraphQl {
        let message = format!("API '{}' has a GraphQL schema and type '{}'", api.id, api.api_type);
        loader.found.push(Diagnostic::warning("api-type", Origin::start(file.clone()), message).on(api.id()));
    }
    match document::text(file, content) {
        Ok(text) => Definition {
            schemas: vec![sdl(&api.id, Origin::start(file.clone()), text)],
            ..Definition::default()
        },
        Err(error) => {
            loader.found.push(error.on(api.id()));
            Definition::default()
        }
    }
}

fn sdl(api: &ApiId, origin: Origin, text: &str) -> ApiSchema {
    ApiSchema {
        api: api.clone(),
        id: "graphql".into(),
        origin,
        content_type: GRAPHQL_SCHEMA.to_owned(),
        document: SchemaDocument { value: Some(text.to_owned()), ..SchemaDocument::default() },
        ..ApiSchema::default()
    }
}
