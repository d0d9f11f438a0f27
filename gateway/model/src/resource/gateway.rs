//! Self-hosted gateway resources: which APIs and host names an instance serves.

use super::{Deserialize, Extra, Serialize, is_default, resource};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, GatewayId, HostnameId};
use crate::origin::Origin;

/// A self-hosted gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// Name.
    #[serde(skip)]
    pub id: GatewayId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "is_default")]
    pub location_data: Option<GatewayLocation>,
    /// How often its debug credentials were called in; those of before are worth nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub debug_credentials_called_in: u64,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where a gateway stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayLocation {
    /// Name of the place; `context.Deployment.Region`.
    pub name: String,
    /// City.
    #[serde(skip_serializing_if = "is_default")]
    pub city: Option<String>,
    /// District.
    #[serde(skip_serializing_if = "is_default")]
    pub district: Option<String>,
    /// Country or region.
    #[serde(skip_serializing_if = "is_default")]
    pub country_or_region: Option<String>,
}

/// An API on a gateway; holds for all revisions of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayApi {
    /// The gateway.
    pub gateway: GatewayId,
    /// The API, without revision.
    pub api: ApiId,
    /// Where it was written.
    pub origin: Origin,
}

/// A host name of a gateway. TLS 1.0 and 1.1 are never offered, whatever the document says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayHostname {
    /// The gateway.
    #[serde(skip)]
    pub gateway: GatewayId,
    /// Name of the configuration.
    #[serde(skip)]
    pub id: HostnameId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Host name; may begin with `*.`.
    pub hostname: String,
    /// Resource id of the certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate_id: Option<String>,
    /// Whether clients are asked for a certificate; default no.
    pub negotiate_client_certificate: bool,
    /// Whether HTTP/2 is offered; default yes.
    pub http2_enabled: bool,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for GatewayHostname {
    fn default() -> Self {
        Self {
            gateway: GatewayId::default(),
            id: HostnameId::default(),
            origin: Origin::default(),
            hostname: String::new(),
            certificate_id: None,
            negotiate_client_certificate: false,
            http2_enabled: true,
            extra: Extra::new(),
        }
    }
}

resource!(Gateway, gateways, GatewayId, |this| this.id.clone(), ResourceId::Gateway(this.id.clone()));
resource!(
    GatewayApi,
    gateway_apis,
    (GatewayId, ApiId),
    |this| (this.gateway.clone(), this.api.clone()),
    ResourceId::GatewayApi(this.gateway.clone(), this.api.clone())
);
resource!(
    GatewayHostname,
    gateway_hostnames,
    (GatewayId, HostnameId),
    |this| (this.gateway.clone(), this.id.clone()),
    ResourceId::GatewayHostname(this.gateway.clone(), this.id.clone())
);
