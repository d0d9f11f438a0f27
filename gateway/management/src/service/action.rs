//! Operations that are more than one resource's GET, HEAD, PUT, PATCH or DELETE.

mod apis;
mod by_tags;
mod connectivity;
mod debug;
mod gateways;
mod keys;
mod links;
mod policies;
mod portal;
mod quotas;
mod reports;
mod subscriptions;
mod users;

use std::future::Future;
use std::pin::Pin;

use super::{Call, Outcome, export, service_resource};

/// An operation of its own.
pub type Action = for<'a> fn(&'a Call<'a>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// By operation id.
const ACTIONS: &[(&str, Action)] = &[
    ("Subscription_RegeneratePrimaryKey", |call| Box::pin(keys::regenerate(call, "primaryKey"))),
    ("Subscription_RegenerateSecondaryKey", |call| Box::pin(keys::regenerate(call, "secondaryKey"))),
    ("Subscription_ListSecrets", |call| {
        Box::pin(async { keys::list(call, &["primaryKey", "secondaryKey"]) })
    }),
    ("NamedValue_ListValue", |call| Box::pin(async { keys::list(call, &["value"]) })),
    ("AuthorizationServer_ListSecrets", |call| {
        Box::pin(async {
            keys::list(call, &["clientSecret", "resourceOwnerUsername", "resourceOwnerPassword"])
        })
    }),
    ("OpenIdConnectProvider_ListSecrets", |call| Box::pin(async { keys::list(call, &["clientSecret"]) })),
    ("IdentityProvider_ListSecrets", |call| Box::pin(async { keys::list(call, &["clientSecret"]) })),
    ("Gateway_ListKeys", |call| Box::pin(async { gateways::list_keys(call) })),
    ("Gateway_RegenerateKey", |call| Box::pin(gateways::regenerate_key(call))),
    ("Gateway_ListInstances", |call| Box::pin(gateways::list_instances(call))),
    ("Gateway_GenerateToken", |call| Box::pin(async { gateways::generate_token(call) })),
    ("ApiManagementService_Get", |call| Box::pin(async { service_resource::get(call) })),
    ("ApiManagementService_CreateOrUpdate", |call| Box::pin(service_resource::write(call, false))),
    ("ApiManagementService_Update", |call| Box::pin(service_resource::write(call, true))),
    ("ApiManagementService_Delete", |call| Box::pin(service_resource::delete(call))),
    ("Region_ListByService", |call| Box::pin(async { service_resource::regions(call) })),
    ("PerformConnectivityCheckAsync", |call| Box::pin(connectivity::check(call))),
    ("TenantSettings_ListByService", |call| Box::pin(async { portal::tenant_list(call) })),
    ("TenantSettings_Get", |call| Box::pin(async { portal::tenant_get(call) })),
    ("ProductSubscriptions_List", |call| Box::pin(async { subscriptions::of_product(call) })),
    ("User_GenerateSsoUrl", |call| Box::pin(async { users::sso_url(call) })),
    ("User_GetSharedAccessToken", |call| Box::pin(async { users::token(call) })),
    ("UserGroup_List", |call| Box::pin(async { users::groups(call) })),
    ("UserSubscription_List", |call| Box::pin(async { users::subscriptions(call) })),
    ("UserSubscription_Get", |call| Box::pin(async { users::subscription(call) })),
    ("UserIdentities_List", |call| Box::pin(async { users::identities(call) })),
    ("UserConfirmationPassword_Send", |call| Box::pin(async { users::confirmation(call) })),
    ("NamedValue_RefreshSecret", |call| Box::pin(keys::refresh(call))),
    ("Certificate_RefreshSecret", |call| Box::pin(keys::refresh(call))),
    ("Backend_Reconnect", |call| Box::pin(async { keys::reconnect(call) })),
    ("Gateway_InvalidateDebugCredentials", |call| Box::pin(debug::call_in(call))),
    ("Gateway_ListDebugCredentials", |call| Box::pin(debug::credentials(call))),
    ("Gateway_ListTrace", |call| Box::pin(debug::trace(call))),
    ("SignInSettings_GetEntityTag", |call| Box::pin(async { portal::head(call) })),
    ("SignInSettings_Get", |call| Box::pin(async { portal::get(call) })),
    ("SignInSettings_Update", |call| Box::pin(portal::write(call, true))),
    ("SignInSettings_CreateOrUpdate", |call| Box::pin(portal::write(call, false))),
    ("SignUpSettings_GetEntityTag", |call| Box::pin(async { portal::head(call) })),
    ("SignUpSettings_Get", |call| Box::pin(async { portal::get(call) })),
    ("SignUpSettings_Update", |call| Box::pin(portal::write(call, true))),
    ("SignUpSettings_CreateOrUpdate", |call| Box::pin(portal::write(call, false))),
    ("DelegationSettings_GetEntityTag", |call| Box::pin(async { portal::head(call) })),
    ("DelegationSettings_Get", |call| Box::pin(async { portal::get(call) })),
    ("DelegationSettings_Update", |call| Box::pin(portal::write(call, true))),
    ("DelegationSettings_CreateOrUpdate", |call| Box::pin(portal::write(call, false))),
    ("DelegationSettings_ListSecrets", |call| Box::pin(async { portal::secrets(call) })),
    ("PortalSettings_ListByService", |call| Box::pin(async { portal::all(call) })),
    ("Reports_ListByApi", |call| Box::pin(reports::records(call))),
    ("Reports_ListByUser", |call| Box::pin(reports::records(call))),
    ("Reports_ListByOperation", |call| Box::pin(reports::records(call))),
    ("Reports_ListByProduct", |call| Box::pin(reports::records(call))),
    ("Reports_ListByGeo", |call| Box::pin(reports::records(call))),
    ("Reports_ListBySubscription", |call| Box::pin(reports::records(call))),
    ("Reports_ListByTime", |call| Box::pin(reports::records(call))),
    ("Reports_ListByRequest", |call| Box::pin(reports::requests(call))),
    ("QuotaByCounterKeys_ListByService", |call| Box::pin(quotas::list(call))),
    ("QuotaByCounterKeys_Update", |call| Box::pin(quotas::set_all(call))),
    ("QuotaByPeriodKeys_Get", |call| Box::pin(quotas::get(call))),
    ("QuotaByPeriodKeys_Update", |call| Box::pin(quotas::set(call))),
    ("ApiExport_Get", |call| Box::pin(async { export::link(call) })),
    ("Api_ListByTags", |call| Box::pin(async { by_tags::apis(call) })),
    ("ApiRevision_ListByService", |call| Box::pin(async { apis::revisions(call) })),
    ("ApiProduct_ListByApis", |call| Box::pin(async { apis::products(call) })),
    ("Operation_ListByTags", |call| Box::pin(async { by_tags::operations(call) })),
    ("Product_ListByTags", |call| Box::pin(async { by_tags::products(call) })),
    ("TagResource_ListByService", |call| Box::pin(async { by_tags::resources(call) })),
    ("PolicyDescription_ListByService", |call| Box::pin(async { policies::descriptions(call) })),
    ("AllPolicies_ListByService", |call| Box::pin(async { policies::all(call) })),
    ("PolicyFragment_ListReferences", |call| Box::pin(async { policies::references(call) })),
    ("TagApiLink_ListByProduct", |call| Box::pin(async { links::list(call, &links::TAG_APIS) })),
    ("TagApiLink_Get", |call| Box::pin(async { links::get(call, &links::TAG_APIS) })),
    ("TagApiLink_CreateOrUpdate", |call| Box::pin(links::put(call, &links::TAG_APIS))),
    ("TagApiLink_Delete", |call| Box::pin(links::delete(call, &links::TAG_APIS))),
    ("TagOperationLink_ListByProduct", |call| Box::pin(async { links::list(call, &links::TAG_OPERATIONS) })),
    ("TagOperationLink_Get", |call| Box::pin(async { links::get(call, &links::TAG_OPERATIONS) })),
    ("TagOperationLink_CreateOrUpdate", |call| Box::pin(links::put(call, &links::TAG_OPERATIONS))),
    ("TagOperationLink_Delete", |call| Box::pin(links::delete(call, &links::TAG_OPERATIONS))),
    ("TagProductLink_ListByProduct", |call| Box::pin(async { links::list(call, &links::TAG_PRODUCTS) })),
    ("TagProductLink_Get", |call| Box::pin(async { links::get(call, &links::TAG_PRODUCTS) })),
    ("TagProductLink_CreateOrUpdate", |call| Box::pin(links::put(call, &links::TAG_PRODUCTS))),
    ("TagProductLink_Delete", |call| Box::pin(links::delete(call, &links::TAG_PRODUCTS))),
    ("ProductApiLink_ListByProduct", |call| Box::pin(async { links::list(call, &links::PRODUCT_APIS) })),
    ("ProductApiLink_Get", |call| Box::pin(async { links::get(call, &links::PRODUCT_APIS) })),
    ("ProductApiLink_CreateOrUpdate", |call| Box::pin(links::put(call, &links::PRODUCT_APIS))),
    ("ProductApiLink_Delete", |call| Box::pin(links::delete(call, &links::PRODUCT_APIS))),
    ("ProductGroupLink_ListByProduct", |call| Box::pin(async { links::list(call, &links::PRODUCT_GROUPS) })),
    ("ProductGroupLink_Get", |call| Box::pin(async { links::get(call, &links::PRODUCT_GROUPS) })),
    ("ProductGroupLink_CreateOrUpdate", |call| Box::pin(links::put(call, &links::PRODUCT_GROUPS))),
    ("ProductGroupLink_Delete", |call| Box::pin(links::delete(call, &links::PRODUCT_GROUPS))),
];

/// Operations that change nothing and give away what opens something: they stand in the audit log as well.
const REVEALING: &[&str] = &[
    "AuthorizationServer_ListSecrets",
    "DelegationSettings_ListSecrets",
    "Gateway_GenerateToken",
    "Gateway_ListKeys",
    "IdentityProvider_ListSecrets",
    "NamedValue_ListValue",
    "OpenIdConnectProvider_ListSecrets",
    "Subscription_ListSecrets",
    "User_GenerateSsoUrl",
    "User_GetSharedAccessToken",
];

/// Whether an operation gives a secret away.
pub fn reveals(operation: &str) -> bool {
    REVEALING.contains(&operation)
}

/// The action of an operation that has one.
pub fn find(operation: &str) -> Option<Action> {
    ACTIONS.iter().find(|(id, _)| *id == operation).map(|(_, action)| *action)
}
