//! `check`, `explain` and `expression`: exit codes, places, formats (`design.md` §2; bad input of the configuration).

use std::io::Write;
use std::process::{Command, Stdio};

use gateway_tests::process::{binary, run};
use gateway_tests::{Api, Config};

fn api(config: &Config) {
    let operations = &["GET /item"];
    config.api(&Api { name: "a", path: "a", service_url: "http://127.0.0.1:1", operations, more: "" });
}

/// Exit code and standard output of `gateway check`.
fn check(config: &Config, options: &[&str]) -> (Option<i32>, String) {
    let folder = config.path().to_str().expect("a path");
    let output = run(&[&["check", folder][..], options].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn check_good_folder_is_0() {
    let config = Config::new();
    api(&config);
    let (code, text) = check(&config, &[]);
    assert_eq!((code, text.as_str()), (Some(0), "0 errors, 0 warnings\nok: 1 APIs, 0 keys\n"));
}

#[test]
fn check_names_file_line_and_column_of_every_mistake() {
    for (file, content, place, part) in [
        (
            "apis/a/apiInformation.json",
            "{\"properties\": {\n  \"path\": }",
            "apis/a/apiInformation.json:2:",
            "error[",
        ),
        ("apis/a/specification.yaml", "openapi: 3.0.1\npaths: [\n", "apis/a/specification.yaml:", "error["),
        (
            "apis/a/policy.xml",
            "<policies>\n<inbound>\n<base>\n</inbound></policies>",
            "apis/a/policy.xml:",
            "error[",
        ),
        (
            "apis/a/policy.xml",
            "<policies>\n  <inbound><no-such-policy /></inbound></policies>",
            "apis/a/policy.xml:2:",
            "no-such-policy",
        ),
        (
            "apis/a/policy.xml",
            "<policies>\n<inbound>\n<set-backend-service backend-id=\"gone\" /></inbound></policies>",
            "apis/a/policy.xml:3:",
            "gone",
        ),
        (
            "apis/a/policy.xml",
            "<policies><inbound>\n<include-fragment fragment-id=\"gone\" /></inbound></policies>",
            "apis/a/policy.xml:2:",
            "gone",
        ),
        (
            "apis/a/policy.xml",
            "<policies><inbound>\n<set-variable name=\"x\" value=\"@(1 +)\" /></inbound></policies>",
            "apis/a/policy.xml:2:",
            "error[",
        ),
    ] {
        let config = Config::new();
        api(&config);
        config.file(file, content);
        let (code, text) = check(&config, &[]);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.lines().any(|line| line.starts_with(place) && line.contains(part)),
            "{place} {part}: {text}"
        );
    }
}

#[test]
fn check_finds_cycles_of_fragments_and_paths_taken_twice() {
    let config = Config::new();
    api(&config);
    for (name, other) in [("one", "two"), ("two", "one")] {
        config.file(
            &format!("policy fragments/{name}/policyFragmentInformation.json"),
            r#"{"properties": {}}"#,
        );
        config.file(
            &format!("policy fragments/{name}/policy.xml"),
            &format!("<fragment><include-fragment fragment-id=\"{other}\" /></fragment>"),
        );
    }
    let (code, text) = check(&config, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("policy fragments/one/policy.xml:1:") && text.contains("includes another fragment"),
        "{text}"
    );
    let config = Config::new();
    api(&config);
    let operations = &["GET /item"];
    config.api(&Api { name: "b", path: "A", service_url: "http://127.0.0.1:1", operations, more: "" });
    let (code, text) = check(&config, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("apiInformation.json:"), "{text}");
}

#[test]
fn check_unreadable_folder_is_1_and_named() {
    let output = run(&["check", "/no/such/folder"]);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("/no/such/folder"), "{text}");
}

#[test]
fn check_formats_are_json_and_sarif() {
    let config = Config::new();
    api(&config);
    config.file("apis/a/policy.xml", "<policies><inbound>\n <no-such-policy /></inbound></policies>");
    let (code, text) = check(&config, &["--format", "json"]);
    assert_eq!(code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((found[0]["file"].as_str(), found[0]["line"].as_u64()), (Some("apis/a/policy.xml"), Some(2)));
    assert_eq!((found[0]["severity"].as_str(), found[0]["api"].as_str()), (Some("error"), Some("a")));
    let (code, text) = check(&config, &["--format", "sarif"]);
    assert_eq!(code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["version"], "2.1.0");
    let place = &found["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 2, "{found}");
}

#[test]
fn explain_names_the_scope_of_each_statement() {
    let config = Config::new();
    api(&config);
    let set = |name: &str| format!(r#"<base /><set-header name="{name}"><value>1</value></set-header>"#);
    config.product("p", true, &["a"]);
    config.policy("products/p/policy.xml", &set("X-Product"), "", "", "");
    config.policy("apis/a/policy.xml", &set("X-Api"), "", "", "");
    config.policy("apis/a/operations/operation-1/policy.xml", &set("X-Operation"), "", "", "");
    let folder = config.path().to_str().expect("a path");
    let output = run(&["explain", folder, "--api", "a", "--operation", "operation-1", "--product", "p"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    assert!(at("X-Product") < at("X-Api") && at("X-Api") < at("X-Operation"), "{text}");
    for scope in ["product", "api", "operation"] {
        assert!(text.to_ascii_lowercase().contains(scope), "{scope}: {text}");
    }
    let output = run(&["explain", folder, "--api", "none", "--operation", "x"]);
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn check_judges_expressions_by_the_settings() {
    let config = Config::new();
    api(&config);
    let inbound = r#"<base /><set-method>@(Regex.Matches("a", "a").Count == 1 ? "GET" : "PUT")</set-method>"#;
    config.policy("apis/a/policy.xml", inbound, "<base />", "<base />", "<base />");
    let (code, text) = check(&config, &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("APIM000"), "{text}");
    assert_eq!(check(&config, &["--set", "expressions.strict=false"]).0, Some(0));
    assert_eq!(check(&config, &["--set", "expressions.steps=none"]).0, Some(64));
}

#[test]
fn expression_answers_a_line_with_a_line() {
    let mut child = Command::new(binary())
        .arg("expression")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let lines = concat!(
        r#"{"id":1,"expr":"@(1 + 2)"}"#,
        "\n",
        r#"{"id":"two","expr":"@(int.Parse(\"x\"))"}"#,
        "\n",
        r#"{"id":3,"expr":"@(1 +)"}"#,
        "\n"
    );
    child.stdin.take().expect("its input").write_all(lines.as_bytes()).expect("sent");
    let output = child.wait_with_output().expect("its output");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 3, "{text}");
    assert_eq!((answers[0]["id"].as_u64(), answers[0]["value"].as_str()), (Some(1), Some("3")), "{text}");
    assert_eq!(answers[1]["id"], "two");
    assert!(
        answers[1]["exception"]["type"].as_str().is_some_and(|name| name.contains("FormatException")),
        "{text}"
    );
    assert!(answers[2]["diagnostics"].as_array().is_some_and(|found| !found.is_empty()), "{text}");
}
