//! API version sets.

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::VersionSetId;
use crate::origin::Origin;

text_enum! {
    /// Where a request names the version.
    #[derive(Default)]
    VersioningScheme {
        #[default]
        Segment = "Segment",
        Query = "Query",
        Header = "Header",
    }
}

/// The versions of an API, and where a request names one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiVersionSet {
    /// Name.
    #[serde(skip)]
    pub id: VersionSetId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title.
    pub display_name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Where a request names the version.
    pub versioning_scheme: VersioningScheme,
    /// Query parameter of scheme `Query`.
    #[serde(skip_serializing_if = "is_default")]
    pub version_query_name: Option<String>,
    /// Header of scheme `Header`.
    #[serde(skip_serializing_if = "is_default")]
    pub version_header_name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

resource!(
    ApiVersionSet,
    version_sets,
    VersionSetId,
    |this| this.id.clone(),
    ResourceId::VersionSet(this.id.clone())
);
