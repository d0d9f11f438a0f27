//! The Liquid form: what a template sees of the exchange.

use std::rc::Rc;

use gateway_expression as expression;
use gateway_expression::clr::date_time::{DateTime, DateTimeKind};
use gateway_expression::clr::json;
use gateway_expression::host::{Host, UrlParts, WhichUrl};

use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::payload::{is_json, is_xml};
use crate::fault::Fault;
use crate::liquid::{Hash, Limits, Scope, Template, Value};
use crate::markup;
use crate::message::{Headers, query};
use crate::xml::{Element, Position};

/// A compiled template with its options.
#[derive(Debug)]
pub struct BodyTemplate {
    template: Template,
    reads_body: bool,
    reads_variables: bool,
    nil_is_null: bool,
    parse_date: bool,
}

impl BodyTemplate {
    pub fn compile(element: &Element, text: &str, at: Position, c: &mut Compiler<'_>) -> Option<Self> {
        match Template::parse(text) {
            Ok(template) => Some(Self {
                template,
                reads_body: text.contains("body"),
                reads_variables: text.to_ascii_lowercase().contains("variables"),
                nil_is_null: element.attribute("xsi-nil").is_some_and(|nil| nil.value == "null"),
                parse_date: c.literal_bool(element, "parse-date", true),
            }),
            Err(error) => {
                c.error("liquid", at, error);
                None
            }
        }
    }

    pub fn reads_body(&self) -> bool {
        self.reads_body
    }

    pub fn render(&self, exchange: &Exchange) -> Result<String, Fault> {
        let body = if self.reads_body { self.body(exchange)? } else { Value::Nil };
        let variables = if self.reads_variables { variables(exchange) } else { Value::Nil };
        let scope = ExchangeScope { exchange, body, variables };
        self.template.render(&scope, Limits::default()).map_err(|error| failed(&error.to_string()))
    }

    fn body(&self, exchange: &Exchange) -> Result<Value, Fault> {
        let content_type = exchange.payload_type();
        if exchange.payload().is_empty() {
            return Ok(Value::Nil);
        }
        let text = exchange.payload_text();
        if is_json(content_type) {
            let parsed = if self.parse_date {
                json::parse(&text, json::DEPTH_DEFAULT)
            } else {
                json::parse_without_dates(&text)
            };
            return match parsed {
                Ok(token) => Ok(Value::of_json(&token)),
                Err(error) => Err(failed(&error.message)),
            };
        }
        if is_xml(content_type) {
            let document = markup::read(&text).map_err(|error| failed(&error.to_string()))?;
            let nil = if self.nil_is_null { Value::Nil } else { Value::text("") };
            return Ok(Value::of_xml(&document, &nil));
        }
        Ok(Value::Nil)
    }
}

fn failed(message: &str) -> Fault {
    Fault::internal("", "ExpressionValueEvaluationFailure", format!("Template evaluation failed. {message}"))
}

struct ExchangeScope<'e> {
    exchange: &'e Exchange,
    body: Value,
    variables: Value,
}

impl Scope for ExchangeScope<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "body" => Some(self.body.clone()),
            "context" => Some(context(self.exchange, &self.variables)),
            _ => None,
        }
    }

    fn now(&self) -> DateTime {
        let ticks = Host::now_ticks(self.exchange);
        DateTime::from_ticks(ticks, DateTimeKind::Utc).unwrap_or(DateTime::MIN)
    }
}

fn hash(entries: impl IntoIterator<Item = (String, Value)>, text: Option<&str>) -> Value {
    let entries = entries.into_iter().map(|(name, value)| (Rc::from(name), value)).collect();
    Value::Hash(Rc::new(Hash { entries, text: text.map(Into::into), ignore_case: true }))
}

fn fields<const N: usize>(entries: [(&str, Value); N]) -> Value {
    hash(entries.map(|(name, value)| (name.to_owned(), value)), None)
}

/// `context` as templates see it.
fn context(exchange: &Exchange, variables: &Value) -> Value {
    let request = &exchange.request;
    let parameters = &exchange.matched_parameters;
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), Value::text(value)));
    let seen = fields([
        ("Url", url(&Host::url(exchange, WhichUrl::Current))),
        ("OriginalUrl", url(&Host::url(exchange, WhichUrl::Original))),
        ("Method", Value::text(request.method.as_str())),
        ("OriginalMethod", Value::text(exchange.original_method.as_str())),
        ("IpAddress", Value::text(&exchange.connection.ip)),
        ("MatchedParameters", hash(parameters, None)),
        ("HasBody", Value::Bool(!request.body.is_empty())),
        ("Headers", headers(&request.headers)),
    ]);
    let answered = exchange.response.as_ref().map_or(Value::Nil, |response| {
        fields([
            ("StatusCode", Value::Int(i64::from(response.status))),
            ("StatusReason", Value::text(response.reason_text())),
            ("Method", Value::text(request.method.as_str())),
            ("Headers", headers(&response.headers)),
        ])
    });
    fields([("Request", seen), ("Response", answered), ("Variables", variables.clone())])
}

/// The variables of the request, by their names to the letter.
fn variables(exchange: &Exchange) -> Value {
    let mut entries = Hash::default();
    exchange.variables(&mut |name, value| {
        entries.entries.insert(name.into(), variable(&value));
    });
    Value::Hash(Rc::new(entries))
}

/// Numbers, truth values and JSON as such; anything else as its text.
fn variable(value: &expression::Value) -> Value {
    match value {
        expression::Value::Null => Value::Nil,
        expression::Value::Bool(value) => Value::Bool(*value),
        expression::Value::I32(value) => Value::Int(i64::from(*value)),
        expression::Value::I64(value) => Value::Int(*value),
        expression::Value::F64(value) => Value::Double(*value),
        expression::Value::Object(_) if is_token(value) => {
            json::parse_without_dates(&value.to_text()).map_or(Value::Nil, |token| Value::of_json(&token))
        }
        other => Value::text(&other.to_text()),
    }
}

fn is_token(value: &expression::Value) -> bool {
    value.clr_type_name().is_some_and(|name| name.starts_with("Newtonsoft.Json.Linq."))
}

fn headers(headers: &Headers) -> Value {
    let names = headers.iter().map(|(name, _)| name.to_owned());
    let joined = |name: String| {
        let value = Value::text(&headers.joined(&name).unwrap_or_default());
        (name, value)
    };
    hash(names.map(joined), None)
}

fn url(parts: &UrlParts<'_>) -> Value {
    let is_default = matches!((parts.scheme, parts.port), ("http", 80) | ("https", 443));
    let port = if is_default { String::new() } else { format!(":{}", parts.port) };
    let question = if parts.query.is_empty() { String::new() } else { format!("?{}", parts.query) };
    let text = format!("{}://{}{port}{}{question}", parts.scheme, parts.host, parts.path);
    let pairs = query::pairs(parts.query);
    let pairs =
        pairs.map(|(name, value)| (query::decode(name).into_owned(), Value::text(&query::decode(value))));
    let entries = [
        ("Scheme", Value::text(parts.scheme)),
        ("Host", Value::text(parts.host)),
        ("Port", Value::Int(i64::from(parts.port))),
        ("Path", Value::text(parts.path)),
        ("Query", hash(pairs, None)),
        ("QueryString", Value::text(&question)),
        ("ToUri", Value::text(&text)),
        ("ToString", Value::text(&text)),
    ];
    hash(entries.map(|(name, value)| (name.to_owned(), value)), Some(&text))
}
