//! `proxy` (`policies.md` C 1.3).

use std::sync::Arc;

use crate::backend::ForwardProxy;
use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static PROXY: PolicyDef = PolicyDef {
    element: "proxy",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Sends the request to the backend through the HTTP proxy at `url`, `http://host:port`: CONNECT for https, the \
           whole URL for http. `username` and `password` are sent as Basic; NTLM is refused, as its handshake is bound to \
           one connection and its hashes are broken. Inside `send-request` it holds for that call. A proxy that refuses: \
           500, reason BackendConnectionFailure.",
    compile,
};

pub const ATTRIBUTES: &[AttributeDef] = &[
    required("url", Kind::Text).expression(),
    optional("username", Kind::Text).expression(),
    optional("password", Kind::Text).expression(),
];

/// A proxy, before its expressions are evaluated.
#[derive(Debug)]
pub enum ProxyArg {
    Literal(Arc<ForwardProxy>),
    Expressions { url: TextArg, username: Option<TextArg>, password: Option<TextArg> },
}

impl ProxyArg {
    /// Reads the attributes; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let url = c.text(element, "url")?;
        let (username, password) = (c.text(element, "username"), c.text(element, "password"));
        let literals = [Some(&url), username.as_ref(), password.as_ref()];
        if literals.iter().flatten().any(|argument| argument.literal().is_none()) {
            return Some(Self::Expressions { url, username, password });
        }
        let literal =
            |argument: &Option<TextArg>| argument.as_ref().and_then(|a| a.literal().map(str::to_owned));
        let (user, password) = (literal(&username), literal(&password));
        match ForwardProxy::new(url.literal()?, user.as_deref(), password.as_deref()) {
            Ok(proxy) => Some(Self::Literal(Arc::new(proxy))),
            Err(error) => {
                c.error("proxy-invalid", element.at, format!("The proxy cannot be used: {error}."));
                None
            }
        }
    }

    pub fn evaluate(&self, exchange: &Exchange) -> Result<Arc<ForwardProxy>, Fault> {
        match self {
            Self::Literal(proxy) => Ok(Arc::clone(proxy)),
            Self::Expressions { url, username, password } => {
                let text = |argument: &Option<TextArg>| -> Result<Option<String>, Fault> {
                    let Some(argument) = argument else { return Ok(None) };
                    Ok(Some(argument.get(exchange)?.into_owned()))
                };
                let (user, password) = (text(username)?, text(password)?);
                let made = ForwardProxy::new(&url.get(exchange)?, user.as_deref(), password.as_deref());
                made.map(Arc::new).map_err(|error| Fault::invalid_value("proxy", error))
            }
        }
    }
}

struct Proxy(ProxyArg);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let proxy = ProxyArg::compile(element, c)?;
    (c.findings() == before).then(|| Step::sync(Proxy(proxy)))
}

impl Policy for Proxy {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        exchange.proxy = Some(self.0.evaluate(exchange)?);
        Ok(Flow::Continue)
    }
}
