//! Services of Service Fabric: the cluster is asked where a partition is (`self-hosted-gateway.md` §7.1,
//! learn.microsoft.com/rest/api/servicefabric/sfclient-api-resolveservice).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_model::resource::ServiceFabricCluster;
use serde_json::Value;

use super::choice::call;
use super::{Backend, BackendTls, PinnedServer, trim_base_path};
use crate::certificates::Certificates;
use crate::compile::arguments::BoolArg;
use crate::exchange::Exchange;
use crate::exchange::calls::Purpose;
use crate::fault::Fault;
use crate::message::{Body, Headers, Method, Request, Url, query};
use crate::ports::{ForwardOptions, OutboundCall, Ports};

/// Attempts to find a partition where the cluster does not say.
const RETRIES_DEFAULT: u32 = 3;
const RETRIES_MAX: u32 = 10;
/// Partitions remembered; one more, and all are asked for anew.
const PLACES_MAX: usize = 1_024;
const TIMEOUT: Duration = Duration::from_secs(10);
const API_VERSION: &str = "6.0";

/// A service and its cluster.
#[derive(Debug)]
pub struct FabricService {
    /// `Application/Service`.
    name: String,
    management: Vec<Url>,
    tls: BackendTls,
    retries: u32,
    places: Mutex<HashMap<Place, Arc<Resolved>>>,
}

/// A partition of a service.
type Place = (String, PartitionKey);

/// Which partition of a service (`PartitionKeyType` and `PartitionKeyValue`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum PartitionKey {
    #[default]
    None,
    Number(i64),
    Named(String),
}

/// What `set-backend-service` says of a call.
#[derive(Clone, Debug, Default)]
pub struct FabricCall {
    /// Instead of the entity's own, `fabric:/Application/Service`.
    pub service: Option<String>,
    pub partition_key: Option<String>,
    /// `primary` or `secondary`.
    pub replica: Option<String>,
    pub listener: Option<String>,
    /// When true after a call, the service is looked for anew and called again.
    pub resolve_condition: Option<BoolArg>,
}

/// Where a partition is.
#[derive(Debug)]
struct Resolved {
    version: String,
    /// Kind and address of each replica.
    endpoints: Vec<(String, String)>,
}

impl FabricService {
    /// Reads an entity with a cluster; the error names what cannot be.
    pub fn new(
        url: &str,
        cluster: &ServiceFabricCluster,
        certificates: &Certificates,
    ) -> Result<Self, String> {
        let name =
            service_name(url).ok_or_else(|| format!("its url {url:?} is no fabric:/Application/Service"))?;
        let endpoints = cluster.management_endpoints.iter().map(|text| {
            let mut url = Url::parse(text).map_err(|error| format!("the endpoint {text:?}: {error}"))?;
            trim_base_path(&mut url);
            Ok::<_, String>(url)
        });
        let management = endpoints.collect::<Result<Vec<_>, _>>()?;
        if management.is_empty() {
            return Err("its cluster has no managementEndpoints".to_owned());
        }
        let named = match (&cluster.client_certificate_id, &cluster.client_certificate_thumbprint) {
            (Some(id), _) => Some((id, certificates.by_id(id))),
            (None, Some(thumbprint)) => Some((thumbprint, certificates.by_thumbprint(thumbprint))),
            (None, None) => None,
        };
        let identity = match named {
            None => None,
            Some((name, found)) => {
                Some(found.and_then(|stored| stored.identity.clone()).ok_or_else(|| {
                    format!("the certificate {name:?} of its cluster does not exist, or has no private key")
                })?)
            }
        };
        let pinned = PinnedServer::of(cluster).map(Arc::new);
        Ok(Self {
            name,
            management,
            tls: BackendTls { identity, pinned, ..BackendTls::default() },
            retries: cluster.max_partition_resolution_retries.unwrap_or(RETRIES_DEFAULT).min(RETRIES_MAX),
            places: Mutex::default(),
        })
    }

    /// Where the partition is: as remembered, unless that was found to be wrong.
    async fn resolve(
        &self,
        place: &Place,
        wrong: Option<&Resolved>,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Arc<Resolved>, Fault> {
        let known = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned();
        if let Some(known) = known.filter(|known| wrong.is_none_or(|wrong| wrong.version != known.version)) {
            return Ok(known);
        }
        let previous = wrong.map(|wrong| wrong.version.as_str());
        let mut reason = String::new();
        for attempt in 0..=self.retries {
            let Some(base) = self.management.get(attempt as usize % self.management.len()) else { break };
            exchange.count_call()?;
            let question = self.question(base, place, previous);
            match exchange.call(Purpose::ServiceFabric, question, ports).await {
                Ok(answer) if answer.status == 200 => match Resolved::read(answer.body.buffered()) {
                    Some(found) => {
                        let found = Arc::new(found);
                        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
                        if places.len() >= PLACES_MAX {
                            places.clear();
                        }
                        places.insert(place.clone(), Arc::clone(&found));
                        return Ok(found);
                    }
                    None => "the cluster's answer cannot be read".clone_into(&mut reason),
                },
                // It knows no such service or partition, and will not in a moment.
                Ok(answer) if matches!(answer.status, 400 | 401 | 403 | 404) => {
                    reason = format!("the cluster answered {}", answer.status);
                    break;
                }
                Ok(answer) => reason = format!("the cluster answered {}", answer.status),
                Err(error) => reason = error.message,
            }
        }
        let text = format!("The service 'fabric:/{}' was not found: {reason}.", place.0);
        Err(Fault::internal("", "ServiceFabricResolutionFailed", text))
    }

    fn question(&self, base: &Url, (service, key): &Place, previous: Option<&str>) -> OutboundCall {
        // The service's name stands in one segment, its own separators as tildes.
        let name: String = query::encode(&service.replace('/', "~")).collect();
        let mut url =
            Url { path: format!("{}/Services/{name}/$/ResolvePartition", base.path), ..base.clone() };
        url.path = url.path.replace("%7E", "~");
        query::append(&mut url.query, "api-version", API_VERSION);
        let (kind, value) = match key {
            PartitionKey::None => ("1", None),
            PartitionKey::Number(number) => ("2", Some(number.to_string())),
            PartitionKey::Named(name) => ("3", Some(name.clone())),
        };
        query::append(&mut url.query, "PartitionKeyType", kind);
        if let Some(value) = value {
            query::append(&mut url.query, "PartitionKeyValue", &value);
        }
        if let Some(previous) = previous {
            query::append(&mut url.query, "PreviousRspVersion", previous);
        }
        let request = Request { method: Method::Get, url, headers: Headers::new(), body: Body::Empty };
        OutboundCall { tls: self.tls.clone(), ..OutboundCall::new(request, TIMEOUT).trusted() }
    }
}

/// `fabric:/Application/Service` without its scheme.
fn service_name(url: &str) -> Option<String> {
    let rest = url.trim().strip_prefix("fabric:/")?.trim_matches('/');
    let is_name = !rest.is_empty() && rest.split('/').all(|part| !matches!(part, "" | "." | ".."));
    is_name.then(|| rest.to_owned())
}

impl Resolved {
    fn read(body: &[u8]) -> Option<Self> {
        let document: Value = serde_json::from_slice(body).ok()?;
        let endpoints = document.get("Endpoints")?.as_array()?.iter().filter_map(|endpoint| {
            let text = |name: &str| endpoint.get(name).and_then(Value::as_str).map(str::to_owned);
            Some((text("Kind")?, text("Address")?))
        });
        let version = document.get("Version").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { version, endpoints: endpoints.collect() })
    }

    /// The address of a replica. `turn` takes another of several each time.
    fn address(&self, call: &FabricCall, turn: usize) -> Result<Url, String> {
        let kinds: &[&str] = match call.replica.as_deref() {
            None => &["Stateless", "StatefulPrimary"],
            Some("primary") => &["StatefulPrimary"],
            Some("secondary") => &["StatefulSecondary"],
            Some(other) => return Err(format!("sf-replica-type '{other}' is not primary or secondary")),
        };
        let fit: Vec<&str> = self
            .endpoints
            .iter()
            .filter(|(kind, _)| kinds.contains(&kind.as_str()))
            .map(|(_, address)| address.as_str())
            .collect();
        let Some(address) = fit.get(turn % fit.len().max(1)) else {
            return Err(format!("it has no replica of kind {}", kinds.join(" or ")));
        };
        let address = listener(address, call.listener.as_deref())?;
        Url::parse(&address).map_err(|error| format!("its address {address:?} cannot be called: {error}"))
    }
}

/// The address of a listener: the unnamed one, or the only one, where none is asked for.
fn listener(address: &str, wanted: Option<&str>) -> Result<String, String> {
    let Ok(document) = serde_json::from_str::<Value>(address) else { return Ok(address.to_owned()) };
    let Some(listeners) = document.get("Endpoints").and_then(Value::as_object) else {
        return Err("its address names no listeners".to_owned());
    };
    let found = match wanted {
        Some(name) => listeners.get(name),
        None => listeners.get("").or_else(|| listeners.values().next().filter(|_| listeners.len() == 1)),
    };
    found.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        let names: Vec<_> = listeners.keys().map(|name| format!("'{name}'")).collect();
        format!("it has no listener '{}', only: {}", wanted.unwrap_or_default(), names.join(", "))
    })
}

/// Calls the service; where it has moved, it is looked for anew and called again.
pub async fn forward(
    service: &FabricService,
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<(), Fault> {
    let asked = exchange.fabric.clone().unwrap_or_default();
    let place = place(service, &asked)?;
    let mut wrong: Option<Arc<Resolved>> = None;
    for attempt in 0..=service.retries {
        let found = service.resolve(&place, wrong.as_deref(), exchange, ports).await?;
        let turn = attempt as usize + usize::from(exchange.id.as_bytes()[0]);
        let base = found.address(&asked, turn).map_err(|reason| {
            let text = format!("The service 'fabric:/{}' cannot be called: {reason}.", place.0);
            Fault::internal("", "ServiceFabricResolutionFailed", text)
        })?;
        exchange.member = Some(at(exchange.backend.as_deref(), base));
        let outcome = call(exchange, options, ports).await;
        let can_repeat = attempt < service.retries && !matches!(exchange.request.body, Body::Consumed);
        if !can_repeat || !has_moved(&asked, &outcome, exchange)? {
            return outcome;
        }
        exchange.count_call()?;
        wrong = Some(found);
    }
    Ok(())
}

fn place(service: &FabricService, asked: &FabricCall) -> Result<Place, Fault> {
    let name = match &asked.service {
        None => service.name.clone(),
        Some(url) => service_name(url).ok_or_else(|| {
            Fault::expression(&format!(
                "'{url}' is no service name: fabric:/Application/Service is expected."
            ))
        })?,
    };
    let key = match asked.partition_key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
        None => PartitionKey::None,
        Some(key) => key.parse().map_or_else(|_| PartitionKey::Named(key.to_owned()), PartitionKey::Number),
    };
    Ok((name, key))
}

/// The entity at an address.
fn at(entity: Option<&Backend>, base: Url) -> Arc<Backend> {
    let mut backend = Backend::from_url(base);
    if let Some(entity) = entity {
        backend.id.clone_from(&entity.id);
        backend.tls = entity.tls.clone();
        backend.headers.clone_from(&entity.headers);
        backend.query.clone_from(&entity.query);
        backend.managed.clone_from(&entity.managed);
        backend.proxy.clone_from(&entity.proxy);
        backend.breaker.clone_from(&entity.breaker);
    }
    Arc::new(backend)
}

/// Whether the service is somewhere else: as the policy says, or nobody answered there, or what answered says so.
fn has_moved(
    asked: &FabricCall,
    outcome: &Result<(), Fault>,
    exchange: &mut Exchange,
) -> Result<bool, Fault> {
    let Some(condition) = &asked.resolve_condition else {
        return Ok(match (outcome, &exchange.response) {
            (Err(fault), _) => fault.error.reason == "BackendConnectionFailure",
            (Ok(()), Some(response)) => {
                let is_known = response.headers.get_str("X-ServiceFabric") == Some("ResourceNotFound");
                response.status == 410 || (response.status == 404 && !is_known)
            }
            (Ok(()), None) => false,
        });
    };
    // The condition sees the failure, which is none yet.
    let before = exchange.last_error.take();
    exchange.last_error = outcome.as_ref().err().map(|fault| (*fault.error).clone());
    let verdict = condition.get(exchange);
    exchange.last_error = before;
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_name_of_fabric_urls_only() {
        assert_eq!(service_name("fabric:/App/Svc").as_deref(), Some("App/Svc"));
        assert_eq!(service_name(" fabric:/App/Sub/Svc/ ").as_deref(), Some("App/Sub/Svc"));
        for wrong in ["http://App/Svc", "fabric:/", "fabric:/a//b", "fabric:/../x", ""] {
            assert_eq!(service_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn listener_unnamed_only_or_by_name() {
        let two = r#"{"Endpoints": {"": "http://a:1/", "web": "http://a:2/"}}"#;
        let one = r#"{"Endpoints": {"web": "http://a:2/"}}"#;
        assert_eq!(listener(two, None).as_deref(), Ok("http://a:1/"));
        assert_eq!(listener(two, Some("web")).as_deref(), Ok("http://a:2/"));
        assert_eq!(listener(one, None).as_deref(), Ok("http://a:2/"));
        assert_eq!(listener("http://b:3/", None).as_deref(), Ok("http://b:3/"));
        assert!(listener(two, Some("other")).unwrap_err().contains("'other'"));
        assert!(listener("{}", None).is_err());
    }
}
