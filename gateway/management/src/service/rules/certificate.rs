//! Certificates: the private key can never be read back.

use super::reference::{refuse_in_members, refuse_in_policies, used};
use super::{Fetched, Fetching, Put, Rules, from_vault, is_listed_by_vault, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};
use crate::vault;

pub struct Certificate;

impl Rules for Certificate {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if let Fetched::Text(secret) = put.fetched {
            vault::keep(put.path, properties, secret)?;
        }
        if text(properties, "data").is_none() {
            return Err(ArmError::field("data", "'data' must not be empty."));
        }
        put.call.plane.details(put.path, properties)
    }

    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        from_vault(call, properties)
    }

    fn is_listed(&self, record: &Record, _tree: &Tree, call: &Call<'_>) -> bool {
        is_listed_by_vault(record, call)
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        refuse_in_members(tx, record, "certificate")?;
        let authority = format!("certificateAuthorities/{}", record.name());
        let is_authority = |path: &str| {
            path.split_once('/')
                .and_then(|(_, rest)| rest.split_once('/'))
                .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(&authority))
        };
        if let Some(user) = tx.below("gateways").into_iter().find(|other| is_authority(&other.path)) {
            return Err(used("certificate", record.name(), &user));
        }
        refuse_in_policies(tx, "certificate-id", record.name(), "certificate")?;
        refuse_in_policies(tx, "thumbprint", record.text("thumbprint").unwrap_or("-"), "certificate")
    }
}
