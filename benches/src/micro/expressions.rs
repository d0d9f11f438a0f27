//! Evaluating policy expressions, beside what expressions.md §9.2 aims at: closed shapes 60 ns, typical ones 300 ns,
//! a block of twenty statements 5 µs, compiling 200 µs.

use std::hint::black_box;

use gateway_expression::host::Fixture;
use gateway_expression::{Expected, Expression, Options, compile};

use crate::pipelines;
use crate::prepared::Prepared;
use crate::timing::Measure;

/// Shapes that run without the machine.
const CLOSED: [(&str, &str); 8] = [
    ("a constant", r#"@("none")"#),
    ("a header or a default", r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", ""))"#),
    ("a header is a text", r#"@(context.Request.Headers.GetValueOrDefault("X-Trace", "") == "on")"#),
    ("a variable", r#"@((string)context.Variables["text"])"#),
    ("a variable is there", r#"@(context.Variables.ContainsKey("text"))"#),
    ("the status of a variable", r#"@(((IResponse)context.Variables["reply"]).StatusCode == 202)"#),
    ("a matched parameter", r#"@(context.Request.MatchedParameters["cart"])"#),
    ("the subscription's id", r"@(context.Subscription.Id)"),
];

const TYPICAL: [(&str, &str); 5] = [
    ("a choice by the path", r#"@(context.Request.Url.Path.StartsWith("/shop") ? "shop" : "other")"#),
    ("a cast and arithmetic", r#"@((int)context.Variables["count"] * 2 + 1)"#),
    ("a split", r#"@("a,b,c".Split(',')[1])"#),
    ("a member of nobody", r#"@(context.User?.Email ?? "nobody")"#),
    ("a time as text", r#"@(DateTime.UtcNow.AddMinutes(5).ToString("yyyy-MM-ddTHH:mm:ssZ"))"#),
];

/// Over a request of the proxy.
const OF_A_REQUEST: [(&str, &str); 5] = [
    ("a property", "@(context.Subscription.Id)"),
    ("a header", "@(context.Request.Headers.GetValueOrDefault(\"User-Agent\", \"none\"))"),
    ("a condition", "@(context.Request.Headers.GetValueOrDefault(\"Accept\", \"\") == \"*/*\")"),
    ("calls and arithmetic", "@(context.Request.Url.Path.Substring(1).Length * 2 + 1)"),
    (
        "a loop of 100",
        "@{ var sum = 0; for (var i = 0; i < 100; i++) { if (i % 3 == 0) { sum += i; } } return sum; }",
    ),
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

/// Of about a kilobyte.
fn order() -> String {
    let items: Vec<String> =
        (0..4).map(|n| format!(r#"{{"sku":"SKU-{n:04}","n":{n},"note":"{}"}}"#, "x".repeat(160))).collect();
    let customer = r#"{"name":"Grace","address":{"city":"Arlington","zip":"22201"}}"#;
    format!(r#"{{"id":"o-1","customer":{customer},"items":[{}]}}"#, items.join(","))
}

fn compiled(text: &str) -> anyhow::Result<Expression> {
    compile(text, Expected::Any, &Options::default()).map_err(|found| anyhow::anyhow!("{text}: {found:?}"))
}

fn fixture() -> anyhow::Result<Fixture> {
    let context = serde_json::json!({
        "request": {
            "url": "https://edge.example/shop/cart",
            "headers": { "X-Trace": ["on"] },
            "matched": { "cart": "7" },
        },
        "subscription": { "id": "s-1", "name": "one", "key": "k" },
        "variables": {
            "text": "plain",
            "count": { "$t": "int", "v": 3 },
            "reply": { "$t": "response", "v": { "status": 202, "reason": "Accepted", "body": "{}" } },
        },
    });
    let mut host = Fixture::parse(&context)?;
    let order = serde_json::json!({ "$t": "json", "v": order() });
    host.set_variable("order", &order)?;
    Ok(host)
}

pub fn rows(prepared: &Prepared, measure: &mut Measure<'_>) -> anyhow::Result<()> {
    let exchange = pipelines::exchange(prepared, &pipelines::connection())?;
    let host = fixture()?;
    let mut text_of = String::with_capacity(256);
    for (name, text) in CLOSED {
        let expression = compiled(text)?;
        anyhow::ensure!(expression.is_fast(), "{text} is no closed shape");
        let is_bool = expression.result_type() == "bool";
        measure(&format!("expression, closed: {name}"), &mut || {
            if is_bool {
                let _ = black_box(expression.evaluate_bool(black_box(&host)));
            } else {
                text_of.clear();
                let _ = black_box(expression.write_text(black_box(&host), &mut text_of));
            }
        });
    }
    for (name, text) in OF_A_REQUEST {
        let expression = compiled(text)?;
        expression.evaluate(&exchange)?;
        measure(&format!("expression: {name}"), &mut || {
            let _ = black_box(expression.evaluate(black_box(&exchange)));
        });
    }
    for (name, text) in TYPICAL.into_iter().chain([("a block of 20 over 1 KiB", BLOCK)]) {
        let expression = compiled(text)?;
        expression.evaluate(&host)?;
        measure(&format!("expression, typical: {name}"), &mut || {
            let _ = black_box(expression.evaluate(black_box(&host)));
        });
    }
    for (name, text) in [("a header read", CLOSED[1].1), ("a block of 20", BLOCK)] {
        measure(&format!("expression: compile {name}"), &mut || drop(black_box(compiled(text))));
    }
    Ok(())
}
