//! The part of an operation that the backend answers.

use apollo_compiler::response::JsonValue;
use serde_json::{Value, json};

use super::prune::prune;
use super::{GraphQlApi, Operation};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::{Body, Method, Response};
use crate::ports::{ForwardOptions, Ports};

/// What the backend said.
pub enum Answer {
    /// `data`, and the entries of `errors`; no data where there is no backend to ask.
    Data { data: Option<JsonValue>, errors: Vec<Value> },
    /// No GraphQL response with data: it goes to the client as it is.
    Other(Box<Response>),
}

/// Asks the backend for the fields that have no resolver. Nothing is asked where there is no backend, or nothing
/// left to ask for.
pub async fn ask(
    api: &GraphQlApi,
    operation: &Operation,
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<Answer, Fault> {
    let nothing = Answer::Data { data: None, errors: Vec::new() };
    if exchange.backend.is_none() {
        return Ok(nothing);
    }
    let document = prune(&operation.document, &api.schema, &mut |owner, field| {
        api.resolver(owner, &field.name).is_some()
    });
    let Ok(asked) = document.operations.get(operation.name.as_deref()) else { return Ok(nothing) };
    if asked.selection_set.fields().all(|field| field.name.starts_with("__"))
        && asked.selection_set.fields().count() == asked.selection_set.selections.len()
    {
        return Ok(nothing);
    }
    let kept = operation.values_of(asked);
    let body = json!({ "query": document.to_string(), "operationName": operation.name, "variables": kept });
    exchange.request.method = Method::Post;
    exchange.request.url.query.clear();
    // Our own token.
    let _ = exchange.request.headers.set("Content-Type", b"application/json");
    exchange.set_request_body(Body::from(body.to_string()));
    crate::backend::forward(exchange, options, ports).await?;
    exchange.buffer_response(ports).await?;
    let response = exchange.response.take().unwrap_or_else(|| Response::new(200));
    Ok(read(response))
}

fn read(response: Response) -> Answer {
    match serde_json::from_slice::<Value>(response.body.buffered()) {
        Ok(Value::Object(mut members)) if members.get("data").is_some_and(Value::is_object) => {
            let data = members.remove("data").and_then(|data| serde_json::from_value(data).ok());
            let errors = match members.remove("errors") {
                Some(Value::Array(errors)) => errors,
                _ => Vec::new(),
            };
            Answer::Data { data, errors }
        }
        _ => Answer::Other(Box::new(response)),
    }
}
