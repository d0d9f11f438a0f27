//! The schema of a GraphQL service: by introspection, or a document in the schema definition language.

use gateway_specification::document::DOCUMENT_BYTES_MAX;
use gateway_specification::introspection;
use serde_json::{Value, json};

use super::super::{Call, download};
use crate::arm_error::ArmError;

/// The SDL behind an address.
pub async fn fetch(call: &Call<'_>, url: &str) -> Result<String, ArmError> {
    let question = json!({"query": introspection::QUERY, "operationName": "IntrospectionQuery"}).to_string();
    let answer = download::answer(call, url, &question).await;
    // As long as a definition may be: what is longer takes many times its size when it is read.
    let answer = answer.ok().filter(|text| text.len() <= DOCUMENT_BYTES_MAX);
    let schema = answer.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if let Some(schema) = schema.as_ref().and_then(|answer| answer.get("data")?.get("__schema")) {
        introspection::to_sdl(schema).map_err(|reason| {
            ArmError::field("value", format!("The introspection of '{url}' fails: {reason}."))
        })
    } else {
        let text = download::text(call, url).await?;
        if text.len() > DOCUMENT_BYTES_MAX {
            let message = format!("The schema at '{url}' is longer than {DOCUMENT_BYTES_MAX} bytes.");
            return Err(ArmError::field("value", message));
        }
        Ok(text)
    }
}
