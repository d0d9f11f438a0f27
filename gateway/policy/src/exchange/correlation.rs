//! The place of a request in a distributed trace: W3C Trace Context, in and out.

use std::fmt::Write;

use uuid::Uuid;

/// Trace, own span, and the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correlation {
    pub trace_id: [u8; 16],
    pub span: [u8; 8],
    /// The caller's span, when it named one.
    pub parent: Option<[u8; 8]>,
    /// Bit 0: sampled.
    pub flags: u8,
}

impl Correlation {
    /// Goes on with the caller's trace if `traceparent` is one, else begins one that has the request's id.
    pub fn of(request: Uuid, traceparent: Option<&str>) -> Self {
        let own = request.into_bytes();
        let [_, _, _, _, _, _, _, _, span @ ..] = own;
        match traceparent.and_then(parse) {
            Some((trace_id, parent, flags)) => Self { trace_id, span, parent: Some(parent), flags },
            None => Self { trace_id: own, span, parent: None, flags: 1 },
        }
    }

    /// The span of the call to the backend: it differs from the request's in every bit.
    pub fn backend_span(&self) -> [u8; 8] {
        self.span.map(|byte| !byte)
    }

    /// `traceparent` for the backend (W3C Trace Context §3.2).
    pub fn traceparent(&self) -> String {
        let mut out = String::with_capacity(55);
        out.push_str("00-");
        let mut hex = |bytes: &[u8]| {
            for byte in bytes {
                let _ = write!(out, "{byte:02x}"); // a `String` takes all
            }
            out.push('-');
        };
        hex(&self.trace_id);
        hex(&self.backend_span());
        let _ = write!(out, "{:02x}", self.flags & 1);
        out
    }
}

/// `00-<trace id>-<parent id>-<flags>`; later versions may have more behind it.
fn parse(text: &str) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut parts = text.trim().split('-');
    let [version] = hex(parts.next()?)?;
    let trace_id: [u8; 16] = hex(parts.next()?)?;
    let parent: [u8; 8] = hex(parts.next()?)?;
    let [flags] = hex(parts.next()?)?;
    let whole = version != 0xff && (version != 0 || parts.next().is_none());
    (whole && trace_id != [0; 16] && parent != [0; 8]).then_some((trace_id, parent, flags))
}

/// Lower-case digits only.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn callers_trace_goes_on_with_a_span_of_our_own() {
        let request = Uuid::from_u128(7);
        let here = Correlation::of(request, Some(GOOD));
        assert_eq!(here.parent, Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
        let out = here.traceparent();
        assert!(out.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && out.ends_with("-01"), "{out}");
        assert!(parse(&out).is_some_and(|(_, parent, _)| parent == here.backend_span()));
        assert_ne!(here.backend_span(), here.span);
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        ] {
            let here = Correlation::of(Uuid::from_u128(7), Some(text));
            assert_eq!((here.parent, here.trace_id[15]), (None, 7), "{text}");
        }
        assert!(parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
    }
}
