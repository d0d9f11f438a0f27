//! Where a request can be sent: the backend entity (`policies.md` §7) or a bare base URL.

mod breaker;
mod callee;
mod choice;
mod fabric;
mod pinned;
mod pool;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use gateway_model::BackendId;

use crate::certificates::ClientIdentity;
use crate::message::{Scheme, Url};
use crate::ports::TokenRequest;

pub use breaker::{Breaker, Outcome};
pub use callee::{Callee, EntityArg};
pub use choice::forward;
pub use fabric::{FabricCall, FabricService};
pub use pinned::PinnedServer;
pub use pool::Pool;

/// A backend as the upstream side needs it. Shared by all requests of a snapshot.
#[derive(Debug)]
pub struct Backend {
    /// Resource name; `None` for a base URL that is no entity (API service URL, `base-url`).
    pub id: Option<Arc<str>>,
    /// Base URL; its path, without a trailing slash, stands before the operation path.
    pub base: Url,
    pub tls: BackendTls,
    /// Fields set on every request to the entity (`credentials.header`, `credentials.authorization`).
    pub headers: Vec<(String, String)>,
    /// Query parameters added to every request (`credentials.query`), encoded.
    pub query: Vec<(String, String)>,
    /// The token that is sent to it as `Authorization` (`credentials.managedIdentity`).
    pub managed: Option<TokenRequest>,
    /// Proxy on the way to it.
    pub proxy: Option<Arc<ForwardProxy>>,
    /// When it is left alone; shared by all snapshots that define it alike.
    pub breaker: Option<Arc<Breaker>>,
    /// Its members, when it is a pool; `base` then stands for nothing.
    pub pool: Option<Arc<Pool>>,
    /// The cluster that knows where it is, when it is a service of Service Fabric; `base` then stands for nothing.
    pub fabric: Option<Arc<FabricService>>,
}

/// A proxy between the gateway and a backend: absolute-form for `http`, CONNECT for `https` (RFC 9110 §9.3.6).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ForwardProxy {
    /// Lower case; IPv6 in brackets.
    pub host: String,
    pub port: u16,
    /// Value of `Proxy-Authorization`; Basic (RFC 7617).
    pub authorization: Option<String>,
}

impl ForwardProxy {
    /// A proxy at `http://host:port`; the error tells what is wrong with it.
    pub fn new(url: &str, user: Option<&str>, password: Option<&str>) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if url.scheme != Scheme::Http {
            return Err("the gateway speaks plain HTTP with proxies, the scheme must be http".to_owned());
        }
        // A domain in front of the user name is NTLM's way to name one.
        if user.is_some_and(|user| user.contains('\\')) {
            return Err("NTLM is not supported, proxies can ask for Basic only".to_owned());
        }
        let pair = user.filter(|user| !user.is_empty()).map(|user| (user, password.unwrap_or_default()));
        if pair.is_some_and(|(user, _)| user.contains(':')) {
            return Err("the user name must not contain a colon (RFC 7617)".to_owned());
        }
        let authorization = pair.map(|(user, password)| {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            format!("Basic {text}")
        });
        Ok(Self { host: url.host, port: url.port, authorization })
    }
}

impl std::fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ForwardProxy({}:{})", self.host, self.port)
    }
}

/// The backend entities of a configuration, for names that only an expression knows.
pub type Backends = HashMap<BackendId, Arc<Backend>>;

/// What is checked of the backend's certificate (RFC 5280 chain, RFC 6125 name), default both, and what it is shown.
/// Connections are shared by requests whose rules are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendTls {
    pub validate_certificate_chain: bool,
    pub validate_certificate_name: bool,
    /// The certificate that the gateway shows when asked for one.
    pub identity: Option<Arc<ClientIdentity>>,
    /// The server's certificates, instead of what else is checked.
    pub pinned: Option<Arc<PinnedServer>>,
}

impl Default for BackendTls {
    fn default() -> Self {
        Self {
            validate_certificate_chain: true,
            validate_certificate_name: true,
            identity: None,
            pinned: None,
        }
    }
}

impl Backend {
    /// Whether it can be called as it is: no pool, and no service that must be looked for.
    pub fn is_single(&self) -> bool {
        self.pool.is_none() && self.fabric.is_none()
    }

    /// A bare base URL with default rules.
    pub fn from_url(mut base: Url) -> Self {
        trim_base_path(&mut base);
        Self {
            id: None,
            base,
            tls: BackendTls::default(),
            headers: Vec::new(),
            query: Vec::new(),
            managed: None,
            proxy: None,
            breaker: None,
            pool: None,
            fabric: None,
        }
    }
}

/// Cuts the trailing slashes off a base path, so that joining is plain concatenation.
pub fn trim_base_path(base: &mut Url) {
    base.path.truncate(base.path.trim_end_matches('/').len());
}
