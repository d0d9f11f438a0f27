//! `set-body` (`policies.md` B 2.6).

pub(super) mod markup;
pub(super) mod template;

use bytes::Bytes;
use gateway_expression::{Expected, Expression, Value, is_expression};

use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::compile::arguments::evaluate;
use crate::exchange::Exchange;
use crate::exchange::payload;
use crate::fault::Fault;
use crate::message::Body;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::{Element, unresolved};
use template::BodyTemplate;

pub static SET_BODY: PolicyDef = PolicyDef {
    element: "set-body",
    sections: ALL,
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: false,
    docs: "Replaces the body of the request (inbound, backend) or response (outbound, on-error) by a literal (text or \
           XML), by the value of an expression (text, or bytes as they are; null gives an empty body), or by a Liquid \
           template (`template=\"liquid\"`), which sees the old body as `body` (JSON or XML by its content type; elements \
           by their local names, repeated ones as lists, attributes as `@name`) and `context`. `xsi-nil`: what an XML \
           element marked `xsi:nil` is, an empty text or null. `parse-date` (default true): JSON texts that look like \
           dates are dates. A template is bounded: 1,000,000 steps, 4 MiB. The content may stand in a `<value>`. \
           Content-Length is made anew, Content-Type is left.",
    compile,
};

/// Attributes of the element, also as a child of other policies.
pub const ATTRIBUTES: &[crate::catalogue::AttributeDef] = &[
    optional("template", Kind::OneOf(&["none", "liquid"])),
    optional("xsi-nil", Kind::OneOf(&["blank", "null"])),
    optional("parse-date", Kind::Bool),
];

/// Text, one `<value>` around it, or XML that is the body itself.
pub const CONTENT: Content = Content::Any;

/// A compiled `set-body`.
#[derive(Debug)]
pub enum SetBody {
    Literal(Bytes),
    Expression(Expression),
    Template(Box<BodyTemplate>),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    SetBody::compile(element, c).map(Step::sync)
}

impl SetBody {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let holder = holder(element);
        let text = markup::content(holder);
        if element.attribute("template").is_some_and(|template| template.value == "liquid") {
            let compiled = BodyTemplate::compile(element, &text, holder.text_at(), c)?;
            if compiled.reads_body() {
                c.need(payload::needs(c.section));
            }
            return Some(Self::Template(Box::new(compiled)));
        }
        if holder.elements().next().is_none() && is_expression(&text) {
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
            Self::Template(template) => template.render(exchange).map(Body::from),
        }
    }
}

/// The element that holds the content: `<value>` where that is all there is.
fn holder(element: &Element) -> &Element {
    let mut inside = element.elements();
    let only = inside.next().filter(|only| &*only.name == "value" && only.attributes.is_empty());
    let is_alone = inside.next().is_none() && element.text().trim().is_empty();
    only.filter(|_| is_alone).unwrap_or(element)
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
        exchange.set_payload(body, None);
        Ok(Flow::Continue)
    }
}
