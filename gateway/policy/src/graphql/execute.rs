//! Execution in rounds: the operation is walked with the answers known; fields that lack theirs are collected,
//! their data sources asked side by side, and the walk begins again, until none is missing.
//!
//! A walk costs microseconds where a data source costs a network call, and asks for all fields of a level at once.

use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{ExecutionResponse, JsonMap, JsonValue};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};

use super::node::{Answers, Node, Pending, Round};
use super::{GraphQlApi, Operation, RequestError, backend, json_response, source};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::Response;
use crate::ports::{ForwardOptions, Ports};

/// Data sources that one request may ask.
pub const SOURCES_MAX: usize = 256;
/// Of these side by side.
const PARALLEL_MAX: usize = 16;

/// Answers an operation. The response is the client's; a fault is one of the backend.
pub async fn run(
    api: &GraphQlApi,
    operation: &Operation,
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<Response, Fault> {
    let own = match backend::ask(api, operation, exchange, options, ports).await? {
        backend::Answer::Data { data, errors } => (data, errors),
        backend::Answer::Other(response) => return Ok(*response),
    };
    let (root, mut errors) = own;
    if operation.get().is_some_and(apollo_compiler::executable::Operation::is_subscription) {
        return Ok(RequestError::new("Subscriptions are served over WebSocket only.").response());
    }
    let is_aliased = root.is_some();
    match resolve(api, operation, root, is_aliased, exchange, ports).await {
        Ok(ExecutionResponse { data, errors: own_errors }) => {
            errors.extend(own_errors.iter().map(|error| json!(error)));
            errors.extend(std::mem::take(&mut exchange.graphql_errors));
            let mut body = serde_json::Map::new();
            if !errors.is_empty() {
                body.insert("errors".to_owned(), Value::Array(errors));
            }
            body.insert("data".to_owned(), json!(data));
            Ok(json_response(200, Value::Object(body).to_string().into_bytes()))
        }
        Err(error) => Ok(error.response()),
    }
}

/// Walks the operation over a root object, and asks the data sources of the fields that have one. `is_aliased`: the
/// root's members are named by response key.
pub async fn resolve(
    api: &GraphQlApi,
    operation: &Operation,
    root: Option<JsonValue>,
    is_aliased: bool,
    exchange: &Exchange,
    ports: &dyn Ports,
) -> Result<ExecutionResponse, RequestError> {
    let mut answers = Answers::default();
    let root = root.unwrap_or_else(|| JsonValue::Object(JsonMap::new()));
    loop {
        let (response, pending) = walk(api, operation, &root, is_aliased, &answers)?;
        if pending.is_empty() {
            return Ok(response);
        }
        if answers.len() + pending.len() > SOURCES_MAX {
            let text = format!("The request needs more than {SOURCES_MAX} data sources to be asked.");
            return Err(RequestError::new(text));
        }
        let asked = stream::iter(pending).map(|pending| ask(api, pending, exchange, ports));
        let found: Vec<_> = asked.buffer_unordered(PARALLEL_MAX).collect().await;
        answers.extend(found);
    }
}

/// One walk: the response so far, and the fields that miss in it.
fn walk(
    api: &GraphQlApi,
    operation: &Operation,
    root: &JsonValue,
    is_aliased: bool,
    answers: &Answers,
) -> Result<(ExecutionResponse, Vec<Pending>), RequestError> {
    let Some(asked) = operation.get() else { return Err(RequestError::new("There is no operation.")) };
    let round =
        Round { api, answers, one_by_one: asked.is_mutation(), pending: std::cell::RefCell::default() };
    let node = Node {
        round: &round,
        type_name: asked.object_type().to_string(),
        place: String::new(),
        value: root,
        is_aliased,
    };
    let response = Execution::new(&api.schema.0, &operation.document)
        .operation(asked)
        .coerced_variable_values(&operation.variables)
        .enable_schema_introspection(true)
        .execute_sync(&node)
        .map_err(|error| RequestError {
            errors: vec![json!(error.to_graphql_error(&operation.document.sources))],
        })?;
    drop(node);
    Ok((response, round.pending.into_inner()))
}

async fn ask(
    api: &GraphQlApi,
    pending: Pending,
    exchange: &Exchange,
    ports: &dyn Ports,
) -> (String, Result<JsonValue, String>) {
    let Pending { place, owner, field, context } = pending;
    let answer = match api.resolver(&owner, &field) {
        Some(resolver) => source::ask(resolver, context, exchange, ports)
            .await
            .map_err(|reason| format!("{owner}.{field}: {reason}")),
        None => Err(format!("{owner}.{field} has no resolver")),
    };
    (place, answer)
}
