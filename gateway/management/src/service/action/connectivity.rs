//! `connectivityCheck`: whether the plane's own host reaches an address by TCP.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::super::{Answer, Call, Outcome};
use crate::arm_error::ArmError;

const PROBES: usize = 3;
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

pub async fn check(call: &Call<'_>) -> Outcome {
    let destination = &call.body["destination"];
    let host = destination["address"].as_str().unwrap_or_default();
    let port =
        destination["port"].as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let port = port
        .ok_or_else(|| ArmError::field("destination.port", "'destination.port' must be from 1 to 65535."))?;
    let is_tcp = call.body["protocol"].as_str().is_none_or(|protocol| protocol.eq_ignore_ascii_case("TCP"));
    if !is_tcp {
        return Err(ArmError::field(
            "protocol",
            "'protocol' must be TCP: the plane probes connections only.",
        ));
    }
    let address = resolve(host, port).await?;
    let mut times = Vec::new();
    for _ in 0..PROBES {
        let began = Instant::now();
        let connecting = tokio::time::timeout(PROBE_TIMEOUT, TcpStream::connect(address));
        if matches!(connecting.await, Ok(Ok(_))) {
            times.push(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
    }
    let known = |value: Option<u64>| value.map_or(Value::Null, Value::from);
    let average = (!times.is_empty()).then(|| times.iter().sum::<u64>() / times.len() as u64);
    let hops = json!([
        {"type": "Source", "id": "source", "address": null, "resourceId": call.service_id, "nextHopIds": ["destination"],
         "previousHopIds": [], "issues": []},
        {"type": "Internet", "id": "destination", "address": address.ip().to_string(), "resourceId": "Internet",
         "nextHopIds": [], "previousHopIds": ["source"], "issues": []},
    ]);
    Ok(Answer::ok(json!({
        "hops": hops,
        "connectionStatus": if times.is_empty() { "Disconnected" } else { "Connected" },
        "avgLatencyInMs": known(average),
        "minLatencyInMs": known(times.iter().min().copied()),
        "maxLatencyInMs": known(times.iter().max().copied()),
        "probesSent": PROBES,
        "probesFailed": PROBES - times.len(),
    })))
}

/// The first address of a host. Link-local ones, behind which hosts keep their own credentials, are refused.
async fn resolve(host: &str, port: u16) -> Result<SocketAddr, ArmError> {
    let refuse = |message: String| ArmError::field("destination.address", message);
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| refuse(format!("'{host}' has no address: {error}.")))?;
    let address = found.next().ok_or_else(|| refuse(format!("'{host}' has no address.")))?;
    let is_link_local = match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_link_local())
        }
    };
    if is_link_local { Err(refuse(format!("'{host}' is a link-local address."))) } else { Ok(address) }
}
