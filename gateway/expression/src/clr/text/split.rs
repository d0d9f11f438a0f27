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
pub fn split<'a>(
    text: &'a str,
    separators: Separators<'a>,
    count: Option<i32>,
    options: SplitOptions,
) -> Result<Parts<'a>> {
    let most = count.map_or(Ok(usize::MAX), usize::try_from);
    let most = most.map_err(|_| Error::out_of_range("Count cannot be less than zero.", "count"))?;
    Ok(Parts { text, separators, options, most, given: 0, start: (most > 0).then_some(0) })
}

/// The parts of a text, one by one.
#[derive(Debug)]
pub struct Parts<'a> {
    text: &'a str,
    separators: Separators<'a>,
    options: SplitOptions,
    most: usize,
    given: usize,
    /// Where the next part begins; `None` behind the last.
    start: Option<usize>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let start = self.start?;
            let cut = if self.given + 1 < self.most { self.cut(start) } else { None };
            let Some((from, to)) = cut else {
                self.start = None;
                return self.kept(self.rest_from(start), self.text.len());
            };
            self.start = Some(to);
            if let Some(part) = self.kept(start, from) {
                self.given += 1;
                return Some(part);
            }
        }
    }
}

impl<'a> Parts<'a> {
    /// The part between two places, unless it is empty and those are left out.
    fn kept(&self, from: usize, to: usize) -> Option<&'a str> {
        let part = self.text.get(from..to).unwrap_or_default();
        let part = if self.options.trim { part.trim_matches(char::is_whitespace) } else { part };
        (!self.options.remove_empty || !part.is_empty()).then_some(part)
    }

    /// Where the last part begins: separators right before it would only make empty entries.
    fn rest_from(&self, mut start: usize) -> usize {
        // Of one part .NET hands the text back unsplit, even where that leaves separators at its ends.
        if self.options.remove_empty && self.most > 1 {
            while let Some((_, to)) = self.cut(start).filter(|(from, _)| self.kept(start, *from).is_none()) {
                start = to;
            }
        }
        start
    }

    /// The next separator, as a range of bytes.
    fn cut(&self, from: usize) -> Option<(usize, usize)> {
        let rest = self.text.get(from..)?;
        let (at, length) = match self.separators {
            Separators::Units([]) | Separators::Texts([]) => find_char(rest, |c| {
                let mut buffer = [0; 2];
                matches!(c.encode_utf16(&mut buffer), [unit] if is_white_space(*unit))
            })?,
            Separators::Units([only]) => {
                let only = unit_to_char(*only);
                let at = match u8::try_from(only) {
                    Ok(byte @ ..0x80) => rest.bytes().position(|other| other == byte),
                    _ => rest.find(only),
                };
                (at?, only.len_utf8())
            }
            Separators::Units(units) => {
                find_char(rest, |c| units.iter().any(|unit| unit_to_char(*unit) == c))?
            }
            Separators::Texts([only]) if !only.is_empty() => (rest.find(only)?, only.len()),
            Separators::Texts(texts) => rest.char_indices().find_map(|(at, _)| {
                let here = rest.get(at..)?;
                let found = texts.iter().find(|one| !one.is_empty() && here.starts_with(**one))?;
                Some((at, found.len()))
            })?,
        };
        Some((from + at, from + at + length))
    }
}

fn find_char(text: &str, is_separator: impl Fn(char) -> bool) -> Option<(usize, usize)> {
    text.char_indices().find(|(_, c)| is_separator(*c)).map(|(at, c)| (at, c.len_utf8()))
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
            let parts: Vec<_> = split(text, separators, count, options).unwrap().collect();
            assert_eq!(parts, expected, "{text} {count:?}");
        }
    }

    #[test]
    fn split_refuses_what_dotnet_refuses() {
        let error = split("a", COMMA, Some(-1), NONE).unwrap_err();
        assert_eq!(error.message, "Count cannot be less than zero. (Parameter 'count')");
        assert_eq!(SplitOptions::from_number(9).unwrap_err().message, "Illegal enum value: 9.");
    }
}
