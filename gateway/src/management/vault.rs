//! Key vaults, by the gateway's own way to other servers and with its own identity (`azure.…`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway_management::vault::{Reading, Vault, VaultFault};
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::message::{Body, Headers, Method, Request, Url};
use gateway_policy::ports::{OutboundCall, TokenRequest};
use gateway_proxy::ports::identity::{IdentitySettings, IdentityTokens};
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};
use serde_json::Value;

use super::apart::apart;
use crate::settings::VaultSettings;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Version of the vaults' interface.
const API_VERSION: &str = "7.4";

/// A way to vaults, made anew for each secret: they are read a few times a day. Tokens are kept.
pub struct Vaults {
    asked: Arc<Asked>,
    settings: VaultSettings,
}

struct Asked {
    shared: UpstreamShared,
    settings: UpstreamSettings,
    tokens: IdentityTokens,
}

impl Vaults {
    /// `own` are this process's listeners, which are no vaults.
    pub fn new(settings: VaultSettings, identity: IdentitySettings, own: Vec<SocketAddr>) -> Self {
        let upstream = UpstreamSettings { own_listeners: own, ..UpstreamSettings::default() };
        let asked = Asked {
            shared: UpstreamShared::new(Roots::system()),
            settings: upstream,
            tokens: IdentityTokens::new(identity),
        };
        Self { asked: Arc::new(asked), settings }
    }

    /// Where a secret is asked for. A token goes to hosts of vaults only, whoever wrote the identifier.
    fn address(&self, identifier: &str) -> Option<String> {
        let rest = identifier.strip_prefix("https://")?;
        let (host, path) = rest.split_once('/')?;
        let suffix = format!(".{}", self.settings.suffix);
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 127
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let vault = host.to_ascii_lowercase().strip_suffix(&suffix)?.to_owned();
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let is_secret = matches!(parts.as_slice(), ["secrets", name] | ["secrets", name, _] if is_name(name));
        let is_good = is_name(&vault) && is_secret && parts.iter().all(|part| is_name(part));
        let path = parts.join("/");
        let base = match &self.settings.endpoint {
            Some(endpoint) => format!("{}/{vault}{suffix}", endpoint.trim_end_matches('/')),
            None => format!("https://{vault}{suffix}"),
        };
        is_good.then(|| format!("{base}/{path}?api-version={API_VERSION}"))
    }
}

impl Vault for Vaults {
    fn secret<'a>(&'a self, identifier: &'a str, client: Option<&'a str>) -> Reading<'a> {
        Box::pin(async move {
            let suffix = &self.settings.suffix;
            let address = self.address(identifier).ok_or_else(|| {
                fault(
                    "InvalidSecretIdentifier",
                    format!("it must be https://VAULT.{suffix}/secrets/NAME[/VERSION]"),
                )
            })?;
            let wanted =
                TokenRequest { resource: format!("https://{suffix}"), client_id: client.map(str::to_owned) };
            let asked = Arc::clone(&self.asked);
            let answer = apart(move || async move { Ok(ask(&asked, &wanted, &address).await) }).await;
            answer.unwrap_or_else(|reason| Err(unavailable(reason)))
        })
    }
}

fn fault(code: &str, message: impl Into<String>) -> VaultFault {
    VaultFault { code: code.to_owned(), message: message.into() }
}

fn unavailable(message: impl Into<String>) -> VaultFault {
    fault("KeyVaultUnavailable", message)
}

async fn ask(asked: &Asked, wanted: &TokenRequest, address: &str) -> Result<String, VaultFault> {
    let upstream = Upstream::new(asked.settings.clone(), &asked.shared);
    let token = asked.tokens.token(wanted, &upstream, &Fetches::default()).await;
    let token = token.map_err(|error| fault("IdentityUnavailable", error.to_string()))?;
    let url = Url::parse(address).map_err(|error| unavailable(error.to_string()))?;
    let mut headers = Headers::new();
    for (name, value) in [("Accept", "application/json"), ("Authorization", &format!("Bearer {token}"))] {
        headers.set(name, value.as_bytes()).map_err(|error| unavailable(error.to_string()))?;
    }
    let request = Request { method: Method::Get, url, headers, body: Body::Empty };
    let response = upstream.call(OutboundCall::new(request, TIMEOUT)).await;
    let response = response.map_err(|error| unavailable(error.to_string()))?;
    let body: Value = serde_json::from_slice(response.body.buffered()).unwrap_or_default();
    let text = |at: &str| body.pointer(at).and_then(Value::as_str);
    if response.status != 200 {
        let message =
            text("/error/message").map_or_else(|| format!("it answers {}", response.status), str::to_owned);
        return Err(fault(text("/error/code").unwrap_or("KeyVaultUnavailable"), message));
    }
    if text("/contentType").is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-pem-file")) {
        return Err(fault("UnsupportedContentType", "a certificate must be PKCS#12, not PEM"));
    }
    text("/value").map(str::to_owned).ok_or_else(|| unavailable("it answers without a value"))
}
