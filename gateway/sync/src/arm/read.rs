//! Reading a whole service.

use gateway_model::{Diagnostic, Origin, ResourceSet};
use serde_json::{Map, Value};

use super::{ArmError, Service, properties};
use crate::documents::ResourceDocument;
use crate::plane::Transport;

/// Collections whose lists hold all there is to know of an item, before APIs and products.
const SIMPLE: &[&str] = &[
    "namedValues",
    "tags",
    "groups",
    "backends",
    "loggers",
    "certificates",
    "caches",
    "apiVersionSets",
    "diagnostics",
];
/// Members that the service makes, and nobody writes.
const MADE: &[&str] = &[
    "provisioningState",
    "isCurrent",
    "createdDate",
    "createdAtUtc",
    "updatedAtUtc",
    "isReadOnly",
    "registrationDate",
];
/// Pages of one list at most.
const PAGES_MAX: usize = 10_000;

impl<T: Transport> Service<T> {
    /// The resources of the service, and what of them cannot be read. With secrets also the users and who is in which group:
    /// names and addresses of people belong in no repository.
    pub async fn read(&self) -> Result<(ResourceSet, Vec<Diagnostic>), ArmError> {
        let (mut all, mut unread) = (Vec::new(), Vec::new());
        for collection in SIMPLE {
            let items = self.list(collection).await?;
            all.extend(items.into_iter().filter(|(_, members)| !is_system(members)));
        }
        if self.with_secrets {
            self.people(&mut all).await?;
            unread.extend(all.iter().filter_map(without_key));
        }
        self.with_secret_values(&mut all, &mut unread).await?;
        for (path, _) in self.list("policyFragments").await? {
            all.extend(self.one(&path, "&format=rawxml").await?);
        }
        for (path, _) in self.list("schemas").await? {
            all.extend(self.one(&path, "").await?);
        }
        self.apis(&mut all).await?;
        self.products(&mut all).await?;
        self.gateways(&mut all).await?;
        self.subscriptions(&mut all, &mut unread).await?;
        all.extend(self.one("policies/policy", "&format=rawxml").await?);
        let mut set = ResourceSet::default();
        unread.extend(all.iter().filter_map(|(path, members)| set.insert_document(path, members).err()));
        Ok((set, unread))
    }

    async fn apis(&self, all: &mut Vec<ResourceDocument>) -> Result<(), ArmError> {
        for (path, members) in self.list("apis").await? {
            // Some services list all revisions, some the current one.
            if !path.contains(";rev=") {
                self.api(all, &path, members).await?;
            }
            for (_, revision) in self.items(&format!("{path}/revisions"), false).await? {
                let id = revision.get("apiId").and_then(Value::as_str).unwrap_or_default();
                let name = id.rsplit('/').next().unwrap_or_default();
                if revision.get("isCurrent") != Some(&Value::Bool(true)) && name.contains(";rev=") {
                    let path = format!("apis/{name}");
                    if let Some((path, members)) = self.one(&path, "").await? {
                        self.api(all, &path, members).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn api(
        &self,
        all: &mut Vec<ResourceDocument>,
        path: &str,
        members: Map<String, Value>,
    ) -> Result<(), ArmError> {
        let is_graphql = members.get("type").and_then(Value::as_str) == Some("graphql");
        all.push((path.to_owned(), members));
        for (operation, members) in self.list(&format!("{path}/operations")).await? {
            all.extend(self.one(&format!("{operation}/policies/policy"), "&format=rawxml").await?);
            all.push((operation, members));
        }
        for (schema, _) in self.list(&format!("{path}/schemas")).await? {
            all.extend(self.one(&schema, "").await?);
        }
        if is_graphql {
            for (resolver, members) in self.list(&format!("{path}/resolvers")).await? {
                all.extend(self.one(&format!("{resolver}/policies/policy"), "&format=rawxml").await?);
                all.push((resolver, members));
            }
        }
        all.extend(self.list(&format!("{path}/diagnostics")).await?);
        all.extend(self.links(&format!("{path}/tags")).await?);
        all.extend(self.one(&format!("{path}/policies/policy"), "&format=rawxml").await?);
        Ok(())
    }

    async fn products(&self, all: &mut Vec<ResourceDocument>) -> Result<(), ArmError> {
        for (path, members) in self.list("products").await? {
            all.extend(self.links(&format!("{path}/apis")).await?);
            all.extend(self.links(&format!("{path}/groups")).await?);
            all.extend(self.one(&format!("{path}/policies/policy"), "&format=rawxml").await?);
            all.push((path, members));
        }
        Ok(())
    }

    async fn gateways(&self, all: &mut Vec<ResourceDocument>) -> Result<(), ArmError> {
        for (path, members) in self.list("gateways").await? {
            all.extend(self.links(&format!("{path}/apis")).await?);
            all.extend(self.list(&format!("{path}/hostnameConfigurations")).await?);
            all.push((path, members));
        }
        Ok(())
    }

    /// Users, and members of groups; the administrator that every service has is its own.
    async fn people(&self, all: &mut Vec<ResourceDocument>) -> Result<(), ArmError> {
        let groups: Vec<String> =
            all.iter().map(|(path, _)| path.clone()).filter(|path| path.starts_with("groups/")).collect();
        let users = self.list("users").await?;
        all.extend(users.into_iter().filter(|(path, _)| path != "users/1"));
        for group in groups {
            all.extend(self.links(&format!("{group}/users")).await?);
        }
        Ok(())
    }

    async fn subscriptions(
        &self,
        all: &mut Vec<ResourceDocument>,
        unread: &mut Vec<Diagnostic>,
    ) -> Result<(), ArmError> {
        for (path, mut members) in self.list("subscriptions").await? {
            // Every service has its own.
            if path.eq_ignore_ascii_case("subscriptions/master") {
                continue;
            }
            members.extend(self.secrets(&path, "listSecrets", unread).await?);
            all.push((path, members));
        }
        Ok(())
    }

    /// Secrets of a resource by its action; none where they are not asked for. What the service refuses to say is told, and is
    /// no reason to do without the rest.
    async fn secrets(
        &self,
        path: &str,
        action: &str,
        unread: &mut Vec<Diagnostic>,
    ) -> Result<Map<String, Value>, ArmError> {
        if !self.with_secrets {
            return Ok(Map::new());
        }
        match self.call("POST", &format!("{path}/{action}"), "", None).await {
            Ok(Value::Object(secrets)) => Ok(secrets),
            Ok(_) => Ok(Map::new()),
            Err(ArmError::Refused { status, message, .. }) if status != 401 => {
                unread.push(finding(
                    path,
                    &format!("its secrets cannot be read: {action} was answered {status}: {message}"),
                ));
                Ok(Map::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn with_secret_values(
        &self,
        all: &mut [ResourceDocument],
        unread: &mut Vec<Diagnostic>,
    ) -> Result<(), ArmError> {
        let is_secret = |(path, members): &&mut ResourceDocument| {
            path.starts_with("namedValues/") && members.get("secret") == Some(&Value::Bool(true))
        };
        for (path, members) in all.iter_mut().filter(is_secret) {
            members.extend(self.secrets(path, "listValue", unread).await?);
        }
        Ok(())
    }

    /// Links have no properties of their own: what a list shows belongs to their targets.
    async fn links(&self, collection: &str) -> Result<Vec<ResourceDocument>, ArmError> {
        let items = self.list(collection).await?;
        Ok(items.into_iter().map(|(path, _)| (path, Map::new())).collect())
    }

    async fn list(&self, collection: &str) -> Result<Vec<ResourceDocument>, ArmError> {
        self.items(collection, true).await
    }

    /// The items of a list, over all its pages. `in_envelopes`: an item's properties are under `properties`; others are
    /// given as they came.
    async fn items(&self, collection: &str, in_envelopes: bool) -> Result<Vec<ResourceDocument>, ArmError> {
        let mut found = Vec::new();
        let mut page = self.get(collection, "").await?;
        for _ in 0..PAGES_MAX {
            let Some(Value::Object(mut body)) = page else { break };
            if let Some(Value::Array(items)) = body.remove("value") {
                for mut item in items {
                    let name = item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                    let members = if in_envelopes {
                        self.plain(properties(&mut item))
                    } else {
                        item.as_object().cloned().unwrap_or_default()
                    };
                    found.push((format!("{collection}/{name}"), members));
                }
            }
            let next = body.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty());
            let Some(next) = next else { break };
            // Pages are fetched from where the first one came, wherever the link says.
            let target = next.find("/subscriptions/").and_then(|at| next.get(at..)).unwrap_or_default();
            page = Some(self.send("GET", target, None).await?);
        }
        Ok(found)
    }

    async fn one(&self, path: &str, more: &str) -> Result<Option<ResourceDocument>, ArmError> {
        let answer = self.get(path, more).await?;
        Ok(answer.map(|mut answer| (path.to_owned(), self.plain(properties(&mut answer)))))
    }

    /// Without what the service makes, and with short ids.
    fn plain(&self, members: Map<String, Value>) -> Map<String, Value> {
        let kept =
            members.into_iter().filter(|(name, value)| !value.is_null() && !MADE.contains(&name.as_str()));
        kept.map(|(name, value)| (name, self.short(value))).collect()
    }

    fn short(&self, value: Value) -> Value {
        match value {
            Value::String(text) => {
                let is_ours =
                    text.get(..self.path.len()).is_some_and(|head| head.eq_ignore_ascii_case(&self.path));
                match text.get(self.path.len()..).filter(|rest| is_ours && rest.starts_with('/')) {
                    Some(rest) => Value::String(rest.to_owned()),
                    None => Value::String(text),
                }
            }
            Value::Array(items) => items.into_iter().map(|item| self.short(item)).collect(),
            Value::Object(members) => {
                let kept = members.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(kept.map(|(name, value)| (name, self.short(value))).collect())
            }
            other => other,
        }
    }
}

/// What a service never shows: the private key of a certificate.
fn without_key((path, members): &ResourceDocument) -> Option<Diagnostic> {
    let lacks_it = path.starts_with("certificates/") && !members.contains_key("data");
    lacks_it.then(|| {
        finding(path, "its private key cannot be read from a service: policies that use it will not work")
    })
}

fn finding(path: &str, message: &str) -> Diagnostic {
    Diagnostic::warning("unreadable", Origin::start(path), message.to_owned())
}

/// Groups that every service has.
fn is_system(members: &Map<String, Value>) -> bool {
    members.get("builtIn") == Some(&Value::Bool(true))
}
