//! `check-header` (`policies.md` A 2.1).

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static CHECK_HEADER: PolicyDef = PolicyDef {
    element: "check-header",
    sections: &[Section::Inbound],
    attributes: &[
        required("name", Kind::Text).expression(),
        required("failed-check-httpcode", Kind::Int(200, 999)).expression(),
        required("failed-check-error-message", Kind::Text).expression(),
        required("ignore-case", Kind::Bool).expression(),
    ],
    content: Content::Elements(&[child("value", (0, MANY), &[], Content::Text { expression: true })]),
    once: false,
    docs: "Passes a request whose header equals one of the values, or is there at all when none is listed; a header \
           of several lines fails. Otherwise the answer is `failed-check-httpcode` with \
           `failed-check-error-message`; reason HeaderNotFound or HeaderValueNotAllowed.",
    compile,
};

struct CheckHeader {
    name: TextArg,
    code: IntArg,
    message: TextArg,
    ignore_case: BoolArg,
    values: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let name = c.text(element, "name");
    let code = c.int(element, "failed-check-httpcode");
    let message = c.text(element, "failed-check-error-message");
    let ignore_case = c.boolean(element, "ignore-case");
    let values = element.elements().filter_map(|value| c.content(value)).collect();
    let policy =
        CheckHeader { name: name?, code: code?, message: message?, ignore_case: ignore_case?, values };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl CheckHeader {
    /// Reason and text for `LastError`; `None` when the header passes.
    fn objection(&self, exchange: &Exchange) -> Result<Option<(&'static str, String)>, Fault> {
        let name = self.name.get(exchange)?;
        let mut lines = exchange.request.headers.get_all(&name);
        let Some(first) = lines.next() else {
            let text = format!("Header {name} was not found in the request. Access denied.");
            return Ok(Some(("HeaderNotFound", text)));
        };
        let is_single = lines.next().is_none();
        if is_single && self.allows(&String::from_utf8_lossy(first), exchange)? {
            return Ok(None);
        }
        let value = exchange.request.headers.joined(&name).unwrap_or_default();
        let text = format!("Header {name} value of {value} is not allowed. Access denied.");
        Ok(Some(("HeaderValueNotAllowed", text)))
    }

    fn allows(&self, value: &str, exchange: &Exchange) -> Result<bool, Fault> {
        if self.values.is_empty() {
            return Ok(true);
        }
        let ignore_case = self.ignore_case.get(exchange)?;
        for allowed in &self.values {
            let allowed = allowed.get(exchange)?;
            let same = if ignore_case { same_ignoring_case(&allowed, value) } else { *allowed == *value };
            if same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn status(&self, exchange: &Exchange) -> Result<u16, Fault> {
        let code = self.code.get(exchange)?;
        u16::try_from(code)
            .ok()
            .filter(|code| (200..1000).contains(code))
            .ok_or_else(|| Fault::invalid_value("check-header", format!("{code} is not a status code")))
    }
}

/// Ordinal comparison without case, as .NET's `OrdinalIgnoreCase` does it: character by character.
fn same_ignoring_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || a.chars().flat_map(char::to_uppercase).eq(b.chars().flat_map(char::to_uppercase))
}

impl Policy for CheckHeader {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let Some((reason, text)) = self.objection(exchange)? else { return Ok(Flow::Continue) };
        let public = self.message.get(exchange)?.into_owned();
        Err(Fault::new(self.status(exchange)?, public, "check-header", reason, text))
    }
}
