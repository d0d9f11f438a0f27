//! The door through which an expression reads the exchange (expressions.md §2).
//!
//! Evaluation is synchronous: bodies that [`crate::Needs`] names have been buffered before.
//! Every read borrows from the host, so that the commonest expressions allocate nothing.

mod fixture;

pub use fixture::{Fixture, FixtureError};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clr::date_time::DateTime;
use crate::value::{Cycles, Value};

/// 100 ns ticks since 0001-01-01 of a time as `DateTime.Parse` reads it; `None` when it is none.
pub fn ticks_of(text: &str) -> Option<i64> {
    DateTime::parse(text, DateTime::MIN).map(DateTime::ticks).ok()
}

/// Which of the two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// What the client sent, as the policies have shaped it so far.
    Request,
    /// What the backend or a policy answered.
    Response,
}

/// Which URL of the request (expressions.md §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhichUrl {
    /// As the policies have shaped it so far.
    Current,
    /// As the gateway received it.
    Original,
}

/// The parts of an URL; `query` is raw and without the leading `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host name without port.
    pub host: &'a str,
    /// Port, the scheme's default when none was written.
    pub port: u16,
    /// Path with its leading slash, escaped as received.
    pub path: &'a str,
    /// Raw query without `?`; empty when there is none.
    pub query: &'a str,
}

/// What is left of a message's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The message carries none: `Body` is null.
    Absent,
    /// Read before without `preserveContent`.
    Consumed,
    /// Buffered content, decompressed; its charset stands in the Content-Type header.
    Content(&'a [u8]),
}

/// `context.Api`.
#[derive(Clone, Debug, Default)]
pub struct Api {
    /// Resource name.
    pub id: String,
    /// Display name.
    pub name: String,
    /// URL suffix.
    pub path: String,
    /// Revision number as text.
    pub revision: String,
    /// Version identifier, empty when unversioned.
    pub version: String,
    /// Whether `revision` is the current one.
    pub is_current_revision: bool,
    /// `http`, `https`, `ws`, `wss`.
    pub protocols: Vec<String>,
    /// Backend URL, absolute; empty when none is set.
    pub service_url: String,
    /// Header that carries the subscription key.
    pub key_header: String,
    /// Query parameter that carries the subscription key.
    pub key_query: String,
}

/// `context.Operation`.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// Resource name.
    pub id: String,
    /// HTTP method.
    pub method: String,
    /// Display name.
    pub name: String,
    /// Template as in the API's description.
    pub url_template: String,
}

/// A group of users.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Resource name.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// `context.Product`.
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// Resource name.
    pub id: String,
    /// Display name.
    pub name: String,
    /// APIs of the product.
    pub apis: Vec<Api>,
    /// Groups that see the product.
    pub groups: Vec<Group>,
    /// Whether subscriptions need approval.
    pub approval_required: bool,
    /// Published, or not.
    pub published: bool,
    /// Most subscriptions a user may hold.
    pub subscriptions_limit: Option<i32>,
    /// Whether calls need a subscription.
    pub subscription_required: bool,
}

/// `context.Subscription`; times are 100 ns ticks since 0001-01-01 UTC.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// Resource name.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The key the caller used.
    pub key: String,
    /// First key.
    pub primary_key: String,
    /// Second key.
    pub secondary_key: String,
    /// When it was made, ticks.
    pub created_ticks: i64,
    /// When it becomes valid, ticks.
    pub start_ticks: Option<i64>,
    /// When it ends, ticks.
    pub end_ticks: Option<i64>,
}

/// An identity of a user.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Name at the provider.
    pub id: String,
    /// `Basic`, `Aad`, …
    pub provider: String,
}

/// `context.User`.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Resource name.
    pub id: String,
    /// Mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Administrator's note.
    pub note: String,
    /// Groups the user belongs to.
    pub groups: Vec<Group>,
    /// Sign-in identities.
    pub identities: Vec<Identity>,
    /// When the user registered, 100 ns ticks since 0001-01-01 UTC.
    pub registration_ticks: i64,
}

/// `context.Deployment` (expressions.md §2.2).
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Gateway resource name.
    pub gateway_id: String,
    /// Location name.
    pub region: String,
    /// Service resource name.
    pub service_id: String,
    /// Service host name.
    pub service_name: String,
    /// `Gateway.Id`.
    pub gateway: Gateway,
    /// `SustainabilityInfo.CurrentCarbonIntensity`, 0 = `VeryLow` … 4 = `VeryHigh`, 5 = `NotAvailable`.
    pub carbon_intensity: i32,
    /// `Certificates`, by id.
    pub certificates: BTreeMap<String, Certificate>,
    /// Certificates (DER) that chains may end at.
    pub trusted_roots: Arc<[Vec<u8>]>,
}

/// `context.Deployment.Gateway`.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// Gateway resource name.
    pub id: String,
    /// This process.
    pub instance_id: String,
    /// True only in the cloud service.
    pub is_managed: bool,
}

/// `context.Workspace`.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// Resource name.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// `context.LastError` (expressions.md §7.2).
#[derive(Clone, Debug, Default)]
pub struct LastError {
    /// Policy that failed.
    pub source: String,
    /// Machine-readable reason.
    pub reason: String,
    /// Text.
    pub message: String,
    /// `global`, `product`, `api`, `operation`.
    pub scope: String,
    /// `inbound`, `backend`, `outbound`, `on-error`.
    pub section: String,
    /// Place inside the section, `choose[3]/when[2]`.
    pub path: String,
    /// The policy's `id` attribute.
    pub policy_id: String,
}

/// A certificate known to the host.
#[derive(Clone, Default)]
pub struct Certificate {
    /// X.509, DER.
    pub der: Vec<u8>,
    /// PKCS#8 private key, DER, when the host holds it.
    pub private_key: Option<Vec<u8>>,
}

impl std::fmt::Debug for Certificate {
    /// Never shows key material.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} bytes, key: {})", self.der.len(), self.private_key.is_some())
    }
}

/// One exchange, as expressions see it. Names are matched as the member's type demands:
/// headers without regard to case, variables exactly.
pub trait Host {
    /// `context.RequestId`, as the hyphenated lower-case text of a GUID.
    fn request_id(&self) -> &str;
    /// `context.Timestamp`: 100 ns ticks since 0001-01-01 UTC.
    fn timestamp_ticks(&self) -> i64;
    /// The clock, same unit as [`Host::timestamp_ticks`].
    fn now_ticks(&self) -> i64;
    /// `context.Tracing`.
    fn tracing(&self) -> bool {
        false
    }
    /// `context.Trace(source, message)`.
    fn trace(&self, source: &str, message: &str) {
        let _ = (source, message);
    }

    /// `Request.Method`.
    fn method(&self) -> &str;
    /// `Request.OriginalMethod`.
    fn original_method(&self) -> &str {
        self.method()
    }
    /// `Request.IpAddress`.
    fn ip_address(&self) -> &str;
    /// `Request.Url` or `Request.OriginalUrl`.
    fn url(&self, which: WhichUrl) -> UrlParts<'_>;
    /// `Request.MatchedParameters[name]`.
    fn matched_parameter(&self, name: &str) -> Option<&str>;
    /// All matched parameters in template order.
    fn matched_parameters(&self, each: &mut dyn FnMut(&str, &str));
    /// `Request.Certificate`.
    fn client_certificate(&self) -> Option<&Certificate> {
        None
    }

    /// `Response.StatusCode` and `StatusReason`; `None` while there is no response.
    fn response_status(&self) -> Option<(u16, &str)>;
    /// Every value of a header, one call a line, in order. Name in any case.
    fn header(&self, message: Message, name: &str, each: &mut dyn FnMut(&str));
    /// Every header line in order.
    fn headers(&self, message: Message, each: &mut dyn FnMut(&str, &str));
    /// The buffered body.
    fn body(&self, message: Message) -> Body<'_>;
    /// Marks the body as consumed (`As<T>()` without `preserveContent`).
    fn consume_body(&self, message: Message);

    /// `context.Variables[name]`; `None` when there is no such variable.
    fn variable(&self, name: &str) -> Option<Value>;
    /// All variables.
    fn variables(&self, each: &mut dyn FnMut(&str, Value));
    /// Keeps containers that may hold themselves until no variable of the exchange can be read any more.
    fn keep(&self, cycles: Cycles);
    /// Whether the variable is there, perhaps with null.
    fn has_variable(&self, name: &str) -> bool {
        self.variable(name).is_some()
    }

    /// `context.Api`.
    fn api(&self) -> Option<&Api>;
    /// `context.Operation`.
    fn operation(&self) -> Option<&Operation>;
    /// `context.Product`.
    fn product(&self) -> Option<&Product>;
    /// `context.Subscription`.
    fn subscription(&self) -> Option<&Subscription>;
    /// `context.User`.
    fn user(&self) -> Option<&User>;
    /// `context.Deployment`.
    fn deployment(&self) -> &Deployment;
    /// `context.Deployment.Certificates[id]`.
    fn deployment_certificate(&self, id: &str) -> Option<&Certificate> {
        self.deployment().certificates.get(id)
    }
    /// Every certificate of the deployment.
    fn deployment_certificates(&self, each: &mut dyn FnMut(&str, &Certificate)) {
        self.deployment().certificates.iter().for_each(|(id, certificate)| each(id, certificate));
    }
    /// Certificates (DER) that chains may end at, for `X509Certificate2.Verify()`.
    fn trusted_roots(&self, each: &mut dyn FnMut(&[u8])) {
        self.deployment().trusted_roots.iter().for_each(|der| each(der));
    }
    /// `context.Workspace`.
    fn workspace(&self) -> Option<&Workspace> {
        None
    }
    /// `context.LastError`.
    fn last_error(&self) -> Option<&LastError>;
    /// `context.GraphQL.Arguments` and `.Parent`, as JSON text; `None` outside resolvers.
    fn graphql(&self) -> Option<(&str, &str)> {
        None
    }
}
