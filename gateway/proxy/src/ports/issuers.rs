//! Signing keys of token issuers: discovery document, key set, and how long they hold.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_policy::exchange::calls::{Fetches, Purpose};
use gateway_policy::jose::{Discovery, SigningKeys, key_set};
use gateway_policy::message::{Body, Headers, Method, Request, Scheme, Url};
use gateway_policy::ports::{IssuerError, Issuers, LocalFuture, OutboundCall};
use moka::sync::Cache;

use super::noted::Noted;
use super::slot::{Good, Pace, Slot};
use crate::upstream::Upstream;
use crate::worker::Worker;

/// Issuers remembered at a time; the ones used least go first.
const ISSUERS_MAX: u64 = 256;
/// Largest document of an issuer.
const DOCUMENT_BYTES_MAX: usize = 512 << 10;
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Purpose again after this.
const FRESH: Duration = Duration::from_hours(1);
/// Last good keys serve so long while their issuer is down (J-11).
const USABLE: Duration = Duration::from_hours(24);

const PACE: Pace = Pace {
    retry_empty: Duration::from_secs(30),
    retry_usable: Duration::from_mins(5),
    ask_again: Duration::from_mins(5),
};

/// Keys by discovery document; shared by the workers.
#[derive(Debug)]
pub struct IssuerCache(Cache<Box<str>, Arc<Slot<SigningKeys>>>);

impl Default for IssuerCache {
    fn default() -> Self {
        Self(Cache::new(ISSUERS_MAX))
    }
}

impl IssuerCache {
    async fn keys(
        &self,
        url: &str,
        newer_than: Option<&Arc<SigningKeys>>,
        upstream: &Rc<Upstream>,
        fetches: &Fetches,
    ) -> Result<Arc<SigningKeys>, IssuerError> {
        let slot = match self.0.get(url) {
            Some(slot) => slot,
            None => self.0.get_with(url.into(), || Arc::new(Slot::new(PACE))),
        };
        let fetch = || fetch(Noted::new(upstream, fetches, Purpose::Keys), url.to_owned());
        let outcome = slot.get(newer_than, fetch).await;
        outcome.map_err(|reason| IssuerError { url: url.to_owned(), reason })
    }
}

impl Issuers for Worker {
    fn keys<'a>(
        &'a self,
        url: &'a str,
        newer_than: Option<&'a Arc<SigningKeys>>,
        fetches: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<SigningKeys>, IssuerError>> {
        Box::pin(self.shared.issuers.keys(url, newer_than, &self.upstream, fetches))
    }
}

async fn fetch(way: Noted, url: String) -> Result<Good<SigningKeys>, String> {
    let outcome = fetch_keys(&way, &url).await;
    if let Err(reason) = &outcome {
        tracing::warn!(issuer = url, reason, "signing keys could not be fetched");
    }
    let keys = outcome?;
    let now = Instant::now();
    Ok(Good { value: Arc::new(keys), fresh_until: now + FRESH, usable_until: now + USABLE })
}

async fn fetch_keys(way: &Noted, url: &str) -> Result<SigningKeys, String> {
    let address = Url::parse(url).map_err(|error| format!("the address is invalid: {error}"))?;
    let is_secure = address.scheme == Scheme::Https;
    let document = get(way, address).await?;
    let discovery =
        Discovery::parse(&document).map_err(|error| format!("the discovery document: {error}"))?;
    let address = Url::parse(&discovery.jwks_uri).map_err(|error| format!("jwks_uri is invalid: {error}"))?;
    if is_secure && address.scheme != Scheme::Https {
        return Err("jwks_uri is not HTTPS".to_owned());
    }
    let document = get(way, address).await?;
    let keys = key_set(&document).map_err(|error| format!("the key set: {error}"))?;
    Ok(SigningKeys { issuer: discovery.issuer, keys })
}

/// A document. Redirects are not followed: an issuer's address is what the policy says.
async fn get(way: &Noted, url: Url) -> Result<Vec<u8>, String> {
    let mut headers = Headers::new();
    headers.set("Accept", b"application/json").map_err(|error| error.to_string())?;
    let shown = url.to_string();
    let request = Request { method: Method::Get, url, headers, body: Body::Empty };
    let call = OutboundCall::new(request, FETCH_TIMEOUT);
    let response = way.call(call).await.map_err(|error| format!("{shown}: {error}"))?;
    let body = response.body.buffered();
    if response.status != 200 {
        return Err(format!("{shown} answered {}", response.status));
    }
    if body.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("{shown} is longer than {DOCUMENT_BYTES_MAX} bytes"));
    }
    Ok(body.to_vec())
}
