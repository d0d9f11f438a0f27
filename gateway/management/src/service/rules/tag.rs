//! Tags, and tags on APIs, operations and products.

use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, Tree};

pub struct Tag;

impl Rules for Tag {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let name = text(properties, "displayName").unwrap_or_default();
        if name.is_empty() {
            return Err(ArmError::field("displayName", "'displayName' must not be empty."));
        }
        let is_taken = put.tx.list("tags").iter().any(|other| {
            !other.path.eq_ignore_ascii_case(put.path)
                && other.text("displayName").is_some_and(|taken| taken.eq_ignore_ascii_case(name))
        });
        if is_taken {
            let message = format!("Another tag has the display name '{name}'.");
            return Err(ArmError::field("displayName", message));
        }
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        for linked in tx.having(By::Tagged, record.name()) {
            tx.delete(&linked.path);
        }
        Ok(())
    }

    fn is_listed(&self, record: &Record, tree: &Tree, call: &Call<'_>) -> bool {
        // `scope=apis/orders`: tags of what stands there or below.
        let Some(scope) = call.query.get("scope").filter(|scope| !scope.trim_matches('/').is_empty()) else {
            return true;
        };
        let within = scope.trim_matches('/');
        let end = format!("/tags/{}", record.name().to_ascii_lowercase());
        let at = tree.get(within).map(|_| tree.below(within));
        let all = tree.list(within).flat_map(|one| tree.below(&one.path));
        at.into_iter().flatten().chain(all).any(|link| link.path.to_ascii_lowercase().ends_with(&end))
    }
}

pub struct TagLink;

impl Rules for TagLink {
    fn put(&self, put: Put<'_, '_, '_>, _properties: &mut Properties) -> Result<(), ArmError> {
        let name = put.path.rsplit('/').next().unwrap_or_default();
        match put.tx.get(&format!("tags/{name}")) {
            Some(_) => Ok(()),
            None => Err(ArmError::not_found("Tag")),
        }
    }

    fn shown(&self, tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        tree.get(&format!("tags/{}", record.name())).map(|tag| tag.properties.clone()).unwrap_or_default()
    }
}
