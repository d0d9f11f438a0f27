//! GraphQL APIs: the schema, what a request asks, and who answers which field (`policies.md` §9, C §5).
//!
//! ```text
//! request ──► read, validate ──► fields with a resolver: data sources   ──► one response
//!                           └──► the others: the backend, if there is one ─┘
//! ```
//!
//! A *request error* ends the request: `errors`, no `data`, 400. A *field error* leaves a null and an entry in
//! `errors` (GraphQL specification, October 2021, §7.1).

mod backend;
mod depth;
mod execute;
mod node;
mod prune;
mod request;
mod schema;
mod source;
mod subscription;

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::{Body, Response};
use crate::policies::http_data_source::HttpDataSource;
use crate::ports::{ForwardOptions, Ports};

pub use depth::deeper_than;
pub use prune::prune as without_fields;
pub use request::{GraphQlRequest, Operation, RequestError, read as read_request};
pub use schema::{Finding, Schema};
pub use subscription::{Subscription, topic};

/// A GraphQL API, compiled.
#[derive(Debug)]
pub struct GraphQlApi {
    pub schema: Schema,
    /// Data sources by type and field.
    resolvers: FxHashMap<Box<str>, FxHashMap<Box<str>, Arc<HttpDataSource>>>,
}

/// The field that a data source answers, for `context.GraphQL`.
#[derive(Clone, Debug, Default)]
pub struct FieldContext {
    /// Arguments of the field, a JSON object.
    pub arguments: String,
    /// The object that the field belongs to, JSON; `{}` at the root.
    pub parent: String,
}

impl GraphQlApi {
    pub fn new(schema: Schema) -> Self {
        Self { schema, resolvers: FxHashMap::default() }
    }

    /// Lets a data source answer a field; the first of a field stays.
    pub fn resolve_by(&mut self, owner: &str, field: &str, source: Arc<HttpDataSource>) -> bool {
        match self.resolvers.entry(owner.into()).or_default().entry(field.into()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(source);
                true
            }
        }
    }

    fn resolver(&self, owner: &str, field: &str) -> Option<&Arc<HttpDataSource>> {
        self.resolvers.get(owner)?.get(field)
    }
}

/// `forward-request` of a GraphQL API: data sources where there are any, and the backend.
pub async fn forward(
    api: &GraphQlApi,
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<(), Fault> {
    if api.resolvers.is_empty() && exchange.graphql_errors.is_empty() {
        return crate::backend::forward(exchange, options, ports).await;
    }
    exchange.buffer_request(ports).await?;
    let answer = match request::read(exchange).and_then(|request| Operation::new(&api.schema, &request)) {
        Ok(operation) => execute::run(api, &operation, exchange, options, ports).await?,
        Err(error) => error.response(),
    };
    exchange.respond(answer);
    Ok(())
}

/// A response with a JSON body.
fn json_response(status: u16, body: Vec<u8>) -> Response {
    let mut response = Response::new(status);
    // The name and the value are our own tokens.
    let _ = response.headers.append("Content-Type", b"application/json");
    response.body = Body::from(bytes::Bytes::from(body));
    response
}
