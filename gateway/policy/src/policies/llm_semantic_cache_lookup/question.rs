//! What a call asks a language model, as far as answers can be compared.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::exchange::Exchange;
use crate::llm::{Dialog, Prompt};

/// Longest text that is made into a vector, bytes: more than the models of embeddings take.
const TEXT_BYTES_MAX: usize = 128 << 10;
/// Members of a call that make up the dialog, or say who asks.
const DIALOG: &[&str] =
    &["messages", "input", "prompt", "system", "systemInstruction", "instructions", "contents", "user"];

/// A dialog, and what must be equal for its answer to be of use.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Hexadecimal digits.
    pub partition: String,
    pub text: String,
}

impl Question {
    /// Reads the request; `None` when it goes past the cache.
    pub fn read(
        exchange: &Exchange,
        ignore_system: bool,
        messages_max: usize,
        vary_by: &[String],
    ) -> Option<Self> {
        let body = exchange.request.body.buffered();
        let mut turns = Dialog::read(body).0;
        turns.retain(|turn| !(ignore_system && turn.is_system()));
        if turns.is_empty() || turns.len() > messages_max || Prompt::read(body).has_images() {
            return None;
        }
        // Who says something is part of what is said.
        let lines: Vec<_> = turns.iter().map(|turn| format!("{}: {}", turn.role, turn.text)).collect();
        let text = if let [only] = &turns[..] { only.text.clone() } else { lines.join("\n") };
        (text.len() <= TEXT_BYTES_MAX).then(|| Self { partition: partition(exchange, vary_by), text })
    }
}

/// A digest of all that keeps two calls apart whatever they mean.
fn partition(exchange: &Exchange, vary_by: &[String]) -> String {
    let caller = &exchange.caller;
    let mut rest = serde_json::from_slice::<Value>(exchange.request.body.buffered()).unwrap_or_default();
    if let Some(members) = rest.as_object_mut() {
        members.retain(|name, _| !DIALOG.contains(&name.as_str()));
    }
    rest.sort_all_objects();
    let (url, rest) = (&exchange.request.url, rest.to_string());
    let own = [
        caller.api.as_ref().map_or("", |api| &api.id),
        caller.operation.as_ref().map_or("", |operation| &operation.id),
        caller.product.as_ref().map_or("", |product| &product.id),
        &url.path,
        &rest,
    ];
    let mut key = String::new();
    for part in own.into_iter().chain(vary_by.iter().map(String::as_str)) {
        let _ = write!(key, "{}:{part}", part.len());
    }
    let mut partition = String::new();
    for byte in digest(&SHA256, key.as_bytes()).as_ref() {
        let _ = write!(partition, "{byte:02x}");
    }
    partition
}
