//! `authentication-basic` (`policies.md` A 3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::Headers;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static AUTHENTICATION_BASIC: PolicyDef = PolicyDef {
    element: "authentication-basic",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Authenticates to the backend with a user name and a password (RFC 7617): the caller's `Authorization` \
           header is replaced. A user name with a colon, and control characters in either, are an error \
           of the policy, 500.",
    compile,
};

pub const ATTRIBUTES: &[AttributeDef] =
    &[required("username", Kind::Text).expression(), required("password", Kind::Text).expression()];

/// The two arguments; shared with the policies that send requests of their own.
#[derive(Debug)]
pub struct BasicCredentials {
    username: TextArg,
    password: TextArg,
}

impl BasicCredentials {
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let (username, password) = (c.text(element, "username"), c.text(element, "password"));
        Some(Self { username: username?, password: password? })
    }

    /// Sets the header.
    pub fn apply(&self, exchange: &Exchange, headers: &mut Headers) -> Result<(), Fault> {
        headers
            .set("Authorization", self.value(exchange)?.as_bytes())
            .map_err(|error| Fault::invalid_value("authentication-basic", error))
    }

    fn value(&self, exchange: &Exchange) -> Result<String, Fault> {
        let (username, password) = (self.username.get(exchange)?, self.password.get(exchange)?);
        if username.contains(':') {
            // The backend would read another user and another password (RFC 7617 §2).
            return Err(Fault::invalid_value("authentication-basic", "the user name contains a colon"));
        }
        if username.chars().chain(password.chars()).any(char::is_control) {
            let text = "the user name or the password contains a control character";
            return Err(Fault::invalid_value("authentication-basic", text));
        }
        Ok(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
    }
}

struct AuthenticationBasic(BasicCredentials);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    BasicCredentials::compile(element, c).map(|credentials| Step::sync(AuthenticationBasic(credentials)))
}

impl Policy for AuthenticationBasic {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let value = self.0.value(exchange)?;
        exchange
            .request
            .headers
            .set("Authorization", value.as_bytes())
            .map_err(|error| Fault::invalid_value("authentication-basic", error))?;
        Ok(Flow::Continue)
    }
}
