//! Backend entities and service URLs as the upstream side needs them.

use std::sync::Arc;

use gateway_model::{Api, BackendType, Diagnostic, Resource, ResourceSet};
use gateway_policy::backend::{Backend, BackendTls, Backends, trim_base_path};
use gateway_policy::message::Url;

/// Compiles the backend entities; one that cannot be used is reported and missing.
pub fn compile(set: &ResourceSet, diagnostics: &mut Vec<Diagnostic>) -> Backends {
    let mut backends = Backends::new();
    for entity in set.backends.values() {
        match entity_of(entity) {
            Ok(backend) => {
                backends.insert(entity.id.clone(), Arc::new(backend));
            }
            Err((code, text)) => {
                diagnostics.push(Diagnostic::error(code, entity.origin.clone(), text).on(entity.id()));
            }
        }
    }
    backends
}

fn entity_of(entity: &gateway_model::Backend) -> Result<Backend, (&'static str, String)> {
    if entity.backend_type == BackendType::Pool {
        return Err((
            "backend-unsupported",
            format!("backend {} is a pool; pools are not served yet", entity.id),
        ));
    }
    if entity.properties.as_ref().is_some_and(|p| p.service_fabric_cluster.is_some()) {
        let text = format!("backend {} is a Service Fabric cluster, which is not served yet", entity.id);
        return Err(("backend-unsupported", text));
    }
    let mut base = Url::parse(&entity.url).map_err(|error| {
        ("backend-url", format!("the url {:?} of backend {} is invalid: {error}", entity.url, entity.id))
    })?;
    trim_base_path(&mut base);
    let tls = entity.tls.clone().unwrap_or_default();
    let mut backend = Backend {
        id: Some(entity.id.as_str().into()),
        base,
        tls: BackendTls {
            validate_certificate_chain: tls.validate_certificate_chain,
            validate_certificate_name: tls.validate_certificate_name,
        },
        headers: Vec::new(),
        query: Vec::new(),
    };
    credentials(entity, &mut backend);
    Ok(backend)
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
