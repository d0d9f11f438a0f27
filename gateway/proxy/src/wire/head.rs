//! Message heads: found in the stream, then parsed once.

mod request;
mod response;
#[cfg(test)]
mod tests;

pub use request::{RequestContext, RequestHead, parse_request};
pub use response::{ResponseHead, parse_response};

use gateway_policy::message::Headers;

use super::{WireError, fields};

/// Most fields of one head; more are refused (`reliability-security.md` §4.1). The parser's table has this size.
pub const FIELDS_MAX: usize = 100;

/// Limits of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Start line; default 8 KiB.
    pub start_line_bytes: usize,
    /// All field lines together; default 32 KiB.
    pub fields_bytes: usize,
    /// At most [`FIELDS_MAX`], the default.
    pub fields: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { start_line_bytes: 8 << 10, fields_bytes: 32 << 10, fields: FIELDS_MAX }
    }
}

/// Version in a start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
}

/// How the body of a message is delimited (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    Length(u64),
    Chunked,
    /// Until the connection ends; responses only.
    UntilClose,
}

/// Finds the end of a head in a growing buffer without looking at a byte twice, and refuses early what can never
/// become one: a sender cannot make us wait, or parse again and again.
#[derive(Debug, Default)]
pub struct HeadScan {
    /// Where looking goes on.
    at: usize,
    /// Where the present line began.
    line_start: usize,
    /// Lines seen, the start line included.
    lines: usize,
    /// Empty lines before the start line (RFC 9112 §2.2 lets a server skip them).
    skipped: usize,
    start_line_end: usize,
}

/// A whole head within the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSpan {
    /// Behind the skipped empty lines.
    pub start: usize,
    /// Behind the final empty line.
    pub end: usize,
}

/// Empty lines tolerated before a start line.
const EMPTY_LINES_MAX: usize = 2;

impl HeadScan {
    /// Looks at what has been added to `bytes`, which must begin where it began at the last call.
    pub fn advance(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<HeadSpan>, WireError> {
        while let Some(found) = memchr::memchr(b'\n', bytes.get(self.at..).unwrap_or_default()) {
            let newline = self.at + found;
            self.at = newline + 1;
            if newline == self.line_start || bytes.get(newline - 1) != Some(&b'\r') {
                return Err(WireError::LineEnding);
            }
            let empty = newline - 1 == self.line_start;
            self.line_start = newline + 1;
            if !empty {
                self.end_line(limits)?;
            } else if self.lines > 0 {
                return Ok(Some(HeadSpan { start: self.skipped * 2, end: newline + 1 }));
            } else {
                self.skipped += 1;
                if self.skipped > EMPTY_LINES_MAX {
                    return Err(WireError::StartLine);
                }
            }
        }
        self.at = bytes.len();
        self.check_sizes(self.at, limits)?;
        Ok(None)
    }

    fn end_line(&mut self, limits: &HeadLimits) -> Result<(), WireError> {
        self.check_sizes(self.line_start, limits)?;
        self.lines += 1;
        if self.lines == 1 {
            self.start_line_end = self.line_start;
        }
        if self.lines > limits.fields + 1 { Err(WireError::TooManyFields) } else { Ok(()) }
    }

    fn check_sizes(&self, end: usize, limits: &HeadLimits) -> Result<(), WireError> {
        if self.lines == 0 && end - self.skipped * 2 > limits.start_line_bytes {
            return Err(WireError::TargetTooLong);
        }
        if self.lines > 0 && end - self.start_line_end > limits.fields_bytes {
            return Err(WireError::HeadTooLarge);
        }
        Ok(())
    }
}

/// What the fields of a head say about the connection and the body; filled field by field.
#[derive(Debug, Default)]
struct FieldFacts {
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    upgrade_nominated: bool,
    /// Names that `Connection` nominated beyond the usual options: to be removed.
    nominated: bool,
}

impl FieldFacts {
    /// `Content-Length` (H1-04, H1-05): one field, digits only, below 2^63.
    fn content_length(&mut self, value: &[u8]) -> Result<(), WireError> {
        if self.content_length.is_some() || value.is_empty() || value.len() > 19 {
            return Err(WireError::ContentLength);
        }
        let mut length = 0_u64;
        for &byte in value {
            if !byte.is_ascii_digit() {
                return Err(WireError::ContentLength);
            }
            length = length * 10 + u64::from(byte - b'0');
        }
        if length > i64::MAX as u64 {
            return Err(WireError::ContentLength);
        }
        self.content_length = Some(length);
        Ok(())
    }

    /// `Transfer-Encoding` (H1-02): one field, `chunked` and nothing else.
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), WireError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(WireError::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// `Connection`: its options. Whether a name may be nominated is for the caller to say.
    fn connection(&mut self, value: &[u8], may_nominate: impl Fn(&str) -> bool) -> Result<(), WireError> {
        for option in fields::list(value) {
            let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
            if is("close") {
                self.close = true;
            } else if is("keep-alive") {
                self.keep_alive = true;
            } else if is("upgrade") {
                self.upgrade_nominated = true;
            } else {
                let name = std::str::from_utf8(option).map_err(|_| WireError::Field)?;
                if !may_nominate(name) {
                    return Err(WireError::Nomination);
                }
                self.nominated |= !fields::is_hop_by_hop(name);
            }
        }
        Ok(())
    }

    /// Length and encoding together, or an encoding in HTTP/1.0, have no safe reading (H1-01, H1-03).
    fn check_framing(&self, version: Version) -> Result<(), WireError> {
        if self.chunked && self.content_length.is_some() {
            return Err(WireError::LengthAndEncoding);
        }
        if self.chunked && version == Version::Http10 {
            return Err(WireError::TransferEncoding);
        }
        Ok(())
    }

    fn stays_open(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// Removes the fields that `Connection` names (RFC 9110 §7.6.1); rare, so it may cost.
fn remove_nominated(headers: &mut Headers) {
    let nominated: Vec<String> = headers
        .get_all("connection")
        .flat_map(fields::list)
        .filter_map(|option| std::str::from_utf8(option).ok())
        .filter(|name| !fields::is_hop_by_hop(name) && !fields::is_protected(name))
        .map(str::to_owned)
        .collect();
    headers.retain(|name, _| !nominated.iter().any(|other| other.eq_ignore_ascii_case(name)));
}

/// httparse's view of an error in a head.
fn syntax_error(error: httparse::Error) -> WireError {
    match error {
        httparse::Error::TooManyHeaders => WireError::TooManyFields,
        httparse::Error::Version => WireError::Version,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => WireError::Field,
        httparse::Error::NewLine => WireError::LineEnding,
        httparse::Error::Status | httparse::Error::Token => WireError::StartLine,
    }
}

fn version_of(minor: Option<u8>) -> Version {
    if minor == Some(0) { Version::Http10 } else { Version::Http11 }
}

#[cfg(test)]
mod scan_tests {
    use super::*;

    fn scan(text: &str) -> Result<Option<HeadSpan>, WireError> {
        HeadScan::default().advance(text.as_bytes(), &HeadLimits::default())
    }

    #[test]
    fn scan_split_anywhere_finds_the_same_end() {
        let text = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for split in 0..text.len() {
            let mut scan = HeadScan::default();
            let limits = HeadLimits::default();
            let first = scan.advance(&text[..split], &limits).unwrap();
            let span = first.or_else(|| scan.advance(text, &limits).unwrap());
            assert_eq!(span, Some(HeadSpan { start: 2, end: text.len() - 4 }), "{split}");
        }
    }

    #[test]
    fn scan_limits() {
        let line = |bytes: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(bytes - 16));
        assert_eq!(scan(&line(8192)), Ok(None));
        assert_eq!(scan(&line(8193)), Err(WireError::TargetTooLong));
        assert_eq!(scan(&"a".repeat(8193)), Err(WireError::TargetTooLong));
        let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(scan(&fields(100)).unwrap().is_some());
        assert_eq!(scan(&fields(101)), Err(WireError::TooManyFields));
        let large = format!("GET / HTTP/1.1\r\na: {}", "b".repeat(32 << 10));
        assert_eq!(scan(&large), Err(WireError::HeadTooLarge));
    }

    #[test]
    fn scan_bare_line_feed_is_refused_at_once() {
        assert_eq!(scan("GET / HTTP/1.1\n"), Err(WireError::LineEnding));
        assert_eq!(scan("\n"), Err(WireError::LineEnding));
        assert_eq!(scan("GET / HTTP/1.1\r\nHost: a\n\n"), Err(WireError::LineEnding));
        assert_eq!(scan("\r\n\r\n\r\n"), Err(WireError::StartLine));
    }
}
