//! Policy fragments.

use gateway_model::PolicyScope;
use serde_json::Value;

use super::policy::{check, kept_text, shown_text, written_text};
use super::{Fetching, Put, Rules};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};

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
        match references(&tx.below(""), record.name()).first() {
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

/// Policies that include a fragment.
pub fn references(records: &[std::sync::Arc<Record>], fragment: &str) -> Vec<std::sync::Arc<Record>> {
    let includes = |record: &Record| {
        let text = record.text("value").unwrap_or_default();
        text.match_indices("fragment-id").any(|(at, found)| {
            let rest = text.get(at + found.len()..).unwrap_or_default().trim_start();
            let value = rest.strip_prefix('=').map(str::trim_start).unwrap_or_default();
            let quoted = value.get(1..).unwrap_or_default();
            let id = quoted.split(['"', '\'']).next().unwrap_or_default();
            id.eq_ignore_ascii_case(fragment)
        })
    };
    records
        .iter()
        .filter(|record| record.name() == "policy" && includes(record))
        .map(std::sync::Arc::clone)
        .collect()
}
