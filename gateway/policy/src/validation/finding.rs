//! What the validation policies find, and what follows from it (`policies.md` B 1.0).

use std::borrow::Cow;
use std::sync::Arc;

use gateway_expression::{Portable, Value};
use serde_json::json;

use crate::catalogue::Kind as Datatype;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::trace::{Severity, TraceEntry};
use crate::fault::Fault;
use crate::pipeline::Flow;

/// What clients are told where they must not know more.
const INTERNAL: &str = "The request could not be processed due to an internal error. Contact the API owner.";

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Ignore,
    /// It is noted.
    Detect,
    /// It is noted, and the exchange fails.
    Prevent,
}

impl Action {
    /// The datatype of attributes that hold an action.
    pub const DATATYPE: Datatype = Datatype::OneOf(&["ignore", "prevent", "detect"]);

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ignore" => Some(Self::Ignore),
            "detect" => Some(Self::Detect),
            "prevent" => Some(Self::Prevent),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Detect => "detect",
            Self::Prevent => "prevent",
        }
    }

    /// The action that an attribute holds or an expression gives.
    pub fn of(argument: &TextArg, exchange: &Exchange) -> Result<Self, Fault> {
        let text = argument.get(exchange)?;
        Self::parse(text.trim())
            .ok_or_else(|| Fault::expression(&format!("'{text}' is no action: ignore, prevent or detect.")))
    }
}

/// One row of the errors' table.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Content type, parameter, header or status code; empty for some rows.
    pub name: String,
    /// `RequestBody`, `QueryParameter`, …
    pub kind: &'static str,
    /// `SizeLimit`, `Unspecified`, …
    pub rule: &'static str,
    pub details: String,
    /// What the client is told.
    pub public: Cow<'static, str>,
    pub action: Action,
}

impl Finding {
    /// A finding whose details the client may see.
    pub fn public(
        name: impl Into<String>,
        (kind, rule): (&'static str, &'static str),
        details: String,
        action: Action,
    ) -> Self {
        let public = Cow::Owned(details.clone());
        Self { name: name.into(), kind, rule, details, public, action }
    }

    /// A finding whose details stay inside.
    pub fn internal(
        name: impl Into<String>,
        (kind, rule): (&'static str, &'static str),
        details: String,
        action: Action,
    ) -> Self {
        Self { name: name.into(), kind, rule, details, public: Cow::Borrowed(INTERNAL), action }
    }

    /// The same, told to the client in other words, or not at all where the exchange is about a response.
    #[must_use]
    pub fn told(mut self, public: Option<String>) -> Self {
        self.public = public.map_or(Cow::Borrowed(INTERNAL), Cow::Owned);
        self
    }
}

/// Findings of one policy: noted in the trace and in the variable; those to be prevented fail the exchange.
pub fn conclude(
    policy: &'static str,
    findings: Vec<Finding>,
    variable: Option<&Arc<str>>,
    exchange: &mut Exchange,
) -> Result<Flow, Fault> {
    let findings: Vec<_> = findings.into_iter().filter(|finding| finding.action != Action::Ignore).collect();
    if findings.is_empty() {
        return Ok(Flow::Continue);
    }
    for finding in &findings {
        tracing::debug!(request = exchange.id_text(), policy, text = finding.details, "validation");
        exchange.trace.add(TraceEntry {
            source: policy.into(),
            severity: Severity::Error,
            message: finding.details.clone(),
            metadata: Vec::new(),
            elapsed: exchange.received.elapsed(),
        });
    }
    if let Some(variable) = variable {
        exchange.set_variable(variable, list(&findings));
    }
    let Some(prevented) = findings.iter().find(|finding| finding.action == Action::Prevent) else {
        return Ok(Flow::Continue);
    };
    let (status, reason) =
        if exchange.is_about_request() { (400, "Bad request") } else { (502, "Response not allowed") };
    Err(Fault::new(status, prevented.public.clone(), policy, reason, prevented.details.clone()))
}

/// The findings as the variable holds them: a JSON array.
fn list(findings: &[Finding]) -> Value {
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "Name": finding.name,
                "Type": finding.kind,
                "ValidationRule": finding.rule,
                "Details": finding.details,
                "Action": finding.action.as_str(),
            })
        })
        .collect();
    Value::from_portable(&Portable::Json(serde_json::Value::Array(rows).to_string().into()))
}
