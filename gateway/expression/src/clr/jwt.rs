//! `AsJwt()`: the content of a JSON Web Token, its signature unread (expressions.md §2.7, RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::date_time::{DateTime, DateTimeKind, UNIX_EPOCH_TICKS};
use super::json::{Formatting, JToken, Scalar, TokenType, parse_without_dates};
use super::time_span::TICKS_PER_SECOND;

/// `Jwt`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jwt {
    /// `Algorithm`: the header's `alg`.
    pub algorithm: Option<String>,
    /// `Type`: the header's `typ`.
    pub token_type: Option<String>,
    /// `Issuer`: `iss`.
    pub issuer: Option<String>,
    /// `Subject`: `sub`.
    pub subject: Option<String>,
    /// `Audiences`: `aud`, one or several.
    pub audiences: Vec<String>,
    /// `ExpirationTime`: `exp`, UTC.
    pub expiration_time: Option<DateTime>,
    /// `NotBefore`: `nbf`, UTC.
    pub not_before: Option<DateTime>,
    /// `IssuedAt`: `iat`, UTC.
    pub issued_at: Option<DateTime>,
    /// `Id`: `jti`.
    pub id: Option<String>,
    /// `Claims`: every claim in the token's order; arrays give several entries, numbers and truth values their
    /// JSON text, objects compact JSON.
    pub claims: Vec<(String, Vec<String>)>,
    /// The compact token without its scheme.
    pub compact: String,
}

impl Jwt {
    /// Reads a compact token, with or without a leading `Bearer `; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let compact = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            Some(_) => return None,
            None => text,
        };
        let parts: Vec<&str> = compact.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return None };
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        let header = object(header)?;
        let payload = object(payload)?;
        Some(Self::from_json(&header, &payload, compact))
    }

    fn from_json(header: &JToken, payload: &JToken, compact: &str) -> Self {
        let claims: Vec<(String, Vec<String>)> = payload
            .children()
            .iter()
            .filter_map(|property| Some((property.name()?.to_owned(), values(&property.property_value()?))))
            .collect();
        let text = |token: &JToken, name: &str| {
            let value = token.get_value(name, false)?;
            (value.token_type() == TokenType::String).then(|| value.to_text())
        };
        Self {
            algorithm: text(header, "alg"),
            token_type: text(header, "typ"),
            issuer: text(payload, "iss"),
            subject: text(payload, "sub"),
            audiences: payload.get_value("aud", false).map(|value| values(&value)).unwrap_or_default(),
            expiration_time: time(payload, "exp"),
            not_before: time(payload, "nbf"),
            issued_at: time(payload, "iat"),
            id: text(payload, "jti"),
            claims,
            compact: compact.to_owned(),
        }
    }

    /// `Claims[name]`.
    pub fn claim(&self, name: &str) -> Option<&[String]> {
        self.claims.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }
}

fn object(part: &str) -> Option<JToken> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    let token = parse_without_dates(std::str::from_utf8(&bytes).ok()?).ok()?;
    (token.token_type() == TokenType::Object).then_some(token)
}

/// The entries a claim's value gives.
fn values(value: &JToken) -> Vec<String> {
    match value.token_type() {
        TokenType::Array => value.children().iter().map(text).collect(),
        _ => vec![text(value)],
    }
}

fn text(value: &JToken) -> String {
    match value.token_type() {
        TokenType::String => value.to_text(),
        TokenType::Null => String::new(),
        _ => value.to_json(Formatting::None),
    }
}

/// Seconds since 1970; fractions are cut off.
fn time(payload: &JToken, name: &str) -> Option<DateTime> {
    let seconds = match payload.get_value(name, false)?.scalar()? {
        Scalar::Integer(seconds) => seconds,
        Scalar::Float(seconds) => seconds as i64,
        Scalar::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let ticks = seconds.checked_mul(TICKS_PER_SECOND)?.checked_add(UNIX_EPOCH_TICKS)?;
    DateTime::from_ticks(ticks, DateTimeKind::Utc).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn registered_claims_become_members() {
        let compact = token(
            "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
            "{\"iss\":\"me\",\"sub\":\"s\",\"aud\":[\"a\",\"b\"],\"exp\":1706696430,\"nbf\":1.9,\"iat\":\"7\",\"jti\":\"j\"}",
        );
        let jwt = Jwt::parse(&format!("bearer {compact}")).unwrap();
        assert_eq!((jwt.algorithm.as_deref(), jwt.token_type.as_deref()), (Some("RS256"), Some("JWT")));
        assert_eq!(
            (jwt.issuer.as_deref(), jwt.subject.as_deref(), jwt.id.as_deref()),
            (Some("me"), Some("s"), Some("j"))
        );
        assert_eq!(jwt.audiences, ["a", "b"]);
        let shown = |time: Option<DateTime>| time.unwrap().to_text("o").unwrap();
        assert_eq!(shown(jwt.expiration_time), "2024-01-31T10:20:30.0000000Z");
        assert_eq!(shown(jwt.not_before), "1970-01-01T00:00:01.0000000Z");
        assert_eq!(shown(jwt.issued_at), "1970-01-01T00:00:07.0000000Z");
        assert_eq!(jwt.claim("aud").unwrap(), ["a", "b"]);
        assert_eq!(jwt.compact, compact);
    }

    #[test]
    fn claims_keep_their_json_text() {
        let payload = "{\"n\":1,\"f\":1.50,\"t\":true,\"o\":{\"a\":[1]},\"z\":null,\"d\":\"2024-01-31T10:00:00.000Z\",\
                       \"m\":[1,\"x\",{\"y\":2}],\"e\":[]}";
        let jwt = Jwt::parse(&token("{}", payload)).unwrap();
        let table: [(&str, &[&str]); 8] = [
            ("n", &["1"]),
            ("f", &["1.5"]),
            ("t", &["true"]),
            ("o", &["{\"a\":[1]}"]),
            ("z", &[""]),
            ("d", &["2024-01-31T10:00:00.000Z"]),
            ("m", &["1", "x", "{\"y\":2}"]),
            ("e", &[]),
        ];
        for (name, expected) in table {
            assert_eq!(jwt.claim(name).unwrap(), expected, "{name}");
        }
        assert_eq!(jwt.claim("none"), None);
        assert_eq!(jwt.issuer, None);
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let good = token("{}", "{}");
        let array = token("{}", "[]");
        for text in ["", "a.b", "a.b.c", "Basic a", &good.replace('.', ","), &format!("{good}.x"), &array] {
            assert_eq!(Jwt::parse(text), None, "{text}");
        }
        assert!(Jwt::parse(good.trim_end_matches("c2ln")).is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".*|[A-Za-z0-9_-]{0,9}[.][A-Za-z0-9_-]{0,9}[.][A-Za-z0-9_-]{0,9}", payload in ".{0,20}") {
            let _ = Jwt::parse(&text);
            let _ = Jwt::parse(&token("{}", &payload));
        }
    }
}
