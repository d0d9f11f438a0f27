//! Asking the data source of one field: an exchange of its own, so that several can be under way at once.

use apollo_compiler::response::JsonValue;

use super::FieldContext;
use crate::exchange::Exchange;
use crate::message::Body;
use crate::policies::http_data_source::HttpDataSource;
use crate::ports::Ports;

/// The field's value, or what the client is told of the failure: the reason, without the detail.
pub async fn ask(
    source: &HttpDataSource,
    context: FieldContext,
    exchange: &Exchange,
    ports: &dyn Ports,
) -> Result<JsonValue, String> {
    let mut own = exchange.for_field(context);
    match source.run(&mut own, ports).await {
        Ok(()) => value_of(own.response.as_ref().map(|response| &response.body)),
        Err(fault) => {
            tracing::debug!(reason = %fault.error.reason, message = %fault.error.message, "resolver failed");
            Err(fault.error.reason)
        }
    }
}

/// JSON as what it is, any other text as a string, nothing as null.
fn value_of(body: Option<&Body>) -> Result<JsonValue, String> {
    let bytes = body.map(Body::buffered).unwrap_or_default();
    if bytes.is_empty() {
        return Ok(JsonValue::Null);
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(_) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(JsonValue::from(text)),
            Err(_) => Err("the data source's answer is no text".to_owned()),
        },
    }
}
