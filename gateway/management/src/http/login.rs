//! What clients ask before they have a token (management-api.md §2.7): where everything is, and the token itself.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::Management;
use crate::auth::directory::Entry;
use crate::auth::signing::{LIFETIME_SECONDS, TENANT};
use crate::query::Query;
use crate::service::Answer;

/// Longest form of a token request: client assertions and claims are long.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Versions of `/metadata/endpoints` that answer an array.
const ARRAY_VERSIONS: &[&str] = &["2019-05-01", "2020-06-01"];
/// Resources beside our own that clients ask tokens for, out of habit.
const AZURE_RESOURCES: &[&str] = &[
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://azure-api.net/configuration",
];

/// A document that needs no token; `None` for everything else.
pub fn document(
    management: &Management,
    method: &Method,
    segments: &[String],
    query: &Query,
    base: &str,
) -> Option<Answer> {
    let segments: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if method != Method::GET {
        return None;
    }
    let body = match segments.as_slice() {
        ["metadata", "endpoints"] => endpoints(query, base),
        [tenant, ".well-known", "openid-configuration"]
        | [tenant, "v2.0", ".well-known", "openid-configuration"] => configuration(tenant, base),
        [_, "discovery", "instance"] => json!({
            "tenant_discovery_endpoint": format!("{base}/{TENANT}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1", "metadata": [],
        }),
        [_, "discovery", "keys"] | [_, "discovery", "v2.0", "keys"] => {
            management.authenticator.signing.jwks(&issuer(base))
        }
        _ => return None,
    };
    Some(Answer::ok(body))
}

/// Whether a request is for the token endpoint.
pub fn is_token(method: &Method, segments: &[String]) -> bool {
    let is = |index: usize, name: &str| {
        segments.get(index).is_some_and(|segment| segment.eq_ignore_ascii_case(name))
    };
    let ends =
        (segments.len() == 4 && is(2, "v2.0") && is(3, "token")) || (segments.len() == 3 && is(2, "token"));
    method == Method::POST && ends && is(1, "oauth2")
}

fn issuer(base: &str) -> String {
    format!("{base}/{TENANT}/v2.0")
}

fn endpoints(query: &Query, base: &str) -> Value {
    let one = json!({
        "name": "gateway", "portal": base, "resourceManager": base, "graph": "", "graphAudience": "",
        "microsoftGraphResourceId": base, "media": "", "batch": "", "gallery": "", "sqlManagement": "",
        "vmImageAliasDoc": "", "activeDirectoryDataLake": "",
        "authentication": {"loginEndpoint": base, "audiences": [base], "tenant": "common", "identityProvider": "AAD"},
        "suffixes": {
            "keyVaultDns": "", "storage": "", "acrLoginServer": "", "sqlServerHostname": "", "mysqlServerEndpoint": "",
            "postgresqlServerEndpoint": "", "mariadbServerEndpoint": "", "synapseAnalytics": "",
            "azureDataLakeStoreFileSystem": "", "azureDataLakeAnalyticsCatalogAndJob": "",
        },
    });
    let is_array = query.get("api-version").is_some_and(|version| ARRAY_VERSIONS.contains(&version));
    if is_array { json!([one]) } else { one }
}

fn configuration(tenant: &str, base: &str) -> Value {
    let at = |path: &str| format!("{base}/{tenant}/{path}");
    json!({
        "issuer": issuer(base),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "token_endpoint": at("oauth2/v2.0/token"),
        "device_authorization_endpoint": at("oauth2/v2.0/devicecode"),
        "jwks_uri": at("discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["token"], "grant_types_supported": ["client_credentials"],
        "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": [format!("{base}/.default")],
        "claims_supported": ["aud", "iss", "iat", "nbf", "exp", "tid", "oid", "sub", "appid", "roles"],
    })
}

/// A refusal in the words of the token endpoint (RFC 6749 §5.2), with Entra's numbers, which clients look for.
struct TokenError {
    status: StatusCode,
    error: &'static str,
    number: u32,
    message: String,
}

fn refuse(error: &'static str, number: u32, message: impl Into<String>) -> TokenError {
    let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    TokenError { status, error, number, message: message.into() }
}

/// Answers a token request: client credentials of a principal of the directory.
pub async fn token(management: &Management, request: Request<Incoming>, base: &str) -> Answer {
    match issue(management, request, base).await {
        Ok(body) => Answer::ok(body),
        Err(TokenError { status, error, number, message }) => {
            tracing::warn!(event_type = "ManagementSignIn", error, message, "a token was refused");
            let id = uuid::Uuid::new_v4().to_string();
            let body = json!({
                "error": error, "error_description": format!("AADSTS{number}: {message}"), "error_codes": [number],
                "timestamp": crate::service::time(crate::plane::now()), "trace_id": id, "correlation_id": id,
            });
            Answer::new(status, None, Some(body))
        }
    }
}

async fn issue(management: &Management, request: Request<Incoming>, base: &str) -> Result<Value, TokenError> {
    let basic = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(basic);
    let form = form(request).await?;
    let needed = |name: &str| {
        let missing = || {
            refuse(
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        };
        form.get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    };
    let grant = needed("grant_type")?;
    if grant != "client_credentials" {
        let message = format!("The grant type '{grant}' is not offered: use client_credentials.");
        return Err(refuse("unsupported_grant_type", 70_003, message));
    }
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), secret.as_str()),
        None => (needed("client_id")?, needed("client_secret")?),
    };
    let principal = principal(management, id).await;
    let principal = principal.filter(|principal| principal.has_secret(secret)).ok_or_else(|| {
        refuse(
            "invalid_client",
            7_000_215,
            format!("Invalid client id or client secret provided for '{id}'."),
        )
    })?;
    let audience = audience(&form, base)?;
    let signed = management.authenticator.signing.token(&principal, &audience, &issuer(base));
    let token = signed.map_err(|error| refuse("server_error", 90_000, error.message))?;
    tracing::info!(event_type = "ManagementSignIn", principal = principal.id, "a token was issued");
    Ok(json!({
        "token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "ext_expires_in": LIFETIME_SECONDS,
        "expires_on": (crate::plane::now() + LIFETIME_SECONDS).to_string(), "resource": audience, "access_token": token,
    }))
}

/// A principal; one that is not known may have been added by a command just now.
async fn principal(management: &Management, id: &str) -> Option<Entry> {
    if let Some(found) = management.plane.principal(id) {
        return Some(found);
    }
    if let Err(error) = management.plane.refresh_directory().await {
        tracing::warn!(event_type = "ManagementFault", %error, "the directory cannot be read");
    }
    management.plane.principal(id)
}

/// What the token is for: this plane, by whatever name it was asked.
fn audience(form: &Query, base: &str) -> Result<String, TokenError> {
    let asked = form.get("scope").or_else(|| form.get("resource")).unwrap_or(base);
    let first = asked.split(' ').next().unwrap_or_default();
    let resource = first.strip_suffix("/.default").unwrap_or(first);
    let bare = resource.trim_end_matches('/');
    let is_ours = bare == base || AZURE_RESOURCES.contains(&bare);
    let message = format!("The resource '{resource}' is not this service, whose name is '{base}'.");
    if is_ours { Ok(resource.to_owned()) } else { Err(refuse("invalid_resource", 500_011, message)) }
}

/// `Basic` of RFC 6749 §2.3.1.
fn basic(field: &str) -> Option<(String, String)> {
    use base64::Engine;
    let (scheme, text) = field.split_once(' ')?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("Basic"))?;
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned)
    };
    Some((decode(id).ok()?, decode(secret).ok()?))
}

async fn form(request: Request<Incoming>) -> Result<Query, TokenError> {
    let bad = || refuse("invalid_request", 900_144, "The request body must be a form of at most 64 KiB.");
    let reading = Limited::new(request.into_body(), FORM_BYTES_MAX).collect();
    let read = tokio::time::timeout(super::management::BODY_TIMEOUT, reading).await.map_err(|_| bad())?;
    let bytes: Bytes = read.map_err(|_| bad())?.to_bytes();
    let text = std::str::from_utf8(&bytes).map_err(|_| bad())?;
    Ok(Query::parse(text))
}
