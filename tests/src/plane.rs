//! A management plane in this process, and calls of it.

use std::net::SocketAddr;
use std::path::Path;

use gateway::import::Importer;
use gateway::management::ManagementPlane;
use gateway::settings::{Given, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answer, Client};

/// The static token of every plane here: an administrator's.
pub const TOKEN: &str = "token-of-the-tests";
/// The service that a new store begins with.
pub const SERVICE: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/apim1";
/// The version that the SDKs of today send.
pub const API_VERSION: &str = "2024-05-01";

/// A running plane over a store of its own; stopped when dropped.
pub struct Plane {
    running: Option<ManagementPlane>,
    folder: TempDir,
}

/// An answer whose body is JSON, or nothing.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub body: Value,
    pub raw: Answer,
}

impl Reply {
    /// `error.code` of a refusal.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Message of the refusal, and of each of its details.
    pub fn messages(&self) -> String {
        let error = &self.body["error"];
        let details = error["details"].as_array().into_iter().flatten();
        let all = details.map(|detail| &detail["message"]).chain([&error["message"]]);
        all.filter_map(Value::as_str).collect::<Vec<_>>().join(" | ")
    }

    /// Names of the items of a list.
    pub fn names(&self) -> Vec<String> {
        let items = self.body["value"].as_array().into_iter().flatten();
        items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
    }
}

impl Plane {
    /// A plane with an empty store and further settings.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Some(running(folder.path(), settings));
        Self { running, folder }
    }

    /// The same store with a new process's memory.
    #[must_use]
    pub fn restarted(mut self, settings: &[(&str, &str)]) -> Self {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        self.running = Some(running(self.folder.path(), settings));
        self
    }

    /// Stops: the port refuses connections, and those that were open end.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }

    /// Starts what was stopped.
    pub fn resume(&mut self, settings: &[(&str, &str)]) {
        self.running = Some(running(self.folder.path(), settings));
    }

    /// The SQLite file.
    pub fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("gateway.db")
    }

    /// What writes folders into the service.
    pub fn importer(&self) -> Importer {
        self.running.as_ref().expect("a plane").importer()
    }

    /// Revision of the service: it rises with every change.
    pub fn revision(&self) -> u64 {
        self.running.as_ref().expect("a plane").revision()
    }

    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("a plane").address
    }

    /// `http://127.0.0.1:…`, or `https://localhost:…` where it speaks TLS.
    pub fn url(&self) -> String {
        match self.certificate().exists() {
            true => format!("https://localhost:{}", self.address().port()),
            false => format!("http://{}", self.address()),
        }
    }

    /// The certificate that it made for itself, where it speaks TLS.
    pub fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("gateway.db.crt")
    }

    /// A new principal: client id and secret.
    pub fn principal(&self, role: &str) -> (String, String) {
        let role = gateway_management::auth::Role::parse(role).expect("a role");
        let plane = &self.running.as_ref().expect("a plane").plane;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(plane.add_principal("of a test", role)).expect("a principal")
    }

    /// Gives a principal of another issuer a role.
    pub fn assign(&self, id: &str, role: &str) {
        let role = gateway_management::auth::Role::parse(role).expect("a role");
        let plane = &self.running.as_ref().expect("a plane").plane;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(plane.assign_role(id, "of a test", role)).expect("a role given");
    }

    /// A token by the token endpoint.
    pub fn token(&self, id: &str, secret: &str) -> Reply {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        self.send("POST", "/common/oauth2/v2.0/token", &[], form.as_bytes())
    }

    /// `Bearer …` of a new principal with a role.
    pub fn bearer(&self, role: &str) -> String {
        let (id, secret) = self.principal(role);
        let reply = self.token(&id, &secret);
        format!("Bearer {}", reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.body)))
    }

    /// A call by the administrator: a path below the service, or a whole one that begins with a slash. `Null` sends no
    /// body.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_with(method, path, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
    }

    /// The same with other fields, and without a token unless they hold one.
    pub fn call_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, &target(path), headers, &bytes)
    }

    /// Bytes to a target as it is.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut client = Client::connect(self.address());
        let host = self.address().to_string();
        let mut all = vec![("Host", host.as_str()), ("Content-Type", "application/json")];
        all.extend(headers);
        reply(client.request_with(method, target, &all, body))
    }

    /// A call that has to succeed.
    pub fn must(&self, method: &str, path: &str, body: &Value) -> Reply {
        let reply = self.call(method, path, body);
        assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.body);
        reply
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

/// The request target of a path: below the service unless it begins with a slash, with an api-version unless it has one.
pub fn target(path: &str) -> String {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{SERVICE}/{path}") };
    let path = path.trim_end_matches('/');
    if path.contains("api-version=") {
        return path.to_owned();
    }
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}api-version={API_VERSION}")
}

/// Takes an answer of a plane apart.
pub fn reply(raw: Answer) -> Reply {
    let body = if raw.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&raw.body).unwrap_or_else(|error| panic!("{error}: {}", raw.text()))
    };
    Reply { status: raw.status, etag: raw.header("etag").map(str::to_owned), body, raw }
}

fn running(folder: &Path, settings: &[(&str, &str)]) -> ManagementPlane {
    let store = folder.join("gateway.db");
    let fixed = [
        ("management.address", "127.0.0.1:0"),
        ("management.store", store.to_str().expect("a UTF-8 path")),
        ("management.auth.static-token", TOKEN),
    ];
    let given: Vec<_> = fixed
        .iter()
        .chain(settings)
        .map(|(name, value)| Given { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    let (settings, unknown) = Settings::from_given(&given).expect("good settings");
    assert!(unknown.is_empty(), "{unknown:?}");
    ManagementPlane::start(&settings.management, &settings.expressions, &settings.identity).expect("a plane")
}
