//! Which header fields mean something to the connection, and which nobody may meddle with.

/// Fields that decide how a message is framed and where it goes; read while the head is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Connection,
    ContentLength,
    Expect,
    Host,
    Te,
    TransferEncoding,
    Upgrade,
    Other,
}

/// Recognises the fields of [`Known`]; the length decides most cases.
pub fn known(name: &str) -> Known {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match name.len() {
        2 if is("te") => Known::Te,
        4 if is("host") => Known::Host,
        6 if is("expect") => Known::Expect,
        7 if is("upgrade") => Known::Upgrade,
        10 if is("connection") => Known::Connection,
        14 if is("content-length") => Known::ContentLength,
        17 if is("transfer-encoding") => Known::TransferEncoding,
        _ => Known::Other,
    }
}

/// Fields about one connection only, never forwarded (RFC 9110 §7.6.1), and those that the writer sets itself.
pub fn is_hop_by_hop(name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match name.len() {
        2 => is("te"),
        7 => is("upgrade"),
        10 => is("connection") || is("keep-alive"),
        14 => is("content-length") || is("http2-settings"),
        16 => is("proxy-connection"),
        17 => is("transfer-encoding"),
        18 => is("proxy-authenticate"),
        19 => is("proxy-authorization"),
        _ => false,
    }
}

/// Fields that identify or frame: a client can neither have them dropped by naming them in `Connection` (H1-19)
/// nor sneak them in by an underscore (H1-12).
pub fn is_protected(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "authorization",
        "baggage",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "forwarded",
        "host",
        "ocp-apim-subscription-key",
        "ocp-apim-trace",
        "origin",
        "request-id",
        "set-cookie",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "via",
        "x-arr-clientcert",
        "x-ms-client-principal",
        "x-real-ip",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) || has_prefix(name, "x-forwarded-")
}

/// Whether a name with underscores stands for a protected or connection field once a server folds `_` to `-`.
pub fn is_underscore_alias(name: &str) -> bool {
    if !name.contains('_') {
        return false;
    }
    let folded = name.replace('_', "-");
    is_protected(&folded) || is_hop_by_hop(&folded)
}

/// Fields that must not come as trailers (RFC 9110 §6.5.1): framing, routing, authentication, content.
pub fn is_forbidden_trailer(name: &str) -> bool {
    is_protected(name) || is_hop_by_hop(name) || is_underscore_alias(name) || has_prefix(name, "content-")
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// The elements of a comma-separated list (RFC 9110 §5.6.1), trimmed, without empty ones.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscore_aliases_of_framing_and_identity_are_found() {
        for name in
            ["Content_Length", "transfer_encoding", "X_Forwarded_For", "x-forwarded_for", "HTTP2_Settings"]
        {
            assert!(is_underscore_alias(name), "{name}");
        }
        for name in ["Content-Length", "X_Custom", "my_header"] {
            assert!(!is_underscore_alias(name), "{name}");
        }
    }

    #[test]
    fn known_is_case_insensitive() {
        for (name, field) in [
            ("HOST", Known::Host),
            ("Te", Known::Te),
            ("content-LENGTH", Known::ContentLength),
            ("Transfer-Encoding", Known::TransferEncoding),
            ("Hose", Known::Other),
        ] {
            assert_eq!(known(name), field);
        }
    }

    #[test]
    fn list_drops_blanks_and_empty_elements() {
        assert_eq!(list(b" close ,, Upgrade,").collect::<Vec<_>>(), [&b"close"[..], b"Upgrade"]);
    }
}
