//! The telemetry thread: exporters reach the world by the gateway's own HTTP client and identity.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_model::Secret;
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::message::{Body, Headers, Method, Request, Url};
use gateway_policy::ports::{OutboundCall, TokenRequest};
use gateway_proxy::ports::event_hubs;
use gateway_proxy::upstream::{Upstream, UpstreamSettings, UpstreamShared};
use gateway_proxy::worker::Shared;
use gateway_telemetry::export::{HttpRequest, HttpResponse, LocalFuture, Outbound};
use tokio::task::LocalSet;

use super::StartError;

/// For one request to a collector, its answer included: a sink of a byte a second holds nobody up for longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the cores are not enough for all, traffic comes first: a twentieth of a worker's share is left for telemetry.
/// What workers do for it themselves comes on top, and both together are to stay below a tenth.
const NICENESS: i32 = 13;

/// Starts the thread, if something is exported; it ends when the pipeline is closed.
pub fn spawn(shared: &Arc<Shared>, upstream: &UpstreamShared) -> Result<(), StartError> {
    let Some(pipeline) = shared.telemetry.pipeline().map(Arc::clone) else { return Ok(()) };
    let (shared, upstream) = (Arc::clone(shared), upstream.clone());
    let failed = |what| move |source| StartError::Io { what, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("the telemetry thread has no runtime"))?;
    let run = move || {
        // Refused nowhere; without it the thread has the share of any other.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        let work = async {
            let telemetry = Arc::clone(&shared.telemetry);
            let upstream = Upstream::new(UpstreamSettings::default(), &upstream);
            pipeline.run(Rc::new(Way { shared, upstream }), telemetry).await;
        };
        LocalSet::new().block_on(&runtime, work);
    };
    std::thread::Builder::new()
        .name("telemetry".to_owned())
        .spawn(run)
        .map(drop)
        .map_err(failed("the telemetry thread cannot start"))
}

/// HTTP over the upstream of this thread, tokens of the shared identity.
struct Way {
    shared: Arc<Shared>,
    upstream: Rc<Upstream>,
}

impl Way {
    async fn post(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let url = Url::parse(&request.url).map_err(|error| error.to_string())?;
        let mut headers = Headers::new();
        for (name, value) in &request.headers {
            headers.append(name, value.as_bytes()).map_err(|_| format!("the field {name} cannot be sent"))?;
        }
        let body = Body::from(Bytes::from(request.body));
        let message = Request { method: Method::Post, url, headers, body };
        let call = OutboundCall::new(message, TIMEOUT).trusted();
        let response =
            if request.http2 { self.upstream.call_http2(call).await } else { self.upstream.call(call).await };
        let response = response.map_err(|error| error.message)?;
        let headers = response.headers.iter();
        Ok(HttpResponse {
            status: response.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
                .collect(),
            body: response.body.buffered().to_vec(),
        })
    }
}

impl Outbound for Way {
    fn signature(&self, resource: &str, name: &str, key: &Secret) -> Result<String, String> {
        let url = Url::parse(resource).map_err(|error| error.to_string())?;
        Ok(event_hubs::signature(&url, name, key))
    }

    fn send(&self, request: HttpRequest) -> LocalFuture<'_, Result<HttpResponse, String>> {
        Box::pin(self.post(request))
    }

    fn token<'a>(
        &'a self,
        audience: &'a str,
        client_id: Option<&'a str>,
    ) -> LocalFuture<'a, Result<Arc<str>, String>> {
        Box::pin(async move {
            let wanted =
                TokenRequest { resource: audience.to_owned(), client_id: client_id.map(str::to_owned) };
            let fetched = self.shared.identity.token(&wanted, &self.upstream, &Fetches::default()).await;
            fetched.map_err(|error| error.to_string())
        })
    }
}
