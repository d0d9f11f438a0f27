//! Whole configurations from outside, in one change: a folder at the start of the plane, or one that is followed.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::arm_error::ArmError;
use crate::plane::{Author, Plane, Service};
use crate::service::rules::{default_to, gateway, subscription};
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

/// What becomes of resources that the configuration does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Others {
    /// They stay.
    Keep,
    /// They go.
    Remove {
        /// APIs that stay: their documents could not be read, and what runs goes on.
        except: HashSet<String>,
        /// Whether gateways and what is assigned to them go as well.
        with_gateways: bool,
    },
}

/// Collections that a configuration from outside stands for as a whole.
const OWNED: &[&str] = &[
    "apis",
    "apiversionsets",
    "backends",
    "caches",
    "certificates",
    "diagnostics",
    "loggers",
    "namedvalues",
    "policies",
    "policyfragments",
    "products",
    "schemas",
    "subscriptions",
    "tags",
];
/// Collections below APIs and products that it says nothing about.
const NOT_OWNED: &[&str] = &["releases", "wikis", "tagdescriptions"];

impl Plane {
    /// Writes documents as they are: whoever gives them has checked them. Keys that they leave out are kept, or made. A
    /// gateway that is named gets all their APIs.
    pub async fn take_over(
        &self,
        service: &Service,
        documents: &[(String, Properties)],
        others: &Others,
        gateway: Option<&str>,
    ) -> Result<(), ArmError> {
        let author = Author { principal: "system", operation: "Configuration_TakeOver" };
        self.write(service, author, |tx| {
            let mut all: HashMap<String, (String, Properties)> = documents
                .iter()
                .map(|(path, properties)| (path.to_ascii_lowercase(), (path.clone(), properties.clone())))
                .collect();
            if let Some(gateway) = gateway {
                assign(&mut all, gateway);
            }
            if let Others::Remove { except, with_gateways } = others {
                remove(tx, &all, except, *with_gateways);
            }
            for (path, mut properties) in all.into_values() {
                complete(tx, &path, &mut properties)?;
                tx.put(&path, properties);
            }
            Ok(())
        })
        .await
    }

    /// A token for a gateway in this process, which ends with it; `None` where there is no such gateway.
    pub fn own_token(&self, service: &Service, gateway: &str) -> Option<String> {
        let record = service.tree().get(&format!("gateways/{gateway}")).cloned()?;
        let expiry = jiff::Timestamp::new(crate::plane::now() + 10 * 365 * 24 * 3600, 0).ok()?;
        let token = crate::auth::gateway_token::sign(record.name(), expiry, record.text("primaryKey")?);
        Some(format!("GatewayKey {token}"))
    }
}

/// Gives a gateway all APIs.
fn assign(all: &mut HashMap<String, (String, Properties)>, gateway: &str) {
    let names: Vec<String> = all
        .values()
        .filter_map(|(path, _)| path.strip_prefix("apis/"))
        .filter(|name| !name.contains('/') && !name.contains(";rev="))
        .map(str::to_owned)
        .collect();
    let links = names.into_iter().map(|name| format!("gateways/{gateway}/apis/{name}"));
    for path in links.chain([format!("gateways/{gateway}")]) {
        all.entry(path.to_ascii_lowercase()).or_insert_with(|| (path, Properties::new()));
    }
}

fn remove(
    tx: &mut Transaction<'_>,
    all: &HashMap<String, (String, Properties)>,
    kept_apis: &HashSet<String>,
    with_gateways: bool,
) {
    for record in tx.below("") {
        let path = record.path.to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').collect();
        let of_api = |name: &str| kept_apis.contains(name.split(";rev=").next().unwrap_or(name));
        let is_kept = match segments.as_slice() {
            ["apis", name, ..] if of_api(name) => true,
            ["gateways" | "products", _, "apis", name] => of_api(name),
            ["gateways", ..] => !with_gateways,
            [_, _, below, ..] if NOT_OWNED.contains(below) => true,
            [kind, ..] => !OWNED.contains(kind) || path == subscription::MASTER,
            [] => true,
        };
        if !is_kept && !all.contains_key(&path) {
            tx.delete(&record.path);
        }
    }
}

/// Adds the keys that documents from outside may leave out.
fn complete(tx: &Transaction<'_>, path: &str, properties: &mut Properties) -> Result<(), ArmError> {
    let lower = path.to_ascii_lowercase();
    let segments: Vec<&str> = lower.split('/').collect();
    let known = tx.get(path);
    match segments.as_slice() {
        ["subscriptions", _] => {
            keys(known.as_deref(), properties, || Ok(subscription::new_key()))?;
            let created = known.as_ref().and_then(|known| known.text("createdDate")).map(str::to_owned);
            default_to(properties, "createdDate", created.unwrap_or_else(|| crate::service::time(tx.now())));
        }
        ["gateways", _] => {
            keys(known.as_deref(), properties, gateway::new_key)?;
            gateway::keep_called_in(known.as_deref(), properties);
        }
        ["apis", name] => default_to(properties, "displayName", (*name).to_owned()),
        _ => {}
    }
    Ok(())
}

fn keys(
    known: Option<&Record>,
    properties: &mut Properties,
    new: impl Fn() -> Result<String, ArmError>,
) -> Result<(), ArmError> {
    for member in ["primaryKey", "secondaryKey"] {
        if properties.contains_key(member) {
            continue;
        }
        let kept = known.and_then(|known| known.text(member)).map(str::to_owned);
        let key = match kept {
            Some(kept) => kept,
            None => new()?,
        };
        properties.insert(member.to_owned(), Value::String(key));
    }
    Ok(())
}
