//! Simple (one to one) case mapping of all of Unicode, as .NET 8 does it for the invariant culture.

use super::units::{from_units, to_units};

/// Characters that only full mapping changes into ASCII; .NET leaves them alone.
fn is_fixed(c: char) -> bool {
    matches!(c, '\u{130}' | '\u{131}' | '\u{17F}')
}

/// Greek letters with iota subscript: full mapping splits them, simple mapping does not.
fn upper_with_iota(c: char) -> Option<char> {
    let code = u32::from(c);
    let shift = match code {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => 9,
        _ => return None,
    };
    char::from_u32(code + shift)
}

pub(super) fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    if is_fixed(c) {
        return c;
    }
    if let Some(upper) = upper_with_iota(c) {
        return upper;
    }
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(lower), None) if !is_fixed(c) => lower,
        _ => c,
    }
}

/// `ToUpper` and `ToUpperInvariant`.
pub fn to_upper(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(upper).collect() }
}

/// `ToLower` and `ToLowerInvariant`.
pub fn to_lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(lower).collect() }
}

/// `char.ToUpper`.
pub fn upper_unit(unit: u16) -> u16 {
    single(unit, to_upper)
}

/// `char.ToLower`.
pub fn lower_unit(unit: u16) -> u16 {
    single(unit, to_lower)
}

fn single(unit: u16, map: impl Fn(&str) -> String) -> u16 {
    to_units(&map(&from_units(&[unit]))).first().copied().unwrap_or(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_never_changes_the_number_of_units() {
        for c in (0..=0x0010_FFFF_u32).filter_map(char::from_u32) {
            assert_eq!(upper(c).len_utf16(), c.len_utf16(), "{c:?}");
            assert_eq!(lower(c).len_utf16(), c.len_utf16(), "{c:?}");
        }
    }

    #[test]
    fn mapping_is_simple() {
        assert_eq!(to_upper("straße ǆ ı ﬁ ᾳ"), "STRAßE Ǆ ı ﬁ ᾼ");
        assert_eq!(to_lower("ΣΑΣ İ"), "σασ İ");
        assert_eq!(upper_unit(u16::from(b'q')), u16::from(b'Q'));
        assert_eq!(lower_unit(0xD83D), 0xD83D);
    }
}
