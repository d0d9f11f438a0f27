//! Values of literals.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::Piece;
use crate::cut::skip_opaque;
use crate::span::Span;
use crate::syntax::Constant;

type Wrong = (&'static str, &'static str);

const TOO_LARGE: Wrong = ("CS1021", "Integral constant is too large");
const BAD_NUMBER: Wrong = ("CS1013", "Invalid number");
const BAD_ESCAPE: Wrong = ("CS1009", "Unrecognized escape sequence");

/// The number at the start of the text and its length.
pub(super) fn number(text: &str) -> Result<(Constant, usize), (&'static str, &'static str, usize)> {
    let lower = text.get(..2).unwrap_or_default().to_ascii_lowercase();
    let radix = match lower.as_str() {
        "0x" => 16,
        "0b" => 2,
        _ => return decimal(text),
    };
    let body = text.get(2..).unwrap_or_default();
    let length = body.find(|c: char| !(c.is_digit(radix) || c == '_')).unwrap_or(body.len());
    let digits: String = body.chars().take(length).filter(|c| *c != '_').collect();
    let after = |wrong: Wrong| (wrong.0, wrong.1, 2 + length);
    if digits.is_empty() {
        return Err(after(BAD_NUMBER));
    }
    let value = u64::from_str_radix(&digits, radix).map_err(|_| after(TOO_LARGE))?;
    let (constant, suffix) = integer(value, body.get(length..).unwrap_or_default());
    Ok((constant, 2 + length + suffix))
}

fn decimal(text: &str) -> Result<(Constant, usize), (&'static str, &'static str, usize)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    let mut real = false;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        real = true;
        end = digits(end + 1);
    }
    if bytes.get(end).is_some_and(|b| matches!(b, b'e' | b'E')) {
        let sign = usize::from(bytes.get(end + 1).is_some_and(|b| matches!(b, b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            real = true;
            end = digits(end + 1 + sign);
        }
    }
    let plain: String = text.chars().take(end).filter(|c| *c != '_').collect();
    let wrong = |w: Wrong| (w.0, w.1, end);
    let suffix = bytes.get(end).map(u8::to_ascii_lowercase).unwrap_or_default();
    let constant = match suffix {
        b'f' => Constant::F32(plain.parse().map_err(|_| wrong(BAD_NUMBER))?),
        b'd' => Constant::F64(plain.parse().map_err(|_| wrong(BAD_NUMBER))?),
        b'm' => Constant::Decimal(money(&plain).ok_or(wrong(BAD_NUMBER))?),
        _ if real => {
            let value: f64 = plain.parse().map_err(|_| wrong(BAD_NUMBER))?;
            if value.is_infinite() {
                return Err(("CS0594", "Floating-point constant is outside the range of type 'double'", end));
            }
            return Ok((Constant::F64(value), end));
        }
        _ => {
            let value = plain.parse().map_err(|_| wrong(TOO_LARGE))?;
            let (constant, suffix) = integer(value, text.get(end..).unwrap_or_default());
            return Ok((constant, end + suffix));
        }
    };
    Ok((constant, end + 1))
}

fn money(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

/// Types an integer by its size and suffix; gives the suffix's length.
fn integer(value: u64, rest: &str) -> (Constant, usize) {
    let letters: String = rest.chars().take(2).collect::<String>().to_ascii_lowercase();
    let (unsigned, long, length) = match letters.as_str() {
        "ul" | "lu" => (true, true, 2),
        other if other.starts_with('u') => (true, false, 1),
        other if other.starts_with('l') => (false, true, 1),
        _ => (false, false, 0),
    };
    let constant = if unsigned && long {
        Constant::U64(value)
    } else if unsigned {
        u32::try_from(value).map_or(Constant::U64(value), Constant::U32)
    } else if long {
        i64::try_from(value).map_or(Constant::U64(value), Constant::I64)
    } else if let Ok(value) = i32::try_from(value) {
        Constant::I32(value)
    } else if let Ok(value) = u32::try_from(value) {
        Constant::U32(value)
    } else {
        i64::try_from(value).map_or(Constant::U64(value), Constant::I64)
    };
    (constant, length)
}

/// The identifier at the start of the text, its escapes resolved, and its length in the text.
pub(super) fn identifier(text: &str, is_part: fn(char) -> bool) -> (Cow<'_, str>, usize) {
    let (mut word, mut at) = (Cow::Borrowed(""), 0);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        // Adding to nothing borrows: only an escape makes a text of its own.
        word += rest.get(..length).unwrap_or_default();
        at += length;
        match escaped_char(rest.get(length..).unwrap_or_default()) {
            Some((c, length)) if is_part(c) => {
                word.to_mut().push(c);
                at += length;
            }
            _ => return (word, at),
        }
    }
}

/// `\uHHHH` or `\UHHHHHHHH`, and its length.
fn escaped_char(text: &str) -> Option<(char, usize)> {
    let length = if text.starts_with("\\u") {
        6
    } else if text.starts_with("\\U") {
        10
    } else {
        return None;
    };
    let value = u32::from_str_radix(text.get(2..length)?, 16).ok()?;
    Some((char::from_u32(value)?, length))
}

/// Where the first escape stands that is none.
pub(super) fn bad_escape(source: &str) -> usize {
    let mut at = 0;
    while let Some(found) = source.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        let escape = source.get(at..).unwrap_or_default();
        let length = escape.chars().nth(1).map_or(1, char::len_utf8) + 1;
        // Digits that are missing end the escape at whatever stands there.
        let whole = (length..=10).filter_map(|n| escape.get(..n)).any(|part| unescape(part).is_ok());
        if !whole {
            return at;
        }
        at += length;
    }
    0
}

/// `'x'` with its quotes.
pub(super) fn character(source: &str) -> Result<Constant, Wrong> {
    let body = source.get(1..source.len().saturating_sub(1)).unwrap_or_default();
    let units: Vec<u16> = unescape(body)?;
    match units.as_slice() {
        [unit] => Ok(Constant::Char(*unit)),
        [] => Err(("CS1011", "Empty character literal")),
        _ => Err(("CS1012", "Too many characters in character literal")),
    }
}

/// The inside of a regular string.
pub(super) fn regular(body: &str) -> Result<String, Wrong> {
    if !body.contains('\\') {
        return Ok(body.to_owned());
    }
    Ok(String::from_utf16_lossy(&unescape(body)?))
}

fn unescape(body: &str) -> Result<Vec<u16>, Wrong> {
    let mut units = Vec::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut buffer));
            continue;
        }
        let plain = match chars.next().ok_or(BAD_ESCAPE)? {
            '\'' => '\'',
            '"' => '"',
            '\\' => '\\',
            '0' => '\0',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            kind @ ('x' | 'u' | 'U') => {
                let (least, most) = match kind {
                    'x' => (1, 4),
                    'u' => (4, 4),
                    _ => (8, 8),
                };
                let (mut value, mut count) = (0u32, 0);
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)).filter(|_| count < most) {
                    value = value << 4 | digit;
                    count += 1;
                    chars.next();
                }
                if count < least {
                    return Err(BAD_ESCAPE);
                }
                if let Ok(unit) = u16::try_from(value) {
                    units.push(unit);
                    continue;
                }
                char::from_u32(value).ok_or(BAD_ESCAPE)?
            }
            _ => return Err(BAD_ESCAPE),
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    Ok(units)
}

/// An interpolated string with its `$`, `@` and quotes; `base` is where it starts in the text.
pub(super) fn interpolated(source: &str, base: usize) -> Result<Vec<Piece>, Wrong> {
    let verbatim = source.get(..2).unwrap_or_default().contains('@');
    let bytes = source.as_bytes();
    let (mut at, end) = (if verbatim { 3 } else { 2 }, source.len().saturating_sub(1));
    let (mut pieces, mut text_from) = (Vec::new(), at);
    let mut plain = String::new();
    let take = |from: usize, to: usize, plain: &mut String| -> Result<(), Wrong> {
        let raw = source.get(from..to).unwrap_or_default();
        plain.push_str(&if verbatim { raw.replace("\"\"", "\"") } else { regular(raw)? });
        Ok(())
    };
    while at < end {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\\'), _) if !verbatim => at += 2,
            (Some(b'{'), Some(b'{')) | (Some(b'}'), Some(b'}')) => {
                take(text_from, at + 1, &mut plain)?;
                at += 2;
                text_from = at;
            }
            (Some(b'}'), _) => {
                return Err((
                    "CS8086",
                    "A '}' character must be escaped (by doubling) in an interpolated string.",
                ));
            }
            (Some(b'{'), _) => {
                take(text_from, at, &mut plain)?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let (piece, next) = hole(source, base, at + 1, verbatim)?;
                pieces.push(piece);
                at = next;
                text_from = at;
            }
            _ => at += 1,
        }
    }
    take(text_from, end, &mut plain)?;
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// A hole from after its `{`; gives the place after its `}`.
fn hole(source: &str, base: usize, start: usize, verbatim: bool) -> Result<(Piece, usize), Wrong> {
    const OPEN: Wrong =
        ("CS8076", "Missing close delimiter '}' for interpolated expression started with '{'.");
    let bytes = source.as_bytes();
    let (mut at, mut depth) = (start, 0usize);
    let mut colon = None;
    loop {
        match bytes.get(at).ok_or(OPEN)? {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b':' if depth == 0 => {
                colon = Some(at);
                at += bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'}')).ok_or(OPEN)?;
                break;
            }
            _ => {
                if let Some(end) = skip_opaque(bytes, at).map_err(|_| OPEN)? {
                    at = end;
                    continue;
                }
            }
        }
        at += 1;
    }
    let value_end = colon.unwrap_or(at);
    if source.get(start..value_end).unwrap_or_default().trim().is_empty() {
        return Err(("CS1733", "Expected expression"));
    }
    let format = colon.map(|from| source.get(from + 1..at).unwrap_or_default());
    let format = match format {
        Some(raw) if verbatim => Some(raw.replace("\"\"", "\"")),
        Some(raw) => Some(regular(raw)?),
        None => None,
    };
    let value = Span::new(base + start, base + value_end);
    Ok((Piece::Hole { value, format }, at + 1))
}
