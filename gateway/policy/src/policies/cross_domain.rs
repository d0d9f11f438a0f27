//! `cross-domain` (`policies.md` B 4.3).

use bytes::Bytes;

use super::set_body::markup;
use crate::catalogue::{Content, PolicyDef};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::{Scope, Section};
use crate::message::{Body, Response};
use crate::pipeline::{Flow, Step};
use crate::xml::Element;

pub static CROSS_DOMAIN: PolicyDef = PolicyDef {
    element: "cross-domain",
    sections: &[Section::Inbound],
    attributes: &[],
    content: Content::Any,
    once: true,
    docs: "Answers requests for /crossdomain.xml with the Adobe policy file inside the element: one \
           `<cross-domain-policy>`. They need belong to no API. For all other requests nothing \
           happens. Global scope only.",
    compile,
};

/// The path of the policy file.
pub const PATH: &str = "/crossdomain.xml";

/// A compiled `cross-domain`.
#[derive(Debug)]
pub struct CrossDomain {
    document: Bytes,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    if c.scope != Scope::Global {
        c.error("policy-scope", element.at, "Policy is not allowed in this scope. Allowed: global.");
        return None;
    }
    let mut inside = element.elements();
    let is_policy_file = inside.next().is_some_and(|only| &*only.name == "cross-domain-policy");
    if !is_policy_file || inside.next().is_some() || !element.text().trim().is_empty() {
        let text = "The element 'cross-domain' must hold one element 'cross-domain-policy' and nothing else.";
        c.error("xsd", element.at, text);
        return None;
    }
    let document = format!("<?xml version=\"1.0\"?>{}", markup::content(element).trim());
    Some(Step::CrossDomain(CrossDomain { document: document.into() }))
}

impl CrossDomain {
    /// The policy file.
    pub fn answer(&self) -> Response {
        let mut response = Response::new(200);
        // A constant is a valid value.
        let _ = response.headers.set("Content-Type", b"text/x-cross-domain-policy");
        response.body = Body::from(self.document.clone());
        response
    }

    /// Runs the statement where an API has the path.
    pub fn apply(&self, exchange: &mut Exchange) -> Flow {
        if exchange.original_url.path != PATH {
            return Flow::Continue;
        }
        exchange.respond(self.answer());
        Flow::Respond
    }
}
