//! Answers of token services: RFC 6749 §5.1, with the variations of Azure's endpoints.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Longest token that is accepted, bytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Longest lifetime that is believed.
const LIFETIME_MAX: Duration = Duration::from_hours(48);

/// A token as answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub lifetime: Duration,
}

/// Reads `access_token` and how long it holds: `expires_in` or `expires_on`, numbers or their texts.
pub fn token(body: &[u8], now: SystemTime) -> Result<Token, String> {
    let document: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON".to_owned())?;
    let text = document.get("access_token").and_then(Value::as_str).unwrap_or_default();
    // It goes into a header line.
    if text.is_empty() || text.len() > TOKEN_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the answer holds no usable access_token".to_owned());
    }
    let number = |name: &str| match document.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let until = |seconds| {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        u64::saturating_sub(seconds, since)
    };
    let seconds = number("expires_in").or_else(|| number("expires_on").map(until));
    let seconds = seconds.ok_or("the answer does not say when the token expires")?;
    Ok(Token { text: text.to_owned(), lifetime: Duration::from_secs(seconds).min(LIFETIME_MAX) })
}

/// What an error answer says: `error` and the first line of `error_description`.
pub fn error(status: u16, body: &[u8]) -> String {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    let description = text("error_description").lines().next().unwrap_or_default();
    let told: String = format!("{} {description}", text("error")).trim().chars().take(300).collect();
    if told.is_empty() {
        format!("the token service answered {status}")
    } else {
        format!("{told} ({status})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_reads_every_form_of_the_expiry() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        for (members, seconds) in [
            (r#""expires_in":3600"#, 3600),
            (r#""expires_in":"86399","expires_on":"1""#, 86_399),
            (r#""expires_on":"1600""#, 600),
            (r#""expires_on":500"#, 0),
            (r#""expires_in":99999999999"#, 172_800),
        ] {
            let body = format!(r#"{{"access_token":"t",{members}}}"#);
            assert_eq!(token(body.as_bytes(), now).unwrap().lifetime.as_secs(), seconds, "{members}");
        }
        for body in ["<html>", "{}", r#"{"access_token":"a b","expires_in":1}"#, r#"{"access_token":"t"}"#] {
            assert!(token(body.as_bytes(), now).is_err(), "{body}");
        }
    }

    #[test]
    fn error_tells_the_code_and_one_line() {
        let body =
            b"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: no.\\r\\nTrace ID: x\"}";
        assert_eq!(error(401, body), "invalid_client AADSTS7000215: no. (401)");
        assert_eq!(error(500, b"<html>"), "the token service answered 500");
    }
}
