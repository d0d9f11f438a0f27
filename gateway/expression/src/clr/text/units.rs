//! UTF-16 units of UTF-8 text, and the form in which lone surrogates are kept.

use std::borrow::Cow;

use crate::clr::exception::{Error, ExceptionKind, Result};

/// Where the stand-ins of lone surrogates begin.
const STAND_IN: u32 = 0x0010_F800;
const SURROGATE: u16 = 0xD800;
const LOW_SURROGATE: u16 = 0xDC00;
const BEHIND_SURROGATES: u16 = 0xE000;

/// The surrogate that a character stands for.
fn lone_surrogate(c: char) -> Option<u16> {
    (u32::from(c) >= STAND_IN).then(|| (u32::from(c) - STAND_IN) as u16 + SURROGATE)
}

fn is_surrogate(unit: u16) -> bool {
    (SURROGATE..BEHIND_SURROGATES).contains(&unit)
}

fn is_high(unit: u16) -> bool {
    (SURROGATE..LOW_SURROGATE).contains(&unit)
}

/// One unit as one character: itself, or its stand-in.
pub(super) fn unit_to_char(unit: u16) -> char {
    let code = if is_surrogate(unit) { STAND_IN + u32::from(unit - SURROGATE) } else { u32::from(unit) };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn pair(high: u16, low: u16) -> char {
    char::decode_utf16([high, low])
        .next()
        .and_then(std::result::Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The UTF-16 units of a text.
pub fn units(text: &str) -> impl Iterator<Item = u16> + '_ {
    text.chars().flat_map(|c| {
        let mut buffer = [0; 2];
        let count = match lone_surrogate(c) {
            Some(unit) => {
                buffer[0] = unit;
                1
            }
            None => c.encode_utf16(&mut buffer).len(),
        };
        buffer.into_iter().take(count)
    })
}

/// [`units`], collected.
pub fn to_units(text: &str) -> Vec<u16> {
    units(text).collect()
}

/// The text of UTF-16 units; lone surrogates are kept as their stand-ins.
pub fn from_units(units: &[u16]) -> String {
    let mut text = String::with_capacity(units.len());
    for unit in units {
        push_unit(&mut text, *unit);
    }
    text
}

/// Appends one UTF-16 unit; a low surrogate joins a high one at the text's end.
pub fn push_unit(text: &mut String, unit: u16) {
    if is_surrogate(unit)
        && !is_high(unit)
        && let Some(high) = text.chars().next_back().and_then(lone_surrogate)
        && is_high(high)
    {
        text.pop();
        text.push(pair(high, unit));
    } else {
        text.push(unit_to_char(unit));
    }
}

/// Appends a text; halves of a pair that meet are joined.
pub fn append(text: &mut String, more: &str) {
    let mut rest = more.chars();
    match rest.next() {
        Some(first) if lone_surrogate(first).is_some() => {
            push_unit(text, lone_surrogate(first).unwrap_or_default());
            text.push_str(rest.as_str());
        }
        _ => text.push_str(more),
    }
}

/// Whether the text holds half a surrogate pair.
pub fn has_lone_surrogate(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| lone_surrogate(c).is_some())
}

/// The text as it leaves the engine: U+FFFD for each lone surrogate.
pub fn to_well_formed(text: &str) -> Cow<'_, str> {
    if !has_lone_surrogate(text) {
        return Cow::Borrowed(text);
    }
    let replace = |c| if lone_surrogate(c).is_some() { char::REPLACEMENT_CHARACTER } else { c };
    Cow::Owned(text.chars().map(replace).collect())
}

/// `Length`: UTF-16 units.
pub fn length(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(|c| if lone_surrogate(c).is_some() { 1 } else { c.len_utf16() }).sum()
}

/// `text[index]`.
///
/// # Errors
/// `IndexOutOfRangeException`.
pub fn unit_at(text: &str, index: i32) -> Result<u16> {
    let found = usize::try_from(index).ok().and_then(|index| {
        if text.is_ascii() {
            text.as_bytes().get(index).map(|b| u16::from(*b))
        } else {
            units(text).nth(index)
        }
    });
    found.ok_or_else(|| Error::of(ExceptionKind::IndexOutOfRange))
}

/// The byte at which a unit starts; `None` inside a pair and behind the end.
fn byte_of(text: &str, unit: usize) -> Option<usize> {
    let mut at = 0;
    for (byte, c) in text.char_indices() {
        if at >= unit {
            return (at == unit).then_some(byte);
        }
        at += if lone_surrogate(c).is_some() { 1 } else { c.len_utf16() };
    }
    (at == unit).then_some(text.len())
}

/// Units `start..end`, which lie within the text; what lies behind its end is left out.
pub fn slice_units(text: &str, start: usize, end: usize) -> Cow<'_, str> {
    if text.is_ascii() {
        let end = end.min(text.len());
        return Cow::Borrowed(text.get(start.min(end)..end).unwrap_or_default());
    }
    if let (Some(first), Some(last)) = (byte_of(text, start), byte_of(text, end))
        && let Some(part) = text.get(first..last)
    {
        return Cow::Borrowed(part);
    }
    let part: Vec<u16> = units(text).skip(start).take(end.saturating_sub(start)).collect();
    Cow::Owned(from_units(&part))
}

/// Every unit as a character of its own, so that character indices are unit indices.
pub(super) fn explode(text: &str) -> String {
    units(text).map(unit_to_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_of_a_pair_survive_apart_and_join_again() {
        let mut text = slice_units("x😀y", 0, 2).into_owned();
        assert_eq!(to_units(&text), [0x78, 0xD83D]);
        assert!(has_lone_surrogate(&text));
        assert_eq!(to_well_formed(&text), "x\u{FFFD}");
        append(&mut text, &slice_units("x😀y", 2, 4));
        assert_eq!(text, "x😀y");
    }

    #[test]
    fn length_counts_units() {
        assert_eq!(length("😀a"), 3);
        assert_eq!(length(&from_units(&[0xDC00, 0xD800])), 2);
    }

    proptest! {
        #[test]
        fn units_read_back_to_themselves(units: Vec<u16>) {
            prop_assert_eq!(to_units(&from_units(&units)), units);
        }

        #[test]
        fn slices_are_the_units_between(text: String, a in 0usize..20, b in 0usize..20) {
            let all = to_units(&text);
            let (start, end) = (a.min(b).min(all.len()), a.max(b).min(all.len()));
            prop_assert_eq!(to_units(&slice_units(&text, start, end)), &all[start..end]);
        }
    }
}
