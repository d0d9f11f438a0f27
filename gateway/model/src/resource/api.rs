//! APIs: one resource a revision.

use super::{Deserialize, Extra, Serialize, is_default, is_true, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, VersionSetId};
use crate::origin::Origin;

text_enum! {
    /// Kind of an API.
    #[derive(Default)]
    ApiType {
        #[default]
        Http = "http",
        Soap = "soap",
        WebSocket = "websocket",
        GraphQl = "graphql",
        OData = "odata",
        Grpc = "grpc",
    }
}

text_enum! {
    /// Scheme on which an API is reachable.
    Protocol {
        Http = "http",
        Https = "https",
        Ws = "ws",
        Wss = "wss",
    }
}

/// An API revision. `x` is the current revision, `x;rev=2` another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Api {
    /// Name.
    #[serde(skip)]
    pub id: ApiId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title; `context.Api.Name`.
    #[serde(skip_serializing_if = "is_default")]
    pub display_name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Path below the host, without slashes at the ends; may be empty.
    pub path: String,
    /// Schemes; empty means `https` for HTTP APIs and `wss` for WebSocket APIs, see [`Api::protocols`].
    #[serde(rename = "protocols", skip_serializing_if = "is_default")]
    pub protocols_written: Vec<Protocol>,
    /// Base URL of the backend.
    #[serde(skip_serializing_if = "is_default")]
    pub service_url: Option<String>,
    /// Kind; default http.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub api_type: ApiType,
    /// Revision; default `1`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_revision: Option<String>,
    /// Text of the revision.
    #[serde(skip_serializing_if = "is_default")]
    pub api_revision_description: Option<String>,
    /// Whether this is the current revision; default: yes for a name without `;rev=`.
    #[serde(rename = "isCurrent", skip_serializing_if = "is_default")]
    pub is_current_written: Option<bool>,
    /// Whether the revision is reachable; default yes.
    #[serde(skip_serializing_if = "is_true")]
    pub is_online: bool,
    /// Version inside its version set; absent is the `Original` version.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: Option<String>,
    /// Text of the version.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version_description: Option<String>,
    /// Resource id of the version set.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version_set_id: Option<String>,
    /// Whether a call needs a subscription key; default yes.
    pub subscription_required: bool,
    /// Names of the header and the query parameter that carry the key.
    #[serde(skip_serializing_if = "is_default")]
    pub subscription_key_parameter_names: Option<SubscriptionKeyParameterNames>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            id: ApiId::default(),
            origin: Origin::default(),
            display_name: String::new(),
            description: None,
            path: String::new(),
            protocols_written: Vec::new(),
            service_url: None,
            api_type: ApiType::default(),
            api_revision: None,
            api_revision_description: None,
            is_current_written: None,
            is_online: true,
            api_version: None,
            api_version_description: None,
            api_version_set_id: None,
            subscription_required: true,
            subscription_key_parameter_names: None,
            extra: Extra::new(),
        }
    }
}

impl Api {
    /// The revision; `1` when none is written.
    pub fn revision(&self) -> &str {
        self.api_revision.as_deref().or_else(|| self.id.revision()).unwrap_or("1")
    }

    /// Whether requests without `;rev=` go to this revision.
    pub fn is_current(&self) -> bool {
        self.is_current_written.unwrap_or_else(|| self.id.revision().is_none())
    }

    /// The schemes, with the default applied.
    pub fn protocols(&self) -> &[Protocol] {
        match (&*self.protocols_written, &self.api_type) {
            ([], ApiType::WebSocket) => &[Protocol::Wss],
            ([], _) => &[Protocol::Https],
            (written, _) => written,
        }
    }

    /// The version set of [`Api::api_version_set_id`].
    pub fn version_set(&self) -> Option<VersionSetId> {
        match ResourceId::parse(self.api_version_set_id.as_deref()?) {
            Ok(ResourceId::VersionSet(id)) => Some(id),
            _ => None,
        }
    }

    /// The path without slashes at its ends.
    pub fn path_trimmed(&self) -> &str {
        self.path.trim_matches('/')
    }
}

/// Where a subscription key is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscriptionKeyParameterNames {
    /// Header; default `Ocp-Apim-Subscription-Key`.
    pub header: String,
    /// Query parameter; default `subscription-key`.
    pub query: String,
}

impl Default for SubscriptionKeyParameterNames {
    fn default() -> Self {
        Self { header: "Ocp-Apim-Subscription-Key".to_owned(), query: "subscription-key".to_owned() }
    }
}

resource!(Api, apis, ApiId, |this| this.id.clone(), ResourceId::Api(this.id.clone()));
