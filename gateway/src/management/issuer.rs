//! Documents of the token issuer, by the gateway's own way to other servers.

use std::net::SocketAddr;
use std::time::Duration;

use gateway_management::auth::{Getting, JsonSource};
use gateway_policy::message::{Body, Headers, Method, Request, Url};
use gateway_policy::ports::OutboundCall;
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};
use serde_json::Value;

use super::apart::apart;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A way to the issuer, made anew for each document: they are read twice a day.
pub struct Documents {
    shared: UpstreamShared,
    settings: UpstreamSettings,
}

impl Documents {
    /// `own` is the plane's listener, which is no issuer.
    pub fn new(own: SocketAddr) -> Self {
        let settings = UpstreamSettings { own_listeners: vec![own], ..UpstreamSettings::default() };
        Self { shared: UpstreamShared::new(Roots::system()), settings }
    }
}

impl JsonSource for Documents {
    fn get<'a>(&'a self, url: &'a str) -> Getting<'a> {
        let (shared, settings, url) = (self.shared.clone(), self.settings.clone(), url.to_owned());
        Box::pin(apart(move || get(settings, shared, url)))
    }
}

async fn get(settings: UpstreamSettings, shared: UpstreamShared, url: String) -> Result<Value, String> {
    let upstream = Upstream::new(settings, &shared);
    let address = Url::parse(&url).map_err(|error| format!("{url}: the address is invalid: {error}"))?;
    let mut headers = Headers::new();
    headers.set("Accept", b"application/json").map_err(|error| error.to_string())?;
    let request = Request { method: Method::Get, url: address, headers, body: Body::Empty };
    let call = upstream.call(OutboundCall::new(request, TIMEOUT));
    let response = call.await.map_err(|error| format!("{url}: {error}"))?;
    match response.status {
        200 => serde_json::from_slice(response.body.buffered()).map_err(|error| format!("{url}: {error}")),
        status => Err(format!("{url} answered {status}")),
    }
}
