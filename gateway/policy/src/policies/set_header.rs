//! `set-header` (`policies.md` B 2.1).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::catalogue::{ALL, AttributeDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::{Headers, InvalidField, Response};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static SET_HEADER: PolicyDef = PolicyDef {
    element: "set-header",
    sections: ALL,
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: false,
    docs: "Sets, appends or deletes a field of the request (inbound, backend) or response (outbound, on-error). \
           `exists-action`: override (default), skip, append, delete. Several values are joined with `,` except \
           for fields that are sent as separate lines. Connection, Content-Length, Keep-Alive and \
           Transfer-Encoding cannot be changed. A null value leaves the field out.",
    compile,
};

/// Attributes of the element, also as a child of other policies.
pub const ATTRIBUTES: &[AttributeDef] = &[
    required("name", Kind::Text).expression(),
    optional("exists-action", Kind::OneOf(ExistsAction::NAMES)).expression(),
];

/// Its values.
pub const CONTENT: Content =
    Content::Elements(&[child("value", (0, MANY), &[], Content::Text { expression: true })]);

/// What happens to a field or query parameter that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistsAction {
    Override,
    Skip,
    Append,
    Delete,
}

impl ExistsAction {
    pub const NAMES: &[&str] = &["override", "skip", "append", "delete"];

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "override" => Some(Self::Override),
            "skip" => Some(Self::Skip),
            "append" => Some(Self::Append),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The action an attribute gives: its literal or expression, `override` when absent.
    pub fn of(argument: Option<&TextArg>, exchange: &Exchange) -> Result<Self, Fault> {
        let Some(argument) = argument else { return Ok(Self::Override) };
        let text = argument.get(exchange)?;
        Self::parse(&text).ok_or_else(|| Fault::expression(&format!("'{text}' is not an exists-action.")))
    }
}

/// A compiled `set-header`, also a child of `return-response` and `send-request`.
#[derive(Debug)]
pub struct SetHeader {
    name: TextArg,
    exists_action: Option<TextArg>,
    values: Vec<TextArg>,
}

/// Fields that frame the message; the gateway makes them itself.
const UNCHANGEABLE: &[&str] = &["Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding"];

/// Fields whose values are sent as separate lines instead of being joined.
const SEPARATE_LINES: &[&str] = &[
    "User-Agent",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Cookie",
    "Set-Cookie",
    "Warning",
    "Date",
    "Expires",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "Last-Modified",
    "Retry-After",
];

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    SetHeader::compile(element, c).map(Step::sync)
}

impl SetHeader {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let before = c.findings();
        let name = c.text(element, "name");
        let exists_action = c.text(element, "exists-action");
        let values: Vec<TextArg> = element.elements().filter_map(|value| c.content(value)).collect();
        if let Some(literal) = name.as_ref().and_then(TextArg::literal) {
            let mut probe = Headers::new();
            let probed = values
                .iter()
                .filter_map(TextArg::literal)
                .try_for_each(|v| probe.append(literal, v.as_bytes()));
            if let Err(error) = probed.and_then(|()| probe.append(literal, b"")) {
                c.error("header-invalid", element.at, error);
            }
        }
        (c.findings() == before).then_some(Self { name: name?, exists_action, values })
    }

    /// Evaluates the arguments; nothing is changed yet, so that expressions never see a half-done message.
    pub fn evaluate<'a>(&'a self, exchange: &Exchange) -> Result<Edit<'a>, Fault> {
        let name = self.name.get(exchange)?;
        let mut action = ExistsAction::of(self.exists_action.as_ref(), exchange)?;
        let mut values = SmallVec::new();
        if UNCHANGEABLE.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            action = ExistsAction::Append;
        } else if action != ExistsAction::Delete {
            for value in &self.values {
                values.extend(value.get_non_null(exchange)?);
            }
        }
        Ok(Edit { name, action, values })
    }
}

/// An evaluated `set-header`.
#[derive(Debug)]
pub struct Edit<'a> {
    name: Cow<'a, str>,
    action: ExistsAction,
    values: SmallVec<[Cow<'a, str>; 1]>,
}

impl Edit<'_> {
    /// Carries the change out; a value that would break the message is a fault.
    pub fn apply(&self, headers: &mut Headers) -> Result<(), Fault> {
        self.write(headers).map_err(|error| Fault::invalid_value("set-header", error))
    }

    fn write(&self, headers: &mut Headers) -> Result<(), InvalidField> {
        let name = &*self.name;
        match self.action {
            ExistsAction::Delete => {
                headers.remove(name);
                return Ok(());
            }
            ExistsAction::Skip if headers.contains(name) => return Ok(()),
            ExistsAction::Override if self.values.len() == 1 => {
                return headers.set(name, self.values[0].as_bytes());
            }
            ExistsAction::Override => {
                headers.remove(name);
            }
            ExistsAction::Skip | ExistsAction::Append => {}
        }
        if SEPARATE_LINES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return self.values.iter().try_for_each(|value| headers.append(name, value.as_bytes()));
        }
        if self.values.is_empty() {
            return Ok(());
        }
        let mut line = headers.joined(name).map(|old| format!("{old},")).unwrap_or_default();
        line.push_str(&self.values.join(","));
        headers.set(name, line.as_bytes())
    }
}

impl Policy for SetHeader {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let edit = self.evaluate(exchange)?;
        match exchange.section {
            Section::Inbound | Section::Backend => edit.apply(&mut exchange.request.headers)?,
            Section::Outbound | Section::OnError => {
                edit.apply(&mut exchange.response.get_or_insert_with(|| Response::new(200)).headers)?;
            }
        }
        Ok(Flow::Continue)
    }
}
