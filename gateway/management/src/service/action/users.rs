//! What hangs on a user: groups, subscriptions, identities, tokens for the portal.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::rules::text;
use super::super::{Answer, Call, Outcome, entity, list, shown};
use super::gateways::{bare, expiry};
use super::subscriptions::of_owner;
use crate::arm_error::ArmError;
use crate::auth::gateway_token;
use crate::contract::Kind;
use crate::tree::Record;

/// Longest life of a user's token.
const LIFETIME_MAX_SECONDS: i64 = 30 * 24 * 3600;
/// Life of the token in an address that signs a user in.
const SSO_SECONDS: i64 = 5 * 60;

/// Groups that a user is a member of.
pub fn groups(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let user = entity::find(&tree, call.above(1))?;
    let is_member = |group: &Record| tree.get(&format!("{}/users/{}", group.path, user.name())).is_some();
    let records = tree.list("groups").filter(|group| is_member(group));
    let kind = Kind::of_collection("groups").ok_or_else(|| ArmError::not_found("Resource"))?;
    list::records_page(call, kind, &tree, records)
}

/// Subscriptions that a user owns.
pub fn subscriptions(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let user = entity::find(&tree, call.above(1))?;
    of_owner(call, &tree, &user)
}

/// One of them.
pub fn subscription(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let user = entity::find(&tree, call.above(2))?;
    let sid = call.path.rsplit('/').next().unwrap_or_default();
    let path = format!("subscriptions/{sid}");
    let owner = format!("/{}", user.path);
    let record = tree
        .get(&path)
        .filter(|record| record.text("ownerId").is_some_and(|id| id.eq_ignore_ascii_case(&owner)));
    let (Some(record), Some(kind)) = (record, Kind::of(&path)) else {
        return Err(ArmError::not_found("Subscription"));
    };
    Ok(Answer::ok(shown::resource(call, kind, &tree, record)).with_etag(record.version))
}

/// Identities that a user signs in by.
pub fn identities(call: &Call<'_>) -> Outcome {
    let user = entity::find(&call.service.tree(), call.above(1))?;
    let identities = user.properties.get("identities").and_then(Value::as_array);
    list::values_page(call, identities.cloned().unwrap_or_default())
}

/// A token by which the portal takes its bearer for the user.
pub fn token(call: &Call<'_>) -> Outcome {
    let user = entity::find(&call.service.tree(), call.above(1))?;
    let given = bare(&call.body);
    let which = match text(&given, "keyType").map(str::to_ascii_lowercase).as_deref() {
        Some("primary") => "primary",
        Some("secondary") => "secondary",
        _ => return Err(ArmError::field("keyType", "'keyType' must be primary or secondary.")),
    };
    let expiry = expiry(&given, LIFETIME_MAX_SECONDS)?;
    Ok(Answer::ok(entity::value(&signed(call, &user, which, expiry))))
}

/// An address of the portal that signs the user in.
pub fn sso_url(call: &Call<'_>) -> Outcome {
    let user = entity::find(&call.service.tree(), call.above(1))?;
    let expiry = jiff::Timestamp::from_second(crate::plane::now() + SSO_SECONDS).unwrap_or_default();
    let token = signed(call, &user, "primary", expiry);
    let token = percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC);
    Ok(Answer::ok(json!({"value": format!("{}/signin-sso?token={token}", call.base)})))
}

/// Mail is not sent by this plane.
pub fn confirmation(call: &Call<'_>) -> Outcome {
    entity::find(&call.service.tree(), call.above(3))?;
    let message = "This service has no mail server. Set the user's password by PATCH of the user.";
    Err(ArmError::new(hyper::StatusCode::BAD_REQUEST, "MethodNotAllowedInPricingTier", message))
}

/// `<user>&<yyyyMMddHHmm>&<signature>` under a key made of the service's: user tokens are no gateway tokens.
fn signed(call: &Call<'_>, user: &Record, which: &str, expiry: jiff::Timestamp) -> String {
    let key = call.plane.derived_key(&format!("{}/users/{}/{which}", call.service.name.key(), user.path));
    let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), b"user token");
    gateway_token::sign(user.name(), expiry, &STANDARD.encode(key))
}
