//! Tokens as a model's answer reports them.

use serde_json::Value;

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt: u64,
    pub completion: u64,
    pub total: u64,
}

/// Names of the two counts, prompt first, and of their sum: `OpenAI`'s chat completions, completions and embeddings;
/// `OpenAI`'s responses and Anthropic's messages; Google's Gemini.
const NAMES: &[[&str; 3]] = &[
    ["prompt_tokens", "completion_tokens", "total_tokens"],
    ["input_tokens", "output_tokens", "total_tokens"],
    ["promptTokenCount", "candidatesTokenCount", "totalTokenCount"],
];

impl Usage {
    /// The usage in an answer, or in one event of a streamed answer; `None` when it reports none.
    pub fn of(document: &Value) -> Option<Self> {
        let places = [
            document.get("usage"),
            document.get("usageMetadata"),
            document.pointer("/response/usage"),
            document.pointer("/message/usage"),
        ];
        places.into_iter().flatten().find_map(Self::read)
    }

    fn read(usage: &Value) -> Option<Self> {
        NAMES.iter().find_map(|[prompt, completion, total]| {
            let number = |name: &str| usage.get(name).and_then(Value::as_u64);
            if number(prompt).is_none() && number(completion).is_none() {
                return None;
            }
            let (prompt, completion) = (number(prompt).unwrap_or(0), number(completion).unwrap_or(0));
            Some(Self {
                prompt,
                completion,
                total: number(total).unwrap_or(prompt.saturating_add(completion)),
            })
        })
    }

    /// Both together: later events of a stream repeat what earlier ones said, or raise it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (prompt, completion) = (self.prompt.max(other.prompt), self.completion.max(other.completion));
        let total = self.total.max(other.total).max(prompt.saturating_add(completion));
        Self { prompt, completion, total }
    }
}

/// Appends the text that one event of a streamed answer adds to the completion.
pub fn completion_text(event: &Value, out: &mut String) {
    for choice in array(event.get("choices")) {
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        for text in
            [choice.get("text"), delta.get("content"), delta.get("refusal"), delta.get("reasoning_content")]
        {
            push(text, out);
        }
        for call in array(delta.get("tool_calls")) {
            push(call.pointer("/function/name"), out);
            push(call.pointer("/function/arguments"), out);
        }
    }
    // OpenAI's responses have the text itself in `delta`, Anthropic's messages an object.
    match event.get("delta") {
        Some(Value::String(text)) => out.push_str(text),
        Some(delta) => {
            push(delta.get("text"), out);
            push(delta.get("partial_json"), out);
        }
        None => {}
    }
    for candidate in array(event.get("candidates")) {
        for part in array(candidate.pointer("/content/parts")) {
            push(part.get("text"), out);
        }
    }
}

pub fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn push(value: Option<&Value>, out: &mut String) {
    if let Some(text) = value.and_then(Value::as_str) {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_every_shape_of_answer() {
        let five = Some(Usage { prompt: 3, completion: 2, total: 5 });
        for document in [
            json!({"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}),
            json!({"usage": {"input_tokens": 3, "output_tokens": 2}}),
            json!({"type": "response.completed", "response": {"usage": {"input_tokens": 3, "output_tokens": 2}}}),
            json!({"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 2}}}),
            json!({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}),
        ] {
            assert_eq!(Usage::of(&document), five, "{document}");
        }
        assert_eq!(Usage::of(&json!({"usage": null, "choices": []})), None);
        assert_eq!(Usage::of(&json!({"usage": {"prompt_tokens": -1, "completion_tokens": "x"}})), None);
        let embedding = json!({"usage": {"prompt_tokens": 8, "total_tokens": 8}});
        assert_eq!(Usage::of(&embedding), Some(Usage { prompt: 8, completion: 0, total: 8 }));
    }

    #[test]
    fn completion_text_of_every_shape_of_event() {
        for (event, expected) in [
            (json!({"choices": [{"delta": {"content": "ab"}}, {"delta": {"content": "c"}}]}), "abc"),
            (json!({"choices": [{"text": "abc"}]}), "abc"),
            (
                json!({"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]}),
                "f{}",
            ),
            (json!({"type": "response.output_text.delta", "delta": "abc"}), "abc"),
            (json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "abc"}}), "abc"),
            (json!({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "bc"}]}}]}), "abc"),
            (json!({"choices": [{"delta": {"content": 5}}, 7], "delta": null}), ""),
        ] {
            let mut text = String::new();
            completion_text(&event, &mut text);
            assert_eq!(text, expected, "{event}");
        }
    }
}
