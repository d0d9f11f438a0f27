//! Escapes inside a URI.

const UNRESERVED: &[u8] = b"-._~";
const RESERVED: &[u8] = b";/?:@&=+$,#[]!'()*";

fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    Some((digit(at + 1)? * 16 + digit(at + 2)?) as u8)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte)
}

/// Escapes what is not allowed, and unescapes what need not be escaped; other escapes stay as written.
pub(super) fn normalize(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match hex_byte(bytes, at) {
            Some(decoded) if is_unreserved(decoded) => {
                made.push(char::from(decoded));
                at += 3;
            }
            Some(_) => {
                made.push_str(text.get(at..at + 3).unwrap_or_default());
                at += 3;
            }
            None if is_unreserved(*byte) || RESERVED.contains(byte) => {
                made.push(char::from(*byte));
                at += 1;
            }
            None => {
                let escape = format!("%{byte:02X}");
                made.push_str(&escape);
                at += 1;
            }
        }
    }
    made
}

/// Whether nothing in the text needs escaping.
pub(super) fn is_escaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if hex_byte(bytes, at).is_some() {
            at += 3;
        } else if is_unreserved(*byte) || RESERVED.contains(byte) || !byte.is_ascii() {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

/// The form for people: escapes of reserved characters, `%`, `\` and control characters stay.
pub(super) fn display(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let mut run = Vec::new();
        while let Some(byte) = hex_byte(bytes, at + run.len() * 3) {
            run.push(byte);
        }
        if run.is_empty() {
            let rest = text.get(at..).unwrap_or_default();
            let next =
                rest.char_indices().skip(1).find(|(_, c)| *c == '%').map_or(rest.len(), |(next, _)| next);
            made.push_str(rest.get(..next).unwrap_or_default());
            at += next;
            continue;
        }
        let mut place = at;
        for chunk in run.utf8_chunks() {
            for c in chunk.valid().chars() {
                let kept = c.is_ascii_control()
                    || matches!(c, '%' | '\\')
                    || (c.is_ascii() && RESERVED.contains(&(c as u8)));
                let width = c.len_utf8() * 3;
                if kept {
                    made.push_str(text.get(place..place + width).unwrap_or_default());
                } else {
                    made.push(c);
                }
                place += width;
            }
            let width = chunk.invalid().len() * 3;
            made.push_str(text.get(place..place + width).unwrap_or_default());
            place += width;
        }
        at += run.len() * 3;
    }
    made
}
