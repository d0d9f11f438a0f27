//! Resources from documents: path below the service, and what stands under `properties`.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ResourceSet;
use crate::arm_id::ResourceId;
use crate::diagnostic::Diagnostic;
use crate::id::{ApiId, FragmentId, ResolverId};
use crate::origin::Origin;
use crate::policy::{PolicyDocument, PolicyFormat, PolicyScope};
use crate::resource::{
    Api, ApiSchema, ApiVersionSet, Backend, Cache, Certificate, Gateway, GatewayApi, GatewayHostname, Group,
    GroupUser, LogDiagnostic, LogDiagnosticScope, Logger, NamedValue, Operation, PolicyFragment, Product,
    ProductApi, ProductGroup, Resolver, Resource, Schema, Subscription, Tag, TagLink, User,
};

impl ResourceSet {
    /// Adds the resource of a document, as the management API has them: path `apis/orders/policies/policy`. A document of
    /// a kind that no gateway needs is passed over.
    pub fn insert_document(&mut self, path: &str, properties: &Map<String, Value>) -> Result<(), Diagnostic> {
        let origin = Origin::start(path);
        let segments: Vec<&str> = path.split('/').collect();
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        if let [.., "policies", _] = lower.as_slice() {
            return self.policy_document(&segments, origin, properties);
        }
        macro_rules! add {
            ($type:ident { $($field:ident: $value:expr),+ }) => {{
                let read: $type = typed(properties, &origin)?;
                self.add($type { $($field: $value,)+ origin, ..read })
            }};
        }
        match (lower.as_slice(), segments.as_slice()) {
            (["apis", _], [_, id]) => self.api(id, origin, properties),
            (["apis", _, "operations", _], [_, api, _, id]) => {
                add!(Operation { api: (*api).into(), id: (*id).into() })
            }
            (["apis", _, "schemas", _], [_, api, _, id]) => {
                add!(ApiSchema { api: (*api).into(), id: (*id).into() })
            }
            (["apis", _, "resolvers", _], [_, api, _, id]) => {
                add!(Resolver { api: (*api).into(), id: (*id).into() })
            }
            (["apis", _, "diagnostics", _], [_, api, _, id]) => {
                let scope = LogDiagnosticScope::Api((*api).into());
                add!(LogDiagnostic { scope: scope, id: (*id).into() })
            }
            (["apis", _, "tags", _], [_, api, _, tag]) => {
                let target = ResourceId::Api(ApiId::from(*api).root());
                self.add(TagLink { tag: (*tag).into(), target, origin })
            }
            (["apiversionsets", _], [_, id]) => add!(ApiVersionSet { id: (*id).into() }),
            (["products", _], [_, id]) => add!(Product { id: (*id).into() }),
            (["products", _, "apis", _], [_, product, _, api]) => {
                self.add(ProductApi { product: (*product).into(), api: (*api).into(), origin })
            }
            (["products", _, "groups", _], [_, product, _, group]) => {
                self.add(ProductGroup { product: (*product).into(), group: (*group).into(), origin })
            }
            (["subscriptions", _], [_, id]) => add!(Subscription { id: (*id).into() }),
            (["users", _], [_, id]) => add!(User { id: (*id).into() }),
            (["groups", _], [_, id]) => add!(Group { id: (*id).into() }),
            (["groups", _, "users", _], [_, group, _, user]) => {
                self.add(GroupUser { group: (*group).into(), user: (*user).into(), origin })
            }
            (["namedvalues", _], [_, id]) => add!(NamedValue { id: (*id).into() }),
            (["policyfragments", _], [_, id]) => self.fragment(id, origin, properties),
            (["backends", _], [_, id]) => add!(Backend { id: (*id).into() }),
            (["gateways", _], [_, id]) => add!(Gateway { id: (*id).into() }),
            (["gateways", _, "apis", _], [_, gateway, _, api]) => {
                self.add(GatewayApi { gateway: (*gateway).into(), api: (*api).into(), origin })
            }
            (["gateways", _, "hostnameconfigurations", _], [_, gateway, _, id]) => {
                add!(GatewayHostname { gateway: (*gateway).into(), id: (*id).into() })
            }
            (["certificates", _], [_, id]) => add!(Certificate { id: (*id).into() }),
            (["loggers", _], [_, id]) => add!(Logger { id: (*id).into() }),
            (["diagnostics", _], [_, id]) => {
                add!(LogDiagnostic { scope: LogDiagnosticScope::Global, id: (*id).into() })
            }
            (["schemas", _], [_, id]) => add!(Schema { id: (*id).into() }),
            (["tags", _], [_, id]) => add!(Tag { id: (*id).into() }),
            (["caches", _], [_, id]) => add!(Cache { id: (*id).into() }),
            _ => Ok(()),
        }
    }

    fn add<R: Resource>(&mut self, resource: R) -> Result<(), Diagnostic> {
        Ok(self.insert(resource)?)
    }

    fn api(&mut self, id: &str, origin: Origin, properties: &Map<String, Value>) -> Result<(), Diagnostic> {
        let mut api: Api = typed(properties, &origin)?;
        api.id = id.into();
        api.origin = origin;
        // `x` is the current revision, whatever the document of another one says.
        if api.id.revision().is_some() {
            api.is_current_written = Some(false);
        }
        self.add(api)
    }

    fn fragment(
        &mut self,
        id: &str,
        origin: Origin,
        properties: &Map<String, Value>,
    ) -> Result<(), Diagnostic> {
        let mut rest = properties.clone();
        rest.retain(|name, _| name != "value" && name != "format");
        let read: PolicyFragment = typed(&rest, &origin)?;
        let scope = PolicyScope::Fragment(FragmentId::from(id));
        self.policies.insert(scope.clone(), document(scope, origin.clone(), properties));
        self.add(PolicyFragment { id: id.into(), origin, ..read })
    }

    fn policy_document(
        &mut self,
        segments: &[&str],
        origin: Origin,
        properties: &Map<String, Value>,
    ) -> Result<(), Diagnostic> {
        let scope = match segments {
            [_, _] => PolicyScope::Global,
            [kind, product, _, _] if kind.eq_ignore_ascii_case("products") => {
                PolicyScope::Product((*product).into())
            }
            [kind, api, _, _] if kind.eq_ignore_ascii_case("apis") => PolicyScope::Api((*api).into()),
            [_, api, kind, name, _, _] if kind.eq_ignore_ascii_case("operations") => {
                PolicyScope::Operation((*api).into(), (*name).into())
            }
            [_, api, kind, name, _, _] if kind.eq_ignore_ascii_case("resolvers") => {
                PolicyScope::Resolver((*api).into(), ResolverId::from(*name))
            }
            _ => return Ok(()),
        };
        self.policies.insert(scope.clone(), document(scope, origin, properties));
        Ok(())
    }
}

fn document(scope: PolicyScope, origin: Origin, properties: &Map<String, Value>) -> PolicyDocument {
    let member = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default();
    let format =
        if member("format").eq_ignore_ascii_case("xml") { PolicyFormat::Xml } else { PolicyFormat::RawXml };
    PolicyDocument { scope, text: member("value").into(), format, origin }
}

fn typed<T: DeserializeOwned>(properties: &Map<String, Value>, origin: &Origin) -> Result<T, Diagnostic> {
    serde_json::from_value(Value::Object(properties.clone()))
        .map_err(|error| Diagnostic::error("document-shape", origin.clone(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn insert(set: &mut ResourceSet, path: &str, properties: Value) -> Result<(), Diagnostic> {
        let Value::Object(properties) = properties else { panic!("not an object") };
        set.insert_document(path, &properties)
    }

    #[test]
    fn documents_become_the_resources_that_a_folder_would_give() {
        let mut set = ResourceSet::default();
        for (path, properties) in [
            ("apis/orders", json!({"path": "orders", "displayName": "Orders"})),
            (
                "apis/orders/operations/get",
                json!({"method": "GET", "urlTemplate": "/", "displayName": "Get"}),
            ),
            (
                "apis/orders/operations/get/policies/policy",
                json!({"value": "<policies/>", "format": "rawxml"}),
            ),
            ("policyFragments/f", json!({"value": "<fragment/>", "format": "xml"})),
            ("products/gold/apis/orders", json!({})),
            ("subscriptions/s", json!({"scope": "/products/gold", "primaryKey": "k"})),
            ("authorizationServers/x", json!({})),
        ] {
            insert(&mut set, path, properties).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        let scope = PolicyScope::Operation("orders".into(), "get".into());
        assert_eq!(set.policy(&scope).map(|document| &*document.text), Some("<policies/>"));
        assert_eq!(set.apis.len() + set.operations.len() + set.product_apis.len(), 3);
        assert!(set.fragments.contains_key(&"f".into()));
        assert_eq!(set.subscriptions.len(), 1);
    }

    #[test]
    fn document_of_the_wrong_shape_is_a_finding_with_its_path() {
        let error = insert(&mut ResourceSet::default(), "apis/a", json!({"path": 7})).expect_err("refused");
        assert_eq!(&*error.origin.file, "apis/a");
    }
}
