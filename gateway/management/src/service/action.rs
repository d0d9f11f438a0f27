//! Operations that are more than one resource's GET, HEAD, PUT, PATCH or DELETE.

mod gateways;
mod keys;

use std::future::Future;
use std::pin::Pin;

use super::{Call, Outcome};

/// An operation of its own.
pub type Action = for<'a> fn(&'a Call<'a>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// By operation id.
const ACTIONS: &[(&str, Action)] = &[
    ("Subscription_RegeneratePrimaryKey", |call| Box::pin(keys::regenerate(call, "primaryKey"))),
    ("Subscription_RegenerateSecondaryKey", |call| Box::pin(keys::regenerate(call, "secondaryKey"))),
    ("Subscription_ListSecrets", |call| {
        Box::pin(async { keys::list(call, &["primaryKey", "secondaryKey"]) })
    }),
    ("NamedValue_ListValue", |call| Box::pin(async { keys::list(call, &["value"]) })),
    ("AuthorizationServer_ListSecrets", |call| {
        Box::pin(async {
            keys::list(call, &["clientSecret", "resourceOwnerUsername", "resourceOwnerPassword"])
        })
    }),
    ("OpenIdConnectProvider_ListSecrets", |call| Box::pin(async { keys::list(call, &["clientSecret"]) })),
    ("IdentityProvider_ListSecrets", |call| Box::pin(async { keys::list(call, &["clientSecret"]) })),
    ("Gateway_ListKeys", |call| Box::pin(async { gateways::list_keys(call) })),
    ("Gateway_RegenerateKey", |call| Box::pin(gateways::regenerate_key(call))),
    ("Gateway_ListInstances", |call| Box::pin(gateways::list_instances(call))),
    ("Gateway_GenerateToken", |call| Box::pin(async { gateways::generate_token(call) })),
];

/// The action of an operation that has one.
pub fn find(operation: &str) -> Option<Action> {
    ACTIONS.iter().find(|(id, _)| *id == operation).map(|(_, action)| *action)
}
