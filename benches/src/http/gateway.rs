//! This gateway: a folder of APIs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::peer::{Place, Setup};
use crate::workload::{CALLS, KEYS, Policies, key_of};

/// Writes the folder; the arguments to start with.
pub fn configure(setup: &Setup<'_>, place: &Place) -> anyhow::Result<Vec<PathBuf>> {
    let folder = place.dir.join("folder");
    api(&folder, "shop", setup)?;
    match setup.policies {
        Policies::None => {}
        Policies::Some => {
            write(&folder.join("apis/shop/policy.xml"), &policy())?;
            for key in 0..KEYS {
                subscription(&folder, key)?;
            }
        }
        Policies::HundredApis => {
            for number in 1..100 {
                api(&folder, &format!("api-{number}"), setup)?;
            }
        }
    }
    let set = |name: &str, value: &dyn std::fmt::Display| format!("{name}={value}");
    let settings = [
        set("config.folder", &folder.display()),
        set("net.http.address", &format_args!("127.0.0.1:{}", place.http)),
        set("net.https.address", &format_args!("127.0.0.1:{}", place.https)),
        set("net.server.tls.certificates", &setup.certificate.dir.display()),
        set("admin.address", &"off"),
        set("workers", &1),
        set("datapath.mode", &"off"),
        set("telemetry.logs.std.level", &"warn"),
        set("shutdown.delay", &0),
        set("shutdown.timeout", &0),
    ];
    let flags =
        settings.into_iter().flat_map(|setting| ["--set".into(), PathBuf::from(OsString::from(setting))]);
    Ok(std::iter::once("run".into()).chain(flags).collect())
}

/// An API with one operation, forwarded to the backend.
fn api(folder: &Path, name: &str, setup: &Setup<'_>) -> anyhow::Result<()> {
    let information = json!({ "properties": {
        "displayName": name,
        "path": name,
        "protocols": ["http", "https"],
        "apiRevision": "1",
        "isCurrent": true,
        "subscriptionRequired": setup.policies == Policies::Some,
        "serviceUrl": format!("http://127.0.0.1:{}", setup.backend),
    }});
    let dir = folder.join("apis").join(name);
    write(&dir.join("apiInformation.json"), &information.to_string())?;
    write(&dir.join("specification.yaml"), SPECIFICATION)
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

fn subscription(folder: &Path, number: usize) -> anyhow::Result<()> {
    let name = format!("subscription-{number:04}");
    let information = json!({ "properties": {
        "displayName": name,
        "scope": "/apis/shop",
        "state": "active",
        "primaryKey": key_of(number),
        "secondaryKey": format!("{}-second", key_of(number)),
    }});
    write(
        &folder.join("subscriptions").join(name).join("subscriptionInformation.json"),
        &information.to_string(),
    )
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    Ok(fs::write(path, text)?)
}
