//! What clients ask of ARM around the service itself (management-api.md §2.7).

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Management;
use crate::arm_error::ArmError;
use crate::contract::{API_VERSIONS, Method, Operation};
use crate::plane::{Service, ServiceName};
use crate::service::{Answer, Outcome, service_resource};

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

/// Subscriptions, resource groups and providers.
pub fn closed(management: &Management, method: Method, segments: &[String]) -> Option<Outcome> {
    if is(segments, "subscriptions") {
        let services = management.plane.services();
        let home = &management.plane.home.subscription;
        let mut ids: Vec<&str> = services.iter().map(|service| service.name.subscription.as_str()).collect();
        ids.push(home);
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
    let is_known = known.iter().any(is_here) || management.plane.home.subscription.eq_ignore_ascii_case(id);
    if segments.first()?.eq_ignore_ascii_case("subscriptions") && !is_known {
        let message = format!("The subscription '{id}' could not be found.");
        return Some(Err(ArmError::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)));
    }
    if is(segments, "subscriptions/{}") {
        return Some(Ok(Answer::ok(subscription(id))));
    }
    if is(segments, "subscriptions/{}/resourceGroups") {
        let value: Vec<Value> = groups(management, id).iter().map(|name| shown_group(id, name)).collect();
        return Some(Ok(Answer::ok(json!({ "value": value }))));
    }
    if is(segments, "subscriptions/{}/resourceGroups/{}") {
        return Some(group(management, id, segments.get(3)?, method));
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

/// Names of the groups of a subscription: those of its services, and the one that the plane began with.
fn groups(management: &Management, subscription: &str) -> Vec<String> {
    let home = management.plane.home.clone();
    let services = management.plane.services();
    let all = services.iter().map(|service| service.name.clone()).chain([home]);
    let inside = all.filter(|name| name.subscription.eq_ignore_ascii_case(subscription));
    let mut names: Vec<String> = inside.map(|name| name.resource_group).collect();
    names.sort_by_key(|name| name.to_ascii_lowercase());
    names.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    names
}

fn shown_group(subscription: &str, name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
        "type": "Microsoft.Resources/resourceGroups", "location": "local",
        "properties": {"provisioningState": "Succeeded"},
    })
}

fn group(management: &Management, subscription: &str, name: &str, method: Method) -> Outcome {
    let known = known_group(management, subscription, name)?;
    Ok(match method {
        Method::Head => Answer::no_content(),
        _ => Answer::ok(shown_group(subscription, &known)),
    })
}

/// The name of a group as it was first written.
pub fn known_group(management: &Management, subscription: &str, name: &str) -> Result<String, ArmError> {
    let known = groups(management, subscription).into_iter().find(|known| known.eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let message = format!("Resource group '{name}' could not be found.");
        ArmError::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
    })
}

fn registration(subscription: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.ApiManagement"),
        "namespace": "Microsoft.ApiManagement", "registrationState": "Registered", "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [{"resourceType": "service", "locations": ["local"], "apiVersions": API_VERSIONS}],
    })
}

/// The services of a group.
pub fn services_of(management: &Management, subscription: &str, group: &str) -> Vec<Arc<Service>> {
    let mut services = management.plane.services();
    services.retain(|service| {
        service.name.subscription.eq_ignore_ascii_case(subscription)
            && service.name.resource_group.eq_ignore_ascii_case(group)
    });
    services
}

/// The service of a name.
pub fn service(management: &Management, name: &ServiceName) -> Result<Arc<Service>, ArmError> {
    if let Some(service) = management.plane.service(name) {
        return Ok(service);
    }
    group(management, &name.subscription, &name.resource_group, Method::Get)?;
    let message = format!(
        "The Resource 'Microsoft.ApiManagement/service/{}' under resource group '{}' was not found.",
        name.name, name.resource_group
    );
    Err(ArmError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message))
}

/// Operations of the provider that are about no single service.
pub fn provider(
    management: &Management,
    operation: &Operation,
    segments: &[String],
    body: &Value,
    base: &str,
) -> Outcome {
    let subscription = segments.get(1).map(String::as_str).unwrap_or_default();
    match operation.id {
        "ApiManagementOperations_List" => Ok(Answer::ok(json!({ "value": operations() }))),
        "ApiManagementService_List" => service_resource::all(&management.plane, subscription, None, base),
        "ApiManagementService_ListByResourceGroup" => {
            let group = segments.get(3).map(String::as_str).unwrap_or_default();
            self::group(management, subscription, group, Method::Get)?;
            service_resource::all(&management.plane, subscription, Some(group), base)
        }
        "ApiManagementService_CheckNameAvailability" => {
            service_resource::name_availability(&management.plane, body)
        }
        "OperationStatus_Get" | "OperationsResults_Get" => Ok(Answer::ok(finished(segments))),
        _ => crate::service::absent(operation),
    }
}

/// Every operation is done when it is answered, so whatever is asked after has succeeded.
fn finished(segments: &[String]) -> Value {
    let name = segments.last().cloned().unwrap_or_default();
    json!({
        "id": format!("/{}", segments.join("/")), "name": name, "status": "Succeeded", "percentComplete": 100.0,
        "properties": {"status": "Succeeded"},
    })
}

/// Rights that the provider knows, as roles list them.
fn operations() -> Vec<Value> {
    let mut names: Vec<String> = crate::contract::OPERATIONS.iter().map(Operation::action).collect();
    names.retain(|name| name.starts_with("Microsoft.ApiManagement/"));
    names.sort_unstable();
    names.dedup();
    let shown = |name: &String| {
        let rest = name.trim_start_matches("Microsoft.ApiManagement/");
        let (resource, operation) = rest.rsplit_once('/').unwrap_or((rest, ""));
        json!({
            "name": name, "isDataAction": false,
            "display": {"provider": "Microsoft API Management", "resource": resource, "operation": operation},
        })
    };
    names.iter().map(shown).collect()
}
