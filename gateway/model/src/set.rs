//! All resources of one revision of the configuration.

use std::collections::BTreeMap;

use crate::arm_id::ResourceId;
use crate::diagnostic::Diagnostic;
use crate::id::{
    ApiId, BackendId, CacheId, CertificateId, FragmentId, GatewayId, GroupId, HostnameId, LogDiagnosticId,
    LoggerId, NamedValueId, OperationId, ProductId, ResolverId, SchemaId, SubscriptionId, TagId, UserId,
    VersionSetId,
};
use crate::origin::Origin;
use crate::policy::{PolicyDocument, PolicyScope};
use crate::resource::{
    Api, ApiSchema, ApiVersionSet, Backend, Cache, Certificate, Gateway, GatewayApi, GatewayHostname, Group,
    GroupUser, LogDiagnostic, LogDiagnosticScope, Logger, NamedValue, Operation, PolicyFragment, Product,
    ProductApi, ProductGroup, Resolver, Resource, Schema, Service, Subscription, Tag, TagLink, User,
};

mod check;
mod documents;
#[cfg(test)]
mod tests;

/// All resources, in tables sorted by name. Reading is free; [`ResourceSet::insert`] adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceSet {
    /// Number of the revision, counted by the source; 0 before the first.
    pub revision: u64,
    /// Settings of the service.
    pub service: Service,
    /// API revisions.
    pub apis: BTreeMap<ApiId, Api>,
    /// Operations.
    pub operations: BTreeMap<(ApiId, OperationId), Operation>,
    /// Schemas of APIs.
    pub api_schemas: BTreeMap<(ApiId, SchemaId), ApiSchema>,
    /// Resolvers of GraphQL APIs.
    pub resolvers: BTreeMap<(ApiId, ResolverId), Resolver>,
    /// Version sets.
    pub version_sets: BTreeMap<VersionSetId, ApiVersionSet>,
    /// Products.
    pub products: BTreeMap<ProductId, Product>,
    /// APIs in products.
    pub product_apis: BTreeMap<(ProductId, ApiId), ProductApi>,
    /// Groups of products.
    pub product_groups: BTreeMap<(ProductId, GroupId), ProductGroup>,
    /// Subscriptions.
    pub subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// Users.
    pub users: BTreeMap<UserId, User>,
    /// Groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// Users in groups.
    pub group_users: BTreeMap<(GroupId, UserId), GroupUser>,
    /// Named values.
    pub named_values: BTreeMap<NamedValueId, NamedValue>,
    /// Policy fragments.
    pub fragments: BTreeMap<FragmentId, PolicyFragment>,
    /// Policy documents.
    pub policies: BTreeMap<PolicyScope, PolicyDocument>,
    /// Backends.
    pub backends: BTreeMap<BackendId, Backend>,
    /// Self-hosted gateways.
    pub gateways: BTreeMap<GatewayId, Gateway>,
    /// APIs on gateways.
    pub gateway_apis: BTreeMap<(GatewayId, ApiId), GatewayApi>,
    /// Host names of gateways.
    pub gateway_hostnames: BTreeMap<(GatewayId, HostnameId), GatewayHostname>,
    /// Certificates.
    pub certificates: BTreeMap<CertificateId, Certificate>,
    /// Loggers.
    pub loggers: BTreeMap<LoggerId, Logger>,
    /// Diagnostics.
    pub log_diagnostics: BTreeMap<(LogDiagnosticScope, LogDiagnosticId), LogDiagnostic>,
    /// Schemas of the service.
    pub schemas: BTreeMap<SchemaId, Schema>,
    /// Tags.
    pub tags: BTreeMap<TagId, Tag>,
    /// Tags on resources.
    pub tag_links: BTreeMap<(TagId, ResourceId), TagLink>,
    /// External caches.
    pub caches: BTreeMap<CacheId, Cache>,
}

/// A second resource of the same kind and name (names are compared without case).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {id} is already defined at {first}", id.kind())]
pub struct Duplicate {
    /// The resource.
    pub id: ResourceId,
    /// Where the first was written.
    pub first: Origin,
    /// Where the second was written.
    pub second: Origin,
}

impl From<Duplicate> for Diagnostic {
    fn from(duplicate: Duplicate) -> Self {
        Self::error("duplicate-resource", duplicate.second.clone(), duplicate.to_string()).on(duplicate.id)
    }
}

impl ResourceSet {
    /// Adds a resource; the first of a name stays.
    pub fn insert<R: Resource>(&mut self, resource: R) -> Result<(), Duplicate> {
        let key = resource.key();
        if let Some(first) = R::table(self).get(&key) {
            let first = first.origin().clone();
            return Err(Duplicate { id: resource.id(), first, second: resource.origin().clone() });
        }
        R::table_mut(self).insert(key, resource);
        Ok(())
    }

    /// The policy document of a scope.
    pub fn policy(&self, scope: &PolicyScope) -> Option<&PolicyDocument> {
        self.policies.get(scope)
    }

    /// The named value that policies call `{{display_name}}`; compared without case.
    pub fn named_value(&self, display_name: &str) -> Option<&NamedValue> {
        self.named_values.values().find(|value| value.display_name.eq_ignore_ascii_case(display_name))
    }

    /// All named values by the lower-case name that policies use; the first by resource name wins.
    pub fn named_values_by_display_name(&self) -> BTreeMap<String, &NamedValue> {
        let mut names = BTreeMap::new();
        for value in self.named_values.values() {
            names.entry(value.display_name.to_ascii_lowercase()).or_insert(value);
        }
        names
    }

    /// The operations of an API revision, by name.
    pub fn operations_of<'a>(&'a self, api: &'a ApiId) -> impl Iterator<Item = &'a Operation> {
        let first = (api.clone(), OperationId::default());
        self.operations.range(first..).map(|(_, operation)| operation).take_while(move |o| o.api == *api)
    }

    /// The schemas of an API revision, by name.
    pub fn schemas_of<'a>(&'a self, api: &'a ApiId) -> impl Iterator<Item = &'a ApiSchema> {
        let first = (api.clone(), SchemaId::default());
        self.api_schemas.range(first..).map(|(_, schema)| schema).take_while(move |schema| schema.api == *api)
    }

    /// The resolvers of an API revision, by name.
    pub fn resolvers_of<'a>(&'a self, api: &'a ApiId) -> impl Iterator<Item = &'a Resolver> {
        let first = (api.clone(), ResolverId::default());
        self.resolvers.range(first..).map(|(_, resolver)| resolver).take_while(move |r| r.api == *api)
    }

    /// The products that hold an API (any revision of it), by name.
    pub fn products_of(&self, api: &ApiId) -> impl Iterator<Item = &Product> {
        let root = api.root();
        self.product_apis
            .values()
            .filter(move |link| link.api == root)
            .filter_map(|link| self.products.get(&link.product))
    }

    /// The names of the APIs in a product; without revisions.
    pub fn apis_of<'a>(&'a self, product: &'a ProductId) -> impl Iterator<Item = &'a ApiId> {
        let first = (product.clone(), ApiId::default());
        self.product_apis
            .range(first..)
            .map(|(_, link)| link)
            .take_while(move |link| link.product == *product)
            .map(|link| &link.api)
    }

    /// Takes an API revision out, with everything below it. Its links stay: they belong to all revisions.
    pub fn remove_api(&mut self, api: &ApiId) -> Option<Api> {
        let removed = self.apis.remove(api);
        self.operations.retain(|(of, _), _| of != api);
        self.api_schemas.retain(|(of, _), _| of != api);
        self.resolvers.retain(|(of, _), _| of != api);
        self.log_diagnostics.retain(|(scope, _), _| *scope != LogDiagnosticScope::Api(api.clone()));
        self.policies.retain(|scope, _| match scope {
            PolicyScope::Api(of) | PolicyScope::Operation(of, _) | PolicyScope::Resolver(of, _) => of != api,
            _ => true,
        });
        removed
    }

    /// Findings about how the resources fit together, in file order and without repeats.
    ///
    /// Source: management-api.md §1.16, policies.md §7 and §8.
    pub fn check(&self) -> Vec<Diagnostic> {
        check::check(self)
    }
}

impl Resource for PolicyDocument {
    type Key = PolicyScope;

    fn key(&self) -> PolicyScope {
        self.scope.clone()
    }

    fn id(&self) -> ResourceId {
        self.scope.resource()
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn table(set: &ResourceSet) -> &BTreeMap<PolicyScope, Self> {
        &set.policies
    }

    fn table_mut(set: &mut ResourceSet) -> &mut BTreeMap<PolicyScope, Self> {
        &mut set.policies
    }
}
