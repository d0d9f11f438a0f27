//! Strings of expressions: UTF-8 inside, UTF-16 units outside (expressions.md §6.1, §9.3).

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use crate::clr;

/// Longest draft that is kept.
const DRAFT_MAX: usize = 16 << 10;

thread_local! {
    static DRAFT: Cell<String> = const { Cell::new(String::new()) };
}

/// An immutable C# string. Cheap to clone; nearly always ASCII, where a UTF-16 index is a byte index.
/// Lone surrogates are kept as [`clr::text`] says.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// A constant of the compiled expression.
    Shared { ascii: bool, text: Arc<str> },
    /// Made while running.
    Local { ascii: bool, text: Rc<str> },
}

impl Text {
    /// A constant that threads share.
    pub fn shared(text: &Arc<str>) -> Self {
        Self(Repr::Shared { ascii: text.is_ascii(), text: Arc::clone(text) })
    }

    /// As it is: nothing is copied.
    pub fn local(text: &Rc<str>) -> Self {
        Self(Repr::Local { ascii: text.is_ascii(), text: Rc::clone(text) })
    }

    /// A text that a function writes. It is written where the last one was, so that only the finished text is made.
    pub fn written(write: impl FnOnce(&mut String)) -> Self {
        let mut draft = DRAFT.take();
        draft.clear();
        write(&mut draft);
        let text = Self::from(draft.as_str());
        if draft.capacity() <= DRAFT_MAX {
            DRAFT.set(draft);
        }
        text
    }

    /// From UTF-16 units; lone surrogates survive.
    pub fn from_units(units: &[u16]) -> Self {
        Self::from(clr::text::from_units(units))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Shared { text, .. } => text,
            Repr::Local { text, .. } => text,
        }
    }

    /// Appends it to another text; halves of a pair that meet are joined.
    pub(crate) fn append_to(&self, out: &mut String) {
        if self.is_ascii() { out.push_str(self.as_str()) } else { clr::text::append(out, self.as_str()) }
    }

    /// Whether a UTF-16 index is a byte index.
    pub fn is_ascii(&self) -> bool {
        matches!(&self.0, Repr::Shared { ascii: true, .. } | Repr::Local { ascii: true, .. })
    }

    /// `Length`: UTF-16 units.
    pub fn len(&self) -> usize {
        if self.is_ascii() { self.as_str().len() } else { clr::text::length(self.as_str()) }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// Bytes held, for the memory budget.
    pub fn bytes(&self) -> usize {
        self.as_str().len()
    }

    /// The UTF-16 unit at an index.
    pub fn unit(&self, index: usize) -> Option<u16> {
        if self.is_ascii() {
            return self.as_str().as_bytes().get(index).map(|b| u16::from(*b));
        }
        clr::text::units(self.as_str()).nth(index)
    }

    /// All UTF-16 units.
    pub fn units(&self) -> Vec<u16> {
        clr::text::to_units(self.as_str())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Repr::Local { ascii: text.is_ascii(), text: text.into() })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    /// Ordinal: by UTF-16 unit.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_ascii() && other.is_ascii() {
            return self.as_str().cmp(other.as_str());
        }
        clr::text::units(self.as_str()).cmp(clr::text::units(other.as_str()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_of_astral_text_counts_utf16_units() {
        assert_eq!(Text::from("😀a").len(), 3);
    }

    #[test]
    fn units_of_half_a_pair_survive() {
        let half = Text::from_units(&[0xDE00, u16::from(b'a')]);
        assert_eq!(half.units(), [0xDE00, u16::from(b'a')]);
        assert_eq!(half.len(), 2);
    }

    #[test]
    fn order_is_by_utf16_unit_not_by_code_point() {
        assert!(Text::from("\u{FFFD}") > Text::from("😀"));
    }
}
