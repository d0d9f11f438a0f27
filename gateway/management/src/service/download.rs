//! Linked documents (`xml-link`, `openapi-link`): bounded in time and size.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::Call;
use crate::arm_error::ArmError;

/// Most bytes of a linked document.
pub const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Longest time for one, redirects included.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// A future of [`Download::fetch`].
pub type Downloading<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// The way to other servers, which keeps away from addresses that nobody may make the service call (link-local,
/// metadata, the service itself): reliability-security.md X-09.
pub trait Download: Send + Sync {
    /// The content at an http or https address within [`BYTES_MAX`] and [`TIMEOUT`]; with `json` as the answer to a POST of
    /// it. The error says why there is none.
    fn fetch<'a>(&'a self, url: &'a str, json: Option<&'a str>) -> Downloading<'a>;
}

/// The text at an address.
pub async fn text(call: &Call<'_>, url: &str) -> Result<String, ArmError> {
    fetch(call, url, None).await.map_err(|reason| unreadable(url, &reason))
}

/// The text that answers a POST of JSON to an address.
pub async fn answer(call: &Call<'_>, url: &str, json: &str) -> Result<String, String> {
    fetch(call, url, Some(json)).await
}

async fn fetch(call: &Call<'_>, url: &str, json: Option<&str>) -> Result<String, String> {
    let is_http = ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if !is_http {
        return Err("an address must begin with http:// or https://".to_owned());
    }
    let bytes = call.plane.download.fetch(url, json).await?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn unreadable(url: &str, reason: &str) -> ArmError {
    ArmError::field("value", format!("The document at '{url}' cannot be read: {reason}."))
}
