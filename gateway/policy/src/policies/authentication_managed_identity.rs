//! `authentication-managed-identity` (`policies.md` A 3.3).

use std::sync::Arc;

use gateway_expression::Value;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::{Ports, TokenRequest};
use crate::xml::Element;

const SOURCE: &str = "authentication-managed-identity";

pub static AUTHENTICATION_MANAGED_IDENTITY: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound, Section::Outbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Gets a token of the gateway's own identity for `resource` and sends it as `Authorization: Bearer`; with \
           `output-token-variable-name` it goes into that variable and no header is set. `client-id`: a \
           user-assigned identity. Where tokens come from is set by `identity.*`; they are kept until shortly before \
           they expire. No token: 500, reason ManagedIdentityTokenFailed, or with `ignore-error=\"true\"` the \
           request goes on without one.",
    compile,
};

pub const ATTRIBUTES: &[AttributeDef] = &[
    required("resource", Kind::Text).expression(),
    optional("client-id", Kind::Text).expression(),
    optional("output-token-variable-name", Kind::Text),
    optional("ignore-error", Kind::Bool),
];

/// The arguments; shared with the policies that send requests of their own.
#[derive(Debug)]
pub struct ManagedIdentity {
    resource: TextArg,
    client_id: Option<TextArg>,
    output: Option<Arc<str>>,
    ignore_error: bool,
}

impl ManagedIdentity {
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let client_id = c.text(element, "client-id");
        Some(Self {
            resource: c.text(element, "resource")?,
            client_id,
            output: c.literal(element, "output-token-variable-name"),
            ignore_error: c.literal_bool(element, "ignore-error", false),
        })
    }

    /// Gets the token; the value for `Authorization` when it is to be set.
    pub async fn authorization(
        &self,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Option<String>, Fault> {
        let client_id = match &self.client_id {
            Some(id) => Some(id.get(exchange)?.trim().to_owned()).filter(|id| !id.is_empty()),
            None => None,
        };
        let resource = self.resource.get(exchange)?.trim().to_owned();
        let wanted = TokenRequest { resource, client_id };
        let token = match ports.identity().token(&wanted, exchange.fetches()).await {
            Ok(token) => token,
            Err(_) if self.ignore_error => return Ok(None),
            Err(error) => {
                return Err(Fault::internal(SOURCE, "ManagedIdentityTokenFailed", error.to_string()));
            }
        };
        match &self.output {
            Some(name) => {
                exchange.set_variable(name, Value::str(&token));
                Ok(None)
            }
            None => Ok(Some(format!("Bearer {token}"))),
        }
    }
}

struct AuthenticationManagedIdentity(ManagedIdentity);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let policy = ManagedIdentity::compile(element, c)?;
    (c.findings() == before).then(|| Step::waiting(AuthenticationManagedIdentity(policy)))
}

impl WaitingPolicy for AuthenticationManagedIdentity {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        if let Some(value) = self.0.authorization(exchange, ports).await? {
            exchange
                .request
                .headers
                .set("Authorization", value.as_bytes())
                .map_err(|error| Fault::invalid_value(SOURCE, error))?;
        }
        Ok(Flow::Continue)
    }
}
