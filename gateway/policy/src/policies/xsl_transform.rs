//! `xsl-transform` (`policies.md` B 2.11).

use bytes::Bytes;

use crate::catalogue::{Content, PolicyDef};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::Body;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;
use crate::xslt::{Limits, Stylesheet};

pub static XSL_TRANSFORM: PolicyDef = PolicyDef {
    element: "xsl-transform",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[],
    content: Content::Any,
    once: false,
    docs: "Transforms the XML body by the `xsl:stylesheet` inside: XSLT 1.0 with `msxsl:node-set()`, set out as .NET does it \
           (indent, html, encodings utf-8, utf-16, iso-8859-1, us-ascii). `parameter name` (text or expression) gives a value \
           to a top-level `xsl:param`. Refused on save, for nothing is ever loaded or run: xsl:import, xsl:include, \
           document(), scripts. A transformation may take 5 million steps, 5,000 nested templates and a result of 4 MiB; \
           what goes beyond, `xsl:message terminate`, and a body that is no XML or has a DTD are errors (500).",
    compile,
};

struct XslTransform {
    stylesheet: Stylesheet,
    parameters: Vec<(String, TextArg)>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let mut parameters = Vec::new();
    let mut stylesheet = None;
    let before = c.findings();
    if !element.text().trim().is_empty() {
        c.error("xsd", element.text_at(), "The element 'xsl-transform' cannot contain text.");
    }
    for child in element.elements() {
        let local = child.name.rsplit(':').next().unwrap_or_default();
        match (&*child.name, local) {
            ("parameter", _) => match child.attribute("name").or_else(|| child.attribute("parameter-name")) {
                Some(name) => {
                    let value = c.content(child);
                    parameters.extend(value.map(|value| (name.value.trim().to_owned(), value)));
                }
                None => c.error("xsd", child.at, "The required attribute 'name' is missing."),
            },
            (_, "stylesheet" | "transform") if stylesheet.is_none() => stylesheet = Some(child),
            _ => c.error("xsd", child.at, format!("The element 'xsl-transform' has invalid child element '{}'. List of possible elements expected: 'parameter, xsl:stylesheet'.", child.name)),
        }
    }
    let Some(own) = stylesheet else {
        c.error("xsd", element.at, "The element 'xsl-transform' has incomplete content. List of possible elements expected: 'xsl:stylesheet'.");
        return None;
    };
    let compiled = match Stylesheet::compile(own) {
        Ok(compiled) => compiled,
        Err(reason) => {
            c.error("xslt", own.at, reason.to_string());
            return None;
        }
    };
    (c.findings() == before).then(|| Step::waiting(XslTransform { stylesheet: compiled, parameters }))
}

impl WaitingPolicy for XslTransform {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        exchange.buffer_payload(ports).await?;
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (name, value) in &self.parameters {
            parameters.push((name.clone(), value.get(exchange)?.into_owned()));
        }
        if exchange.payload().is_empty() {
            return Ok(Flow::Continue);
        }
        let made = self.stylesheet.transform(&exchange.payload_text(), &parameters, Limits::default());
        let made = made.map_err(|error| Fault::internal("", "TransformationFailure", error.message))?;
        exchange.set_payload(Body::from(Bytes::from(made)), None);
        Ok(Flow::Continue)
    }
}
