//! The texts that a call sends to a language model, by who says them.

use serde_json::Value;

use super::usage::array;

/// One text and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// As written: `system`, `developer`, `user`, `assistant`, `tool`, `model`; empty where the call does not say.
    pub role: String,
    pub text: String,
}

impl Turn {
    /// Said by the application, not by its user.
    pub fn is_system(&self) -> bool {
        matches!(&*self.role, "system" | "developer")
    }
}

/// Everything that is said in a call, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialog(pub Vec<Turn>);

impl Dialog {
    /// Reads the body of a request; what is no call of a known shape says nothing.
    pub fn read(body: &[u8]) -> Self {
        let Ok(document) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let mut dialog = Self::default();
        for name in ["system", "systemInstruction", "instructions"] {
            document.get(name).into_iter().for_each(|content| dialog.say("system", content));
        }
        for name in ["messages", "contents"] {
            array(document.get(name)).for_each(|message| dialog.add(message));
        }
        document.get("prompt").into_iter().for_each(|prompt| dialog.say("user", prompt));
        match document.get("input") {
            Some(Value::Array(items)) => items.iter().for_each(|item| dialog.add(item)),
            Some(input) => dialog.say("user", input),
            None => {}
        }
        dialog
    }

    fn add(&mut self, message: &Value) {
        let role = message.get("role").and_then(Value::as_str).unwrap_or("user");
        let content = message.get("content").or_else(|| message.get("parts")).unwrap_or(message);
        self.say(role, content);
    }

    fn say(&mut self, role: &str, content: &Value) {
        let mut text = String::new();
        add_text(content, &mut text);
        if !text.is_empty() {
            self.0.push(Turn { role: role.to_owned(), text });
        }
    }

    /// All texts, a line each.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.0.iter().map(|turn| turn.text.as_str()).collect();
        texts.join("\n")
    }
}

/// The texts of a text, a part, or a list of them, a line each.
fn add_text(content: &Value, out: &mut String) {
    match content {
        Value::String(text) => {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(text);
        }
        Value::Array(items) => items.iter().for_each(|item| add_text(item, out)),
        Value::Object(part) => {
            let inner = ["text", "content", "parts"].iter().find_map(|name| part.get(*name));
            inner.into_iter().for_each(|inner| add_text(inner, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_every_shape_of_call() {
        for (body, expected) in [
            (
                r#"{"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}"#,
                "system:a user:b",
            ),
            (
                r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "b"}]}]}"#,
                "user:a\nb",
            ),
            (r#"{"system": "s", "messages": [{"role": "user", "content": "a"}]}"#, "system:s user:a"),
            (
                r#"{"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"role": "user", "parts": [{"text": "a"}]}]}"#,
                "system:s user:a",
            ),
            (r#"{"prompt": "a"}"#, "user:a"),
            (r#"{"prompt": ["a", "b"]}"#, "user:a\nb"),
            (r#"{"instructions": "s", "input": "a"}"#, "system:s user:a"),
            (
                r#"{"input": [{"role": "developer", "content": "s"}, {"role": "user", "content": [{"type": "input_text", "text": "a"}]}]}"#,
                "developer:s user:a",
            ),
            (r#"{"input": ["a", "b"]}"#, "user:a user:b"),
            (r#"{"messages": "x", "contents": 5, "input": null}"#, ""),
            ("no JSON", ""),
        ] {
            let turns = Dialog::read(body.as_bytes()).0;
            let turns: Vec<_> = turns.iter().map(|turn| format!("{}:{}", turn.role, turn.text)).collect();
            assert_eq!(turns.join(" "), expected, "{body}");
        }
    }
}
