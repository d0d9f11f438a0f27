//! Payloads by one POST to one address, for sinks whose answer is a status.

use super::answer::Answer;
use super::lines::{self, Frame};
use super::{HttpRequest, Outbound, Payload, Shown, Verdict};

/// Where payloads go, and as what.
#[derive(Clone, Debug)]
pub struct Post {
    pub url: String,
    pub content_type: &'static str,
    /// The bodies were compressed.
    pub gzip: bool,
    /// Further fields.
    pub headers: Vec<(&'static str, String)>,
    pub shown: Shown,
    /// How the items of a body stand, where a body can be halved.
    pub frame: Option<Frame>,
}

impl Post {
    /// One attempt.
    pub async fn send(&self, payload: &Payload, outbound: &dyn Outbound) -> Verdict {
        let mut headers = vec![("Content-Type", self.content_type.to_owned())];
        if self.gzip {
            headers.push(("Content-Encoding", "gzip".to_owned()));
        }
        headers.extend(self.headers.iter().cloned());
        match self.shown.authorization(outbound).await {
            Ok(authorization) => headers.extend(authorization.map(|value| ("Authorization", value))),
            Err(why) => return Verdict::Later { why, pause: None },
        }
        let request =
            HttpRequest { url: self.url.clone(), headers, body: payload.body.clone(), http2: false };
        match Answer::of(outbound.send(request).await, outbound.now()) {
            Answer::Taken(_) => Verdict::Sent,
            Answer::Later { why, pause } => Verdict::Later { why, pause },
            Answer::Moved(place) => Verdict::Refused { why: format!("redirected to {place}") },
            Answer::Never(why) => Verdict::Refused { why },
            Answer::TooLarge => match self.frame.and_then(|frame| lines::halves(frame, payload)) {
                Some(left) => Verdict::Partly { left, refused: 0, pause: None },
                None => Verdict::Refused { why: "status 413: what cannot be halved is too large".to_owned() },
            },
        }
    }
}
