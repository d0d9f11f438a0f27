//! What Azure AI Content Safety is asked, and what its answers mean
//! (learn.microsoft.com/rest/api/contentsafety, version 2024-09-01).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::backend::Callee;
use crate::message::Response;
use crate::ports::{OutboundCall, SendError};

/// Longest text that the service takes.
pub const CHARACTERS_MAX: usize = 10_000;
pub const OUTPUT_TYPES: &[&str] = &["FourSeverityLevels", "EightSeverityLevels"];
const VERSION: (&str, &str) = ("api-version", "2024-09-01");
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the service thinks of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// Why, for `LastError`.
    Blocked(String),
    /// The service did not say.
    Unknown(String),
}

/// From which severity on a category blocks.
#[derive(Clone, Debug)]
pub struct CategoryRule {
    pub name: Arc<str>,
    pub threshold: u64,
}

/// What is looked for in a text.
#[derive(Clone, Debug)]
pub struct Analysis {
    pub categories: Vec<CategoryRule>,
    pub blocklists: Vec<String>,
    pub output_type: Arc<str>,
}

/// Asks whether a prompt is an attack.
pub fn shield(callee: &Callee, text: &str) -> OutboundCall {
    let body = json!({ "userPrompt": text, "documents": [] }).to_string();
    callee.post("/contentsafety/text:shieldPrompt", Some(VERSION), body, TIMEOUT)
}

pub fn shield_verdict(answer: Result<Response, SendError>) -> Verdict {
    let document = match read(answer) {
        Ok(document) => document,
        Err(reason) => return Verdict::Unknown(reason),
    };
    match document.pointer("/userPromptAnalysis/attackDetected").and_then(Value::as_bool) {
        Some(false) => Verdict::Passed,
        Some(true) => Verdict::Blocked("The prompt is an attack.".to_owned()),
        None => Verdict::Unknown("The content safety service's answer has no userPromptAnalysis.".to_owned()),
    }
}

impl Analysis {
    pub fn call(&self, callee: &Callee, text: &str) -> OutboundCall {
        let mut body = json!({ "text": text, "outputType": &*self.output_type });
        let names: Vec<&str> = self.categories.iter().map(|rule| &*rule.name).collect();
        for (name, list) in [("categories", json!(names)), ("blocklistNames", json!(self.blocklists))] {
            if list.as_array().is_some_and(|list| !list.is_empty()) {
                body[name] = list;
            }
        }
        callee.post("/contentsafety/text:analyze", Some(VERSION), body.to_string(), TIMEOUT)
    }

    pub fn verdict(&self, answer: Result<Response, SendError>) -> Verdict {
        let document = match read(answer) {
            Ok(document) => document,
            Err(reason) => return Verdict::Unknown(reason),
        };
        let list = |name: &str| document.get(name).and_then(Value::as_array).map(Vec::as_slice);
        if let Some(found) = list("blocklistsMatch").and_then(<[Value]>::first) {
            let name = found.get("blocklistName").and_then(Value::as_str).unwrap_or_default();
            return Verdict::Blocked(format!("The blocklist '{name}' matches."));
        }
        for rule in &self.categories {
            let found = list("categoriesAnalysis").unwrap_or_default().iter().find(|found| {
                found.get("category").and_then(Value::as_str).is_some_and(|own| own == &*rule.name)
            });
            match found.and_then(|found| found.get("severity")).and_then(Value::as_u64) {
                Some(severity) if severity >= rule.threshold => {
                    return Verdict::Blocked(format!("The severity of {} is {severity}.", rule.name));
                }
                Some(_) => {}
                None => {
                    let text =
                        format!("The content safety service's answer has no severity of {}.", rule.name);
                    return Verdict::Unknown(text);
                }
            }
        }
        Verdict::Passed
    }
}

fn read(answer: Result<Response, SendError>) -> Result<Value, String> {
    let answer = answer.map_err(|error| error.message)?;
    if answer.status != 200 {
        return Err(format!("The content safety service answered {}.", answer.status));
    }
    serde_json::from_slice(answer.body.buffered())
        .map_err(|_| "The content safety service's answer is no JSON.".to_owned())
}
