//! A folder of APIs for this gateway.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::workload::{CALLS, KEYS, Policies, key_of};

/// Writes the folder: API `shop`, and what `policies` says, forwarded to `backend` on the loopback address.
pub fn write(folder: &Path, backend: u16, policies: Policies) -> anyhow::Result<()> {
    api(folder, "shop", backend, policies)?;
    match policies {
        Policies::None => {}
        Policies::Some => {
            put(&folder.join("apis/shop/policy.xml"), &policy())?;
            for key in 0..KEYS {
                subscription(folder, key)?;
            }
        }
        Policies::Cached => put(&folder.join("apis/shop/policy.xml"), CACHED)?,
        Policies::Typical => {
            put(&folder.join("apis/shop/policy.xml"), &typical())?;
            subscription(folder, 0)?;
        }
        Policies::Token => put(&folder.join("apis/shop/policy.xml"), &token())?,
        Policies::HundredApis => {
            for number in 1..100 {
                api(folder, &format!("api-{number}"), backend, policies)?;
            }
        }
    }
    Ok(())
}

/// An API with one operation, forwarded to the backend.
fn api(folder: &Path, name: &str, backend: u16, policies: Policies) -> anyhow::Result<()> {
    let information = json!({ "properties": {
        "displayName": name,
        "path": name,
        "protocols": ["http", "https"],
        "apiRevision": "1",
        "isCurrent": true,
        "subscriptionRequired": matches!(policies, Policies::Some | Policies::Typical),
        "serviceUrl": format!("http://127.0.0.1:{}", backend),
    }});
    let dir = folder.join("apis").join(name);
    put(&dir.join("apiInformation.json"), &information.to_string())?;
    put(&dir.join("specification.yaml"), SPECIFICATION)
}

const SPECIFICATION: &str = "openapi: 3.0.3\ninfo: { title: Shop, version: \"1\" }\npaths:\n  /items/{id}:\n    get:\n      \
     operationId: get-item\n      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]\n      \
     responses: { \"200\": { description: the item } }\n";

fn policy() -> String {
    format!(
        "<policies>\n  <inbound>\n    <base />\n    \
         <rate-limit-by-key calls=\"{CALLS}\" renewal-period=\"60\" counter-key=\"@(context.Subscription.Id)\" />\n    \
         <rewrite-uri template=\"/v2/items/{{id}}\" />\n    \
         <set-header name=\"X-Gateway\" exists-action=\"override\"><value>bench</value></set-header>\n    \
         <set-header name=\"X-Remove\" exists-action=\"delete\" />\n  </inbound>\n  \
         <backend><base /></backend>\n  <outbound><base /></outbound>\n  <on-error><base /></on-error>\n</policies>\n"
    )
}

/// Where the issuer of [`Policies::Token`] is; nobody asks there.
pub const ISSUER: &str = "https://issuer.test";

const CACHED: &str = "<policies>\n  <inbound>\n    <base />\n    \
     <cache-lookup vary-by-developer=\"false\" vary-by-developer-groups=\"false\" />\n  </inbound>\n  \
     <backend><base /></backend>\n  <outbound>\n    <base />\n    <cache-store duration=\"3600\" />\n  </outbound>\n  \
     <on-error><base /></on-error>\n</policies>\n";

fn typical() -> String {
    inbound(&format!(
        "<rate-limit-by-key calls=\"{CALLS}\" renewal-period=\"60\" counter-key=\"@(context.Subscription.Id)\" />\n    \
         <set-header name=\"X-One\" exists-action=\"override\"><value>1</value></set-header>\n    \
         <set-header name=\"X-Two\" exists-action=\"override\"><value>@(context.Request.Method)</value></set-header>\n    \
         <choose><when condition=\"@(context.Request.Headers.GetValueOrDefault(\"Accept\", \"\") == \"text/none\")\">\
         <return-response /></when></choose>"
    ))
}

fn token() -> String {
    inbound(&format!(
        "<validate-jwt header-name=\"Authorization\"><openid-config url=\"{ISSUER}\" />\
         <audiences><audience>shop</audience></audiences></validate-jwt>"
    ))
}

fn inbound(statements: &str) -> String {
    format!(
        "<policies>\n  <inbound>\n    <base />\n    {statements}\n  </inbound>\n  <backend><base /></backend>\n  \
         <outbound><base /></outbound>\n  <on-error><base /></on-error>\n</policies>\n"
    )
}

fn subscription(folder: &Path, number: usize) -> anyhow::Result<()> {
    let name = format!("subscription-{number:04}");
    let information = json!({ "properties": {
        "displayName": name,
        "scope": "/apis/shop",
        "state": "active",
        "primaryKey": key_of(number),
        "secondaryKey": format!("{}-second", key_of(number)),
    }});
    put(
        &folder.join("subscriptions").join(name).join("subscriptionInformation.json"),
        &information.to_string(),
    )
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    Ok(fs::write(path, text)?)
}
