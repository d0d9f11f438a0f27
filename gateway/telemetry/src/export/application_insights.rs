//! Application Insights (self-hosted-gateway.md §4.3): one request, its dependencies, failures, traces and metrics for
//! each call of a client.

mod connection;
mod envelope;

use std::cell::RefCell;
use std::time::SystemTime;

use serde_json::Value as Json;

use self::envelope::Envelopes;
use super::answer::{Answer, retry_after};
use super::lines::{self, Frame, Writer};
use super::{
    Exporter, Gathered, HttpRequest, HttpResponse, Identity, LocalFuture, Outbound, Payload, Verdict,
};
use crate::sink::Instance;

pub use connection::{ConnectionString, ConnectionStringError};

/// Of one body, before it is compressed.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Of one item.
const ITEM_BYTES_MAX: usize = 64 << 10;
const FRAME: Frame = lines::lines(BODY_BYTES_MAX, ITEM_BYTES_MAX);
/// Redirects that one payload follows.
const HOPS_MAX: usize = 10;

/// What of an answer's items may be sent again.
const AGAIN: [u64; 5] = [408, 429, 439, 500, 503];

/// Where to, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub connection: ConnectionString,
    /// Whose token is shown; `None`: no token.
    pub identity: Option<Identity>,
}

/// The exporter.
pub struct ApplicationInsights {
    settings: Settings,
    envelopes: Envelopes,
    /// Where a redirect has led, until the next one.
    track: RefCell<String>,
}

impl ApplicationInsights {
    pub fn new(settings: Settings, instance: &Instance) -> Self {
        let envelopes = Envelopes::new(&settings.connection, instance);
        let track = settings.connection.track_url().into();
        Self { settings, envelopes, track }
    }

    async fn attempt(&self, payload: &Payload, outbound: &dyn Outbound) -> Verdict {
        for _ in 0..HOPS_MAX {
            let url = self.track.borrow().clone();
            let mut headers = vec![
                ("Content-Type", "application/x-json-stream".to_owned()),
                ("Content-Encoding", "gzip".to_owned()),
            ];
            if let Some(identity) = &self.settings.identity {
                match outbound.token(&self.settings.connection.audience, identity.client_id()).await {
                    Ok(token) => headers.push(("Authorization", format!("Bearer {token}"))),
                    Err(why) => return Verdict::Later { why, pause: None },
                }
            }
            let request = HttpRequest { url, headers, body: payload.body.clone(), http2: false };
            match Answer::of(outbound.send(request).await, outbound.now()) {
                Answer::Taken(response) if response.status == 206 => {
                    return partly(payload, &response, outbound.now());
                }
                Answer::Taken(_) => return Verdict::Sent,
                Answer::Moved(place) => *self.track.borrow_mut() = place,
                Answer::Later { why, pause } => return Verdict::Later { why, pause },
                Answer::Never(why) => return Verdict::Refused { why },
                Answer::TooLarge => {
                    return match lines::halves(FRAME, payload) {
                        Some(left) => Verdict::Partly { left, refused: 0, pause: None },
                        None => Verdict::Refused { why: "status 413: one item is too large".to_owned() },
                    };
                }
            }
        }
        *self.track.borrow_mut() = self.settings.connection.track_url();
        Verdict::Later { why: format!("more than {HOPS_MAX} redirects"), pause: None }
    }
}

impl Exporter for ApplicationInsights {
    fn encode(&self, gathered: &[Gathered], _: SystemTime, _: bool, payloads: &mut Vec<Payload>) -> u64 {
        let mut writer = Writer::new(FRAME, None, payloads);
        for item in gathered {
            self.envelopes.of(item, ITEM_BYTES_MAX, &mut |envelope| writer.add(envelope));
        }
        writer.finish()
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.attempt(payload, outbound))
    }
}

/// 206: the items that the answer names are left, if a later try may do better.
fn partly(payload: &Payload, response: &HttpResponse, now: SystemTime) -> Verdict {
    let Ok(answer) = serde_json::from_slice::<Json>(&response.body) else {
        return Verdict::Refused { why: "status 206 with a body that is no JSON".to_owned() };
    };
    let items = lines::items(FRAME, payload);
    let errors = answer.get("errors").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut left, mut refused) = (Vec::new(), 0);
    for error in errors {
        let number = |name: &str| error.get(name).and_then(Json::as_u64);
        let item = number("index").and_then(|index| items.get(index as usize));
        match (item, number("statusCode")) {
            (Some(item), Some(status)) if AGAIN.contains(&status) => left.push(item.clone()),
            (Some(_), _) => refused += 1,
            (None, _) => {}
        }
    }
    if left.is_empty() && refused == 0 {
        return Verdict::Sent;
    }
    let pause = retry_after(response, now);
    Verdict::Partly { left: lines::rebuild(FRAME, &left, None), refused, pause }
}

#[cfg(test)]
mod tests;
