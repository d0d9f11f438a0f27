//! Tokens of another issuer (Entra, or any by OpenID Connect Discovery 1.0): its keys are fetched when one is not known.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;

use super::jwt::{Jwk, Jwt};
use super::{Principal, Refusal, Role};
use crate::plane::{Plane, now};

/// Keys are not asked for more often than this, whatever tokens come.
const REFRESH_MIN: Duration = Duration::from_secs(30);
/// Keys older than this are asked for again.
const REFRESH_MAX: Duration = Duration::from_hours(12);

/// A GET of a small JSON document.
pub type Getting<'a> = Pin<Box<dyn Future<Output = Result<Value, String>> + Send + 'a>>;

/// The way out of the plane: whoever wires it together gives it one.
pub trait JsonSource: Send + Sync {
    /// The document at an address.
    fn get<'a>(&'a self, url: &'a str) -> Getting<'a>;
}

/// The issuer.
pub struct Oidc {
    issuer: String,
    audiences: Vec<String>,
    source: Arc<dyn JsonSource>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    keys: Vec<Jwk>,
    asked: Option<Instant>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// Tokens whose `iss` is `issuer` and whose `aud` is one of `audiences`.
    pub fn new(issuer: &str, audiences: Vec<String>, source: Arc<dyn JsonSource>) -> Self {
        Self { issuer: issuer.to_owned(), audiences, source, keys: Mutex::default() }
    }

    /// The caller: by `oid`, else `sub`. The directory says the role, else the claim `roles`.
    pub async fn principal(&self, plane: &Plane, jwt: &Jwt<'_>) -> Result<Principal, Refusal> {
        // Everything that costs nothing first: keys are fetched for tokens that could be good only.
        let is_ours = jwt.text("iss") == Some(&self.issuer) && jwt.is_for(&self.audiences);
        if !is_ours || jwt.is_early(now()) {
            return Err(Refusal::Invalid);
        }
        let key = self.key(&jwt.kid).await.ok_or(Refusal::Invalid)?;
        if !jwt.is_signed_by(&key) {
            return Err(Refusal::Invalid);
        }
        if jwt.is_expired(now()) {
            return Err(Refusal::Expired);
        }
        let id = jwt.text("oid").or_else(|| jwt.text("sub")).ok_or(Refusal::Invalid)?;
        let known = plane.principal(id).map(|entry| entry.role);
        let claimed = || {
            let roles = jwt.claims.get("roles").and_then(Value::as_array)?;
            roles.iter().find_map(|role| Role::parse(role.as_str()?))
        };
        let role = known.or_else(claimed).unwrap_or(Role::None);
        Ok(Principal { id: id.to_owned(), role })
    }

    async fn key(&self, kid: &str) -> Option<Jwk> {
        let mut keys = self.keys.lock().await;
        let age = keys.asked.map(|asked| asked.elapsed());
        let known = keys.keys.iter().find(|key| key.kid == kid).cloned();
        let is_due = age.is_none_or(|age| age >= REFRESH_MAX || known.is_none() && age >= REFRESH_MIN);
        if !is_due {
            return known;
        }
        keys.asked = Some(Instant::now());
        match self.fetch().await {
            Ok(found) => keys.keys = found,
            // The last good keys stay.
            Err(reason) => tracing::warn!(
                event_type = "ManagementIssuer",
                issuer = self.issuer,
                reason,
                "the keys of the token issuer cannot be read"
            ),
        }
        keys.keys.iter().find(|key| key.kid == kid).cloned()
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let configuration = self.source.get(&address).await?;
        if configuration.get("issuer").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(format!("{address} names another issuer"));
        }
        let address = configuration.get("jwks_uri").and_then(Value::as_str).ok_or("it names no jwks_uri")?;
        if self.issuer.starts_with("https://") && !address.starts_with("https://") {
            return Err("its jwks_uri is not HTTPS".to_owned());
        }
        let set = self.source.get(address).await?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("its key set has no keys")?;
        Ok(keys.iter().filter_map(Jwk::parse).collect())
    }
}
