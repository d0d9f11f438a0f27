//! Definitions in `definitions/` and what is read out of them. `UPDATE_EXPECTED=1` writes the expected files anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gateway_specification::{Outcome, QueryParameters, Settings, read};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions")
}

fn settings() -> Settings {
    Settings { api: "api".into(), required_query: QueryParameters::Template, ..Settings::default() }
}

/// Operations and schemas as the JSON of the management API, then the findings.
fn show(outcome: &Outcome) -> String {
    let mut out = String::new();
    if let Some(definition) = &outcome.definition {
        let title = definition.title.as_deref().unwrap_or("-");
        let url = definition.service_url.as_deref().unwrap_or("-");
        writeln!(out, "title: {title}\nservice url: {url}").unwrap_or_default();
        for operation in &definition.operations {
            let text = serde_json::to_string_pretty(operation).unwrap_or_default();
            writeln!(out, "\n{} at {}\n{text}", operation.id, operation.origin).unwrap_or_default();
        }
        for schema in &definition.schemas {
            let text = serde_json::to_string_pretty(schema).unwrap_or_default();
            writeln!(out, "\nschema {}\n{text}", schema.id).unwrap_or_default();
        }
        out.push('\n');
    }
    for diagnostic in &outcome.diagnostics {
        writeln!(out, "{diagnostic}").unwrap_or_default();
    }
    out
}

#[test]
fn definitions_give_what_is_expected() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap_or_else(|error| panic!("{error}"))
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension != "expected"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 4, "{cases:?}");
    for case in cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&case).unwrap_or_else(|error| panic!("{name}: {error}"));
        let shown = show(&read(&text, &name.as_str().into(), &settings()));
        let expected = case.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &shown).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(shown, expected, "{name}");
    }
}

#[test]
fn required_query_parameters_stay_out_of_the_template_when_told() {
    let text = fs::read_to_string(folder().join("swagger.json")).unwrap_or_default();
    let settings = Settings { required_query: QueryParameters::Query, ..settings() };
    let definition = read(&text, &"f".into(), &settings).definition.unwrap_or_default();
    let operation = definition.operations.first().cloned().unwrap_or_default();
    assert_eq!(operation.url_template, "/orders/{id}");
    let names: Vec<_> = operation.request.iter().flat_map(|request| &request.query_parameters).collect();
    assert_eq!(names.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>(), ["expand", "lang"]);
}

/// management-api.md §3.2: the first server of https, else the first; relative ones stand on the document's address.
#[test]
fn service_url_is_that_of_the_server_that_counts() {
    let source = Some("https://docs.example/apis/shop.yaml");
    let three = |servers: &str| format!(r#"{{"openapi": "3.0.1", "paths": {{}}, {servers}}}"#);
    let two = |more: &str| format!(r#"{{"swagger": "2.0", "paths": {{}}, {more}}}"#);
    for (text, source, expected) in [
        (three(r#""servers": [{"url": "http://a/"}, {"url": "https://b/v1"}]"#), None, Some("https://b/v1")),
        (three(r#""servers": [{"url": "http://a/1"}, {"url": "http://b"}]"#), None, Some("http://a/1")),
        (three(r#""servers": [{"url": "/v1"}]"#), None, None),
        (three(r#""servers": [{"url": "/v1"}]"#), source, Some("https://docs.example/v1")),
        (
            three(r#""servers": [{"url": "http://a"}, {"url": "../v1"}]"#),
            source,
            Some("https://docs.example/v1"),
        ),
        (three(r#""x-servers": [{"url": "https://x/y"}]"#), None, Some("https://x/y")),
        (three(r#""servers": [], "x-servers": [{"url": "https://x/y"}]"#), None, None),
        (three(r#""info": {"title": "t"}"#), source, None),
        (two(r#""host": "h:1", "basePath": "/b""#), source, Some("https://h:1/b")),
        (two(r#""host": "h", "schemes": ["http", "https"]"#), source, Some("https://h")),
        (two(r#""basePath": "/b""#), None, None),
        (two(r#""basePath": "/b""#), Some("http://d/x"), Some("http://d/b")),
        (two(r#""basePath": "/b", "x-servers": [{"url": "https://x/y"}]"#), None, Some("https://x/y")),
        (two(r#""info": {"title": "t"}"#), source, None),
    ] {
        let settings = Settings { source_url: source.map(str::to_owned), ..settings() };
        let definition = read(&text, &"f".into(), &settings).definition.unwrap_or_default();
        assert_eq!(definition.service_url.as_deref(), expected, "{text}");
    }
}

#[test]
fn documents_of_other_kinds_are_refused_with_their_place() {
    for (text, expected) in [
        ("", "f:1:1: error[definition-format]"),
        ("a: b", "f:1:1: error[definition-format]"),
        ("openapi: 4.0.0", "f:1:1: error[definition-format]"),
        ("{\"openapi\": \"3.0.0\",\n \"paths\": {]}", "f:2:12: error[json-syntax]"),
        ("openapi: 3.0.0\npaths: [", "f:2:8: error[yaml-syntax]"),
    ] {
        let outcome = read(text, &"f".into(), &settings());
        assert!(outcome.definition.is_none(), "{text}");
        let found: Vec<_> = outcome.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found.iter().all(|found| found.starts_with(expected)), "{text}: {found:?}");
        assert_eq!(outcome.diagnostics.first().and_then(|found| found.api.clone()), Some("api".into()));
    }
}

/// M-07 of reliability-security.md: refused within five seconds.
#[test]
fn bombs_are_refused_quickly() {
    let started = Instant::now();
    let aliases = {
        let mut text = String::from("openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let list = vec![format!("*a{}", level - 1); 10].join(", ");
            text.extend([format!("a{level}: &a{level} [{list}]\n")]);
        }
        text
    };
    let responses = {
        let example = "x".repeat(2_000_000);
        let uses: Vec<String> = (0..2000)
            .map(|n| format!(r##""/{n}":{{"get":{{"responses":{{"200":{{"$ref":"#/r"}}}}}}}}"##))
            .collect();
        let response = format!(r#"{{"content":{{"a/b":{{"example":"{example}"}}}}}}"#);
        format!(r#"{{"openapi":"3.0.0","r":{response},"paths":{{{}}}}}"#, uses.join(","))
    };
    let operations = {
        let items: Vec<String> =
            (0..60_000).map(|n| format!(r#""/{n}":{{"get":{{}},"put":{{}}}}"#)).collect();
        format!(r#"{{"openapi":"3.0.0","paths":{{{}}}}}"#, items.join(","))
    };
    for (name, text) in [("aliases", aliases), ("responses", responses), ("operations", operations)] {
        let outcome = read(&text, &"f".into(), &settings());
        let codes: Vec<_> =
            outcome.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.code).collect();
        assert!(codes.contains(&"document-limit"), "{name}: {codes:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

proptest::proptest! {
    #[test]
    fn definitions_with_anything_anywhere_never_panic(
        position in 0usize..2000,
        length in 0usize..60,
        insert in "[-a-z0-9{}\\[\\]:,$#/\"' \n]{0,20}",
    ) {
        let text = include_str!("definitions/petstore.yaml");
        let (start, end) = (position.min(text.len()), (position + length).min(text.len()));
        let mutated = format!("{}{insert}{}", &text[..start], &text[end..]);
        let _ = read(&mutated, &"f".into(), &settings());
    }
}
