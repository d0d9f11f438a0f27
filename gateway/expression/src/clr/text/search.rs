//! `IndexOf`, `LastIndexOf` and their kin; positions are UTF-16 units, -1 means not found.

use std::borrow::Cow;

use super::compare::fold;
use super::units::{explode, has_lone_surrogate, length, slice_units, units};
use crate::clr::exception::{Error, Result};

const INDEX_TEXT: &str =
    "Index was out of range. Must be non-negative and less than the size of the collection.";
const COUNT_TEXT: &str =
    "Count must be positive and count must refer to a location within the string/array/collection.";

fn bad_index() -> Error {
    Error::out_of_range(INDEX_TEXT, "startIndex")
}

fn bad_count() -> Error {
    Error::out_of_range(COUNT_TEXT, "count")
}

/// `Contains`.
pub fn contains(text: &str, part: &str, ignore_case: bool) -> bool {
    if ignore_case {
        find(text, part, true, false).is_some()
    } else {
        text.contains(part) || find(text, part, false, false).is_some()
    }
}

/// The first (or last) unit at which `part` stands in `text`.
fn find(text: &str, part: &str, ignore_case: bool, last: bool) -> Option<usize> {
    let (text, part) =
        if ignore_case { (fold(text), fold(part)) } else { (Cow::Borrowed(text), Cow::Borrowed(part)) };
    let (text, part) = if has_lone_surrogate(&part) {
        // Half a pair may match inside a whole one.
        (Cow::Owned(explode(&text)), Cow::Owned(explode(&part)))
    } else {
        (text, part)
    };
    let byte = if last { text.rfind(part.as_ref()) } else { text.find(part.as_ref()) }?;
    text.get(..byte).map(length)
}

/// `text.IndexOf(part, start, count)`; without `start` from the beginning, without `count` to the end.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn index_of(
    text: &str,
    part: &str,
    start: Option<i32>,
    count: Option<i32>,
    ignore_case: bool,
) -> Result<i32> {
    let (start, end) = forward(text, start, count)?;
    let found = find(&slice_units(text, start, end), part, ignore_case, false);
    Ok(found.map_or(-1, |at| (at + start) as i32))
}

/// `text.LastIndexOf(part, start, count)`: the search begins at unit `start` and looks at `count` units
/// before and including it.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn last_index_of(
    text: &str,
    part: &str,
    start: Option<i32>,
    count: Option<i32>,
    ignore_case: bool,
) -> Result<i32> {
    let all = length(text);
    if all == 0 && matches!(start, None | Some(-1 | 0)) {
        return Ok(if part.is_empty() { 0 } else { -1 });
    }
    let mut start = start.map_or(Ok(all), |start| usize::try_from(start).map_err(|_| bad_index()))?;
    if start > all {
        return Err(bad_index());
    }
    let mut count = count.map_or(Ok(start + 1), |count| usize::try_from(count).map_err(|_| bad_count()))?;
    if start == all {
        // One behind the end is taken as the end.
        start = start.saturating_sub(1);
        count = count.saturating_sub(1);
    }
    if count > start + 1 {
        return Err(bad_count());
    }
    if part.is_empty() {
        return Ok(start as i32);
    }
    let first = start + 1 - count;
    let found = find(&slice_units(text, first, start + 1), part, ignore_case, true);
    Ok(found.map_or(-1, |at| (at + first) as i32))
}

/// `text.IndexOfAny(chars, start, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn index_of_any(text: &str, any: &[u16], start: Option<i32>, count: Option<i32>) -> Result<i32> {
    let (start, end) = forward(text, start, count)?;
    let found = units(text).enumerate().skip(start).take(end - start).find(|(_, unit)| any.contains(unit));
    Ok(found.map_or(-1, |(at, _)| at as i32))
}

/// `text.LastIndexOfAny(chars, start, count)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn last_index_of_any(text: &str, any: &[u16], start: Option<i32>, count: Option<i32>) -> Result<i32> {
    let all = length(text);
    if all == 0 {
        return Ok(-1);
    }
    let start = start.map_or(Ok(all - 1), |start| usize::try_from(start).map_err(|_| bad_index()))?;
    if start >= all {
        return Err(bad_index());
    }
    let count = count.map_or(Ok(start + 1), |count| usize::try_from(count).map_err(|_| bad_count()))?;
    let Some(first) = (start + 1).checked_sub(count) else { return Err(bad_count()) };
    let window = units(text).enumerate().skip(first).take(count);
    Ok(window.filter(|(_, unit)| any.contains(unit)).last().map_or(-1, |(at, _)| at as i32))
}

/// The window of a forward search, checked.
fn forward(text: &str, start: Option<i32>, count: Option<i32>) -> Result<(usize, usize)> {
    let all = length(text);
    let start = usize::try_from(start.unwrap_or(0)).map_err(|_| bad_index())?;
    if start > all {
        return Err(bad_index());
    }
    match count {
        None => Ok((start, all)),
        Some(count) => {
            let count = usize::try_from(count).map_err(|_| bad_count())?;
            if count > all - start { Err(bad_count()) } else { Ok((start, start + count)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_of_matches_dotnet() {
        let table = [
            ("abc", "", None, None, Ok(0)),
            ("abc", "", Some(3), None, Ok(3)),
            ("abc", "", Some(4), None, Err(bad_index())),
            ("abc", "a", Some(-1), None, Err(bad_index())),
            ("abc", "a", Some(1), Some(5), Err(bad_count())),
            ("a😀b😀", "b", None, None, Ok(3)),
            ("a😀b😀", "😀", Some(2), None, Ok(4)),
        ];
        for (text, part, start, count, expected) in table {
            assert_eq!(index_of(text, part, start, count, false), expected, "{text} {part}");
        }
        assert_eq!(index_of("abC", "c", None, None, true), Ok(2));
    }

    #[test]
    fn index_of_half_a_pair_finds_it_inside_the_whole() {
        let low = crate::clr::text::from_units(&[0xDE00]);
        assert_eq!(index_of("a😀", &low, None, None, false), Ok(2));
        assert!(contains("a😀", &low, false));
    }

    #[test]
    fn last_index_of_matches_dotnet() {
        let table = [
            ("abc", "", None, None, Ok(2)),
            ("", "", None, None, Ok(0)),
            ("", "a", None, None, Ok(-1)),
            ("", "b", Some(-1), None, Ok(-1)),
            ("abcabc", "b", Some(3), None, Ok(1)),
            ("abcabc", "b", Some(6), None, Ok(4)),
            ("abcabc", "b", Some(7), None, Err(bad_index())),
            ("abcabc", "b", Some(-1), None, Err(bad_index())),
            ("abcabc", "bc", Some(4), Some(2), Ok(-1)),
            ("abcabc", "bc", Some(5), Some(2), Ok(4)),
            ("abcabc", "b", Some(4), Some(9), Err(bad_count())),
            ("abcabc", "", Some(3), None, Ok(3)),
            ("abcabc", "", Some(6), None, Ok(5)),
            ("abc", "c", Some(2), Some(1), Ok(2)),
        ];
        for (text, part, start, count, expected) in table {
            assert_eq!(last_index_of(text, part, start, count, false), expected, "{text} {part} {start:?}");
        }
    }

    #[test]
    fn any_of_several_units_is_found() {
        let any = [u16::from(b'c'), u16::from(b'b')];
        assert_eq!(index_of_any("abc", &any, None, None), Ok(1));
        assert_eq!(last_index_of_any("abcb", &any, None, None), Ok(3));
        assert_eq!(last_index_of_any("", &any, None, None), Ok(-1));
    }
}
