//! References between resources: links, scopes, pools, loggers.

use std::collections::BTreeMap;

use crate::arm_id::ResourceId;
use crate::diagnostic::Diagnostic;
use crate::id::{ApiId, GroupId, LoggerId, ProductId};
use crate::origin::Origin;
use crate::resource::{Backend, BackendType, Product, Resource, Subscription, SubscriptionScope};
use crate::set::ResourceSet;

pub(super) fn check(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    check_links(set, found);
    check_open_products(set, found);
    for product in set.products.values() {
        check_product(product, found);
    }
    for subscription in set.subscriptions.values() {
        check_subscription(set, subscription, found);
    }
    check_keys(set, found);
    for backend in set.backends.values() {
        check_backend(set, backend, found);
    }
    check_loggers(set, found);
}

fn missing(origin: &Origin, from: ResourceId, to: &ResourceId) -> Diagnostic {
    let message = format!("{} '{from}' names {} '{to}', which does not exist", from.kind(), to.kind());
    Diagnostic::error("reference-missing", origin.clone(), message).on(from)
}

fn check_links(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let has_api = |api: &ApiId| set.apis.contains_key(&api.root());
    for link in set.product_apis.values() {
        if !set.products.contains_key(&link.product) {
            found.push(missing(&link.origin, link.id(), &ResourceId::Product(link.product.clone())));
        }
        if !has_api(&link.api) {
            found.push(missing(&link.origin, link.id(), &ResourceId::Api(link.api.clone())));
        }
    }
    for link in set.product_groups.values().filter(|link| !has_group(set, &link.group)) {
        found.push(missing(&link.origin, link.id(), &ResourceId::Group(link.group.clone())));
    }
    for link in set.group_users.values() {
        if !has_group(set, &link.group) {
            found.push(missing(&link.origin, link.id(), &ResourceId::Group(link.group.clone())));
        }
        if !set.users.contains_key(&link.user) {
            found.push(missing(&link.origin, link.id(), &ResourceId::User(link.user.clone())));
        }
    }
    for link in set.gateway_apis.values().filter(|link| !has_api(&link.api)) {
        found.push(missing(&link.origin, link.id(), &ResourceId::Api(link.api.clone())));
    }
}

/// System groups are there without being written to a folder (management-api.md §4.1).
fn has_group(set: &ResourceSet, group: &GroupId) -> bool {
    const BUILT_IN: [&str; 3] = ["administrators", "developers", "guests"];
    BUILT_IN.iter().any(|name| group.as_str().eq_ignore_ascii_case(name)) || set.groups.contains_key(group)
}

/// At most one open product an API (policies.md §3): with two, the context of a call without key is undefined.
fn check_open_products(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut first_of: BTreeMap<&ApiId, &ProductId> = BTreeMap::new();
    for link in set.product_apis.values() {
        let open = set.products.get(&link.product).is_some_and(|product| !product.subscription_required);
        if !open {
            continue;
        }
        if let Some(first) = first_of.get(&link.api) {
            let message = format!(
                "API '{}' is in two open products, '{first}' and '{}'; calls without a key run in '{first}'",
                link.api, link.product
            );
            found.push(Diagnostic::warning("open-products", link.origin.clone(), message).on(link.id()));
        } else {
            first_of.insert(&link.api, &link.product);
        }
    }
}

fn check_product(product: &Product, found: &mut Vec<Diagnostic>) {
    if product.subscription_required {
        return;
    }
    let member = match (product.approval_required, product.subscriptions_limit) {
        (Some(true), _) => "approvalRequired",
        (_, Some(_)) => "subscriptionsLimit",
        _ => return,
    };
    let message = format!("{member} of product '{}' means nothing without subscriptionRequired", product.id);
    found.push(Diagnostic::warning("product-open", product.origin.clone(), message).on(product.id()));
}

fn check_subscription(set: &ResourceSet, subscription: &Subscription, found: &mut Vec<Diagnostic>) {
    let scope = match &subscription.scope {
        SubscriptionScope::Api(api) if !set.apis.contains_key(api) => ResourceId::Api(api.clone()),
        SubscriptionScope::Product(product) if !set.products.contains_key(product) => {
            ResourceId::Product(product.clone())
        }
        _ => return,
    };
    found.push(missing(&subscription.origin, subscription.id(), &scope));
}

/// Keys are unique in the service. The message never shows one.
fn check_keys(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    let mut owners: BTreeMap<&str, &Subscription> = BTreeMap::new();
    for subscription in set.subscriptions.values() {
        for key in [&subscription.primary_key, &subscription.secondary_key].into_iter().flatten() {
            let Some(first) = owners.insert(key.expose(), subscription) else { continue };
            let message = if first.id == subscription.id {
                format!("primary and secondary key of subscription '{}' are the same", subscription.id)
            } else {
                format!("subscriptions '{}' and '{}' have the same key", first.id, subscription.id)
            };
            found.push(
                Diagnostic::error("subscription-key-duplicate", subscription.origin.clone(), message)
                    .on(subscription.id()),
            );
        }
    }
}

fn check_backend(set: &ResourceSet, backend: &Backend, found: &mut Vec<Diagnostic>) {
    let mut report = |code, message: String| {
        found.push(Diagnostic::error(code, backend.origin.clone(), message).on(backend.id()));
    };
    let name = &backend.id;
    match &backend.backend_type {
        BackendType::Other(kind) => {
            report("backend-type", format!("backend '{name}' has unknown type '{kind}'"));
        }
        BackendType::Single => {
            if backend.url.trim().is_empty() && backend.properties.is_none() {
                report("backend-url", format!("backend '{name}' has no url"));
            }
        }
        BackendType::Pool => {
            let members = backend.pool.as_ref().map(|pool| pool.services.as_slice()).unwrap_or_default();
            if members.is_empty() {
                report("backend-pool-empty", format!("backend pool '{name}' has no members"));
            }
            for member in members {
                let target = member.backend().and_then(|id| set.backends.get(&id));
                match target {
                    None => report(
                        "backend-pool-member",
                        format!("backend pool '{name}' names backend '{}', which does not exist", member.id),
                    ),
                    Some(target) if target.is_pool() => report(
                        "backend-pool-member",
                        format!("backend pool '{name}' holds '{}', which is a pool itself", member.id),
                    ),
                    Some(_) => {}
                }
            }
        }
    }
}

fn check_loggers(set: &ResourceSet, found: &mut Vec<Diagnostic>) {
    for diagnostic in set.log_diagnostics.values() {
        let Some(written) = &diagnostic.logger_id else { continue };
        let logger = match ResourceId::parse(written) {
            Ok(ResourceId::Logger(id)) => id,
            _ => LoggerId::from(written.as_str()),
        };
        // Logging must not take an API out.
        if !set.loggers.contains_key(&logger) {
            let message =
                format!("diagnostic '{}' names logger '{written}', which does not exist", diagnostic.id);
            found.push(
                Diagnostic::warning("logger-missing", diagnostic.origin.clone(), message).on(diagnostic.id()),
            );
        }
    }
}
