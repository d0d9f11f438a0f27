//! Links as resources of their own (`tags/{}/apiLinks`, `products/{}/apiLinks` …): another way of looking at the same
//! associations, which stand at `apis/{}/tags/{}` and `products/{}/apis/{}`. A link made the old way is called like what
//! it leads to.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::filter::Filter;
use super::super::{Answer, Call, Outcome, entity, list, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Properties, Record, Tree};

/// Member of an association that holds the name of its link.
const NAME: &str = "linkName";

/// A kind of link.
pub struct Link {
    /// Collection of links, with `{}` for the owner: `tags/{}/apiLinks`.
    collection: &'static str,
    /// Member that names what it leads to.
    member: &'static str,
    /// Kind of what it leads to.
    target: &'static str,
    /// Where the association stands below the target, or the target below the owner.
    below: Below,
    /// Words of the refusal of a second link.
    words: &'static str,
}

#[derive(Clone, Copy)]
enum Below {
    /// `{target}/tags/{owner}`.
    Target,
    /// `{owner}/{collection of the target}/{target}`.
    Owner,
}

pub const TAG_APIS: Link = Link {
    collection: "tags/{}/apiLinks",
    member: "apiId",
    target: "apis",
    below: Below::Target,
    words: "Tag and Api",
};
pub const TAG_OPERATIONS: Link = Link {
    collection: "tags/{}/operationLinks",
    member: "operationId",
    target: "apis/{}/operations",
    below: Below::Target,
    words: "Tag and Operation",
};
pub const TAG_PRODUCTS: Link = Link {
    collection: "tags/{}/productLinks",
    member: "productId",
    target: "products",
    below: Below::Target,
    words: "Tag and Product",
};
pub const PRODUCT_APIS: Link = Link {
    collection: "products/{}/apiLinks",
    member: "apiId",
    target: "apis",
    below: Below::Owner,
    words: "Product and Api",
};
pub const PRODUCT_GROUPS: Link = Link {
    collection: "products/{}/groupLinks",
    member: "groupId",
    target: "groups",
    below: Below::Owner,
    words: "Product and Group",
};

/// An association seen as a link.
struct Found {
    association: Arc<Record>,
    name: String,
    /// Path of the target.
    target: String,
}

impl Link {
    /// The association of an owner and a target.
    fn place(&self, owner: &str, target: &str) -> String {
        match self.below {
            Below::Target => format!("{target}/tags/{}", owner.rsplit('/').next().unwrap_or_default()),
            Below::Owner => format!("{owner}/{target}"),
        }
    }

    fn all(&self, tree: &Tree, owner: &str) -> Vec<Found> {
        let found = |association: &Arc<Record>, target: String| {
            let short = target.rsplit('/').next().unwrap_or_default();
            let name = association.text(NAME).unwrap_or(short).to_owned();
            Found { association: Arc::clone(association), name, target }
        };
        match self.below {
            Below::Owner => {
                let within = format!("{owner}/{}", self.target);
                let links = tree.list(&within);
                links.map(|link| found(link, format!("{}/{}", self.target, link.name()))).collect()
            }
            Below::Target => {
                let targets = self.targets(tree);
                let link_of = |target: &Arc<Record>| {
                    let association = tree.get(&self.place(owner, &target.path))?;
                    Some(found(association, target.path.to_string()))
                };
                targets.iter().filter_map(link_of).collect()
            }
        }
    }

    fn targets(&self, tree: &Tree) -> Vec<Arc<Record>> {
        match self.target.split_once("/{}/") {
            None => tree.list(self.target).cloned().collect(),
            Some((parents, children)) => tree
                .list(parents)
                .flat_map(|parent| tree.list(&format!("{}/{children}", parent.path)))
                .cloned()
                .collect(),
        }
    }

    fn shown(&self, call: &Call<'_>, owner: &str, found: &Found) -> Value {
        let (_, links) = self.collection.rsplit_once('/').unwrap_or_default();
        let kind = self.collection.replace("{}/", "");
        json!({
            "id": format!("{}/{owner}/{links}/{}", call.service_id, found.name),
            "type": format!("Microsoft.ApiManagement/service/{kind}"), "name": found.name,
            "properties": {self.member: format!("{}/{}", call.service_id, found.target)},
        })
    }
}

/// All links of an owner.
pub fn list(call: &Call<'_>, link: &Link) -> Outcome {
    let filter =
        call.query.get("$filter").map(|text| Filter::parse(text, call.operation.filter)).transpose()?;
    let tree = call.service.tree();
    let owner = entity::find(&tree, call.above(1))?;
    let items = link.all(&tree, &owner.path).into_iter().map(|found| link.shown(call, &owner.path, &found));
    let items = items.filter(|item| filter.as_ref().is_none_or(|filter| filter.accepts(item)));
    list::values_page(call, items.collect())
}

fn find(call: &Call<'_>, tree: &Tree, link: &Link) -> Result<(Arc<Record>, Option<Found>), ArmError> {
    let owner = entity::find(tree, call.above(2))?;
    let name = call.path.rsplit('/').next().unwrap_or_default();
    let found = link.all(tree, &owner.path).into_iter().find(|found| found.name.eq_ignore_ascii_case(name));
    Ok((owner, found))
}

/// One link.
pub fn get(call: &Call<'_>, link: &Link) -> Outcome {
    let tree = call.service.tree();
    let (owner, found) = find(call, &tree, link)?;
    let found = found.ok_or_else(|| ArmError::not_found("Link"))?;
    Ok(Answer::ok(link.shown(call, &owner.path, &found)).with_etag(found.association.version))
}

/// Makes a link; 409 when the two are linked under another name.
pub async fn put(call: &Call<'_>, link: &Link) -> Outcome {
    let name = call.path.rsplit('/').next().unwrap_or_default();
    gateway_model::check_name(name)
        .map_err(|error| ArmError::field("name", format!("The name '{name}' cannot be used: {error}.")))?;
    let mut properties = call.properties()?;
    shown::shorten(call, &mut properties, &[link.member])?;
    let target = properties.get(link.member).and_then(Value::as_str).unwrap_or_default();
    let target = target.trim_matches('/').to_owned();
    let (owner, known) = find(call, &call.service.tree(), link)?;
    let is_kind = Kind::of(&target).is_some_and(|kind| kind.collection == link.target);
    let refuse = || {
        let message = format!("'{}' names nothing that exists: '{target}'.", link.member);
        ArmError::field(link.member, message)
    };
    if !is_kind {
        return Err(refuse());
    }
    let place = link.place(&owner.path, &target);
    let (record, is_new) = call
        .plane
        .write(&call.service, call.author(), |tx| {
            if tx.get(&target).is_none() {
                return Err(refuse());
            }
            let existing = tx.get(&place);
            if let Some(existing) = &existing {
                let short = target.rsplit('/').next().unwrap_or_default();
                if existing.text(NAME).unwrap_or(short).eq_ignore_ascii_case(name) {
                    return Ok((Arc::clone(existing), false));
                }
                let message = format!("Link already exists between specified {}", link.words);
                return Err(ArmError::conflict(message));
            }
            if let Some(known) = &known {
                // The name leads to something else from now on.
                tx.delete(&known.association.path);
            }
            let properties = Properties::from_iter([(NAME.to_owned(), Value::from(name))]);
            Ok((tx.put(&place, properties), known.is_none()))
        })
        .await?;
    let found = Found { name: name.to_owned(), target, association: Arc::clone(&record) };
    Ok(Answer::new(
        if is_new { StatusCode::CREATED } else { StatusCode::OK },
        Some(record.version),
        Some(link.shown(call, &owner.path, &found)),
    ))
}

/// Removes a link.
pub async fn delete(call: &Call<'_>, link: &Link) -> Outcome {
    let found = find(call, &call.service.tree(), link)?.1;
    let Some(found) = found else { return Ok(Answer::no_content()) };
    call.plane
        .write(&call.service, call.author(), |tx| {
            tx.delete(&found.association.path);
            Ok(())
        })
        .await?;
    Ok(Answer::new(StatusCode::OK, None, None))
}
