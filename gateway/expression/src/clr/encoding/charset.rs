//! `System.Text.Encoding`: the encodings that .NET has without further packages.

use super::utf7;
use crate::clr::exception::{Error, ExceptionKind, Result};
use crate::clr::text::{from_units, to_units, to_well_formed};

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `Encoding.UTF7`
    Utf7,
    /// `Encoding.UTF8`
    Utf8,
    /// `Encoding.ASCII`
    Ascii,
    /// ISO 8859-1
    Latin1,
    /// `Encoding.Unicode`: UTF-16, little-endian
    Utf16,
    /// `Encoding.BigEndianUnicode`
    Utf16BigEndian,
    /// `Encoding.UTF32`, little-endian
    Utf32,
    /// UTF-32, big-endian
    Utf32BigEndian,
}

const REGISTER: &str = "For information on defining a custom encoding, see the documentation for the \
                        Encoding.RegisterProvider method.";

impl Encoding {
    /// `Encoding.GetEncoding(name)`.
    ///
    /// # Errors
    /// `ArgumentException`.
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name.trim().to_ascii_lowercase().as_str() {
            "utf-7"
            | "csunicode11utf7"
            | "unicode-1-1-utf-7"
            | "unicode-2-0-utf-7"
            | "x-unicode-1-1-utf-7"
            | "x-unicode-2-0-utf-7" => Self::Utf7,
            "utf-8"
            | "unicode-1-1-utf-8"
            | "unicode-2-0-utf-8"
            | "x-unicode-1-1-utf-8"
            | "x-unicode-2-0-utf-8" => Self::Utf8,
            "us-ascii" | "ascii" | "us" | "ansi_x3.4-1968" | "ansi_x3.4-1986" | "cp367" | "csascii"
            | "ibm367" | "iso-ir-6" | "iso646-us" | "iso_646.irv:1991" => Self::Ascii,
            "iso-8859-1" | "iso_8859-1" | "iso8859-1" | "latin1" | "l1" | "cp819" | "ibm819"
            | "csisolatin1" | "iso-ir-100" | "iso_8859-1:1987" => Self::Latin1,
            "utf-16" | "utf-16le" | "unicode" | "ucs-2" | "iso-10646-ucs-2" => Self::Utf16,
            "utf-16be" | "unicodefffe" => Self::Utf16BigEndian,
            "utf-32" | "utf-32le" => Self::Utf32,
            "utf-32be" => Self::Utf32BigEndian,
            _ => {
                let text = format!("'{name}' is not a supported encoding name. {REGISTER}");
                return Err(Error::argument_for(&text, "name"));
            }
        })
    }

    /// `Encoding.GetEncoding(codepage)`; 0 is the default, UTF-8.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`, `NotSupportedException`.
    pub fn by_code_page(page: i32) -> Result<Self> {
        Ok(match page {
            65000 => Self::Utf7,
            0 | 65001 => Self::Utf8,
            20127 => Self::Ascii,
            28591 => Self::Latin1,
            1200 => Self::Utf16,
            1201 => Self::Utf16BigEndian,
            12000 => Self::Utf32,
            12001 => Self::Utf32BigEndian,
            _ if !(0..=65535).contains(&page) => {
                return Err(Error::out_of_range(
                    "Valid values are between 0 and 65535, inclusive.",
                    "codepage",
                ));
            }
            _ => {
                let text = format!("No data is available for encoding {page}. {REGISTER}");
                return Err(Error::new(ExceptionKind::NotSupported, text));
            }
        })
    }

    /// `WebName`.
    pub fn web_name(self) -> &'static str {
        match self {
            Self::Utf7 => "utf-7",
            Self::Utf8 => "utf-8",
            Self::Ascii => "us-ascii",
            Self::Latin1 => "iso-8859-1",
            Self::Utf16 => "utf-16",
            Self::Utf16BigEndian => "utf-16BE",
            Self::Utf32 => "utf-32",
            Self::Utf32BigEndian => "utf-32BE",
        }
    }

    /// `EncodingName`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf7 => "Unicode (UTF-7)",
            Self::Utf8 => "Unicode (UTF-8)",
            Self::Ascii => "US-ASCII",
            Self::Latin1 => "Western European (ISO)",
            Self::Utf16 => "Unicode",
            Self::Utf16BigEndian => "Unicode (Big-Endian)",
            Self::Utf32 => "Unicode (UTF-32)",
            Self::Utf32BigEndian => "Unicode (UTF-32 Big-Endian)",
        }
    }

    /// `CodePage`.
    pub fn code_page(self) -> i32 {
        match self {
            Self::Utf7 => 65000,
            Self::Utf8 => 65001,
            Self::Ascii => 20127,
            Self::Latin1 => 28591,
            Self::Utf16 => 1200,
            Self::Utf16BigEndian => 1201,
            Self::Utf32 => 12000,
            Self::Utf32BigEndian => 12001,
        }
    }

    /// `GetPreamble()`.
    pub fn preamble(self) -> &'static [u8] {
        match self {
            Self::Utf8 => &[0xEF, 0xBB, 0xBF],
            Self::Utf7 | Self::Ascii | Self::Latin1 => &[],
            Self::Utf16 => &[0xFF, 0xFE],
            Self::Utf16BigEndian => &[0xFE, 0xFF],
            Self::Utf32 => &[0xFF, 0xFE, 0, 0],
            Self::Utf32BigEndian => &[0, 0, 0xFE, 0xFF],
        }
    }

    /// `GetBytes(text)`; what the encoding has no code for becomes `?`, a lone surrogate U+FFFD.
    pub fn get_bytes(self, text: &str) -> Vec<u8> {
        if self == Self::Utf7 {
            return utf7::encode(&to_units(text));
        }
        let text = to_well_formed(text);
        match self {
            Self::Utf7 => Vec::new(),
            Self::Utf8 => text.into_owned().into_bytes(),
            Self::Ascii => narrow(&text, 0x80),
            Self::Latin1 => narrow(&text, 0x100),
            Self::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16BigEndian => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf32 => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            Self::Utf32BigEndian => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        }
    }

    /// `GetString(bytes)`; malformed bytes become U+FFFD, in ASCII `?`. A byte order mark stays.
    pub fn get_string(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf7 => from_units(&utf7::decode(bytes)),
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Ascii => {
                bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
            }
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Utf16 => utf16(bytes, u16::from_le_bytes),
            Self::Utf16BigEndian => utf16(bytes, u16::from_be_bytes),
            Self::Utf32 => utf32(bytes, u32::from_le_bytes),
            Self::Utf32BigEndian => utf32(bytes, u32::from_be_bytes),
        }
    }

    /// `GetEncodings()`, by their code pages.
    pub const ALL: [Self; 8] = [
        Self::Utf16,
        Self::Utf16BigEndian,
        Self::Utf32,
        Self::Utf32BigEndian,
        Self::Ascii,
        Self::Latin1,
        Self::Utf7,
        Self::Utf8,
    ];

    /// The bytes that `GetString(bytes, index, count)` reads.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`.
    pub fn part(bytes: &[u8], index: i32, count: i32) -> Result<&[u8]> {
        let negative = |parameter| Error::out_of_range("Non-negative number required.", parameter);
        let start = usize::try_from(index).map_err(|_| negative("index"))?;
        let count = usize::try_from(count).map_err(|_| negative("count"))?;
        bytes.get(start..start.saturating_add(count)).ok_or_else(|| {
            Error::out_of_range("Index and count must refer to a location within the buffer.", "bytes")
        })
    }
}

/// One byte a unit below `bound`, `?` for the others.
fn narrow(text: &str, bound: u16) -> Vec<u8> {
    to_units(text).into_iter().map(|unit| if unit < bound { unit as u8 } else { b'?' }).collect()
}

fn utf16(bytes: &[u8], read: impl Fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
    let mut text = to_well_formed(&from_units(&units)).into_owned();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

fn utf32(bytes: &[u8], read: impl Fn([u8; 4]) -> u32) -> String {
    let (fours, rest) = bytes.as_chunks::<4>();
    let replaced = |four: &[u8; 4]| char::from_u32(read(*four)).unwrap_or(char::REPLACEMENT_CHARACTER);
    let mut text: String = fours.iter().map(replaced).collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_those_of_dotnet() {
        let half = from_units(&[0xD83D]);
        let table: [(Encoding, &str, &[u8]); 8] = [
            (Encoding::Utf8, &half, &[0xEF, 0xBF, 0xBD]),
            (Encoding::Ascii, "aé😀", b"a???"),
            (Encoding::Latin1, "aé€", &[0x61, 0xE9, b'?']),
            (Encoding::Utf16, "a€", &[0x61, 0, 0xAC, 0x20]),
            (Encoding::Utf16BigEndian, "a", &[0, 0x61]),
            (Encoding::Utf32, "a😀", &[0x61, 0, 0, 0, 0, 0xF6, 1, 0]),
            (Encoding::Utf32BigEndian, "a", &[0, 0, 0, 0x61]),
            (Encoding::Utf8, "", &[]),
        ];
        for (encoding, text, bytes) in table {
            assert_eq!(encoding.get_bytes(text), bytes, "{encoding:?}");
        }
    }

    #[test]
    fn malformed_bytes_are_replaced_as_in_dotnet() {
        let table: [(Encoding, &[u8], &str); 6] = [
            (Encoding::Utf8, &[0xE2, 0x82, 0x41, 0xF0, 0x9F], "\u{FFFD}A\u{FFFD}"),
            (Encoding::Utf8, &[0xEF, 0xBB, 0xBF, 0x41], "\u{FEFF}A"),
            (Encoding::Ascii, &[65, 200], "A?"),
            (Encoding::Latin1, &[0xE9], "é"),
            (Encoding::Utf16, &[0x41, 0, 0x42], "A\u{FFFD}"),
            (Encoding::Utf16, &[0x3D, 0xD8], "\u{FFFD}"),
        ];
        for (encoding, bytes, text) in table {
            assert_eq!(encoding.get_string(bytes), text, "{encoding:?}");
        }
    }

    #[test]
    fn names_are_those_of_dotnet() {
        assert_eq!(Encoding::by_name("LATIN1").map(Encoding::web_name), Ok("iso-8859-1"));
        assert!(
            Encoding::by_name("UTF8")
                .unwrap_err()
                .message
                .starts_with("'UTF8' is not a supported encoding name.")
        );
        assert_eq!(Encoding::by_code_page(1252).unwrap_err().kind, ExceptionKind::NotSupported);
        assert!(Encoding::part(b"ABC", 1, 3).is_err());
    }

    proptest! {
        #[test]
        fn unicode_encodings_read_back(text: String) {
            for encoding in [Encoding::Utf7, Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                prop_assert_eq!(encoding.get_string(&encoding.get_bytes(&text)), to_well_formed(&text).into_owned());
            }
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            for page in [65000, 65001, 20127, 28591, 1200, 1201, 12000, 12001] {
                let _ = Encoding::by_code_page(page).map(|encoding| encoding.get_string(&bytes));
            }
        }
    }
}
