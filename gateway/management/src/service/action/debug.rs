//! Tracing of requests at gateways (policies.md §12): credentials that they take without asking, and the traces, which they
//! give to the plane as soon as they have them.

use std::sync::Arc;
use std::time::Duration;

use gateway_model::resource::IsoDuration;
use gateway_sync::protocol::{DEBUG_GATEWAYS_MAX, DebugToken, GatewaySecret};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::rules::gateway::CALLED_IN;
use super::super::rules::text;
use super::super::{Answer, Call, Outcome, refuse_foreign};
use super::gateways::bare;
use crate::arm_error::ArmError;
use crate::plane::{Plane, now};
use crate::tree::{Properties, Record};

/// Credentials live so long at most, and unless a shorter time is wanted.
const LIFETIME_MAX: Duration = Duration::from_hours(1);
/// Stands for every gateway of the service: none of them is managed by others.
const MANAGED: &str = "managed";
/// A gateway gives a trace away at once; so long is waited for one that is on its way.
const TRACE_WAIT: Duration = Duration::from_secs(3);
const TRACE_LOOK: Duration = Duration::from_millis(100);

/// The gateways of the path.
fn gateways(call: &Call<'_>) -> Result<Vec<Arc<Record>>, ArmError> {
    let tree = call.service.tree();
    let name = call.path.split('/').nth(1).unwrap_or_default();
    if name.eq_ignore_ascii_case(MANAGED) {
        return Ok(tree.list("gateways").cloned().collect());
    }
    let record = tree.get(call.above(1)).ok_or_else(|| ArmError::not_found("Gateway"))?;
    Ok(vec![Arc::clone(record)])
}

/// A token for the field `Apim-Debug-Authorization` of requests to one API.
pub async fn credentials(call: &Call<'_>) -> Outcome {
    let given = bare(&call.body);
    let lifetime = lifetime(&given)?;
    check_purposes(&given)?;
    let mut serving = gateways(call)?;
    let api = api(call, &given)?;
    {
        let tree = call.service.tree();
        serving.retain(|gateway| tree.get(&format!("{}/apis/{api}", gateway.path)).is_some());
    }
    if serving.is_empty() {
        let message = format!("The API '{api}' is not on this gateway: assign it first.");
        return Err(ArmError::field("apiId", message));
    }
    if serving.len() > DEBUG_GATEWAYS_MAX {
        let message = format!(
            "The API is on more than {DEBUG_GATEWAYS_MAX} gateways: name one instead of '{MANAGED}'."
        );
        return Err(ArmError::field("gatewayId", message));
    }
    let expiry = u64::try_from(now()).unwrap_or_default().saturating_add(lifetime.as_secs());
    let holders: Vec<(GatewaySecret, u64)> = serving.iter().flat_map(|gateway| holders(gateway)).collect();
    let token = DebugToken { api, expiry }.sign(&holders);
    let note = Plane::note(&call.service, call.author(), &call.path);
    call.plane.store.note(note).await.map_err(|error| ArmError::internal(&error))?;
    Ok(Answer::ok(json!({ "token": token })))
}

/// A gateway holds the secret of one of its keys, whichever its token was signed with.
fn holders(gateway: &Record) -> Vec<(GatewaySecret, u64)> {
    let keys = ["primaryKey", "secondaryKey"].into_iter().filter_map(|member| gateway.text(member));
    keys.map(|key| (GatewaySecret::of_key(key), called_in(&gateway.properties))).collect()
}

fn called_in(properties: &Properties) -> u64 {
    properties.get(CALLED_IN).and_then(Value::as_u64).unwrap_or_default()
}

fn lifetime(given: &Properties) -> Result<Duration, ArmError> {
    let bad = || {
        let message =
            "'credentialsExpireAfter' must be a duration of at most PT1H, and of at least a second.";
        ArmError::field("credentialsExpireAfter", message)
    };
    match given.get("credentialsExpireAfter") {
        None | Some(Value::Null) => Ok(LIFETIME_MAX),
        Some(value) => {
            let IsoDuration(lifetime) = value.as_str().and_then(IsoDuration::parse).ok_or_else(bad)?;
            let is_good = lifetime >= Duration::from_secs(1) && lifetime <= LIFETIME_MAX;
            is_good.then_some(lifetime).ok_or_else(bad)
        }
    }
}

fn check_purposes(given: &Properties) -> Result<(), ArmError> {
    let purposes = given.get("purposes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_tracing =
        |purpose: &Value| purpose.as_str().is_some_and(|text| text.eq_ignore_ascii_case("tracing"));
    if purposes.is_empty() || !purposes.iter().all(is_tracing) {
        return Err(ArmError::field("purposes", "'purposes' must be [\"tracing\"]."));
    }
    Ok(())
}

/// Name of the API, without revision: a token holds for all of them.
fn api(call: &Call<'_>, given: &Properties) -> Result<String, ArmError> {
    let id = text(given, "apiId").unwrap_or_default();
    refuse_foreign(call, "apiId", id)?;
    let name = id.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = name.split(';').next().unwrap_or_default();
    let tree = call.service.tree();
    let known = tree.get(&format!("apis/{name}")).filter(|_| !name.is_empty());
    let known = known.ok_or_else(|| ArmError::field("apiId", format!("'{id}' is no API of the service.")))?;
    Ok(known.name().to_owned())
}

/// The trace of a request.
pub async fn trace(call: &Call<'_>) -> Outcome {
    let given = bare(&call.body);
    let id = text(&given, "traceId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| ArmError::field("traceId", "'traceId' must not be empty."))?;
    let asked: Vec<String> = gateways(call)?.iter().map(|gateway| gateway.name().to_owned()).collect();
    let (figures, service) = (call.plane.figures().await?, call.service.name.key());
    let until = Instant::now() + TRACE_WAIT;
    loop {
        let found = call.plane.store.trace(&service, id).await.map_err(|error| ArmError::internal(&error))?;
        let found = found.filter(|trace| asked.iter().any(|name| name.eq_ignore_ascii_case(&trace.gateway)));
        if let Some(trace) = found {
            let opened = figures.opened("trace", &trace.body);
            let opened = opened.and_then(|text| serde_json::from_slice(&text).ok());
            let opened: Value = opened.ok_or_else(|| ArmError::internal(&"a trace is damaged"))?;
            let note = Plane::note(&call.service, call.author(), &format!("{}/{id}", call.path));
            call.plane.store.note(note).await.map_err(|error| ArmError::internal(&error))?;
            return Ok(Answer::ok(opened));
        }
        if Instant::now() >= until {
            return Err(ArmError::not_found("Trace"));
        }
        sleep(TRACE_LOOK).await;
    }
}

/// Calls all credentials of a gateway in: it takes none that were made before, as soon as it knows.
pub async fn call_in(call: &Call<'_>) -> Outcome {
    let paths: Vec<String> = gateways(call)?.iter().map(|gateway| gateway.path.to_string()).collect();
    call.plane
        .write(&call.service, call.author(), |tx| {
            for path in &paths {
                let Some(record) = tx.get(path) else { continue };
                let mut properties = record.properties.clone();
                let times = called_in(&properties).saturating_add(1);
                properties.insert(CALLED_IN.to_owned(), times.into());
                tx.put(path, properties);
            }
            Ok(())
        })
        .await?;
    Ok(Answer::no_content())
}
