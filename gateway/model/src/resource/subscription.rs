//! Subscriptions: who may call what with which key.

use std::fmt;

use serde::{Deserializer, Serializer};

use super::{Deserialize, Extra, Serialize, is_default, resource, text_enum};
use crate::arm_id::ResourceId;
use crate::id::{ApiId, ProductId, SubscriptionId};
use crate::origin::Origin;
use crate::secret::Secret;

text_enum! {
    /// State of a subscription; only active ones let calls through.
    #[derive(Default)]
    SubscriptionState {
        #[default]
        Submitted = "submitted",
        Active = "active",
        Suspended = "suspended",
        Rejected = "rejected",
        Cancelled = "cancelled",
        Expired = "expired",
    }
}

/// What the keys of a subscription open.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubscriptionScope {
    /// Everything: scope `/` (the built-in subscription) or `/apis`.
    #[default]
    AllApis,
    /// One API, in all its revisions.
    Api(ApiId),
    /// The APIs of a product, in the context of the product.
    Product(ProductId),
}

impl SubscriptionScope {
    /// Reads a scope: `/`, `/apis`, `/apis/{id}`, `/products/{id}`, short or full; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match ResourceId::parse(text).ok()? {
            ResourceId::Service | ResourceId::AllApis => Some(Self::AllApis),
            ResourceId::Api(api) => Some(Self::Api(api.root())),
            ResourceId::Product(product) => Some(Self::Product(product)),
            _ => None,
        }
    }
}

impl fmt::Display for SubscriptionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllApis => f.write_str("/apis"),
            Self::Api(api) => write!(f, "/apis/{api}"),
            Self::Product(product) => write!(f, "/products/{product}"),
        }
    }
}

impl Serialize for SubscriptionScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SubscriptionScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{text:?} is no subscription scope: expected /apis, /apis/<name> or /products/<name>"
            ))
        })
    }
}

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subscription {
    /// Name.
    #[serde(skip)]
    pub id: SubscriptionId,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
    /// Title; `context.Subscription.Name`.
    #[serde(skip_serializing_if = "is_default")]
    pub display_name: String,
    /// What the keys open.
    pub scope: SubscriptionScope,
    /// State; default submitted (management-api.md §1.16).
    pub state: SubscriptionState,
    /// Resource id of the user.
    #[serde(skip_serializing_if = "is_default")]
    pub owner_id: Option<String>,
    /// Whether its calls may be traced.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_tracing: Option<bool>,
    /// When it was made, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub created_date: Option<String>,
    /// First day, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub start_date: Option<String>,
    /// Planned end, RFC 3339; Azure does not enforce it, nor do we.
    #[serde(skip_serializing_if = "is_default")]
    pub expiration_date: Option<String>,
    /// Real end, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub end_date: Option<String>,
    /// Primary key.
    #[serde(skip_serializing)]
    pub primary_key: Option<Secret>,
    /// Secondary key.
    #[serde(skip_serializing)]
    pub secondary_key: Option<Secret>,
    /// SHA-256 of the primary key in lower-case hex (our extension: a folder without secrets).
    #[serde(skip_serializing_if = "is_default")]
    pub primary_key_hash: Option<String>,
    /// SHA-256 of the secondary key in lower-case hex (our extension).
    #[serde(skip_serializing_if = "is_default")]
    pub secondary_key_hash: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Extra,
}

resource!(
    Subscription,
    subscriptions,
    SubscriptionId,
    |this| this.id.clone(),
    ResourceId::Subscription(this.id.clone())
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscription_scope_reads_every_form() {
        for (text, scope) in [
            ("/", Some(SubscriptionScope::AllApis)),
            ("/apis", Some(SubscriptionScope::AllApis)),
            ("/apis/", Some(SubscriptionScope::AllApis)),
            ("/apis/a;rev=2", Some(SubscriptionScope::Api("a".into()))),
            ("/products/p", Some(SubscriptionScope::Product("p".into()))),
            ("/users/1", None),
            ("/apis/a/operations/b", None),
        ] {
            assert_eq!(SubscriptionScope::parse(text), scope, "{text}");
        }
    }

    #[test]
    fn subscription_keys_are_read_and_never_written() {
        let text = r#"{"scope":"/apis","state":"Active","primaryKey":"sesame","future":1}"#;
        let subscription: Subscription = serde_json::from_str(text).unwrap_or_default();
        assert_eq!(subscription.state, SubscriptionState::Active);
        assert_eq!(subscription.primary_key.as_ref().map(Secret::expose), Some("sesame"));
        let written = serde_json::to_string(&subscription).unwrap_or_default();
        assert_eq!(written, r#"{"scope":"/apis","state":"active","future":1}"#);
        assert!(!format!("{subscription:?}").contains("sesame"));
    }
}
