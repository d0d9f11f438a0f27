//! `Regex.Escape`, `Regex.Unescape`, and the character escapes that patterns share with them.

use super::parser::{Cursor, problem};
use crate::clr::exception::Result;

/// `Regex.Escape`.
pub fn escape(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\u{c}' => made.push_str("\\f"),
            ' ' | '#' | '$' | '(' | ')' | '*' | '+' | '.' | '?' | '[' | '\\' | '^' | '{' | '|' => {
                made.push('\\');
                made.push(c);
            }
            c => made.push(c),
        }
    }
    made
}

/// `Regex.Unescape`.
///
/// # Errors
/// `RegexParseException`.
pub fn unescape(text: &str) -> Result<String> {
    let mut cursor = Cursor::new(text);
    let mut made = String::with_capacity(text.len());
    while let Some(c) = cursor.take() {
        if c == '\\' {
            // .NET drops a backslash at the end.
            if cursor.peek().is_some() {
                made.push(char_escape(&mut cursor, false)?);
            }
        } else {
            made.push(c);
        }
    }
    Ok(made)
}

/// The character that an escape behind its backslash stands for.
pub(super) fn char_escape(cursor: &mut Cursor, ecma: bool) -> Result<char> {
    let Some(c) = cursor.take() else { return Err(problem(cursor, "Illegal \\\\ at end of pattern.")) };
    Ok(match c {
        '0'..='7' => {
            cursor.at -= 1;
            octal(cursor)
        }
        'x' => hexadecimal(cursor, 2)?,
        'u' => hexadecimal(cursor, 4)?,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'c' => control(cursor)?,
        c if !ecma && (c.is_alphanumeric() || c == '_') => {
            return Err(problem(cursor, &format!("Unrecognized escape sequence \\\\{c}.")));
        }
        c => c,
    })
}

/// Up to three octal digits; the value keeps eight bits.
fn octal(cursor: &mut Cursor) -> char {
    let mut value = 0;
    for _ in 0..3 {
        let Some(digit) = cursor.peek().and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
        cursor.at += 1;
    }
    char::from((value & 0xFF) as u8)
}

fn hexadecimal(cursor: &mut Cursor, digits: usize) -> Result<char> {
    let start = cursor.at;
    let mut value: u32 = 0;
    for place in 0..digits {
        let digit = cursor.text.get(start + place).and_then(|c| c.to_digit(16));
        // .NET only looks at digits when there are enough characters left.
        let Some(digit) = digit.filter(|_| cursor.text.len() >= start + digits) else {
            return Err(problem(cursor, "Insufficient hexadecimal digits."));
        };
        value = value * 16 + digit;
        cursor.at += 1;
    }
    Ok(super::super::text::from_units(&[value as u16]).chars().next().unwrap_or_default())
}

fn control(cursor: &mut Cursor) -> Result<char> {
    let Some(c) = cursor.take() else { return Err(problem(cursor, "Missing control character.")) };
    let code = u32::from(c.to_ascii_uppercase()).wrapping_sub(u32::from('@'));
    match char::from_u32(code) {
        Some(control) if control < ' ' => Ok(control),
        _ => Err(problem(cursor, "Unrecognized control character.")),
    }
}
