//! The admin listener: `/` (status page), `/metrics`, `/healthz`, `/healthz/live`, `/healthz/ready`, `/datapath`, `/datapath/prefixes`,
//! `/config`; `POST /debug-credentials` for tokens to trace requests with, and `/traces/ID`; from this host only,
//! `POST /datapath/prefixes` and `/datapath/confirm`.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::TcpListener;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway_datapath::{Datapath, State};
use gateway_model::resource::IsoDuration;
use gateway_proxy::debug::LIFETIME_MAX;
use gateway_proxy::worker::Shared;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};

use crate::plane_source::SharedState;

/// Bytes of a change of the kernel path's lists: about a million prefixes.
const CHANGE_BYTES_MAX: usize = 48 << 20;
/// Connections served at a time; more wait in the backlog.
const CONNECTIONS_MAX: usize = 64;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the pages show.
pub struct Admin {
    pub shared: Arc<Shared>,
    pub datapath: Arc<Datapath>,
    pub draining: watch::Receiver<bool>,
    pub source: SharedState,
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
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let admin = Arc::clone(&admin);
                async move {
                    let is_change =
                        request.method() == Method::POST && request.uri().path().starts_with("/datapath/");
                    let answer = if is_change {
                        admin.change_datapath(request, peer.ip().to_canonical().is_loopback()).await
                    } else {
                        admin.answer(&request)
                    };
                    Ok::<_, Infallible>(answer)
                }
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
            "/" => status_page(),
            "/healthz" => self.health(),
            "/healthz/live" => page(StatusCode::OK, "text/plain", "live\n".to_owned()),
            "/healthz/ready" => self.ready(),
            "/datapath" => json(&serde_json::json!({
                "status": self.datapath.status(),
                "counters": self.datapath.counters(),
                "exporters": self.exporters(),
            })),
            "/datapath/prefixes" => self.prefixes(),
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

    fn prefixes(&self) -> Page {
        match self.datapath.claims() {
            Ok((claims, more)) => json(&serde_json::json!({
                "claims": claims,
                "more": more,
                "drops": self.datapath.counters().drops,
            })),
            Err(reason) => page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{reason}\n")),
        }
    }

    /// JSON in, JSON out; the media type keeps forms of other sites' pages out.
    async fn change_datapath(&self, request: Request<Incoming>, is_local: bool) -> Page {
        let refuse = |status, text: &str| page(status, "text/plain", format!("{text}\n"));
        if !is_local {
            return refuse(StatusCode::FORBIDDEN, "the kernel path is changed from this host only");
        }
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if content_type != Some(b"application/json") {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/json is expected");
        }
        let path = request.uri().path().to_owned();
        let Ok(body) = Limited::new(request.into_body(), CHANGE_BYTES_MAX).collect().await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long, or broken off");
        };
        match self.changed(&path, &body.to_bytes()) {
            Ok(answer) => json(&answer),
            Err((status, text)) => refuse(status, &text),
        }
    }

    fn changed(&self, path: &str, body: &[u8]) -> Result<serde_json::Value, (StatusCode, String)> {
        let wrong = |error: serde_json::Error| (StatusCode::BAD_REQUEST, error.to_string());
        let off = |reason| (StatusCode::SERVICE_UNAVAILABLE, reason);
        match path {
            "/datapath/prefixes" => {
                let request = serde_json::from_slice(body).map_err(wrong)?;
                let answer = self.datapath.change(&request).map_err(off)?;
                Ok(serde_json::json!(answer))
            }
            "/datapath/confirm" => {
                let confirmed = self.datapath.confirm().map_err(off)?;
                Ok(serde_json::json!({ "confirmed": confirmed }))
            }
            _ => Err((StatusCode::NOT_FOUND, "no such page".to_owned())),
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

    /// One line for each part: the status is that of readiness, whatever the exporters say.
    fn health(&self) -> Page {
        let ready = self.ready().status();
        let state = if ready == StatusCode::OK { "ready" } else { "not ready" };
        let path = match self.datapath.status().state {
            State::On => "on",
            State::Off => "off",
        };
        let mut text = format!("gateway: {state}\nkernel path: {path}\n");
        for line in self.exporters() {
            let _ = writeln!(text, "exporter {line}");
        }
        page(ready, "text/plain", text)
    }

    /// A line for each: `otlp-logs: up, 12 sent, 0 dropped, 3 waiting`.
    fn exporters(&self) -> Vec<String> {
        let all = self.shared.telemetry.registry().exporters().list();
        all.iter().map(|exporter| format!("{}: {}", exporter.name(), exporter.summary())).collect()
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
        let state = self.source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.shared.snapshot.load().as_ref() {
            Some(snapshot) => json(&serde_json::json!({
                "revision": snapshot.revision,
                "source": if state.source.is_empty() { "folder" } else { state.source },
                "applied": state.applied.trim_matches('"'),
                "linked": state.linked,
                "apis": snapshot.api_count(),
                "unavailable": snapshot.unavailable().collect::<Vec<_>>(),
            })),
            None => {
                let text = serde_json::json!({"source": null, "applied": "", "linked": state.linked});
                page(StatusCode::SERVICE_UNAVAILABLE, "application/json", format!("{text}\n"))
            }
        }
    }
}

/// Asks the other pages itself, every two seconds; nothing comes from elsewhere.
fn status_page() -> Page {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let text = include_str!("admin/status.html").to_owned();
    let mut page = page(StatusCode::OK, "text/html; charset=utf-8", text);
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    page
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
