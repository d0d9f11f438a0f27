//! Resource ids of the management API: short (`/apis/orders`) and full
//! (`/subscriptions/…/service/apim1/apis/orders`), read into one enum.
//!
//! Source: management-api.md §2.1, §4.2.

use std::fmt;

use crate::id::{
    ApiId, BackendId, CacheId, CertificateId, FragmentId, GatewayId, GroupId, HostnameId, IdError,
    LogDiagnosticId, LoggerId, NamedValueId, OperationId, ProductId, ResolverId, SchemaId, SubscriptionId,
    TagId, UserId, VersionSetId,
};

/// Longest id read, in bytes.
pub const RESOURCE_ID_BYTES_MAX: usize = 4096;

/// Why a text is no resource id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceIdError {
    /// Longer than [`RESOURCE_ID_BYTES_MAX`].
    #[error("a resource id of {0} bytes is longer than {RESOURCE_ID_BYTES_MAX}")]
    Long(usize),
    /// The path does not name a kind of resource that we know.
    #[error("{0:?} is not the id of a known kind of resource")]
    Kind(String),
    /// A name in the path cannot be one.
    #[error("{name:?} in the resource id is not a name")]
    Name {
        /// The name as written.
        name: String,
        /// What is wrong with it.
        source: IdError,
    },
}

macro_rules! resource_ids {
    ($($(#[$meta:meta])* $variant:ident($id:ident) = $segment:literal, $kind:literal;)+) => {
        /// What a resource id points to. `Display` writes the short form.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResourceId {
            /// The service itself.
            Service,
            /// All APIs: the subscription scope `/apis`.
            AllApis,
            /// An operation of an API.
            Operation(ApiId, OperationId),
            /// A schema of an API.
            ApiSchema(ApiId, SchemaId),
            /// A resolver of a GraphQL API.
            Resolver(ApiId, ResolverId),
            /// A diagnostic of an API.
            ApiLogDiagnostic(ApiId, LogDiagnosticId),
            /// An API in a product.
            ProductApi(ProductId, ApiId),
            /// A group in a product.
            ProductGroup(ProductId, GroupId),
            /// A user in a group.
            GroupUser(GroupId, UserId),
            /// An API on a gateway.
            GatewayApi(GatewayId, ApiId),
            /// A host name of a gateway.
            GatewayHostname(GatewayId, HostnameId),
            $($(#[$meta])* $variant($id),)+
        }

        impl ResourceId {
            /// The kind in words, for messages.
            pub fn kind(&self) -> &'static str {
                match self {
                    Self::Service => "service",
                    Self::AllApis => "all APIs",
                    Self::Operation(..) => "operation",
                    Self::ApiSchema(..) => "API schema",
                    Self::Resolver(..) => "resolver",
                    Self::ApiLogDiagnostic(..) => "API diagnostic",
                    Self::ProductApi(..) => "product API",
                    Self::ProductGroup(..) => "product group",
                    Self::GroupUser(..) => "user of a group",
                    Self::GatewayApi(..) => "gateway API",
                    Self::GatewayHostname(..) => "gateway host name",
                    $(Self::$variant(_) => $kind,)+
                }
            }

            fn from_pair(kind: &str, name: &str) -> Result<Option<Self>, IdError> {
                $(if kind.eq_ignore_ascii_case($segment) {
                    return Ok(Some(Self::$variant($id::parse(name)?)));
                })+
                Ok(None)
            }
        }

        impl fmt::Display for ResourceId {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Service => f.write_str("/"),
                    Self::AllApis => f.write_str("/apis"),
                    Self::Operation(api, name) => write!(f, "/apis/{api}/operations/{name}"),
                    Self::ApiSchema(api, name) => write!(f, "/apis/{api}/schemas/{name}"),
                    Self::Resolver(api, name) => write!(f, "/apis/{api}/resolvers/{name}"),
                    Self::ApiLogDiagnostic(api, name) => write!(f, "/apis/{api}/diagnostics/{name}"),
                    Self::ProductApi(product, api) => write!(f, "/products/{product}/apis/{api}"),
                    Self::ProductGroup(product, group) => write!(f, "/products/{product}/groups/{group}"),
                    Self::GroupUser(group, user) => write!(f, "/groups/{group}/users/{user}"),
                    Self::GatewayApi(gateway, api) => write!(f, "/gateways/{gateway}/apis/{api}"),
                    Self::GatewayHostname(gateway, name) => {
                        write!(f, "/gateways/{gateway}/hostnameConfigurations/{name}")
                    }
                    $(Self::$variant(name) => write!(f, concat!("/", $segment, "/{}"), name),)+
                }
            }
        }
    };
}

resource_ids! {
    /// An API revision.
    Api(ApiId) = "apis", "API";
    /// A product.
    Product(ProductId) = "products", "product";
    /// A subscription.
    Subscription(SubscriptionId) = "subscriptions", "subscription";
    /// A user.
    User(UserId) = "users", "user";
    /// A group.
    Group(GroupId) = "groups", "group";
    /// A named value.
    NamedValue(NamedValueId) = "namedValues", "named value";
    /// A policy fragment.
    Fragment(FragmentId) = "policyFragments", "policy fragment";
    /// A backend.
    Backend(BackendId) = "backends", "backend";
    /// An API version set.
    VersionSet(VersionSetId) = "apiVersionSets", "API version set";
    /// A self-hosted gateway.
    Gateway(GatewayId) = "gateways", "gateway";
    /// A certificate.
    Certificate(CertificateId) = "certificates", "certificate";
    /// A logger.
    Logger(LoggerId) = "loggers", "logger";
    /// A diagnostic.
    LogDiagnostic(LogDiagnosticId) = "diagnostics", "diagnostic";
    /// A global schema.
    Schema(SchemaId) = "schemas", "schema";
    /// A tag.
    Tag(TagId) = "tags", "tag";
    /// An external cache.
    Cache(CacheId) = "caches", "cache";
}

impl ResourceId {
    /// Reads a short or full id. The host of a full address is ignored; a missing leading slash is allowed.
    ///
    /// `/` is the service, `/apis` all APIs. Inside a service, `…/workspaces/w/…` is no known kind.
    pub fn parse(text: &str) -> Result<Self, ResourceIdError> {
        if text.len() > RESOURCE_ID_BYTES_MAX {
            return Err(ResourceIdError::Long(text.len()));
        }
        let unknown = || ResourceIdError::Kind(text.to_owned());
        let segments: Vec<&str> = inside_service(text).split('/').filter(|s| !s.is_empty()).collect();
        let named = |name: &str, result: Result<Option<Self>, IdError>| match result {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(unknown()),
            Err(source) => Err(ResourceIdError::Name { name: name.to_owned(), source }),
        };
        match segments.as_slice() {
            [] => Ok(Self::Service),
            [kind] if kind.eq_ignore_ascii_case("apis") => Ok(Self::AllApis),
            [kind, name] => named(name, Self::from_pair(kind, name)),
            [kind, name, inner_kind, inner] => {
                let outer = named(name, Self::from_pair(kind, name))?;
                named(inner, Self::inside(&outer, inner_kind, inner))
            }
            _ => Err(unknown()),
        }
    }

    fn inside(outer: &Self, kind: &str, name: &str) -> Result<Option<Self>, IdError> {
        let is = |segment: &str| kind.eq_ignore_ascii_case(segment);
        Ok(match outer {
            Self::Api(api) if is("operations") => {
                Some(Self::Operation(api.clone(), OperationId::parse(name)?))
            }
            Self::Api(api) if is("schemas") => Some(Self::ApiSchema(api.clone(), SchemaId::parse(name)?)),
            Self::Api(api) if is("resolvers") => Some(Self::Resolver(api.clone(), ResolverId::parse(name)?)),
            Self::Api(api) if is("diagnostics") => {
                Some(Self::ApiLogDiagnostic(api.clone(), LogDiagnosticId::parse(name)?))
            }
            Self::Product(product) if is("apis") => {
                Some(Self::ProductApi(product.clone(), ApiId::parse(name)?))
            }
            Self::Product(product) if is("groups") => {
                Some(Self::ProductGroup(product.clone(), GroupId::parse(name)?))
            }
            Self::Group(group) if is("users") => Some(Self::GroupUser(group.clone(), UserId::parse(name)?)),
            Self::Gateway(gateway) if is("apis") => {
                Some(Self::GatewayApi(gateway.clone(), ApiId::parse(name)?))
            }
            Self::Gateway(gateway) if is("hostnameConfigurations") => {
                Some(Self::GatewayHostname(gateway.clone(), HostnameId::parse(name)?))
            }
            _ => None,
        })
    }
}

/// Cuts everything up to and including `/service/<name>` from a full id.
fn inside_service(text: &str) -> &str {
    const PROVIDER: &str = "/providers/microsoft.apimanagement/service/";
    let Some(at) = text.to_ascii_lowercase().find(PROVIDER) else {
        return text;
    };
    let rest = text.get(at + PROVIDER.len()..).unwrap_or_default();
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_id_reads_short_and_full_forms() {
        const FULL: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1/providers/\
                            Microsoft.ApiManagement/service/apim1";
        for (text, short) in [
            ("/apis/orders".to_owned(), "/apis/orders"),
            ("apis/orders".to_owned(), "/apis/orders"),
            ("/APIS/orders;rev=2".to_owned(), "/apis/orders;rev=2"),
            (format!("{FULL}/products/gold"), "/products/gold"),
            (format!("https://management.azure.com{FULL}/apiVersionSets/v"), "/apiVersionSets/v"),
            (FULL.to_owned(), "/"),
            ("/apis".to_owned(), "/apis"),
            (format!("{FULL}/apis"), "/apis"),
            ("/".to_owned(), "/"),
            ("/apis/a/operations/b".to_owned(), "/apis/a/operations/b"),
            ("/apis/a/resolvers/b".to_owned(), "/apis/a/resolvers/b"),
            ("/gateways/g/apis/b".to_owned(), "/gateways/g/apis/b"),
            ("/subscriptions/master".to_owned(), "/subscriptions/master"),
        ] {
            let id = ResourceId::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(id.to_string(), short, "{text}");
            assert_eq!(ResourceId::parse(&id.to_string()), Ok(id));
        }
    }

    #[test]
    fn resource_id_refuses_unknown_kinds_and_bad_names() {
        for text in ["/nothing/x", "/apis/a/b", "/apis/../operations/x", "/products/a?b", "/apis/a/tags/x"] {
            assert!(ResourceId::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn resource_id_parse_never_panics(text in ".{0,200}") {
            let _ = ResourceId::parse(&text);
        }
    }
}
