//! What makes two connections interchangeable.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use gateway_policy::backend::{BackendTls, ForwardProxy};
use gateway_policy::message::{Scheme, Url};
use gateway_policy::ports::HttpVersion;
use indexmap::Equivalent;

/// Key of a connection pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    /// Lower case; IPv6 in brackets.
    pub host: String,
    pub port: u16,
    pub tls: BackendTls,
    pub version: HttpVersion,
    /// Addresses are checked against the rules of X-09. Such requests share no connection with others, since a
    /// connection stands for the check of its address.
    pub guarded: bool,
    pub proxy: Option<Arc<ForwardProxy>>,
}

/// A borrowed [`Target`], to look one up without making it.
#[derive(Clone, Copy, Debug)]
pub struct TargetRef<'a> {
    pub scheme: Scheme,
    pub host: &'a str,
    pub port: u16,
    pub tls: &'a BackendTls,
    pub version: HttpVersion,
    pub guarded: bool,
    pub proxy: Option<&'a Arc<ForwardProxy>>,
}

impl<'a> TargetRef<'a> {
    pub fn new(url: &'a Url, tls: &'a BackendTls, version: HttpVersion, guarded: bool) -> Self {
        Self { scheme: url.scheme, host: &url.host, port: url.port, tls, version, guarded, proxy: None }
    }

    pub fn to_owned(self) -> Target {
        Target {
            scheme: self.scheme,
            host: self.host.to_owned(),
            port: self.port,
            tls: self.tls.clone(),
            version: self.version,
            guarded: self.guarded,
            proxy: self.proxy.cloned(),
        }
    }
}

impl Target {
    fn borrowed(&self) -> TargetRef<'_> {
        TargetRef {
            scheme: self.scheme,
            host: &self.host,
            port: self.port,
            tls: &self.tls,
            version: self.version,
            guarded: self.guarded,
            proxy: self.proxy.as_ref(),
        }
    }

    /// `host:port`, for messages.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }
}

impl Hash for TargetRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // What differs among the targets of one host is compared, not hashed.
        self.host.hash(state);
        self.port.hash(state);
    }
}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Target> for TargetRef<'_> {
    fn equivalent(&self, key: &Target) -> bool {
        self.port == key.port
            && self.host == key.host
            && self.scheme == key.scheme
            && self.version == key.version
            && self.guarded == key.guarded
            && *self.tls == key.tls
            && self.proxy == key.proxy.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_ref_equals_only_its_own_target() {
        let url = Url::parse("https://[::1]:8443/x").unwrap();
        let lax = BackendTls { validate_certificate_chain: false, ..BackendTls::default() };
        let strict = BackendTls::default();
        let target = TargetRef::new(&url, &strict, HttpVersion::Http1, false).to_owned();
        assert!(TargetRef::new(&url, &strict, HttpVersion::Http1, false).equivalent(&target));
        assert!(!TargetRef::new(&url, &lax, HttpVersion::Http1, false).equivalent(&target));
        assert!(!TargetRef::new(&url, &strict, HttpVersion::Http2, false).equivalent(&target));
        assert!(!TargetRef::new(&url, &strict, HttpVersion::Http1, true).equivalent(&target));
    }
}
