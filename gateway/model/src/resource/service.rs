//! Settings of the whole service.

use super::{Deserialize, Extra, Serialize, is_default};
use crate::secret::Secret;

/// The service. A folder has no file for it: there it is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// Name; `context.Deployment.ServiceName`.
    #[serde(skip)]
    pub name: String,
    /// Location; `context.Deployment.Region`.
    #[serde(skip)]
    pub location: String,
    /// E-mail address of the publisher.
    #[serde(skip_serializing_if = "is_default")]
    pub publisher_email: String,
    /// Name of the publisher.
    #[serde(skip_serializing_if = "is_default")]
    pub publisher_name: String,
    /// Address of the gateway.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_url: Option<String>,
    /// Host names with their certificates.
    #[serde(skip_serializing_if = "is_default")]
    pub hostname_configurations: Vec<HostnameConfiguration>,
    /// Whether clients are asked for a certificate; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub enable_client_certificate: bool,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A host name of the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostnameConfiguration {
    /// What it is for: Proxy, Portal, Management, Scm, `DeveloperPortal`, `ConfigurationApi`.
    #[serde(rename = "type")]
    pub hostname_type: String,
    /// Host name.
    pub host_name: String,
    /// Whether it answers clients that send no server name; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub default_ssl_binding: bool,
    /// Whether clients are asked for a certificate; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub negotiate_client_certificate: bool,
    /// PFX in base64, with its private key.
    #[serde(skip_serializing)]
    pub encoded_certificate: Option<Secret>,
    /// Password of the PFX.
    #[serde(skip_serializing)]
    pub certificate_password: Option<Secret>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}
