//! Subscriptions of APIs that the gateway answers itself: what a client asks to be told, and the events it is told of.

use std::sync::Arc;

use apollo_compiler::response::{ExecutionResponse, JsonMap, JsonValue};
use serde_json::{Value, json};

use super::{GraphQlApi, GraphQlRequest, Operation, RequestError, execute};
use crate::exchange::Exchange;
use crate::ports::Ports;

/// One subscription of one client.
#[derive(Debug)]
pub struct Subscription {
    api: Arc<GraphQlApi>,
    operation: Operation,
    field: String,
}

/// The name under which the events of a subscription field are published.
pub fn topic(exchange: &Exchange, field: &str) -> String {
    let api = exchange.caller.api.as_ref().map_or("", |api| &api.id);
    format!("{api}\0{field}")
}

impl Subscription {
    /// Reads `payload`: `query`, `operationName`, `variables`. It must be a subscription to one field that has no
    /// resolver.
    pub fn new(api: &Arc<GraphQlApi>, payload: Value) -> Result<Self, RequestError> {
        let request = GraphQlRequest::of_json(payload)?;
        let operation = Operation::new(&api.schema, &request)?;
        let refuse = |text: &str| Err(RequestError::new(text));
        let Some(asked) = operation.get() else { return refuse("There is no operation.") };
        if !asked.is_subscription() {
            return refuse("Over WebSocket there are subscriptions only: queries and mutations go by POST.");
        }
        // Validation has seen to it that there is one field (GraphQL §5.2.3.1); it may stand in a fragment.
        let fields = asked.root_fields(&operation.document);
        let Some(field) = fields.map(|field| field.name.to_string()).next() else {
            return refuse("The subscription asks for nothing.");
        };
        if api.resolver(asked.object_type(), &field).is_some() {
            return refuse("The field has a resolver: it cannot be subscribed to.");
        }
        Ok(Self { api: Arc::clone(api), operation, field })
    }

    pub fn field(&self) -> &str {
        &self.field
    }

    /// What the client is sent of an event: `data`, and `errors` where there are any. Fields with resolvers are
    /// resolved, in the name of the caller of `exchange`.
    pub async fn tell(&self, event: &Value, exchange: &Exchange, ports: &dyn Ports) -> Value {
        let mut root = JsonMap::new();
        root.insert(self.field.as_str(), serde_json::from_value(event.clone()).unwrap_or_default());
        let root = Some(JsonValue::Object(root));
        match execute::resolve(&self.api, &self.operation, root, false, exchange, ports).await {
            Ok(ExecutionResponse { data, errors }) if errors.is_empty() => json!({ "data": data }),
            Ok(ExecutionResponse { data, errors }) => json!({ "errors": errors, "data": data }),
            Err(error) => json!({ "errors": error.errors }),
        }
    }
}
