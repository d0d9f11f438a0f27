//! Composite formatting: `string.Format` and what interpolation compiles to.

use super::units::{append, length};
use crate::clr::exception::{Error, Result};

/// Indices and widths stop being read here, as in .NET.
const NUMBER_MAX: i32 = 1_000_000;

fn malformed() -> Error {
    Error::format("Input string was not in a correct format.")
}

/// Pads to `|width|` units; a negative width pads on the right.
pub fn align(text: String, width: i32) -> String {
    let missing = (width.unsigned_abs() as usize).saturating_sub(length(&text));
    if missing == 0 {
        return text;
    }
    let spaces = " ".repeat(missing);
    if width < 0 { text + &spaces } else { spaces + &text }
}

/// `string.Format(format, …)`: `item` gives the text of argument `index` for the format behind its colon.
///
/// # Errors
/// `FormatException` for a malformed format or an index not below `count`, and what `item` returns.
pub fn format_composite(
    format: &str,
    count: usize,
    mut item: impl FnMut(usize, Option<&str>) -> Result<String>,
) -> Result<String> {
    let mut made = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, tail) = rest.split_at(at);
        append(&mut made, text);
        if let Some(after) = tail.strip_prefix("{{") {
            made.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            made.push('}');
            rest = after;
        } else {
            let hole = Hole::parse(tail.strip_prefix('{').ok_or_else(malformed)?)?;
            if hole.index >= count {
                return Err(Error::format(
                    "Index (zero based) must be greater than or equal to zero and less than the size of the \
                     argument list.",
                ));
            }
            append(&mut made, &align(item(hole.index, hole.format.as_deref())?, hole.width));
            rest = hole.rest;
        }
    }
    append(&mut made, rest);
    Ok(made)
}

/// `{index,width:format}` without its opening brace.
struct Hole<'a> {
    index: usize,
    width: i32,
    format: Option<String>,
    rest: &'a str,
}

impl<'a> Hole<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (index, rest) = number(text)?;
        let mut rest = rest.trim_start_matches(' ');
        let mut width = 0;
        if let Some(after) = rest.strip_prefix(',') {
            let after = after.trim_start_matches(' ');
            let (negative, after) = match after.strip_prefix('-') {
                Some(after) => (true, after),
                None => (false, after),
            };
            let (number, after) = number(after)?;
            width = if negative { -number } else { number };
            rest = after.trim_start_matches(' ');
        }
        let mut format = None;
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['{', '}']).ok_or_else(malformed)?;
            let (text, tail) = after.split_at(end);
            format = Some(text.to_owned());
            rest = tail;
        }
        let rest = rest.strip_prefix('}').ok_or_else(malformed)?;
        Ok(Self { index: index as usize, width, format, rest })
    }
}

fn number(text: &str) -> Result<(i32, &str)> {
    let mut value = 0;
    let mut count = 0;
    for digit in text.bytes().take_while(u8::is_ascii_digit) {
        if value >= NUMBER_MAX {
            return Err(malformed());
        }
        value = value * 10 + i32::from(digit - b'0');
        count += 1;
    }
    if count == 0 {
        return Err(malformed());
    }
    Ok((value, text.get(count..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(format: &str) -> Result<String> {
        format_composite(format, 1, |_, format| {
            Ok(format.map_or_else(|| "ab".to_owned(), |f| format!("<{f}>")))
        })
    }

    #[test]
    fn formats_give_what_dotnet_gives() {
        let table = [
            ("{0}", "ab"),
            ("{0,5}|{0,-5}|", "   ab|ab   |"),
            ("{0:X2}", "<X2>"),
            ("{{{0}}}", "{ab}"),
            ("{0 , 5 }|", "   ab|"),
            ("a}}b{{", "a}b{"),
            ("{0:0}}}", "<0>}"),
            ("{0 }", "ab"),
        ];
        for (format, expected) in table {
            assert_eq!(one(format).unwrap(), expected, "{format}");
        }
    }

    #[test]
    fn malformed_formats_are_refused() {
        for format in
            ["{0", "}", "{", "{a}", "{0:{{}}}", "{-1}", "{ 0}", "{0, }", "{}", "{0:a{b}c}", "{99999999999}"]
        {
            assert_eq!(one(format).unwrap_err(), malformed(), "{format}");
        }
        assert!(one("{1}").unwrap_err().message.starts_with("Index (zero based)"));
    }

    proptest! {
        #[test]
        fn any_format_is_answered(format in r"[{}0-9,: -]{0,20}.{0,5}") {
            let _ = format_composite(&format, 2, |_, _| Ok(String::new()));
        }
    }
}
