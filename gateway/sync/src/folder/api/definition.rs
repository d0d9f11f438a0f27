//! `specification.*` of an API.

use gateway_model::resource::SchemaDocument;
use gateway_model::resource::schema::GRAPHQL_SCHEMA;
use gateway_model::{Api, ApiId, ApiSchema, Diagnostic, Origin, Resource};
use gateway_specification::{Definition, Format, Outcome, QueryParameters, Settings, read_as};

use crate::folder::document;
use crate::folder::load::Content;

/// Reads the definition; an API without one has no operations from it.
pub(super) fn read(api: &Api, files: &[(&str, Content<'_>)]) -> Outcome {
    let mut all = Outcome::default();
    for (extension, content) in files {
        let outcome = match *extension {
            "yaml" | "yml" | "json" => text(api, *content, Format::OpenApi),
            "wadl" => text(api, *content, Format::Wadl),
            "wsdl" => text(api, *content, Format::Wsdl),
            "graphql" => graphql(api, *content),
            other => {
                let message = format!("definitions in .{other} are not read yet");
                failed(api, Diagnostic::error("definition-format", Origin::start(content.0.clone()), message))
            }
        };
        all.diagnostics.extend(outcome.diagnostics);
        if outcome.definition.is_some() && all.definition.is_some() {
            let message = format!("API '{}' has several definitions; this one counts", api.id);
            let finding = Diagnostic::warning("definition-twice", Origin::start(content.0.clone()), message);
            all.diagnostics.push(finding.on(api.id()));
        }
        all.definition = outcome.definition.or(all.definition);
    }
    all
}

fn failed(api: &Api, error: Diagnostic) -> Outcome {
    Outcome { definition: None, diagnostics: vec![error.on(api.id())] }
}

fn text(api: &Api, (file, content): Content<'_>, format: Format) -> Outcome {
    let text = match document::text(file, content) {
        Ok(text) => text,
        Err(error) => return failed(api, error),
    };
    // A property of the import, which apiInformation.json may carry along.
    let translate = api.extra.get("translateRequiredQueryParameters").and_then(|value| value.as_str());
    let required_query = match translate {
        Some(text) if text.eq_ignore_ascii_case("query") => QueryParameters::Query,
        _ => QueryParameters::Template,
    };
    let settings = Settings { api: api.id.clone(), required_query, ..Settings::default() };
    read_as(text, file, &settings, format)
}

/// The SDL is the schema `graphql`; a GraphQL API has no operations (management-api.md §1.16).
fn graphql(api: &Api, (file, content): Content<'_>) -> Outcome {
    match document::text(file, content) {
        Ok(text) => {
            let schemas = vec![sdl(&api.id, Origin::start(file.clone()), text)];
            Outcome {
                definition: Some(Definition { schemas, ..Definition::default() }),
                diagnostics: Vec::new(),
            }
        }
        Err(error) => failed(api, error),
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
