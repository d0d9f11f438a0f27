//! Keeps secrets out of what is written (reliability-security.md O-01): query values, user info, named fields.

use std::fmt::{self, Write};

use crate::event::Url;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Query parameters and field names whose values never leave, compared without case and percent-decoded.
#[rustfmt::skip]
const SECRET_NAMES: [&str; 26] = [
    "subscription-key", "access_token", "api-key", "api_key", "apikey", "assertion", "authorization",
    "client_assertion", "client_secret", "code", "cookie", "id_token", "key", "ocp-apim-subscription-key",
    "password", "primary_key", "proxy-authorization", "refresh_token", "secondary_key", "secret", "set-cookie",
    "sig", "signature", "token", "x-api-key", "x-functions-key",
];

/// True for a name in whose value a secret is to be expected.
pub fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES.iter().any(|secret| same_name(name, secret))
}

/// A URL, or a text that is one, shown with secret query values and user info masked.
#[derive(Clone, Copy, Debug)]
pub struct Redacted<'a> {
    scheme: &'a str,
    rest: &'a str,
    target: &'a str,
    key_parameter: &'a str,
}

impl<'a> Redacted<'a> {
    /// `key_parameter`: one more secret parameter, such as an API's own name for its subscription key.
    pub fn url(url: &Url<'a>, key_parameter: &'a str) -> Self {
        Self { scheme: url.scheme, rest: url.authority, target: url.target, key_parameter }
    }

    /// A whole URL in one text.
    pub fn text(url: &'a str, key_parameter: &'a str) -> Self {
        let absolute = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
        let (scheme, rest) = absolute.unwrap_or(("", url));
        let end = if scheme.is_empty() { 0 } else { rest.find(['/', '?', '#']).unwrap_or(rest.len()) };
        let (authority, target) = rest.split_at(end);
        Self { scheme, rest: authority, target, key_parameter }
    }

    fn is_secret(&self, name: &str) -> bool {
        is_secret_name(name) || (!self.key_parameter.is_empty() && same_name(name, self.key_parameter))
    }
}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}://", self.scheme)?;
        }
        match self.rest.rsplit_once('@') {
            Some((_, host)) => write!(f, "{MASK}@{host}")?,
            None => f.write_str(self.rest)?,
        }
        let Some((path, query)) = self.target.split_once('?') else { return f.write_str(self.target) };
        write!(f, "{path}?")?;
        for (index, piece) in query.split('&').enumerate() {
            if index > 0 {
                f.write_char('&')?;
            }
            // Some backends split at `;` too: from the first secret to the end of the piece nothing is shown.
            let mut start = 0;
            let secret = piece.split(';').find_map(|part| {
                let name = part.split('=').next().unwrap_or(part);
                let value = start + name.len() + 1;
                start += part.len() + 1;
                (self.is_secret(name) && name.len() < part.len()).then_some(value)
            });
            match secret.and_then(|value| piece.get(..value)) {
                Some(shown) => write!(f, "{shown}{MASK}")?,
                None => f.write_str(piece)?,
            }
        }
        Ok(())
    }
}

/// RFC 3986 §3.1: `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`. A query may hold `://` too.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn same_name(name: &str, secret: &str) -> bool {
    if !name.contains('%') {
        return name.eq_ignore_ascii_case(secret);
    }
    let mut rest = name.as_bytes();
    let decoded = std::iter::from_fn(|| {
        let (byte, used) = match rest {
            [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            [first, ..] => (*first, 1),
            [] => return None,
        };
        rest = rest.get(used..).unwrap_or_default();
        Some(byte.to_ascii_lowercase())
    });
    decoded.eq(secret.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Redacted;

    #[test]
    fn secret_in_url_is_masked() {
        let table = [
            ("/a?x=1&subscription-key=abc&y=2", "/a?x=1&subscription-key=***&y=2"),
            ("/a?SUBSCRIPTION%2dKEY=abc", "/a?SUBSCRIPTION%2dKEY=***"),
            ("/a?mine=abc&mine=def", "/a?mine=***&mine=***"),
            ("/a?x=1;token=a;b&c=d", "/a?x=1;token=***&c=d"),
            ("/a?subscription-key", "/a?subscription-key"),
            ("/a?subscription-key=", "/a?subscription-key=***"),
            ("/token=1?%zz=%", "/token=1?%zz=%"),
            ("https://u:p@h:1/x?sig=s", "https://***@h:1/x?sig=***"),
            ("https://h?code=a@b", "https://h?code=***"),
            ("/a?code=x&to=http://h", "/a?code=***&to=http://h"),
            ("plain", "plain"),
        ];
        for (url, expected) in table {
            assert_eq!(Redacted::text(url, "mine").to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn secret_among_anything_never_shows(
            before in "[^#]{0,20}", after in "\\PC{0,20}", secret in "S[A-Z0-9]{15}",
            name in prop::sample::select(vec!["subscription-key", "Access_Token", "s%69g", "mine"]),
        ) {
            let shown = Redacted::text(&format!("/p?{before}&{name}={secret}&{after}"), "mine").to_string();
            prop_assert!(!shown.contains(&secret), "{shown}");
        }
    }
}
