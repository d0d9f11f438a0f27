//! Backends: single ones with credentials and circuit breaker, and pools of them.

use indexmap::IndexMap;

use super::{Deserialize, Extra, IsoDuration, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::BackendId;
use crate::origin::Origin;
use crate::secret::Secret;

text_enum! {
    /// Kind of a backend.
    #[derive(Default)]
    BackendType {
        #[default]
        Single = "Single",
        Pool = "Pool",
    }
}

text_enum! {
    /// What a backend speaks.
    #[derive(Default)]
    BackendProtocol {
        #[default]
        Http = "http",
        Soap = "soap",
    }
}

/// A backend. Source: policies.md §7.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backend {
    /// Name.
    #[serde(skip)]
    pub id: BackendId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title.
    #[serde(skip_serializing_if = "is_default")]
    pub title: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Kind.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub backend_type: BackendType,
    /// Base URL; empty for a pool.
    #[serde(skip_serializing_if = "is_default")]
    pub url: String,
    /// What it speaks.
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: BackendProtocol,
    /// Id of the resource behind it.
    #[serde(skip_serializing_if = "is_default")]
    pub resource_id: Option<String>,
    /// What requests to it carry.
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: Option<BackendCredentials>,
    /// How its certificate is checked.
    #[serde(skip_serializing_if = "is_default")]
    pub tls: Option<BackendTls>,
    /// Proxy on the way to it.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy: Option<BackendProxy>,
    /// When it is left alone.
    #[serde(skip_serializing_if = "is_default")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Members of a pool.
    #[serde(skip_serializing_if = "is_default")]
    pub pool: Option<BackendPool>,
    /// Service Fabric.
    #[serde(skip_serializing_if = "is_default")]
    pub properties: Option<BackendProperties>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Backend {
    /// Whether it is a pool.
    pub fn is_pool(&self) -> bool {
        self.backend_type == BackendType::Pool
    }
}

/// What requests to a backend carry. Values may hold references to named values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendCredentials {
    /// Resource ids of client certificates; win over `certificate`.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate_ids: Vec<String>,
    /// Thumbprints of client certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate: Vec<String>,
    /// Query parameters.
    #[serde(skip_serializing)]
    pub query: IndexMap<String, Vec<Secret>>,
    /// Headers.
    #[serde(skip_serializing)]
    pub header: IndexMap<String, Vec<Secret>>,
    /// `Authorization` header.
    #[serde(skip_serializing_if = "is_default")]
    pub authorization: Option<BackendAuthorization>,
    /// Token of the gateway's own identity.
    #[serde(skip_serializing_if = "is_default")]
    pub managed_identity: Option<BackendManagedIdentity>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A token of the gateway's own identity, sent to a backend as `Authorization: Bearer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendManagedIdentity {
    /// What the token is for, such as `https://cognitiveservices.azure.com`.
    pub resource: String,
    /// A user-assigned identity; absent: the gateway's.
    #[serde(skip_serializing_if = "is_default")]
    pub client_id: Option<String>,
}

/// `Authorization` header for a backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendAuthorization {
    /// Scheme, such as `Basic`.
    pub scheme: String,
    /// What follows the scheme.
    #[serde(skip_serializing)]
    pub parameter: Secret,
}

/// How the certificate of a backend is checked; both default yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendTls {
    /// Whether the chain must lead to a trusted root.
    pub validate_certificate_chain: bool,
    /// Whether the name must match.
    pub validate_certificate_name: bool,
}

impl Default for BackendTls {
    fn default() -> Self {
        Self { validate_certificate_chain: true, validate_certificate_name: true }
    }
}

/// Proxy on the way to a backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendProxy {
    /// Address.
    pub url: String,
    /// User name.
    #[serde(skip_serializing_if = "is_default")]
    pub username: Option<String>,
    /// Password.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
}

/// When a backend is left alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CircuitBreaker {
    /// Rules; Azure's service accepts one.
    pub rules: Vec<CircuitBreakerRule>,
}

/// A rule of a circuit breaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CircuitBreakerRule {
    /// Name.
    pub name: String,
    /// What trips it.
    pub failure_condition: FailureCondition,
    /// How long the backend is left alone.
    pub trip_duration: IsoDuration,
    /// Whether `Retry-After` of the answer sets the time instead; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub accept_retry_after: bool,
}

/// What trips a circuit breaker: `count` or `percentage` of failures inside `interval`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FailureCondition {
    /// Failures.
    #[serde(skip_serializing_if = "is_default")]
    pub count: Option<u64>,
    /// Percentage of failures.
    #[serde(skip_serializing_if = "is_default")]
    pub percentage: Option<u64>,
    /// Time in which they are counted.
    pub interval: IsoDuration,
    /// Statuses that are failures.
    #[serde(skip_serializing_if = "is_default")]
    pub status_code_ranges: Vec<StatusCodeRange>,
    /// Reasons of `context.LastError` that are failures.
    #[serde(skip_serializing_if = "is_default")]
    pub error_reasons: Vec<String>,
}

/// Statuses from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusCodeRange {
    /// First, 200–599.
    pub min: u16,
    /// Last, 200–599.
    pub max: u16,
}

/// Members of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendPool {
    /// At most 30 single backends.
    pub services: Vec<PoolMember>,
    /// Everything else, such as session affinity.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A member of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolMember {
    /// Resource id of the backend.
    pub id: String,
    /// Share, 0–100; absent: equal shares.
    #[serde(skip_serializing_if = "is_default")]
    pub weight: Option<u32>,
    /// Lowest first, 0–100; absent: one group.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: Option<u32>,
}

impl PoolMember {
    /// The backend; none when `id` is no backend id. A bare name is taken as well.
    pub fn backend(&self) -> Option<BackendId> {
        match ResourceId::parse(&self.id) {
            Ok(ResourceId::Backend(id)) => Some(id),
            _ => BackendId::parse(&self.id).ok(),
        }
    }
}

/// Settings below `properties` of a backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackendProperties {
    /// Service Fabric cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub service_fabric_cluster: Option<ServiceFabricCluster>,
}

/// A Service Fabric cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceFabricCluster {
    /// Addresses of the cluster's management.
    pub management_endpoints: Vec<String>,
    /// Resource id of the client certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub client_certificate_id: Option<String>,
    /// Thumbprint of the client certificate.
    #[serde(rename = "clientCertificatethumbprint", skip_serializing_if = "is_default")]
    pub client_certificate_thumbprint: Option<String>,
    /// Most attempts to find a partition.
    #[serde(skip_serializing_if = "is_default")]
    pub max_partition_resolution_retries: Option<u32>,
    /// Thumbprints of the cluster's certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub server_certificate_thumbprints: Vec<String>,
    /// Names in the cluster's certificates.
    #[serde(rename = "serverX509Names", skip_serializing_if = "is_default")]
    pub server_x509_names: Vec<X509Name>,
}

/// A name in a certificate, and who signed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct X509Name {
    /// Common name.
    pub name: String,
    /// Thumbprint of the issuer.
    pub issuer_certificate_thumbprint: String,
}

resource!(Backend, backends, BackendId, |this| this.id.clone(), ResourceId::Backend(this.id.clone()));
