//! `cargo bench -p gateway-expression`: nanoseconds an evaluation, beside what expressions.md §9.2 aims at.

use std::hint::black_box;
use std::time::{Duration, Instant};

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Expression, Options, compile};

/// Name, expression, most nanoseconds.
type Row = (&'static str, &'static str, u64);

const CLOSED: &[Row] = &[
    ("constant", r#"@("none")"#, 60),
    ("header or default", r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", ""))"#, 60),
    ("header equals", r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", "") == "on")"#, 60),
    ("variable", r#"@((string)context.Variables["text"])"#, 60),
    ("has variable", r#"@(context.Variables.ContainsKey("text"))"#, 60),
    ("status of a variable", r#"@(((IResponse)context.Variables["reply"]).StatusCode == 202)"#, 60),
    ("status range", r#"@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 300)"#, 60),
    ("matched parameter", r#"@(context.Request.MatchedParameters["cart"])"#, 60),
    ("subscription id", r#"@(context.Subscription.Id)"#, 60),
];

const TYPICAL: &[Row] = &[
    ("url and text", r#"@(context.Request.Url.Path.StartsWith("/shop") ? "shop" : "other")"#, 300),
    ("cast and arithmetic", r#"@((int)context.Variables["count"] * 2 + 1)"#, 300),
    ("id as text", r#"@(context.RequestId.ToString())"#, 300),
    ("split", r#"@("a,b,c".Split(',')[1])"#, 300),
    ("null-conditional", r#"@(context.User?.Email ?? "nobody")"#, 300),
    ("time", r#"@(DateTime.UtcNow.AddMinutes(5).ToString("yyyy-MM-ddTHH:mm:ssZ"))"#, 300),
];

/// Twenty statements over a body that is parsed before.
const BLOCK: &str = r#"@{
    var body = (JObject)context.Variables["order"];
    var items = (JArray)body["items"];
    var total = 0;
    var names = "";
    var flagged = false;
    for (int i = 0; i < items.Count; i++) {
        var item = items[i];
        var n = (int)item["n"];
        if (n > 2) { flagged = true; }
        total += n;
        names += (string)item["sku"];
    }
    var customer = body["customer"];
    var name = (string)customer["name"];
    var city = (string)customer["address"]["city"];
    if (string.IsNullOrEmpty(name)) { name = "nobody"; }
    var key = name.ToLower() + "/" + city;
    var level = total > 10 ? "high" : "low";
    if (flagged) { level += "!"; }
    return key + ":" + level + ":" + names.Length;
}"#;

fn order() -> String {
    let items: Vec<String> =
        (0..4).map(|n| format!(r#"{{"sku":"SKU-{n:04}","n":{n},"note":"{}"}}"#, "x".repeat(160))).collect();
    let customer = r#"{"name":"Grace","address":{"city":"Arlington","zip":"22201"}}"#;
    format!(r#"{{"id":"o-1","customer":{customer},"items":[{}]}}"#, items.join(","))
}

/// The best of several rounds: what the machine does besides only adds.
fn nanoseconds(mut once: impl FnMut()) -> u64 {
    let mut best = Duration::MAX;
    let mut times = 1u32;
    for _ in 0..30 {
        let start = Instant::now();
        for _ in 0..times {
            once();
        }
        let spent = start.elapsed();
        if spent < Duration::from_millis(2) && times < 1 << 20 {
            times *= 2;
        } else {
            best = best.min(spent / times);
        }
    }
    u64::try_from(best.as_nanos()).unwrap_or(u64::MAX)
}

fn row(name: &str, found: u64, most: u64) {
    let verdict = if found <= most { "" } else { "  over" };
    println!("{name:32} {found:>9} ns   aim {most:>9}{verdict}");
}

fn compiled(text: &str, expected: Expected) -> Expression {
    match compile(text, expected, &Options::default()) {
        Ok(expression) => expression,
        Err(found) => panic!("{text}: {found:?}"),
    }
}

fn main() {
    let fixture = serde_json::from_str(include_str!("../tests/fixture.json")).unwrap_or_default();
    let mut host = Fixture::parse(&fixture).unwrap_or_default();
    let order = serde_json::json!({ "$t": "json", "v": order() });
    assert!(host.set_variable("order", &order).is_ok(), "the order is JSON");
    let mut buffer = String::with_capacity(1024);
    for (name, text, most) in CLOSED {
        let expression = compiled(text, Expected::Any);
        assert!(expression.is_fast(), "{text} is no closed shape");
        let is_bool = expression.result_type() == "bool";
        let found = nanoseconds(|| {
            if is_bool {
                let _ = black_box(expression.evaluate_bool(black_box(&host)));
            } else {
                buffer.clear();
                let _ = black_box(expression.write_text(black_box(&host), &mut buffer));
            }
        });
        row(name, found, *most);
    }
    for (name, text, most) in TYPICAL.iter().chain([&("block of 20 over 1 KiB", BLOCK, 5_000)]) {
        let expression = compiled(text, Expected::Any);
        assert!(expression.evaluate(&host).is_ok(), "{text}: {:?}", expression.evaluate(&host));
        let found = nanoseconds(|| {
            let _ = black_box(expression.evaluate(black_box(&host)));
        });
        row(name, found, *most);
    }
    for (name, text) in [("compile a header read", CLOSED[1].1), ("compile the block", BLOCK)] {
        row(name, nanoseconds(|| drop(black_box(compiled(text, Expected::Any)))), 200_000);
    }
    // What an endless expression can cost the worker that runs it.
    for text in [
        "@{ while (true) { } }",
        "@{ var s = 0; while (true) { s = (s * 31 + 7) % 1000; } }",
        "@{ var d = new Dictionary<string, int>(); for (int i = 0; ; i++) { d[\"k\" + i % 100] = i; } }",
    ] {
        let endless = compiled(text, Expected::Any);
        let start = Instant::now();
        assert!(endless.evaluate(&host).is_err(), "{text} ended");
        println!("stopped after {:>6.1} ms: {text}", start.elapsed().as_secs_f64() * 1e3);
    }
}
