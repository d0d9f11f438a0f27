//! Members of `string` that make another string.

use super::case::upper;
use super::compare::fold;
use super::units::{append, from_units, length, slice_units, to_units, unit_to_char};
use crate::clr::exception::{Error, Result};

const NEGATIVE_START: &str = "StartIndex cannot be less than zero.";

fn start_of(start: i32) -> Result<usize> {
    usize::try_from(start).map_err(|_| Error::out_of_range(NEGATIVE_START, "startIndex"))
}

/// `Substring(start)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn substring_from(text: &str, start: i32) -> Result<String> {
    let all = length(text);
    let start = checked_start(start, all)?;
    Ok(slice_units(text, start, all).into_owned())
}

fn checked_start(start: i32, all: usize) -> Result<usize> {
    let start = start_of(start)?;
    if start > all {
        return Err(Error::out_of_range("startIndex cannot be larger than length of string.", "startIndex"));
    }
    Ok(start)
}

/// `Substring(start, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn substring(text: &str, start: i32, count: i32) -> Result<String> {
    let all = length(text);
    let start = checked_start(start, all)?;
    let count = usize::try_from(count)
        .map_err(|_| Error::out_of_range("Length cannot be less than zero.", "length"))?;
    if count > all - start {
        return Err(Error::out_of_range(
            "Index and length must refer to a location within the string.",
            "length",
        ));
    }
    Ok(slice_units(text, start, start + count).into_owned())
}

/// `Remove(start)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn remove_from(text: &str, start: i32) -> Result<String> {
    let start = start_of(start)?;
    if start >= length(text) {
        return Err(Error::out_of_range("startIndex must be less than length of string.", "startIndex"));
    }
    Ok(slice_units(text, 0, start).into_owned())
}

/// `Remove(start, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn remove(text: &str, start: i32, count: i32) -> Result<String> {
    let start = start_of(start)?;
    let count = usize::try_from(count)
        .map_err(|_| Error::out_of_range("Count cannot be less than zero.", "count"))?;
    let all = length(text);
    if start.saturating_add(count) > all {
        return Err(Error::out_of_range(
            "Index and count must refer to a location within the string.",
            "count",
        ));
    }
    let mut kept = slice_units(text, 0, start).into_owned();
    append(&mut kept, &slice_units(text, start + count, all));
    Ok(kept)
}

/// `Insert(start, part)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn insert(text: &str, start: i32, part: &str) -> Result<String> {
    let all = length(text);
    let at = usize::try_from(start).ok().filter(|at| *at <= all);
    let at = at.ok_or_else(|| Error::out_of_range_for("startIndex"))?;
    let mut made = slice_units(text, 0, at).into_owned();
    append(&mut made, part);
    append(&mut made, &slice_units(text, at, all));
    Ok(made)
}

/// `PadLeft(width, unit)`.
///
/// # Errors
/// `ArgumentOutOfRangeException` for a negative width.
pub fn pad_left(text: &str, width: i32, unit: u16) -> Result<String> {
    let mut made = padding(text, width, unit)?;
    append(&mut made, text);
    Ok(made)
}

/// `PadRight(width, unit)`.
///
/// # Errors
/// `ArgumentOutOfRangeException` for a negative width.
pub fn pad_right(text: &str, width: i32, unit: u16) -> Result<String> {
    let padding = padding(text, width, unit)?;
    let mut made = text.to_owned();
    append(&mut made, &padding);
    Ok(made)
}

fn padding(text: &str, width: i32, unit: u16) -> Result<String> {
    let width = usize::try_from(width)
        .map_err(|_| Error::out_of_range("Non-negative number required.", "totalWidth"))?;
    let missing = width.saturating_sub(length(text));
    Ok(std::iter::repeat_n(unit_to_char(unit), missing).collect())
}

/// `new string(unit, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException` for a negative count.
pub fn repeat_unit(unit: u16, count: i32) -> Result<String> {
    let count = usize::try_from(count)
        .map_err(|_| Error::out_of_range("Count cannot be less than zero.", "count"))?;
    Ok(std::iter::repeat_n(unit_to_char(unit), count).collect())
}

/// `Replace(old, new)`; a null `new` deletes.
///
/// # Errors
/// `ArgumentException` for an empty `old`.
pub fn replace(text: &str, old: &str, new: Option<&str>, ignore_case: bool) -> Result<String> {
    if old.is_empty() {
        return Err(Error::argument_for("String cannot be of zero length.", "oldValue"));
    }
    let new = new.unwrap_or_default();
    if !ignore_case {
        return Ok(text.replace(old, new));
    }
    // Folding keeps the number of characters, so positions in the folded text are positions in the text.
    let folded = fold(text);
    let old = fold(old);
    let mut made = String::with_capacity(text.len());
    let mut original = text.chars();
    let mut rest: &str = &folded;
    while let Some(at) = rest.find(old.as_ref()) {
        let before = rest.get(..at).map_or(0, |part| part.chars().count());
        made.extend(original.by_ref().take(before));
        made.push_str(new);
        let skipped = old.chars().count();
        original.by_ref().take(skipped).for_each(drop);
        rest = rest.get(at + old.len()..).unwrap_or_default();
    }
    made.push_str(original.as_str());
    debug_assert!(folded.chars().zip(text.chars()).all(|(folded, c)| folded == upper(c)));
    Ok(made)
}

/// `Replace(old, new)` of single units.
pub fn replace_unit(text: &str, old: u16, new: u16) -> String {
    if old < 0x80 && new < 0x80 {
        return text.replace(unit_to_char(old), unit_to_char(new).encode_utf8(&mut [0; 4]));
    }
    let mut all = to_units(text);
    for unit in &mut all {
        if *unit == old {
            *unit = new;
        }
    }
    from_units(&all)
}

fn is_trimmed(c: char, set: &[char]) -> bool {
    if set.is_empty() { c.is_whitespace() } else { set.contains(&c) }
}

fn trim_set(units: &[u16]) -> Vec<char> {
    units.iter().map(|unit| unit_to_char(*unit)).collect()
}

/// `Trim(units)`; no units = white space.
pub fn trim<'a>(text: &'a str, units: &[u16]) -> &'a str {
    let set = trim_set(units);
    text.trim_matches(|c| is_trimmed(c, &set))
}

/// `TrimStart(units)`; no units = white space.
pub fn trim_start<'a>(text: &'a str, units: &[u16]) -> &'a str {
    let set = trim_set(units);
    text.trim_start_matches(|c| is_trimmed(c, &set))
}

/// `TrimEnd(units)`; no units = white space.
pub fn trim_end<'a>(text: &'a str, units: &[u16]) -> &'a str {
    let set = trim_set(units);
    text.trim_end_matches(|c| is_trimmed(c, &set))
}

/// `string.IsNullOrWhiteSpace`.
pub fn is_null_or_white_space(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.chars().all(char::is_whitespace))
}

/// `string.Concat` of texts; null counts as empty.
pub fn concat<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    join("", parts)
}

/// `string.Join`; null counts as empty.
pub fn join<'a>(separator: &str, parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut made = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            append(&mut made, separator);
        }
        append(&mut made, part.unwrap_or_default());
    }
    made
}

/// `string.Join(separator, parts, start, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn join_part(separator: &str, parts: &[Option<&str>], start: i32, count: i32) -> Result<String> {
    let start = start_of(start)?;
    let count =
        usize::try_from(count).map_err(|_| Error::out_of_range("Count cannot be less than 0.", "count"))?;
    let part = parts.get(start..start.saturating_add(count)).ok_or_else(|| {
        Error::out_of_range("Index and count must refer to a location within the buffer.", "startIndex")
    })?;
    Ok(join(separator, part.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn ranges_outside_the_text_are_refused_with_dotnet_texts() {
        let table = [
            (
                message(substring_from("abc", -1)),
                "StartIndex cannot be less than zero. (Parameter 'startIndex')",
            ),
            (
                message(substring_from("abc", 4)),
                "startIndex cannot be larger than length of string. (Parameter 'startIndex')",
            ),
            (
                message(substring("abc", 1, 3)),
                "Index and length must refer to a location within the string. (Parameter 'length')",
            ),
            (message(substring("abc", 1, -1)), "Length cannot be less than zero. (Parameter 'length')"),
            (
                message(remove_from("abc", 3)),
                "startIndex must be less than length of string. (Parameter 'startIndex')",
            ),
            (
                message(remove("abc", 1, 5)),
                "Index and count must refer to a location within the string. (Parameter 'count')",
            ),
            (
                message(insert("abc", 4, "x")),
                "Specified argument was out of the range of valid values. (Parameter 'startIndex')",
            ),
            (message(pad_left("abc", -1, 32)), "Non-negative number required. (Parameter 'totalWidth')"),
            (
                message(replace("abc", "", None, false)),
                "String cannot be of zero length. (Parameter 'oldValue')",
            ),
        ];
        for (actual, expected) in table {
            assert_eq!(actual, expected);
        }
    }

    #[test]
    fn members_give_what_dotnet_gives() {
        let star = u16::from(b'*');
        let table = [
            (substring_from("abc", 3), ""),
            (remove_from("abc", 1), "a"),
            (remove("a😀c", 1, 2), "ac"),
            (insert("a😀", 3, "x"), "a😀x"),
            (pad_left("abc", 5, star), "**abc"),
            (pad_right("abc", 5, star), "abc**"),
            (repeat_unit(star, 3), "***"),
            (replace("aaa", "aa", Some("b"), false), "ba"),
            (replace("abc", "b", None, false), "ac"),
            (replace("aßBc", "b", Some("x"), true), "aßxc"),
        ];
        for (actual, expected) in table {
            assert_eq!(actual.unwrap(), expected);
        }
        assert_eq!(trim("\u{a0}\u{2003}a\u{200b}", &[]), "a\u{200b}");
        assert_eq!(trim("xyaxy", &[u16::from(b'x'), u16::from(b'y')]), "a");
        assert_eq!(join(",", [Some("a"), None, Some("b")]), "a,,b");
        assert_eq!(join_part(",", &[Some("a"), Some("b"), Some("c")], 1, 2).unwrap(), "b,c");
    }

    proptest! {
        #[test]
        fn cutting_and_joining_gives_the_text_back(text in ".*", at in 0i32..12) {
            let at = at.min(length(&text) as i32);
            let mut made = substring(&text, 0, at).unwrap();
            append(&mut made, &substring_from(&text, at).unwrap());
            prop_assert_eq!(made, text);
        }

        #[test]
        fn no_argument_panics(text in ".*", part in ".{0,3}", a: i32, b: i32) {
            let _ = substring(&text, a, b);
            let _ = remove(&text, a, b);
            let _ = insert(&text, a, &part);
            let _ = replace(&text, &part, Some("x"), true);
            let _ = super::super::index_of(&text, &part, Some(a), Some(b), true);
            let _ = super::super::last_index_of(&text, &part, Some(a), Some(b), true);
        }
    }
}
