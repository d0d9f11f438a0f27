//! `set-backend-service` (`policies.md` C 1.2).

use std::borrow::Cow;
use std::sync::Arc;

use super::dapr::{segment, sidecar};
use crate::backend::{Backend, EntityArg, FabricCall};
use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, TextArg};
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
        optional("sf-resolve-condition", Kind::Bool).expression(),
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
           sidecar (port: setting `dapr.http.port`); the operation's path gives way to it. With a backend entity \
           that is a service of Service Fabric, the `sf-` attributes say which part of it is called: another service of the \
           cluster, `fabric:/App/Service`; the partition of a number or name; a replica (primary or secondary; default \
           stateless or primary); a listener (default the unnamed or only one). The cluster is asked once for each \
           partition, and again when `sf-resolve-condition` is true behind the call: default no connection, 410, or 404 \
           without `X-ServiceFabric: ResourceNotFound`. Not found: 500, reason ServiceFabricResolutionFailed.",
    compile,
};

enum SetBackendService {
    Fixed(Arc<Backend>),
    BaseUrl(TextArg),
    Entity(EntityArg, Option<FabricArgs>),
    Dapr { app_id: TextArg, method: TextArg, namespace: Option<TextArg> },
}

const SOURCE: &str = "set-backend-service";

/// The backend id that stands for the Dapr sidecar.
const DAPR: &str = "dapr";

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let is_dapr = element.attribute("backend-id").is_some_and(|id| id.value.trim() == DAPR);
    if !is_dapr && let Some(attribute) = element.attributes.iter().find(|a| a.name.starts_with("dapr-")) {
        let text = format!("The attribute '{}' goes with backend-id=\"{DAPR}\" only.", attribute.name);
        c.error("xsd", attribute.at, text);
    }
    let policy = match (element.attribute("base-url"), element.attribute("backend-id")) {
        (Some(base_url), None) => compile_base_url(base_url, c),
        (None, Some(_)) if is_dapr => compile_dapr(element, c),
        (None, Some(id)) => {
            let fabric = FabricArgs::compile(element, c);
            EntityArg::of(id, c).map(|entity| SetBackendService::Entity(entity, fabric))
        }
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

/// The `sf-` attributes.
struct FabricArgs {
    service: Option<TextArg>,
    partition_key: Option<TextArg>,
    replica: Option<TextArg>,
    listener: Option<TextArg>,
    resolve_condition: Option<BoolArg>,
}

impl FabricArgs {
    /// `None` where the element has none of them.
    fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        element.attributes.iter().find(|attribute| attribute.name.starts_with("sf-"))?;
        Some(Self {
            service: c.text(element, "sf-service-instance-name"),
            partition_key: c.text(element, "sf-partition-key"),
            replica: c.text(element, "sf-replica-type"),
            listener: c.text(element, "sf-listener-name"),
            resolve_condition: c.boolean(element, "sf-resolve-condition"),
        })
    }

    fn evaluate(&self, exchange: &Exchange) -> Result<FabricCall, Fault> {
        let get = |argument: &Option<TextArg>| {
            argument.as_ref().map(|argument| argument.get(exchange).map(Cow::into_owned)).transpose()
        };
        Ok(FabricCall {
            service: get(&self.service)?,
            partition_key: get(&self.partition_key)?,
            replica: get(&self.replica)?,
            listener: get(&self.listener)?,
            resolve_condition: self.resolve_condition.clone(),
        })
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
            let text = Url::without_secrets(text);
            c.error("url-invalid", attribute.at, format!("'{text}' is not a base URL: {error}."));
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
            Self::Entity(entity, _) => entity.get(SOURCE, exchange),
        }
    }
}

impl Policy for SetBackendService {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let backend = self.backend(exchange, ports)?;
        let fabric = match self {
            Self::Entity(_, Some(fabric)) => Some(Box::new(fabric.evaluate(exchange)?)),
            _ => None,
        };
        if fabric.is_some() && backend.fabric.is_none() {
            let id = backend.id.as_deref().unwrap_or_default();
            let text = format!("The backend '{id}' is no service of Service Fabric.");
            return Err(Fault::internal(SOURCE, "BackendNotServiceFabric", text));
        }
        exchange.set_backend(backend);
        exchange.fabric = fabric;
        Ok(Flow::Continue)
    }
}
