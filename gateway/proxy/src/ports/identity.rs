//! Tokens of Microsoft Entra ID for the gateway itself (`self-hosted-gateway.md` §4.5, §4.6): for
//! `authentication-managed-identity`, and for whatever of the gateway itself calls Azure.

mod answer;
mod assertion;
mod source;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_model::Secret;
use gateway_policy::exchange::calls::{Fetches, Purpose};
use gateway_policy::ports::{Identity, IdentityError, LocalFuture, TokenRequest};
use moka::sync::Cache;

use super::noted::Noted;
use super::slot::{Good, Pace, Slot};
use crate::upstream::Upstream;
use crate::worker::Worker;

/// Tokens kept at a time.
const TOKENS_MAX: u64 = 1024;
/// A token is fetched anew so long before its end, or at half of its life when that is later.
const AHEAD: Duration = Duration::from_mins(5);
/// A token is not handed out in its last seconds: it would expire on the way.
const LAST: Duration = Duration::from_secs(10);

const PACE: Pace = Pace {
    retry_empty: Duration::from_secs(5),
    retry_usable: Duration::from_secs(30),
    ask_again: Duration::from_mins(5),
};

/// Where tokens come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenSource {
    /// What the other settings allow, in the order below.
    #[default]
    Auto,
    /// A federated token in a file (workload identity).
    Workload,
    /// An application with a secret or a certificate.
    Client,
    /// Azure App Service, Container Apps.
    AppService,
    /// Azure Arc: the key of each answer lies in a file.
    Arc,
    /// The metadata service of a virtual machine.
    VirtualMachine,
    Off,
}

impl std::str::FromStr for TokenSource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "workload" => Self::Workload,
            "client" => Self::Client,
            "app-service" => Self::AppService,
            "arc" => Self::Arc,
            "vm" => Self::VirtualMachine,
            "off" => Self::Off,
            _ => return Err("auto, workload, client, app-service, arc, vm or off is expected"),
        })
    }
}

/// Settings of the gateway's identity, named as Azure's libraries name their environment variables.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentitySettings {
    pub source: TokenSource,
    /// Host of the token service, default `https://login.microsoftonline.com`.
    pub authority: String,
    pub tenant: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    /// PEM file with the certificate and the RSA key of the application, instead of a secret.
    pub client_certificate: Option<PathBuf>,
    pub federated_token_file: Option<PathBuf>,
    /// `IDENTITY_ENDPOINT`, of App Service and of Arc.
    pub endpoint: Option<String>,
    /// `IDENTITY_HEADER`, of App Service.
    pub endpoint_secret: Option<Secret>,
    /// Host of the metadata service, default `http://169.254.169.254`.
    pub metadata_host: String,
    /// Folder of the keys that Arc's answers name.
    pub arc_keys: PathBuf,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            source: TokenSource::Auto,
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: None,
            client_id: None,
            client_secret: None,
            client_certificate: None,
            federated_token_file: None,
            endpoint: None,
            endpoint_secret: None,
            metadata_host: "http://169.254.169.254".to_owned(),
            arc_keys: PathBuf::from("/var/opt/azcmagent/tokens"),
        }
    }
}

/// Tokens by resource and client; shared by the workers.
#[derive(Debug)]
pub struct IdentityTokens {
    settings: Arc<IdentitySettings>,
    tokens: Cache<TokenRequest, Arc<Slot<str>>>,
}

impl IdentityTokens {
    pub fn new(settings: IdentitySettings) -> Self {
        Self { settings: Arc::new(settings), tokens: Cache::new(TOKENS_MAX) }
    }

    /// A token that is valid for some seconds at least. What has to be fetched for it is noted.
    pub async fn token(
        &self,
        wanted: &TokenRequest,
        upstream: &Rc<Upstream>,
        fetches: &Fetches,
    ) -> Result<Arc<str>, IdentityError> {
        let slot = match self.tokens.get(wanted) {
            Some(slot) => slot,
            None => self.tokens.get_with(wanted.clone(), || Arc::new(Slot::new(PACE))),
        };
        let fetch = || {
            let way = Noted::new(upstream, fetches, Purpose::Token);
            fetch(Arc::clone(&self.settings), wanted.clone(), way)
        };
        slot.get(None, fetch).await.map_err(IdentityError)
    }
}

impl Identity for Worker {
    fn token<'a>(
        &'a self,
        wanted: &'a TokenRequest,
        fetches: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<str>, IdentityError>> {
        Box::pin(self.shared.identity.token(wanted, &self.upstream, fetches))
    }
}

async fn fetch(
    settings: Arc<IdentitySettings>,
    wanted: TokenRequest,
    way: Noted,
) -> Result<Good<str>, String> {
    let asked = Instant::now();
    let outcome = source::fetch(&settings, &wanted, &way).await;
    if let Err(reason) = &outcome {
        tracing::warn!(
            resource = wanted.resource,
            reason,
            "a token of the gateway's identity could not be had"
        );
    }
    let answer::Token { text, lifetime } = outcome?;
    let fresh = lifetime.saturating_sub(AHEAD).max(lifetime / 2);
    Ok(Good {
        value: text.into(),
        fresh_until: asked + fresh,
        usable_until: asked + lifetime.saturating_sub(LAST),
    })
}
