//! Comparison: ordinal or ordinal without case. Under the invariant culture of a runtime without ICU the
//! culture-sensitive comparisons are the same; a collator would be hooked in here.

use std::borrow::Cow;

use super::case::{to_upper, upper};
use super::units::{length, slice_units, units};
use crate::clr::exception::{Error, Result};

/// Whether a `StringComparison` value (0–5) ignores case.
///
/// # Errors
/// `ArgumentException` for a value outside the enumeration.
pub fn ignores_case(comparison: i32) -> Result<bool> {
    match comparison {
        0 | 2 | 4 => Ok(false),
        1 | 3 | 5 => Ok(true),
        _ => Err(Error::argument_for(
            "The string comparison type passed in is currently not supported.",
            "comparisonType",
        )),
    }
}

/// `string.Equals`.
pub fn equals(a: &str, b: &str, ignore_case: bool) -> bool {
    a == b || (ignore_case && a.chars().map(upper).eq(b.chars().map(upper)))
}

/// `string.Compare`: the difference of the first units that differ, else of the lengths.
pub fn compare(a: Option<&str>, b: Option<&str>, ignore_case: bool) -> i32 {
    match (a, b) {
        (None, None) => 0,
        (None, Some(_)) => -1,
        (Some(_), None) => 1,
        (Some(a), Some(b)) if ignore_case => ordinal(&fold(a), &fold(b)),
        (Some(a), Some(b)) => ordinal(a, b),
    }
}

/// `string.Compare(a, i, b, j, length)`.
///
/// # Errors
/// `ArgumentOutOfRangeException`.
pub fn compare_part(
    (a, start_a): (&str, i32),
    (b, start_b): (&str, i32),
    count: i32,
    ignore_case: bool,
) -> Result<i32> {
    let count = usize::try_from(count).map_err(|_| Error::out_of_range_for("length"))?;
    let part = |text: &str, start: i32, parameter: &str| -> Result<String> {
        let start = usize::try_from(start).ok().filter(|start| *start <= length(text));
        let start = start.ok_or_else(|| Error::out_of_range_for(parameter))?;
        let end = start.saturating_add(count).min(length(text));
        Ok(slice_units(text, start, end).into_owned())
    };
    let (a, b) = (part(a, start_a, "indexA")?, part(b, start_b, "indexB")?);
    Ok(compare(Some(&a), Some(&b), ignore_case))
}

fn ordinal(a: &str, b: &str) -> i32 {
    let mut left = units(a);
    let mut right = units(b);
    loop {
        match (left.next(), right.next()) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return i32::from(x) - i32::from(y),
            _ => return (length(a) as i32).wrapping_sub(length(b) as i32),
        }
    }
}

/// The form that texts equal but for case share.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    Cow::Owned(to_upper(text))
}

/// `StartsWith`.
pub fn starts_with(text: &str, part: &str, ignore_case: bool) -> bool {
    let count = length(part);
    count <= length(text) && equals(&slice_units(text, 0, count), part, ignore_case)
}

/// `EndsWith`.
pub fn ends_with(text: &str, part: &str, ignore_case: bool) -> bool {
    let all = length(text);
    let count = length(part);
    count <= all && equals(&slice_units(text, all - count, all), part, ignore_case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compare_gives_the_difference_of_units() {
        let table = [
            (Some("a"), Some("c"), false, -2),
            (Some("A"), Some("c"), true, -2),
            (Some("["), Some("a"), true, 26),
            (Some("abcd"), Some("a"), false, 3),
            (None, Some("a"), false, -1),
            (Some("a"), None, false, 1),
            (None, None, false, 0),
        ];
        for (a, b, ignore_case, expected) in table {
            assert_eq!(compare(a, b, ignore_case), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn ends_are_compared_with_and_without_case() {
        assert!(starts_with("Bearer x", "bearer ", true));
        assert!(!starts_with("Bearer x", "bearer ", false));
        assert!(ends_with("abc", "", false));
        assert!(!ends_with("c", "abc", false));
        assert!(ignores_case(9).is_err());
    }
}
