//! What a call asks a language model.

use serde_json::Value;

use super::tokens::{Vocabulary, count_tokens};
use super::usage::array;

/// Tokens that an image is taken for (`policies.md` A 1.6).
const IMAGE_TOKENS: u64 = 1200;
/// Tokens that a chat message costs beside its texts, and those that every chat begins its answer with.
const MESSAGE_TOKENS: u64 = 3;

/// A request to a language model. Anything else reads as one that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    pub model: String,
    /// The answer is to be streamed.
    pub is_streaming: bool,
    /// All texts, in order, behind each other.
    text: String,
    messages: u64,
    images: u64,
}

impl Prompt {
    /// Reads the body of a request.
    pub fn read(body: &[u8]) -> Self {
        let Ok(document) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let mut prompt = Self {
            model: document.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
            is_streaming: document.get("stream").and_then(Value::as_bool).unwrap_or(false),
            ..Self::default()
        };
        for name in ["system", "systemInstruction", "instructions", "prompt", "input"] {
            document.get(name).into_iter().for_each(|content| prompt.add(content));
        }
        for name in ["messages", "contents"] {
            array(document.get(name)).for_each(|message| prompt.add_message(message));
        }
        if let Some(tools) = document.get("tools").filter(|tools| tools.is_array()) {
            prompt.text.push_str(&tools.to_string());
        }
        prompt
    }

    fn add_message(&mut self, message: &Value) {
        self.messages += 1;
        for name in ["role", "name", "content", "parts", "tool_calls"] {
            message.get(name).into_iter().for_each(|content| self.add(content));
        }
    }

    /// Texts and images of a text, a part, an item, or a list of them.
    fn add(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.text.push_str(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(part) => {
                let is_image = ["image_url", "inlineData", "inline_data", "source"]
                    .iter()
                    .any(|name| part.contains_key(*name));
                if is_image {
                    self.images += 1;
                    return;
                }
                for name in ["text", "content", "parts", "arguments", "output", "function", "name"] {
                    part.get(name).into_iter().for_each(|inner| self.add(inner));
                }
            }
            // Prompts may be lists of tokens; each is one.
            Value::Number(_) => self.text.push_str(" a"),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Whether it shows the model something that is no text.
    pub fn has_images(&self) -> bool {
        self.images > 0
    }

    /// About how many tokens it costs.
    pub fn tokens(&self) -> u64 {
        let chat = if self.messages > 0 { (self.messages + 1) * MESSAGE_TOKENS } else { 0 };
        count_tokens(&self.text, Vocabulary::of_model(&self.model)) + chat + self.images * IMAGE_TOKENS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(body: &str) -> u64 {
        Prompt::read(body.as_bytes()).tokens()
    }

    #[test]
    fn tokens_of_every_shape_of_request() {
        for (body, expected) in [
            (r#"{"prompt": "hello world"}"#, 2),
            (r#"{"prompt": ["hello", " world"]}"#, 2),
            (r#"{"prompt": [1, 2, 3]}"#, 3),
            (r#"{"input": "hello world", "model": "text-embedding-3-small"}"#, 2),
            (r#"{"messages": [{"role": "user", "content": "hello world"}]}"#, 9),
            (r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "hello world"}]}]}"#, 9),
            (
                r#"{"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:..."}}]}]}"#,
                1206,
            ),
            (r#"{"contents": [{"parts": [{"text": "hello world"}]}]}"#, 8),
            (
                r#"{"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello world"}]}]}"#,
                2,
            ),
            ("no JSON", 0),
            ("[]", 0),
            ("", 0),
        ] {
            assert_eq!(tokens(body), expected, "{body}");
        }
    }

    #[test]
    fn read_model_and_stream() {
        let prompt = Prompt::read(br#"{"model": "gpt-4o", "stream": true}"#);
        assert_eq!((prompt.model.as_str(), prompt.is_streaming), ("gpt-4o", true));
        assert!(!Prompt::read(br#"{"stream": "true"}"#).is_streaming);
    }
}
