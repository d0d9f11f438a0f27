//! Request methods (RFC 9110 §9).

use std::fmt;

/// A method token. The registered ones cost nothing to copy or compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Patch,
    Connect,
    Trace,
    /// Any other token, upper-case letters kept as sent.
    Other(Box<str>),
}

impl Method {
    /// Longest token we take (`reliability-security.md` H1-13).
    pub const LEN_MAX: usize = 32;

    /// Reads a method token. `None` when it is empty, too long, no token (RFC 9110 §5.6.2), or differs from a
    /// registered method only by case, which hides a mistake or an attack.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let known = match text {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            b"CONNECT" => Self::Connect,
            b"TRACE" => Self::Trace,
            other => return Self::parse_other(other),
        };
        Some(known)
    }

    fn parse_other(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > Self::LEN_MAX || !text.iter().all(|&b| is_token_byte(b)) {
            return None;
        }
        let upper = text.to_ascii_uppercase();
        if upper != text && !matches!(Self::parse(&upper), Some(Self::Other(_))) {
            return None;
        }
        std::str::from_utf8(text).ok().map(|token| Self::Other(token.into()))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Other(token) => token,
        }
    }

    /// RFC 9110 §9.2.2: repeating the request has the effect of one.
    pub fn is_idempotent(&self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Put | Self::Delete | Self::Options | Self::Trace)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `tchar` of RFC 9110 §5.6.2, by byte: every byte of every field name is looked up here.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(
                byte as u8,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// `tchar` of RFC 9110 §5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_registered_and_extension_tokens_round_trip() {
        for text in ["GET", "PATCH", "TRACE", "PROPFIND", "M-SEARCH"] {
            assert_eq!(Method::parse(text.as_bytes()).map(|m| m.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn parse_bad_tokens_are_refused() {
        for text in ["", "get", "Get", "G T", "GET\r", "ÄPFEL", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Method::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
