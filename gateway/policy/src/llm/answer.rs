//! The text that a language model answers, where the answer is one document.

use serde_json::Value;

use super::usage::array;

/// All texts of the completion: `OpenAI`'s chat completions, completions and responses, Anthropic's messages, Gemini.
pub fn answer_text(document: &Value) -> String {
    let mut texts = Vec::new();
    for choice in array(document.get("choices")) {
        texts.extend(choice.get("text"));
        texts.extend(choice.pointer("/message/content"));
        texts.extend(choice.pointer("/message/refusal"));
    }
    for item in array(document.get("output")) {
        texts.extend(array(item.get("content")).filter_map(|part| part.get("text")));
    }
    texts.extend(array(document.get("content")).filter_map(|part| part.get("text")));
    for candidate in array(document.get("candidates")) {
        texts.extend(array(candidate.pointer("/content/parts")).filter_map(|part| part.get("text")));
    }
    let texts: Vec<&str> = texts.into_iter().filter_map(Value::as_str).collect();
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answer_text_of_every_shape_of_answer() {
        for document in [
            json!({"choices": [{"message": {"content": "a"}}, {"text": "b"}]}),
            json!({"output": [{"content": [{"type": "output_text", "text": "a"}, {"text": "b"}]}]}),
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            json!({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}}]}),
        ] {
            assert_eq!(answer_text(&document), "a\nb", "{document}");
        }
        assert_eq!(answer_text(&json!({"choices": {"message": 5}, "content": "x", "output": null})), "");
    }
}
