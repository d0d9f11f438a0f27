//! `Split` in all overloads.

use super::char_class::is_white_space;
use super::units::unit_to_char;
use crate::clr::exception::{Error, Result};

/// What a text is split at.
#[derive(Debug, Clone, Copy)]
pub enum Separators<'a> {
    /// Any of these units; none of them = any white space.
    Units(&'a [u16]),
    /// The first of these texts that matches; none of them = any white space, empty ones match nowhere.
    Texts(&'a [&'a str]),
}

/// `StringSplitOptions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitOptions {
    /// `RemoveEmptyEntries` (1).
    pub remove_empty: bool,
    /// `TrimEntries` (2), of .NET 5 and later.
    pub trim: bool,
}

impl SplitOptions {
    /// From the enumeration's number.
    ///
    /// # Errors
    /// `ArgumentException` for a value outside it.
    pub fn from_number(value: i32) -> Result<Self> {
        if (0..=3).contains(&value) {
            Ok(Self { remove_empty: value & 1 != 0, trim: value & 2 != 0 })
        } else {
            Err(Error::argument(format!("Illegal enum value: {value}.")))
        }
    }
}

/// `text.Split(separators, count, options)`; `count` bounds the number of parts, the last keeps the rest.
///
/// # Errors
/// `ArgumentOutOfRangeException` for a negative count.
pub fn split(
    text: &str,
    separators: Separators<'_>,
    count: Option<i32>,
    options: SplitOptions,
) -> Result<Vec<String>> {
    let most = count.map_or(Ok(usize::MAX), usize::try_from);
    let most = most.map_err(|_| Error::out_of_range("Count cannot be less than zero.", "count"))?;
    if most == 0 || (options.remove_empty && text.is_empty()) {
        return Ok(Vec::new());
    }
    if most == 1 {
        // .NET hands the text back unsplit, even where that leaves separators at its ends.
        let only = trimmed(text, options);
        return Ok(if options.remove_empty && only.is_empty() { Vec::new() } else { vec![only.to_owned()] });
    }
    Ok(parts(text, &cuts(text, separators), most, options))
}

fn trimmed(part: &str, options: SplitOptions) -> &str {
    if options.trim { part.trim_matches(char::is_whitespace) } else { part }
}

fn parts(text: &str, cuts: &[(usize, usize)], most: usize, options: SplitOptions) -> Vec<String> {
    let mut parts = Vec::new();
    let mut start = 0;
    let part = |from: usize, to: usize| trimmed(text.get(from..to).unwrap_or_default(), options);
    let mut cuts = cuts.iter();
    while parts.len() + 1 < most {
        let Some((from, to)) = cuts.next() else { break };
        let found = part(start, *from);
        if !(options.remove_empty && found.is_empty()) {
            parts.push(found.to_owned());
        }
        start = *to;
    }
    if options.remove_empty {
        // Separators right before the rest would only make empty entries.
        for (from, to) in cuts {
            if !part(start, *from).is_empty() {
                break;
            }
            start = *to;
        }
    }
    let rest = part(start, text.len());
    if !(options.remove_empty && rest.is_empty()) {
        parts.push(rest.to_owned());
    }
    parts
}

/// Byte ranges of the separators.
fn cuts(text: &str, separators: Separators<'_>) -> Vec<(usize, usize)> {
    match separators {
        Separators::Units([]) | Separators::Texts([]) => char_cuts(text, |c| {
            let mut buffer = [0; 2];
            matches!(c.encode_utf16(&mut buffer), [unit] if is_white_space(*unit))
        }),
        Separators::Units([only]) => {
            let only = unit_to_char(*only);
            text.match_indices(only).map(|(at, found)| (at, at + found.len())).collect()
        }
        Separators::Units(units) => {
            let chars: Vec<char> = units.iter().map(|unit| unit_to_char(*unit)).collect();
            char_cuts(text, |c| chars.contains(&c))
        }
        Separators::Texts([only]) if !only.is_empty() => {
            text.match_indices(only).map(|(at, found)| (at, at + found.len())).collect()
        }
        Separators::Texts(texts) => text_cuts(text, texts),
    }
}

fn char_cuts(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    text.char_indices().filter(|(_, c)| is_separator(*c)).map(|(at, c)| (at, at + c.len_utf8())).collect()
}

fn text_cuts(text: &str, separators: &[&str]) -> Vec<(usize, usize)> {
    let mut cuts = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        match separators.iter().find(|one| !one.is_empty() && rest.starts_with(**one)) {
            Some(one) => {
                cuts.push((at, at + one.len()));
                at += one.len();
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: SplitOptions = SplitOptions { remove_empty: false, trim: false };
    const REMOVE: SplitOptions = SplitOptions { remove_empty: true, trim: false };
    const COMMA: Separators<'_> = Separators::Units(&[44]);

    #[test]
    fn split_matches_dotnet() {
        type Row<'a> = (&'a str, Separators<'a>, Option<i32>, SplitOptions, &'a [&'a str]);
        let table: [Row<'_>; 25] = [
            ("a,b,,c", COMMA, None, NONE, &["a", "b", "", "c"]),
            ("a,b,,c", COMMA, None, REMOVE, &["a", "b", "c"]),
            ("a,b,,c", COMMA, Some(2), NONE, &["a", "b,,c"]),
            ("a,b,,c", COMMA, Some(0), NONE, &[]),
            ("a,b,,c", COMMA, Some(1), NONE, &["a,b,,c"]),
            (",a,b,,c,", COMMA, Some(2), REMOVE, &["a", "b,,c,"]),
            (",,", COMMA, Some(1), REMOVE, &[",,"]),
            ("", COMMA, None, NONE, &[""]),
            ("", COMMA, None, REMOVE, &[]),
            ("", COMMA, Some(1), REMOVE, &[]),
            (" a  b ", Separators::Units(&[]), None, NONE, &["", "a", "", "b", ""]),
            (" a  b ", Separators::Units(&[]), None, REMOVE, &["a", "b"]),
            ("a<>b<>c", Separators::Texts(&["<>"]), None, NONE, &["a", "b", "c"]),
            ("a<>b<>c", Separators::Texts(&[""]), None, NONE, &["a<>b<>c"]),
            ("a b c", Separators::Texts(&[]), None, NONE, &["a", "b", "c"]),
            ("abcd", Separators::Texts(&["bc", "b"]), None, NONE, &["a", "d"]),
            ("abcd", Separators::Texts(&["b", "bc"]), None, NONE, &["a", "cd"]),
            (",a", COMMA, Some(2), REMOVE, &["a"]),
            ("a,,", COMMA, Some(2), REMOVE, &["a"]),
            ("a,,b,,", COMMA, Some(2), REMOVE, &["a", "b,,"]),
            ("a,,b,c,,", COMMA, Some(2), REMOVE, &["a", "b,c,,"]),
            ("é,ü", COMMA, None, NONE, &["é", "ü"]),
            ("a;b,c", Separators::Units(&[44, 59]), None, NONE, &["a", "b", "c"]),
            (" a , b ", COMMA, None, SplitOptions { remove_empty: false, trim: true }, &["a", "b"]),
            ("a, ,b", COMMA, None, SplitOptions { remove_empty: true, trim: true }, &["a", "b"]),
        ];
        for (text, separators, count, options, expected) in table {
            assert_eq!(split(text, separators, count, options).unwrap(), expected, "{text} {count:?}");
        }
    }

    #[test]
    fn split_refuses_what_dotnet_refuses() {
        let error = split("a", COMMA, Some(-1), NONE).unwrap_err();
        assert_eq!(error.message, "Count cannot be less than zero. (Parameter 'count')");
        assert_eq!(SplitOptions::from_number(9).unwrap_err().message, "Illegal enum value: 9.");
    }
}
