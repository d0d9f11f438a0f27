//! Named values and certificates that are kept in a key vault: read when they are written, on `refreshSecret`, and every four
//! hours. Source: management-api.md §1.16, self-hosted-gateway.md §4.7.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arm_error::ArmError;
use crate::plane::{Author, Plane, Service, now};
use crate::service::time;
use crate::tree::{Properties, Record};

/// Secrets are read again after so long at the latest.
const EVERY: Duration = Duration::from_hours(4);
/// Between two looks for those that nobody has read yet: a folder that was imported, a vault that was away.
const LOOK: Duration = Duration::from_mins(1);
/// Most characters of a named value.
const VALUE_CHARS_MAX: usize = 4096;
/// Code of a status that is no fault.
const SUCCESS: &str = "Success";

/// Why there is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultFault {
    /// The vault's own code, as `SecretNotFound` or `Forbidden`, or `KeyVaultUnavailable`.
    pub code: String,
    pub message: String,
}

/// A future of [`Vault::secret`].
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<String, VaultFault>> + Send + 'a>>;

/// The way to key vaults, with an identity that may read them: whoever wires the plane together gives it one.
pub trait Vault: Send + Sync {
    /// The value of a secret, `https://NAME.vault.azure.net/secrets/NAME[/VERSION]`, read as the application `client`, or as
    /// the plane itself.
    fn secret<'a>(&'a self, identifier: &'a str, client: Option<&'a str>) -> Reading<'a>;
}

/// Where a resource's secret is kept: identifier, client id.
fn place(properties: &Properties) -> Option<(String, Option<String>)> {
    let vault = properties.get("keyVault")?;
    let text = |member: &str| vault.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some((text("secretIdentifier")?.to_owned(), text("identityClientId").map(str::to_owned)))
}

/// The secret that properties point to; `None` where they point to none.
pub async fn read(plane: &Plane, properties: &Properties) -> Result<Option<String>, ArmError> {
    if properties.get("keyVault").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let target = "keyVault.secretIdentifier";
    let Some((identifier, client)) = place(properties) else {
        return Err(ArmError::field(target, "'secretIdentifier' must not be empty."));
    };
    match plane.vault.secret(&identifier, client.as_deref()).await {
        Ok(secret) => Ok(Some(secret)),
        Err(fault) => {
            let message =
                format!("The secret '{identifier}' cannot be read: {} ({}).", fault.message, fault.code);
            Err(ArmError::field(target, message))
        }
    }
}

/// Whether a resource is one of a collection.
fn is_within(collection: &str, path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(collection))
}

/// Puts a secret in its place: `value` of a named value, which becomes secret, `data` of a certificate.
pub fn keep(path: &str, properties: &mut Properties, secret: &str) -> Result<(), ArmError> {
    let is_value = is_within("namedValues", path);
    if is_value && secret.chars().count() > VALUE_CHARS_MAX {
        let message = format!("The secret has more than {VALUE_CHARS_MAX} characters.");
        return Err(ArmError::field("keyVault.secretIdentifier", message));
    }
    if is_value {
        properties.insert("secret".to_owned(), Value::Bool(true));
    } else {
        properties.shift_remove("password");
    }
    let member = if is_value { "value" } else { "data" };
    properties.insert(member.to_owned(), Value::from(secret));
    stamp(properties, SUCCESS, "");
    Ok(())
}

fn stamp(properties: &mut Properties, code: &str, message: &str) {
    if let Some(Value::Object(vault)) = properties.get_mut("keyVault") {
        let status = json!({"code": code, "message": message, "timeStampUtc": time(now())});
        vault.insert("lastStatus".to_owned(), status);
    }
}

fn code(properties: &Properties) -> Option<&str> {
    properties.get("keyVault")?.get("lastStatus")?.get("code")?.as_str()
}

/// Whether the last try to read a resource's secret has failed.
pub fn has_failed(record: &Record) -> bool {
    code(&record.properties).is_some_and(|code| code != SUCCESS)
}

/// Whether a resource's secret has never been read.
fn is_unread(record: &Record) -> bool {
    place(&record.properties).is_some()
        && ["value", "data"].iter().all(|member| record.text(member).is_none())
}

/// Reads a resource's secret again. What the vault refuses is told by `lastStatus`, and the old secret stays.
pub async fn refresh(
    plane: &Plane,
    service: &Service,
    author: Author<'_>,
    path: &str,
    details: impl Fn(&mut Properties) -> Result<(), ArmError>,
    is_asked: bool,
) -> Result<Arc<Record>, ArmError> {
    let known = service.tree().get(path).cloned().ok_or_else(|| ArmError::not_found("Resource"))?;
    let Some((identifier, client)) = place(&known.properties) else {
        let message = "It is not kept in a key vault: there is nothing to read again.";
        return Err(ArmError::field("keyVault", message));
    };
    let found = plane.vault.secret(&identifier, client.as_deref()).await;
    plane
        .write(service, author, |tx| {
            let known = tx.get(path).ok_or_else(|| ArmError::not_found("Resource"))?;
            let mut properties = known.properties.clone();
            let kept = match &found {
                Ok(secret) => keep(path, &mut properties, secret).and_then(|()| details(&mut properties)),
                Err(fault) => Err(ArmError::field(&fault.code, fault.message.clone())),
            };
            if let Err(error) = kept {
                properties = known.properties.clone();
                let code = found.as_ref().err().map_or("InvalidSecret", |fault| fault.code.as_str());
                let reason = error.details.first().map_or(error.message.as_str(), |detail| &detail.message);
                stamp(&mut properties, code, reason);
            }
            let member = |properties: &Properties, name: &str| properties.get(name).cloned();
            let is_same = ["value", "data"]
                .iter()
                .all(|name| member(&properties, name) == member(&known.properties, name))
                && code(&properties) == code(&known.properties);
            if is_same && !is_asked {
                return Ok(known);
            }
            Ok(tx.put(path, properties))
        })
        .await
}

impl Plane {
    /// Reads what is kept in key vaults again and again, for as long as the plane lives.
    pub async fn follow_vaults(self: Arc<Self>) {
        let mut read = std::time::Instant::now();
        loop {
            tokio::time::sleep(LOOK).await;
            let is_round = read.elapsed() >= EVERY;
            if is_round {
                read = std::time::Instant::now();
            }
            for service in self.services() {
                self.read_again(&service, is_round).await;
            }
        }
    }

    async fn read_again(&self, service: &Service, is_round: bool) {
        let due: Vec<String> = {
            let tree = service.tree();
            let all = tree.list("namedValues").chain(tree.list("certificates"));
            let is_due =
                |record: &&Arc<Record>| is_unread(record) || is_round && place(&record.properties).is_some();
            all.filter(is_due).map(|record| record.path.to_string()).collect()
        };
        for path in due {
            let author = Author { principal: "system", operation: "KeyVault_Refresh" };
            let details = |properties: &mut Properties| self.details(&path, properties);
            if let Err(error) = refresh(self, service, author, &path, details, false).await {
                tracing::warn!(
                    event_type = "KeyVaultRefresh",
                    path,
                    reason = error.message,
                    "a secret cannot be read"
                );
            }
        }
    }

    /// What is told of a certificate's new content.
    pub(crate) fn details(&self, path: &str, properties: &mut Properties) -> Result<(), ArmError> {
        if is_within("certificates", path) {
            let text = |member: &str| properties.get(member).and_then(Value::as_str).unwrap_or_default();
            let details = self.check.certificate(text("data"), text("password"));
            properties.extend(details.map_err(|message| ArmError::field("data", message))?);
        }
        Ok(())
    }
}
