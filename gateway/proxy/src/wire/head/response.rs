//! Response heads of backends, which are not trusted either (`reliability-security.md` U-04).

use std::mem::MaybeUninit;

use gateway_policy::message::{Headers, Method, standard_reason};

use super::{
    FIELDS_MAX, FieldFacts, Framing, HeadLimits, HeadScan, Version, remove_nominated, syntax_error,
    version_of,
};
use crate::wire::fields::{self, Known};
use crate::wire::{ReadBuffer, WireError};

/// A validated response without its body.
#[derive(Debug)]
pub struct ResponseHead {
    /// 100–999. 1xx other than 101 are followed by another head.
    pub status: u16,
    /// Empty when it is the standard one of the status.
    pub reason: String,
    pub headers: Headers,
    pub framing: Framing,
    pub version: Version,
    /// Whether the connection can be used again once the body is read.
    pub keep_alive: bool,
}

/// Parses one whole head, as found by `HeadScan`. The method of the request decides about the body.
pub fn parse_response(head: &[u8], method: &Method) -> Result<ResponseHead, WireError> {
    let mut table = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut parsed, head, &mut table).map_err(syntax_error)? {
        httparse::Status::Complete(length) if length == head.len() => {}
        _ => return Err(WireError::StartLine),
    }
    let version = version_of(parsed.version);
    let status = parsed.code.filter(|code| (100..=999).contains(code)).ok_or(WireError::StartLine)?;
    let mut headers = Headers::with_capacity(head.len());
    let facts = read_fields(parsed.headers, &mut headers)?;
    facts.check_framing(version)?;
    if facts.nominated {
        remove_nominated(&mut headers);
    }
    let framing = framing(status, method, &facts)?;
    let reason = parsed.reason.unwrap_or_default();
    Ok(ResponseHead {
        status,
        reason: if reason == standard_reason(status) { String::new() } else { reason.to_owned() },
        headers,
        framing,
        version,
        keep_alive: facts.stays_open(version) && framing != Framing::UntilClose,
    })
}

fn read_fields(parsed: &[httparse::Header<'_>], headers: &mut Headers) -> Result<FieldFacts, WireError> {
    let mut facts = FieldFacts::default();
    for field in parsed {
        match fields::known(field.name) {
            Known::ContentLength => facts.content_length(field.value)?,
            Known::TransferEncoding => facts.transfer_encoding(field.value)?,
            // A backend that nominates a protected field gets no say, but is not worth failing the call.
            Known::Connection => facts.connection(field.value, |_| true)?,
            _ => {}
        }
        headers.append(field.name, field.value).map_err(|_| WireError::Field)?;
    }
    Ok(facts)
}

/// RFC 9112 §6.3. A body where there must be none would be taken for the next response.
fn framing(status: u16, method: &Method, facts: &FieldFacts) -> Result<Framing, WireError> {
    let has_body = facts.chunked || facts.content_length.is_some_and(|length| length > 0);
    match status {
        100..=199 | 204 if has_body => Err(WireError::UnexpectedBody),
        100..=199 | 204 | 304 => Ok(Framing::None),
        _ if *method == Method::Head => Ok(Framing::None),
        _ if facts.chunked => Ok(Framing::Chunked),
        _ => Ok(match facts.content_length {
            Some(0) => Framing::None,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        }),
    }
}

impl ReadBuffer {
    /// Looks for a response at the start of the buffer and takes it out.
    pub fn take_response(
        &mut self,
        scan: &mut HeadScan,
        limits: &HeadLimits,
        method: &Method,
    ) -> Result<Option<ResponseHead>, WireError> {
        let Some(span) = scan.advance(self.data(), limits)? else { return Ok(None) };
        // Nothing may precede a status line.
        if span.start != 0 {
            return Err(WireError::StartLine);
        }
        let head = parse_response(self.data().get(..span.end).unwrap_or_default(), method)?;
        self.consume(span.end);
        *scan = HeadScan::default();
        Ok(Some(head))
    }
}
