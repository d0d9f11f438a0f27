//! `Convert.ToBase64String` and `Convert.FromBase64String`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::clr::exception::{Error, Result};

/// Padding is demanded; the bits behind the last byte may be anything, as in .NET.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

const LINE: usize = 76;

/// `Convert.ToBase64String(bytes)`.
pub fn to_base64(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// `Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks)`: CR LF each 76 characters.
pub fn to_base64_lines(bytes: &[u8]) -> String {
    let whole = to_base64(bytes);
    let mut made = String::with_capacity(whole.len() + whole.len() / LINE * 2);
    for (index, c) in whole.char_indices() {
        if index > 0 && index % LINE == 0 {
            made.push_str("\r\n");
        }
        made.push(c);
    }
    made
}

/// `Convert.FromBase64String(text)`: white space (space, tab, CR, LF) is skipped.
///
/// # Errors
/// `FormatException`.
pub fn from_base64(text: &str) -> Result<Vec<u8>> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let decoded = if text.as_bytes().iter().any(&is_space) {
        let compact: Vec<u8> = text.bytes().filter(|byte| !is_space(byte)).collect();
        ENGINE.decode(compact)
    } else {
        ENGINE.decode(text)
    };
    decoded.map_err(|_| {
        Error::format(
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding \
             characters, or an illegal character among the padding characters.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_is_read_as_dotnet_reads_it() {
        let table: [(&str, Option<&[u8]>); 11] = [
            ("AQI=", Some(&[1, 2])),
            (" A Q\n I = ", Some(&[1, 2])),
            ("", Some(&[])),
            ("AR==", Some(&[1])),
            ("AQ=\t=", Some(&[1])),
            ("AQI", None),
            ("AQI==", None),
            ("A===", None),
            ("AQ==AQ==", None),
            ("AQ-_", None),
            ("\u{a0}AQI=", None),
        ];
        for (text, expected) in table {
            assert_eq!(from_base64(text).ok().as_deref(), expected, "{text:?}");
        }
        let lines = to_base64_lines(&[0; 60]);
        assert_eq!(lines.split("\r\n").map(str::len).collect::<Vec<_>>(), [76, 4]);
    }

    proptest! {
        #[test]
        fn bytes_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64(&to_base64(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(from_base64(&to_base64_lines(&bytes)), Ok(bytes));
        }
    }
}
