//! The admin listener: `/metrics`, `/healthz/live`, `/healthz/ready`, `/datapath`, `/config`; `POST /debug-credentials`
//! for tokens to trace requests with, and `/traces/ID`.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_datapath::Datapath;
use gateway_model::resource::IsoDuration;
use gateway_proxy::debug::LIFETIME_MAX;
use gateway_proxy::worker::Shared;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};

/// Connections served at a time; more wait in the backlog.
const CONNECTIONS_MAX: usize = 64;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the pages show.
pub struct Admin {
    pub shared: Arc<Shared>,
    pub datapath: Arc<Datapath>,
    pub draining: watch::Receiver<bool>,
}

/// Serves until the runtime ends.
pub async fn serve(admin: Arc<Admin>, listener: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the admin listener cannot be served"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let answer = admin.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A broken admin client concerns nobody else.
            let _ = connection.await;
            drop(place);
        });
    }
}

type Page = Response<Full<Bytes>>;

impl Admin {
    fn answer<B>(&self, request: &Request<B>) -> Page {
        if request.method() == Method::POST && request.uri().path() == "/debug-credentials" {
            return self.debug_credentials(request.uri().query().unwrap_or_default());
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return page(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/plain",
                "only GET is served here\n".to_owned(),
            );
        }
        match request.uri().path() {
            "/metrics" => {
                let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
                let (content_type, text) = self.shared.telemetry.metrics(accept);
                page(StatusCode::OK, content_type, text)
            }
            "/healthz/live" => page(StatusCode::OK, "text/plain", "live\n".to_owned()),
            "/healthz/ready" => self.ready(),
            "/datapath" => json(&serde_json::json!({
                "status": self.datapath.status(),
                "counters": self.datapath.counters(),
            })),
            "/config" => self.config(),
            path if path.starts_with("/traces/") => {
                match self.shared.debug.trace(&path["/traces/".len()..]) {
                    Some(trace) => page(StatusCode::OK, "application/json", format!("{trace}\n")),
                    None => page(StatusCode::NOT_FOUND, "text/plain", "no such trace\n".to_owned()),
                }
            }
            _ => page(StatusCode::NOT_FOUND, "text/plain", "no such page\n".to_owned()),
        }
    }

    /// `apiId` and `credentialsExpireAfter` (ISO 8601, at most and by default one hour), as parameters of the query.
    fn debug_credentials(&self, query: &str) -> Page {
        let refuse = |text: &str| page(StatusCode::BAD_REQUEST, "text/plain", format!("{text}\n"));
        let parameter = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name)
        };
        let Some((_, api)) = parameter("apiId").filter(|(_, api)| !api.is_empty()) else {
            return refuse("the parameter apiId names no API");
        };
        let lifetime = match parameter("credentialsExpireAfter").map(|(_, text)| IsoDuration::parse(text)) {
            None => LIFETIME_MAX,
            Some(Some(IsoDuration(lifetime))) if lifetime <= LIFETIME_MAX => lifetime,
            Some(_) => return refuse("credentialsExpireAfter must be a duration of at most PT1H"),
        };
        match self.shared.debug.issue(api, lifetime) {
            Some(token) => json(&serde_json::json!({ "token": token })),
            None => page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "no randomness\n".to_owned()),
        }
    }

    fn ready(&self) -> Page {
        if *self.draining.borrow() {
            return page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "draining\n".to_owned());
        }
        match self.shared.snapshot.load().as_ref() {
            Some(_) => page(StatusCode::OK, "text/plain", "ready\n".to_owned()),
            None => page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "no configuration\n".to_owned()),
        }
    }

    fn config(&self) -> Page {
        match self.shared.snapshot.load().as_ref() {
            Some(snapshot) => json(&serde_json::json!({
                "revision": snapshot.revision,
                "apis": snapshot.api_count(),
                "unavailable": snapshot.unavailable().collect::<Vec<_>>(),
            })),
            None => page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "no configuration\n".to_owned()),
        }
    }
}

fn json(value: &serde_json::Value) -> Page {
    page(StatusCode::OK, "application/json", format!("{value}\n"))
}

fn page(status: StatusCode, content_type: &'static str, text: String) -> Page {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
