//! What the Dapr policies share (`policies.md` C 3.5): the call of the sidecar and what becomes of its answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gateway_expression::{Value, is_expression};

use super::set_body::template::BodyTemplate;
use crate::catalogue::{AttributeDef, Kind, optional};
use crate::compile::Compiler;
use crate::compile::arguments::{IntArg, TextArg};
use crate::exchange::calls::Purpose;
use crate::exchange::{Exchange, payload, stored_response};
use crate::fault::Fault;
use crate::message::{Body, Headers, Method, Request, Scheme, Url};
use crate::ports::{OutboundCall, Ports};
use crate::xml::{Element, unresolved};

pub const IGNORE_ERROR: AttributeDef = optional("ignore-error", Kind::Bool);
pub const RESPONSE_VARIABLE: AttributeDef = optional("response-variable-name", Kind::Text);
pub const TIMEOUT: AttributeDef = optional("timeout", Kind::Int(1, 240)).expression();
pub const TEMPLATE: AttributeDef = optional("template", Kind::OneOf(&["Liquid"]));
pub const CONTENT_TYPE: AttributeDef = optional("content-type", Kind::OneOf(&["application/json"]));

/// What a Dapr policy sends.
#[derive(Debug)]
pub enum Message {
    Text(TextArg),
    Template(Box<BodyTemplate>),
}

impl Message {
    /// Reads the content of `holder`: a template where the policy says so, which sees the message at hand as `body`.
    pub fn compile(policy: &Element, holder: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let text = holder.text();
        if policy.attribute("template").is_some() {
            let template = BodyTemplate::compile(policy, &text, holder.text_at(), c)?;
            if template.reads_body() {
                c.need(payload::needs(c.section));
            }
            return Some(Self::Template(Box::new(template)));
        }
        if let Some(name) = unresolved(&text).filter(|_| !is_expression(&text)) {
            c.named_value_missing(name, holder.text_at());
            return None;
        }
        c.content(holder).map(Self::Text)
    }

    pub fn get(&self, exchange: &Exchange) -> Result<String, Fault> {
        match self {
            Self::Text(text) => text.get(exchange).map(Cow::into_owned),
            Self::Template(template) => template.render(exchange),
        }
    }
}

/// How the sidecar is called.
#[derive(Debug)]
pub struct SidecarCall {
    ignore_error: bool,
    variable: Option<Arc<str>>,
    timeout: IntArg,
}

impl SidecarCall {
    /// Reads the common attributes; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Self {
        Self {
            ignore_error: c.literal_bool(element, "ignore-error", false),
            variable: c.literal(element, "response-variable-name"),
            timeout: c.int(element, "timeout").unwrap_or(IntArg::Literal(5)),
        }
    }

    /// Posts JSON to a path of the sidecar.
    pub async fn post(
        &self,
        path: String,
        json: String,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<(), Fault> {
        let mut headers = Headers::new();
        let _ = headers.append("Content-Type", b"application/json");
        let request =
            Request { method: Method::Post, url: sidecar(path, ports), headers, body: Body::from(json) };
        let seconds = self.timeout.get(exchange)?;
        if !(1..=240).contains(&seconds) {
            return Err(Fault::expression(&format!("timeout {seconds} is not between 1 and 240 seconds.")));
        }
        exchange.count_call()?;
        let timeout = Duration::from_secs(seconds.unsigned_abs());
        let outcome = exchange.call(Purpose::Dapr, OutboundCall::new(request, timeout), ports).await;
        let value = outcome.as_ref().map_or(Value::Null, stored_response::to_value);
        if let Some(name) = &self.variable {
            exchange.set_variable(name, value);
        }
        let fault = match outcome {
            Ok(response) if response.status < 400 => return Ok(()),
            Ok(response) => {
                let text =
                    String::from_utf8_lossy(response.body.buffered()).chars().take(256).collect::<String>();
                let text = format!("The Dapr runtime answered {}: {text}", response.status);
                Fault::internal("", "DaprRequestFailed", text)
            }
            Err(error) => Fault::internal("", error.reason, error.message),
        };
        if self.ignore_error { Ok(()) } else { Err(fault) }
    }
}

/// An address of the sidecar beside the gateway.
pub fn sidecar(path: String, ports: &dyn Ports) -> Url {
    Url {
        scheme: Scheme::Http,
        host: "localhost".to_owned(),
        port: ports.dapr_port(),
        path,
        query: String::new(),
    }
}

/// One segment of a path: everything but RFC 3986's unreserved characters is encoded, so that a name stays one
/// segment; `.` and `..` would not.
pub fn segment(name: &str, what: &str) -> Result<String, Fault> {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    if matches!(name, "" | "." | "..") {
        return Err(Fault::expression(&format!("The {what} '{name}' is no name.")));
    }
    Ok(percent_encoding::utf8_percent_encode(name, KEPT).to_string())
}
