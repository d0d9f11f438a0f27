//! Keeps secrets out of what is written (reliability-security.md O-01): query values, user info, named fields.

use std::fmt::{self, Write};

use crate::diagnostic::Mask;
use crate::event::Url;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Query parameters and field names whose values never leave, compared without case and percent-decoded.
#[rustfmt::skip]
const SECRET_NAMES: [&str; 27] = [
    "subscription-key", "access_token", "api-key", "api_key", "apikey", "apim-debug-authorization", "assertion",
    "authorization", "client_assertion", "client_secret", "code", "cookie", "id_token", "key", "ocp-apim-subscription-key",
    "password", "primary_key", "proxy-authorization", "refresh_token", "secondary_key", "secret", "set-cookie",
    "sig", "signature", "token", "x-api-key", "x-functions-key",
];

/// True for a name in whose value a secret is to be expected.
pub fn is_secret_name(name: &str) -> bool {
    if name.contains('%') {
        return SECRET_NAMES.iter().any(|secret| same_name(name, secret));
    }
    SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// A URL, or a text that is one, shown with secret query values and user info masked.
#[derive(Clone, Copy, Debug)]
pub struct Redacted<'a> {
    scheme: &'a str,
    rest: &'a str,
    target: &'a str,
    key_parameter: &'a str,
    masks: &'a [Mask],
}

impl<'a> Redacted<'a> {
    /// `key_parameter`: one more secret parameter, such as an API's own name for its subscription key.
    pub fn url(url: &Url<'a>, key_parameter: &'a str) -> Self {
        Self { scheme: url.scheme, rest: url.authority, target: url.target, key_parameter, masks: &[] }
    }

    /// A whole URL in one text.
    pub fn text(url: &'a str, key_parameter: &'a str) -> Self {
        let absolute = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
        let (scheme, rest) = absolute.unwrap_or(("", url));
        let end = if scheme.is_empty() { 0 } else { rest.find(['/', '?', '#']).unwrap_or(rest.len()) };
        let (authority, target) = rest.split_at(end);
        Self { scheme, rest: authority, target, key_parameter, masks: &[] }
    }

    /// Leaves out, or masks, further parameters.
    #[must_use]
    pub fn masking(self, masks: &'a [Mask]) -> Self {
        Self { masks, ..self }
    }

    fn is_hidden(&self, piece: &str) -> bool {
        let name = piece.split('=').next().unwrap_or(piece);
        self.masks.iter().find(|mask| mask.holds_for(name)).is_some_and(|mask| mask.hides)
    }

    fn is_secret(&self, name: &str) -> bool {
        is_secret_name(name)
            || self.masks.iter().any(|mask| mask.holds_for(name))
            || (!self.key_parameter.is_empty() && same_name(name, self.key_parameter))
    }
}

impl Redacted<'_> {
    /// Writes the URL as it may be shown.
    pub(crate) fn write_to(&self, f: &mut impl Write) -> fmt::Result {
        if !self.scheme.is_empty() {
            f.write_str(self.scheme)?;
            f.write_str("://")?;
        }
        match self.rest.rsplit_once('@') {
            Some((_, host)) => write!(f, "{MASK}@{host}")?,
            None => f.write_str(self.rest)?,
        }
        let Some((path, query)) = self.target.split_once('?') else { return f.write_str(self.target) };
        f.write_str(path)?;
        let mut separator = '?';
        for piece in query.split('&').filter(|piece| !self.is_hidden(piece)) {
            f.write_char(std::mem::replace(&mut separator, '&'))?;
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

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

/// Fields whose values are URLs.
const URL_FIELDS: [&str; 3] = ["content-location", "location", "referer"];

/// A field's value as it may be shown: masked where a secret is to be expected, a URL without the secrets in it.
pub fn field(name: &str, value: &str, key_parameter: &str) -> String {
    if is_secret_name(name) {
        MASK.to_owned()
    } else if URL_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        Redacted::text(value, key_parameter).to_string()
    } else {
        value.to_owned()
    }
}

/// The beginning of a body as it may be shown: of a form the values, of JSON the members in which a secret is to be
/// expected are masked.
pub fn body(text: &str, content_type: &str) -> String {
    if content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        let shown = Redacted::text(&format!("?{text}"), "").to_string();
        return shown.get(1..).unwrap_or_default().to_owned();
    }
    members(text)
}

/// Members of JSON, whole or cut anywhere. `code` and `key` are too common there to mean a secret.
fn members(text: &str) -> String {
    let is_secret = |name: &str| is_secret_name(name) && !["code", "key"].contains(&name);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (string, behind) = rest.split_at(start + string_end(rest.get(start..).unwrap_or_default()));
        out.push_str(string);
        rest = behind;
        let name = string.get(start..).unwrap_or_default().trim_matches('"');
        let value = behind.trim_start().strip_prefix(':').map(str::trim_start);
        if let Some(value) = value.filter(|value| is_secret(name) && value.starts_with('"')) {
            out.push_str(behind.get(..behind.len() - value.len()).unwrap_or_default());
            out.push('"');
            out.push_str(MASK);
            out.push('"');
            rest = value.get(string_end(value)..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// Behind the string that the text begins with.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let closes = |(_, byte): &(usize, u8)| match byte {
        b'\\' => {
            escaped = !escaped;
            false
        }
        b'"' if !escaped => true,
        _ => {
            escaped = false;
            false
        }
    };
    text.bytes().enumerate().skip(1).find(closes).map_or(text.len(), |(at, _)| at + 1)
}

/// RFC 3986 §3.1: `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`. A query may hold `://` too.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

pub(crate) fn same_name(name: &str, secret: &str) -> bool {
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

    use super::{Redacted, body, field};
    use crate::diagnostic::Mask;

    #[test]
    fn secret_in_body_is_masked_whole_or_cut() {
        for (text, expected) in [
            (
                r#"{"code":"E1","password" : "a\"b","n":[{"Access_Token":"x"}]}"#,
                r#"{"code":"E1","password" : "***","n":[{"Access_Token":"***"}]}"#,
            ),
            (r#"{"client_secret":"cut off"#, r#"{"client_secret":"***""#),
            (r#"{"secret":5,"a":"secret","b":"x"}"#, r#"{"secret":5,"a":"secret","b":"x"}"#),
            (r#"plain "quo"#, r#"plain "quo"#),
        ] {
            assert_eq!(body(text, "application/json"), expected);
        }
        let form = "grant_type=password&password=x&client_secret=y";
        let shown = body(form, "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(shown, "grant_type=password&password=***&client_secret=***");
    }

    #[test]
    fn secret_in_field_is_masked() {
        for (name, value, expected) in [
            ("Authorization", "Bearer x", "***"),
            ("Set-Cookie", "a=b", "***"),
            ("Location", "https://h/?code=x&y=z", "https://h/?code=***&y=z"),
            ("X-Other", "a?code=x", "a?code=x"),
        ] {
            assert_eq!(field(name, value, "subscription-key"), expected);
        }
    }

    #[test]
    fn masks_of_a_diagnostic_hide_or_mask() {
        let masks = [("a", true), ("B", false)].map(|(name, hides)| Mask { name: name.into(), hides });
        let shown = |url: &str| Redacted::text(url, "").masking(&masks).to_string();
        assert_eq!(shown("http://h/p?a=1&b=2&c=3&%61=4"), "http://h/p?b=***&c=3");
        assert_eq!(shown("/p?a=1"), "/p");
        let all = [Mask { name: "*".into(), hides: true }];
        assert_eq!(Redacted::text("/p?a=1&b", "").masking(&all).to_string(), "/p");
    }

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
