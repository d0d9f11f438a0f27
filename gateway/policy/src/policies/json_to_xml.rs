//! `json-to-xml` (`policies.md` B 2.9).

use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, TextArg};
use crate::convert::JsonToXml as Rules;
use crate::exchange::Exchange;
use crate::exchange::payload::{is_json, is_xml};
use crate::fault::Fault;
use crate::message::Body;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static JSON_TO_XML: PolicyDef = PolicyDef {
    element: "json-to-xml",
    sections: ALL,
    attributes: &[
        required("apply", Kind::OneOf(&["always", "content-type-json"])).expression(),
        optional("consider-accept-header", Kind::Bool).expression(),
        optional("parse-date", Kind::Bool),
        optional("namespace-separator", Kind::Text).expression(),
        optional("namespace-prefix", Kind::Text).expression(),
        optional("attribute-block-name", Kind::Text).expression(),
    ],
    content: Content::Empty,
    once: false,
    docs: "Converts a JSON body to XML by Newtonsoft's convention, always or where the content type is JSON, and unless \
           `consider-accept-header` is false only where the request's Accept names XML. Several members at the top, or \
           an array, get a root `Document`. `parse-date` (default true) writes dates anew. `namespace-separator` \
           (default `_`) stands for the colon behind a declared prefix; members beginning with `namespace-prefix` \
           declare namespaces; members of `attribute-block-name` are attributes. Sets Content-Type to application/xml. \
           A body that is no JSON object is an error (500).",
    compile,
};

struct JsonToXml {
    apply: TextArg,
    consider_accept_header: BoolArg,
    parse_date: bool,
    separator: TextArg,
    prefix: TextArg,
    block: TextArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let (apply, separator) = (c.text(element, "apply"), c.text_or(element, "namespace-separator", "_"));
    let prefix = c.text_or(element, "namespace-prefix", "");
    let block = c.text_or(element, "attribute-block-name", "");
    let consider_accept_header = c.boolean_or(element, "consider-accept-header", true);
    Some(Step::waiting(JsonToXml {
        apply: apply?,
        consider_accept_header: consider_accept_header?,
        parse_date: c.literal_bool(element, "parse-date", true),
        separator: separator?,
        prefix: prefix?,
        block: block?,
    }))
}

impl WaitingPolicy for JsonToXml {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let always = applies_always(&self.apply, "content-type-json", exchange)?;
        let is_wanted = always || is_json(exchange.payload_type());
        if !is_wanted || (self.consider_accept_header.get(exchange)? && !accepts(exchange, is_xml)) {
            return Ok(Flow::Continue);
        }
        let rules = Rules {
            parse_date: self.parse_date,
            namespace_separator: self.separator.get(exchange)?.into_owned(),
            namespace_prefix: self.prefix.get(exchange)?.into_owned(),
            attribute_block_name: self.block.get(exchange)?.into_owned(),
        };
        exchange.buffer_payload(ports).await?;
        if exchange.payload().is_empty() {
            return Ok(Flow::Continue);
        }
        let xml = rules.convert(&exchange.payload_text()).map_err(|error| failed(&error))?;
        exchange.set_payload(Body::from(xml), Some("application/xml"));
        Ok(Flow::Continue)
    }
}

/// The value of `apply`: true for `always`, false for the other word.
pub fn applies_always(apply: &TextArg, other: &str, exchange: &Exchange) -> Result<bool, Fault> {
    match &*apply.get(exchange)? {
        "always" => Ok(true),
        text if text == other => Ok(false),
        text => Err(Fault::expression(&format!("'{text}' is no value of 'apply': always or {other}."))),
    }
}

/// Whether the request's Accept names a type of the kind (RFC 9110 §12.5.1); wildcards name none.
pub fn accepts(exchange: &Exchange, is_kind: fn(&str) -> bool) -> bool {
    let accepted = exchange.request.headers.joined("Accept").unwrap_or_default();
    accepted.split(',').any(|range| {
        let is_refused = range.split(';').skip(1).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q")
                && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
        });
        !is_refused && is_kind(range)
    })
}

/// A body that cannot be converted.
pub fn failed(error: &dyn std::fmt::Display) -> Fault {
    Fault::internal("", "ConversionFailure", error.to_string())
}
