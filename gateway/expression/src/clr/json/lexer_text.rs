//! Strings, names, numbers and comments of the JSON reader.

use std::rc::Rc;

use num_bigint::BigInt;

use super::lexer::Lexer;
use super::scalar::Scalar;
use crate::clr::exception::Result;
use crate::clr::number::parse;

/// Digits of an integer; Newtonsoft refuses longer ones.
const INTEGER_LENGTH_MAX: usize = 380;

impl Lexer<'_> {
    /// A string between quotes, unescaped.
    pub(super) fn quoted(&mut self, quote: u8) -> Result<Rc<str>> {
        self.at += 1;
        let mut made = String::new();
        loop {
            let start = self.at;
            let rest = self.rest().as_bytes();
            let plain = rest.iter().position(|byte| *byte == quote || matches!(byte, b'\\' | b'\n' | b'\r'));
            self.at += plain.unwrap_or(rest.len());
            let part = self.text.get(start..self.at).unwrap_or_default();
            match self.byte() {
                Some(byte) if byte == quote => {
                    self.at += 1;
                    if made.is_empty() {
                        return Ok(part.into());
                    }
                    made.push_str(part);
                    return Ok(made.into());
                }
                Some(b'\\') => {
                    made.push_str(part);
                    self.at += 1;
                    self.escape(&mut made, quote)?;
                }
                Some(line_end) => {
                    made.push_str(part);
                    made.push(char::from(line_end));
                    self.at += 1;
                    if line_end == b'\n' || self.byte() != Some(b'\n') {
                        self.line += 1;
                        self.line_start = self.at;
                    }
                }
                None => return Err(self.unterminated(quote)),
            }
        }
    }

    fn unterminated(&self, quote: u8) -> crate::clr::exception::Error {
        self.error(&format!("Unterminated string. Expected delimiter: {}.", char::from(quote)))
    }

    fn escape(&mut self, made: &mut String, quote: u8) -> Result<()> {
        let Some(c) = self.rest().chars().next() else { return Err(self.unterminated(quote)) };
        self.at += c.len_utf8();
        made.push(match c {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            '\\' | '"' | '\'' | '/' => c,
            'u' => return self.unicode(made),
            other => return Err(self.error(&format!("Bad JSON escape sequence: \\{other}."))),
        });
        Ok(())
    }

    /// `\uXXXX` behind its `u`; a half of a pair without the other becomes U+FFFD.
    fn unicode(&mut self, made: &mut String) -> Result<()> {
        let mut unit = self.hex4()?;
        while (0xD800..0xDC00).contains(&unit) {
            if !self.rest().starts_with("\\u") {
                break;
            }
            self.at += 2;
            let low = self.hex4()?;
            let pair = char::decode_utf16([unit, low]).next().and_then(std::result::Result::ok);
            if let Some(c) = pair {
                made.push(c);
                return Ok(());
            }
            made.push(char::REPLACEMENT_CHARACTER);
            unit = low;
        }
        made.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex4(&mut self) -> Result<u16> {
        let four: String = self.rest().chars().take(4).collect();
        if four.chars().count() < 4 {
            return Err(self.error("Unexpected end while parsing Unicode escape sequence."));
        }
        let hex = four
            .chars()
            .all(|c| c.is_ascii_hexdigit())
            .then(|| u16::from_str_radix(&four, 16).ok())
            .flatten();
        let Some(unit) = hex else {
            return Err(self.error(&format!("Invalid Unicode escape sequence: \\u{four}.")));
        };
        self.at += 4;
        Ok(unit)
    }

    /// A property name without quotes.
    pub(super) fn bare_name(&mut self) -> Result<Rc<str>> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let start = self.at;
        if !self.rest().starts_with(is_part) {
            return Err(self.unexpected("Invalid property identifier character"));
        }
        let rest = self.rest();
        self.at += rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        match self.rest().chars().next() {
            None => Err(self.error("Unexpected end while parsing unquoted property name.")),
            Some(c) if c == ':' || c.is_whitespace() => {
                Ok(self.text.get(start..self.at).unwrap_or_default().into())
            }
            Some(_) => Err(self.unexpected("Invalid JavaScript property identifier character")),
        }
    }

    /// The name of `new Name(`, with the bracket.
    pub(super) fn constructor_name(&mut self) -> Result<Rc<str>> {
        if !self.matches("new")? {
            return Err(self.error("Unexpected content while parsing JSON."));
        }
        self.spaces();
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        self.at += length;
        self.spaces();
        match self.byte() {
            Some(b'(') => {
                self.at += 1;
                Ok(name.into())
            }
            None => Err(self.error("Unexpected end while parsing constructor.")),
            Some(_) => Err(self.unexpected("Unexpected character while parsing constructor")),
        }
    }

    pub(super) fn number(&mut self) -> Result<Scalar> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '-' | '+' | '.' | 'x' | 'X');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let number = rest.get(..length).unwrap_or_default();
        self.at += length;
        match self.rest().chars().next() {
            None | Some('\0' | ',' | '}' | ']' | ')' | '/') => {}
            Some(c) if c.is_whitespace() => {}
            Some(_) => return Err(self.unexpected("Unexpected character encountered while parsing number")),
        }
        let invalid = || self.error(&format!("Input string '{number}' is not a valid number."));
        let mut bytes = number.bytes();
        let leading_zero = bytes.next() == Some(b'0');
        if leading_zero && !matches!(bytes.next(), None | Some(b'.' | b'e' | b'E')) {
            return other_base(number).map(Scalar::Integer).ok_or_else(invalid);
        }
        if let Ok(value) = number.parse::<i64>() {
            return Ok(Scalar::Integer(value));
        }
        let digits = number.strip_prefix('-').unwrap_or(number);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if number.len() > INTEGER_LENGTH_MAX {
                return Err(self.error(&format!("JSON integer {number} is too large to parse.")));
            }
            let big = BigInt::parse_bytes(number.as_bytes(), 10).ok_or_else(invalid)?;
            return Ok(Scalar::Big(Rc::new(big)));
        }
        match parse::double(number) {
            Ok(value) if !number.contains('x') => Ok(Scalar::Float(value)),
            _ => Err(invalid()),
        }
    }

    /// A comment's text.
    pub(super) fn comment(&mut self) -> Result<Rc<str>> {
        const END: &str = "Unexpected end while parsing comment.";
        self.at += 1;
        let mut rest = self.rest().chars();
        let (Some(first), Some(_)) = (rest.next(), rest.next()) else { return Err(self.error(END)) };
        let body = self.rest().get(first.len_utf8()..).unwrap_or_default();
        let (length, used) = match first {
            '*' => {
                let Some(end) = body.find("*/") else {
                    self.at = self.text.len();
                    return Err(self.error(END));
                };
                (end, end + 2)
            }
            '/' => {
                let end = body.find(['\n', '\r']).unwrap_or(body.len());
                (end, end)
            }
            other => return Err(self.error(&format!("Error parsing comment. Expected: *, got {other}."))),
        };
        let comment = body.get(..length).unwrap_or_default();
        self.at += 1 + used;
        if let Some(last) = comment.rfind('\n') {
            self.line += comment.bytes().filter(|byte| *byte == b'\n').count();
            self.line_start = self.at - used + last + 1;
        }
        Ok(comment.into())
    }
}

/// `0x…` or octal digits, as bits.
fn other_base(number: &str) -> Option<i64> {
    let (digits, base) = match number.get(..2) {
        Some("0x" | "0X") => (number.get(2..).unwrap_or_default(), 16),
        _ => (number, 8),
    };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, base).ok().map(|bits| bits as i64)
}
