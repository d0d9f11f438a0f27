//! `forward-request` (`policies.md` C 1.1).

use std::time::Duration;

use crate::backend;
use crate::catalogue::{Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::graphql;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::{ForwardOptions, HttpVersion, Ports};
use crate::xml::Element;

pub static FORWARD_REQUEST: PolicyDef = PolicyDef {
    element: "forward-request",
    sections: &[Section::Backend],
    attributes: &[
        optional("timeout", Kind::Int(0, 86_400)).expression(),
        optional("timeout-ms", Kind::Int(0, 86_400_000)).expression(),
        optional("continue-timeout", Kind::Int(0, 86_400)).expression(),
        optional("http-version", Kind::OneOf(&["1", "2or1", "2"])),
        optional("follow-redirects", Kind::Bool).expression(),
        optional("buffer-request-body", Kind::Bool),
        optional("buffer-response", Kind::Bool),
        optional("fail-on-error-status-code", Kind::Bool),
    ],
    content: Content::Empty,
    once: false,
    docs: "Sends the request to the backend. `timeout` in seconds until the response head, default 300; \
           `timeout-ms` instead of it. No connection: 500, reason BackendConnectionFailure; too late: 500, reason \
           Timeout. A backend whose circuit breaker is open, or a pool without a member left, is 503 with Retry-After \
           and the reason phrase `Backend pool 'NAME' is temporarily unavailable`; a `retry` around it takes another \
           member of the pool. `buffer-request-body` keeps the body for `retry`; `buffer-response=\"false\"` passes every \
           chunk on at once.",
    compile,
};

struct ForwardRequest {
    /// What needs no expression.
    options: ForwardOptions,
    timeout: Option<(IntArg, Unit)>,
    continue_timeout: Option<IntArg>,
    follow_redirects: Option<BoolArg>,
}

#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    if let (Some(_), Some(ms)) = (element.attribute("timeout"), element.attribute("timeout-ms")) {
        c.error("xsd", ms.at, "The attributes 'timeout' and 'timeout-ms' exclude each other.");
    }
    let timeout = c.int(element, "timeout").map(|arg| (arg, Unit::Seconds));
    let timeout = timeout.or_else(|| c.int(element, "timeout-ms").map(|arg| (arg, Unit::Milliseconds)));
    let policy = ForwardRequest {
        options: ForwardOptions {
            http_version: match c.literal(element, "http-version").as_deref() {
                Some("2") => HttpVersion::Http2,
                Some("2or1") => HttpVersion::Http2OrHttp1,
                _ => HttpVersion::Http1,
            },
            buffer_request_body: c.literal_bool(element, "buffer-request-body", false),
            buffer_response: c.literal_bool(element, "buffer-response", true),
            fail_on_error_status_code: c.literal_bool(element, "fail-on-error-status-code", false),
            ..ForwardOptions::default()
        },
        timeout,
        continue_timeout: c.int(element, "continue-timeout"),
        follow_redirects: c.boolean(element, "follow-redirects"),
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl ForwardRequest {
    fn evaluate(&self, exchange: &Exchange) -> Result<ForwardOptions, Fault> {
        let mut options = self.options;
        if exchange.backend_http2 {
            options.http_version = HttpVersion::Http2;
        }
        if let Some((timeout, unit)) = &self.timeout {
            let number = timeout.get(exchange)?.max(0).unsigned_abs();
            options.timeout = match unit {
                Unit::Seconds => Duration::from_secs(number),
                Unit::Milliseconds => Duration::from_millis(number),
            };
        }
        if let Some(timeout) = &self.continue_timeout {
            options.continue_timeout =
                Some(Duration::from_secs(timeout.get(exchange)?.max(0).unsigned_abs()));
        }
        if let Some(follow) = &self.follow_redirects {
            options.follow_redirects = follow.get(exchange)?;
        }
        Ok(options)
    }
}

impl WaitingPolicy for ForwardRequest {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let options = self.evaluate(exchange)?;
        exchange.count_call()?;
        if options.buffer_request_body {
            exchange.buffer_request(ports).await?;
        }
        match exchange.caller.graphql.clone() {
            Some(api) if !exchange.upgrade => graphql::forward(&api, exchange, options, ports).await?,
            Some(api) if exchange.backend.is_none() => ports.serve_subscriptions(&api, exchange)?,
            _ => backend::forward(exchange, options, ports).await?,
        }
        Ok(Flow::Continue)
    }
}
