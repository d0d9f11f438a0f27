//! Strings of expressions: UTF-8 inside, UTF-16 units outside (expressions.md §6.1, §9.3).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

/// An immutable C# string. Cheap to clone; nearly always ASCII, where a UTF-16 index is a byte index.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// A constant of the compiled expression.
    Shared { ascii: bool, text: Arc<str> },
    /// Made while running.
    Local { ascii: bool, text: Rc<str> },
    /// Holds at least one lone surrogate, which UTF-8 cannot.
    Wide(Rc<[u16]>),
}

impl Text {
    /// A constant that threads share.
    pub fn shared(text: &Arc<str>) -> Self {
        Self(Repr::Shared { ascii: text.is_ascii(), text: Arc::clone(text) })
    }

    /// From UTF-16 units; lone surrogates survive.
    pub fn from_units(units: &[u16]) -> Self {
        match String::from_utf16(units) {
            Ok(text) => Self::from(text),
            Err(_) => Self(Repr::Wide(units.into())),
        }
    }

    /// The text as UTF-8; lone surrogates become U+FFFD.
    pub fn as_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Shared { text, .. } => Cow::Borrowed(text),
            Repr::Local { text, .. } => Cow::Borrowed(text),
            Repr::Wide(units) => Cow::Owned(String::from_utf16_lossy(units)),
        }
    }

    /// The text as UTF-8 where that loses nothing.
    pub fn utf8(&self) -> Option<&str> {
        match &self.0 {
            Repr::Shared { text, .. } => Some(text),
            Repr::Local { text, .. } => Some(text),
            Repr::Wide(_) => None,
        }
    }

    /// Whether a UTF-16 index is a byte index.
    pub fn is_ascii(&self) -> bool {
        matches!(&self.0, Repr::Shared { ascii: true, .. } | Repr::Local { ascii: true, .. })
    }

    /// `Length`: UTF-16 units.
    pub fn len(&self) -> usize {
        match (&self.0, self.utf8()) {
            (Repr::Wide(units), _) => units.len(),
            (_, Some(text)) if self.is_ascii() => text.len(),
            (_, Some(text)) => text.chars().map(char::len_utf16).sum(),
            (_, None) => 0,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Bytes held, for the memory budget.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Repr::Wide(units) => units.len() * 2,
            _ => self.utf8().map_or(0, str::len),
        }
    }

    /// The UTF-16 unit at an index.
    pub fn unit(&self, index: usize) -> Option<u16> {
        match (&self.0, self.utf8()) {
            (Repr::Wide(units), _) => units.get(index).copied(),
            (_, Some(text)) if self.is_ascii() => text.as_bytes().get(index).map(|b| u16::from(*b)),
            (_, Some(text)) => text.encode_utf16().nth(index),
            (_, None) => None,
        }
    }

    /// All UTF-16 units.
    pub fn units(&self) -> Vec<u16> {
        match &self.0 {
            Repr::Wide(units) => units.to_vec(),
            _ => self.utf8().unwrap_or_default().encode_utf16().collect(),
        }
    }

    /// `Substring`; `None` when out of range.
    pub fn substring(&self, start: usize, length: usize) -> Option<Self> {
        let end = start.checked_add(length)?;
        if let (true, Some(text)) = (self.is_ascii(), self.utf8()) {
            return text.get(start..end).map(Self::from);
        }
        self.units().get(start..end).map(Self::from_units)
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
        match (&self.0, &other.0) {
            (Repr::Wide(a), Repr::Wide(b)) => a == b,
            _ => self.utf8().is_some() && self.utf8() == other.utf8(),
        }
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Wide(units) => units.hash(state),
            _ => self.utf8().hash(state),
        }
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
        match (self.utf8(), other.utf8()) {
            (Some(a), Some(b)) if self.is_ascii() && other.is_ascii() => a.cmp(b),
            (Some(a), Some(b)) => a.encode_utf16().cmp(b.encode_utf16()),
            _ => self.units().cmp(&other.units()),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
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
    fn substring_through_a_pair_keeps_the_lone_surrogate() {
        let half = Text::from("😀a").substring(1, 2).expect("in range");
        assert_eq!(half.units(), [0xDE00, u16::from(b'a')]);
        assert_eq!(half.utf8(), None);
    }

    #[test]
    fn order_is_by_utf16_unit_not_by_code_point() {
        assert!(Text::from("\u{FFFD}") > Text::from("😀"));
    }
}
