//! Resource set → APIOps folder, the same bytes for the same set.
//!
//! Names of apiops v7; operations and schemas as the files of apiops-cli, because definitions are not written
//! back yet. Members in alphabetical order, two blanks, LF (management-api.md §4.4), except inside examples and
//! schemas, whose order means something.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gateway_model::{
    ApiType, IdError, PolicyScope, Resource, ResourceId, ResourceSet, Subscription, check_name,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) mod secrets;

/// What to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSettings {
    /// Whether secret named values, subscription keys and certificates are written; default no. Credentials of
    /// backends and loggers always are, as apiops does: there they are references to named values.
    pub secrets: bool,
}

/// Why a set cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A name that must not become a path.
    #[error("the name in {id} cannot be that of a folder")]
    Name {
        /// The resource.
        id: String,
        /// What is wrong with the name.
        #[source]
        source: IdError,
    },
    /// A resource that is no JSON.
    #[error("{id} cannot be written as JSON")]
    Json {
        /// The resource.
        id: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Files by path relative to the folder.
pub type Files = BTreeMap<String, String>;

/// Writes a set into a folder. Files that are as they should be are not touched; files that belong to no resource
/// of the set stay.
pub fn write(set: &ResourceSet, dir: &Path, settings: WriteSettings) -> Result<(), WriteError> {
    for (name, text) in files(set, settings)? {
        let path = dir.join(name);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        let written = fs::create_dir_all(path.parent().unwrap_or(dir)).and_then(|()| fs::write(&path, text));
        written.map_err(|source| WriteError::File { path, source })?;
    }
    Ok(())
}

/// The files of a set.
pub fn files(set: &ResourceSet, settings: WriteSettings) -> Result<Files, WriteError> {
    let mut writer = Writer { files: Files::new(), settings };
    writer.simple(set)?;
    writer.apis(set)?;
    writer.links(set)?;
    for document in set.policies.values() {
        let folder = match &document.scope {
            PolicyScope::Global => String::new(),
            PolicyScope::Fragment(name) => {
                format!("policy fragments/{}/", checked(&document.id(), name.as_str())?)
            }
            PolicyScope::Product(name) => format!("products/{}/", checked(&document.id(), name.as_str())?),
            PolicyScope::Api(name) => format!("apis/{}/", checked(&document.id(), name.as_str())?),
            PolicyScope::Operation(api, name) => {
                let (api, name) =
                    (checked(&document.id(), api.as_str())?, checked(&document.id(), name.as_str())?);
                format!("apis/{api}/operations/{name}/")
            }
            PolicyScope::Resolver(api, name) => {
                let (api, name) =
                    (checked(&document.id(), api.as_str())?, checked(&document.id(), name.as_str())?);
                format!("apis/{api}/resolvers/{name}/")
            }
        };
        writer.files.insert(format!("{folder}policy.xml"), document.text.to_string());
    }
    Ok(writer.files)
}

struct Writer {
    files: Files,
    settings: WriteSettings,
}

fn checked<'a>(id: &ResourceId, name: &'a str) -> Result<&'a str, WriteError> {
    check_name(name).map_err(|source| WriteError::Name { id: id.to_string(), source })?;
    Ok(name)
}

impl Writer {
    /// Resources with one name and one document.
    fn simple(&mut self, set: &ResourceSet) -> Result<(), WriteError> {
        for value in set.named_values.values() {
            let secret = value.value.as_ref().filter(|_| self.settings.secrets || !value.secret);
            self.document("named values", "namedValueInformation", value.id.as_str(), value, |properties| {
                secrets::put(properties, "value", secret);
            })?;
        }
        for backend in set.backends.values() {
            self.document("backends", "backendInformation", backend.id.as_str(), backend, |properties| {
                secrets::backend(properties, backend);
            })?;
        }
        for logger in set.loggers.values() {
            self.document("loggers", "loggerInformation", logger.id.as_str(), logger, |properties| {
                secrets::logger(properties, logger);
            })?;
        }
        for subscription in set.subscriptions.values() {
            self.subscription(subscription)?;
        }
        self.all(
            set.fragments.values().map(|it| (it.id.as_str(), it)),
            "policy fragments",
            "policyFragmentInformation",
        )?;
        self.all(
            set.version_sets.values().map(|it| (it.id.as_str(), it)),
            "version sets",
            "versionSetInformation",
        )?;
        self.all(set.tags.values().map(|it| (it.id.as_str(), it)), "tags", "tagInformation")?;
        self.all(set.groups.values().map(|it| (it.id.as_str(), it)), "groups", "groupInformation")?;
        self.all(set.gateways.values().map(|it| (it.id.as_str(), it)), "gateways", "gatewayInformation")?;
        self.all(set.products.values().map(|it| (it.id.as_str(), it)), "products", "productInformation")?;
        self.all(set.schemas.values().map(|it| (it.id.as_str(), it)), "schemas", "schemaInformation")?;
        self.all(set.users.values().map(|it| (it.id.as_str(), it)), "users", "userInformation")?;
        for certificate in set.certificates.values() {
            let with_secrets = self.settings.secrets;
            self.document(
                "certificates",
                "certificateInformation",
                certificate.id.as_str(),
                certificate,
                |properties| {
                    secrets::put(properties, "data", certificate.data.as_ref().filter(|_| with_secrets));
                    secrets::put(
                        properties,
                        "password",
                        certificate.password.as_ref().filter(|_| with_secrets),
                    );
                },
            )?;
        }
        for cache in set.caches.values() {
            let secret = cache.connection_string.as_ref().filter(|_| self.settings.secrets);
            self.document("caches", "cacheInformation", cache.id.as_str(), cache, |properties| {
                secrets::put(properties, "connectionString", secret);
            })?;
        }
        for diagnostic in set.log_diagnostics.values() {
            let folder = match &diagnostic.scope {
                gateway_model::LogDiagnosticScope::Global => "diagnostics".to_owned(),
                gateway_model::LogDiagnosticScope::Api(api) => {
                    format!("apis/{}/diagnostics", checked(&diagnostic.id(), api.as_str())?)
                }
            };
            self.document(&folder, "diagnosticInformation", diagnostic.id.as_str(), diagnostic, |_| {})?;
        }
        Ok(())
    }

    fn subscription(&mut self, subscription: &Subscription) -> Result<(), WriteError> {
        // Never written: every service has its own (management-api.md §4.1).
        if subscription.id.as_str().eq_ignore_ascii_case("master") {
            return Ok(());
        }
        let with_secrets = self.settings.secrets;
        let name = subscription.id.as_str();
        self.document("subscriptions", "subscriptionInformation", name, subscription, |properties| {
            secrets::put(
                properties,
                "primaryKey",
                subscription.primary_key.as_ref().filter(|_| with_secrets),
            );
            secrets::put(
                properties,
                "secondaryKey",
                subscription.secondary_key.as_ref().filter(|_| with_secrets),
            );
        })
    }

    /// APIs with their operations and schemas.
    fn apis(&mut self, set: &ResourceSet) -> Result<(), WriteError> {
        for api in set.apis.values() {
            let name = checked(&api.id(), api.id.as_str())?;
            self.document("apis", "apiInformation", name, api, |_| {})?;
            // The operation of a WebSocket API is the system's.
            if api.api_type != ApiType::WebSocket {
                let operations =
                    set.operations_of(&api.id).map(|operation| (operation.id.as_str(), operation));
                self.all(operations, &format!("apis/{name}/operations"), "operationInformation")?;
            }
            let resolvers = set.resolvers_of(&api.id).map(|resolver| (resolver.id.as_str(), resolver));
            self.all(resolvers, &format!("apis/{name}/resolvers"), "resolverInformation")?;
            for schema in set.schemas_of(&api.id) {
                match &schema.document.value {
                    Some(sdl) if api.api_type == ApiType::GraphQl && schema.id.as_str() == "graphql" => {
                        self.files.insert(format!("apis/{name}/specification.graphql"), sdl.clone());
                    }
                    _ => {
                        let folder = format!("apis/{name}/schemas");
                        self.document(&folder, "schemaInformation", schema.id.as_str(), schema, |_| {})?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Links, each a file.
    fn links(&mut self, set: &ResourceSet) -> Result<(), WriteError> {
        for link in set.product_apis.values() {
            let (product, api) =
                (checked(&link.id(), link.product.as_str())?, checked(&link.id(), link.api.as_str())?);
            self.file(format!("products/{product}/apis/{api}/productApiInformation.json"), &json!({}));
        }
        for link in set.product_groups.values() {
            let (product, group) =
                (checked(&link.id(), link.product.as_str())?, checked(&link.id(), link.group.as_str())?);
            let document = json!({ "name": group, "properties": { "groupId": format!("/groups/{group}") } });
            self.file(format!("products/{product}/groups/{group}/productGroupInformation.json"), &document);
        }
        for link in set.group_users.values() {
            let (group, user) =
                (checked(&link.id(), link.group.as_str())?, checked(&link.id(), link.user.as_str())?);
            self.file(format!("groups/{group}/users/{user}/groupUserInformation.json"), &json!({}));
        }
        for link in set.gateway_apis.values() {
            let (gateway, api) =
                (checked(&link.id(), link.gateway.as_str())?, checked(&link.id(), link.api.as_str())?);
            self.file(format!("gateways/{gateway}/apis/{api}/gatewayApiInformation.json"), &json!({}));
        }
        for host in set.gateway_hostnames.values() {
            let gateway = checked(&host.id(), host.gateway.as_str())?;
            let folder = format!("gateways/{gateway}/hostnameConfigurations");
            self.document(&folder, "hostnameConfigurationInformation", host.id.as_str(), host, |_| {})?;
        }
        for link in set.tag_links.values() {
            let tag = checked(&link.target, link.tag.as_str())?;
            let path = match &link.target {
                ResourceId::Api(api) => format!("apis/{}/tagApi", checked(&link.target, api.as_str())?),
                ResourceId::Product(name) => {
                    format!("products/{}/tagProduct", checked(&link.target, name.as_str())?)
                }
                // apiops has no files for other targets.
                _ => continue,
            };
            self.file(format!("tags/{tag}/{path}Information.json"), &json!({}));
        }
        Ok(())
    }

    fn all<'a, R: Resource + Serialize + 'a>(
        &mut self,
        resources: impl Iterator<Item = (&'a str, &'a R)>,
        folder: &str,
        document: &str,
    ) -> Result<(), WriteError> {
        for (name, resource) in resources {
            self.document(folder, document, name, resource, |_| {})?;
        }
        Ok(())
    }

    /// One document; `add` puts members that are never serialized.
    fn document<R: Resource + Serialize>(
        &mut self,
        folder: &str,
        document: &str,
        name: &str,
        resource: &R,
        add: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<(), WriteError> {
        let id = resource.id();
        let name = checked(&id, name)?;
        let mut properties = match serde_json::to_value(resource) {
            Ok(Value::Object(properties)) => properties,
            Ok(_) => Map::new(),
            Err(source) => return Err(WriteError::Json { id: id.to_string(), source }),
        };
        add(&mut properties);
        self.file(format!("{folder}/{name}/{document}.json"), &json!({ "properties": properties }));
        Ok(())
    }

    fn file(&mut self, path: String, document: &Value) {
        self.files.insert(path, format!("{:#}\n", sorted(document)));
    }
}

/// Members in alphabetical order, except where the order written means something.
fn sorted(value: &Value) -> Value {
    const AS_WRITTEN: [&str; 5] = ["examples", "document", "value", "header", "query"];
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let sort = |name: &String| {
                let value = members.get(name)?;
                let value = if AS_WRITTEN.contains(&name.as_str()) { value.clone() } else { sorted(value) };
                Some((name.clone(), value))
            };
            Value::Object(names.into_iter().filter_map(sort).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
