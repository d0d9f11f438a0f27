//! A key vault and the token service in front of it, by their published interface (self-hosted-gateway.md §4.7).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::backend::{Backend, Recorded, Reply};

/// Secrets by name: value, or code of the refusal.
type Secrets = Arc<Mutex<BTreeMap<String, Result<String, (u16, &'static str)>>>>;

/// A vault `v` and the token service in front of it.
pub struct KeyVault {
    server: Backend,
    url: String,
    secrets: Secrets,
}

impl KeyVault {
    pub fn start() -> Self {
        let secrets = Secrets::default();
        let kept = Arc::clone(&secrets);
        let server = Backend::start(move |request| match request.method.as_str() {
            "POST" => token(request),
            _ => secret(request, &kept.lock().unwrap_or_else(PoisonError::into_inner)),
        });
        Self { url: server.url(), server, secrets }
    }

    /// Gives a secret a value, or lets it be refused with a status and a code.
    pub fn set(&self, name: &str, secret: Result<&str, (u16, &'static str)>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(name.to_owned(), secret.map(str::to_owned));
    }

    /// Requests that have come so far.
    pub fn asked(&self) -> usize {
        self.server.seen().len()
    }

    /// Settings of a plane that reads it.
    pub fn settings(&self) -> [(&str, &str); 6] {
        let url = self.url.as_str();
        [
            ("management.key-vault.endpoint", url),
            ("identity.source", "client"),
            ("azure.authority.host", url),
            ("azure.tenant.id", "contoso"),
            ("azure.client.id", "app-1"),
            ("azure.client.secret", "sesame"),
        ]
    }
}

fn error(status: u16, code: &str) -> Reply {
    let challenge =
        "Bearer authorization=\"https://login.example/contoso\", resource=\"https://vault.azure.net\"";
    let body = json!({"error": {"code": code, "message": format!("told by the vault: {code}")}}).to_string();
    Reply::with(status, &[("WWW-Authenticate", challenge)], &body)
}

fn token(request: &Recorded) -> Reply {
    let form = String::from_utf8_lossy(&request.body).into_owned();
    let is_good = request.target == "/contoso/oauth2/v2.0/token"
        && ["client_id=app-1", "client_secret=sesame", "grant_type=client_credentials"]
            .iter()
            .all(|part| form.contains(part))
        && form.contains("vault.azure.net%2F.default");
    match is_good {
        true => Reply::ok(r#"{"token_type":"Bearer","expires_in":3600,"access_token":"opens-the-vault"}"#),
        false => Reply::with(400, &[], r#"{"error":"invalid_client"}"#),
    }
}

fn secret(request: &Recorded, secrets: &BTreeMap<String, Result<String, (u16, &'static str)>>) -> Reply {
    if request.header("authorization") != Some("Bearer opens-the-vault") {
        return error(401, "Unauthorized");
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if query != "api-version=7.4" {
        return error(400, "BadParameter");
    }
    let name = path.strip_prefix("/v.vault.azure.net/secrets/").unwrap_or_default();
    match secrets.get(name) {
        None => error(404, "SecretNotFound"),
        Some(Err((status, code))) => error(*status, code),
        Some(Ok(value)) => {
            let id = format!("https://v.vault.azure.net/secrets/{name}/1");
            Reply::ok(&json!({"value": value, "id": id, "attributes": {"enabled": true}}).to_string())
        }
    }
}
