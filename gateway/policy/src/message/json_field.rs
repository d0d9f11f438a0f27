//! JSON as the value of a field.

use std::fmt::Write;

/// The same JSON in visible ASCII: JSON can say all else by escapes, a field cannot (RFC 9110 §5.5).
pub fn ascii_json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        let mut units = [0; 2];
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_json_escapes_all_but_ascii() {
        let value = serde_json::json!({ "a": "é 😀\n" });
        assert_eq!(ascii_json(&value), r#"{"a":"\u00e9 \ud83d\ude00\n"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ascii_json(&value)).unwrap(), value);
    }
}
