//! Resolvers: what answers a field of a GraphQL API.

use super::{Deserialize, Extra, Serialize, is_default, resource};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, ResolverId};
use crate::origin::Origin;

/// A resolver of one field. Its policy document is the data source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resolver {
    /// The API revision.
    #[serde(skip)]
    pub api: ApiId,
    /// Name.
    #[serde(skip)]
    pub id: ResolverId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title.
    #[serde(skip_serializing_if = "is_default")]
    pub display_name: String,
    /// The field as `Type/field`, such as `Query/users`.
    pub path: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Resolver {
    /// Type and field of the path; none where it has not this form.
    pub fn field(&self) -> Option<(&str, &str)> {
        let (owner, field) = self.path.trim_matches('/').split_once('/')?;
        (!owner.is_empty() && !field.is_empty() && !field.contains('/')).then_some((owner, field))
    }
}

resource!(
    Resolver,
    resolvers,
    (ApiId, ResolverId),
    |this| (this.api.clone(), this.id.clone()),
    ResourceId::Resolver(this.api.clone(), this.id.clone())
);
