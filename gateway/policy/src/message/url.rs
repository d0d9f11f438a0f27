//! URLs of requests. The path and query are kept encoded, exactly as they are matched, logged and forwarded.

use std::fmt;

/// `http` or `https`; WebSocket schemes are the HTTP scheme they upgrade from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An absolute URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    pub scheme: Scheme,
    /// Lower-case host without port; IPv6 in brackets.
    pub host: String,
    pub port: u16,
    /// Starts with `/`.
    pub path: String,
    /// Without the `?`; empty when there is none.
    pub query: String,
}

/// Why a text is no URL we can call.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    #[error("the scheme must be http, https, ws or wss")]
    Scheme,
    #[error("the host is missing or malformed")]
    Host,
    #[error("the port is not a number from 1 to 65535")]
    Port,
    #[error("user information is not allowed")]
    UserInfo,
    #[error("it contains blanks or control characters")]
    Characters,
}

impl Url {
    /// A text that is no URL, for a message: user information and a query may be secrets.
    pub fn without_secrets(text: &str) -> &str {
        let text = text.split('?').next().unwrap_or(text);
        text.rsplit_once('@').map_or(text, |(_, rest)| rest)
    }

    /// Reads an absolute URL; a fragment is cut off.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
            return Err(UrlError::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => Scheme::Http,
            "https" | "wss" => Scheme::Https,
            _ => return Err(UrlError::Scheme),
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_authority(authority, scheme)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        Ok(Self { scheme, host, port, path, query: query.to_owned() })
    }

    /// `host`, or `host:port` when the port is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Splits `host[:port]`; the host comes back in lower case.
fn split_authority(authority: &str, scheme: Scheme) -> Result<(String, u16), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let host_end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').ok_or(UrlError::Host)? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    if host.is_empty() || !is_host(host) {
        return Err(UrlError::Host);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => scheme.default_port(),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)?
        }
        _ => return Err(UrlError::Port),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// `reg-name` or bracketed address characters of RFC 3986 §3.2.2.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&b) || b >= 0x80)
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_and_display_round_trip() {
        for (text, shown) in [
            ("http://A.example", "http://a.example/"),
            ("https://a.example:443/x?y=1#z", "https://a.example/x?y=1"),
            ("wss://[::1]:9000/live", "https://[::1]:9000/live"),
            ("http://10.0.0.1:8080?q", "http://10.0.0.1:8080/?q"),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.to_string()).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn parse_bad_urls_name_the_reason() {
        for (text, reason) in [
            ("ftp://a", UrlError::Scheme),
            ("a.example/x", UrlError::Scheme),
            ("http://", UrlError::Host),
            ("http://[::1", UrlError::Host),
            ("http://a:0", UrlError::Port),
            ("http://a:x", UrlError::Port),
            ("http://u:p@a", UrlError::UserInfo),
            ("http://a/b c", UrlError::Characters),
            ("http://a\\b", UrlError::Characters),
        ] {
            assert_eq!(Url::parse(text), Err(reason), "{text}");
        }
    }
}
