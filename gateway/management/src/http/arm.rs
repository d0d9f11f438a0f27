//! What clients ask of ARM around the service itself (management-api.md §2.7).

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use super::Management;
use crate::arm_error::ArmError;
use crate::contract::{API_VERSIONS, Method, Operation};
use crate::plane::{Service, ServiceName};
use crate::service::{Answer, Outcome};

/// Versions of ARM's own operations (subscriptions, groups, providers) that clients send.
const ARM_VERSIONS: &[&str] = &[
    "2015-01-01",
    "2016-02-01",
    "2016-06-01",
    "2016-09-01",
    "2018-05-01",
    "2019-05-01",
    "2019-06-01",
    "2019-10-01",
    "2020-01-01",
    "2020-06-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
];

/// Whether a version is one of ARM's own.
pub fn is_arm_version(version: &str) -> bool {
    ARM_VERSIONS.contains(&version)
}

fn is(segments: &[String], path: &str) -> bool {
    let mut pattern = path.split('/');
    segments.iter().all(|segment| {
        pattern.next().is_some_and(|known| known == "{}" || known.eq_ignore_ascii_case(segment))
    }) && pattern.next().is_none()
}

/// What is answered without a token.
pub fn open(segments: &[String], host: Option<&HeaderValue>) -> Option<Answer> {
    if !is(segments, "metadata/endpoints") {
        return None;
    }
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let here = format!("https://{host}");
    Some(Answer::ok(json!({
        "name": "gateway", "portal": "", "resourceManager": here, "graph": "", "graphAudience": "",
        "microsoftGraphResourceId": here, "media": "", "batch": "", "gallery": "", "sqlManagement": "",
        "vmImageAliasDoc": "", "activeDirectoryDataLake": "",
        "authentication": {
            "loginEndpoint": here, "audiences": [here], "tenant": "common", "identityProvider": "AAD",
        },
        "suffixes": {"keyVaultDns": "", "storage": "", "acrLoginServer": "", "sqlServerHostname": ""},
    })))
}

/// Subscriptions, resource groups and providers.
pub fn closed(management: &Management, method: Method, segments: &[String]) -> Option<Outcome> {
    if is(segments, "subscriptions") {
        let services = management.plane.services();
        let mut ids: Vec<&str> = services.iter().map(|service| service.name.subscription.as_str()).collect();
        ids.sort_unstable();
        ids.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        let value: Vec<Value> = ids.into_iter().map(subscription).collect();
        return Some(Ok(Answer::ok(json!({ "value": value }))));
    }
    if is(segments, "tenants") {
        return Some(Ok(Answer::ok(json!({"value": [tenant()]}))));
    }
    let id = segments.get(1)?;
    let known = management.plane.services();
    let is_here = |service: &Arc<Service>| service.name.subscription.eq_ignore_ascii_case(id);
    if segments.first()?.eq_ignore_ascii_case("subscriptions") && !known.iter().any(is_here) {
        let message = format!("The subscription '{id}' could not be found.");
        return Some(Err(ArmError::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)));
    }
    if is(segments, "subscriptions/{}") {
        return Some(Ok(Answer::ok(subscription(id))));
    }
    if is(segments, "subscriptions/{}/resourceGroups/{}") {
        return Some(group(&known, id, segments.get(3)?, method));
    }
    if is(segments, "subscriptions/{}/providers") {
        return Some(Ok(Answer::ok(json!({"value": [registration(id)]}))));
    }
    let is_provider = is(segments, "subscriptions/{}/providers/Microsoft.ApiManagement")
        || is(segments, "subscriptions/{}/providers/Microsoft.ApiManagement/register");
    is_provider.then(|| Ok(Answer::ok(registration(id))))
}

fn tenant() -> Value {
    let id = "00000000-0000-0000-0000-000000000000";
    json!({"id": format!("/tenants/{id}"), "tenantId": id, "displayName": "gateway", "tenantCategory": "Home"})
}

fn subscription(id: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": "gateway", "state": "Enabled",
        "tenantId": "00000000-0000-0000-0000-000000000000", "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": {"locationPlacementId": "", "quotaId": "", "spendingLimit": "Off"},
    })
}

fn group(known: &[Arc<Service>], subscription: &str, name: &str, method: Method) -> Outcome {
    let found = known.iter().find(|service| {
        service.name.subscription.eq_ignore_ascii_case(subscription)
            && service.name.resource_group.eq_ignore_ascii_case(name)
    });
    let Some(service) = found else {
        let message = format!("Resource group '{name}' could not be found.");
        return Err(ArmError::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message));
    };
    if method == Method::Head {
        return Ok(Answer::no_content());
    }
    let name = &service.name.resource_group;
    Ok(Answer::ok(json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
        "type": "Microsoft.Resources/resourceGroups", "location": "local",
        "properties": {"provisioningState": "Succeeded"},
    })))
}

fn registration(subscription: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.ApiManagement"),
        "namespace": "Microsoft.ApiManagement", "registrationState": "Registered", "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [{"resourceType": "service", "locations": ["local"], "apiVersions": API_VERSIONS}],
    })
}

/// The service of a name.
pub fn service(management: &Management, name: &ServiceName) -> Result<Arc<Service>, ArmError> {
    if let Some(service) = management.plane.service(name) {
        return Ok(service);
    }
    let known = management.plane.services();
    group(&known, &name.subscription, &name.resource_group, Method::Get)?;
    let message = format!(
        "The Resource 'Microsoft.ApiManagement/service/{}' under resource group '{}' was not found.",
        name.name, name.resource_group
    );
    Err(ArmError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message))
}

/// Operations of the provider that are about no single service.
pub fn provider(management: &Management, operation: &Operation, segments: &[String]) -> Outcome {
    let _ = (management, segments);
    match operation.id {
        "ApiManagementOperations_List" => Ok(Answer::ok(json!({"value": []}))),
        _ => Err(ArmError::not_in_tier()),
    }
}
