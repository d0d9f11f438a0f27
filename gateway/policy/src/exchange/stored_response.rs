//! Responses in variables: what `send-request` keeps and `return-response` sends.

use bytes::Bytes;
use gateway_expression::{ResponseData, Value};

use crate::message::{Body, Response};

/// Fields that frame a message or name its connection; they are made anew where the response is sent.
const FRAMING: &[&str] = &["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"];

/// An `IResponse` for `context.Variables`; the body must have been buffered.
pub fn to_value(response: &Response) -> Value {
    Value::response(ResponseData {
        status: response.status,
        reason: response.reason_text().to_owned(),
        headers: response
            .headers
            .iter()
            .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
            .collect(),
        body: response.body.buffered().to_vec(),
    })
}

/// The response in a variable; `None` when it holds something else.
pub fn from_value(value: &Value) -> Option<Response> {
    let data = value.as_response()?;
    let mut response = Response::new(data.status);
    response.reason.clone_from(&data.reason);
    for (name, value) in &data.headers {
        if !FRAMING.iter().any(|framing| framing.eq_ignore_ascii_case(name)) {
            // It came off the wire, so it is valid; the size bound alone could refuse it.
            let _ = response.headers.append(name, value.as_bytes());
        }
    }
    response.body = Body::from(Bytes::copy_from_slice(&data.body));
    Some(response)
}
