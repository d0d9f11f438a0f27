//! Text, attribute values and references.

use super::super::node::XNode;
use super::super::writer::is_allowed;
use super::{Parser, is_space};
use crate::clr::exception::{Error, Result};

/// Line ends as one line feed (XML 1.0 §2.11).
pub(super) fn with_line_feeds(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

impl Parser<'_> {
    pub(super) fn invalid_character(&self, c: char) -> Error {
        self.error(&format!("'{c}', hexadecimal value 0x{:02X}, is an invalid character.", u32::from(c)))
    }

    /// Text up to the next `<`.
    pub(super) fn character_data(&mut self) -> Result<()> {
        if self.open.is_empty() {
            self.spaces();
            return match self.peek() {
                None | Some('<') => Ok(()),
                Some(_) => Err(self.error("Data at the root level is invalid.")),
            };
        }
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let stop = |c: char| matches!(c, '<' | '&' | ']' | '\r') || !is_allowed(c);
            let end = rest.find(stop).unwrap_or(rest.len());
            text.push_str(rest.get(..end).unwrap_or_default());
            self.advance(end);
            match self.peek() {
                None | Some('<') => break,
                Some('&') => text.push(self.reference()?),
                Some(']') => {
                    if self.rest().starts_with("]]>") {
                        return Err(self.error("']]>' is not allowed in character data."));
                    }
                    text.push(']');
                    self.advance(1);
                }
                Some('\r') => {
                    text.push('\n');
                    self.advance(if self.rest().starts_with("\r\n") { 2 } else { 1 });
                }
                Some(bad) => return Err(self.invalid_character(bad)),
            }
        }
        let keeps_space = self.open.last().is_some_and(|open| open.space);
        if text.chars().all(is_space) && !keeps_space {
            return Ok(());
        }
        self.put(XNode::text(&text))
    }

    /// A value behind its opening quote, with the closing one.
    pub(super) fn attribute_value(&mut self, quote: char) -> Result<String> {
        let mut value = String::new();
        loop {
            match self.peek() {
                None => return Err(self.error("There is an unclosed literal string.")),
                Some('<') => {
                    return Err(self.error("'<', hexadecimal value 0x3C, is an invalid attribute character."));
                }
                Some('&') => value.push(self.reference()?),
                Some(c) if c == quote => {
                    self.advance(1);
                    return Ok(value);
                }
                Some(c) if is_space(c) => {
                    value.push(' ');
                    self.advance(if self.rest().starts_with("\r\n") { 2 } else { 1 });
                }
                Some(c) if !is_allowed(c) => return Err(self.invalid_character(c)),
                Some(c) => {
                    value.push(c);
                    self.advance(c.len_utf8());
                }
            }
        }
    }

    /// `&name;`, `&#n;`, `&#xn;`.
    fn reference(&mut self) -> Result<char> {
        self.advance(1);
        let rest = self.rest();
        if let Some(number) = rest.strip_prefix('#') {
            return self.numeric_reference(number);
        }
        let end =
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty() || !rest.get(end..).is_some_and(|tail| tail.starts_with(';')) {
            return Err(self.error("An error occurred while parsing EntityName."));
        }
        let c = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(self.error(&format!("Reference to undeclared entity '{name}'."))),
        };
        self.advance(end + 1);
        Ok(c)
    }

    fn numeric_reference(&mut self, number: &str) -> Result<char> {
        let hex = number.starts_with('x');
        let digits = number.get(usize::from(hex)..).unwrap_or_default();
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let code = u32::from_str_radix(digits.get(..end).unwrap_or_default(), if hex { 16 } else { 10 });
        self.advance(1 + usize::from(hex));
        let ended = digits.get(end..).is_some_and(|tail| tail.starts_with(';'));
        let Some(code) = code.ok().filter(|_| ended) else {
            return Err(self.error("Invalid syntax for a character reference."));
        };
        if let Some(c) = char::from_u32(code).filter(|c| is_allowed(*c)) {
            self.advance(end + 1);
            return Ok(c);
        }
        // What is no character is named by its last UTF-16 unit.
        let unit = match code.checked_sub(0x1_0000) {
            Some(above) => 0xdc00 + (above & 0x3ff) as u16,
            None => code as u16,
        };
        let shown = if unit == 0 { ".".to_owned() } else { crate::clr::text::from_units(&[unit]) };
        Err(self.error(&format!("'{shown}', hexadecimal value 0x{unit:02X}, is an invalid character.")))
    }
}
