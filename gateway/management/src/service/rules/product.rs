//! Products.

use serde_json::Value;

use super::group::expanded;
use super::{Put, Rules, default_to};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, Tree};

pub struct Product;

impl Rules for Product {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        default_to(properties, "subscriptionRequired", true);
        default_to(properties, "state", "notPublished");
        if properties.get("subscriptionRequired") == Some(&Value::Bool(true)) {
            default_to(properties, "approvalRequired", false);
        } else {
            for member in ["approvalRequired", "subscriptionsLimit"] {
                if !matches!(properties.get(member), None | Some(Value::Bool(false))) {
                    let message = format!("'{member}' needs a product that requires a subscription.");
                    return Err(ArmError::field(member, message));
                }
            }
        }
        if put.existing.is_none() {
            put.tx.put(&format!("{}/groups/administrators", put.path), Properties::new());
        }
        Ok(())
    }

    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        if call.query.is_true("expandGroups") {
            let sees =
                |group: &Record| tree.get(&format!("{}/groups/{}", record.path, group.name())).is_some();
            properties.insert("groups".to_owned(), expanded(tree, sees));
        }
        properties
    }

    fn delete(&self, tx: &mut Transaction<'_>, call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let subscriptions = tx.having(By::Opens, &record.path);
        if subscriptions.is_empty() {
            return Ok(());
        }
        if !call.query.is_true("deleteSubscriptions") {
            let message =
                "The product has subscriptions. Delete them first, or say deleteSubscriptions=true.";
            return Err(ArmError::field("productId", message));
        }
        for subscription in subscriptions {
            tx.delete(&subscription.path);
        }
        Ok(())
    }
}
