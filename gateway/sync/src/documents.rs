//! Resources back into documents, as the management API has them: the way from a folder to a plane.

use gateway_model::{
    BackendType, LogDiagnosticScope, PolicyFormat, PolicyScope, Resource, ResourceId, ResourceSet, Secret,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::folder::secrets;

/// A path below the service and what stands under `properties`.
pub type ResourceDocument = (String, Map<String, Value>);

/// The documents of a set with all its secrets, parents and what is referred to first: in this order each can be written.
pub fn documents(set: &ResourceSet) -> Vec<ResourceDocument> {
    let mut all = Vec::new();
    for value in set.named_values.values() {
        add(&mut all, value, |properties| secrets::put(properties, "value", value.value.as_ref()));
    }
    add_all(&mut all, set.tags.values());
    add_all(&mut all, set.groups.values());
    add_all(&mut all, set.users.values());
    all.extend(set.group_users.values().map(|link| (path(&link.id()), Map::new())));
    add_all(&mut all, set.version_sets.values());
    add_all(&mut all, set.schemas.values());
    for certificate in set.certificates.values() {
        add(&mut all, certificate, |properties| {
            secrets::put(properties, "data", certificate.data.as_ref());
            secrets::put(properties, "password", certificate.password.as_ref());
        });
    }
    for backend in set.backends.values() {
        add(&mut all, backend, |properties| {
            secrets::backend(properties, backend);
            // A file may leave it out, a service wants it.
            if backend.backend_type == BackendType::Single {
                properties.entry("protocol").or_insert_with(|| Value::from("http"));
            }
        });
    }
    for logger in set.loggers.values() {
        add(&mut all, logger, |properties| secrets::logger(properties, logger));
    }
    for cache in set.caches.values() {
        let connection = cache.connection_string.as_ref();
        add(&mut all, cache, |properties| secrets::put(properties, "connectionString", connection));
    }
    for fragment in set.fragments.values() {
        let text = set.policy(&PolicyScope::Fragment(fragment.id.clone()));
        add(&mut all, fragment, |properties| {
            properties.insert("format".to_owned(), Value::from("rawxml"));
            properties.insert("value".to_owned(), Value::from(text.map_or("", |document| &*document.text)));
        });
    }
    apis(&mut all, set);
    links(&mut all, set);
    for diagnostic in set.log_diagnostics.values() {
        let name = &diagnostic.id;
        let path = match &diagnostic.scope {
            LogDiagnosticScope::Global => format!("diagnostics/{name}"),
            LogDiagnosticScope::Api(api) => format!("apis/{api}/diagnostics/{name}"),
        };
        all.push((path, properties(diagnostic)));
    }
    policies(&mut all, set);
    all
}

fn apis(all: &mut Vec<ResourceDocument>, set: &ResourceSet) {
    // The current revision of an API before the others, which are below it.
    let (current, others): (Vec<_>, Vec<_>) = set.apis.values().partition(|api| api.id.revision().is_none());
    for api in current.into_iter().chain(others) {
        add(all, api, |properties| {
            // The name says it.
            properties.shift_remove("isCurrent");
        });
        add_all(all, set.schemas_of(&api.id));
        add_all(all, set.operations_of(&api.id));
        add_all(all, set.resolvers_of(&api.id));
    }
}

fn links(all: &mut Vec<ResourceDocument>, set: &ResourceSet) {
    add_all(all, set.products.values());
    add_all(all, set.gateways.values());
    let links = set.product_apis.values().map(Resource::id);
    let links = links.chain(set.product_groups.values().map(Resource::id));
    let links = links.chain(set.gateway_apis.values().map(Resource::id));
    all.extend(links.map(|id| (path(&id), Map::new())));
    for link in set.tag_links.values() {
        all.push((format!("{}/tags/{}", path(&link.target), link.tag), Map::new()));
    }
    add_all(all, set.gateway_hostnames.values());
    for subscription in set.subscriptions.values() {
        let keys: [(&str, Option<&Secret>); 2] = [
            ("primaryKey", subscription.primary_key.as_ref()),
            ("secondaryKey", subscription.secondary_key.as_ref()),
        ];
        add(all, subscription, |properties| {
            for (member, key) in keys {
                secrets::put(properties, member, key);
            }
        });
    }
}

fn policies(all: &mut Vec<ResourceDocument>, set: &ResourceSet) {
    for document in set.policies.values() {
        let of = match &document.scope {
            PolicyScope::Fragment(_) => continue,
            PolicyScope::Global => String::new(),
            scope => format!("{}/", path(&scope.resource())),
        };
        let format = match document.format {
            PolicyFormat::Xml => "xml",
            _ => "rawxml",
        };
        let properties = Map::from_iter([
            ("format".to_owned(), Value::from(format)),
            ("value".to_owned(), Value::from(&*document.text)),
        ]);
        all.push((format!("{of}policies/policy"), properties));
    }
}

fn add_all<'a, R: Resource + Serialize + 'a>(
    all: &mut Vec<ResourceDocument>,
    resources: impl Iterator<Item = &'a R>,
) {
    all.extend(resources.map(|resource| (path(&resource.id()), properties(resource))));
}

fn add<R: Resource + Serialize>(
    all: &mut Vec<ResourceDocument>,
    resource: &R,
    more: impl FnOnce(&mut Map<String, Value>),
) {
    let mut members = properties(resource);
    more(&mut members);
    all.push((path(&resource.id()), members));
}

fn path(id: &ResourceId) -> String {
    id.to_string().trim_start_matches('/').to_owned()
}

fn properties(resource: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(resource) {
        Ok(Value::Object(members)) => members,
        // Every resource is an object.
        _ => Map::new(),
    }
}
