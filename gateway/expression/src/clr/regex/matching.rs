//! `Match` and `Group`; offsets are UTF-16 units.

use std::rc::Rc;
use std::sync::Arc;

use super::engine::Span;
use super::groups::GroupTable;
use crate::clr::exception::{Error, Result};
use crate::clr::text::length;

/// `Group` (and its last `Capture`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `Name`.
    pub name: String,
    /// `Success`.
    pub success: bool,
    /// `Index`, 0 when it did not match.
    pub index: i32,
    /// `Length`.
    pub length: i32,
    /// `Value`, empty when it did not match.
    pub value: String,
}

/// A successful `Match`.
#[derive(Debug, Clone)]
pub struct Match {
    text: Rc<str>,
    /// By the order of group numbers.
    spans: Vec<Option<Span>>,
    table: Arc<GroupTable>,
    /// Units before the text in the input that it is a part of.
    offset: i32,
}

impl Match {
    pub(super) fn new(text: &Rc<str>, spans: Vec<Option<Span>>, table: &Arc<GroupTable>) -> Self {
        Self { text: Rc::clone(text), spans, table: Arc::clone(table), offset: 0 }
    }

    /// The match in an input of which its text is a part, so many units on.
    #[must_use]
    pub(super) fn moved(self, offset: i32) -> Self {
        Self { offset, ..self }
    }

    pub(super) fn offset(&self) -> i32 {
        self.offset
    }

    pub(super) fn shared_text(&self) -> &Rc<str> {
        &self.text
    }

    /// Byte range of the whole match in [`Match::text`].
    pub fn span(&self) -> Span {
        self.spans.first().copied().flatten().unwrap_or((0, 0))
    }

    /// The text that was searched.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `Value`.
    pub fn value(&self) -> &str {
        let (start, end) = self.span();
        self.text.get(start..end).unwrap_or_default()
    }

    /// `Index`.
    pub fn index(&self) -> i32 {
        self.offset + self.text.get(..self.span().0).map_or(0, |before| length(before) as i32)
    }

    /// `Length`.
    pub fn length(&self) -> i32 {
        length(self.value()) as i32
    }

    /// `Groups.Count`.
    pub fn group_count(&self) -> usize {
        self.spans.len()
    }

    /// `Groups` in the order of their numbers.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.table.numbers().map(|number| self.group(number))
    }

    /// `Groups[number]`; a group that does not exist did not match.
    pub fn group(&self, number: i32) -> Group {
        let span = self.group_span(number);
        let value = span.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default();
        Group {
            name: self.table.name_of(number),
            success: span.is_some(),
            index: span
                .and_then(|(start, _)| self.text.get(..start))
                .map_or(0, |before| self.offset + length(before) as i32),
            length: length(value) as i32,
            value: value.to_owned(),
        }
    }

    /// `Groups[name]`; a group that does not exist did not match.
    pub fn group_named(&self, name: &str) -> Group {
        self.group(self.table.number_of(name).unwrap_or(-1))
    }

    pub(super) fn group_span(&self, number: i32) -> Option<Span> {
        let place = self.table.numbers().position(|known| known == number)?;
        self.spans.get(place).copied().flatten()
    }

    /// The group with the highest number.
    pub(super) fn last_group_text(&self) -> &str {
        let last = self.spans.last().copied().flatten();
        last.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }
}

/// The byte at which a UTF-16 unit starts.
pub(super) fn byte_of(text: &str, unit: i32, parameter: &str) -> Result<usize> {
    let out =
        || Error::out_of_range("Start index cannot be less than 0 or greater than input length.", parameter);
    let unit = usize::try_from(unit).map_err(|_| out())?;
    if unit == 0 {
        return Ok(0);
    }
    let mut at = 0;
    for (byte, c) in text.char_indices() {
        if at >= unit {
            return Ok(byte);
        }
        at += c.len_utf16();
    }
    if at >= unit { Ok(text.len()) } else { Err(out()) }
}

/// Where the search behind a match begins: one character on when the match was empty.
pub(super) fn next_start(text: &str, (start, end): Span) -> Option<usize> {
    if end > start {
        return Some(end);
    }
    let next = text.get(end..)?.chars().next()?;
    Some(end + next.len_utf8())
}
