//! Expressions and what they give: files `tests/cases/*.txt`, one case a line (see [`check`]).

use std::fmt::Write as _;
use std::time::Duration;

use gateway_expression::{Limits, Options, lines};
use serde_json::{Value, json};

/// A line reads `expression => Type | value`, `expression => ! ExceptionType: message`, `expression => # CODE`, or
/// `expression => # (line,column) CODE message`, several of them divided by ` | `.
/// `\n` in the expression (but for the answers of .NET) and in the value is a line break; `…` at the end of a value matches any rest.
fn check(name: &str, text: &str) -> Result<(), String> {
    let fixture: Value = serde_json::from_str(include_str!("fixture.json")).map_err(|e| e.to_string())?;
    // The cases are about what expressions give: a slow build must not end them.
    let limits = Limits { time: Duration::from_mins(1), ..Limits::default() };
    let strict = !name.starts_with("lenient_");
    let options = Options { limits, strict, ..Options::default() };
    let mut wrong = String::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with("//") {
            continue;
        }
        let Some((expression, wanted)) = line.rsplit_once(" => ") else {
            let _ = writeln!(wrong, "{name}:{}: no ' => '", number + 1);
            continue;
        };
        let expression = expression.trim();
        // Expressions that .NET ran stand as they were given to it.
        let as_given = name.starts_with("dotnet_") || name.starts_with("lenient_");
        let written = if as_given { expression.to_owned() } else { expression.replace("\\n", "\n") };
        let expression = if written.starts_with("@{") || written.starts_with("@(") {
            written
        } else {
            format!("@({written})")
        };
        let answer = lines::answer(&json!({ "id": 1, "expr": expression }).to_string(), &fixture, &options);
        let found = if wanted.starts_with("# (") { reports(&answer) } else { shown(&answer) };
        let fits = match wanted.strip_suffix('…') {
            Some(start) => found.starts_with(start),
            None => found == wanted,
        };
        if !fits {
            let _ =
                writeln!(wrong, "{name}:{}: {expression}\n   wanted {wanted}\n   found  {found}", number + 1);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The diagnostics of an answer with places and messages.
fn reports(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let list = answer.get("diagnostics").and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |d: &Value| {
        let text = |name: &str| d.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| d.get(name).and_then(Value::as_u64).unwrap_or_default();
        format!("({},{}) {} {}", number("line"), number("column"), text("code"), text("message"))
    };
    if list.is_empty() {
        return answer.to_string();
    }
    format!("# {}", list.iter().map(one).collect::<Vec<_>>().join(" | "))
}

/// An answer in the form of the case files.
fn shown(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    if let Some(list) = answer.get("diagnostics").and_then(Value::as_array) {
        let codes: Vec<&str> = list.iter().filter_map(|d| d.get("code").and_then(Value::as_str)).collect();
        return format!("# {}", codes.join(" "));
    }
    if let Some(exception) = answer.get("exception") {
        let part = |name: &str| exception.get(name).and_then(Value::as_str).unwrap_or_default();
        return format!("! {}: {}", part("type"), part("message")).replace('\n', "\\n");
    }
    match answer.get("type").and_then(Value::as_str) {
        None => "null".to_owned(),
        Some(ty) => {
            let value = answer.get("value").and_then(Value::as_str).unwrap_or_default();
            format!("{ty} | {value}").replace('\n', "\\n")
        }
    }
}

macro_rules! tables {
    ($($name:ident),*) => { $(
        #[test]
        fn $name() -> Result<(), String> {
            check(stringify!($name), include_str!(concat!("cases/", stringify!($name), ".txt")))
        }
    )* };
}

tables!(language, model, operators, statements, context, json, strings, diagnostics, xml, budgets);
tables!(functions, lambdas, patterns, jumps, exceptions, queries, interpolation, tuples, arrays);
tables!(
    arguments,
    initializers,
    conversions,
    constants,
    literals,
    names,
    messages,
    refused,
    rare,
    lenient_rare
);
tables!(
    dotnet_strings,
    dotnet_numbers,
    dotnet_formats,
    dotnet_convert,
    dotnet_dates,
    dotnet_spans,
    dotnet_json,
    dotnet_linq,
    dotnet_misc,
    dotnet_policies,
    dotnet_rare,
    dotnet_xml
);
