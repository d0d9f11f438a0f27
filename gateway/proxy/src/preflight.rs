//! What policies answer before anything else runs: CORS preflight requests, by the `cors` policies in scope (`policies.md`
//! B 4.1), and requests for the policy file of `cross-domain` (B 4.3).

use std::sync::Arc;

use gateway_policy::exchange::Exchange;
use gateway_policy::fault::Fault;
use gateway_policy::message::{Method, Response};
use gateway_policy::pipeline::Pipeline;
use gateway_policy::policies::cors::Preflight;

use crate::snapshot::{ApiRoute, Snapshot};

/// The answer to such a request; `None` when the request is none, or the API has an OPTIONS operation of its own for it,
/// or no such policy is in scope.
pub fn answer(snapshot: &Snapshot, exchange: &Exchange) -> Option<Result<Response, Fault>> {
    if let Some(response) = snapshot.global.cross_domain(&exchange.original_url.path) {
        return Some(Ok(response));
    }
    let headers = &exchange.request.headers;
    if exchange.request.method != Method::Options || !headers.contains("Origin") {
        return None;
    }
    let found = snapshot.router.find(&exchange.original_url, headers)?;
    let (api, path) = (&**found.route, found.operation_path);
    let query = &exchange.original_url.query;
    if api.broken.is_some() || api.operations.find("OPTIONS", path, query).is_some() {
        return None;
    }
    let asked = headers.get_str("Access-Control-Request-Method").unwrap_or("GET");
    let pipeline = pipeline_for(api, asked, path, query);
    let mut in_scope = pipeline.cors().peekable();
    in_scope.peek()?;
    for cors in in_scope {
        match cors.preflight(exchange) {
            Ok(Preflight::Next) => {}
            Ok(Preflight::Answer(response)) => return Some(Ok(*response)),
            Err(fault) => return Some(Err(fault)),
        }
    }
    Some(Ok(Response::new(200)))
}

/// The policies of the operation that the browser wants to call. No key comes with a preflight, so only an open
/// product can be in scope.
fn pipeline_for(api: &ApiRoute, method: &str, path: &str, query: &str) -> Arc<Pipeline> {
    let pipelines = match api.operations.find(method, path, query) {
        Some(found) => &*found.operation.pipelines,
        None => &*api.pipelines,
    };
    match pipelines.open() {
        Some(open) => Arc::clone(&open.pipeline),
        None => Arc::clone(&pipelines.none),
    }
}
