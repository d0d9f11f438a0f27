//! The built-in steps before any policy (`policies.md` §4 steps 2–5): API, operation, subscription.

mod soap;

use std::borrow::Cow;
use std::sync::Arc;

use gateway_model::{ApiType, ProductId};
use gateway_policy::exchange::Exchange;
use gateway_policy::fault::{Fault, Section};
use gateway_policy::message::{Scheme, Url};
use gateway_policy::pipeline::Pipeline;
use gateway_telemetry::LabelId;

use crate::keys::Grant;
use crate::route::takes_scheme;
use crate::snapshot::{ApiRoute, OperationRoute, Pipelines, Snapshot};

/// Where a request may go.
pub struct Admission {
    pub pipeline: Arc<Pipeline>,
    pub label: LabelId,
}

/// A request that may not go on, and the `on-error` that sees it: of the scopes known so far.
pub struct Refusal {
    pub fault: Fault,
    /// `None` = the global scope's.
    pub pipeline: Option<Arc<Pipeline>>,
    pub label: LabelId,
}

/// Finds API and operation, checks the key, and fills in the exchange.
pub fn admit(
    snapshot: &Snapshot,
    exchange: &mut Exchange,
    scheme: Scheme,
) -> Result<Admission, Box<Refusal>> {
    let found = snapshot.router.find(&exchange.original_url, &exchange.request.headers);
    let Some(found) = found.filter(|found| takes_scheme(&found.route.protocols, scheme)) else {
        return Err(refusal(not_found(), None, LabelId::UNMATCHED));
    };
    let api = Arc::clone(found.route);
    let operation_path = found.operation_path.to_owned();
    exchange.caller.api = Some(Arc::clone(&api.info));
    if let Some(reason) = &api.broken {
        return Err(refusal(unavailable(reason), None, api.label));
    }
    exchange.backend.clone_from(&api.backend);
    let operation = match_operation(&api, &operation_path, exchange)?;
    exchange.request.url.path = if operation_path.is_empty() { "/".to_owned() } else { operation_path };
    exchange.upgrade &= matches!(api.api_type, ApiType::WebSocket | ApiType::GraphQl);
    exchange.backend_http2 = api.api_type == ApiType::Grpc;
    exchange.caller.graphql.clone_from(&api.graphql);
    authorize(snapshot, &api, &operation, exchange)
}

fn refusal(fault: Fault, pipeline: Option<Arc<Pipeline>>, label: LabelId) -> Box<Refusal> {
    Box::new(Refusal { fault, pipeline, label })
}

/// 404; a wrong method is one too, as in the service.
fn not_found() -> Fault {
    let mut fault = Fault::new(
        404,
        "Resource not found",
        "configuration",
        "OperationNotFound",
        "Unable to match incoming request to an operation.",
    );
    Section::Backend.as_str().clone_into(&mut fault.error.section);
    fault
}

fn unavailable(reason: &str) -> Fault {
    Fault::new(503, reason.to_owned(), "configuration", "ApiNotAvailable", reason)
}

fn match_operation(
    api: &ApiRoute,
    path: &str,
    exchange: &mut Exchange,
) -> Result<Arc<OperationRoute>, Box<Refusal>> {
    let method = exchange.request.method.as_str();
    let query = match api.api_type {
        ApiType::Soap => soap::query(&exchange.request),
        _ => Cow::Borrowed(exchange.request.url.query.as_str()),
    };
    match api.operations.find(method, path, &query) {
        Some(found) => {
            exchange.caller.operation = Some(Arc::clone(&found.operation.info));
            exchange.caller.operation_contract = Some(Arc::clone(&found.operation.contract));
            exchange.matched_parameters = found.parameters;
            Ok(Arc::clone(found.operation))
        }
        None => Err(refusal(not_found(), Some(Arc::clone(&api.pipelines.none)), api.label)),
    }
}

/// The key check (`policies.md` §6.6).
fn authorize(
    snapshot: &Snapshot,
    api: &ApiRoute,
    operation: &OperationRoute,
    exchange: &mut Exchange,
) -> Result<Admission, Box<Refusal>> {
    let pipelines = &*operation.pipelines;
    let key = presented_key(api, exchange);
    let Some(key) = key else {
        return match pipelines.open() {
            Some(open) => Ok(in_product(operation, &open.id, exchange)),
            None if !api.subscription_required => Ok(without_product(operation)),
            None => Err(refusal(
                key_missing(api, exchange),
                Some(Arc::clone(&pipelines.none)),
                operation.labels.none,
            )),
        };
    };
    let entry = snapshot.keys.find(key.as_bytes());
    let root = api.id.root();
    let Some((entry, grant)) = entry.and_then(|entry| Some((entry, entry.grant(&root, &api.products)?)))
    else {
        return Err(refusal(
            key_invalid(api, exchange),
            Some(Arc::clone(&pipelines.none)),
            operation.labels.none,
        ));
    };
    exchange.caller.subscription = Some(Arc::clone(&entry.subscription));
    exchange.caller.user.clone_from(&entry.user);
    drop_later_keys(&mut exchange.request.url.query, &api.info.key_query);
    exchange.caller.may_trace = entry.allow_tracing;
    Ok(match grant {
        Grant::Product(product) => in_product(operation, product, exchange),
        Grant::Api => without_product(operation),
    })
}

fn in_product(operation: &OperationRoute, product: &ProductId, exchange: &mut Exchange) -> Admission {
    let Pipelines { by_product, .. } = &*operation.pipelines;
    match by_product.iter().position(|entry| entry.id == *product) {
        Some(at) => {
            let entry = &by_product[at];
            exchange.caller.product = Some(Arc::clone(&entry.info));
            let label = operation.labels.by_product.get(at).copied().unwrap_or(operation.labels.none);
            Admission { pipeline: Arc::clone(&entry.pipeline), label }
        }
        None => without_product(operation),
    }
}

fn without_product(operation: &OperationRoute) -> Admission {
    Admission { pipeline: Arc::clone(&operation.pipelines.none), label: operation.labels.none }
}

/// The key of a request: the header; the query parameter only where the header is absent, the first of several.
fn presented_key<'a>(api: &ApiRoute, exchange: &'a Exchange) -> Option<Cow<'a, str>> {
    if let Some(value) = exchange.request.headers.get(&api.info.key_header) {
        return Some(String::from_utf8_lossy(value));
    }
    query_value(&exchange.original_url.query, &api.info.key_query)
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    if query.is_empty() {
        return None;
    }
    let (_, value) = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy())
}

/// Removes every key parameter but the first, which is the one that was looked at (P-10).
fn drop_later_keys(query: &mut String, name: &str) {
    let mut found = false;
    let is_key = |pair: &&str| pair.split('=').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
    if query.split('&').filter(is_key).count() < 2 {
        return;
    }
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !is_key(pair) || !std::mem::replace(&mut found, true)).collect();
    *query = kept.join("&");
}

fn key_missing(api: &ApiRoute, exchange: &Exchange) -> Fault {
    const TEXT: &str = "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.";
    Fault::new(401, TEXT, "authorization", "SubscriptionKeyNotFound", TEXT)
        .with_header("WWW-Authenticate", challenge(api, &exchange.original_url))
}

fn key_invalid(api: &ApiRoute, exchange: &Exchange) -> Fault {
    const TEXT: &str = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.";
    Fault::new(401, TEXT, "authorization", "SubscriptionKeyInvalid", TEXT)
        .with_header("WWW-Authenticate", challenge(api, &exchange.original_url))
}

fn challenge(api: &ApiRoute, url: &Url) -> String {
    format!(
        "AzureApiManagementKey realm=\"https://{}/{}\",name=\"{}\",type=\"header\"",
        url.authority(),
        api.info.path,
        api.info.key_header
    )
}
