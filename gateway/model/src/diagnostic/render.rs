//! Findings as text for people, JSON for scripts, SARIF for code hosts.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::{Diagnostic, Severity, sort};

/// How to write a list of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One line each, then a line with the numbers.
    #[default]
    Text,
    /// One JSON array.
    Json,
    /// A SARIF 2.1.0 log.
    Sarif,
}

impl Format {
    /// Reads `text`, `json` or `sarif`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            "sarif" => Some(Self::Sarif),
            _ => None,
        }
    }
}

/// Writes findings sorted and without repeats; ends with a line feed.
pub fn render(diagnostics: &[Diagnostic], format: Format) -> String {
    let mut sorted = diagnostics.to_vec();
    sort(&mut sorted);
    match format {
        Format::Text => text(&sorted),
        Format::Json => pretty(&Value::Array(sorted.iter().map(object).collect())),
        Format::Sarif => pretty(&sarif(&sorted)),
    }
}

fn text(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{diagnostic}");
    }
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let _ = writeln!(
        out,
        "{}, {}",
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning")
    );
    out
}

fn object(diagnostic: &Diagnostic) -> Value {
    json!({
        "file": &*diagnostic.origin.file,
        "line": diagnostic.origin.line,
        "column": diagnostic.origin.column,
        "severity": diagnostic.severity.as_str(),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "resource": diagnostic.resource.as_ref().map(ToString::to_string),
        "api": diagnostic.api.as_ref().map(ToString::to_string),
    })
}

fn sarif(diagnostics: &[Diagnostic]) -> Value {
    let codes: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let rules: Vec<Value> = codes.iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> = diagnostics.iter().map(sarif_result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "gateway", "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(diagnostic: &Diagnostic) -> Value {
    let origin = &diagnostic.origin;
    json!({
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.as_str(),
        "message": { "text": diagnostic.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&origin.file) },
                "region": { "startLine": origin.line, "startColumn": origin.column },
            },
        }],
    })
}

/// A relative path as a URI reference (RFC 3986 §4.2): what is no path character is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn pretty(value: &Value) -> String {
    // `{:#}` of a JSON value is indented JSON and cannot fail.
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;

    fn sample() -> Vec<Diagnostic> {
        let late = Diagnostic::warning("late", Origin::new("named values/b.json", 2, 3), "second \"quoted\"");
        let early = Diagnostic::error("early", Origin::new("apis/a/policy.xml", 1, 2), "first")
            .on(crate::ResourceId::Api("a".into()));
        vec![late.clone(), early, late]
    }

    #[test]
    fn text_is_sorted_deduplicated_and_counted() {
        assert_eq!(
            render(&sample(), Format::Text),
            "apis/a/policy.xml:1:2: error[early]: first\n\
             named values/b.json:2:3: warning[late]: second \"quoted\"\n\
             1 error, 1 warning\n"
        );
        assert_eq!(render(&[], Format::Text), "0 errors, 0 warnings\n");
    }

    #[test]
    fn json_holds_every_member() {
        let value: Value = serde_json::from_str(&render(&sample(), Format::Json)).unwrap_or_default();
        assert_eq!(value.as_array().map(Vec::len), Some(2));
        assert_eq!(value.pointer("/0/api"), Some(&json!("a")));
        assert_eq!(value.pointer("/0/resource"), Some(&json!("/apis/a")));
        assert_eq!(value.pointer("/1/line"), Some(&json!(2)));
        assert_eq!(value.pointer("/1/api"), Some(&Value::Null));
    }

    #[test]
    fn sarif_names_rules_levels_and_places() {
        let value: Value = serde_json::from_str(&render(&sample(), Format::Sarif)).unwrap_or_default();
        assert_eq!(value.pointer("/version"), Some(&json!("2.1.0")));
        assert_eq!(value.pointer("/runs/0/tool/driver/rules/0/id"), Some(&json!("early")));
        assert_eq!(value.pointer("/runs/0/results/0/level"), Some(&json!("error")));
        let place = "/runs/0/results/1/locations/0/physicalLocation";
        assert_eq!(
            value.pointer(&format!("{place}/artifactLocation/uri")),
            Some(&json!("named%20values/b.json"))
        );
        assert_eq!(value.pointer(&format!("{place}/region/startColumn")), Some(&json!(3)));
    }
}
