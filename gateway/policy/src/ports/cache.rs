//! Caches: the built-in one, shared by the workers, and an external one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_expression::Portable;

use super::LocalFuture;
use crate::message::{Body, Headers, Response};

/// Largest entry, bytes of content (`policies.md` §10).
pub const ENTRY_BYTES_MAX: usize = 2 << 20;

/// Which cache a policy means (`caching-type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachingType {
    Internal,
    External,
    /// The external cache where one is configured, else the built-in one.
    #[default]
    PreferExternal,
}

/// What a cache keeps under a key.
#[derive(Clone, Debug)]
pub struct Entry {
    pub content: Cached,
    /// When it was stored, milliseconds since 1970-01-01 UTC.
    pub stored_ms: u64,
    /// How long it is good for from then on, milliseconds.
    pub lifetime_ms: u64,
}

/// Content of an entry.
#[derive(Clone, Debug)]
pub enum Cached {
    Value(Portable),
    Response(CachedResponse),
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct CachedResponse {
    pub status: u16,
    /// Empty = the standard one.
    pub reason: String,
    pub headers: Headers,
    pub body: Bytes,
}

impl CachedResponse {
    pub fn to_response(&self) -> Response {
        Response {
            status: self.status,
            reason: self.reason.clone(),
            headers: self.headers.clone(),
            body: Body::from(self.body.clone()),
        }
    }

    /// About how many bytes it holds.
    pub fn size_bytes(&self) -> usize {
        let fields: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        self.reason.len() + fields + self.body.len()
    }
}

impl Entry {
    pub fn size_bytes(&self) -> usize {
        match &self.content {
            Cached::Value(value) => value.size_bytes(),
            Cached::Response(response) => response.size_bytes(),
        }
    }

    pub fn value(&self) -> Option<&Portable> {
        match &self.content {
            Cached::Value(value) => Some(value),
            Cached::Response(_) => None,
        }
    }

    pub fn response(&self) -> Option<&CachedResponse> {
        match &self.content {
            Cached::Response(response) => Some(response),
            Cached::Value(_) => None,
        }
    }
}

/// Stores one entry, perhaps after the request that made it has ended.
pub type Writer = Box<dyn FnOnce(Entry)>;

/// The caches. Whatever goes wrong with the external one is a miss, and no error.
pub trait Cache {
    /// The entry of a key; `None` when there is none, it has expired, or the cache does not answer in time.
    fn get<'a>(&'a self, caching: CachingType, key: &'a str) -> LocalFuture<'a, Option<Arc<Entry>>>;

    /// A way to store under a key. Entries beyond [`ENTRY_BYTES_MAX`] are dropped.
    fn writer(&self, caching: CachingType, key: &str) -> Writer;

    fn remove(&self, caching: CachingType, key: &str);

    /// Asks to be the one that makes the entry of a key which was not found.
    fn claim(&self, key: &str) -> Claim;

    /// Waits until whoever makes the entry of a key is done, at most so long.
    fn wait<'a>(&'a self, key: &'a str, at_most: Duration) -> LocalFuture<'a, ()>;
}

/// Who makes a missing entry.
#[derive(Debug)]
pub enum Claim {
    /// The caller.
    Mine(Fill),
    /// Another request is at it.
    Busy,
    /// Nobody needs to wait: the last answer under this key could not be stored.
    Pass,
}

/// How the making of an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    Stored,
    /// What came cannot be stored; those behind need not wait for another like it.
    NotStorable,
    /// It did not come to its end.
    Abandoned,
}

/// The right to make an entry; dropping it lets another have it.
pub struct Fill(Option<Box<dyn FnOnce(Filled)>>);

impl Fill {
    pub fn new(done: impl FnOnce(Filled) + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub fn end(mut self, how: Filled) {
        if let Some(done) = self.0.take() {
            done(how);
        }
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Filled::Abandoned);
        }
    }
}

impl fmt::Debug for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fill")
    }
}
