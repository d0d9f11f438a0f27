//! `set-body` (`policies.md` B 2.6), literal and expression forms.

use bytes::Bytes;
use gateway_expression::{Expected, Expression, Value, is_expression};

use crate::catalogue::{ALL, Content, Kind, MANY, PolicyDef, child, optional};
use crate::compile::Compiler;
use crate::compile::arguments::evaluate;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::{Body, Response};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::{Element, unresolved};

pub static SET_BODY: PolicyDef = PolicyDef {
    element: "set-body",
    sections: ALL,
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: false,
    docs: "Replaces the body of the request (inbound, backend) or response (outbound, on-error) by a literal or \
           by the value of an expression: text, or bytes as they are. Null gives an empty body. Content-Length is \
           made anew, Content-Type is left.",
    compile,
};

/// Attributes of the element, also as a child of other policies.
pub const ATTRIBUTES: &[crate::catalogue::AttributeDef] = &[
    optional("template", Kind::OneOf(&["none", "liquid"])),
    optional("xsi-nil", Kind::OneOf(&["blank", "null"])),
    optional("parse-date", Kind::Bool),
];

/// Text, or one `<value>` around it.
pub const CONTENT: Content =
    Content::TextOrElements(&[child("value", (0, MANY), &[], Content::Text { expression: true })]);

/// A compiled `set-body`.
#[derive(Debug)]
pub enum SetBody {
    Literal(Bytes),
    Expression(Expression),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    SetBody::compile(element, c).map(Step::sync)
}

impl SetBody {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        if let Some(template) = element.attribute("template").filter(|template| template.value == "liquid") {
            c.error(
                "policy-unsupported",
                template.at,
                "Liquid templates are not supported yet; use an expression.",
            );
            return None;
        }
        let holder = element.child("value").unwrap_or(element);
        let text = holder.text();
        if is_expression(&text) {
            return c.expression(&text, Expected::Any, holder.text_at()).map(Self::Expression);
        }
        // In a Liquid template the braces may be Liquid's own; here they are a name that nothing answers to.
        if let Some(name) = unresolved(&text) {
            c.named_value_missing(name, holder.text_at());
            return None;
        }
        Some(Self::Literal(text.into()))
    }

    /// The new body.
    pub fn evaluate(&self, exchange: &Exchange) -> Result<Body, Fault> {
        match self {
            Self::Literal(bytes) => Ok(Body::from(bytes.clone())),
            Self::Expression(expression) => Ok(body_of(&evaluate(expression, exchange)?)),
        }
    }
}

/// Bytes as they are, anything else as its invariant text (`expressions.md` §6.11).
fn body_of(value: &Value) -> Body {
    match value.as_bytes() {
        Some(bytes) => Body::from(Bytes::from(bytes)),
        None => Body::from(value.to_text()),
    }
}

impl Policy for SetBody {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let body = self.evaluate(exchange)?;
        // A body made anew is not encoded any more as the old one was.
        let headers = match exchange.section {
            Section::Inbound | Section::Backend => {
                exchange.set_request_body(body);
                &mut exchange.request.headers
            }
            Section::Outbound | Section::OnError => {
                exchange.set_response_body(body);
                &mut exchange.response.get_or_insert_with(|| Response::new(200)).headers
            }
        };
        headers.remove("Content-Encoding");
        Ok(Flow::Continue)
    }
}
