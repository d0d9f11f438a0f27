//! The endpoints of gateways, beside those of ARM: configuration, chunks, heartbeats, reports. Their callers show a token of a
//! gateway, signed with one of its keys.

mod report;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_sync::protocol::{
    DIAGNOSTICS_MAX, Heartbeat, MANIFEST_TYPE, ProtocolError, SignedIn, Tag, WAIT_SECONDS_MAX,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::Management;
use super::perform::forbidden;
use crate::arm_error::ArmError;
use crate::auth::gateway_token;
use crate::federation::{Caller, Unknown};
use crate::plane::Plane;
use crate::query::Query;

const HEARTBEAT_BYTES_MAX: usize = 64 * 1024;
const TOLD_TIMEOUT: Duration = Duration::from_secs(10);
/// Life of a token that a sign-in gives; a removed principal is out by then. Tokens tell their end to the minute.
const SIGNED_IN_SECONDS: i64 = 15 * 60;
/// Texts of a heartbeat are cut at this length.
const TEXT_BYTES_MAX: usize = 1_000;

type Page = Response<Full<Bytes>>;

/// Whether a path is one of these.
pub fn is_ours(path: &str) -> bool {
    path.starts_with("/gateways/") || path.starts_with("/chunks/")
}

/// Answers a gateway.
pub async fn answer<B>(
    management: &Management,
    head: &Parts,
    body: B,
    path: &[&str],
) -> Result<Page, ArmError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let plane = &management.plane;
    if let (&Method::POST, ["gateways", name, "token"]) = (&head.method, path) {
        return sign_in(management, head.headers.get(AUTHORIZATION), name).await;
    }
    let caller = caller(plane, head.headers.get(AUTHORIZATION))?;
    match (&head.method, path) {
        (&Method::GET, ["gateways", name, "configuration"]) => {
            is_of(&caller, name)?;
            configuration(plane, &caller, head).await
        }
        (&Method::GET, ["chunks", name]) => match plane.federation.chunk(name) {
            Some(bytes) => Ok(chunk(bytes)),
            None => Err(ArmError::not_found("Chunk")),
        },
        (&Method::POST, ["gateways", name, "heartbeat"]) => {
            is_of(&caller, name)?;
            heartbeat(plane, &caller, body).await
        }
        (&Method::POST, ["gateways", name, "report"]) => {
            is_of(&caller, name)?;
            report::report(plane, &caller, body).await
        }
        (&Method::POST, ["gateways", name, "traces", id]) => {
            is_of(&caller, name)?;
            report::trace(plane, &caller, id, body).await
        }
        _ => Err(ArmError::not_found("Resource")),
    }
}

/// Gives whoever has the data action of gateways a token of one: by it alone a gateway signs, opens and keeps what it gets.
async fn sign_in(management: &Management, field: Option<&HeaderValue>, name: &str) -> Result<Page, ArmError> {
    let field = field.and_then(|field| field.to_str().ok());
    let principal = management.principal_of(field).await?;
    let right = "Microsoft.ApiManagement/service/gateways/getConfiguration/action";
    if !principal.role.is_gateway() {
        return Err(forbidden(&principal, right, &format!("/gateways/{name}")));
    }
    let plane = &management.plane;
    let services = plane.services();
    let found = services.iter().find_map(|service| service.tree().get(&format!("gateways/{name}")).cloned());
    let record = found.ok_or_else(|| ArmError::not_found("Gateway"))?;
    let end = jiff::Timestamp::from_second(crate::plane::now() + SIGNED_IN_SECONDS);
    let (Some(key), Ok(end)) = (record.text("primaryKey"), end) else {
        return Err(ArmError::internal(&"a token of the gateway cannot be signed"));
    };
    tracing::info!(
        event_type = "GatewaySignIn",
        gateway = name,
        principal = principal.id,
        "a gateway signs in"
    );
    let signed =
        SignedIn { value: gateway_token::sign(record.name(), end, key), expires_in: SIGNED_IN_SECONDS };
    let body = serde_json::to_vec(&signed).map_err(|error| ArmError::internal(&error))?;
    let mut page = page(StatusCode::OK, None, Bytes::from(body));
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(page)
}

fn is_of(caller: &Caller, gateway: &str) -> Result<(), ArmError> {
    let own = caller.gateway();
    if own.eq_ignore_ascii_case(gateway) {
        return Ok(());
    }
    let message = format!("The token is one of the gateway '{own}', not of '{gateway}'.");
    Err(ArmError::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message))
}

/// The gateway whose key has signed the token.
fn caller(plane: &Plane, field: Option<&HeaderValue>) -> Result<Arc<Caller>, ArmError> {
    let text = field.and_then(|field| field.to_str().ok()).unwrap_or_default();
    plane.federation.caller(&plane.services(), text, crate::plane::now()).map_err(|unknown| {
        let message = match unknown {
            Unknown::Malformed => "'Authorization' must be 'GatewayKey' and a token of a gateway.",
            Unknown::Expired => "The token has expired. Generate a new one for the gateway.",
            Unknown::Unsigned => {
                "The token is not signed with a key of a gateway here: it was revoked, or belongs to another service."
            }
        };
        ArmError::new(StatusCode::UNAUTHORIZED, "InvalidGatewayToken", message)
    })
}

/// 304, a difference, or the whole view; held while nothing is new for as long as the caller wants.
async fn configuration(plane: &Plane, caller: &Caller, head: &Parts) -> Result<Page, ArmError> {
    let query = Query::parse(head.uri.query().unwrap_or_default());
    let wait = query.get("wait").and_then(|wait| wait.parse().ok()).unwrap_or(0).min(WAIT_SECONDS_MAX);
    let field = head.headers.get(IF_NONE_MATCH);
    let held = field.and_then(|field| field.to_str().ok()?.parse::<Tag>().ok());
    let deadline = Instant::now() + Duration::from_secs(wait);
    let mut changes = (wait > 0).then(|| caller.service().watch());
    loop {
        if let Some(changes) = &mut changes {
            changes.borrow_and_update();
        }
        let view = caller.slot.view(plane.epoch).ok_or_else(|| ArmError::not_found("Gateway"))?;
        let is_held = held.is_some_and(|held| (held.epoch, held.hash) == (view.tag.epoch, view.tag.hash));
        if !is_held {
            let base = held.filter(|_| query.get("since").is_some());
            return manifest(plane, caller, &view, base);
        }
        // A timer that ends at once would wake the runtime for nothing: a system call for each poll.
        let is_new = match &mut changes {
            Some(changes) => matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(()))),
            None => false,
        };
        if !is_new {
            let mut page = page(StatusCode::NOT_MODIFIED, None, Bytes::new());
            page.headers_mut().extend(field.map(|held| (ETAG, held.clone())));
            return Ok(page);
        }
    }
}

fn manifest(
    plane: &Plane,
    caller: &Caller,
    view: &crate::federation::View,
    base: Option<Tag>,
) -> Result<Page, ArmError> {
    let failed = |error: ProtocolError| ArmError::internal(&error);
    let difference = base.and_then(|base| view.difference(caller.gateway(), base, &caller.secret));
    let body = if let Some(difference) = difference {
        Bytes::from(difference.map_err(failed)?)
    } else {
        let offer = view.offer(caller.gateway(), &caller.secret).map_err(failed)?;
        plane.federation.publish(&offer.parts);
        offer.manifest.clone()
    };
    let mut page = page(StatusCode::OK, Some(view.tag), body);
    page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MANIFEST_TYPE));
    Ok(page)
}

async fn heartbeat<B>(plane: &Plane, caller: &Caller, body: B) -> Result<Page, ArmError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let malformed = || ArmError::field("body", "The body is no heartbeat, or longer than 64 KiB.");
    let body = whole(body, HEARTBEAT_BYTES_MAX).await.ok_or_else(malformed)?;
    let mut heartbeat: Heartbeat = serde_json::from_slice(&body).map_err(|_| malformed())?;
    if heartbeat.instance_id.is_empty() {
        return Err(ArmError::field("instanceId", "'instanceId' must not be empty."));
    }
    heartbeat.diagnostics.truncate(DIAGNOSTICS_MAX);
    for text in
        [&mut heartbeat.instance_id, &mut heartbeat.version, &mut heartbeat.host, &mut heartbeat.applied]
            .into_iter()
            .chain(&mut heartbeat.diagnostics)
    {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    }
    let now = crate::plane::now();
    plane.federation.instances.put(&caller.service().name.key(), caller.gateway(), heartbeat, now);
    Ok(page(StatusCode::NO_CONTENT, None, Bytes::new()))
}

/// A whole body that is no longer than it may be, and comes in time.
async fn whole<B>(body: B, bytes_max: usize) -> Option<Bytes>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let reading = Limited::new(body, bytes_max).collect();
    Some(tokio::time::timeout(TOLD_TIMEOUT, reading).await.ok()?.ok()?.to_bytes())
}

fn chunk(bytes: Bytes) -> Page {
    let mut page = page(StatusCode::OK, None, bytes);
    let headers = page.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    // The name is the hash of the content: it never changes.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    page
}

fn page(status: StatusCode, tag: Option<Tag>, body: Bytes) -> Page {
    let mut page = Response::new(Full::new(body));
    *page.status_mut() = status;
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag.to_string()).ok()) {
        page.headers_mut().insert(ETAG, tag);
    }
    page
}
