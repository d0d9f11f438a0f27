//! Operands, filters and conditions out of the text of a tag.

use super::condition;
use super::filters;
use super::node::{Condition, Expression, Operand, Segment};

/// Nested ranges and index brackets.
const DEPTH_MAX: usize = 16;

/// Why a tag cannot be read.
pub type Reason = String;

/// Reads the text of one tag from left to right.
pub struct Cursor<'a> {
    text: &'a str,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text: text.trim(), depth: 0 }
    }

    pub fn rest(&self) -> &'a str {
        self.text
    }

    pub fn is_done(&self) -> bool {
        self.text.is_empty()
    }

    /// Fails when something is left.
    pub fn finish(&self) -> Result<(), Reason> {
        if self.is_done() { Ok(()) } else { Err(format!("'{}' is unexpected.", self.text)) }
    }

    /// Takes the text if it comes next.
    pub fn take(&mut self, wanted: &str) -> bool {
        let Some(rest) = self.text.strip_prefix(wanted) else { return false };
        self.text = rest.trim_start();
        true
    }

    /// Takes the word if it comes next as a whole.
    pub fn take_word(&mut self, wanted: &str) -> bool {
        let mut ahead = Cursor { text: self.text, depth: 0 };
        if ahead.word() != Some(wanted) {
            return false;
        }
        self.text = ahead.text;
        true
    }

    /// A name: letters, digits, `_` and `-`.
    pub fn word(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        if word.is_empty() {
            return None;
        }
        self.text = rest.trim_start();
        Some(word)
    }

    pub fn name(&mut self) -> Result<&'a str, Reason> {
        self.word().ok_or_else(|| format!("A name is expected at '{}'.", self.text))
    }

    /// A value with its filters.
    pub fn expression(&mut self) -> Result<Expression, Reason> {
        let operand = self.operand()?;
        let mut parts = Vec::new();
        while self.take("|") {
            let name = self.name()?;
            let filter = filters::find(name).ok_or_else(|| format!("Unknown filter '{name}'."))?;
            let mut arguments = Vec::new();
            if self.take(":") {
                arguments.push(self.operand()?);
                while self.take(",") {
                    arguments.push(self.operand()?);
                }
            }
            parts.push((filter, arguments));
        }
        Ok(Expression { operand, filters: parts })
    }

    /// A literal, a range or a path.
    pub fn operand(&mut self) -> Result<Operand, Reason> {
        if self.depth > DEPTH_MAX {
            return Err("The expression is nested too deeply.".to_owned());
        }
        self.depth += 1;
        let operand = self.operand_inside();
        self.depth -= 1;
        operand
    }

    fn operand_inside(&mut self) -> Result<Operand, Reason> {
        if let Some(quote @ ('"' | '\'')) = self.text.chars().next() {
            let inner = self.text.get(1..).unwrap_or_default();
            let (literal, rest) =
                inner.split_once(quote).ok_or_else(|| format!("The text {} is not closed.", self.text))?;
            self.text = rest.trim_start();
            return Ok(Operand::Text(literal.into()));
        }
        if self.take("(") {
            let from = self.operand()?;
            if !self.take("..") {
                return Err("A range is written (first..last).".to_owned());
            }
            let to = self.operand()?;
            return if self.take(")") {
                Ok(Operand::Range(Box::new(from), Box::new(to)))
            } else {
                Err("The range is not closed.".to_owned())
            };
        }
        if let Some(number) = self.number() {
            return Ok(number);
        }
        let name = self.name()?;
        Ok(match name {
            "nil" | "null" => Operand::Nil,
            "true" => Operand::Bool(true),
            "false" => Operand::Bool(false),
            "empty" | "blank" => Operand::Empty,
            _ => Operand::Path(name.into(), self.segments()?),
        })
    }

    fn number(&mut self) -> Option<Operand> {
        let digits = self.text.strip_prefix('-').unwrap_or(self.text);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let sign = self.text.len() - digits.len();
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let behind = digits.get(whole..).unwrap_or_default();
        let fraction = behind
            .strip_prefix('.')
            .map(|rest| rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))
            .filter(|length| *length > 0)
            .map_or(0, |length| length + 1);
        let (number, rest) = self.text.split_at(sign + whole + fraction);
        let operand = if fraction == 0 { number.parse().ok().map(Operand::Int) } else { None };
        let operand = operand.or_else(|| number.parse().ok().map(Operand::Double))?;
        self.text = rest.trim_start();
        Some(operand)
    }

    fn segments(&mut self) -> Result<Vec<Segment>, Reason> {
        let mut segments = Vec::new();
        loop {
            if !self.text.starts_with("..") && self.take(".") {
                // `@` stands before the attributes of XML elements.
                let mark = if self.take("@") { "@" } else { "" };
                segments.push(Segment::Name(format!("{mark}{}", self.name()?).into()));
            } else if self.take("[") {
                segments.push(Segment::Index(self.operand()?));
                if !self.take("]") {
                    return Err("'[' is not closed.".to_owned());
                }
            } else {
                return Ok(segments);
            }
        }
    }

    /// A condition up to the end of the tag.
    pub fn condition(&mut self) -> Result<Condition, Reason> {
        condition::read(self)
    }
}
