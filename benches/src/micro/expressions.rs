//! Evaluating policy expressions.

use std::hint::black_box;

use gateway_expression::{Expected, Options, compile};

use crate::pipelines;
use crate::prepared::Prepared;
use crate::timing::Measure;

const EXPRESSIONS: [(&str, &str); 5] = [
    ("a property", "@(context.Subscription.Id)"),
    ("a header", "@(context.Request.Headers.GetValueOrDefault(\"User-Agent\", \"none\"))"),
    ("a condition", "@(context.Request.Headers.GetValueOrDefault(\"Accept\", \"\") == \"*/*\")"),
    ("calls and arithmetic", "@(context.Request.Url.Path.Substring(1).Length * 2 + 1)"),
    (
        "a loop of 100",
        "@{ var sum = 0; for (var i = 0; i < 100; i++) { if (i % 3 == 0) { sum += i; } } return sum; }",
    ),
];

pub fn rows(prepared: &Prepared, measure: &mut Measure<'_>) -> anyhow::Result<()> {
    let exchange = pipelines::exchange(prepared, &pipelines::connection())?;
    for (name, text) in EXPRESSIONS {
        let expression = compile(text, Expected::Any, &Options::default())
            .map_err(|found| anyhow::anyhow!("{text}: {found:?}"))?;
        expression.evaluate(&exchange)?;
        measure(&format!("expression: {name}"), &mut || {
            let _ = black_box(expression.evaluate(black_box(&exchange)));
        });
    }
    Ok(())
}
