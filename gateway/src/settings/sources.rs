//! Where settings come from.

use std::path::Path;

use super::SETTINGS;

/// A setting as a source gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub name: String,
    pub value: String,
}

/// What `--set` and flags give, as they came.
pub fn from_command_line(
    assignments: &[String],
    flags: &[(&str, Option<String>)],
) -> Result<Vec<Given>, String> {
    let mut given = Vec::new();
    for assignment in assignments {
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| format!("--set {assignment:?}: NAME=VALUE is expected"))?;
        given.push(Given { name: name.trim().to_owned(), value: value.to_owned() });
    }
    for (name, value) in flags {
        if let Some(value) = value {
            given.push(Given { name: (*name).to_owned(), value: value.clone() });
        }
    }
    Ok(given)
}

/// `net.http.address`, or `NET_HTTP_ADDRESS`; the dotted form wins. Dotted names that look like ours but are
/// unknown are passed on, so that they are warned about.
pub fn from_environment(environment: impl Iterator<Item = (String, String)>) -> Vec<Given> {
    let mut snake = Vec::new();
    let mut dotted = Vec::new();
    for (name, value) in environment {
        if SETTINGS.iter().any(|def| def.name == name) || is_ours(&name) {
            dotted.push(Given { name, value });
        } else if let Some(def) = SETTINGS.iter().find(|def| upper_snake(def.name) == name) {
            // `WORKERS` and the like are too common to be meant for us.
            if def.name.contains('.') {
                snake.push(Given { name: def.name.to_owned(), value });
            }
        }
    }
    snake.extend(dotted);
    snake
}

fn is_ours(name: &str) -> bool {
    const ROOTS: [&str; 13] = [
        "config.",
        "net.",
        "telemetry.",
        "gateway.",
        "datapath.",
        "takeover.",
        "workers.",
        "policy.",
        "shutdown.",
        "identity.",
        "azure.",
        "logs.",
        "observability.",
    ];
    ROOTS.iter().any(|root| name.starts_with(root))
}

fn upper_snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// What a TOML file gives.
pub fn from_file(file: &Path) -> Result<Vec<Given>, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("--settings {}: {error}", file.display()))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| format!("--settings {}: {error}", file.display()))?;
    let mut given = Vec::new();
    flatten("", &table, &mut given);
    Ok(given)
}

/// `[net.http] address = …` and `"net.http.address" = …` are the same.
fn flatten(prefix: &str, table: &toml::Table, given: &mut Vec<Given>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, given),
            toml::Value::Array(items) => {
                let items: Vec<_> = items.iter().map(scalar).collect();
                given.push(Given { name, value: items.join(",") });
            }
            other => given.push(Given { name, value: scalar(other) }),
        }
    }
}

fn scalar(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;

    #[test]
    fn read_orders_sources_by_precedence() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "workers = 2\n[net.http]\naddress = \"127.0.0.1:1\"\n").unwrap();
        let environment = [("NET_HTTP_ADDRESS", "e:1"), ("net.http.address", "e:2"), ("PATH", "x")];
        let environment = environment.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
        let flags = [("workers", Some("4".to_owned())), ("net.https.address", None)];
        let origin = Origin {
            below: from_environment(environment),
            file: file.path().to_owned(),
            above: from_command_line(&["workers=3".to_owned()], &flags).unwrap(),
            stamp: None,
            given: Vec::new(),
        };
        let given = origin.read().unwrap();
        let shown: Vec<_> = given.iter().map(|g| format!("{}={}", g.name, g.value)).collect();
        assert_eq!(
            shown,
            [
                "net.http.address=e:1",
                "net.http.address=e:2",
                "net.http.address=127.0.0.1:1",
                "workers=2",
                "workers=3",
                "workers=4"
            ]
        );
    }

    #[test]
    fn from_command_line_assignment_without_a_value_is_refused() {
        assert!(from_command_line(&["workers".to_owned()], &[]).is_err());
    }
}
