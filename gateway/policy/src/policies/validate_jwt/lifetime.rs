//! `exp`, `nbf` and `iat` (RFC 7519 §4.1.4–4.1.6).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::Refusal;

/// The end of the year 9999; nothing later can be meant.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// What is wrong with the token's times, if anything. Both edges are inside: a token is valid at its `nbf` and at
/// its `exp`, each moved by the skew.
pub fn objection(
    claims: &Map<String, Value>,
    now: SystemTime,
    skew: Duration,
    requires_expiration: bool,
) -> Option<Refusal> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let skew = skew.as_secs_f64();
    let (Ok(expires), Ok(begins), Ok(_)) =
        (seconds(claims, "exp"), seconds(claims, "nbf"), seconds(claims, "iat"))
    else {
        return Some(Refusal::invalid("A time in the token is not a number of seconds since 1970."));
    };
    match expires {
        None if requires_expiration => {
            return Some(Refusal::invalid("Lifetime validation failed: the token has no expiration time."));
        }
        Some(expires) if now > expires + skew => {
            return Some(Refusal::new(
                "TokenExpired",
                "Lifetime validation failed. The token is expired. Access denied.",
            ));
        }
        _ => {}
    }
    match begins {
        Some(begins) if now < begins - skew => {
            Some(Refusal::invalid("Lifetime validation failed: the token is not valid yet."))
        }
        _ => None,
    }
}

fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, ()> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) if (0.0..=SECONDS_MAX).contains(&seconds) => Ok(Some(seconds)),
            _ => Err(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(claims: &str, now: u64, skew: u64, required: bool) -> Option<&'static str> {
        let claims: Map<String, Value> = serde_json::from_str(claims).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(now);
        objection(&claims, now, Duration::from_secs(skew), required).map(|refusal| refusal.reason)
    }

    #[test]
    fn objection_edges_are_inside() {
        let (expired, invalid) = (Some("TokenExpired"), Some("JwtInvalid"));
        for (claims, now, skew, expected) in [
            (r#"{"exp":100}"#, 100, 0, None),
            (r#"{"exp":100}"#, 101, 0, expired),
            (r#"{"exp":100}"#, 110, 10, None),
            (r#"{"exp":100}"#, 111, 10, expired),
            (r#"{"exp":200,"nbf":100}"#, 100, 0, None),
            (r#"{"exp":200,"nbf":100}"#, 99, 0, invalid),
            (r#"{"exp":200,"nbf":100}"#, 90, 10, None),
            (r#"{"exp":200,"nbf":100}"#, 89, 10, invalid),
            (r#"{"exp":200.5}"#, 200, 0, None),
            ("{}", 100, 0, invalid),
            (r#"{"exp":"200"}"#, 100, 0, invalid),
            (r#"{"exp":1e308}"#, 100, 0, invalid),
            (r#"{"exp":-1}"#, 100, 0, invalid),
            (r#"{"exp":null}"#, 100, 0, invalid),
            (r#"{"exp":200,"nbf":[1]}"#, 100, 0, invalid),
            (r#"{"exp":200,"iat":"x"}"#, 100, 0, invalid),
        ] {
            assert_eq!(reason(claims, now, skew, true), expected, "{claims} {now} {skew}");
        }
        assert_eq!(reason("{}", 100, 0, false), None);
    }
}
