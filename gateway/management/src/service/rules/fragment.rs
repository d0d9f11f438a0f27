//! Policy fragments.

use gateway_model::PolicyScope;
use serde_json::Value;

use super::policy::{check, kept_text, shown_text, written_text};
use super::{Fetching, Put, Rules};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, Tree, mention};

pub struct Fragment;

impl Rules for Fragment {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        written_text(properties, put.fetched);
        let scope = PolicyScope::Fragment(put.name(0).into());
        check(&put, &scope, properties)?;
        kept_text(properties);
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let users = tx.having(By::Attribute, &mention::attribute_value("fragment-id", record.name()));
        match users.iter().find(|user| user.name() == "policy") {
            Some(user) => {
                let message = format!("The fragment is included by '/{}'.", user.path);
                Err(ArmError::field("id", message))
            }
            None => Ok(()),
        }
    }

    fn shown(&self, _tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = shown_text(record, call);
        properties.insert("provisioningState".to_owned(), Value::from("Succeeded"));
        properties
    }

    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        super::policy::fetch(call, properties)
    }
}
