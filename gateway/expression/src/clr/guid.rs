//! `System.Guid` as 16 bytes in the order of its text. `ToByteArray` has the first three fields reversed.

use super::exception::{Error, Result};

const DASHES: &str = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).";
const HEX_ONLY: &str = "Guid string should only contain hexadecimal characters.";

/// `ToString()`: `00112233-4455-6677-8899-aabbccddeeff`.
pub fn text(guid: &[u8; 16]) -> String {
    let hex = digits(guid);
    let mut made = String::with_capacity(36);
    for (index, c) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            made.push('-');
        }
        made.push(c);
    }
    made
}

fn digits(guid: &[u8; 16]) -> String {
    guid.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// `ToString(format)`: `D`, `N`, `B`, `P` or `X`; an empty format is `D`.
///
/// # Errors
/// `FormatException`.
pub fn format(guid: &[u8; 16], format: &str) -> Result<String> {
    match format {
        "" | "D" | "d" => Ok(text(guid)),
        "N" | "n" => Ok(digits(guid)),
        "B" | "b" => Ok(format!("{{{}}}", text(guid))),
        "P" | "p" => Ok(format!("({})", text(guid))),
        "X" | "x" => {
            let hex = digits(guid);
            let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
            let bytes: Vec<String> =
                (8..16).map(|index| format!("0x{}", part(index * 2, index * 2 + 2))).collect();
            let bytes = bytes.join(",");
            Ok(format!("{{0x{},0x{},0x{},{{{bytes}}}}}", part(0, 8), part(8, 12), part(12, 16)))
        }
        _ => Err(Error::format(
            "Format string can be only \"D\", \"d\", \"N\", \"n\", \"P\", \"p\", \"B\", \"b\", \"X\" or \"x\".",
        )),
    }
}

/// `ToByteArray()`.
pub fn to_bytes(guid: &[u8; 16]) -> [u8; 16] {
    let mut bytes = *guid;
    for field in [0..4, 4..6, 6..8] {
        bytes[field].reverse();
    }
    bytes
}

/// `new Guid(bytes)`.
///
/// # Errors
/// `ArgumentException` unless there are 16.
pub fn from_bytes(bytes: &[u8]) -> Result<[u8; 16]> {
    let bytes: [u8; 16] = bytes
        .try_into()
        .map_err(|_| Error::argument_for("Byte array for GUID must be exactly 16 bytes long.", "b"))?;
    // The reversal undoes itself.
    Ok(to_bytes(&bytes))
}

/// `GetHashCode()`.
pub fn hash_code(guid: &[u8; 16]) -> i32 {
    // The runtime keeps the fields little-endian in memory.
    let bytes = to_bytes(guid);
    let words = bytes.as_chunks::<4>().0.iter().map(|four| i32::from_le_bytes(*four));
    words.fold(0, |hash, word| hash ^ word)
}

/// `Guid.Parse`: all formats, white space around.
///
/// # Errors
/// `FormatException`.
pub fn parse(text: &str) -> Result<[u8; 16]> {
    let text = text.trim();
    match text.as_bytes().first() {
        None => Err(Error::format("Unrecognized Guid format.")),
        Some(b'(') => dashed(enclosed(text, '(', ')')?),
        Some(b'{') if text.contains('-') => dashed(enclosed(text, '{', '}')?),
        Some(b'{') => braced(text),
        Some(_) if text.contains('-') => dashed(text),
        Some(_) => plain(text),
    }
}

/// `Guid.ParseExact(text, format)`.
///
/// # Errors
/// `FormatException`.
pub fn parse_exact(text: &str, format: &str) -> Result<[u8; 16]> {
    let text = text.trim();
    match format {
        "D" | "d" => dashed(text),
        "N" | "n" => plain(text),
        "B" | "b" => dashed(enclosed(text, '{', '}')?),
        "P" | "p" => dashed(enclosed(text, '(', ')')?),
        "X" | "x" => braced(text),
        _ => self::format(&[0; 16], format).map(|_| [0; 16]),
    }
}

fn enclosed(text: &str, open: char, close: char) -> Result<&str> {
    let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inner.filter(|inner| inner.len() == 36).ok_or_else(|| Error::format(DASHES))
}

fn plain(text: &str) -> Result<[u8; 16]> {
    if text.chars().count() != 32 {
        return Err(Error::format(DASHES));
    }
    assemble(text)
}

fn dashed(text: &str) -> Result<[u8; 16]> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() != 36 {
        return Err(Error::format(DASHES));
    }
    if [8, 13, 18, 23].iter().any(|place| chars.get(*place) != Some(&'-')) {
        return Err(Error::format("Dashes are in the wrong position for GUID parsing."));
    }
    let mut hex: String = text.split('-').map(field).collect();
    hex.retain(|c| c != '-');
    assemble(&hex)
}

/// The runtime reads each field as a number: a sign or `0x` in front is taken.
fn field(part: &str) -> String {
    let digits = part.strip_prefix('+').unwrap_or(part);
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    let width = part.len();
    format!("{digits:0>width$}")
}

fn assemble(hex: &str) -> Result<[u8; 16]> {
    let value = hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u128::from_str_radix(hex, 16).ok());
    value.flatten().map(u128::to_be_bytes).ok_or_else(|| Error::format(HEX_ONLY))
}

/// `{0x…,0x…,0x…,{0x…,…}}`
fn braced(text: &str) -> Result<[u8; 16]> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let missing_end = || Error::format("Could not find the ending brace.");
    let body = compact.strip_prefix('{').ok_or_else(|| Error::format("Expected {0xdddddddd, etc}."))?;
    let (fields, bytes) =
        body.split_once(",{").ok_or_else(|| Error::format("Expected {0xdddddddd, etc}."))?;
    let bytes = bytes.strip_suffix("}}").ok_or_else(missing_end)?;
    let mut hex = String::with_capacity(32);
    let widths = [8, 4, 4].into_iter().chain(std::iter::repeat_n(2, 8));
    let parts: Vec<&str> = fields.split(',').chain(bytes.split(',')).collect();
    if parts.len() != 11 {
        return Err(Error::format(
            "Could not find a comma, or the length between the previous token and the comma was zero (i.e., '0x,'etc.).",
        ));
    }
    for (part, width) in parts.into_iter().zip(widths) {
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        let digits =
            digits.filter(|digits| !digits.is_empty()).ok_or_else(|| Error::format("Expected 0x prefix."))?;
        if digits.len() > width {
            let what = if width == 2 { "an unsigned byte" } else { "a UInt32" };
            return Err(Error::format(format!("Value was either too large or too small for {what}.")));
        }
        let padded = format!("{digits:0>width$}");
        hex.push_str(&padded);
    }
    assemble(&hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::vectors::outcome;
    use proptest::prelude::*;

    const TEXT: &str = "00112233-4455-6677-8899-aabbccddeeff";

    #[test]
    fn texts_are_read_as_dotnet_reads_them() {
        let table = [
            ("00112233445566778899AABBCCDDEEFF", TEXT),
            (" 00112233-4455-6677-8899-aabbccddeeff ", TEXT),
            ("{00112233-4455-6677-8899-aabbccddeeff}", TEXT),
            ("(00112233-4455-6677-8899-aabbccddeeff)", TEXT),
            ("{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}", TEXT),
            ("+0112233-4455-6677-8899-aabbccddeeff", TEXT),
            ("0x112233-4455-6677-8899-aabbccddeeff", TEXT),
            ("{0x1, 0x2,0x3,{0x4,0x5,0x6,0x7,0x8,0x9,0xa,0xb}}", "00000001-0002-0003-0405-060708090a0b"),
            (
                "x",
                "!System.FormatException: Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
            ),
            ("", "!System.FormatException: Unrecognized Guid format."),
            (
                "{00112233-4455-6677-8899-aabbccddeeff)",
                "!System.FormatException: Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
            ),
            (
                "00112233-4455-6677-8899-aabbccddeefg",
                "!System.FormatException: Guid string should only contain hexadecimal characters.",
            ),
            (
                "00112233_4455-6677-8899-aabbccddeeff",
                "!System.FormatException: Dashes are in the wrong position for GUID parsing.",
            ),
        ];
        for (input, expected) in table {
            assert_eq!(outcome(parse(input).map(|guid| text(&guid))), expected, "{input}");
        }
    }

    #[test]
    fn formats_and_bytes_are_those_of_dotnet() {
        let guid = parse(TEXT).unwrap();
        assert_eq!(format(&guid, "N").unwrap(), "00112233445566778899aabbccddeeff");
        assert_eq!(format(&guid, "B").unwrap(), "{00112233-4455-6677-8899-aabbccddeeff}");
        assert_eq!(format(&guid, "p").unwrap(), "(00112233-4455-6677-8899-aabbccddeeff)");
        assert_eq!(
            format(&guid, "X").unwrap(),
            "{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}"
        );
        assert!(format(&guid, "Q").unwrap_err().message.starts_with("Format string can be only"));
        assert_eq!(
            to_bytes(&guid),
            [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]
        );
        assert_eq!(hash_code(&guid), 572_662_306);
        assert!(from_bytes(&[0; 3]).is_err());
    }

    proptest! {
        #[test]
        fn every_format_reads_back(bytes: [u8; 16]) {
            for format in ["D", "N", "B", "P", "X"] {
                prop_assert_eq!(parse(&super::format(&bytes, format).unwrap()), Ok(bytes));
            }
            prop_assert_eq!(from_bytes(&to_bytes(&bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_answered(text in "[-{}(),0-9a-fx +]{0,70}|.{0,40}") {
            let _ = parse(&text);
        }
    }
}
