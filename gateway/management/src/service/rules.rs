//! What is special about each kind of resource: one file a kind.

pub mod api;
pub mod association;
pub mod backend;
pub mod cache;
pub mod certificate;
pub mod diagnostic;
pub mod fragment;
pub mod gateway;
pub mod group;
pub mod hostname;
pub mod logger;
pub mod named_value;
pub mod operation;
pub mod policy;
pub mod product;
pub mod reference;
pub mod release;
pub mod resolver;
pub mod schema;
pub mod sign_in;
pub mod subscription;
pub mod tag;
pub mod tag_description;
pub mod user;
pub mod version_set;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use super::Call;
use super::import::Imported;
use super::transaction::Transaction;
use crate::arm_error::ArmError;
use crate::tree::{Properties, Record, Tree};
use crate::vault;

/// What a kind fetched before the change is decided.
#[derive(Debug)]
pub enum Fetched {
    Nothing,
    /// A linked document.
    Text(String),
    /// A definition to be imported.
    Definition(Box<Imported>),
}

/// The secret that properties point to, where they point to one.
fn from_vault<'a>(call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
    Box::pin(async move {
        let secret = vault::read(call.plane, properties).await?;
        Ok(secret.map_or(Fetched::Nothing, Fetched::Text))
    })
}

/// Whether a list shows what may be kept in a key vault: with `isKeyVaultRefreshFailed=true`, what could not be read there.
fn is_listed_by_vault(record: &Record, call: &Call<'_>) -> bool {
    let wanted = call.query.get("isKeyVaultRefreshFailed");
    !wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case("true")) || vault::has_failed(record)
}

/// A future of [`Rules::fetch`].
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, ArmError>> + Send + 'a>>;

/// A write while it is decided.
pub struct Put<'a, 'tx, 'tree> {
    pub tx: &'tx mut Transaction<'tree>,
    pub call: &'a Call<'a>,
    /// Path below the service.
    pub path: &'a str,
    pub existing: Option<&'a Record>,
    pub fetched: &'a Fetched,
    pub is_patch: bool,
}

impl Put<'_, '_, '_> {
    /// The names in the path, outermost first: `apis/a/operations/b` → `a`, `b`.
    pub fn name(&self, index: usize) -> &str {
        self.path.split('/').nth(index * 2 + 1).unwrap_or_default()
    }
}

/// What differs from the plain way of a resource. Every method has the plain way as its default.
pub trait Rules: Sync {
    /// Completes and checks properties before they are kept; may write other resources as well.
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let _ = (put, properties);
        Ok(())
    }

    /// Refuses a deletion, or adds to it. What stands below is deleted in any case.
    fn delete(&self, tx: &mut Transaction<'_>, call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let _ = (tx, call, record);
        Ok(())
    }

    /// Properties as they are shown. Secrets are removed and ids made full afterwards.
    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let _ = (tree, call);
        record.properties.clone()
    }

    /// Whether [`Rules::shown`] changes nothing: then a filter is asked of the record, and no answer is made for it.
    fn is_shown_as_kept(&self) -> bool {
        false
    }

    /// A field that a filter may name and no answer has.
    fn derived(&self, record: &Record, field: &str) -> Option<Value> {
        let _ = (record, field);
        None
    }

    /// Fetches what properties point to, and reads what takes long, before anything is decided.
    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        let _ = (call, properties);
        Box::pin(async { Ok(Fetched::Nothing) })
    }

    /// What a GET finds where nothing was written.
    fn default(&self, path: &str) -> Option<Record> {
        let _ = path;
        None
    }

    /// Whether a list shows the record.
    fn is_listed(&self, record: &Record, tree: &Tree, call: &Call<'_>) -> bool {
        let _ = (record, tree, call);
        true
    }

    /// Whether it only links two resources: no GET, and HEAD answers 204.
    fn is_link(&self) -> bool {
        false
    }

    /// Whether a PATCH replaces an object whole instead of merging into it.
    fn replaces(&self, member: &str) -> bool {
        let _ = member;
        false
    }

    /// Whether PUT and PATCH answer with the secrets.
    fn shows_secrets_on_write(&self) -> bool {
        false
    }
}

/// Nothing special.
pub struct Plain;

impl Rules for Plain {}

/// Sets a member that is not there.
pub fn default_to(properties: &mut Properties, member: &str, value: impl Into<Value>) {
    if !properties.contains_key(member) {
        properties.insert(member.to_owned(), value.into());
    }
}

/// A member that is a text.
pub fn text<'p>(properties: &'p Properties, member: &str) -> Option<&'p str> {
    properties.get(member)?.as_str()
}

/// The path of a resource named by a short id (`/products/gold`), when it exists.
pub fn linked(tx: &Transaction<'_>, id: &str) -> Option<String> {
    let path = id.trim_matches('/');
    tx.get(path).map(|record| record.path.to_string())
}
