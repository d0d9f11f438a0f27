//! Resources as expressions see them (`expressions.md` §2.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_expression::host;
use gateway_model::resource::{ProductState, UserIdentity};
use gateway_model::{Api, ApiId, Operation, Product, ProductId, ResourceSet, User, UserId};

pub fn api(api: &Api) -> host::Api {
    let names = api.subscription_key_parameter_names.clone().unwrap_or_default();
    host::Api {
        id: api.id.root().to_string(),
        name: api.display_name.clone(),
        path: api.path_trimmed().to_owned(),
        revision: api.revision().to_owned(),
        version: api.api_version.clone().unwrap_or_default(),
        is_current_revision: api.is_current(),
        protocols: api.protocols().iter().map(ToString::to_string).collect(),
        service_url: api.service_url.clone().unwrap_or_default(),
        key_header: names.header,
        key_query: names.query,
    }
}

pub fn operation(operation: &Operation) -> host::Operation {
    host::Operation {
        id: operation.id.to_string(),
        method: operation.method.clone(),
        name: operation.display_name.clone(),
        url_template: operation.url_template.clone(),
    }
}

pub fn product(set: &ResourceSet, product: &Product) -> Arc<host::Product> {
    let apis = set.apis_of(&product.id).filter_map(|id| set.apis.get(id)).map(api).collect();
    let groups = set
        .product_groups
        .values()
        .filter(|link| link.product == product.id)
        .map(|link| group(set, &link.group))
        .collect();
    Arc::new(host::Product {
        id: product.id.to_string(),
        name: product.display_name.clone(),
        apis,
        groups,
        approval_required: product.approval_required.unwrap_or(false),
        published: product.state == ProductState::Published,
        subscriptions_limit: product.subscriptions_limit.map(|limit| limit.min(i32::MAX as u32) as i32),
        subscription_required: product.subscription_required,
    })
}

fn group(set: &ResourceSet, id: &gateway_model::GroupId) -> host::Group {
    let name = set.groups.get(id).map_or_else(|| id.to_string(), |group| group.display_name.clone());
    host::Group { id: id.to_string(), name }
}

/// All users with the groups they are in.
pub fn users(set: &ResourceSet) -> BTreeMap<UserId, Arc<host::User>> {
    let mut groups: BTreeMap<&UserId, Vec<host::Group>> = BTreeMap::new();
    for link in set.group_users.values() {
        groups.entry(&link.user).or_default().push(group(set, &link.group));
    }
    let users = set.users.values();
    users.map(|own| (own.id.clone(), user(own, groups.remove(&own.id).unwrap_or_default()))).collect()
}

fn user(user: &User, groups: Vec<host::Group>) -> Arc<host::User> {
    Arc::new(host::User {
        id: user.id.to_string(),
        email: user.email.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        note: user.note.clone().unwrap_or_default(),
        groups,
        identities: user.identities.iter().map(identity).collect(),
        registration_ticks: user.registration_date.as_deref().and_then(host::ticks_of).unwrap_or_default(),
    })
}

fn identity(identity: &UserIdentity) -> host::Identity {
    host::Identity { id: identity.id.clone(), provider: identity.provider.clone() }
}

/// Products that hold an API, by name.
pub fn products_of(set: &ResourceSet, api: &ApiId) -> Vec<ProductId> {
    set.products_of(api).map(|product| product.id.clone()).collect()
}
