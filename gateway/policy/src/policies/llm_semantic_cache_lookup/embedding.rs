//! Texts as vectors, by an embeddings API of `OpenAI`'s form.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::backend::{Backend, Callee};
use crate::exchange::calls::Fetches;
use crate::ports::{Ports, TokenRequest};

/// What the token is for where the backend entity names no credentials.
const RESOURCE: &str = "https://cognitiveservices.azure.com";
/// Azure `OpenAI` wants a version in the query.
const VERSION: (&str, &str) = ("api-version", "2024-10-21");
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest vector.
const DIMENSIONS_MAX: usize = 16_384;

/// The vector of a text; the error tells why there is none.
pub async fn of(
    text: &str,
    entity: &Arc<Backend>,
    fetches: &Fetches,
    ports: &dyn Ports,
) -> Result<Arc<[f32]>, String> {
    let names_credentials = !entity.headers.is_empty() || !entity.query.is_empty();
    let token = TokenRequest { resource: RESOURCE.to_owned(), client_id: None };
    let callee = Callee::new(entity, (!names_credentials).then_some(&token), fetches, ports).await;
    let callee = callee.map_err(|fault| fault.error.message)?;
    let body = json!({ "input": text }).to_string();
    let version = entity.base.path.contains("/deployments/").then_some(VERSION);
    let answer = callee.send(callee.post("", version, body, TIMEOUT), &*ports.sender()).await;
    let answer = answer.map_err(|error| error.message)?;
    if answer.status != 200 {
        return Err(format!("The embeddings backend answered {}.", answer.status));
    }
    read(answer.body.buffered())
        .ok_or_else(|| "The embeddings backend's answer has no data[0].embedding.".to_owned())
}

fn read(body: &[u8]) -> Option<Arc<[f32]>> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let numbers = document.pointer("/data/0/embedding")?.as_array()?;
    if numbers.is_empty() || numbers.len() > DIMENSIONS_MAX {
        return None;
    }
    numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_vectors_and_nothing_else() {
        assert_eq!(read(br#"{"data": [{"embedding": [1, -0.5]}]}"#).as_deref(), Some(&[1.0, -0.5][..]));
        for body in [
            &br#"{"data": [{"embedding": []}]}"#[..],
            br#"{"data": [{"embedding": ["1"]}]}"#,
            br#"{"data": []}"#,
            b"null",
            b"x",
        ] {
            assert_eq!(read(body), None);
        }
        let long = format!(r#"{{"data": [{{"embedding": [{}1]}}]}}"#, "1,".repeat(DIMENSIONS_MAX));
        assert_eq!(read(long.as_bytes()), None);
    }
}
