//! `cors` (`policies.md` B 4.1): cross-origin requests of browsers.

use std::sync::Arc;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::{InvalidField, Method, Response};
use crate::pipeline::{Flow, Step};
use crate::xml::Element;

const TEXT: Content = Content::Text { expression: true };

pub static CORS: PolicyDef = PolicyDef {
    element: "cors",
    sections: &[Section::Inbound],
    attributes: &[
        optional("allow-credentials", Kind::Bool).expression(),
        optional("terminate-unmatched-request", Kind::Bool).expression(),
    ],
    content: Content::Elements(&[
        child(
            "allowed-origins",
            (1, 1),
            &[],
            Content::Elements(&[child("origin", (1, MANY), &[], Content::Text { expression: false })]),
        ),
        child(
            "allowed-methods",
            (0, 1),
            &[optional("preflight-result-max-age", Kind::Int(0, i32::MAX as i64)).expression()],
            Content::Elements(&[child("method", (1, MANY), &[], TEXT)]),
        ),
        child("allowed-headers", (0, 1), &[], Content::Elements(&[child("header", (1, MANY), &[], TEXT)])),
        child("expose-headers", (0, 1), &[], Content::Elements(&[child("header", (1, MANY), &[], TEXT)])),
    ]),
    once: true,
    docs: "Answers preflight requests (OPTIONS with Origin) before anything else runs, without a subscription key, \
           and adds the CORS fields to answers of simple requests. Methods default to GET and POST. An origin that \
           does not match gets an empty 200 without CORS fields when `terminate-unmatched-request` is true (default).",
    compile,
};

/// A compiled `cors`.
#[derive(Debug)]
pub struct Cors {
    allow_credentials: BoolArg,
    terminate_unmatched: BoolArg,
    origins: Vec<Box<str>>,
    methods: Vec<TextArg>,
    max_age: IntArg,
    headers: Vec<TextArg>,
    expose: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let origins = list(element, "allowed-origins").map(|origin| normalise(&origin.text())).collect();
    let cors = Cors {
        allow_credentials: c.boolean(element, "allow-credentials").unwrap_or(BoolArg::Literal(false)),
        terminate_unmatched: c
            .boolean(element, "terminate-unmatched-request")
            .unwrap_or(BoolArg::Literal(true)),
        origins,
        methods: list(element, "allowed-methods").filter_map(|method| c.content(method)).collect(),
        max_age: element
            .child("allowed-methods")
            .and_then(|methods| c.int(methods, "preflight-result-max-age"))
            .unwrap_or(IntArg::Literal(0)),
        headers: list(element, "allowed-headers").filter_map(|header| c.content(header)).collect(),
        expose: list(element, "expose-headers").filter_map(|header| c.content(header)).collect(),
    };
    (c.findings() == before).then(|| Step::Cors(Arc::new(cors)))
}

fn list<'a>(element: &'a Element, name: &str) -> impl Iterator<Item = &'a Element> {
    element.child(name).into_iter().flat_map(Element::elements)
}

/// Lower case, no trailing slash, no default port: how origins are compared.
fn normalise(origin: &str) -> Box<str> {
    let text = origin.trim().trim_end_matches('/').to_ascii_lowercase();
    let without_port = match text.split_once("://") {
        Some(("http", _)) => text.strip_suffix(":80"),
        Some(("https", _)) => text.strip_suffix(":443"),
        _ => None,
    };
    without_port.unwrap_or(&text).into()
}

/// What a `cors` statement says about a preflight request.
#[derive(Debug)]
pub enum Preflight {
    /// The answer.
    Answer(Box<Response>),
    /// The origin is not known here; the next `cors` in scope decides.
    Next,
}

impl Cors {
    fn allows(&self, origin: &str) -> bool {
        let origin = normalise(origin);
        self.origins.iter().any(|allowed| &**allowed == "*" || *allowed == origin)
    }

    fn is_any_origin(&self) -> bool {
        self.origins.iter().any(|allowed| &**allowed == "*")
    }

    /// Answers a preflight request.
    pub fn preflight(&self, exchange: &Exchange) -> Result<Preflight, Fault> {
        let origin = exchange.request.headers.get_str("Origin").unwrap_or_default();
        if !self.allows(origin) {
            let terminate = self.terminate_unmatched.get(exchange)?;
            return Ok(if terminate {
                Preflight::Answer(Box::new(Response::new(200)))
            } else {
                Preflight::Next
            });
        }
        let mut response = Response::new(200);
        self.allow_origin(origin, exchange, &mut response)?;
        let request = &exchange.request.headers;
        let methods = self.listed(&self.methods, exchange)?;
        let methods = match methods.as_deref() {
            None => "GET,POST".to_owned(),
            Some("*") => request.get_str("Access-Control-Request-Method").unwrap_or("*").to_owned(),
            Some(list) => list.to_owned(),
        };
        set(&mut response, "Access-Control-Allow-Methods", &methods)?;
        if let Some(list) = self.listed(&self.headers, exchange)? {
            let asked = request.get_str("Access-Control-Request-Headers");
            let list = if list == "*" { asked.map(str::to_owned).unwrap_or(list) } else { list };
            set(&mut response, "Access-Control-Allow-Headers", &list)?;
        }
        let max_age = self.max_age.get(exchange)?;
        set(&mut response, "Access-Control-Max-Age", &max_age.to_string())?;
        Ok(Preflight::Answer(Box::new(response)))
    }

    fn allow_origin(&self, origin: &str, exchange: &Exchange, response: &mut Response) -> Result<(), Fault> {
        let credentials = self.allow_credentials.get(exchange)?;
        // `*` with credentials is void for browsers (Fetch standard), so the origin is named then.
        let shown = if self.is_any_origin() && !credentials { "*" } else { origin };
        set(response, "Access-Control-Allow-Origin", shown)?;
        if credentials {
            set(response, "Access-Control-Allow-Credentials", "true")?;
        }
        if shown != "*" {
            response.headers.append("Vary", b"Origin").map_err(invalid)?;
        }
        Ok(())
    }

    fn listed(&self, arguments: &[TextArg], exchange: &Exchange) -> Result<Option<String>, Fault> {
        let mut texts = Vec::with_capacity(arguments.len());
        for argument in arguments {
            texts.push(argument.get(exchange)?);
        }
        Ok((!texts.is_empty()).then(|| texts.join(",")))
    }

    /// A simple request: remember to add the fields, or end here when the origin is not known.
    pub fn apply(&self, exchange: &mut Exchange) -> Result<Flow, Fault> {
        let Some(origin) = exchange.request.headers.get_str("Origin").map(str::to_owned) else {
            return Ok(Flow::Continue);
        };
        if !self.allows(&origin) {
            if matches!(exchange.request.method, Method::Get | Method::Head | Method::Post)
                && self.terminate_unmatched.get(exchange)?
            {
                exchange.respond(Response::new(200));
                return Ok(Flow::Respond);
            }
            return Ok(Flow::Continue);
        }
        let mut fields = Response::new(200);
        self.allow_origin(&origin, exchange, &mut fields)?;
        if let Some(list) = self.listed(&self.expose, exchange)? {
            set(&mut fields, "Access-Control-Expose-Headers", &list)?;
        }
        // What other policies put there before stays.
        let kept = exchange.answer_headers.get_or_insert_default();
        fields.headers.iter().try_for_each(|(name, value)| kept.set(name, value)).map_err(invalid)?;
        Ok(Flow::Continue)
    }
}

fn set(response: &mut Response, name: &str, value: &str) -> Result<(), Fault> {
    response.headers.set(name, value.as_bytes()).map_err(invalid)
}

fn invalid(error: InvalidField) -> Fault {
    Fault::invalid_value("cors", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalise_origins_that_are_the_same_compare_equal() {
        for (text, expected) in [
            ("https://A.example/", "https://a.example"),
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            ("null", "null"),
            ("*", "*"),
        ] {
            assert_eq!(&*normalise(text), expected, "{text}");
        }
    }
}
