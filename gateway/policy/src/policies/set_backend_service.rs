//! `set-backend-service` (`policies.md` C 1.2).

use std::sync::Arc;

use gateway_model::BackendId;

use crate::backend::{Backend, Backends};
use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::Url;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::{Attribute, Element};

pub static SET_BACKEND_SERVICE: PolicyDef = PolicyDef {
    element: "set-backend-service",
    sections: ALL,
    attributes: &[
        optional("base-url", Kind::Text).expression(),
        optional("backend-id", Kind::Text).expression(),
        optional("sf-resolve-condition", Kind::Text).expression(),
        optional("sf-service-instance-name", Kind::Text).expression(),
        optional("sf-partition-key", Kind::Text).expression(),
        optional("sf-replica-type", Kind::OneOf(&["primary", "secondary"])).expression(),
        optional("sf-listener-name", Kind::Text).expression(),
        optional("dapr-app-id", Kind::Text).expression(),
        optional("dapr-method", Kind::Text).expression(),
        optional("dapr-namespace", Kind::Text).expression(),
    ],
    content: Content::Empty,
    once: false,
    docs: "Changes where the request is forwarded to: a base URL, or a backend entity with its credentials and TLS \
           rules. Exactly one of `base-url` and `backend-id`. The operation path stands behind the new base. An \
           unknown backend is refused when it is written out, and is 500 when an expression names it. The \
           attributes of Service Fabric and Dapr are not supported yet.",
    compile,
};

enum SetBackendService {
    Fixed(Arc<Backend>),
    BaseUrl(TextArg),
    BackendId(TextArg, Arc<Backends>),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    for attribute in &element.attributes {
        refuse_extension(attribute, c);
    }
    let policy = match (element.attribute("base-url"), element.attribute("backend-id")) {
        (Some(base_url), None) => compile_base_url(base_url, c),
        (None, Some(id)) => compile_backend_id(id, c),
        _ => {
            c.error(
                "xsd",
                element.at,
                "Exactly one of the attributes 'base-url' and 'backend-id' must be specified.",
            );
            None
        }
    };
    policy.filter(|_| c.findings() == before).map(Step::sync)
}

fn refuse_extension(attribute: &Attribute, c: &mut Compiler<'_>) {
    let needs = if attribute.name.starts_with("sf-") {
        "Service Fabric name resolution"
    } else if attribute.name.starts_with("dapr-") {
        "a Dapr sidecar"
    } else {
        return;
    };
    let text = format!("The attribute '{}' is not supported yet: it needs {needs}.", attribute.name);
    c.error("policy-unsupported", attribute.at, text);
}

fn compile_base_url(attribute: &Attribute, c: &mut Compiler<'_>) -> Option<SetBackendService> {
    let argument = c.text_of(&attribute.value, attribute.at)?;
    let Some(text) = argument.literal() else { return Some(SetBackendService::BaseUrl(argument)) };
    match Url::parse(text) {
        Ok(url) => Some(SetBackendService::Fixed(Arc::new(Backend::from_url(url)))),
        Err(error) => {
            c.error("url-invalid", attribute.at, format!("'{text}' is not a base URL: {error}."));
            None
        }
    }
}

fn compile_backend_id(attribute: &Attribute, c: &mut Compiler<'_>) -> Option<SetBackendService> {
    let argument = c.text_of(attribute.value.trim(), attribute.at)?;
    let Some(id) = argument.literal() else {
        return Some(SetBackendService::BackendId(argument, c.lookup.backends()));
    };
    match c.lookup.backend(id) {
        Some(backend) => Some(SetBackendService::Fixed(backend)),
        None => {
            c.error("backend-missing", attribute.at, format!("The backend '{id}' does not exist."));
            None
        }
    }
}

impl SetBackendService {
    fn backend(&self, exchange: &Exchange) -> Result<Arc<Backend>, Fault> {
        match self {
            Self::Fixed(backend) => Ok(Arc::clone(backend)),
            Self::BaseUrl(argument) => {
                let text = argument.get(exchange)?;
                let url =
                    Url::parse(&text).map_err(|error| Fault::invalid_value("set-backend-service", error))?;
                Ok(Arc::new(Backend::from_url(url)))
            }
            Self::BackendId(argument, backends) => {
                let id = argument.get(exchange)?;
                backends.get(&BackendId::from(id.trim())).cloned().ok_or_else(|| {
                    let text = format!("The backend '{}' does not exist.", id.trim());
                    Fault::internal("set-backend-service", "BackendNotFound", text)
                })
            }
        }
    }
}

impl Policy for SetBackendService {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        exchange.backend = Some(self.backend(exchange)?);
        Ok(Flow::Continue)
    }
}
