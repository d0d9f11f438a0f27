//! YAML 1.2 of a JSON value: blocks, two blanks a level; texts in quotes where they could be read as something else.

use serde_json::Value;

/// The value as a YAML document.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(&mut out, value, 0, false),
        Value::Array(items) if !items.is_empty() => block(&mut out, value, 0, false),
        scalar => {
            push_scalar(&mut out, scalar);
            out.push('\n');
        }
    }
    out
}

/// Members or items, one a line. The first goes on the line that is begun when `inline`.
fn block(out: &mut String, value: &Value, depth: usize, inline: bool) {
    let indent = |out: &mut String, index: usize| {
        if index > 0 || !inline {
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    match value {
        Value::Object(members) => {
            for (index, (name, member)) in members.iter().enumerate() {
                indent(out, index);
                push_text(out, name);
                out.push(':');
                if is_block(member) {
                    out.push('\n');
                    block(out, member, depth + 1, false);
                } else {
                    out.push(' ');
                    push_scalar(out, member);
                    out.push('\n');
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                indent(out, index);
                out.push_str("- ");
                if is_block(item) {
                    block(out, item, depth + 1, true);
                } else {
                    push_scalar(out, item);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn push_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => push_text(out, text),
        // Numbers, truth values, null, `{}` and `[]` are the same in both.
        other => out.push_str(&other.to_string()),
    }
}

/// JSON's quotes are YAML's (YAML 1.2 §7.3.1).
fn push_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

/// Words, paths and the like, which no schema of YAML takes for anything else.
fn is_plain(text: &str) -> bool {
    const TAKEN: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"];
    let mut chars = text.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    starts
        && text.len() <= 120
        && chars.all(|c| c.is_ascii_alphanumeric() || "-_./ ".contains(c))
        && !text.ends_with(' ')
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::yaml;
    use crate::document::{Syntax, parse};

    #[test]
    fn yaml_is_written_in_blocks() {
        let value =
            json!({"a": {"b": [1, {"c": "x", "d": []}, ["y", "z"]], "e": {}}, "/p/{q}": "no", "f": "200"});
        let expected = "a:\n  b:\n    - 1\n    - c: x\n      d: []\n    - - \"y\"\n      - z\n  e: {}\n\"/p/{q}\": \"no\"\nf: \"200\"\n";
        assert_eq!(yaml(&value), expected);
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|it| json!(it)),
            any::<i32>().prop_map(|it| json!(it)),
            "[ -~\n\té]{0,12}".prop_map(|it| json!(it)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|it| json!(it)),
                prop::collection::btree_map("[ -~]{0,8}", inner, 0..4).prop_map(|it| json!(it)),
            ]
        })
    }

    proptest! {
        #[test]
        fn yaml_is_read_back_as_the_same(value in value()) {
            let text = yaml(&value);
            let document = parse(&text, &"f".into(), Syntax::Yaml).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
            prop_assert_eq!(document.root.to_json(), value, "{}", text);
        }
    }
}
