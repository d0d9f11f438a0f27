//! Properties: no text panics, every evaluation ends, and closed shapes mean what the general form means.

use std::time::{Duration, Instant};

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Limits, Options, compile, cut, lines};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture_json() -> Value {
    serde_json::from_str(include_str!("fixture.json")).unwrap_or_default()
}

fn fixture() -> Fixture {
    Fixture::parse(&fixture_json()).unwrap_or_default()
}

/// What both forms give, as comparable text.
fn outcomes(text: &str) -> Option<(bool, String, String)> {
    let host = fixture();
    let run = |fast: bool| {
        let options = Options { fast, ..Options::default() };
        let expression = compile(text, Expected::Any, &options).ok()?;
        Some((expression.is_fast(), format!("{:?}", expression.evaluate(&host))))
    };
    let ((is_fast, fast), (_, general)) = (run(true)?, run(false)?);
    Some((is_fast, fast, general))
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "text", "none", "count", "missing", "reply", "Accept", "X-Trace", "cart", "doc",
    ])
    .prop_map(|k| format!("\"{k}\""))
}

fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        key(),
        key().prop_map(|k| format!("(string)context.Variables[{k}]")),
        key().prop_map(|k| format!("context.Request.Headers.GetValueOrDefault({k})")),
        (key(), key()).prop_map(|(k, d)| format!("context.Request.Headers.GetValueOrDefault({k}, {d})")),
        key().prop_map(|k| format!("context.Variables.GetValueOrDefault<string>({k})")),
        (key(), key()).prop_map(|(k, d)| format!("context.Variables.GetValueOrDefault<string>({k}, {d})")),
        key().prop_map(|k| format!("context.Request.MatchedParameters[{k}]")),
        Just("context.Request.Method".to_owned()),
        Just("context.Api.Id".to_owned()),
        Just("context.Workspace.Id".to_owned()),
        Just("context.Request.Url.Path".to_owned()),
    ];
    prop::collection::vec(leaf, 1..4).prop_map(|parts| parts.join(" + "))
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (text(), text(), any::<bool>())
            .prop_map(|(a, b, same)| format!("({a} {} {b})", if same { "==" } else { "!=" })),
        key().prop_map(|k| format!("context.Variables.ContainsKey({k})")),
        key().prop_map(|k| format!("context.Request.Headers.ContainsKey({k})")),
        (prop::sample::select(vec!["==", "!=", "<", ">="]), 199..204)
            .prop_map(|(o, n)| format!("context.Response.StatusCode {o} {n}")),
        (key(), 201..204).prop_map(|(k, n)| format!("((IResponse)context.Variables[{k}]).StatusCode == {n}")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Text that looks like code: tokens in any order.
fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "var",
        "x",
        "=",
        "1",
        ";",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "=>",
        "+",
        "-",
        "\"a\"",
        "'c'",
        "$\"{",
        "}\"",
        "if",
        "else",
        "for",
        "foreach",
        "in",
        "while",
        "return",
        "new",
        "int",
        "string",
        "context",
        ".",
        ",",
        "?",
        ":",
        "??",
        "?.",
        "==",
        "<",
        ">",
        "is",
        "as",
        "switch",
        "case",
        "default",
        "break",
        "try",
        "catch",
        "finally",
        "throw",
        "null",
        "true",
        "Request",
        "Variables",
        "Headers",
        "JObject",
        "List",
        "from",
        "select",
        "where",
        "let",
        "out",
        "ref",
        "checked",
        "@\"",
        "//",
        "/*",
        "*/",
        "\n",
        "0x",
        "1.5m",
        "typeof",
        "nameof",
        "&&",
        "||",
        "!",
        "++",
        "+=",
        "F",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn closed_texts_mean_what_the_general_form_means(text in text()) {
        let (is_fast, fast, general) = outcomes(&format!("@({text})")).expect("compiles");
        prop_assert!(is_fast, "{}", text);
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn closed_conditions_mean_what_the_general_form_means(text in condition()) {
        let (is_fast, fast, general) = outcomes(&format!("@({text})")).expect("compiles");
        prop_assert!(is_fast, "{}", text);
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn arbitrary_text_gets_an_answer(text in "\\PC*") {
        let before = lines::defects();
        for wrapped in [format!("@({text})"), format!("@{{{text}}}"), text.clone()] {
            let answer = lines::answer(&json!({ "id": 1, "expr": wrapped }).to_string(), &fixture_json(), &Options::default());
            prop_assert!(serde_json::from_str::<Value>(&answer).is_ok());
            let _ = cut::end_of_expression(&wrapped);
        }
        prop_assert_eq!(lines::defects(), before);
    }

    #[test]
    fn token_soup_gets_an_answer(text in soup()) {
        let before = lines::defects();
        for wrapped in [format!("@({text})"), format!("@{{{text}}}")] {
            lines::answer(&json!({ "id": 1, "expr": wrapped }).to_string(), &fixture_json(), &Options::default());
        }
        prop_assert_eq!(lines::defects(), before);
    }
}

#[test]
fn hostile_expressions_end_within_their_budgets() {
    let options = Options {
        limits: Limits { time: Duration::from_millis(500), ..Limits::default() },
        ..Options::default()
    };
    for text in [
        "@{ while (true) { } }",
        "@{ for (;;) { } }",
        "@{ int F(int n) => F(n + 1) + F(n + 2); return F(0); }",
        "@(new string('a', int.MaxValue))",
        "@(Enumerable.Range(0, int.MaxValue).Select(x => x * 2).Sum(x => (long)x))",
        "@(Enumerable.Range(0, int.MaxValue).ToList())",
        "@(Enumerable.Range(0, int.MaxValue).OrderBy(x => -x).First())",
        "@{ var l = new List<string>(); while (true) { l.Add(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" + l.Count); } }",
        "@{ var s = \"x\"; while (true) { s = s.Replace(\"x\", \"xx\"); } }",
        "@(Regex.IsMatch(new string('a', 40) + \"!\", \"^(a+)+$\"))",
        "@(Regex.IsMatch(new string('a', 40) + \"!\", \"^(?=(a+)+$)b\"))",
        "@{ var o = new JArray(); while (true) { var n = new JArray(); n.Add(o); o = n; } }",
        "@(JToken.Parse(new string('[', 100000)))",
        "@{ var a = new int[int.MaxValue]; return a.Length; }",
        "@(\"a\".PadLeft(int.MaxValue).Length)",
        "@(string.Join(\"\", Enumerable.Repeat(new string('a', 1000), 1000000)))",
        "@{ var b = new StringBuilder(); while (true) { b.Append(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"); } }",
    ] {
        let start = Instant::now();
        let outcome = compile(text, Expected::Any, &options).map(|e| e.evaluate(&fixture()));
        assert!(start.elapsed() < Duration::from_secs(20), "{text} took {:?}", start.elapsed());
        assert!(!matches!(outcome, Ok(Ok(ref value)) if value.is_null()), "{text}: {outcome:?}");
    }
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    for (open, close) in [
        ("(", ")"),
        ("!", ""),
        ("-", ""),
        ("new[]{", "}"),
        ("(string)", ""),
        ("x=>", ""),
        ("1+(", ")"),
        ("a?.b(", ")"),
    ] {
        let text = format!("@({}1{})", open.repeat(5000), close.repeat(5000));
        assert!(compile(&text, Expected::Any, &Options::default()).is_err(), "{open}");
    }
    let blocks = format!("@{{{}{}}}", "{".repeat(5000), "}".repeat(5000));
    assert!(compile(&blocks, Expected::Any, &Options::default()).is_err());
    let chain = format!("@({}1)", "1+".repeat(399));
    assert!(compile(&chain, Expected::Any, &Options::default()).is_ok());
}
