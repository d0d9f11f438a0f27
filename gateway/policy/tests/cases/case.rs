//! The format of a case file.
//!
//! Text in front says what the case shows. Then blocks, each behind a line `=== name arguments`:
//!
//! - `policy [global|product|api|operation]` (api when left out), `fragment ID`: documents
//! - `graphql`: the schema of the API; `resolver TYPE/FIELD`: document of a resolver
//! - `named-values`, `backends`, `loggers`: lines `name: value`; a backend is a URL, or JSON of its properties as a logger is
//! - `operation`, `schemas`, `global-schemas`: JSON of the operation, of the API's schemas and of the service's by id
//! - `certificates`: lines `id: file password`, files of `keys/`
//! - `tokens`: lines `name: token`, see `token`; `{name}` stands for it in requests, and in what comes out
//! - `issuer URL`: `issuer: text` and `keys: names` of what is published there from now on, or `down: reason`
//! - `context`: lines `name: value`, see [`Context::set`]; holds for the requests behind it
//! - `backend`: the next answer: `200 reason`, fields, an empty line, the body; or `error Reason text`
//! - `wait SECONDS`: the clock moves on
//! - `request`: `METHOD /path?query`, fields, an empty line, the body, which arrives as a stream
//! - `preflight`: the same, answered by the `cors` policies alone
//! - `expect`: what comes out, to the end of the file
//!
//! A body `base64:…` is the bytes it stands for.
//!
//! `\r`, `\n`, `\0` and `\\` in a `context` line stand for those characters.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_policy::fault::Scope;

use crate::token;

/// The line in front of the expectation.
pub const EXPECT: &str = "=== expect";

/// A case, taken apart.
#[derive(Debug, Default)]
pub struct Case {
    pub documents: Vec<(Scope, String)>,
    pub fragments: BTreeMap<String, String>,
    pub named_values: BTreeMap<String, String>,
    pub backends: BTreeMap<String, String>,
    pub loggers: BTreeMap<String, String>,
    pub certificates: BTreeMap<String, String>,
    /// Text by name in braces.
    pub tokens: Vec<(String, String)>,
    pub operation: Option<String>,
    pub schemas: Option<String>,
    pub graphql: Option<String>,
    /// Field and document.
    pub resolvers: Vec<(String, String)>,
    pub global_schemas: Option<String>,
    pub steps: Vec<Step>,
    /// Everything in front of the expectation.
    pub given: String,
    pub expect: String,
}

/// What happens, in order.
#[derive(Debug)]
pub enum Step {
    Context(Vec<(String, String)>),
    Backend(Scripted),
    Issuer(String, BTreeMap<String, String>),
    Wait(u64),
    Request(Message),
    Preflight(Message),
}

/// What a backend does with a call.
#[derive(Clone, Debug)]
pub enum Scripted {
    Answer(Message),
    Error { reason: String, message: String },
}

/// First line, fields and body.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub first: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub fn parse(text: &str) -> Result<Case, String> {
    let (given, expect) = match text.split_once(EXPECT) {
        Some((given, expect)) => (given.to_owned(), expect.trim_start_matches([' ', '\n']).to_owned()),
        None => (format!("{}\n", text.trim_end()), String::new()),
    };
    let mut case = Case { expect, ..Case::default() };
    for block in format!("\n{given}").split("\n=== ").skip(1) {
        let (head, content) = block.split_once('\n').unwrap_or((block, ""));
        let (name, argument) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
        case.add(name, argument, content)?;
    }
    case.given = given;
    Ok(case)
}

impl Case {
    fn with_tokens(&self, text: &str) -> String {
        self.tokens.iter().fold(text.to_owned(), |text, (name, token)| text.replace(name, token))
    }

    /// What came out, with the names of tokens in their place.
    pub fn without_tokens(&self, text: &str) -> String {
        self.tokens.iter().fold(text.to_owned(), |text, (name, token)| text.replace(token, name))
    }

    fn add(&mut self, name: &str, argument: &str, content: &str) -> Result<(), String> {
        let content = content.strip_suffix('\n').unwrap_or(content);
        match name {
            "policy" => self.documents.push((scope(argument)?, content.to_owned())),
            "fragment" => drop(self.fragments.insert(argument.to_owned(), content.to_owned())),
            "named-values" => self.named_values.extend(pairs(content)?),
            "loggers" => self.loggers.extend(pairs(content)?),
            "backends" => self.backends.extend(pairs(content)?),
            "certificates" => self.certificates.extend(pairs(content)?),
            "tokens" => {
                let made = |(name, line): (String, String)| (format!("{{{name}}}"), token::make(&line));
                self.tokens.extend(pairs(content)?.into_iter().map(made));
            }
            "issuer" => {
                let published = pairs(content)?.into_iter().collect();
                self.steps.push(Step::Issuer(argument.to_owned(), published));
            }
            "operation" => self.operation = Some(content.to_owned()),
            "schemas" => self.schemas = Some(content.to_owned()),
            "graphql" => self.graphql = Some(content.to_owned()),
            "resolver" => self.resolvers.push((argument.to_owned(), content.to_owned())),
            "global-schemas" => self.global_schemas = Some(content.to_owned()),
            "context" => self.steps.push(Step::Context(pairs(content)?)),
            "wait" => self.steps.push(Step::Wait(argument.parse().map_err(|_| format!("wait {argument}"))?)),
            "request" => self.steps.push(Step::Request(message(&self.with_tokens(content))?)),
            "preflight" => self.steps.push(Step::Preflight(message(content)?)),
            "backend" => self.steps.push(Step::Backend(scripted(content)?)),
            other => return Err(format!("block {other:?} is unknown")),
        }
        Ok(())
    }
}

fn scope(name: &str) -> Result<Scope, String> {
    match name {
        "global" => Ok(Scope::Global),
        "product" => Ok(Scope::Product),
        "api" | "" => Ok(Scope::Api),
        "operation" => Ok(Scope::Operation),
        other => Err(format!("scope {other:?} is unknown")),
    }
}

fn pairs(content: &str) -> Result<Vec<(String, String)>, String> {
    let lines = content.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, value) =
                line.split_once(':').ok_or_else(|| format!("{line:?} is no 'name: value'"))?;
            Ok((name.trim().to_owned(), unescape(value.trim())))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        out.push(match escaped {
            Some('r') => '\r',
            Some('n') => '\n',
            Some('0') => '\0',
            Some(other) => other,
            None => c,
        });
    }
    out
}

fn scripted(content: &str) -> Result<Scripted, String> {
    let Some(error) = content.strip_prefix("error ") else { return message(content).map(Scripted::Answer) };
    let (reason, text) = error.split_once(' ').unwrap_or((error, ""));
    Ok(Scripted::Error { reason: reason.trim().to_owned(), message: text.trim().to_owned() })
}

fn message(content: &str) -> Result<Message, String> {
    let (head, body) = content.split_once("\n\n").unwrap_or((content, ""));
    let (first, fields) = head.split_once('\n').unwrap_or((head, ""));
    // An empty line in front of the next block belongs to the file, not to the body.
    let body = body.strip_suffix('\n').unwrap_or(body);
    let body = match body.strip_prefix("base64:") {
        Some(text) => STANDARD.decode(text.trim()).map_err(|error| format!("{text:?}: {error}"))?,
        None => body.as_bytes().to_vec(),
    };
    Ok(Message { first: first.trim().to_owned(), headers: pairs(fields)?, body })
}
