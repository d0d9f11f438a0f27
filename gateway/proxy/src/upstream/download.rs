//! A document at an address that somebody else has named: guarded as a policy's call is, redirects included.

use std::time::Duration;

use gateway_policy::message::{Body, Headers, Method, Request, Url};
use gateway_policy::ports::OutboundCall;

use super::{Upstream, redirect};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 3;

impl Upstream {
    /// The content at an address; with `json` as the answer to a POST of it. At most what the budget of the settings lets one message have.
    /// The error says why there is none.
    pub async fn download(
        &self,
        url: &str,
        json: Option<&str>,
        timeout: Duration,
    ) -> Result<Vec<u8>, String> {
        let mut url = Url::parse(url).map_err(|error| format!("the address is invalid: {error}"))?;
        for _ in 0..=REDIRECTS_MAX {
            let mut headers = Headers::new();
            headers.set("Accept", b"*/*").map_err(|error| error.to_string())?;
            let (method, body) = match json {
                Some(json) => {
                    headers.set("Content-Type", b"application/json").map_err(|error| error.to_string())?;
                    (Method::Post, Body::Bytes(json.to_owned().into_bytes().into()))
                }
                None => (Method::Get, Body::Empty),
            };
            let request = Request { method: method.clone(), url: url.clone(), headers, body };
            let call = OutboundCall::new(request, timeout);
            let response = self.call(call).await.map_err(|error| error.to_string())?;
            match redirect::of(&response, &url, &method) {
                Err(error) => return Err(format!("it redirects to an invalid address: {error}")),
                Ok(Some(to)) if json.is_none() => url = to.to,
                Ok(_) if response.status == 200 => return Ok(response.body.buffered().to_vec()),
                Ok(_) => return Err(format!("the server answers {}", response.status)),
            }
        }
        Err(format!("it redirects more than {REDIRECTS_MAX} times"))
    }
}
