//! Small resources: named values, fragments, tags, certificates, external caches.

use super::{Deserialize, Extra, Serialize, is_default, resource};
use crate::arm_id::ResourceId;
use crate::id::{CacheId, CertificateId, FragmentId, NamedValueId, TagId};
use crate::origin::Origin;
use crate::secret::Secret;

/// A named value; policies write `{{display-name}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamedValue {
    /// Name of the resource.
    #[serde(skip)]
    pub id: NamedValueId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Name used in policies: letters, digits, `.`, `-`, `_`; at most 256.
    pub display_name: String,
    /// Whether traces must hide it; default no.
    #[serde(skip_serializing_if = "is_default")]
    pub secret: bool,
    /// Value, at most 4,096 characters; absent: no source has given one.
    #[serde(skip_serializing)]
    pub value: Option<Secret>,
    /// Where the value is kept instead.
    #[serde(skip_serializing_if = "is_default")]
    pub key_vault: Option<KeyVault>,
    /// Labels.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A secret kept in a key vault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyVault {
    /// Address of the secret.
    pub secret_identifier: String,
    /// Client id of the identity that may read it.
    #[serde(skip_serializing_if = "is_default")]
    pub identity_client_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A policy fragment; its text is the [`crate::PolicyDocument`] of its scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyFragment {
    /// Name.
    #[serde(skip)]
    pub id: FragmentId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tag {
    /// Name.
    #[serde(skip)]
    pub id: TagId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title.
    pub display_name: String,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A tag on a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct TagLink {
    /// The tag.
    pub tag: TagId,
    /// What it is on: an API, an operation or a product.
    pub target: ResourceId,
    /// Where it was written.
    pub origin: Origin,
}

/// A certificate of the gateway. Reads either the contract of GET or the one of PUT.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Certificate {
    /// Name.
    #[serde(skip)]
    pub id: CertificateId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Subject.
    #[serde(skip_serializing_if = "is_default")]
    pub subject: Option<String>,
    /// SHA-1 in upper-case hex.
    #[serde(skip_serializing_if = "is_default")]
    pub thumbprint: Option<String>,
    /// End of validity, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub expiration_date: Option<String>,
    /// PFX in base64, with its private key.
    #[serde(skip_serializing)]
    pub data: Option<Secret>,
    /// Password of the PFX.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
    /// Where it is kept instead.
    #[serde(skip_serializing_if = "is_default")]
    pub key_vault: Option<KeyVault>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An external cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cache {
    /// Name.
    #[serde(skip)]
    pub id: CacheId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Address and password.
    #[serde(skip_serializing)]
    pub connection_string: Option<Secret>,
    /// Location that uses it, `default` for all.
    #[serde(skip_serializing_if = "is_default")]
    pub use_from_location: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

resource!(
    NamedValue,
    named_values,
    NamedValueId,
    |this| this.id.clone(),
    ResourceId::NamedValue(this.id.clone())
);
resource!(
    PolicyFragment,
    fragments,
    FragmentId,
    |this| this.id.clone(),
    ResourceId::Fragment(this.id.clone())
);
resource!(Tag, tags, TagId, |this| this.id.clone(), ResourceId::Tag(this.id.clone()));
resource!(
    TagLink,
    tag_links,
    (TagId, ResourceId),
    |this| (this.tag.clone(), this.target.clone()),
    ResourceId::Tag(this.tag.clone())
);
resource!(
    Certificate,
    certificates,
    CertificateId,
    |this| this.id.clone(),
    ResourceId::Certificate(this.id.clone())
);
resource!(Cache, caches, CacheId, |this| this.id.clone(), ResourceId::Cache(this.id.clone()));
