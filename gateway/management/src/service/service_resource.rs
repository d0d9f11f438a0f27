//! The service itself, and what the provider answers about all of them (management-api.md §1.3).

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Outcome, entity, list, time};
use crate::arm_error::ArmError;
use crate::auth::Principal;
use crate::contract::SERVICE_PROPERTIES;
use crate::plane::{Author, Plane, Service, ServiceName};
use crate::tree::Properties;

/// Where a service keeps what it says about itself.
pub const PATH: &str = "service";

/// Members beside `properties`.
const BESIDE: &[&str] = &["location", "sku", "tags", "identity", "zones"];
const SKUS: &[&str] =
    &["Developer", "Standard", "Premium", "Basic", "Consumption", "Isolated", "BasicV2", "StandardV2"];

/// What a new service says.
pub fn initial() -> Properties {
    let value = json!({
        "location": "local", "sku": {"name": "Premium", "capacity": 1}, "tags": {},
        "properties": {"publisherEmail": "admin@localhost", "publisherName": "gateway"},
    });
    value.as_object().cloned().unwrap_or_default()
}

/// A service in ARM's envelope. Certificates of host names are not shown.
pub fn shown(service: &Service, id: &str, base: &str) -> (Value, u64) {
    let tree = service.tree();
    let (kept, version, created, modified) = match tree.get(PATH) {
        Some(record) => (record.properties.clone(), record.version, record.created, record.modified),
        None => (initial(), 0, 0, 0),
    };
    let mut properties = kept.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut gateway_url = Value::Null;
    for host in
        properties.get_mut("hostnameConfigurations").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let Some(host) = host.as_object_mut() else { continue };
        if host.get("type").and_then(Value::as_str) == Some("Proxy") && gateway_url.is_null() {
            gateway_url = json!(format!(
                "https://{}",
                host.get("hostName").and_then(Value::as_str).unwrap_or_default()
            ));
        }
        host.retain(|member, _| !matches!(member.as_str(), "encodedCertificate" | "certificatePassword"));
    }
    let more = json!({
        "provisioningState": "Succeeded", "targetProvisioningState": "", "createdAtUtc": time(created),
        "gatewayUrl": gateway_url, "managementApiUrl": base, "platformVersion": "stv2",
    });
    properties.extend(more.as_object().cloned().unwrap_or_default());
    let mut body = json!({
        "id": id, "name": service.name.name, "type": "Microsoft.ApiManagement/service",
        "etag": crate::etag::of(version).trim_matches('"'),
        "systemData": {"createdAt": time(created), "lastModifiedAt": time(modified)},
    });
    for member in BESIDE {
        body[*member] = kept.get(*member).cloned().unwrap_or(Value::Null);
    }
    body["properties"] = Value::Object(properties);
    (body, version)
}

pub fn get(call: &Call<'_>) -> Outcome {
    let (body, version) = shown(&call.service, &call.service_id, &call.base);
    Ok(Answer::ok(body).with_etag(version))
}

/// PUT of a service that exists, and PATCH.
pub async fn write(call: &Call<'_>, is_patch: bool) -> Outcome {
    let given = checked(&call.body, is_patch)?;
    call.plane
        .write(&call.service, call.author(), |tx| {
            let mut kept = match (is_patch, tx.get(PATH)) {
                (true, Some(record)) => record.properties.clone(),
                (true, None) => initial(),
                (false, _) => Properties::new(),
            };
            entity::merge(&mut kept, &given);
            tx.put(PATH, kept);
            Ok(())
        })
        .await?;
    get(call)
}

/// PUT of a service that does not exist.
pub async fn create(
    plane: &Plane,
    principal: &Principal,
    name: ServiceName,
    body: &Value,
    base: &str,
) -> Outcome {
    let given = checked(body, false)?;
    check_name(&name.name)?;
    if is_taken(plane, &name.name) {
        return Err(ArmError::new(StatusCode::CONFLICT, "ServiceAlreadyExists", taken(&name.name)));
    }
    let id = name.arm_id();
    let service = plane.create_service(name).await.map_err(|error| ArmError::internal(&error))?;
    let author = Author { principal: &principal.id, operation: "ApiManagementService_CreateOrUpdate" };
    plane
        .write(&service, author, |tx| {
            tx.put(PATH, given.clone());
            Ok(())
        })
        .await?;
    let (body, version) = shown(&service, &id, base);
    Ok(Answer::new(StatusCode::CREATED, Some(version), Some(body)))
}

pub async fn delete(call: &Call<'_>) -> Outcome {
    let note = Plane::note(&call.service, call.author(), "");
    call.plane.store.note(note).await.map_err(|error| ArmError::internal(&error))?;
    let deleted = call.plane.delete_service(&call.service.name).await;
    deleted.map_err(|error| ArmError::internal(&error))?;
    tracing::info!(
        event_type = "ManagementServiceDeleted",
        service = call.service.name.key(),
        principal = call.principal.id,
        "a service was deleted with everything in it"
    );
    // 202 and 204 start or end what clients poll; 200 says that it is done (management-api.md §1.3).
    Ok(Answer::new(StatusCode::OK, None, None))
}

/// The body of a PUT or PATCH, without what the service sets.
fn checked(body: &Value, is_patch: bool) -> Result<Properties, ArmError> {
    let mut details = Vec::new();
    let mut properties = match body.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Map::new(),
    };
    SERVICE_PROPERTIES.read(&mut properties, is_patch, &mut details);
    if !details.is_empty() {
        return Err(ArmError::validation(details));
    }
    let mut kept = Properties::new();
    for member in BESIDE {
        kept.extend(body.get(*member).map(|value| ((*member).to_owned(), value.clone())));
    }
    kept.insert("properties".to_owned(), Value::Object(properties));
    let sku = body.get("sku").filter(|sku| !sku.is_null());
    let name = sku.and_then(|sku| sku.get("name")).and_then(Value::as_str);
    let is_known = name.is_some_and(|name| SKUS.iter().any(|known| known.eq_ignore_ascii_case(name)));
    if !(is_known || is_patch && sku.is_none()) {
        return Err(ArmError::field("sku.name", format!("'sku.name' must be one of {}.", SKUS.join(", "))));
    }
    if !is_patch && body.get("location").and_then(Value::as_str).is_none_or(str::is_empty) {
        let message = "The location property is required for this definition.";
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "LocationRequired", message));
    }
    match body.get("tags") {
        None | Some(Value::Null) => Ok(kept),
        Some(Value::Object(tags)) if tags.values().all(|tag| tag.is_string() || tag.is_null()) => Ok(kept),
        Some(_) => Err(ArmError::field("tags", "'tags' must be an object of texts.")),
    }
}

fn check_name(name: &str) -> Result<(), ArmError> {
    let is_good = name.len() <= 50
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let message = "A service's name has 1 to 50 letters, digits and '-', begins with a letter and does not end with '-'.";
    if is_good { Ok(()) } else { Err(ArmError::field("serviceName", message)) }
}

fn is_taken(plane: &Plane, name: &str) -> bool {
    plane.services().iter().any(|service| service.name.name.eq_ignore_ascii_case(name))
}

fn taken(name: &str) -> String {
    format!("The service name '{name}' is already in use.")
}

/// `checkNameAvailability`.
pub fn name_availability(plane: &Plane, body: &Value) -> Outcome {
    let name = body.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| ArmError::field("name", "'name' must not be empty."))?;
    let (reason, message) = match check_name(name) {
        Err(error) => {
            ("Invalid", error.details.first().map(|detail| detail.message.clone()).unwrap_or_default())
        }
        Ok(()) if is_taken(plane, name) => ("AlreadyExists", taken(name)),
        Ok(()) => ("Valid", String::new()),
    };
    Ok(Answer::ok(json!({"nameAvailable": reason == "Valid", "message": message, "reason": reason})))
}

/// Services of a subscription, or of one of its groups.
pub fn all(plane: &Plane, subscription: &str, group: Option<&str>, base: &str) -> Outcome {
    let is_inside = |service: &Arc<Service>| {
        service.name.subscription.eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| service.name.resource_group.eq_ignore_ascii_case(group))
    };
    let services = plane.services();
    let items = services.iter().filter(|service| is_inside(service));
    let items: Vec<Value> = items.map(|service| shown(service, &service.name.arm_id(), base).0).collect();
    let count = items.len();
    Ok(Answer::ok(json!({"value": items, "count": count})))
}

/// `regions`: the one that the service is in.
pub fn regions(call: &Call<'_>) -> Outcome {
    let (body, _) = shown(&call.service, &call.service_id, &call.base);
    list::values_page(
        call,
        vec![json!({"name": body["location"], "isMasterRegion": true, "isDeleted": false})],
    )
}
