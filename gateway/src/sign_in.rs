//! The sign-in at the plane by another issuer: a token of Entra, or of whoever the plane trusts, is exchanged for one of the
//! gateway, again and again. Source: self-hosted-gateway.md §2.2.
//!
//! A gateway that starts without its plane cannot sign in. So that it can open its backup all the same, the secret that every
//! token of the gateway carries lies beside the backup, sealed with what the application signs in with; a workload identity has
//! nothing of the kind, and there the file is only closed to other users.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gateway_model::Secret;
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::ports::TokenRequest;
use gateway_proxy::ports::identity::{IdentitySettings, IdentityTokens};
use gateway_proxy::upstream::{Upstream, UpstreamSettings, UpstreamShared};
use gateway_sync::plane::{Request, Transport};
use gateway_sync::protocol::{GatewaySecret, SECRET_LEN, SignedIn, Token};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_rustls::rustls::ClientConfig;

use crate::plane_transport::{Authorization, Endpoint, PlaneTransport};

/// Until the next try after one that failed.
pub const RETRY: Duration = Duration::from_secs(5);
/// A token is renewed no more often than this, whatever the plane says of its life.
const RENEW_MIN: Duration = Duration::from_secs(5);
/// What the kept secret is sealed for.
const PURPOSE: &str = "sign-in";

/// Who signs in, and as which gateway.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// Name of the gateway resource.
    pub gateway: String,
    pub identity: IdentitySettings,
    /// What the token for the plane is asked for.
    pub audience: String,
}

impl SignInSettings {
    /// The secret that was kept at an earlier sign-in.
    pub fn kept(&self, folder: &Path) -> Option<GatewaySecret> {
        let sealed = std::fs::read(self.file(folder)).ok()?;
        let bytes = <[u8; SECRET_LEN]>::try_from(self.seal().ok()?.open(PURPOSE, &sealed).ok()?).ok()?;
        Some(GatewaySecret::new(&bytes))
    }

    /// Keeps the secret for a start without the plane.
    pub fn keep(&self, folder: &Path, secret: &GatewaySecret) -> Result<(), String> {
        let path = self.file(folder);
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let sealed = self.seal()?.seal(PURPOSE, secret.bytes()).map_err(|error| failed(&error))?;
        let beside = path.with_extension("sign-in.new");
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let written = file.and_then(|mut file| {
            file.write_all(&sealed)?;
            file.sync_all()
        });
        written.and_then(|()| std::fs::rename(&beside, &path)).map_err(|error| failed(&error))
    }

    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.sign-in", self.gateway.to_ascii_lowercase()))
    }

    fn seal(&self) -> Result<GatewaySecret, String> {
        let IdentitySettings { client_secret, client_certificate, .. } = &self.identity;
        let known = match (client_secret, client_certificate) {
            (Some(secret), _) => secret.expose().to_owned(),
            (None, Some(path)) => {
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
            }
            (None, None) => String::new(),
        };
        Ok(GatewaySecret::of_key(&known))
    }
}

/// A token of the gateway.
pub struct Granted {
    /// `GatewayKey` and the token.
    pub authorization: Secret,
    pub secret: GatewaySecret,
    /// When to ask for the next one.
    pub renew_after: Duration,
}

/// Signs in.
pub struct SignIn {
    settings: SignInSettings,
    endpoint: Endpoint,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    tokens: IdentityTokens,
    upstream: Rc<Upstream>,
}

impl SignIn {
    /// For a thread with a set of local tasks.
    pub fn new(
        settings: SignInSettings,
        endpoint: Endpoint,
        tls: Arc<ClientConfig>,
        timeout: Duration,
        upstream: &UpstreamShared,
    ) -> Self {
        let tokens = IdentityTokens::new(settings.identity.clone());
        let upstream = Upstream::new(UpstreamSettings::default(), upstream);
        Self { settings, endpoint, tls, timeout, tokens, upstream }
    }

    /// The issuer's token for one of the gateway.
    pub async fn exchange(&self) -> Result<Granted, String> {
        let wanted = TokenRequest { resource: self.settings.audience.clone(), client_id: None };
        let token = self
            .tokens
            .token(&wanted, &self.upstream, &Fetches::default())
            .await
            .map_err(|error| error.to_string())?;
        let bearer = Authorization::Given(format!("Bearer {token}").into());
        let way = PlaneTransport::new(self.endpoint.clone(), &bearer, Arc::clone(&self.tls), self.timeout)?;
        let name = utf8_percent_encode(&self.settings.gateway, NON_ALPHANUMERIC);
        let target = format!("/gateways/{name}/token");
        let request = Request {
            method: "POST",
            target: &target,
            if_none_match: None,
            body: Some("{}"),
            patience: Duration::ZERO,
        };
        let response = way.send(request).await?;
        if response.status != 200 {
            let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let message =
                body.pointer("/error/message").and_then(|message| message.as_str()).unwrap_or_default();
            return Err(format!("the management plane answered the sign-in {}: {message}", response.status));
        }
        let unreadable =
            || "the management plane answered the sign-in with something else than a token".to_owned();
        let signed: SignedIn = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
        let secret = Token::parse(&signed.value).ok_or_else(unreadable)?.gateway_secret();
        let life = Duration::from_secs(u64::try_from(signed.expires_in).unwrap_or(0));
        Ok(Granted {
            authorization: format!("GatewayKey {}", signed.value).into(),
            secret,
            renew_after: (life / 2).max(RENEW_MIN),
        })
    }
}
