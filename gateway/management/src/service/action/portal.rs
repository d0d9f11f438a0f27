//! Settings of the portal: sign-in, sign-up, delegation; and the settings of the tenant, which are the same seen flat.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::{Answer, Call, Outcome, entity, list};
use crate::arm_error::ArmError;
use crate::contract::{PORTAL_SETTINGS, PortalSetting};
use crate::etag;
use crate::tree::{Properties, Tree};

fn setting(call: &Call<'_>) -> Result<&'static PortalSetting, ArmError> {
    let name = call.path.split('/').nth(1).unwrap_or_default();
    let found = PORTAL_SETTINGS.iter().find(|known| known.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| ArmError::not_found("PortalSetting"))
}

fn path(setting: &PortalSetting) -> String {
    format!("portalsettings/{}", setting.name)
}

/// What is in force, and its revision.
fn current(tree: &Tree, setting: &PortalSetting) -> (Properties, u64) {
    match tree.get(&path(setting)) {
        Some(record) => (record.properties.clone(), record.version),
        None => (default(setting), 0),
    }
}

fn default(setting: &PortalSetting) -> Properties {
    let value = match setting.name {
        "signup" => json!({
            "enabled": true, "termsOfService": {"text": null, "enabled": false, "consentRequired": false},
        }),
        "delegation" => json!({
            "url": null, "subscriptions": {"enabled": false}, "userRegistration": {"enabled": false},
        }),
        _ => json!({"enabled": false}),
    };
    value.as_object().cloned().unwrap_or_default()
}

fn shown(call: &Call<'_>, setting: &PortalSetting, mut properties: Properties) -> Value {
    properties.shift_remove("validationKey");
    json!({
        "id": format!("{}/{}", call.service_id, path(setting)),
        "type": "Microsoft.ApiManagement/service/portalsettings",
        "name": setting.name,
        "properties": properties,
    })
}

pub fn get(call: &Call<'_>) -> Outcome {
    let setting = setting(call)?;
    let (properties, version) = current(&call.service.tree(), setting);
    Ok(Answer::ok(shown(call, setting, properties)).with_etag(version))
}

pub fn head(call: &Call<'_>) -> Outcome {
    let (_, version) = current(&call.service.tree(), setting(call)?);
    Ok(Answer::new(StatusCode::OK, Some(version), None))
}

pub fn all(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let items = PORTAL_SETTINGS.iter().map(|setting| shown(call, setting, current(&tree, setting).0));
    list::values_page(call, items.collect())
}

/// PUT answers 200 with the settings, PATCH 204.
pub async fn write(call: &Call<'_>, is_patch: bool) -> Outcome {
    let setting = setting(call)?;
    let mut given = call.properties()?;
    let mut details = Vec::new();
    setting.shape.read(&mut given, is_patch, &mut details);
    if !details.is_empty() {
        return Err(ArmError::validation(details));
    }
    let (properties, version) = call
        .plane
        .write(&call.service, call.author(), |tx| {
            let existing = tx.get(&path(setting));
            let version = existing.as_ref().map_or(0, |record| record.version);
            if call.if_match.as_deref().is_some_and(|given| !etag::matches(given, version)) {
                return Err(ArmError::precondition());
            }
            let mut properties =
                existing.map_or_else(|| default(setting), |record| record.properties.clone());
            let key = properties.get("validationKey").cloned();
            if !is_patch {
                properties = default(setting);
                properties.extend(key.map(|key| ("validationKey".to_owned(), key)));
            }
            entity::merge(&mut properties, &given);
            check(setting, &properties)?;
            let record = tx.put(&path(setting), properties);
            Ok((record.properties.clone(), record.version))
        })
        .await?;
    if is_patch {
        return Ok(Answer::new(StatusCode::NO_CONTENT, Some(version), None));
    }
    Ok(Answer::ok(shown(call, setting, properties)).with_etag(version))
}

/// Delegation needs an address and a key to sign with.
fn check(setting: &PortalSetting, properties: &Properties) -> Result<(), ArmError> {
    if setting.name != "delegation" {
        return Ok(());
    }
    let is_on = ["subscriptions", "userRegistration"]
        .iter()
        .any(|part| properties.get(*part).and_then(|part| part.get("enabled")) == Some(&Value::Bool(true)));
    for member in ["url", "validationKey"] {
        if is_on && properties.get(member).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ArmError::field(
                member,
                format!("'{member}' must not be empty where something is delegated."),
            ));
        }
    }
    Ok(())
}

/// The key that delegated addresses are signed with.
pub fn secrets(call: &Call<'_>) -> Outcome {
    let (properties, version) = current(&call.service.tree(), setting(call)?);
    let key = properties.get("validationKey").cloned().unwrap_or(Value::Null);
    Ok(Answer::ok(json!({ "validationKey": key })).with_etag(version))
}

fn tenant(call: &Call<'_>, tree: &Tree) -> (Value, u64) {
    let mut version = 0;
    let mut of = |name: &str| {
        let setting = PORTAL_SETTINGS.iter().find(|known| known.name == name);
        let (properties, at) = setting.map(|setting| current(tree, setting)).unwrap_or_default();
        version = version.max(at);
        Value::Object(properties)
    };
    let (signin, signup, delegation) = (of("signin"), of("signup"), of("delegation"));
    let flag = |value: &Value| Value::from(if value.as_bool() == Some(true) { "True" } else { "False" });
    let terms = &signup["termsOfService"];
    let settings = json!({
        "CustomPortalSettings.RequireUserSigninEnabled": flag(&signin["enabled"]),
        "CustomPortalSettings.RegistrationEnabled": flag(&signup["enabled"]),
        "CustomPortalSettings.UserRegistrationTerms": terms["text"],
        "CustomPortalSettings.UserRegistrationTermsEnabled": flag(&terms["enabled"]),
        "CustomPortalSettings.UserRegistrationTermsConsentRequired": flag(&terms["consentRequired"]),
        "CustomPortalSettings.DelegationUrl": delegation["url"],
        "CustomPortalSettings.DelegationEnabled": flag(&delegation["userRegistration"]["enabled"]),
        "CustomPortalSettings.DelegatedSubscriptionEnabled": flag(&delegation["subscriptions"]["enabled"]),
    });
    let shown = json!({
        "id": format!("{}/settings/public", call.service_id),
        "type": "Microsoft.ApiManagement/service/settings", "name": "public", "properties": {"settings": settings},
    });
    (shown, version)
}

/// `settings`: one entry, `public`.
pub fn tenant_list(call: &Call<'_>) -> Outcome {
    let (shown, _) = tenant(call, &call.service.tree());
    list::filtered_page(call, vec![shown])
}

/// `settings/public`.
pub fn tenant_get(call: &Call<'_>) -> Outcome {
    if !call.path.to_ascii_lowercase().ends_with("/public") {
        return Err(ArmError::not_found("TenantSettings"));
    }
    let (shown, version) = tenant(call, &call.service.tree());
    Ok(Answer::ok(shown).with_etag(version))
}
