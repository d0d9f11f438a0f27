//! A management plane with gateways, that can be stopped and started again at the same address.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use gateway::import::Importer;
use gateway_telemetry::rfc3339::Rfc3339;
use serde_json::{Value, json};

use crate::plane::Plane;

/// A plane and what gateways need of it.
pub struct Federation {
    plane: Plane,
    address: SocketAddr,
    settings: Vec<(String, String)>,
}

impl Federation {
    /// An empty service, at an address that stays free while the plane is stopped.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with further settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let text = address.to_string();
        let settings = [&[("management.address", text.as_str())], settings].concat();
        let owned = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { plane: Plane::start(&settings), address, settings: owned.collect() }
    }

    /// A new principal: client id and secret.
    pub fn principal(&self, role: &str) -> (String, String) {
        self.plane.principal(role)
    }

    /// Gives a principal of another issuer a role.
    pub fn assign(&self, id: &str, role: &str) {
        self.plane.assign(id, role);
    }

    /// Stops: its port refuses connections, and those that were open end.
    pub fn stop(&mut self) {
        self.plane.stop();
    }

    /// Starts what was stopped, with all that it was told.
    pub fn resume(&mut self) {
        let settings: Vec<_> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.plane.resume(&settings);
    }

    /// The SQLite file.
    pub fn store(&self) -> PathBuf {
        self.plane.store()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Value of `config.service.endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What writes folders into the service.
    pub fn importer(&self) -> Importer {
        self.plane.importer()
    }

    /// Revision of the service: it rises with every change.
    pub fn revision(&self) -> u64 {
        self.plane.revision()
    }

    /// A call of the service's interface: status and body.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let reply = self.plane.call(method, path, body);
        (reply.status, reply.body)
    }

    /// Writes a resource; panics where it is refused.
    pub fn put(&self, path: &str, properties: Value) {
        let (status, answer) = self.call("PUT", path, &json!({ "properties": properties }));
        assert!(matches!(status, 200 | 201), "PUT {path}: {status} {answer}");
    }

    /// Deletes a resource.
    pub fn delete(&self, path: &str) {
        let (status, answer) = self.call("DELETE", path, &Value::Null);
        assert!(matches!(status, 200 | 204), "DELETE {path}: {status} {answer}");
    }

    /// An API without subscription that forwards `GET /item`, on gateways.
    pub fn api(&self, name: &str, backend: &str, gateways: &[&str]) {
        self.put(
            &format!("apis/{name}"),
            json!({
                "displayName": name, "path": name, "protocols": ["http", "https"], "serviceUrl": backend,
                "subscriptionRequired": false,
            }),
        );
        self.put(
            &format!("apis/{name}/operations/item"),
            json!({"displayName": "item", "method": "GET", "urlTemplate": "/item", "templateParameters": []}),
        );
        for gateway in gateways {
            self.put(&format!("gateways/{gateway}/apis/{name}"), json!({}));
        }
    }

    /// A policy document from what stands in its inbound section.
    pub fn policy(&self, path: &str, inbound: &str) {
        let value = format!(
            "<policies><inbound><base />{inbound}</inbound><backend><base /></backend><outbound><base /></outbound>\
             <on-error><base /></on-error></policies>"
        );
        self.put(path, json!({"format": "rawxml", "value": value}));
    }

    /// A gateway resource; gives the value of `config.service.auth` for it.
    pub fn gateway(&self, name: &str) -> String {
        self.put(&format!("gateways/{name}"), json!({"locationData": {"name": "here"}}));
        self.token(name, "primary")
    }

    /// A token of a gateway, good for an hour.
    pub fn token(&self, gateway: &str, key: &str) -> String {
        self.token_until(gateway, key, SystemTime::now() + Duration::from_secs(3_600))
    }

    /// A token that is good until the minute of a time.
    pub fn token_until(&self, gateway: &str, key: &str, expiry: SystemTime) -> String {
        let expiry = Rfc3339 { time: expiry, digits: 0 }.to_string();
        let (status, answer) = self.call(
            "POST",
            &format!("gateways/{gateway}/generateToken"),
            &json!({"keyType": key, "expiry": expiry}),
        );
        assert_eq!(status, 200, "{answer}");
        format!("GatewayKey {}", answer["value"].as_str().expect("a token"))
    }

    /// Instances of a gateway, as the service shows them.
    pub fn instances(&self, gateway: &str) -> Vec<Value> {
        let (_, answer) = self.call("GET", &format!("gateways/{gateway}/instances"), &Value::Null);
        let instances = answer["value"].as_array().cloned().unwrap_or_default();
        instances.into_iter().map(|mut instance| instance["properties"].take()).collect()
    }
}
