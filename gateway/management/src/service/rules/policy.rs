//! Policy documents: one a scope, refused when the gateway's own compiler refuses them.

use std::sync::Arc;

use gateway_model::{ApiId, Diagnostic, PolicyScope, ResourceSet};
use serde_json::Value;

use super::{Fetched, Fetching, Put, Rules, text};
use crate::arm_error::{ArmError, Detail};
use crate::mentions::{Mentions, NAMED};
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};

pub struct Policy;

/// What GET shows at the service while nothing was written there.
const DEFAULT: &str = "<policies>\r\n\t<inbound />\r\n\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>";

impl Rules for Policy {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if put.path.rsplit('/').next().is_none_or(|name| !name.eq_ignore_ascii_case("policy")) {
            return Err(ArmError::field("policyId", "The name of a policy must be 'policy'."));
        }
        written_text(properties, put.fetched);
        let scope = scope(put.path).ok_or_else(|| ArmError::not_found("Policy"))?;
        check(&put, &scope, properties)?;
        kept_text(properties);
        Ok(())
    }

    fn shown(&self, _tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        shown_text(record, call)
    }

    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        fetch(call, properties)
    }

    fn default(&self, path: &str) -> Option<Record> {
        let properties = Properties::from_iter([
            ("format".to_owned(), Value::from("xml")),
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
pub fn fetch<'a>(call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
    Box::pin(async move {
        let is_link = text(properties, "format").is_some_and(|format| {
            let format = format.to_ascii_lowercase();
            format.ends_with("-link")
        });
        if !is_link {
            return Ok(Fetched::Nothing);
        }
        let url = text(properties, "value").unwrap_or_default();
        crate::service::download::text(call, url).await.map(Fetched::Text)
    })
}

/// Leaves the text itself in `value`, and `xml` or `rawxml` in `format`.
pub fn written_text(properties: &mut Properties, fetched: &Fetched) {
    let format = text(properties, "format").unwrap_or("xml").to_ascii_lowercase();
    let format = format.trim_end_matches("-link").to_owned();
    if let Fetched::Text(fetched) = fetched {
        properties.insert("value".to_owned(), Value::String(fetched.clone()));
    }
    properties.insert("format".to_owned(), Value::String(format));
}

/// The text as it is kept: `xml` indented, `rawxml` as written. Places of findings are those of the text as written, so
/// this comes after the check.
pub fn kept_text(properties: &mut Properties) {
    if text(properties, "format") == Some("xml") {
        let value = text(properties, "value").unwrap_or_default();
        let kept = crate::service::policy_format::convert(value, "xml", "xml");
        properties.insert("value".to_owned(), Value::String(kept));
    }
}

/// In the format asked for; without `?format=`: `xml`, whose expressions are escaped.
pub fn shown_text(record: &Record, call: &Call<'_>) -> Properties {
    let mut properties = record.properties.clone();
    let wanted = match call.query.get("format") {
        Some(format) if format.eq_ignore_ascii_case("rawxml") => "rawxml",
        _ => "xml",
    };
    let format = record.text("format").unwrap_or("xml");
    if format != wanted {
        let kept = record.text("value").unwrap_or_default();
        let shown = crate::service::policy_format::convert(kept, format, wanted);
        properties.insert("value".to_owned(), Value::String(shown));
    }
    properties.insert("format".to_owned(), Value::from(wanted));
    properties
}

/// Compiles the document as the gateway would. Errors are told in the service's words, with their places.
pub fn check(put: &Put<'_, '_, '_>, scope: &PolicyScope, properties: &Properties) -> Result<(), ArmError> {
    let mut set = ResourceSet::default();
    let mut unreadable = Vec::new();
    let referred = referred(put.tx, properties);
    // An operation's policy speaks of its template.
    let operation = put.path.to_ascii_lowercase().contains("/operations/").then(|| {
        let above = put.path.rsplitn(3, '/').last().unwrap_or_default();
        put.tx.get(above)
    });
    for record in referred.into_iter().chain(operation.flatten()) {
        unreadable.extend(set.insert_document(&record.path, &record.properties).err());
    }
    unreadable.extend(set.insert_document(put.path, properties).err());
    let found = put.call.plane.check.policy(&set, scope);
    let errors = unreadable.iter().chain(&found).filter(|finding| finding.is_error());
    let details: Vec<Detail> = errors.map(detail).collect();
    if details.is_empty() { Ok(()) } else { Err(ArmError::validation(details)) }
}

/// The documents that a policy names, and those that they name; and the caches, which policies use without a name.
fn referred(tx: &Transaction<'_>, properties: &Properties) -> Vec<Arc<Record>> {
    let mut mentions = Mentions::of(properties);
    let mut rest: Vec<_> = NAMED
        .iter()
        .flat_map(|collection| tx.list(collection).into_iter().map(|record| (*collection, record)))
        .collect();
    let mut named = tx.list("caches");
    loop {
        // What an expression may name is found when it runs: the compiler has no use for it.
        mentions.is_dynamic = false;
        let (found, left) = rest
            .into_iter()
            .partition::<Vec<_>, _>(|(collection, record)| mentions.names_record(collection, record));
        if found.is_empty() {
            return named;
        }
        rest = left;
        for (_, record) in found {
            mentions.add(&Mentions::of(&record.properties));
            named.push(record);
        }
    }
}

/// A finding in the service's words: of the element that it is about, or of the text that is no XML.
fn detail(finding: &Diagnostic) -> Detail {
    let about = finding.message.strip_prefix("Error in element '");
    if finding.code == "xml" {
        let text = about.and_then(|rest| Some(rest.split_once(": ")?.1)).unwrap_or(&finding.message);
        return Detail::new("representation", format!("XML not well formed: {text}"));
    }
    let element = about.and_then(|rest| rest.split('\'').next()).unwrap_or("representation");
    Detail::new(element, finding.message.clone())
}
