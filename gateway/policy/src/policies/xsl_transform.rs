//! `xsl-transform` (`policies.md` B 2.11).

use std::panic::{AssertUnwindSafe, catch_unwind};

use uppsala::xslt::{ParameterValue, Stylesheet};
use uppsala::{Document, XSLT_NAMESPACE};

use super::set_body::markup as inner;
use crate::catalogue::{Content, PolicyDef};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::markup;
use crate::message::Body;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static XSL_TRANSFORM: PolicyDef = PolicyDef {
    element: "xsl-transform",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[],
    content: Content::Any,
    once: false,
    docs: "Transforms the XML body by the `xsl:stylesheet` inside (XSLT 1.0). `parameter name` (text or expression) gives a \
           value to a top-level `xsl:param`. Works: templates by match, name and priority, parameters, variables, \
           value-of, for-each, if, choose, copy, copy-of, element, attribute, comment, processing-instruction, text, \
           output xml and text. Anything else (import, include, sort, key, modes, numbering, attribute sets, message, the \
           html method, document()) is refused on save. Nothing is ever loaded; nesting, nodes visited by an expression \
           and the result (4 MiB) are bounded. A body that is no XML, or has a DTD, is an error (500).",
    compile,
};

/// Nested template calls.
const DEPTH_MAX: u32 = 200;

/// Bytes of the result.
const RESULT_BYTES_MAX: usize = 4 << 20;

/// Elements of XSLT that work.
const SUPPORTED: &[&str] = &[
    "apply-templates",
    "attribute",
    "call-template",
    "choose",
    "comment",
    "copy",
    "copy-of",
    "element",
    "for-each",
    "if",
    "otherwise",
    "output",
    "param",
    "processing-instruction",
    "strip-space",
    "stylesheet",
    "template",
    "text",
    "transform",
    "value-of",
    "variable",
    "when",
    "with-param",
];

/// Functions that XSLT adds to `XPath` and that do not work.
const UNSUPPORTED_FUNCTIONS: &[&str] =
    &["document(", "key(", "format-number(", "unparsed-entity-uri(", "generate-id(", "system-property("];

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
    let compiled = match read(&inner::element(own)) {
        Ok(compiled) => compiled,
        Err(reason) => {
            c.error("xslt", own.at, reason);
            return None;
        }
    };
    (c.findings() == before).then(|| Step::waiting(XslTransform { stylesheet: compiled, parameters }))
}

fn read(text: &str) -> Result<Stylesheet, String> {
    let document = markup::read(text).map_err(|error| error.to_string())?;
    check(&document)?;
    let compiled = guarded(|| Stylesheet::compile(&document))?.map_err(|error| error.to_string())?;
    let bounded = compiled.set_max_depth(DEPTH_MAX).set_max_output_bytes(RESULT_BYTES_MAX);
    Ok(bounded.set_max_result_tree_bytes(RESULT_BYTES_MAX))
}

/// Names the first thing in the stylesheet that would not work.
fn check(document: &Document<'_>) -> Result<(), String> {
    let root = document.root();
    for node in document.descendants(root) {
        let Some(element) = document.element(node) else { continue };
        let name = &*element.name.local_name;
        let is_xslt = element.name.namespace_uri.as_deref() == Some(XSLT_NAMESPACE);
        if is_xslt && !SUPPORTED.contains(&name) {
            return Err(format!("The XSLT element 'xsl:{name}' is not supported by this gateway."));
        }
        let refused = element.attributes.iter().find(|attribute| {
            is_xslt && matches!(&*attribute.name.local_name, "mode" | "use-attribute-sets")
        });
        if let Some(attribute) = refused {
            let attribute = &attribute.name.local_name;
            return Err(format!(
                "The attribute '{attribute}' of 'xsl:{name}' is not supported by this gateway."
            ));
        }
        for attribute in &element.attributes {
            let value: String = attribute.value.chars().filter(|c| !c.is_whitespace()).collect();
            if let Some(function) = UNSUPPORTED_FUNCTIONS.iter().find(|function| value.contains(*function)) {
                return Err(format!("The XSLT function '{function})' is not supported by this gateway."));
            }
        }
    }
    Ok(())
}

/// The library is young: a panic in it fails the message at hand, not the worker.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "The XSLT processor failed.".to_owned())
}

impl WaitingPolicy for XslTransform {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        exchange.buffer_payload(ports).await?;
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (name, value) in &self.parameters {
            parameters.push((name.clone(), ParameterValue::String(value.get(exchange)?.into_owned())));
        }
        if exchange.payload().is_empty() {
            return Ok(Flow::Continue);
        }
        let result = transform(&self.stylesheet, &exchange.payload_text(), &parameters);
        let text = result.map_err(|reason| Fault::internal("", "TransformationFailure", reason))?;
        exchange.set_payload(Body::from(text), None);
        Ok(Flow::Continue)
    }
}

fn transform(
    stylesheet: &Stylesheet,
    text: &str,
    parameters: &[(String, ParameterValue)],
) -> Result<String, String> {
    let mut document = markup::read(text).map_err(|error| error.to_string())?;
    guarded(|| {
        document.prepare_xpath();
        stylesheet.transform_with_params(&document, parameters)
    })?
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(inner: &str) -> String {
        format!(
            "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>{inner}</xsl:stylesheet>"
        )
    }

    #[test]
    fn what_would_not_work_is_refused() {
        for inner in [
            "<xsl:import href='http://attacker.test/'/>",
            "<xsl:include href='file:///etc/passwd'/>",
            "<xsl:template match='/'><xsl:for-each select='a'><xsl:sort/></xsl:for-each></xsl:template>",
            "<xsl:template match='/' mode='m'/>",
            "<xsl:template match='/'><xsl:value-of select=\"document ('file:///etc/passwd')\"/></xsl:template>",
            "<xsl:template match='/'><xsl:message>x</xsl:message></xsl:template>",
            "<xsl:output method='html'/>",
        ] {
            assert!(read(&sheet(inner)).is_err(), "{inner}");
        }
        assert!(read("<!DOCTYPE a><a/>").is_err());
    }

    #[test]
    fn runaway_templates_end() {
        for inner in [
            "<xsl:template match='/'><xsl:call-template name='t'/></xsl:template><xsl:template name='t'><xsl:call-template name='t'/></xsl:template>",
            "<xsl:template match='/'><xsl:apply-templates select='/'/></xsl:template>",
            "<xsl:template match='/'><xsl:for-each select='//*'><xsl:for-each select='//*'><xsl:copy-of select='/'/></xsl:for-each></xsl:for-each></xsl:template>",
        ] {
            let compiled = read(&sheet(inner)).unwrap();
            let text = format!("<a>{}</a>", "<b>xxxxxxxxxx</b>".repeat(500));
            assert!(transform(&compiled, &text, &[]).is_err(), "{inner}");
        }
    }
}
