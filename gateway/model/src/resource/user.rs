//! Users and groups.

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{GroupId, UserId};
use crate::origin::Origin;

text_enum! {
    /// State of a user.
    #[derive(Default)]
    UserState {
        #[default]
        Active = "active",
        Blocked = "blocked",
        Pending = "pending",
        Deleted = "deleted",
    }
}

text_enum! {
    /// Kind of a group.
    #[derive(Default)]
    GroupType {
        #[default]
        Custom = "custom",
        System = "system",
        External = "external",
    }
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// Name.
    #[serde(skip)]
    pub id: UserId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// State.
    pub state: UserState,
    /// Note of the administrator.
    #[serde(skip_serializing_if = "is_default")]
    pub note: Option<String>,
    /// When registered, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub registration_date: Option<String>,
    /// Accounts elsewhere.
    #[serde(skip_serializing_if = "is_default")]
    pub identities: Vec<UserIdentity>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An account of a user at an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserIdentity {
    /// Provider.
    pub provider: String,
    /// Id at the provider.
    pub id: String,
}

/// A group of users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// Name.
    #[serde(skip)]
    pub id: GroupId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title.
    pub display_name: String,
    /// Description.
    #[serde(skip_serializing_if = "is_default")]
    pub description: Option<String>,
    /// Kind.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub group_type: GroupType,
    /// Id of a group elsewhere.
    #[serde(skip_serializing_if = "is_default")]
    pub external_id: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A user in a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupUser {
    /// The group.
    pub group: GroupId,
    /// The user.
    pub user: UserId,
    /// Where it was written.
    pub origin: Origin,
}

resource!(User, users, UserId, |this| this.id.clone(), ResourceId::User(this.id.clone()));
resource!(Group, groups, GroupId, |this| this.id.clone(), ResourceId::Group(this.id.clone()));
resource!(
    GroupUser,
    group_users,
    (GroupId, UserId),
    |this| (this.group.clone(), this.user.clone()),
    ResourceId::GroupUser(this.group.clone(), this.user.clone())
);
