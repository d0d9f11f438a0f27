//! The answer to an introspection query → schema definition language (GraphQL, October 2021, §4).

use std::fmt::Write as _;

use serde_json::Value;

/// The query to ask with; `operationName` is `IntrospectionQuery`.
pub const QUERY: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } types { kind name description fields(includeDeprecated: true) { name description args { ...Input } type { ...Ref } isDeprecated deprecationReason } inputFields { ...Input } interfaces { ...Ref } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...Ref } } directives { name description locations args { ...Input } } } } fragment Input on __InputValue { name description type { ...Ref } defaultValue } fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Scalars and directives that every schema has.
const BUILT_IN: &[&str] =
    &["String", "Int", "Float", "Boolean", "ID", "include", "skip", "deprecated", "specifiedBy"];
/// Deepest wrapping of a type by lists and `!`.
const DEPTH_MAX: usize = 16;

/// The `__schema` object as a document.
pub fn to_sdl(schema: &Value) -> Result<String, String> {
    let mut out = String::new();
    roots(&mut out, schema);
    for directive in items(schema, "directives") {
        let name = name(directive)?;
        if BUILT_IN.contains(&name) {
            continue;
        }
        description(&mut out, directive, "");
        let _ = write!(out, "directive @{name}");
        arguments(&mut out, directive)?;
        let locations: Vec<&str> = items(directive, "locations").filter_map(Value::as_str).collect();
        if let Some(bad) = locations.iter().find(|it| !is_name(it)) {
            return Err(format!("'{bad}' is no location of a directive"));
        }
        let _ = write!(out, " on {}\n\n", locations.join(" | "));
    }
    for kind in items(schema, "types") {
        let name = name(kind)?;
        if !BUILT_IN.contains(&name) && !name.starts_with("__") {
            definition(&mut out, kind, name)?;
        }
    }
    Ok(out)
}

fn roots(out: &mut String, schema: &Value) {
    let members =
        [("query", "queryType"), ("mutation", "mutationType"), ("subscription", "subscriptionType")];
    let named =
        members.map(|(root, member)| (root, schema.get(member).and_then(|it| it.get("name")?.as_str())));
    let _ = writeln!(out, "schema {{");
    for (root, name) in named {
        if let Some(name) = name.filter(|name| is_name(name)) {
            let _ = writeln!(out, "  {root}: {name}");
        }
    }
    out.push_str("}\n\n");
}

fn definition(out: &mut String, kind: &Value, name: &str) -> Result<(), String> {
    description(out, kind, "");
    match kind.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "SCALAR" => {
            let _ = write!(out, "scalar {name}\n\n");
        }
        "UNION" => {
            let members: Result<Vec<String>, String> =
                items(kind, "possibleTypes").map(|it| reference(it, 0)).collect();
            let _ = write!(out, "union {name} = {}\n\n", members?.join(" | "));
        }
        "ENUM" => {
            let _ = writeln!(out, "enum {name} {{");
            for value in items(kind, "enumValues") {
                description(out, value, "  ");
                let _ = write!(out, "  {}", self::name(value)?);
                deprecation(out, value);
                out.push('\n');
            }
            out.push_str("}\n\n");
        }
        "INPUT_OBJECT" => {
            let _ = writeln!(out, "input {name} {{");
            for field in items(kind, "inputFields") {
                description(out, field, "  ");
                out.push_str("  ");
                input(out, field)?;
                out.push('\n');
            }
            out.push_str("}\n\n");
        }
        kind_name @ ("OBJECT" | "INTERFACE") => {
            let word = if kind_name == "OBJECT" { "type" } else { "interface" };
            let _ = write!(out, "{word} {name}");
            let interfaces: Result<Vec<String>, String> =
                items(kind, "interfaces").map(|it| reference(it, 0)).collect();
            let interfaces = interfaces?;
            if !interfaces.is_empty() {
                let _ = write!(out, " implements {}", interfaces.join(" & "));
            }
            out.push_str(" {\n");
            for field in items(kind, "fields") {
                description(out, field, "  ");
                let _ = write!(out, "  {}", self::name(field)?);
                arguments(out, field)?;
                let _ = write!(out, ": {}", reference(field.get("type").unwrap_or(&Value::Null), 0)?);
                deprecation(out, field);
                out.push('\n');
            }
            out.push_str("}\n\n");
        }
        other => return Err(format!("type '{name}' is of an unknown kind '{other}'")),
    }
    Ok(())
}

fn arguments(out: &mut String, of: &Value) -> Result<(), String> {
    let mut separator = "(";
    for argument in items(of, "args") {
        out.push_str(separator);
        input(out, argument)?;
        separator = ", ";
    }
    if separator == ", " {
        out.push(')');
    }
    Ok(())
}

fn input(out: &mut String, value: &Value) -> Result<(), String> {
    let _ = write!(out, "{}: {}", name(value)?, reference(value.get("type").unwrap_or(&Value::Null), 0)?);
    if let Some(default) = value.get("defaultValue").and_then(Value::as_str) {
        let _ = write!(out, " = {default}");
    }
    Ok(())
}

fn reference(kind: &Value, depth: usize) -> Result<String, String> {
    if depth > DEPTH_MAX {
        return Err("a type is wrapped too deeply".to_owned());
    }
    let inner = || reference(kind.get("ofType").unwrap_or(&Value::Null), depth + 1);
    Ok(match kind.get("kind").and_then(Value::as_str) {
        Some("NON_NULL") => format!("{}!", inner()?),
        Some("LIST") => format!("[{}]", inner()?),
        _ => name(kind)?.to_owned(),
    })
}

fn deprecation(out: &mut String, of: &Value) {
    if of.get("isDeprecated") == Some(&Value::Bool(true)) {
        let reason = of.get("deprecationReason").and_then(Value::as_str).unwrap_or("No longer supported");
        let _ = write!(out, " @deprecated(reason: {})", Value::from(reason));
    }
}

fn description(out: &mut String, of: &Value, indent: &str) {
    if let Some(text) = of.get("description").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        let _ = writeln!(out, "{indent}{}", Value::from(text));
    }
}

/// A name goes into the document as it is, so it has to be one (§2.1.9).
fn name(of: &Value) -> Result<&str, String> {
    let name = of.get("name").and_then(Value::as_str).unwrap_or_default();
    if is_name(name) { Ok(name) } else { Err(format!("'{name}' is no name")) }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_')
        && bytes.all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

fn items<'v>(of: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    of.get(member).and_then(Value::as_array).into_iter().flatten()
}
