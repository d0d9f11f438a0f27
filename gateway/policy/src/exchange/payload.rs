//! The message that a section is about, as policies that transform or validate bodies see it.

use gateway_expression::clr::encoding::Encoding;

use super::Exchange;
use crate::fault::{Fault, Section};
use crate::message::{Body, Headers, Response};
use crate::pipeline::Needs;
use crate::ports::Ports;

/// Whether policies of the section are about the request (inbound, backend) or the response.
pub fn edits_request(section: Section) -> bool {
    matches!(section, Section::Inbound | Section::Backend)
}

/// The body that policies of the section read.
pub fn needs(section: Section) -> Needs {
    let request = edits_request(section);
    Needs { request_body: request, response_body: !request }
}

/// A content type without its parameters, lower case.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type is JSON: `application/json`, `text/json` or `*+json`.
pub fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    matches!(&*essence, "application/json" | "text/json") || essence.ends_with("+json")
}

/// Whether a content type is XML: `application/xml`, `text/xml` or `*+xml`.
pub fn is_xml(content_type: &str) -> bool {
    let essence = essence(content_type);
    matches!(&*essence, "application/xml" | "text/xml") || essence.ends_with("+xml")
}

/// Text of a body: by the charset that its content type names, else UTF-8; a byte order mark is dropped.
pub fn decode(bytes: &[u8], content_type: &str) -> String {
    let charset = content_type.split(';').map(str::trim).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    let encoding = match bytes {
        [0xff, 0xfe, ..] => Encoding::Utf16,
        [0xfe, 0xff, ..] => Encoding::Utf16BigEndian,
        _ => charset.and_then(|name| Encoding::by_name(name).ok()).unwrap_or(Encoding::Utf8),
    };
    let text = encoding.get_string(bytes);
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

impl Exchange {
    /// Whether the section that runs is about the request.
    pub fn is_about_request(&self) -> bool {
        edits_request(self.section)
    }

    /// The buffered body that the section is about.
    pub fn payload(&self) -> &[u8] {
        if self.is_about_request() {
            self.request.body.buffered()
        } else {
            self.response.as_ref().map_or(&[][..], |response| response.body.buffered())
        }
    }

    /// The fields of that message; `None` while there is no response.
    pub fn payload_headers(&self) -> Option<&Headers> {
        if self.is_about_request() {
            Some(&self.request.headers)
        } else {
            self.response.as_ref().map(|response| &response.headers)
        }
    }

    /// Its content type; empty when there is none.
    pub fn payload_type(&self) -> &str {
        self.payload_headers().and_then(|headers| headers.get_str("Content-Type")).unwrap_or_default()
    }

    /// Reads that body into memory.
    pub async fn buffer_payload(&mut self, ports: &dyn Ports) -> Result<(), Fault> {
        if self.is_about_request() {
            self.buffer_request(ports).await
        } else {
            self.buffer_response(ports).await
        }
    }

    /// Its body as text.
    pub fn payload_text(&self) -> String {
        decode(self.payload(), self.payload_type())
    }

    /// Replaces that body. A body made anew is not encoded any more as the old one was; it has the content type
    /// given, if one is.
    pub fn set_payload(&mut self, body: Body, content_type: Option<&'static str>) {
        let headers = if self.is_about_request() {
            self.set_request_body(body);
            &mut self.request.headers
        } else {
            self.set_response_body(body);
            &mut self.response.get_or_insert_with(|| Response::new(200)).headers
        };
        headers.remove("Content-Encoding");
        if let Some(content_type) = content_type {
            // A constant is a valid value; only the size bound of the fields could refuse it.
            let _ = headers.set("Content-Type", content_type.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_follows_mark_then_charset() {
        for (bytes, content_type, expected) in [
            (&b"\xef\xbb\xbfa"[..], "", "a"),
            (b"\xe9", "text/plain; charset=\"iso-8859-1\"", "é"),
            (b"\xff\xfea\0", "application/json; charset=utf-8", "a"),
            (b"\0a", "text/xml; charset=UTF-16BE", "a"),
            (b"a\xff", "text/plain; charset=unknown", "a\u{fffd}"),
        ] {
            assert_eq!(decode(bytes, content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn kinds_of_content() {
        for json in ["application/json", "Text/JSON; charset=utf-8", "application/hal+json"] {
            assert!(is_json(json) && !is_xml(json), "{json}");
        }
        for xml in ["application/xml", "text/xml;v=1", "application/soap+xml"] {
            assert!(is_xml(xml) && !is_json(xml), "{xml}");
        }
        assert!(!is_json("") && !is_xml("text/plain"));
    }
}
