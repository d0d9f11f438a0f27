//! Where a request can be sent: the backend entity (`policies.md` §7) or a bare base URL.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_model::BackendId;

use crate::message::Url;

/// A backend as the upstream side needs it. Shared by all requests of a snapshot.
#[derive(Debug, PartialEq, Eq)]
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
}

/// The backend entities of a configuration, for names that only an expression knows.
pub type Backends = HashMap<BackendId, Arc<Backend>>;

/// What is checked of the backend's certificate (RFC 5280 chain, RFC 6125 name). Default: both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendTls {
    pub validate_certificate_chain: bool,
    pub validate_certificate_name: bool,
}

impl Default for BackendTls {
    fn default() -> Self {
        Self { validate_certificate_chain: true, validate_certificate_name: true }
    }
}

impl Backend {
    /// A bare base URL with default rules.
    pub fn from_url(mut base: Url) -> Self {
        trim_base_path(&mut base);
        Self { id: None, base, tls: BackendTls::default(), headers: Vec::new(), query: Vec::new() }
    }
}

/// Cuts the trailing slashes off a base path, so that joining is plain concatenation.
pub fn trim_base_path(base: &mut Url) {
    base.path.truncate(base.path.trim_end_matches('/').len());
}
