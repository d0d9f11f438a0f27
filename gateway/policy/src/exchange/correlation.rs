//! The place of a request in a distributed trace: W3C Trace Context and the older `Request-Id`, in and out
//! (`self-hosted-gateway.md` §4.3.5).

use std::sync::Arc;

use uuid::Uuid;

use crate::message::Headers;

const TRACEPARENT: &str = "traceparent";
const REQUEST_ID: &str = "Request-Id";
const REQUEST_CONTEXT: &str = "Request-Context";
/// Of an application id; a longer one is none.
const APPLICATION_BYTES_MAX: usize = 128;

/// Which fields are read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protocols {
    /// `traceparent`.
    pub w3c: bool,
    /// `Request-Id`.
    pub legacy: bool,
}

impl Protocols {
    pub fn any(self) -> bool {
        self.w3c || self.legacy
    }
}

/// Trace, own span, and the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correlation {
    pub trace_id: [u8; 16],
    pub span: [u8; 8],
    /// The caller's span, when it named one.
    pub parent: Option<[u8; 8]>,
    /// Bit 0: sampled.
    pub flags: u8,
    pub protocols: Protocols,
}

impl Correlation {
    /// Goes on with the caller's trace if its fields name one, else begins one that has the request's id.
    pub fn of(request: Uuid, headers: &Headers, protocols: Protocols) -> Self {
        let own = request.into_bytes();
        let [_, _, _, _, _, _, _, _, span @ ..] = own;
        let told = |wanted: bool, name| headers.get_str(name).filter(|_| wanted);
        let w3c = told(protocols.w3c, TRACEPARENT).and_then(parse);
        let legacy = || told(protocols.legacy, REQUEST_ID).and_then(parse_legacy);
        match w3c.or_else(legacy) {
            Some((trace_id, parent, flags)) => {
                Self { trace_id, span, parent: Some(parent), flags, protocols }
            }
            None => Self { trace_id: own, span, parent: None, flags: 1, protocols },
        }
    }

    /// The span of the call to the backend: it differs from the request's in every bit.
    pub fn backend_span(&self) -> [u8; 8] {
        self.span.map(|byte| !byte)
    }

    /// Another span within the request; numbers differ, so do spans.
    pub fn child_span(&self, number: u64) -> [u8; 8] {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15; // odd: no two of 2^64 numbers meet
        u64::from_be_bytes(self.span).wrapping_add(STEP.wrapping_mul(number + 1)).to_be_bytes()
    }

    /// Tells the other side of a call its span, in the fields that no policy has set.
    pub fn tell(&self, span: [u8; 8], headers: &mut Headers) {
        let mut set = |wanted: bool, name: &str, value: &dyn Fn() -> String| {
            if wanted && !headers.was_set(name) {
                // The value is ASCII; it cannot be refused.
                let _ = headers.set(name, value().as_bytes());
            }
        };
        set(self.protocols.w3c, TRACEPARENT, &|| {
            let mut text = String::with_capacity(55);
            text.push_str("00-");
            push_hex(&mut text, &self.trace_id);
            text.push('-');
            push_hex(&mut text, &span);
            text.push_str(if self.flags & 1 == 0 { "-00" } else { "-01" });
            text
        });
        set(self.protocols.legacy, REQUEST_ID, &|| {
            let mut text = String::with_capacity(51);
            text.push('|');
            push_hex(&mut text, &self.trace_id);
            text.push('.');
            push_hex(&mut text, &span);
            text.push('.');
            text
        });
    }
}

/// Application ids of Application Insights, by which components name each other in the older protocol.
#[derive(Debug, Default)]
pub struct Applications {
    /// Of the component that the request's telemetry goes to, without `cid-v1:`.
    pub own: Option<Arc<str>>,
    /// As the caller told it.
    pub caller: Option<Box<str>>,
    /// As the backend's answer told it.
    pub backend: Option<Box<str>>,
}

impl Applications {
    /// Tells the other side of a call our own, unless a policy has set the field.
    pub fn tell(&self, headers: &mut Headers) {
        if !headers.was_set(REQUEST_CONTEXT) {
            self.set(headers);
        }
    }

    /// Tells the caller our own in place of the backend's, unless a policy has set another one.
    pub fn answer(&self, headers: &mut Headers) {
        if application(headers) == self.backend {
            self.set(headers);
        }
    }

    fn set(&self, headers: &mut Headers) {
        if let Some(own) = &self.own {
            // It was read from a connection string as letters, digits and dashes.
            let _ = headers.set(REQUEST_CONTEXT, format!("appId=cid-v1:{own}").as_bytes());
        }
    }
}

/// The application id that a message tells, with its `cid-v1:`: `Request-Context: appId=cid-v1:…`, among other pairs.
pub fn application(headers: &Headers) -> Option<Box<str>> {
    let pairs = headers.get_str(REQUEST_CONTEXT)?.split(',').filter_map(|pair| pair.split_once('='));
    let id = pairs
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("appId"))
        .map(|(_, id)| id.trim())
        .next()?;
    let fits =
        (1..=APPLICATION_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| id.into())
}

/// Lower-case digits; without the machinery of `fmt`, as every request with a trace comes by here.
fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    for bytes in bytes.chunks(16) {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        text.push_str(str::from_utf8(digits.get(..2 * bytes.len()).unwrap_or_default()).unwrap_or_default());
    }
}

/// `00-<trace id>-<parent id>-<flags>` (W3C Trace Context §3.2); later versions may have more behind it.
fn parse(text: &str) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut parts = text.trim().split('-');
    let [version] = hex(parts.next()?)?;
    let trace_id: [u8; 16] = hex(parts.next()?)?;
    let parent: [u8; 8] = hex(parts.next()?)?;
    let [flags] = hex(parts.next()?)?;
    let whole = version != 0xff && (version != 0 || parts.next().is_none());
    (whole && trace_id != [0; 16] && parent != [0; 8]).then_some((trace_id, parent, flags))
}

/// `|<root>.<span>.…`: the root as a trace id, and the innermost span, where both are of that form.
fn parse_legacy(text: &str) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut parts = text.trim().strip_prefix('|')?.split(['.', '_']).filter(|part| !part.is_empty());
    let trace_id: [u8; 16] = hex(parts.next()?)?;
    let parent: [u8; 8] = hex(parts.next_back()?)?;
    (trace_id != [0; 16]).then_some((trace_id, parent, 1))
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
    const BOTH: Protocols = Protocols { w3c: true, legacy: true };

    fn of(fields: &[(&str, &str)], protocols: Protocols) -> (Correlation, Headers) {
        let mut headers = Headers::new();
        fields.iter().for_each(|(name, value)| headers.append(name, value.as_bytes()).unwrap());
        headers.mark_received();
        (Correlation::of(Uuid::from_u128(7), &headers, protocols), headers)
    }

    #[test]
    fn callers_trace_goes_on_with_a_span_of_our_own() {
        let (here, mut headers) = of(&[("traceparent", GOOD), ("Request-Id", "|x.")], BOTH);
        assert_eq!(here.parent, Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
        here.tell(here.backend_span(), &mut headers);
        let out = headers.get_str("traceparent").unwrap();
        assert!(out.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && out.ends_with("-01"), "{out}");
        assert!(parse(out).is_some_and(|(_, parent, _)| parent == here.backend_span()));
        let legacy = headers.get_str("Request-Id").unwrap();
        assert_eq!(
            parse_legacy(legacy).map(|(trace, parent, _)| (trace, parent)),
            parse(out).map(|(t, p, _)| (t, p))
        );
        assert_ne!(here.backend_span(), here.span);
        let children: std::collections::HashSet<[u8; 8]> = (0..200).map(|n| here.child_span(n)).collect();
        assert!(children.len() == 200 && !children.contains(&here.span));
    }

    #[test]
    fn older_field_is_read_where_it_is_wanted_and_a_policys_own_stays() {
        let legacy = "|0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331.";
        let (here, _) = of(&[("Request-Id", legacy)], BOTH);
        assert_eq!((here.trace_id[0], here.parent.map(|parent| parent[0])), (0x0a, Some(0xb7)));
        let (here, mut headers) = of(&[("Request-Id", legacy)], Protocols { w3c: true, legacy: false });
        assert_eq!(here.parent, None);
        headers.set("traceparent", b"mine").unwrap();
        here.tell(here.backend_span(), &mut headers);
        assert_eq!(headers.get_str("traceparent"), Some("mine"));
        assert_eq!(headers.get_str("Request-Id"), Some(legacy));
    }

    #[test]
    fn application_ids_are_told_and_read() {
        let read = |text: &str| {
            let mut headers = Headers::new();
            headers.append("request-context", text.as_bytes()).unwrap();
            application(&headers).map(String::from)
        };
        assert_eq!(read("appId=cid-v1:a-1").as_deref(), Some("cid-v1:a-1"));
        assert_eq!(read("roleName=x, AppId = cid-v1:b").as_deref(), Some("cid-v1:b"));
        for text in ["", "appId=", "appId", "other=1", "appId=a b", &format!("appId={}", "x".repeat(129))] {
            assert_eq!(read(text), None, "{text}");
        }
        let ours = Applications { own: Some("own".into()), ..Applications::default() };
        let (_, mut headers) = of(&[("Request-Context", "appId=cid-v1:theirs")], BOTH);
        ours.tell(&mut headers);
        assert_eq!(headers.get_str("Request-Context"), Some("appId=cid-v1:own"));
        headers.set("Request-Context", b"mine").unwrap();
        Applications { own: Some("other".into()), ..Applications::default() }.tell(&mut headers);
        assert_eq!(headers.get_str("Request-Context"), Some("mine"));
        for (answered, told) in [
            (None, "appId=cid-v1:own"),
            (Some("appId=cid-v1:theirs"), "appId=cid-v1:own"),
            (Some("appId=cid-v1:a-policys"), "appId=cid-v1:a-policys"),
        ] {
            let backend = answered.map(|_| "cid-v1:theirs".into());
            let mut headers = Headers::new();
            answered.iter().for_each(|text| headers.append("Request-Context", text.as_bytes()).unwrap());
            Applications { own: Some("own".into()), backend, caller: None }.answer(&mut headers);
            assert_eq!(headers.get_str("Request-Context"), Some(told));
        }
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
            let (here, _) = of(&[("traceparent", text)], BOTH);
            assert_eq!((here.parent, here.trace_id[15]), (None, 7), "{text}");
        }
        assert!(parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        for text in [
            "",
            "|",
            "|0af7651916cd43dd8448eb211c80319c.",
            "0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331",
        ] {
            assert_eq!(parse_legacy(text), None, "{text}");
        }
    }
}
