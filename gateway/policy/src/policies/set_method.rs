//! `set-method` (`policies.md` B 2.3).

use crate::catalogue::{ALL, Content, PolicyDef};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::Method;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static SET_METHOD: PolicyDef = PolicyDef {
    element: "set-method",
    sections: ALL,
    attributes: &[],
    content: CONTENT,
    once: false,
    docs: "Changes the method of the request. Registered methods may be written in any case; CONNECT is refused.",
    compile,
};

/// The method, or an expression.
pub const CONTENT: Content = Content::Text { expression: true };

/// A compiled `set-method`, also a child of `send-request`.
#[derive(Debug)]
pub enum SetMethod {
    Literal(Method),
    Expression(TextArg),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    SetMethod::compile(element, c).map(Step::sync)
}

impl SetMethod {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let argument = c.content(element)?;
        let Some(text) = argument.literal() else { return Some(Self::Expression(argument)) };
        let method = parse(text);
        if method.is_none() {
            c.error(
                "method-invalid",
                element.text_at(),
                format!("'{text}' is not a method that can be sent."),
            );
        }
        method.map(Self::Literal)
    }

    /// The new method.
    pub fn evaluate(&self, exchange: &Exchange) -> Result<Method, Fault> {
        match self {
            Self::Literal(method) => Ok(method.clone()),
            Self::Expression(argument) => parse(&argument.get(exchange)?).ok_or_else(|| {
                Fault::invalid_value("set-method", "the value is not a method that can be sent")
            }),
        }
    }
}

/// `Method::parse` refuses other spellings of the registered ones; authors of policies mean those.
fn parse(text: &str) -> Option<Method> {
    let text = text.trim();
    let method =
        Method::parse(text.as_bytes()).or_else(|| Method::parse(text.to_ascii_uppercase().as_bytes()));
    // A tunnel is not a request that could be forwarded.
    method.filter(|method| *method != Method::Connect)
}

impl Policy for SetMethod {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        exchange.request.method = self.evaluate(exchange)?;
        Ok(Flow::Continue)
    }
}
