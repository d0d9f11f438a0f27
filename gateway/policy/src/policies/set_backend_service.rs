//! `set-backend-service` (`policies.md` C 1.2).

use std::sync::Arc;

use gateway_model::BackendId;

use super::dapr::{segment, sidecar};
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
           unknown backend is refused when it is written out, and is 500 when an expression names it. \
           `backend-id=\"dapr\"` calls the method `dapr-method` of the application `dapr-app-id` through the Dapr \
           sidecar (port: setting `dapr.http.port`); the operation's path gives way to it. The attributes of Service \
           Fabric are not supported yet.",
    compile,
};

enum SetBackendService {
    Fixed(Arc<Backend>),
    BaseUrl(TextArg),
    BackendId(TextArg, Arc<Backends>),
    Dapr { app_id: TextArg, method: TextArg, namespace: Option<TextArg> },
}

/// The backend id that stands for the Dapr sidecar.
const DAPR: &str = "dapr";

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    for attribute in &element.attributes {
        refuse_fabric(attribute, c);
    }
    let is_dapr = element.attribute("backend-id").is_some_and(|id| id.value.trim() == DAPR);
    if !is_dapr && let Some(attribute) = element.attributes.iter().find(|a| a.name.starts_with("dapr-")) {
        let text = format!("The attribute '{}' goes with backend-id=\"{DAPR}\" only.", attribute.name);
        c.error("xsd", attribute.at, text);
    }
    let policy = match (element.attribute("base-url"), element.attribute("backend-id")) {
        (Some(base_url), None) => compile_base_url(base_url, c),
        (None, Some(_)) if is_dapr => compile_dapr(element, c),
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

fn refuse_fabric(attribute: &Attribute, c: &mut Compiler<'_>) {
    if attribute.name.starts_with("sf-") {
        let text = format!(
            "The attribute '{}' is not supported yet: it needs Service Fabric name resolution.",
            attribute.name
        );
        c.error("policy-unsupported", attribute.at, text);
    }
}

fn compile_dapr(element: &Element, c: &mut Compiler<'_>) -> Option<SetBackendService> {
    for name in ["dapr-app-id", "dapr-method"] {
        if element.attribute(name).is_none() {
            let text = format!("The attribute '{name}' is required with backend-id=\"{DAPR}\".");
            c.error("xsd", element.at, text);
        }
    }
    Some(SetBackendService::Dapr {
        app_id: c.text(element, "dapr-app-id")?,
        method: c.text(element, "dapr-method")?,
        namespace: c.text(element, "dapr-namespace"),
    })
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
    fn backend(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Arc<Backend>, Fault> {
        match self {
            Self::Dapr { app_id, method, namespace } => {
                let app_id = app_id.get(exchange)?;
                let name = match namespace {
                    Some(namespace) => format!("{app_id}.{}", namespace.get(exchange)?),
                    None => app_id.into_owned(),
                };
                // A method may be a path of several segments.
                let method = method.get(exchange)?;
                let parts = method.trim_matches('/').split('/').map(|part| segment(part, "dapr-method"));
                let method = parts.collect::<Result<Vec<_>, _>>()?.join("/");
                let path = format!("/v1.0/invoke/{}/method/{method}", segment(&name, "dapr-app-id")?);
                exchange.request.url.path = path;
                Ok(Arc::new(Backend::from_url(sidecar(String::new(), ports))))
            }
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
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let backend = self.backend(exchange, ports)?;
        exchange.set_backend(backend);
        Ok(Flow::Continue)
    }
}
