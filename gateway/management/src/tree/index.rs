//! Where a value stands: what is asked of all records of a kind is found without reading them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use gateway_model::ResourceId;

use super::Record;

/// What records are found by. Values are compared without ASCII case, but for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A subscription by one of its keys.
    Key,
    /// A subscription by what it opens: `apis/x`, `products/y`, or nothing, which is everything.
    Opens,
    /// A current API by its path.
    ApiPath,
    /// The link of a product to an API, by the API's name.
    HoldsApi,
    /// The link of a group to a user, by the user's name.
    Member,
}

impl By {
    const ALL: [Self; 5] = [Self::Key, Self::Opens, Self::ApiPath, Self::HoldsApi, Self::Member];

    /// A value as it is compared.
    pub fn normal(self, value: &str) -> String {
        if self == Self::Key { value.to_owned() } else { value.to_ascii_lowercase() }
    }

    /// Whether a record is found by a value in its normal form.
    pub fn has(self, record: &Record, value: &str) -> bool {
        self.values(record).iter().any(|own| own == value)
    }

    fn values(self, record: &Record) -> Vec<String> {
        let path = record.path.to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').collect();
        match (self, segments.as_slice()) {
            (Self::Key, ["subscriptions", _]) => ["primaryKey", "secondaryKey"]
                .into_iter()
                .filter_map(|key| record.text(key))
                .map(str::to_owned)
                .collect(),
            (Self::Opens, ["subscriptions", _]) => vec![opens(record)],
            (Self::ApiPath, ["apis", name]) if !name.contains(";rev=") => vec![api_path(record.text("path"))],
            (Self::HoldsApi, ["products", _, "apis", name])
            | (Self::Member, ["groups", _, "users", name]) => {
                vec![(*name).to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// What a subscription opens, as [`By::Opens`] has it.
pub fn opens(subscription: &Record) -> String {
    match ResourceId::parse(subscription.text("scope").unwrap_or_default()) {
        Ok(ResourceId::Api(id)) => {
            let name = id.to_string().to_ascii_lowercase();
            format!("apis/{}", name.split(";rev=").next().unwrap_or_default())
        }
        Ok(ResourceId::Product(id)) => format!("products/{}", id.as_str().to_ascii_lowercase()),
        // Everything, or nothing that can be told apart from it.
        _ => String::new(),
    }
}

/// The path of an API, as [`By::ApiPath`] has it.
pub fn api_path(path: Option<&str>) -> String {
    path.unwrap_or_default().trim_matches('/').to_ascii_lowercase()
}

/// Paths by the hash of a value.
#[derive(Clone, Debug, Default)]
pub struct Index(BTreeSet<(By, u64, Arc<str>)>);

impl Index {
    pub fn add(&mut self, record: &Record) {
        self.0.extend(places(record));
    }

    pub fn remove(&mut self, record: &Record) {
        for place in places(record) {
            self.0.remove(&place);
        }
    }

    /// Paths of records that may have a value.
    pub fn paths<'i>(&'i self, by: By, value: &str) -> impl Iterator<Item = &'i str> + use<'i> {
        let hash = hash(value);
        let from = (by, hash, Arc::from(""));
        self.0
            .range(from..)
            .take_while(move |(found, at, _)| (*found, *at) == (by, hash))
            .map(|(_, _, path)| &**path)
    }
}

fn places(record: &Record) -> Vec<(By, u64, Arc<str>)> {
    let of =
        |by: By| by.values(record).into_iter().map(move |value| (by, hash(&value), Arc::clone(&record.path)));
    By::ALL.into_iter().flat_map(of).collect()
}

fn hash(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
