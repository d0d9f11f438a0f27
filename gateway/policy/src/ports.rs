//! The only doors from policies to the world. `proxy` implements them for a worker; tests implement them with
//! fakes of their own clock and counters.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::event_hub::{EventHub, HubEvent};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::graphql::GraphQlApi;
pub use crate::message::BufferBudget;
use crate::message::Response;

mod cache;
mod client_trust;
mod concurrency;
mod counters;
mod http;
mod identity;
mod issuers;
mod quotas;
mod vectors;

pub use cache::{
    Cache, Cached, CachedResponse, CachingType, Claim, ENTRY_BYTES_MAX, Entry, Fill, Filled, Writer,
};
pub use client_trust::{ClientTrust, Revocation, TrustError};
pub use concurrency::{Concurrency, Slot};
pub use counters::{Counters, Hit, RateDecision, RateLimit};
pub use http::{ForwardOptions, HttpVersion, OutboundCall, SendError, Sender};
pub use identity::{Identity, IdentityError, TokenRequest};
pub use issuers::{IssuerError, Issuers};
pub use quotas::{CounterName, QuotaDecision, QuotaHit, QuotaUse, QuotaWindow, Quotas};
pub use vectors::{Vectors, cosine_distance};

/// A future that stays on its worker thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Boxes a future in the place where it is made. `Box::pin` makes it on the stack and copies all of it, 6 KiB a
/// request: a fourteenth of the gateway's own time.
pub fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::into_pin(Box::write(Box::new_uninit(), make()))
}

/// What a worker offers to policies.
pub trait Ports {
    /// Monotonic time.
    fn now(&self) -> Instant;

    /// Sends the exchange's request to its backend and sets `exchange.response`. The body is streamed unless it
    /// has been buffered; a buffered body stays and can be sent again.
    fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        options: ForwardOptions,
    ) -> LocalFuture<'a, Result<(), Fault>>;

    /// One HTTP call of a policy (`send-request`). The response body is buffered.
    fn send(&self, call: OutboundCall) -> LocalFuture<'_, Result<Response, SendError>>;

    /// The same without waiting for the answer; a bounded number at a time, more are dropped and counted.
    fn send_one_way(&self, call: OutboundCall);

    /// A way to make calls later on.
    fn sender(&self) -> Rc<dyn Sender>;

    fn sleep(&self, duration: Duration) -> LocalFuture<'_, ()>;

    fn counters(&self) -> &dyn Counters;

    fn quotas(&self) -> &dyn Quotas;

    fn concurrency(&self) -> &dyn Concurrency;

    fn cache(&self) -> &dyn Cache;

    fn vectors(&self) -> &dyn Vectors;

    /// Sends an event without waiting; more than can wait are dropped and counted.
    fn log_to_event_hub(&self, hub: &Arc<EventHub>, event: HubEvent);

    /// Tells all who have subscribed to a topic of an event, without waiting.
    fn publish(&self, topic: &str, event: &Arc<Value>);

    /// Answers the WebSocket that the request asks for: a session of GraphQL subscriptions, which goes on by itself.
    fn serve_subscriptions(&self, api: &Arc<GraphQlApi>, exchange: &mut Exchange) -> Result<(), Fault>;

    /// Port of the Dapr sidecar on this host.
    fn dapr_port(&self) -> u16 {
        3500
    }

    fn issuers(&self) -> &dyn Issuers;

    fn identity(&self) -> &dyn Identity;

    fn client_trust(&self) -> &dyn ClientTrust;

    /// Bytes that a policy may buffer of one message, and of all messages of the process together.
    fn buffer_budget(&self) -> &BufferBudget;
}
