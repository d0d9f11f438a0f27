//! The places that tokens come from, each with its request.

use std::path::Path;
use std::time::{Duration, SystemTime};

use gateway_policy::message::{Body, Headers, Method, Request, Response, Url, query};
use gateway_policy::ports::{OutboundCall, TokenRequest};

use super::answer::{self, Token};
use super::{IdentitySettings, TokenSource, assertion};
use crate::ports::noted::Noted;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses between the five tries at an endpoint that is busy (`self-hosted-gateway.md` §4.6).
const PAUSES: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8), Duration::from_secs(16)];
/// `client_assertion_type` of a JWT.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Arc's keys are shorter.
const KEY_BYTES_MAX: u64 = 4096;

pub async fn fetch(settings: &IdentitySettings, wanted: &TokenRequest, way: &Noted) -> Result<Token, String> {
    let response = match chosen(settings) {
        TokenSource::Workload | TokenSource::Client => client_credentials(settings, wanted, way).await?,
        TokenSource::AppService => app_service(settings, wanted, way).await?,
        TokenSource::Arc => arc(settings, wanted, way).await?,
        TokenSource::VirtualMachine | TokenSource::Auto => {
            let url = metadata_url(&settings.metadata_host, "2018-02-01", wanted)?;
            patiently(way, || get(url.clone(), &[("Metadata", "true")])).await?
        }
        TokenSource::Off => return Err("the gateway has no identity (identity.source is off)".to_owned()),
    };
    read(&response)
}

fn read(response: &Response) -> Result<Token, String> {
    match response.status {
        200 => answer::token(response.body.buffered(), SystemTime::now()),
        status => Err(answer::error(status, response.body.buffered())),
    }
}

/// What `auto` comes to.
fn chosen(settings: &IdentitySettings) -> TokenSource {
    match settings.source {
        TokenSource::Auto if settings.federated_token_file.is_some() => TokenSource::Workload,
        TokenSource::Auto if settings.client_secret.is_some() || settings.client_certificate.is_some() => {
            TokenSource::Client
        }
        TokenSource::Auto if settings.endpoint.is_some() && settings.endpoint_secret.is_some() => {
            TokenSource::AppService
        }
        TokenSource::Auto if settings.endpoint.is_some() => TokenSource::Arc,
        TokenSource::Auto => TokenSource::VirtualMachine,
        source => source,
    }
}

/// RFC 6749 §4.4 with a secret, or with an assertion (RFC 7523 §2.2): a federated token, or one that a certificate signs.
async fn client_credentials(
    settings: &IdentitySettings,
    wanted: &TokenRequest,
    way: &Noted,
) -> Result<Response, String> {
    let missing = |name: &str| format!("the setting {name} is missing");
    let tenant = settings.tenant.as_deref().ok_or_else(|| missing("azure.tenant.id"))?;
    let client = wanted.client_id.as_deref().or(settings.client_id.as_deref());
    let client = client.ok_or_else(|| missing("azure.client.id"))?;
    // A slash at the end stays: it is part of the audience that the resource expects.
    let scope = format!("{}/.default", wanted.resource);
    let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", settings.authority.trim_end_matches('/'));
    let mut form = String::new();
    query::append(&mut form, "grant_type", "client_credentials");
    query::append(&mut form, "client_id", client);
    query::append(&mut form, "scope", &scope);
    let mut assert = |assertion: &str| {
        query::append(&mut form, "client_assertion_type", ASSERTION);
        query::append(&mut form, "client_assertion", assertion);
    };
    if chosen(settings) == TokenSource::Workload {
        let path = settings.federated_token_file.as_deref();
        // Read anew each time: the file rotates.
        assert(file(path.ok_or_else(|| missing("azure.federated.token.file"))?).await?.trim());
    } else if let Some(path) = &settings.client_certificate {
        let failed = |reason| format!("{}: {reason}", path.display());
        assert(&assertion::signed(&file(path).await?, client, &endpoint, SystemTime::now()).map_err(failed)?);
    } else {
        let secret = settings.client_secret.as_ref().ok_or_else(|| missing("azure.client.secret"))?;
        query::append(&mut form, "client_secret", secret.expose());
    }
    let url = parsed(&endpoint)?;
    let mut call = get(url, &[("Content-Type", "application/x-www-form-urlencoded")])?;
    call.request.method = Method::Post;
    call.request.body = Body::from(form);
    way.call(call).await.map_err(|error| error.to_string())
}

async fn app_service(
    settings: &IdentitySettings,
    wanted: &TokenRequest,
    way: &Noted,
) -> Result<Response, String> {
    let endpoint = settings.endpoint.as_deref().ok_or("the setting identity.endpoint is missing")?;
    let secret = settings.endpoint_secret.as_ref().ok_or("the setting identity.header is missing")?;
    let mut url = parsed(endpoint)?;
    add_query(&mut url, "2019-08-01", wanted);
    patiently(way, || get(url.clone(), &[("X-IDENTITY-HEADER", secret.expose())])).await
}

/// The first answer names a file that only those who may have a token can read; its content goes into the second
/// request.
async fn arc(settings: &IdentitySettings, wanted: &TokenRequest, way: &Noted) -> Result<Response, String> {
    let endpoint = settings.endpoint.as_deref().ok_or("the setting identity.endpoint is missing")?;
    let mut url = parsed(endpoint)?;
    add_query(&mut url, "2020-06-01", wanted);
    let response = patiently(way, || get(url.clone(), &[("Metadata", "true")])).await?;
    if response.status != 401 {
        return Ok(response);
    }
    let challenge = response.headers.get_str("WWW-Authenticate").unwrap_or_default();
    let path = challenge.strip_prefix("Basic realm=").unwrap_or_default().trim_matches('"');
    let key = arc_key(&settings.arc_keys, Path::new(path)).await?;
    let authorization = format!("Basic {}", key.trim());
    patiently(way, || get(url.clone(), &[("Metadata", "true"), ("Authorization", &authorization)])).await
}

/// Only a key file in the agent's own folder is read, whatever the challenge says.
async fn arc_key(folder: &Path, path: &Path) -> Result<String, String> {
    if path.parent() != Some(folder) || path.extension().is_none_or(|extension| extension != "key") {
        return Err("the challenge names no key file of the agent".to_owned());
    }
    file(path).await
}

async fn file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = tokio::fs::metadata(path).await.map_err(failed)?.len();
    if length > KEY_BYTES_MAX * 16 {
        return Err(format!("{} is too long", path.display()));
    }
    tokio::fs::read_to_string(path).await.map_err(failed)
}

fn metadata_url(host: &str, version: &str, wanted: &TokenRequest) -> Result<Url, String> {
    let mut url = parsed(&format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/')))?;
    add_query(&mut url, version, wanted);
    Ok(url)
}

fn add_query(url: &mut Url, version: &str, wanted: &TokenRequest) {
    query::append(&mut url.query, "api-version", version);
    query::append(&mut url.query, "resource", &wanted.resource);
    if let Some(client) = &wanted.client_id {
        query::append(&mut url.query, "client_id", client);
    }
}

fn parsed(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("{text:?} is no address: {error}"))
}

fn get(url: Url, fields: &[(&str, &str)]) -> Result<OutboundCall, String> {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.set(name, value.as_bytes()).map_err(|error| error.to_string())?;
    }
    let request = Request { method: Method::Get, url, headers, body: Body::Empty };
    Ok(OutboundCall::new(request, TIMEOUT).trusted())
}

/// Up to five tries while the endpoint is busy or not there yet; a refusal is final.
async fn patiently(way: &Noted, call: impl Fn() -> Result<OutboundCall, String>) -> Result<Response, String> {
    for pause in PAUSES {
        match way.call(call()?).await {
            Ok(response) if !matches!(response.status, 404 | 410 | 429 | 500..) => return Ok(response),
            // Nobody listens: this is no machine of Azure's, and waiting makes it none.
            Err(error) if error.reason != "Timeout" => return Err(error.to_string()),
            Ok(_) | Err(_) => tokio::time::sleep(pause).await,
        }
    }
    way.call(call()?).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_auto_takes_what_is_set() {
        let mut settings = IdentitySettings::default();
        assert_eq!(chosen(&settings), TokenSource::VirtualMachine);
        settings.endpoint = Some("http://localhost:40342/metadata/identity/oauth2/token".to_owned());
        assert_eq!(chosen(&settings), TokenSource::Arc);
        settings.endpoint_secret = Some("x".into());
        assert_eq!(chosen(&settings), TokenSource::AppService);
        settings.client_secret = Some("x".into());
        assert_eq!(chosen(&settings), TokenSource::Client);
        settings.federated_token_file = Some("/f".into());
        assert_eq!(chosen(&settings), TokenSource::Workload);
        settings.source = TokenSource::Off;
        assert_eq!(chosen(&settings), TokenSource::Off);
    }

    #[tokio::test]
    async fn arc_key_other_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.key"), "secret\n").unwrap();
        std::fs::write(folder.path().join("a.txt"), "x").unwrap();
        let key = |name: &str| folder.path().join(name);
        assert_eq!(arc_key(folder.path(), &key("a.key")).await.unwrap(), "secret\n");
        for path in [key("a.txt"), key("../a.key"), key("sub/../a.key"), "/etc/passwd".into(), "".into()] {
            assert!(arc_key(folder.path(), &path).await.is_err(), "{path:?}");
        }
    }
}
