//! `send-request` (`policies.md` C 3.1), and what `send-one-way-request` shares with it.

use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Value;

use super::authentication_basic::BasicCredentials;
use super::authentication_certificate::CertificateArg;
use super::authentication_managed_identity::ManagedIdentity;
use super::proxy::ProxyArg;
use super::set_body::SetBody;
use super::set_header::SetHeader;
use super::set_method::SetMethod;
use super::{
    authentication_basic, authentication_certificate, authentication_managed_identity, proxy, set_body,
    set_header, set_method,
};
use crate::backend::BackendTls;
use crate::catalogue::{
    ALL, AttributeDef, ChildDef, Content, Kind, MANY, PolicyDef, child, optional, required,
};
use crate::compile::Compiler;
use crate::compile::arguments::{IntArg, TextArg};
use crate::exchange::calls::Purpose;
use crate::exchange::{Exchange, stored_response};
use crate::fault::{Fault, Section};
use crate::message::{Body, Headers, Method, Request, Response, Url};
use crate::pipeline::{AsyncPolicy, Flow, Needs, SharedExchange, Step};
use crate::ports::{LocalFuture, OutboundCall, Ports, SendError, boxed};
use crate::xml::Element;

pub static SEND_REQUEST: PolicyDef = PolicyDef {
    element: "send-request",
    sections: ALL,
    attributes: &[
        MODE,
        required("response-variable-name", Kind::Text),
        TIMEOUT,
        optional("ignore-error", Kind::Bool),
    ],
    content: Content::Sequence(CHILDREN),
    once: false,
    docs: "Sends a request of its own and keeps the response in a variable. `mode`: new (default), or copy of the \
           current request (in outbound and on-error without its body). `timeout` in seconds, default 60. A status of \
           400 or more is no error; where no response comes, `ignore-error=\"true\"` sets the variable to null, else \
           on-error runs (500). A request may make 64 calls in all.",
    compile,
};

pub const MODE: AttributeDef = optional("mode", Kind::OneOf(&["new", "copy"])).expression();
pub const TIMEOUT: AttributeDef = optional("timeout", Kind::Int(0, 86_400)).expression();

/// Children of a policy that sends a request, in this order.
pub const CHILDREN: &[ChildDef] = &[
    child("set-url", (0, 1), &[], Content::Text { expression: true }),
    child("set-method", (0, 1), &[], set_method::CONTENT),
    child("set-header", (0, MANY), set_header::ATTRIBUTES, set_header::CONTENT),
    child("set-body", (0, 1), set_body::ATTRIBUTES, set_body::CONTENT),
    child("authentication-certificate", (0, 1), authentication_certificate::ATTRIBUTES, Content::Empty),
    child("authentication-basic", (0, 1), authentication_basic::ATTRIBUTES, Content::Empty),
    child(
        "authentication-managed-identity",
        (0, 1),
        authentication_managed_identity::ATTRIBUTES,
        Content::Empty,
    ),
    child("proxy", (0, 1), proxy::ATTRIBUTES, Content::Empty),
];

/// A request to be made, before its expressions are evaluated.
#[derive(Debug)]
pub struct CallTemplate {
    /// `new` where it is left out.
    mode: Option<TextArg>,
    url: Option<SetUrl>,
    method: Option<SetMethod>,
    headers: Vec<SetHeader>,
    body: Option<SetBody>,
    certificate: Option<CertificateArg>,
    basic: Option<BasicCredentials>,
    managed: Option<ManagedIdentity>,
    timeout: IntArg,
    proxy: Option<ProxyArg>,
}

#[derive(Debug)]
enum SetUrl {
    Literal(Url),
    Expression(TextArg),
}

impl CallTemplate {
    /// Compiles attributes and children; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Self {
        let mode = c.text(element, "mode");
        // What an expression says is known when the request is made.
        let written = mode.as_ref().map_or(Some("new"), TextArg::literal);
        for name in ["set-url", "set-method"] {
            if written == Some("new") && element.child(name).is_none() {
                let text = format!(
                    "The element '{}' has incomplete content. List of possible elements expected: '{name}'.",
                    element.name
                );
                c.error("xsd", element.at, text);
            }
        }
        let body = element.child("set-body").and_then(|child| SetBody::compile(child, c));
        if written != Some("new") && body.is_none() && sees_request_body(c.section) {
            c.need(Needs { request_body: true, response_body: false });
        }
        let headers = element.elements().filter(|child| &*child.name == "set-header");
        Self {
            mode,
            url: element.child("set-url").and_then(|child| SetUrl::compile(child, c)),
            method: element.child("set-method").and_then(|child| SetMethod::compile(child, c)),
            headers: headers.filter_map(|child| SetHeader::compile(child, c)).collect(),
            body,
            certificate: element
                .child("authentication-certificate")
                .and_then(|child| CertificateArg::compile(child, c)),
            basic: element
                .child("authentication-basic")
                .and_then(|child| BasicCredentials::compile(child, c)),
            managed: element
                .child("authentication-managed-identity")
                .and_then(|child| ManagedIdentity::compile(child, c)),
            timeout: c.int(element, "timeout").unwrap_or(IntArg::Literal(60)),
            proxy: element.child("proxy").and_then(|child| ProxyArg::compile(child, c)),
        }
    }

    fn is_copy(&self, exchange: &Exchange) -> Result<bool, Fault> {
        let mode = self.mode.as_ref().map(|mode| mode.get(exchange)).transpose()?;
        match mode.as_deref() {
            Some("copy") => Ok(true),
            None | Some("new") if self.url.is_some() && self.method.is_some() => Ok(false),
            None | Some("new") => Err(Fault::expression("A new request needs 'set-url' and 'set-method'.")),
            Some(other) => Err(Fault::expression(&format!("'{other}' is not a mode: new or copy."))),
        }
    }

    /// The call, ready to be made; it has been counted.
    pub async fn evaluate(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<OutboundCall, Fault> {
        let mut request = if self.is_copy(exchange)? { copy_of(exchange) } else { blank() };
        if let Some(url) = &self.url {
            request.url = url.evaluate(exchange)?;
        }
        if let Some(method) = &self.method {
            request.method = method.evaluate(exchange)?;
        }
        for header in &self.headers {
            header.evaluate(exchange)?.apply(&mut request.headers)?;
        }
        if let Some(body) = &self.body {
            request.body = body.evaluate(exchange)?;
        }
        let identity = match &self.certificate {
            Some(certificate) => Some(certificate.get(exchange)?),
            None => None,
        };
        if let Some(basic) = &self.basic {
            basic.apply(exchange, &mut request.headers)?;
        }
        if let Some(managed) = &self.managed
            && let Some(value) = managed.authorization(exchange, ports).await?
        {
            let set = request.headers.set("Authorization", value.as_bytes());
            set.map_err(|error| Fault::invalid_value("authentication-managed-identity", error))?;
        }
        let seconds = self.timeout.get(exchange)?.max(0).unsigned_abs();
        let proxy = self.proxy.as_ref().map(|proxy| proxy.evaluate(exchange)).transpose()?;
        exchange.count_call()?;
        let tls = BackendTls { identity, ..BackendTls::default() };
        Ok(OutboundCall { tls, proxy, ..OutboundCall::new(request, Duration::from_secs(seconds)) })
    }
}

impl SetUrl {
    fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let argument = c.content(element)?;
        let Some(text) = argument.literal() else { return Some(Self::Expression(argument)) };
        match Url::parse(text) {
            Ok(url) => Some(Self::Literal(url)),
            Err(error) => {
                let text = Url::without_secrets(text);
                c.error(
                    "url-invalid",
                    element.text_at(),
                    format!("'{text}' is not a URL that can be called: {error}."),
                );
                None
            }
        }
    }

    fn evaluate(&self, exchange: &Exchange) -> Result<Url, Fault> {
        match self {
            Self::Literal(url) => Ok(url.clone()),
            Self::Expression(argument) => {
                Url::parse(&argument.get(exchange)?).map_err(|error| Fault::invalid_value("", error))
            }
        }
    }
}

/// Behind the backend the request's body is gone, or of no more use.
fn sees_request_body(section: Section) -> bool {
    matches!(section, Section::Inbound | Section::Backend)
}

fn blank() -> Request {
    Request { method: Method::Get, url: Url::default(), headers: Headers::new(), body: Body::Empty }
}

/// The current request as it would be forwarded, but for the credentials of the backend entity.
fn copy_of(exchange: &mut Exchange) -> Request {
    let own = &exchange.request.url;
    let url = match exchange.destination() {
        Some(backend) => Url {
            path: format!("{}{}", backend.base.path, own.path),
            query: own.query.clone(),
            ..backend.base.clone()
        },
        None => own.clone(),
    };
    let mut headers = exchange.request.headers.clone();
    // The copy goes to another host, and its framing is made anew.
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Expect"] {
        headers.remove(name);
    }
    let body =
        if sees_request_body(exchange.section) { exchange.request.body.take_or_share() } else { Body::Empty };
    Request { method: exchange.request.method.clone(), url, headers, body }
}

struct SendRequest {
    call: CallTemplate,
    variable: Arc<str>,
    ignore_error: bool,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let call = CallTemplate::compile(element, c);
    let variable = c.literal(element, "response-variable-name")?;
    let ignore_error = c.literal_bool(element, "ignore-error", false);
    (c.findings() == before).then(|| Step::waiting(SendRequest { call, variable, ignore_error }))
}

impl SendRequest {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let call = self.call.evaluate(exchange, ports).await?;
        let outcome = exchange.call(Purpose::SendRequest, call, ports).await;
        exchange.set_variable(&self.variable, self.value(outcome)?);
        Ok(Flow::Continue)
    }

    /// The exchange is free while the call is under way; it waits for a token of the gateway, which is at hand but for
    /// the first time.
    async fn run_beside(&self, exchange: &SharedExchange<'_>, ports: &dyn Ports) -> Result<Flow, Fault> {
        let (call, begun) = {
            let exchange = &mut **exchange.lock().await;
            let mut call = self.call.evaluate(exchange, ports).await?;
            let begun = exchange.begin_call(Purpose::SendRequest, &mut call);
            (call, begun)
        };
        let outcome = ports.send(call).await;
        let exchange = &mut **exchange.lock().await;
        exchange.end_call(begun, outcome.as_ref());
        exchange.set_variable(&self.variable, self.value(outcome)?);
        Ok(Flow::Continue)
    }

    fn value(&self, outcome: Result<Response, SendError>) -> Result<Value, Fault> {
        match outcome {
            Ok(response) => Ok(stored_response::to_value(&response)),
            Err(_) if self.ignore_error => Ok(Value::Null),
            Err(error) => Err(Fault::internal("", error.reason, error.message)),
        }
    }
}

impl AsyncPolicy for SendRequest {
    fn apply<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        boxed(|| self.run(exchange, ports))
    }

    fn apply_beside<'a, 'e: 'a>(
        &'a self,
        exchange: &'a SharedExchange<'e>,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        boxed(|| self.run_beside(exchange, ports))
    }
}
