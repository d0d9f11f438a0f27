//! What came out, as text.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_policy::exchange::Exchange;
use gateway_policy::message::BufferBudget;
use gateway_policy::message::{Body, Headers, Response};

pub fn fields(headers: &Headers, out: &mut String) {
    for (name, value) in headers.iter() {
        let _ = writeln!(out, "{name}: {}", String::from_utf8_lossy(value));
    }
}

/// State and content of a body; nothing for none.
pub async fn body(body: &mut Body, out: &mut String) {
    let state = match body {
        Body::Empty => return,
        Body::Consumed => return out.push_str("\n(consumed)\n"),
        Body::Bytes(_) => "buffered",
        Body::Stream(_) => "streamed",
    };
    body.buffer(&BufferBudget::of_one(u64::MAX)).await.unwrap();
    let content = match std::str::from_utf8(body.buffered()) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", STANDARD.encode(body.buffered())),
    };
    let _ = writeln!(out, "\n({state}) {content}");
}

/// The answer and what the exchange holds at its end.
pub async fn outcome(exchange: &mut Exchange, mut response: Response) -> String {
    let mut out = format!("--- answer {} {}\n", response.status, response.reason_text());
    fields(&response.headers, &mut out);
    body(&mut response.body, &mut out).await;
    let mut variables = Vec::new();
    gateway_expression::host::Host::variables(exchange, &mut |name, value| {
        let kind = value.clr_type_name().unwrap_or_else(|| "null".to_owned());
        variables.push(format!("{name}: {kind} {}", value.to_text()));
    });
    if !variables.is_empty() {
        let _ = writeln!(out, "--- variables\n{}", variables.join("\n"));
    }
    if let Some(error) = &exchange.last_error {
        let _ = writeln!(
            out,
            "--- last error\nSource: {}\nReason: {}\nMessage: {}\nScope: {}\nSection: {}\nPath: {}\nPolicyId: {}",
            error.source,
            error.reason,
            error.message,
            error.scope,
            error.section,
            error.path,
            error.policy_id
        );
    }
    for entry in exchange.trace.take() {
        let _ = writeln!(out, "--- trace {} {}: {}", entry.severity.as_str(), entry.source, entry.message);
        for (name, value) in entry.metadata {
            let _ = writeln!(out, "{name} = {value}");
        }
    }
    lines_without_trailing_blanks(&out)
}

/// The metrics that a closed request leaves.
pub fn metrics(exchange: &Exchange) -> String {
    let mut out = String::new();
    for metric in exchange.metrics.list() {
        let _ = writeln!(out, "--- metric {}/{} {:?}", metric.namespace, metric.name, metric.value);
        for (name, value) in &metric.dimensions {
            let _ = writeln!(out, "{name} = {value}");
        }
    }
    lines_without_trailing_blanks(&out)
}

fn lines_without_trailing_blanks(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Expected and found text, from the first line that differs.
pub fn difference(expected: &str, found: &str) -> String {
    let same = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str, mark: &str| -> String {
        text.lines().skip(same.saturating_sub(2)).map(|line| format!("  {mark} {line}\n")).collect()
    };
    format!("{}{}", rest(expected, "-"), rest(found, "+"))
}
