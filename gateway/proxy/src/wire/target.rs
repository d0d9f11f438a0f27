//! Request targets and hosts in canonical form (`reliability-security.md` §5.2): normalised once, before anything
//! is matched, so that matching, authorisation, logs and the backend see the same text.

use std::net::Ipv6Addr;

use gateway_policy::message::Scheme;

use super::WireError;

/// Query parameters of one request; more are refused (P-10).
pub const PARAMETERS_MAX: usize = 1000;
/// Longest host name (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 255;

/// A request target taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Of an absolute-form target; it wins over the `Host` field.
    pub authority: Option<Authority>,
    /// Canonical; `*` for the asterisk form.
    pub path: String,
    /// Without `?`.
    pub query: String,
}

/// A host, lower-case and without trailing dot, and the port when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub host: String,
    pub port: Option<u16>,
}

/// Reads the target of a request line: origin, absolute or asterisk form (RFC 9112 §3.2). The asterisk is left to
/// the caller, who knows the method.
pub fn parse(target: &[u8], scheme: Scheme) -> Result<Target, WireError> {
    if target.first() == Some(&b'/') {
        let (path, query) = split_query(target);
        return Ok(Target { authority: None, path: normalise_path(path)?, query: check_query(query)? });
    }
    if target == b"*" {
        return Ok(Target { authority: None, path: "*".to_owned(), query: String::new() });
    }
    let rest = strip_scheme(target, scheme)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (path, query) = split_query(rest);
    let path = if path.is_empty() { b"/" } else { path };
    Ok(Target {
        authority: Some(parse_authority(authority)?),
        path: normalise_path(path)?,
        query: check_query(query)?,
    })
}

/// Cuts `scheme://` off an absolute target; another scheme than the listener's is refused (H1-15).
fn strip_scheme(target: &[u8], scheme: Scheme) -> Result<&[u8], WireError> {
    let prefix: &[u8] = match scheme {
        Scheme::Http => b"http://",
        Scheme::Https => b"https://",
    };
    match target.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => Ok(rest),
        _ => Err(WireError::Target),
    }
}

fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

/// What a byte of a path is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands for itself (RFC 3986 `pchar` and `/`).
    Plain,
    /// Begins a percent triple.
    Percent,
    /// Not allowed raw, but browsers and command lines send it: stored percent-encoded.
    Encode,
    /// Refused.
    Bad,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Bad; 256];
    let mut byte = 0x21;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'%' => Class::Percent,
            b'#' | b'\\' | b'?' | 0x7f => Class::Bad,
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => Class::Encode,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[byte as usize]
}

/// The canonical form of a path: begins with `/`; percent triples are whole and stay as sent, except that those of
/// unreserved characters are decoded (RFC 3986 §6.2.2.2); dot segments are resolved (P-01); empty segments, case
/// and `%2F` stay. To be applied again after every rewrite; a second time changes nothing.
pub fn normalise_path(path: &[u8]) -> Result<String, WireError> {
    if path.first() != Some(&b'/') {
        return Err(WireError::Target);
    }
    let mut plain = true;
    let mut before = 0;
    for &byte in path {
        plain &= class(byte) == Class::Plain && !(byte == b'.' && before == b'/');
        before = byte;
    }
    if plain {
        return into_text(path.to_vec());
    }
    let unified = unify_encoding(path)?;
    into_text(remove_dot_segments(&unified)?)
}

fn into_text(bytes: Vec<u8>) -> Result<String, WireError> {
    String::from_utf8(bytes).map_err(|_| WireError::Target)
}

/// Checks every byte, decodes triples of unreserved characters and encodes what must not stand raw.
fn unify_encoding(path: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut unified = Vec::with_capacity(path.len() + 8);
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match class(byte) {
            Class::Plain => unified.push(byte),
            Class::Encode => push_encoded(&mut unified, byte),
            Class::Bad => return Err(WireError::Target),
            Class::Percent => {
                let value = triple_value(rest).ok_or(WireError::Target)?;
                let (digits, tail) = rest.split_at(2);
                rest = tail;
                match value {
                    0 | b'\r' | b'\n' => return Err(WireError::Target),
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        unified.push(value);
                    }
                    _ => unified.extend_from_slice(&[b'%', digits[0], digits[1]]),
                }
            }
        }
    }
    Ok(unified)
}

fn push_encoded(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Value of the two hexadecimal digits that must follow a `%`.
fn triple_value(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| digits.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

/// RFC 3986 §5.2.4, except that climbing above the root is refused, and so are dot segments in disguise (`..;x`),
/// which some servers resolve after us (P-02).
fn remove_dot_segments(path: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut resolved: Vec<u8> = Vec::with_capacity(path.len());
    let mut segments = path.split(|byte| *byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', &resolved).ok_or(WireError::TargetAboveRoot)?;
                resolved.truncate(parent);
            }
            _ if segment.starts_with(b".;") || segment.starts_with(b"..;") => return Err(WireError::Target),
            _ => {
                resolved.push(b'/');
                resolved.extend_from_slice(segment);
                continue;
            }
        }
        if last {
            resolved.push(b'/');
        }
    }
    Ok(resolved)
}

/// Checks a query and bounds its parameters. It stays as sent, except that bytes outside of ASCII are encoded.
pub fn check_query(query: &[u8]) -> Result<String, WireError> {
    if query.len() >= PARAMETERS_MAX && memchr::memchr_iter(b'&', query).count() >= PARAMETERS_MAX {
        return Err(WireError::TooManyParameters);
    }
    let mut plain = true;
    for &byte in query {
        match byte {
            b'%' | 0x80.. => plain = false,
            0..=b' ' | b'#' | 0x7f => return Err(WireError::Target),
            _ => {}
        }
    }
    if plain {
        return into_text(query.to_vec());
    }
    let mut checked = Vec::with_capacity(query.len() + 8);
    for (at, &byte) in query.iter().enumerate() {
        match byte {
            b'%' if triple_value(query.get(at + 1..).unwrap_or_default()).is_none() => {
                return Err(WireError::Target);
            }
            0x80.. => push_encoded(&mut checked, byte),
            _ => checked.push(byte),
        }
    }
    into_text(checked)
}

/// Reads `host[:port]` (P-11): a name of letters, digits, `-`, `.`, `_`, or an address. Lists, user information,
/// zones and raw international names are refused.
pub fn parse_authority(text: &[u8]) -> Result<Authority, WireError> {
    let host_end = match text.first() {
        Some(b'[') => memchr::memchr(b']', text).ok_or(WireError::Host)? + 1,
        _ => memchr::memchr(b':', text).unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(host_end);
    Ok(Authority { host: canonical_host(host)?, port: parse_port(port)? })
}

fn parse_port(text: &[u8]) -> Result<Option<u16>, WireError> {
    let digits = match text.split_first() {
        None => return Ok(None),
        Some((b':', digits)) => digits,
        Some(_) => return Err(WireError::Host),
    };
    if digits.is_empty() {
        return Ok(None);
    }
    let mut port = 0_u32;
    for &byte in digits {
        if !byte.is_ascii_digit() || port > u32::from(u16::MAX) {
            return Err(WireError::Host);
        }
        port = port * 10 + u32::from(byte - b'0');
    }
    u16::try_from(port).ok().filter(|port| *port != 0).map(Some).ok_or(WireError::Host)
}

fn canonical_host(host: &[u8]) -> Result<String, WireError> {
    if let Some(address) = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        let address = std::str::from_utf8(address).ok().and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address.map(|address| format!("[{address}]")).ok_or(WireError::Host);
    }
    let name = host.strip_suffix(b".").unwrap_or(host);
    if name.is_empty() || name.len() > HOST_BYTES_MAX || name.first() == Some(&b'.') {
        return Err(WireError::Host);
    }
    let mut lower = Vec::with_capacity(name.len());
    let mut before = 0;
    for &byte in name {
        let allowed =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && before != b'.');
        if !allowed {
            return Err(WireError::Host);
        }
        lower.push(byte.to_ascii_lowercase());
        before = byte;
    }
    if before == b'.' { Err(WireError::Host) } else { into_text(lower) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normalise_path_table() {
        let above = Err(WireError::TargetAboveRoot);
        let bad = Err(WireError::Target);
        for (path, expected) in [
            ("/", Ok("/")),
            ("/a/b", Ok("/a/b")),
            ("/a/../b", Ok("/b")),
            ("/a/%2e%2e/b", Ok("/b")),
            ("/a/.%2E/b", Ok("/b")),
            ("/a/./b", Ok("/a/b")),
            ("/a/.", Ok("/a/")),
            ("/a/..", Ok("/")),
            ("/a/b/..", Ok("/a/")),
            ("/.well-known/x", Ok("/.well-known/x")),
            ("/...", Ok("/...")),
            ("/..", above),
            ("/../a", above),
            ("/a/../../b", above),
            ("/%2e%2e/a", above),
            ("//../..", above),
            ("/api../x", Ok("/api../x")),
            ("/api%2e%2e/x", Ok("/api../x")),
            ("/api/..;/x", bad),
            ("/api/.;a=1/x", bad),
            ("/api/%2e%2e;a/x", bad),
            ("/a%2Fb%5Cc%2f", Ok("/a%2Fb%5Cc%2f")),
            ("/a\\b", bad),
            ("/a#b", bad),
            ("/admin;x=1/y", Ok("/admin;x=1/y")),
            ("/%00", bad),
            ("/%0d%0a", bad),
            ("/%0A", bad),
            ("/%ff%c0%af", Ok("/%ff%c0%af")),
            ("/%252e%252e/x", Ok("/%252e%252e/x")),
            ("//admin", Ok("//admin")),
            ("/a//../b/", Ok("/a/b/")),
            ("/%zz", bad),
            ("/%2", bad),
            ("/%", bad),
            ("/%61dmin%7E", Ok("/admin~")),
            ("/ü{x}", Ok("/%C3%BC%7Bx%7D")),
            ("a", bad),
            ("", bad),
        ] {
            assert_eq!(normalise_path(path.as_bytes()).as_deref(), expected.as_ref().copied(), "{path}");
        }
    }

    #[test]
    fn check_query_table() {
        for (query, expected) in [
            ("", Some("")),
            ("a=1&b=%0a%00", Some("a=1&b=%0a%00")),
            ("&=&?", Some("&=&?")),
            ("x={a|b}\\", Some("x={a|b}\\")),
            ("q=ü", Some("q=%C3%BC")),
            ("q=100%", None),
            ("q=%zz", None),
            ("q#f", None),
        ] {
            assert_eq!(check_query(query.as_bytes()).ok().as_deref(), expected, "{query}");
        }
        assert!(check_query("a&".repeat(999).as_bytes()).is_ok());
        assert_eq!(check_query("a&".repeat(1000).as_bytes()), Err(WireError::TooManyParameters));
    }

    #[test]
    fn parse_authority_table() {
        for (text, expected) in [
            ("A.Example", Some(("a.example", None))),
            ("a.example.", Some(("a.example", None))),
            ("a.example.:8080", Some(("a.example", Some(8080)))),
            ("xn--bcher-kva.example", Some(("xn--bcher-kva.example", None))),
            ("my_service:80", Some(("my_service", Some(80)))),
            ("10.0.0.1", Some(("10.0.0.1", None))),
            ("[::1]:443", Some(("[::1]", Some(443)))),
            ("[0:0::A]", Some(("[::a]", None))),
            ("a:", Some(("a", None))),
            ("[fe80::1%25eth0]", None),
            ("[::1", None),
            ("[::1]x", None),
            ("", None),
            (".", None),
            ("a..b", None),
            (".a", None),
            ("a,b", None),
            ("a b", None),
            ("a/b", None),
            ("u@a", None),
            ("bücher", None),
            ("a:0", None),
            ("a:65536", None),
            ("a:+1", None),
            ("a:99999999999", None),
        ] {
            let parsed = parse_authority(text.as_bytes()).ok();
            let parsed = parsed.as_ref().map(|authority| (authority.host.as_str(), authority.port));
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn parse_forms() {
        let absolute = parse(b"HTTP://A:81?x", Scheme::Http).unwrap();
        assert_eq!(absolute.authority, Some(Authority { host: "a".into(), port: Some(81) }));
        assert_eq!((absolute.path.as_str(), absolute.query.as_str()), ("/", "x"));
        assert_eq!(parse(b"https://a/", Scheme::Http), Err(WireError::Target));
        assert_eq!(parse(b"a.example:443", Scheme::Https), Err(WireError::Target));
        assert_eq!(parse(b"http://u@a/", Scheme::Http), Err(WireError::Host));
        assert_eq!(parse(b"*", Scheme::Http).unwrap().path, "*");
    }

    proptest! {
        #[test]
        fn normalise_path_twice_changes_nothing_and_stays_below_root(
            path in "/([a-c./;]|%2[eEfF]|%2[5]|%41|%[0-9a-f]{2}|ü){0,24}"
        ) {
            if let Ok(once) = normalise_path(path.as_bytes()) {
                prop_assert!(once.starts_with('/') && once.is_ascii());
                prop_assert!(once.split('/').all(|segment| segment != "." && segment != ".."));
                let twice = normalise_path(once.as_bytes());
                prop_assert_eq!(twice.as_ref(), Ok(&once));
            }
        }

        #[test]
        fn parse_any_bytes_never_panics(target in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&target, Scheme::Http);
            let _ = parse_authority(&target);
        }
    }
}
