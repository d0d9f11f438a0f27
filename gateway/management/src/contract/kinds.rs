// tidy: table
//! Every kind of resource (management-api.md §1.3–§1.11, §1.13).

use super::kind::Kind;
use super::shape::Shape;
use super::shapes as of;
use crate::service::rules::{
    Plain, Rules,
    api::Api,
    association::Association,
    backend::Backend,
    cache::Cache,
    certificate::Certificate,
    diagnostic::Diagnostic,
    fragment::Fragment,
    gateway::Gateway,
    group::Group,
    hostname::{Authority, Hostname},
    logger::Logger,
    named_value::NamedValue,
    operation::Operation,
    policy::Policy,
    product::Product,
    release::Release,
    resolver::Resolver,
    schema::{ApiSchema, GlobalSchema},
    sign_in::{IdentityProvider, SignIn},
    subscription::Subscription,
    tag::{Tag, TagLink},
    tag_description::TagDescription,
    user::User,
    version_set::VersionSet,
};

const NONE: &[&str] = &[];

const fn kind(
    collection: &'static str,
    entity: &'static str,
    put: &'static Shape,
    patch: &'static Shape,
    rules: &'static dyn Rules,
) -> Kind {
    Kind { collection, entity, put, patch, secrets: NONE, ids: NONE, rules }
}

/// A kind with members that are secret or hold ids.
const fn with(kind: Kind, secrets: &'static [&'static str], ids: &'static [&'static str]) -> Kind {
    Kind { secrets, ids, ..kind }
}

/// A link between two resources, without properties of its own.
static LINK: Shape = Shape { name: "AssociationContract", fields: &[] };

/// Kinds, parents before children.
pub static KINDS: &[Kind] = &[
    with(
        kind("apis", "Api", &of::API_CREATE_OR_UPDATE_PARAMETER, &of::API_UPDATE_CONTRACT, &Api),
        NONE,
        &["apiVersionSetId", "sourceApiId"],
    ),
    kind("apis/{}/operations", "Operation", &of::OPERATION_CONTRACT, &of::OPERATION_CONTRACT, &Operation),
    kind("apis/{}/operations/{}/policies", "Policy", &of::POLICY_CONTRACT, &of::POLICY_CONTRACT, &Policy),
    kind("apis/{}/operations/{}/tags", "Tag", &LINK, &LINK, &TagLink),
    kind("apis/{}/policies", "Policy", &of::POLICY_CONTRACT, &of::POLICY_CONTRACT, &Policy),
    with(
        kind("apis/{}/releases", "Release", &of::API_RELEASE_CONTRACT, &of::API_RELEASE_CONTRACT, &Release),
        NONE,
        &["apiId"],
    ),
    kind("apis/{}/schemas", "Schema", &of::SCHEMA_CONTRACT, &of::SCHEMA_CONTRACT, &ApiSchema),
    kind("apis/{}/resolvers", "Resolver", &of::RESOLVER_CONTRACT, &of::RESOLVER_CONTRACT, &Resolver),
    kind("apis/{}/resolvers/{}/policies", "Policy", &of::POLICY_CONTRACT, &of::POLICY_CONTRACT, &Policy),
    with(
        kind(
            "apis/{}/diagnostics",
            "Diagnostic",
            &of::DIAGNOSTIC_CONTRACT,
            &of::DIAGNOSTIC_CONTRACT,
            &Diagnostic,
        ),
        NONE,
        &["loggerId"],
    ),
    kind("apis/{}/tags", "Tag", &LINK, &LINK, &TagLink),
    kind(
        "apis/{}/tagDescriptions",
        "TagDescription",
        &of::TAG_DESCRIPTION_CONTRACT,
        &of::TAG_DESCRIPTION_CONTRACT,
        &TagDescription,
    ),
    kind("apis/{}/wikis", "Wiki", &of::WIKI_CONTRACT, &of::WIKI_CONTRACT, &Plain),
    kind(
        "apiVersionSets",
        "ApiVersionSet",
        &of::API_VERSION_SET_CONTRACT,
        &of::API_VERSION_SET_CONTRACT,
        &VersionSet,
    ),
    kind("schemas", "Schema", &of::GLOBAL_SCHEMA_CONTRACT, &of::GLOBAL_SCHEMA_CONTRACT, &GlobalSchema),
    kind("policies", "Policy", &of::POLICY_CONTRACT, &of::POLICY_CONTRACT, &Policy),
    kind(
        "policyFragments",
        "PolicyFragment",
        &of::POLICY_FRAGMENT_CONTRACT,
        &of::POLICY_FRAGMENT_CONTRACT,
        &Fragment,
    ),
    kind("products", "Product", &of::PRODUCT_CONTRACT, &of::PRODUCT_CONTRACT, &Product),
    kind("products/{}/apis", "Api", &LINK, &LINK, &Association),
    kind("products/{}/groups", "Group", &LINK, &LINK, &Association),
    kind("products/{}/policies", "Policy", &of::POLICY_CONTRACT, &of::POLICY_CONTRACT, &Policy),
    kind("products/{}/tags", "Tag", &LINK, &LINK, &TagLink),
    kind("products/{}/wikis", "Wiki", &of::WIKI_CONTRACT, &of::WIKI_CONTRACT, &Plain),
    with(
        kind(
            "subscriptions",
            "Subscription",
            &of::SUBSCRIPTION_CREATE_PARAMETERS,
            &of::SUBSCRIPTION_UPDATE_PARAMETERS,
            &Subscription,
        ),
        &["primaryKey", "secondaryKey"],
        &["ownerId", "scope"],
    ),
    with(
        kind("users", "User", &of::USER_CREATE_PARAMETERS, &of::USER_CREATE_PARAMETERS, &User),
        &["password"],
        NONE,
    ),
    kind("groups", "Group", &of::GROUP_CREATE_PARAMETERS, &of::GROUP_CREATE_PARAMETERS, &Group),
    kind("groups/{}/users", "User", &LINK, &LINK, &Association),
    kind("tags", "Tag", &of::TAG_CONTRACT, &of::TAG_CONTRACT, &Tag),
    with(
        kind(
            "namedValues",
            "NamedValue",
            &of::NAMED_VALUE_CREATE_CONTRACT,
            &of::NAMED_VALUE_CREATE_CONTRACT,
            &NamedValue,
        ),
        NONE,
        NONE,
    ),
    kind("backends", "Backend", &of::BACKEND_CONTRACT, &of::BACKEND_CONTRACT, &Backend),
    with(
        kind(
            "certificates",
            "Certificate",
            &of::CERTIFICATE_CREATE_OR_UPDATE_PARAMETERS,
            &of::CERTIFICATE_CREATE_OR_UPDATE_PARAMETERS,
            &Certificate,
        ),
        &["data", "password"],
        NONE,
    ),
    kind("caches", "Cache", &of::CACHE_CONTRACT, &of::CACHE_CONTRACT, &Cache),
    kind("loggers", "Logger", &of::LOGGER_CONTRACT, &of::LOGGER_CONTRACT, &Logger),
    with(
        kind("diagnostics", "Diagnostic", &of::DIAGNOSTIC_CONTRACT, &of::DIAGNOSTIC_CONTRACT, &Diagnostic),
        NONE,
        &["loggerId"],
    ),
    with(
        kind("gateways", "Gateway", &of::GATEWAY_CONTRACT, &of::GATEWAY_CONTRACT, &Gateway),
        &["primaryKey", "secondaryKey", "debugCredentialsCalledIn"],
        NONE,
    ),
    kind("gateways/{}/apis", "Api", &LINK, &LINK, &Association),
    with(
        kind(
            "gateways/{}/hostnameConfigurations",
            "GatewayHostnameConfiguration",
            &of::GATEWAY_HOSTNAME_CONFIGURATION_CONTRACT,
            &of::GATEWAY_HOSTNAME_CONFIGURATION_CONTRACT,
            &Hostname,
        ),
        NONE,
        &["certificateId"],
    ),
    kind(
        "gateways/{}/certificateAuthorities",
        "GatewayCertificateAuthority",
        &of::GATEWAY_CERTIFICATE_AUTHORITY_CONTRACT,
        &of::GATEWAY_CERTIFICATE_AUTHORITY_CONTRACT,
        &Authority,
    ),
    with(
        kind(
            "authorizationServers",
            "AuthorizationServer",
            &of::AUTHORIZATION_SERVER_CONTRACT,
            &of::AUTHORIZATION_SERVER_CONTRACT,
            &SignIn,
        ),
        &["clientSecret", "resourceOwnerUsername", "resourceOwnerPassword"],
        NONE,
    ),
    with(
        kind(
            "openidConnectProviders",
            "OpenIdConnectProvider",
            &of::OPENID_CONNECT_PROVIDER_CONTRACT,
            &of::OPENID_CONNECT_PROVIDER_CONTRACT,
            &SignIn,
        ),
        &["clientSecret"],
        NONE,
    ),
    with(
        kind(
            "identityProviders",
            "IdentityProvider",
            &of::IDENTITY_PROVIDER_CONTRACT,
            &of::IDENTITY_PROVIDER_CONTRACT,
            &IdentityProvider,
        ),
        &["clientSecret"],
        NONE,
    ),
];

/// A setting of the portal: not a kind, since it is always there and never deleted.
#[derive(Debug)]
pub struct PortalSetting {
    pub name: &'static str,
    pub shape: &'static Shape,
}

/// `portalsettings/…`.
pub const PORTAL_SETTINGS: &[PortalSetting] = &[
    PortalSetting { name: "signin", shape: &of::PORTAL_SIGNIN_SETTINGS },
    PortalSetting { name: "signup", shape: &of::PORTAL_SIGNUP_SETTINGS },
    PortalSetting { name: "delegation", shape: &of::PORTAL_DELEGATION_SETTINGS },
];
