//! Lists with a filter: which records need to be looked at, and how without making an answer of each.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::filter::{Filter, Item, Literal, Operator, inner, member};
use super::{Call, shown};
use crate::contract::Kind;
use crate::tree::{By, Record, Tree, name_of, opened};

/// The records that can fit, where an index knows them; `None`: any may.
pub fn candidates(tree: &Tree, collection: &str, filter: &Filter) -> Option<Vec<Arc<Record>>> {
    match filter {
        Filter::And(one, other) => {
            candidates(tree, collection, one).or_else(|| candidates(tree, collection, other))
        }
        Filter::Compare { field, operator: Operator::Eq, literal: Literal::Text(text) } => {
            let [field] = field.as_slice() else { return None };
            let having = |by, value: &str| Some(tree.having(by, value).cloned().collect());
            match field.to_ascii_lowercase().as_str() {
                "name" => Some(tree.get(&format!("{collection}/{text}")).cloned().into_iter().collect()),
                _ if !collection.eq_ignore_ascii_case("subscriptions") => None,
                "ownerid" | "userid" => having(By::Owner, name_of(text)),
                "scope" => having(By::Opens, &opened(text)),
                "productid" => having(By::Opens, &format!("products/{}", name_of(text))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A record of a kind that is shown as it is kept, with the fields that its answer would have.
pub struct Kept<'a, 'c> {
    pub record: &'a Record,
    pub kind: &'a Kind,
    pub call: &'a Call<'c>,
}

impl Item for Kept<'_, '_> {
    fn field(&self, path: &[String]) -> Option<Cow<'_, Value>> {
        let (first, rest) = path.split_first()?;
        let is = |name: &&&str| name.eq_ignore_ascii_case(first);
        if first.eq_ignore_ascii_case("name") {
            return Some(Cow::Owned(self.record.name().into()));
        }
        if first.eq_ignore_ascii_case("id") {
            return Some(Cow::Owned(format!("{}/{}", self.call.service_id, self.record.path).into()));
        }
        if self.kind.secrets.iter().any(|secret| is(&secret)) {
            return None;
        }
        let found = member(&self.record.properties, first)
            .map(Cow::Borrowed)
            .or_else(|| self.kind.rules.derived(self.record, first).map(Cow::Owned))?;
        if self.kind.ids.iter().any(|id| is(&id))
            && let Some(id) = found.as_str()
        {
            return Some(Cow::Owned(shown::lengthened(id, &self.call.service_id).into()));
        }
        match found {
            Cow::Borrowed(whole) => inner(whole, rest).map(Cow::Borrowed),
            owned @ Cow::Owned(_) => Some(owned),
        }
    }
}
