//! APIs: unique paths, version sets, revisions; operations and their templates.

use std::collections::{BTreeMap, BTreeSet};

use crate::arm_id::ResourceId;
use crate::diagnostic::Diagnostic;
use crate::id::ApiId;
use crate::resource::{Api, ApiVersionSet, Operation, Resource, VersioningScheme};
use crate::set::ResourceSet;

pub(super) fn check(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    for version_set in set.version_sets.values() {
        check_version_set(version_set, found);
    }
    for api in set.apis.values() {
        check_version(set, api, found);
    }
    check_paths(set, found);
    check_revisions(set, found);
    for operation in set.operations.values() {
        check_operation(set, operation, found);
    }
    check_templates(set, found);
}

fn check_version_set(version_set: &ApiVersionSet, found: &mut Vec<Diagnostic>) {
    let missing = |name: &Option<String>| name.as_deref().is_none_or(|name| name.trim().is_empty());
    let member = match version_set.versioning_scheme {
        VersioningScheme::Header if missing(&version_set.version_header_name) => "versionHeaderName",
        VersioningScheme::Query if missing(&version_set.version_query_name) => "versionQueryName",
        VersioningScheme::Other(_) => "a known versioningScheme",
        _ => return,
    };
    let message = format!(
        "version set '{}' with scheme {} needs {member}",
        version_set.id, version_set.versioning_scheme
    );
    found.push(
        Diagnostic::error("version-set-incomplete", version_set.origin.clone(), message).on(version_set.id()),
    );
}

fn check_version(set: &ResourceSet, api: &Api, found: &mut Vec<Diagnostic>) {
    let version = api.api_version.as_deref().unwrap_or_default();
    let Some(written) = &api.api_version_set_id else {
        if !version.is_empty() {
            let message = format!("API '{}' has apiVersion '{version}' but no apiVersionSetId", api.id);
            found.push(Diagnostic::error("version-without-set", api.origin.clone(), message).on(api.id()));
        }
        return;
    };
    if !api.version_set().is_some_and(|id| set.version_sets.contains_key(&id)) {
        let message = format!("API '{}' names version set '{written}', which does not exist", api.id);
        found.push(Diagnostic::error("version-set-missing", api.origin.clone(), message).on(api.id()));
    }
}

/// Path and version are unique over current revisions. The first by file place stays; the others go.
fn check_paths(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut places: BTreeMap<(String, String), Vec<&Api>> = BTreeMap::new();
    for api in set.apis.values().filter(|api| api.is_current()) {
        let version = api.api_version.as_deref().unwrap_or_default().to_lowercase();
        places.entry((api.path_trimmed().to_lowercase(), version)).or_default().push(api);
    }
    for ((_, version), apis) in &places {
        let [first, others @ ..] = apis.as_slice() else { continue };
        for api in others {
            let version =
                if version.is_empty() { String::new() } else { format!(" and version '{version}'") };
            let message = format!(
                "API '{}' has the same path '{}'{version} as API '{}' ({})",
                api.id,
                api.path_trimmed(),
                first.id,
                first.origin
            );
            found.push(Diagnostic::error("api-path-duplicate", api.origin.clone(), message).on(api.id()));
        }
    }
}

/// A revision without a current one has no path of its own; two current ones contradict each other.
fn check_revisions(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut families: BTreeMap<ApiId, Vec<&Api>> = BTreeMap::new();
    for api in set.apis.values() {
        families.entry(api.id.root()).or_default().push(api);
    }
    for (root, apis) in &families {
        let mut current = apis.iter().filter(|api| api.is_current());
        let first = current.next();
        for api in current {
            let message = format!("API '{}' is a second current revision of '{root}'", api.id);
            found.push(Diagnostic::error("revision-current-twice", api.origin.clone(), message).on(api.id()));
        }
        if first.is_none() {
            for api in apis {
                let message =
                    format!("API '{}' is a revision of '{root}', which has no current revision", api.id);
                found.push(Diagnostic::error("revision-orphan", api.origin.clone(), message).on(api.id()));
            }
        }
        let mut seen = BTreeSet::new();
        for api in apis.iter().filter(|api| !seen.insert(api.revision())) {
            let message = format!("API '{}' is a second revision {} of '{root}'", api.id, api.revision());
            found.push(Diagnostic::error("revision-duplicate", api.origin.clone(), message).on(api.id()));
        }
    }
}

fn check_operation(set: &ResourceSet, operation: &Operation, found: &mut Vec<Diagnostic>) {
    let mut report = |code, message| {
        found.push(Diagnostic::error(code, operation.origin.clone(), message).on(operation.id()));
    };
    if !set.apis.contains_key(&operation.api) {
        report("operation-orphan", format!("operation '{}' has no API '{}'", operation.id, operation.api));
    }
    if operation.method.is_empty() || !operation.method.bytes().all(is_token_byte) {
        report(
            "operation-method",
            format!("method '{}' of operation '{}' is no HTTP method", operation.method, operation.id),
        );
    }
    let mut names = BTreeSet::new();
    for name in template_parameters(&operation.url_template) {
        if !names.insert(name) {
            report(
                "template-parameter-twice",
                format!(
                    "template '{}' of operation '{}' has '{{{name}}}' twice",
                    operation.url_template, operation.id
                ),
            );
        }
    }
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The names in braces, in order.
fn template_parameters(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// Method and template are unique in an API.
fn check_templates(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&ApiId, String, &str), &Operation> = BTreeMap::new();
    for operation in set.operations.values() {
        let key = (&operation.api, operation.method.to_uppercase(), operation.url_template.as_str());
        if let Some(first) = seen.get(&key) {
            let message = format!(
                "operation '{}' has the same method and template ({} {}) as operation '{}'",
                operation.id, operation.method, operation.url_template, first.id
            );
            let id = ResourceId::Operation(operation.api.clone(), operation.id.clone());
            found.push(Diagnostic::error("operation-duplicate", operation.origin.clone(), message).on(id));
        } else {
            seen.insert(key, operation);
        }
    }
}
