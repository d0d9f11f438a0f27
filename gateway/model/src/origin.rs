//! Where something was written.

use std::fmt;
use std::sync::Arc;

/// A place in a configuration file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Path relative to the configuration folder, with `/`; another short name for what is no file.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Origin {
    /// A place in a file.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column }
    }

    /// The beginning of a file.
    pub fn start(file: impl Into<Arc<str>>) -> Self {
        Self::new(file, 1, 1)
    }

    /// The place of byte `offset` of `text`, where the text begins at `self`. Beyond the end means the end; an
    /// offset inside a character means that character.
    #[must_use]
    pub fn advance(&self, text: &str, offset: usize) -> Self {
        let mut place = self.clone();
        for (at, c) in text.char_indices() {
            if at + c.len_utf8() > offset {
                break;
            }
            if c == '\n' {
                place.line = place.line.saturating_add(1);
                place.column = 1;
            } else {
                place.column = place.column.saturating_add(1);
            }
        }
        place
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self::start("")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn origin_advance_counts_lines_and_characters() {
        let start = Origin::start("f");
        for (offset, line, column) in [(0, 1, 1), (2, 1, 2), (4, 2, 1), (5, 2, 2), (99, 2, 2)] {
            let place = start.advance("üa\nb", offset);
            assert_eq!((place.line, place.column), (line, column), "offset {offset}");
        }
    }
}
