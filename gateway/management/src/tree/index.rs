//! Where a value stands: what is asked of all records of a kind is found without reading them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use gateway_model::ResourceId;

use super::{Record, mention};

/// What records are found by. Values are compared without ASCII case, but for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A subscription by one of its keys.
    Key,
    /// A subscription by what it opens: `apis/x`, `products/y`, or nothing, which is everything.
    Opens,
    /// A subscription by its owner's name.
    Owner,
    /// A current API by its path.
    ApiPath,
    /// The link of a product to an API, by the API's name.
    HoldsApi,
    /// The link of a group to a user, by the user's name.
    Member,
    /// The link to a tag, or what is said of it at an API, by the tag's name.
    Tagged,
    /// What has `{{name}}` somewhere, by the name.
    NamedValue,
    /// A policy or fragment by what an attribute names: `backend-id=orders`.
    Attribute,
    /// What holds the id of a resource, by the id: `/loggers/x`.
    Id,
}

impl By {
    const ALL: [Self; 10] = [
        Self::Key,
        Self::Opens,
        Self::Owner,
        Self::ApiPath,
        Self::HoldsApi,
        Self::Member,
        Self::Tagged,
        Self::NamedValue,
        Self::Attribute,
        Self::Id,
    ];

    /// A value as it is compared.
    pub fn normal(self, value: &str) -> String {
        if self == Self::Key { value.to_owned() } else { value.to_ascii_lowercase() }
    }

    /// Whether a record is found by a value in its normal form.
    pub fn has(self, record: &Record, value: &str) -> bool {
        let path = record.path.to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').collect();
        self.values(record, &segments).iter().any(|own| own == value)
    }

    /// Values in their normal form; `path` is the record's, in lower case.
    fn values(self, record: &Record, path: &[&str]) -> Vec<String> {
        match (self, path) {
            (Self::Key, ["subscriptions", _]) => ["primaryKey", "secondaryKey"]
                .into_iter()
                .filter_map(|key| record.text(key))
                .map(str::to_owned)
                .collect(),
            (Self::Opens, ["subscriptions", _]) => vec![opens(record)],
            (Self::Owner, ["subscriptions", _]) => {
                let owner = record.text("ownerId").map(|id| name_of(id).to_ascii_lowercase());
                owner.into_iter().collect()
            }
            (Self::ApiPath, ["apis", name]) if !name.contains(";rev=") => vec![api_path(record.text("path"))],
            (Self::HoldsApi, ["products", _, "apis", name])
            | (Self::Member, ["groups", _, "users", name])
            | (Self::Tagged, [_, _, .., "tags" | "tagdescriptions", name]) => {
                vec![(*name).to_owned()]
            }
            // There are many subscriptions and users, and none that name anything else.
            (_, ["subscriptions" | "users", ..]) => Vec::new(),
            (Self::NamedValue, _) if mention::may_name_values(path) => {
                mention::named_values(&record.properties)
            }
            (Self::Attribute, _) if mention::is_policy(path) => {
                mention::attributes(record.text("value").unwrap_or_default())
            }
            (Self::Id, _) => mention::ids(&record.properties),
            _ => Vec::new(),
        }
    }
}

/// The last segment of an id.
pub fn name_of(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// What a subscription opens, as [`By::Opens`] has it.
pub fn opens(subscription: &Record) -> String {
    opened(subscription.text("scope").unwrap_or_default())
}

/// What the scope of a subscription opens, as [`By::Opens`] has it.
pub fn opened(scope: &str) -> String {
    match ResourceId::parse(scope) {
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
    let path = record.path.to_ascii_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    let mut places = Vec::new();
    for by in By::ALL {
        let values = by.values(record, &segments);
        places.extend(values.iter().map(|value| (by, hash(value), Arc::clone(&record.path))));
    }
    places
}

fn hash(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
