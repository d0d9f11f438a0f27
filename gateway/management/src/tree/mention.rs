//! What records name in their texts, exactly: who must not be deleted for it. All names in lower case.

use gateway_model::ResourceId;
use serde_json::Value;

use super::Properties;

/// Attributes of policies that name a resource.
const ATTRIBUTES: &[&str] = &["fragment-id", "backend-id", "logger-id", "certificate-id", "thumbprint"];
/// Members that hold the ids of resources, somewhere inside.
const MEMBERS: &[&str] = &["certificateId", "credentials", "loggerId", "pool"];

/// Whether the document at a path is the XML of a policy or of a fragment.
pub fn is_policy(path: &[&str]) -> bool {
    matches!(path, [.., "policies", "policy"] | ["policyfragments", _])
}

/// Whether what stands at a path may use named values.
pub fn may_name_values(path: &[&str]) -> bool {
    is_policy(path) || matches!(path, ["loggers" | "backends", ..])
}

/// The names in `{{name}}`.
pub fn named_values(properties: &Properties) -> Vec<String> {
    let mut names = Vec::new();
    properties.values().for_each(|value| texts(value, &mut |text| braces(text, &mut names)));
    unique(names)
}

fn braces(text: &str, names: &mut Vec<String>) {
    let mut rest = text;
    while let Some((_, from)) = rest.split_once("{{") {
        rest = from;
        names.extend(from.split_once("}}").map(|(name, _)| name.trim().to_ascii_lowercase()));
    }
}

/// What attributes name literally, in either quotes and however spaced: `backend-id=orders`.
pub fn attributes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in ATTRIBUTES {
        for (at, _) in text.match_indices(attribute) {
            let rest = text.get(at + attribute.len()..).unwrap_or_default().trim_start();
            let value = rest.strip_prefix('=').map(str::trim_start).unwrap_or_default();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let Some(quote) = quote else { continue };
            let name = value.get(1..).unwrap_or_default().split(quote).next().unwrap_or_default();
            found.push(attribute_value(attribute, name.trim()));
        }
    }
    unique(found)
}

/// An attribute with its value, as [`attributes`] has it.
pub fn attribute_value(attribute: &str, name: &str) -> String {
    format!("{attribute}={name}").to_ascii_lowercase()
}

/// Ids of resources, short.
pub fn ids(properties: &Properties) -> Vec<String> {
    let mut found = Vec::new();
    for value in MEMBERS.iter().filter_map(|member| properties.get(*member)) {
        texts(value, &mut |text| {
            let id = ResourceId::parse(text).map(|id| id.to_string());
            found.push(id.unwrap_or_else(|_| text.to_owned()).to_ascii_lowercase());
        });
    }
    unique(found)
}

fn texts(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Value::Object(members) => members.values().for_each(|member| texts(member, visit)),
        _ => {}
    }
}

fn unique(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_are_read_in_either_quotes() {
        for (text, expected) in [
            (r#"<set-backend-service backend-id="b1" />"#, &["backend-id=b1"][..]),
            ("<set-backend-service backend-id = 'B1' />", &["backend-id=b1"]),
            (
                "<a backend-id=b1 fragment-id=\"f\" /><a backend-id=\"x\"/>",
                &["backend-id=x", "fragment-id=f"],
            ),
            ("backend-id", &[]),
        ] {
            assert_eq!(attributes(text), expected, "{text}");
        }
    }

    #[test]
    fn names_and_ids_are_found_inside() {
        let value = json!({
            "pool": {"services": [{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/n/backends/B"}]},
            "value": "{{ Key }} {{a {{b}} {{", "loggerId": "/loggers/L", "other": "/loggers/M",
        });
        let properties = value.as_object().cloned().unwrap_or_default();
        assert_eq!(named_values(&properties), ["a {{b", "b", "key"]);
        assert_eq!(ids(&properties), ["/backends/b", "/loggers/l"]);
    }
}
