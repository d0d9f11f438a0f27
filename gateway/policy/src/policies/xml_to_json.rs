//! `xml-to-json` (`policies.md` B 2.10).

use super::json_to_xml::{accepts, applies_always, failed};
use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, TextArg};
use crate::convert::{Shape, XmlToJson as Rules};
use crate::exchange::Exchange;
use crate::exchange::payload::{is_json, is_xml};
use crate::fault::Fault;
use crate::message::Body;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static XML_TO_JSON: PolicyDef = PolicyDef {
    element: "xml-to-json",
    sections: ALL,
    attributes: &[
        required("kind", Kind::OneOf(&["javascript-friendly", "direct"])).expression(),
        required("apply", Kind::OneOf(&["always", "content-type-xml"])).expression(),
        optional("consider-accept-header", Kind::Bool).expression(),
        optional("always-array-child-elements", Kind::Bool).expression(),
    ],
    content: Content::Empty,
    once: false,
    docs: "Converts an XML body to JSON, always or where the content type is XML, and unless `consider-accept-header` is \
           false only where the request's Accept names JSON. `direct` is Newtonsoft's convention (`@attribute`, `#text`, \
           `?xml`, `#comment`, prefixes kept); `javascript-friendly` has plain names: no prefixes, namespaces, \
           declaration or comments, attributes like elements, text beside either as `value`. \
           `always-array-child-elements` (default false) makes every child element an array. Sets Content-Type to \
           application/json. A body that is no XML, or has a DTD, is an error (500).",
    compile,
};

struct XmlToJson {
    kind: TextArg,
    apply: TextArg,
    consider_accept_header: BoolArg,
    always_array: BoolArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let (kind, apply) = (c.text(element, "kind"), c.text(element, "apply"));
    let accept = c.boolean_or(element, "consider-accept-header", true);
    let always_array = c.boolean_or(element, "always-array-child-elements", false);
    Some(Step::waiting(XmlToJson {
        kind: kind?,
        apply: apply?,
        consider_accept_header: accept?,
        always_array: always_array?,
    }))
}

impl WaitingPolicy for XmlToJson {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let always = applies_always(&self.apply, "content-type-xml", exchange)?;
        let is_wanted = always || is_xml(exchange.payload_type());
        if !is_wanted || (self.consider_accept_header.get(exchange)? && !accepts(exchange, is_json)) {
            return Ok(Flow::Continue);
        }
        let shape = match &*self.kind.get(exchange)? {
            "direct" => Shape::Direct,
            "javascript-friendly" => Shape::JavascriptFriendly,
            text => {
                let text = format!("'{text}' is no value of 'kind': javascript-friendly or direct.");
                return Err(Fault::expression(&text));
            }
        };
        let rules = Rules { shape, always_array: self.always_array.get(exchange)? };
        exchange.buffer_payload(ports).await?;
        if exchange.payload().is_empty() {
            return Ok(Flow::Continue);
        }
        let json = rules.convert(&exchange.payload_text()).map_err(|error| failed(&error))?;
        exchange.set_payload(Body::from(json), Some("application/json"));
        Ok(Flow::Continue)
    }
}
