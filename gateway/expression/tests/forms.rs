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
        let mut written = "before ".to_owned();
        let not_null = expression.write_text(&host, &mut written);
        // What an error leaves behind is of no interest.
        let written = not_null.map(|not_null| (not_null, written));
        let shown =
            format!("{:?} {written:?} {:?}", expression.evaluate(&host), expression.evaluate_bool(&host));
        Some((expression.is_fast(), shown))
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
        Just("context.Request.OriginalUrl.Host".to_owned()),
        Just("context.Request.OriginalUrl.Scheme".to_owned()),
        Just("context.LastError.Reason".to_owned()),
        Just("context.User.Email".to_owned()),
        Just("context.Deployment.Region".to_owned()),
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
    const TOKENS: &str = r#"var x = 1 ; ( ) { } [ ] => + - "a" 'c' $"{ }" if else for foreach in while return new int
        string context . , ? : ?? ?. == < > is as switch case default break try catch finally throw
        null true Request Variables Headers JObject List from select where let out ref checked @" // /*
        */ 0x 1.5m typeof nameof && || ! ++ += F"#;
    let tokens = TOKENS.split_whitespace().chain(["\n"]).collect::<Vec<_>>();
    let token = prop::sample::select(tokens);
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

/// Texts in which a reading within a reading fails, or a lambda within a lambda is bound for each overload.
#[test]
fn texts_of_many_readings_compile_or_fail_soon() {
    let nested =
        |open: &str, close: &str, times: usize| format!("@({}1{})", open.repeat(times), close.repeat(times));
    for text in [
        nested("k?.d?[", "]", 40),
        nested("a?[b?.c(", "", 40),
        nested("a<b?[", ">", 40),
        nested("(a<b>)(", ")", 40),
        nested("new[]{1,2}.Sum(x => x + ", ")", 9),
        nested("new[]{1,2}.Select(x => ", ").First()", 12),
        format!("@({})", "(x, (y, z)) => (a, b) => ".repeat(30)),
        format!("@{{ {} }}", "a<b>.c<d> e(f g) { ".repeat(60)),
        format!("@{{ {} }}", "foreach (var (a, b) in ".repeat(60)),
    ] {
        let start = Instant::now();
        let _ = compile(&text, Expected::Any, &Options::default());
        assert!(start.elapsed() < Duration::from_secs(10), "{text} took {:?}", start.elapsed());
    }
}

/// Native calls that go through much cost few steps: the clock ends them.
#[test]
fn long_native_calls_end_within_their_time() {
    for text in [
        "@{ var s = new string('a', 1000000); var n = 0; while (true) { n += s.IndexOf(\"b\"); } }",
        "@{ var s = new string('é', 200000); while (true) { s.Contains(\"B\", StringComparison.OrdinalIgnoreCase); } }",
        "@{ var s = new string('a', 1000000); while (true) { s.GetHashCode(); } }",
        "@{ var d = new Dictionary<string, int>(); var s = new string('a', 1000000); while (true) { d.ContainsKey(s); } }",
        "@{ var l = Enumerable.Range(0, 90000).ToList(); while (true) { l.IndexOf(-1); } }",
        "@{ var a = new int[90000]; while (true) { Array.IndexOf(a, 1); } }",
        "@{ var a = JArray.FromObject(Enumerable.Range(0, 20000)); while (true) { a.SelectToken(\"$[?(@ > 99999)]\"); } }",
        "@{ var a = JArray.FromObject(Enumerable.Range(0, 20000)); while (true) { JToken.DeepEquals(a, a.DeepClone()); } }",
        "@{ var a = JArray.FromObject(Enumerable.Range(0, 20000)); while (true) { a.Descendants(); } }",
        "@{ var x = new XElement(\"a\", Enumerable.Range(0, 2000).Select(i => new XElement(\"b\"))); while (true) { x.Descendants(\"c\").Count(); } }",
        "@{ var s = new string('a', 100000); while (true) { Regex.IsMatch(s, \"(a|b)*c\"); } }",
        "@{ while (true) { RSA.Create(2048).SignData(new byte[1], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1); } }",
    ] {
        let start = Instant::now();
        let outcome = compile(text, Expected::Any, &Options::default()).map(|e| e.evaluate(&fixture()));
        match outcome {
            Ok(Err(exception)) => assert_eq!(exception.type_name, "Gateway.LimitExceededException", "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        assert!(start.elapsed() < Duration::from_secs(15), "{text} took {:?}", start.elapsed());
    }
}

/// Every one of these tries to go on after its budget is spent.
#[test]
fn exceeded_limits_pass_every_handler() {
    for text in [
        "@{ try { while (true) { } } catch { return 1; } }",
        "@{ try { while (true) { } } catch (Exception e) when (true) { return e.Message; } }",
        "@{ while (true) { try { while (true) { } } finally { } } }",
        "@{ var s = \"x\"; while (true) { try { s += s; } catch { s = \"x\"; } } }",
        "@{ int F(int n) { try { return F(n + 1); } catch { return F(n); } } return F(0); }",
        "@{ again: try { goto again; } finally { } }",
        "@{ switch (1) { case 1: goto case 2; case 2: goto case 1; } return 0; }",
        "@(Enumerable.Range(0, 90000).Select(a => Enumerable.Range(0, 90000).Count(b => b > a)).Sum())",
        "@(Enumerable.Range(0, 1000000000).All(a => true))",
        "@{ var q = new[] { 1 }.AsEnumerable(); for (int i = 0; i < 100000; i++) { q = q.Select(x => x + 1); } return q.First(); }",
        "@{ var l = new List<object>(); while (true) { l.Add(new int[1000]); } }",
        "@{ object o = 1; while (true) { o = new List<object> { o }; } }",
        "@{ object o = 1; while (true) { o = new[] { o }; } }",
        "@{ object o = 1; while (true) { o = new { o }; } }",
        "@{ object o = 1; while (true) { o = (o, 1); } }",
        "@{ object o = 1; while (true) { o = new Dictionary<string, object> { [\"a\"] = o }; } }",
        "@{ var q = Enumerable.Range(0, 3); while (true) { q = q.Where(x => x > 0); } }",
        "@{ var e = new Exception(); while (true) { e = new Exception(\"x\", e); } }",
        "@{ object o = 1; for (int i = 0; i < 20000; i++) { o = new { o }; } while (true) { o.ToString(); o.GetHashCode(); o.Equals(o); } }",
        "@{ var q = new[] { 1 }.AsEnumerable(); for (int i = 0; i < 5000; i++) { q = q.OrderBy(x => x).ThenBy(x => -x); } return q.First(); }",
        "@{ var b = new StringBuilder(); for (;;) { try { b.Append('x', 100000); } catch { } } }",
    ] {
        let outcome = compile(text, Expected::Any, &Options::default()).map(|e| e.evaluate(&fixture()));
        match outcome {
            Ok(Err(exception)) => assert_eq!(exception.type_name, "Gateway.LimitExceededException", "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// Text that grows without bound, or multiplies while it is bound, is refused in time.
#[test]
fn costly_texts_are_refused_soon() {
    let nested = |depth: u32| {
        let around = |inner: String, n| format!("new[]{{1}}.Select(x{n} => {inner}).Sum()");
        (0..depth).fold("1".to_owned(), around)
    };
    let interpolations = (0..40).fold("1".to_owned(), |inner, _| format!("$\"{{{inner}}}\""));
    let cases = (0..5000).map(|n| format!("case {n}: return {n}; ")).collect::<String>();
    for text in [
        format!("@({})", nested(8)),
        format!("@({})", nested(14)),
        format!("@({})", nested(40)),
        format!("@({interpolations})"),
        format!("@({}1)", "1+".repeat(500_000)),
        format!("@({})", "a.".repeat(500_000)),
        format!("@({}", "(".repeat(1_000_000)),
        format!("@{{ switch (1) {{ {cases} }} return 0; }}"),
        format!("@{{ {} return 1; }}", "if (true) { } else ".repeat(2_000)),
        format!("@{{ {} return 1; }}", "var x = 1; ".repeat(20_000)),
    ] {
        let start = Instant::now();
        let _ = compile(&text, Expected::Any, &Options::default());
        let name: String = text.chars().take(60).collect();
        assert!(start.elapsed() < Duration::from_secs(10), "{name} took {:?}", start.elapsed());
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
        ("x ? 1 : ", ""),
        ("$\"{", "}\""),
        ("new { a = ", "}"),
        ("delegate { return ", ";}"),
        ("List<", ">"),
        ("(int, ", ")"),
    ] {
        let times = if open == "(" { 100_000 } else { 5_000 };
        let text = format!("@({}1{})", open.repeat(times), close.repeat(times));
        assert!(compile(&text, Expected::Any, &Options::default()).is_err(), "{open}");
    }
    for open in
        ["{", "if (true) ", "while (true) {", "try {", "for (;;) ", "switch (1) { case 1: ", "int F() { "]
    {
        let blocks = format!("@{{{}{}}}", open.repeat(5_000), "}".repeat(5_000));
        assert!(compile(&blocks, Expected::Any, &Options::default()).is_err(), "{open}");
    }
    let chain = format!("@({}1)", "1+".repeat(399));
    assert!(compile(&chain, Expected::Any, &Options::default()).is_ok());
}
