//! Rows of test vectors: tab-separated columns, the last one what .NET Core 3.1 gave for the others.
//! `!Type: text` in it is an exception. Columns escape as C# strings do; `<null>` is null.

use super::exception::Result;

/// The rows of a vector file, unescaped.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    text.lines().map(|line| line.split('\t').map(unescape).collect())
}

/// A result in the form of the last column.
pub fn outcome(result: Result<impl ToString>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => format!("!{}: {}", error.kind, error.message),
    }
}

fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match rest.next() {
            Some('n') => 10,
            Some('r') => 13,
            Some('t') => 9,
            Some('u') => {
                let hex: String = rest.by_ref().take(4).collect();
                u16::from_str_radix(&hex, 16).expect("four hex digits")
            }
            _ => u16::from(b'\\'),
        });
    }
    crate::clr::text::from_units(&units)
}
