//! `WebUtility.UrlEncode`/`UrlDecode`, `Uri.EscapeDataString`, `Uri.UnescapeDataString`, `Uri.EscapeUriString`.

use crate::clr::exception::{Error, ExceptionKind, Result};
use crate::clr::text::{has_lone_surrogate, to_well_formed};

fn push_percent(text: &mut String, byte: u8) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
    text.push('%');
    text.push(digit(byte >> 4));
    text.push(digit(byte & 15));
}

/// Escapes every byte of the UTF-8 form but the kept ones.
fn escape(bytes: &[u8], keep: impl Fn(u8) -> bool) -> String {
    let mut made = String::with_capacity(bytes.len() + bytes.len() / 4);
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || keep(*byte) {
            made.push(char::from(*byte));
        } else {
            push_percent(&mut made, *byte);
        }
    }
    made
}

/// `WebUtility.UrlEncodeToBytes`, as text: the bytes are ASCII.
pub fn url_encode_bytes(bytes: &[u8]) -> String {
    let keep = |byte| matches!(byte, b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' | b' ');
    escape(bytes, keep).replace(' ', "+")
}

/// `WebUtility.UrlEncode`: a space becomes `+`, hex digits are upper-case, `-_.!*()` stay.
pub fn url_encode(text: &str) -> String {
    url_encode_bytes(to_well_formed(text).as_bytes())
}

fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    Some((digit(at + 1)? * 16 + digit(at + 2)?) as u8)
}

/// `WebUtility.UrlDecodeToBytes`.
pub fn url_decode_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if let Some(decoded) = hex_byte(bytes, at) {
            made.push(decoded);
            at += 3;
        } else {
            made.push(if *byte == b'+' { b' ' } else { *byte });
            at += 1;
        }
    }
    made
}

/// `WebUtility.UrlDecode`: `+` is a space; bad escapes stay.
pub fn url_decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    String::from_utf8_lossy(&url_decode_bytes(text.as_bytes())).into_owned()
}

fn invalid_sequence() -> Error {
    Error::new(ExceptionKind::UriFormat, "Invalid URI: There is an invalid sequence in the string.")
}

/// `Uri.EscapeDataString`: all but the unreserved characters of RFC 3986.
///
/// # Errors
/// `UriFormatException` for a lone surrogate.
pub fn escape_data_string(text: &str) -> Result<String> {
    if has_lone_surrogate(text) {
        return Err(invalid_sequence());
    }
    Ok(escape(text.as_bytes(), |byte| matches!(byte, b'-' | b'_' | b'.' | b'~')))
}

/// `Uri.EscapeUriString`: all but the unreserved and the reserved characters; `%` is escaped.
///
/// # Errors
/// `UriFormatException` for a lone surrogate.
pub fn escape_uri_string(text: &str) -> Result<String> {
    if has_lone_surrogate(text) {
        return Err(invalid_sequence());
    }
    Ok(escape(text.as_bytes(), |byte| b"-_.~:/?#[]@!$&'()*+,;=".contains(&byte)))
}

/// `Uri.HexEscape`.
///
/// # Errors
/// `ArgumentOutOfRangeException` above U+00FF.
pub fn hex_escape(unit: u16) -> Result<String> {
    let byte = u8::try_from(unit).map_err(|_| Error::out_of_range_for("character"))?;
    let mut made = String::new();
    push_percent(&mut made, byte);
    Ok(made)
}

/// `Uri.UnescapeDataString`: escapes that are not UTF-8 stay as they are; `+` stays.
pub fn unescape_data_string(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        if hex_byte(bytes, at).is_none() {
            let rest = text.get(at..).unwrap_or_default();
            let next =
                rest.char_indices().skip(1).find(|(_, c)| *c == '%').map_or(rest.len(), |(next, _)| next);
            made.push_str(rest.get(..next).unwrap_or_default());
            at += next;
            continue;
        }
        // A run of escapes is decoded as one piece of UTF-8.
        let mut run = Vec::new();
        while let Some(byte) = hex_byte(bytes, at + run.len() * 3) {
            run.push(byte);
        }
        let mut seen = 0;
        for chunk in run.utf8_chunks() {
            made.push_str(chunk.valid());
            seen += chunk.valid().len();
            for place in seen..seen + chunk.invalid().len() {
                made.push_str(text.get(at + place * 3..at + place * 3 + 3).unwrap_or_default());
            }
            seen += chunk.invalid().len();
        }
        at += run.len() * 3;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_those_of_dotnet() {
        let all = " a+b/c?d=e&f~g'h(i)j*k!l-m_n.oé😀%";
        assert_eq!(url_encode(all), "+a%2Bb%2Fc%3Fd%3De%26f%7Eg%27h(i)j*k!l-m_n.o%C3%A9%F0%9F%98%80%25");
        assert_eq!(
            escape_data_string(all).unwrap(),
            "%20a%2Bb%2Fc%3Fd%3De%26f~g%27h%28i%29j%2Ak%21l-m_n.o%C3%A9%F0%9F%98%80%25"
        );
        assert_eq!(
            escape_uri_string("http://x/a b?c=d&e=é#f%20'[]{}|\\^`\"<>").unwrap(),
            "http://x/a%20b?c=d&e=%C3%A9#f%2520'[]%7B%7D%7C%5C%5E%60%22%3C%3E"
        );
        assert!(escape_data_string(&crate::clr::text::from_units(&[0xD83D])).is_err());
    }

    #[test]
    fn unescaping_keeps_what_is_malformed() {
        assert_eq!(url_decode("a+b%20c%C3%A9%u00e9%zz%4"), "a b cé%u00e9%zz%4");
        assert_eq!(url_decode("%F0%9F%98%80%FF"), "😀\u{FFFD}");
        let table = [
            ("a+b%20c%C3%A9%zz%4%FF%F0%9F%98%80%2f", "a+b cé%zz%4%FF😀/"),
            ("%E2%82", "%E2%82"),
            ("%C3%28", "%C3("),
            ("é%C3%A9", "éé"),
        ];
        for (text, expected) in table {
            assert_eq!(unescape_data_string(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn escapes_read_back(text: String) {
            let text = to_well_formed(&text).into_owned();
            prop_assert_eq!(url_decode(&url_encode(&text)), text.clone());
            prop_assert_eq!(unescape_data_string(&escape_data_string(&text).unwrap()), text);
        }

        #[test]
        fn any_text_is_unescaped(text in "[%0-9a-f+é]{0,30}|.*") {
            let _ = (url_decode(&text), unescape_data_string(&text));
        }
    }
}
