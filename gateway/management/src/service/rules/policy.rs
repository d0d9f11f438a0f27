//! Policy documents: one a scope, refused when the gateway's own compiler refuses them.

use gateway_model::{ApiId, PolicyScope, ResourceSet};
use serde_json::Value;

use super::{Fetched, Fetching, Put, Rules, text};
use crate::arm_error::{ArmError, Detail};
use crate::service::Call;
use crate::tree::{Properties, Record, Tree};

pub struct Policy;

/// What GET shows at the service while nothing was written there.
const DEFAULT: &str = "<policies>\r\n\t<inbound />\r\n\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>";

/// Collections that a policy may refer to.
const REFERRED: &[&str] =
    &["namedValues", "policyFragments", "backends", "loggers", "certificates", "schemas", "caches"];

impl Rules for Policy {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if put.path.rsplit('/').next().is_none_or(|name| !name.eq_ignore_ascii_case("policy")) {
            return Err(ArmError::field("policyId", "The name of a policy must be 'policy'."));
        }
        stored_text(properties, put.fetched)?;
        let scope = scope(put.path).ok_or_else(|| ArmError::not_found("Policy"))?;
        check(&put, &scope, properties)
    }

    fn shown(&self, _tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        shown_text(record, call)
    }

    fn fetch<'a>(&'a self, properties: &'a mut Properties) -> Fetching<'a> {
        fetch(properties)
    }

    fn default(&self, path: &str) -> Option<Record> {
        let properties = Properties::from_iter([
            ("format".to_owned(), Value::from("rawxml")),
            ("value".to_owned(), Value::from(DEFAULT)),
        ]);
        path.eq_ignore_ascii_case("policies/policy").then(|| Record {
            path: "policies/policy".into(),
            version: 0,
            created: 0,
            modified: 0,
            properties,
        })
    }
}

/// The scope of a document by its path.
pub fn scope(path: &str) -> Option<PolicyScope> {
    let segments: Vec<&str> = path.split('/').collect();
    Some(match segments.as_slice() {
        ["policies", _] => PolicyScope::Global,
        ["products", product, _, _] => PolicyScope::Product((*product).into()),
        ["apis", api, kind, _] if kind.eq_ignore_ascii_case("policies") => PolicyScope::Api((*api).into()),
        ["apis", api, kind, name, _, _] if kind.eq_ignore_ascii_case("operations") => {
            PolicyScope::Operation(ApiId::from(*api), (*name).into())
        }
        ["apis", api, kind, name, _, _] if kind.eq_ignore_ascii_case("resolvers") => {
            PolicyScope::Resolver(ApiId::from(*api), (*name).into())
        }
        _ => return None,
    })
}

/// Links are fetched before anything is decided.
pub fn fetch(properties: &mut Properties) -> Fetching<'_> {
    Box::pin(async move {
        let is_link = text(properties, "format").is_some_and(|format| format.ends_with("-link"));
        if !is_link {
            return Ok(None);
        }
        let url = text(properties, "value").unwrap_or_default();
        crate::service::download::text(url).await.map(Some)
    })
}

/// Leaves `value` and `format` as they are kept: the text itself, and `xml` or `rawxml`.
pub fn stored_text(properties: &mut Properties, fetched: &Fetched) -> Result<(), ArmError> {
    let format = text(properties, "format").unwrap_or("xml").to_ascii_lowercase();
    let format = format.trim_end_matches("-link").to_owned();
    if let Some(fetched) = fetched {
        properties.insert("value".to_owned(), Value::String(fetched.clone()));
    }
    properties.insert("format".to_owned(), Value::String(format));
    Ok(())
}

/// In the format asked for; without `?format=`: `xml`, whose expressions are escaped.
pub fn shown_text(record: &Record, call: &Call<'_>) -> Properties {
    let mut properties = record.properties.clone();
    let wanted = match call.query.get("format") {
        Some(format) if format.eq_ignore_ascii_case("rawxml") => "rawxml",
        _ => "xml",
    };
    let kept = record.text("value").unwrap_or_default();
    let shown = crate::service::policy_format::convert(kept, record.text("format").unwrap_or("xml"), wanted);
    properties.insert("value".to_owned(), Value::String(shown));
    properties.insert("format".to_owned(), Value::from(wanted));
    properties
}

/// Compiles the document as the gateway would. Errors are told in the service's words, with their places.
pub fn check(put: &Put<'_, '_, '_>, scope: &PolicyScope, properties: &Properties) -> Result<(), ArmError> {
    let mut set = ResourceSet::default();
    let mut unreadable = Vec::new();
    for record in REFERRED.iter().flat_map(|collection| put.tx.list(collection)) {
        unreadable.extend(set.insert_document(&record.path, &record.properties).err());
    }
    unreadable.extend(set.insert_document(put.path, properties).err());
    let found = put.call.plane.check.policy(&set, scope);
    let errors = unreadable.iter().chain(&found).filter(|finding| finding.is_error());
    let details: Vec<Detail> =
        errors.map(|finding| Detail::new(target(&finding.message), finding.message.clone())).collect();
    if details.is_empty() { Ok(()) } else { Err(ArmError::validation(details)) }
}

/// The element that a message is about; `representation` for XML that cannot be read.
fn target(message: &str) -> &str {
    message
        .strip_prefix("Error in element '")
        .and_then(|rest| rest.split('\'').next())
        .filter(|_| !message.contains("not well formed"))
        .unwrap_or("representation")
}
