//! Operations of APIs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Put, Rules, default_to, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

pub struct Operation;

impl Rules for Operation {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        for member in ["templateParameters", "responses"] {
            default_to(properties, member, json!([]));
        }
        check_template(properties)?;
        let same = |other: &Properties| {
            let member = |properties: &Properties, name| {
                text(properties, name).unwrap_or_default().to_ascii_lowercase()
            };
            member(other, "method") == member(properties, "method")
                && member(other, "urlTemplate") == member(properties, "urlTemplate")
        };
        let collection = put.path.rsplit_once('/').map_or("", |(collection, _)| collection);
        let other = put
            .tx
            .list(collection)
            .into_iter()
            .find(|other| !other.path.eq_ignore_ascii_case(put.path) && same(&other.properties));
        match other {
            Some(other) => {
                let message =
                    format!("The operation '{}' has the same method and URL template.", other.name());
                Err(ArmError::field("urlTemplate", message))
            }
            None => Ok(()),
        }
    }
}

/// Every `{x}` of the template has a parameter, and every parameter occurs in the template.
fn check_template(properties: &Properties) -> Result<(), ArmError> {
    let template = text(properties, "urlTemplate").unwrap_or_default();
    let in_template: BTreeSet<&str> = template
        .split('{')
        .skip(1)
        .filter_map(|part| Some(part.split_once('}')?.0.trim_start_matches('*')))
        .collect();
    let parameters: BTreeSet<&str> = properties
        .get("templateParameters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter.get("name")?.as_str())
        .map(|name| name.trim_start_matches('*'))
        .collect();
    if let Some(missing) = in_template.difference(&parameters).next() {
        let message = format!(
            "All template parameters used in the UriTemplate must be defined in the Operation; '{missing}' is not."
        );
        return Err(ArmError::field("templateParameters", message));
    }
    if let Some(unused) = parameters.difference(&in_template).next() {
        let message = format!("The template parameter '{unused}' does not occur in the URL template.");
        return Err(ArmError::field("templateParameters", message));
    }
    Ok(())
}
