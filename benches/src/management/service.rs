//! The service that is measured: its content, its store, and who may ask.

use std::path::{Path, PathBuf};

use anyhow::Context;
use gateway::management::open_plane;
use gateway::management::vault::Vaults;
use gateway::settings::Settings;
use gateway_management::{KeySource, Others, PlaneSettings, ServiceName};
use serde_json::{Map, Value, json};

/// APIs of a gateway.
pub const APIS_A_GATEWAY: usize = 100;
/// The static token of the plane.
pub const TOKEN: &str = "bench";
/// The service in the addresses of ARM.
pub const SERVICE: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg1/providers/\
                           Microsoft.ApiManagement/service/apim1";
/// API of the first half of the gateways.
pub const SHARED: &str = "shared";

/// How large it is.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Size {
    pub gateways: usize,
    pub apis: usize,
    pub subscriptions: usize,
}

/// A store on disk, and the tokens of the gateways in it.
pub struct Seeded {
    pub store: PathBuf,
    /// `Authorization` of each gateway.
    pub tokens: Vec<String>,
    /// Documents in the store.
    pub documents: usize,
}

/// The name of a gateway.
pub fn gateway(number: usize) -> String {
    format!("edge-{number:04}")
}

/// A policy whose answer is a text.
pub fn policy(text: &str) -> Value {
    json!({"format": "rawxml", "value": format!(
        "<policies><inbound><base /><set-header name=\"X-Bench\" exists-action=\"override\"><value>{text}</value></set-header>\
         <return-response><set-body>{text}</set-body></return-response></inbound><backend><base /></backend>\
         <outbound><base /></outbound><on-error><base /></on-error></policies>"
    )})
}

/// Writes the content into a new store of a folder, in one change.
pub async fn seed(folder: &Path, size: Size) -> anyhow::Result<Seeded> {
    let store = folder.join("gateway.db");
    let settings = PlaneSettings {
        store: store.to_str().context("a UTF-8 path")?.to_owned(),
        keys: KeySource::File(folder.join("gateway.db.key")),
        service: ServiceName {
            subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
            resource_group: "rg1".to_owned(),
            name: "apim1".to_owned(),
        },
    };
    let own = Settings::default();
    let vaults = Vaults::new(own.management.vault, own.identity, Vec::new());
    let plane = open_plane(&settings, &own.expressions, vaults, Vec::new()).await?;
    let service = plane.service(&settings.service).context("a service")?;
    let documents = documents(size);
    let taken = plane.take_over(&service, &documents, &Others::Keep, None).await;
    taken.map_err(|error| anyhow::anyhow!("{error}"))?;
    let token = |number| plane.own_token(&service, &gateway(number)).context("a gateway");
    let tokens = (0..size.gateways).map(token).collect::<anyhow::Result<_>>()?;
    Ok(Seeded { store, tokens, documents: documents.len() })
}

fn documents(size: Size) -> Vec<(String, Map<String, Value>)> {
    let mut all = Vec::new();
    let mut put = |path: String, properties: Value| {
        if let Value::Object(properties) = properties {
            all.push((path, properties));
        }
    };
    for number in 0..size.apis {
        api(&mut put, &api_name(number), number.is_multiple_of(10));
    }
    api(&mut put, SHARED, true);
    for number in 0..size.subscriptions {
        put(
            format!("subscriptions/sub-{number:06}"),
            json!({
                "displayName": format!("Subscription {number}"), "scope": format!("/apis/{}", api_name(number % size.apis)),
                "state": "active", "allowTracing": false,
            }),
        );
    }
    for number in 0..20 {
        let name = format!("value-{number}");
        put(format!("namedValues/{name}"), json!({"displayName": name, "value": "text", "secret": false}));
    }
    for number in 0..size.gateways {
        let name = gateway(number);
        put(format!("gateways/{name}"), json!({"locationData": {"name": "here"}}));
        for step in 0..APIS_A_GATEWAY {
            let api = api_name((number * APIS_A_GATEWAY + step) % size.apis);
            put(format!("gateways/{name}/apis/{api}"), json!({}));
        }
        if number < size.gateways / 2 {
            put(format!("gateways/{name}/apis/{SHARED}"), json!({}));
        }
    }
    all
}

fn api_name(number: usize) -> String {
    format!("api-{number:05}")
}

fn api(put: &mut impl FnMut(String, Value), name: &str, has_policy: bool) {
    put(
        format!("apis/{name}"),
        json!({
            "displayName": name, "path": name, "protocols": ["http", "https"], "subscriptionRequired": name != SHARED,
            "serviceUrl": "http://127.0.0.1:9", "apiRevision": "1", "type": "http",
        }),
    );
    put(
        format!("apis/{name}/operations/get-item"),
        json!({
            "displayName": "item", "method": "GET", "urlTemplate": "/items/{id}",
            "templateParameters": [{"name": "id", "type": "string", "required": true}],
        }),
    );
    if has_policy {
        put(format!("apis/{name}/policies/policy"), policy("first"));
    }
}
