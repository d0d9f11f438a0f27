//! Principals of the plane: who may sign in by the token endpoint, and the role of everybody, in the store.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Role;
use crate::arm_error::ArmError;
use crate::plane::{Author, Plane, PlaneError};
use crate::seal::Sealer;
use crate::tree::Record;

/// A principal as the store has it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Client id, which is the object id as well; of another issuer's principal: its object id there.
    pub id: String,
    pub name: String,
    pub role: Role,
    /// SHA-256 of the client secret, base64; none: another issuer signs the principal in.
    secret: Option<String>,
}

impl Entry {
    fn of(record: &Record) -> Option<Self> {
        Some(Self {
            id: record.name().to_owned(),
            name: record.text("name")?.to_owned(),
            role: Role::parse(record.text("role")?)?,
            secret: record.text("secret").map(str::to_owned),
        })
    }

    /// Whether a text is the client secret, compared in constant time.
    pub fn has_secret(&self, text: &str) -> bool {
        let kept = self.secret.as_ref().and_then(|kept| STANDARD.decode(kept).ok());
        kept.is_some_and(|kept| {
            verify_slices_are_equal(&kept, digest(&SHA256, text.as_bytes()).as_ref()).is_ok()
        })
    }
}

/// What the commands and the token endpoint do with principals.
impl Plane {
    /// A principal by id.
    pub fn principal(&self, id: &str) -> Option<Entry> {
        self.directory.tree().get(&format!("principals/{id}")).and_then(|record| Entry::of(record))
    }

    /// All principals, by id.
    pub fn principals(&self) -> Vec<Entry> {
        self.directory.tree().list("principals").filter_map(|record| Entry::of(record)).collect()
    }

    /// Adds a principal with a client secret of its own; both ids and the secret, which is kept nowhere.
    pub async fn add_principal(&self, name: &str, role: Role) -> Result<(String, String), ArmError> {
        let secret = Sealer::new_key().map_err(|error| ArmError::internal(&error))?;
        // Of letters first: what begins with a dash is an option to every command line that it is pasted into.
        let secret = format!("gw{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = STANDARD.encode(digest(&SHA256, secret.as_bytes()));
        let id = uuid::Uuid::new_v4().to_string();
        self.put_principal(&id, json!({"name": name, "role": role.name(), "secret": hash})).await?;
        Ok((id, secret))
    }

    /// Gives a principal of another issuer, by its object id there, a role.
    pub async fn assign_role(&self, object: &str, name: &str, role: Role) -> Result<(), ArmError> {
        gateway_model::check_name(object)
            .map_err(|error| ArmError::field("id", format!("The id '{object}' cannot be used: {error}.")))?;
        self.put_principal(object, json!({"name": name, "role": role.name()})).await
    }

    async fn put_principal(&self, id: &str, properties: Value) -> Result<(), ArmError> {
        let author = Author { principal: "command", operation: "Principal_CreateOrUpdate" };
        let properties = properties.as_object().cloned().unwrap_or_default();
        self.write(&self.directory, author, |tx| {
            tx.put(&format!("principals/{id}"), properties.clone());
            Ok(())
        })
        .await
    }

    /// Removes a principal; its tokens are worth nothing from then on. Whether it was there.
    pub async fn remove_principal(&self, id: &str) -> Result<bool, ArmError> {
        let author = Author { principal: "command", operation: "Principal_Delete" };
        self.write(&self.directory, author, |tx| {
            let path = format!("principals/{id}");
            let existed = tx.get(&path).is_some();
            tx.delete(&path);
            Ok(existed)
        })
        .await
    }

    /// Takes over what commands and other nodes have changed in the directory.
    pub async fn refresh_directory(&self) -> Result<(), PlaneError> {
        self.catch_up(&self.directory).await
    }
}
