//! Backend entities and service URLs as the upstream side needs them.

use std::sync::Arc;

use gateway_model::{Api, Diagnostic, Resource, ResourceSet};
use gateway_policy::backend::{Backend, BackendTls, Backends, Breaker, FabricService, ForwardProxy, Pool};
use gateway_policy::certificates::{Certificates, ClientIdentity};
use gateway_policy::message::Url;
use gateway_policy::ports::TokenRequest;

/// Compiles the backend entities; one that cannot be used is reported and missing.
///
/// A circuit breaker whose definition is that of `previous` goes on where it stands.
pub fn compile(
    set: &ResourceSet,
    previous: Option<&Backends>,
    certificates: &Certificates,
    diagnostics: &mut Vec<Diagnostic>,
) -> Backends {
    let mut backends = Backends::new();
    let mut add =
        |entity: &gateway_model::Backend, made: Result<Backend, Unusable>, all: &mut Backends| match made {
            Ok(backend) => {
                all.insert(entity.id.clone(), Arc::new(backend));
            }
            Err((code, text)) => {
                diagnostics.push(Diagnostic::error(code, entity.origin.clone(), text).on(entity.id()));
            }
        };
    for entity in set.backends.values().filter(|entity| !entity.is_pool()) {
        let old = previous.and_then(|previous| previous.get(&entity.id));
        add(entity, single(entity, old, certificates), &mut backends);
    }
    for entity in set.backends.values().filter(|entity| entity.is_pool()) {
        let made = pool(entity, &backends);
        add(entity, made, &mut backends);
    }
    backends
}

/// Code and text of a finding.
type Unusable = (&'static str, String);

fn pool(entity: &gateway_model::Backend, singles: &Backends) -> Result<Backend, Unusable> {
    let pool = Pool::new(entity, singles)
        .map_err(|error| ("backend-pool", format!("backend pool {} cannot be used: {error}", entity.id)))?;
    let id = Some(entity.id.as_str().into());
    Ok(Backend { id, pool: Some(Arc::new(pool)), ..Backend::from_url(Url::default()) })
}

fn breaker(
    entity: &gateway_model::Backend,
    old: Option<&Arc<Backend>>,
) -> Result<Option<Arc<Breaker>>, Unusable> {
    let Some(definition) = &entity.circuit_breaker else { return Ok(None) };
    if let Some(kept) = old.and_then(|old| old.breaker.as_ref()).filter(|old| old.is_of(definition)) {
        return Ok(Some(Arc::clone(kept)));
    }
    Breaker::new(definition).map(|made| Some(Arc::new(made))).map_err(|error| {
        ("backend-breaker", format!("the circuit breaker of backend {} cannot be used: {error}", entity.id))
    })
}

fn forward_proxy(entity: &gateway_model::Backend) -> Result<Option<Arc<ForwardProxy>>, Unusable> {
    let Some(proxy) = &entity.proxy else { return Ok(None) };
    let password = proxy.password.as_ref().map(gateway_model::Secret::expose);
    ForwardProxy::new(&proxy.url, proxy.username.as_deref(), password)
        .map(|made| Some(Arc::new(made)))
        .map_err(|error| {
            ("backend-proxy", format!("the proxy of backend {} cannot be used: {error}", entity.id))
        })
}

fn single(
    entity: &gateway_model::Backend,
    old: Option<&Arc<Backend>>,
    certificates: &Certificates,
) -> Result<Backend, Unusable> {
    let cluster =
        entity.properties.as_ref().and_then(|properties| properties.service_fabric_cluster.as_ref());
    let fabric = cluster.map(|cluster| FabricService::new(&entity.url, cluster, certificates)).transpose();
    let fabric = fabric.map_err(|error| {
        ("backend-fabric", format!("the Service Fabric backend {} cannot be used: {error}", entity.id))
    })?;
    let base = match &fabric {
        Some(_) => Url::default(),
        None => Url::parse(&entity.url).map_err(|error| {
            ("backend-url", format!("the url {:?} of backend {} is invalid: {error}", entity.url, entity.id))
        })?,
    };
    let tls = entity.tls.clone().unwrap_or_default();
    let mut backend = Backend {
        id: Some(entity.id.as_str().into()),
        tls: BackendTls {
            validate_certificate_chain: tls.validate_certificate_chain,
            validate_certificate_name: tls.validate_certificate_name,
            identity: identity(entity, certificates).map_err(|text| ("backend-certificate", text))?,
            pinned: None,
        },
        proxy: forward_proxy(entity)?,
        breaker: breaker(entity, old)?,
        fabric: fabric.map(Arc::new),
        ..Backend::from_url(base)
    };
    credentials(entity, &mut backend);
    Ok(backend)
}

/// The client certificate: the first of `certificateIds`, else the first thumbprint (`policies.md` §7).
fn identity(
    entity: &gateway_model::Backend,
    certificates: &Certificates,
) -> Result<Option<Arc<ClientIdentity>>, String> {
    let Some(credentials) = &entity.credentials else { return Ok(None) };
    let (name, found) = match (credentials.certificate_ids.first(), credentials.certificate.first()) {
        (Some(id), _) => (id, certificates.by_id(id)),
        (None, Some(thumbprint)) => (thumbprint, certificates.by_thumbprint(thumbprint)),
        (None, None) => return Ok(None),
    };
    let identity = found.and_then(|stored| stored.identity.clone());
    identity.map(Some).ok_or_else(|| {
        format!("the certificate {name:?} of backend {} does not exist, or has no private key", entity.id)
    })
}

fn credentials(entity: &gateway_model::Backend, backend: &mut Backend) {
    let Some(credentials) = &entity.credentials else { return };
    for (name, values) in &credentials.header {
        let values: Vec<_> = values.iter().map(gateway_model::Secret::expose).collect();
        backend.headers.push((name.clone(), values.join(",")));
    }
    for (name, values) in &credentials.query {
        backend.query.extend(values.iter().map(|value| (encode(name), encode(value.expose()))));
    }
    backend.managed = credentials.managed_identity.as_ref().map(|managed| TokenRequest {
        resource: managed.resource.clone(),
        client_id: managed.client_id.clone().filter(|id| !id.is_empty()),
    });
    if let Some(authorization) = &credentials.authorization {
        let value = format!("{} {}", authorization.scheme, authorization.parameter.expose());
        backend.headers.push(("Authorization".to_owned(), value));
    }
}

/// Query component encoding: everything but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// The service URL of an API; reported when it is no URL.
pub fn service_url(api: &Api, diagnostics: &mut Vec<Diagnostic>) -> Option<Arc<Backend>> {
    let text = api.service_url.as_deref().filter(|text| !text.trim().is_empty())?;
    match Url::parse(text) {
        Ok(url) => Some(Arc::new(Backend::from_url(url))),
        Err(error) => {
            let message = format!("the service URL {text:?} of API {} is invalid: {error}", api.id);
            diagnostics.push(Diagnostic::error("service-url", api.origin.clone(), message).on(api.id()));
            None
        }
    }
}
