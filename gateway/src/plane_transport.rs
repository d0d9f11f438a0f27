//! The way to the management plane: HTTP/1.1 over connections that are kept, with a bound on everything.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_model::Secret;
use gateway_sync::plane::{Request, Response, Transport};
use gateway_sync::protocol::EXPANDED_BYTES_MAX;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use hyper::{StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two parts of a body, and for all of it (reliability-security.md §6.1, F-04).
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_mins(5);
/// Connections kept for the next request.
const SPARE_MAX: usize = 8;

/// Where the plane is, and how the gateway shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether TLS is spoken.
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Before every target; empty or `/path`.
    pub prefix: String,
}

impl Endpoint {
    /// `https://host:port/prefix`; without a scheme `https`, as the original's setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let uri: Uri = full.parse().map_err(|_| "http://HOST:PORT or https://HOST is expected".to_owned())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("the scheme must be http or https".to_owned()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("there is no host name in it")?;
        Ok(Self {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// A plane of this machine.
    pub fn local(address: std::net::SocketAddr) -> Self {
        let host =
            if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
        Self { tls: false, host, port: address.port(), prefix: String::new() }
    }

    /// The field `Host`.
    fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

/// How the gateway shows who it is.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// The field as it is sent.
    Given(Secret),
    /// There is none before [`PlaneTransport::authorize`]: nothing is sent until then.
    SignsInLater,
}

/// The connections of one thread.
#[derive(Clone)]
pub struct PlaneTransport(Rc<Inner>);

struct Inner {
    endpoint: Endpoint,
    host: HeaderValue,
    /// None before the sign-in.
    authorization: RefCell<Option<HeaderValue>>,
    /// Told when the plane refuses the authorization.
    refused: Notify,
    tls: Arc<ClientConfig>,
    /// Until an answer begins.
    timeout: Duration,
    spare: RefCell<Vec<SendRequest<Full<Bytes>>>>,
}

impl PlaneTransport {
    /// The error names what of the host or the authorization cannot be sent.
    pub fn new(
        endpoint: Endpoint,
        authorization: &Authorization,
        tls: Arc<ClientConfig>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let host = HeaderValue::from_str(&endpoint.authority())
            .map_err(|_| "the host name cannot be sent".to_owned())?;
        let authorization = RefCell::new(match authorization {
            Authorization::Given(authorization) => Some(field(authorization)?),
            Authorization::SignsInLater => None,
        });
        let (refused, spare) = (Notify::new(), RefCell::default());
        Ok(Self(Rc::new(Inner { endpoint, host, authorization, refused, tls, timeout, spare })))
    }

    /// Sends another authorization from now on.
    pub fn authorize(&self, authorization: &Secret) -> Result<(), String> {
        *self.0.authorization.borrow_mut() = Some(field(authorization)?);
        Ok(())
    }

    /// Waits until the plane refuses the authorization.
    pub async fn refused(&self) {
        self.0.refused.notified().await;
    }
}

impl Transport for PlaneTransport {
    async fn send(&self, request: Request<'_>) -> Result<Response, String> {
        let inner = &*self.0;
        let began = Instant::now() + request.patience + inner.timeout;
        while let Some(mut connection) = inner.spare() {
            if connection.ready().await.is_err() {
                continue;
            }
            // The plane may have closed it just now: then it has not seen the request, and GETs may come twice anyhow.
            if let Ok(answer) = inner.exchange(&mut connection, &request, began).await {
                return inner.finish(connection, answer).await;
            }
        }
        let mut connection = timeout(CONNECT_TIMEOUT, inner.connect())
            .await
            .map_err(|_| format!("{} does not accept the connection", inner.endpoint.authority()))??;
        let answer = inner.exchange(&mut connection, &request, began).await?;
        inner.finish(connection, answer).await
    }
}

impl Inner {
    fn spare(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.spare.borrow_mut().pop()
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let Endpoint { tls, host, port, .. } = &self.endpoint;
        let text = |error: &dyn std::fmt::Display| format!("{host}:{port}: {error}");
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|error| text(&error))?;
        let _ = stream.set_nodelay(true);
        if !*tls {
            return spoken(TokioIo::new(stream)).await.map_err(|error| text(&error));
        }
        let name = ServerName::try_from(host.clone()).map_err(|error| text(&error))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        spoken(TokioIo::new(stream.map_err(|error| text(&error))?)).await.map_err(|error| text(&error))
    }

    async fn exchange(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        request: &Request<'_>,
        until: Instant,
    ) -> Result<hyper::Response<Incoming>, String> {
        let authorization = self.authorization.borrow().clone();
        let authorization =
            authorization.ok_or("the gateway has not signed in at the management plane yet")?;
        let target = format!("{}{}", self.endpoint.prefix, request.target);
        let mut built =
            hyper::Request::new(Full::new(Bytes::from(request.body.unwrap_or_default().to_owned())));
        *built.uri_mut() = target.parse().map_err(|_| format!("{target} is no target"))?;
        *built.method_mut() = request.method.parse().map_err(|_| "this is no method".to_owned())?;
        let headers = built.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, authorization);
        if let Some(etag) = request.if_none_match.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        match timeout_at(until, connection.send_request(built)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("{} does not answer", self.endpoint.authority())),
        }
    }

    async fn finish(
        &self,
        connection: SendRequest<Full<Bytes>>,
        answer: hyper::Response<Incoming>,
    ) -> Result<Response, String> {
        let (head, mut body) = answer.into_parts();
        if head.status == StatusCode::UNAUTHORIZED {
            self.refused.notify_one();
        }
        let field = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let content_type = field(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
        let mut response = Response {
            status: head.status.as_u16(),
            content_type: content_type.trim().to_ascii_lowercase(),
            retry_after: field(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs),
            body: Vec::new(),
        };
        let end = Instant::now() + BODY_TIMEOUT;
        loop {
            let until = end.min(Instant::now() + IDLE_TIMEOUT);
            let frame = timeout_at(until, body.frame()).await.map_err(|_| "the answer stalls".to_owned())?;
            let Some(frame) = frame else { break };
            if let Ok(data) = frame.map_err(|error| error.to_string())?.into_data() {
                response.body.extend_from_slice(&data);
            }
            if response.body.len() as u64 > EXPANDED_BYTES_MAX {
                return Err(format!("the answer is longer than {EXPANDED_BYTES_MAX} bytes"));
            }
        }
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_MAX {
            spare.push(connection);
        }
        Ok(response)
    }
}

/// The field `Authorization`.
fn field(authorization: &Secret) -> Result<HeaderValue, String> {
    let field = HeaderValue::from_str(authorization.expose());
    let mut field = field.map_err(|_| "the token cannot be sent".to_owned())?;
    field.set_sensitive(true);
    Ok(field)
}

async fn spoken<S>(stream: TokioIo<S>) -> Result<SendRequest<Full<Bytes>>, hyper::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(stream).await?;
    // Ends with the sender; what fails is told to whoever waits for an answer.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_takes_what_the_original_takes() {
        for (text, tls, host, port, prefix) in [
            ("https://a.example", true, "a.example", 443, ""),
            ("a.example", true, "a.example", 443, ""),
            ("http://127.0.0.1:8082/", false, "127.0.0.1", 8082, ""),
            ("http://[::1]:8082/plane/", false, "::1", 8082, "/plane"),
        ] {
            let expected = Endpoint { tls, host: host.to_owned(), port, prefix: prefix.to_owned() };
            assert_eq!(Endpoint::parse(text), Ok(expected), "{text}");
        }
        for bad in ["", "ftp://x", "http://", "http:// x"] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }
}
