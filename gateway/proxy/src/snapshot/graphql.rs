//! GraphQL APIs of a revision: schemas and resolvers.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_model::resource::schema::GRAPHQL_SCHEMA;
use gateway_model::{Api, ApiId, ApiSchema, ApiType, Diagnostic, Origin, PolicyScope, Resource, ResourceSet};
use gateway_policy::compile::compile_resolver;
use gateway_policy::graphql::{GraphQlApi, Schema};

use super::documents::References;

/// Compiles every GraphQL API; what is wrong with one is a finding on it.
pub fn compile_all(
    set: &ResourceSet,
    references: &References<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> HashMap<ApiId, Arc<GraphQlApi>> {
    let apis = set.apis.values().filter(|api| api.api_type == ApiType::GraphQl);
    apis.filter_map(|api| Some((api.id.clone(), Arc::new(compile(set, api, references, diagnostics)?))))
        .collect()
}

fn compile(
    set: &ResourceSet,
    api: &Api,
    references: &References<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<GraphQlApi> {
    let text = |schema: &ApiSchema| schema.content_type.eq_ignore_ascii_case(GRAPHQL_SCHEMA);
    let Some(document) = set.schemas_of(&api.id).find(|schema| text(schema)) else {
        let message = format!("GraphQL API '{}' has no schema (specification.graphql)", api.id);
        diagnostics.push(Diagnostic::error("graphql-schema", api.origin.clone(), message).on(api.id()));
        return None;
    };
    let schema = match Schema::parse(document.document.value.as_deref().unwrap_or_default()) {
        Ok(schema) => schema,
        Err(findings) => {
            diagnostics.extend(findings.into_iter().map(|finding| {
                let place = Origin::new(Arc::clone(&document.origin.file), finding.line, finding.column);
                Diagnostic::error("graphql-schema", place, finding.message).on(document.id())
            }));
            return None;
        }
    };
    let mut compiled = GraphQlApi::new(schema);
    for resolver in set.resolvers_of(&api.id) {
        let fail = |code, message: String| {
            Diagnostic::error(code, resolver.origin.clone(), message).on(resolver.id())
        };
        let Some((owner, field)) =
            resolver.field().filter(|(owner, field)| compiled.schema.has_field(owner, field))
        else {
            let message = format!("resolver '{}': the schema has no field '{}'", resolver.id, resolver.path);
            diagnostics.push(fail("resolver-path", message));
            continue;
        };
        let scope = PolicyScope::Resolver(api.id.clone(), resolver.id.clone());
        let Some(document) = set.policy(&scope) else {
            let message = format!(
                "resolver '{}' has no policy: the data source of '{}' is missing",
                resolver.id, resolver.path
            );
            diagnostics.push(fail("resolver-policy", message));
            continue;
        };
        let mut findings = Vec::new();
        let source =
            compile_resolver(&document.text, Arc::clone(&document.origin.file), references, &mut findings);
        diagnostics.extend(findings.into_iter().map(|finding| finding.on(scope.resource())));
        if let Some(source) = source
            && !compiled.resolve_by(owner, field, Arc::new(source))
        {
            let message = format!("another resolver answers '{}' already", resolver.path);
            diagnostics.push(fail("resolver-twice", message));
        }
    }
    Some(compiled)
}
