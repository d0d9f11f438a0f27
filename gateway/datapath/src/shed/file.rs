//! Files of prefixes: one a line, `#` begins a comment.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::prefix::{Prefix, PrefixError};

/// Larger files are no lists of prefixes.
const BYTES_MAX: u64 = 64 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: larger than {BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error("{}: line {line}: {source}", path.display())]
    Line { path: PathBuf, line: usize, source: PrefixError },
}

/// Reads a file of prefixes; the first mistake refuses all of it.
pub fn read(path: &Path) -> Result<BTreeSet<Prefix>, FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > BYTES_MAX {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    parse(&text).map_err(|(line, source)| FileError::Line { path: path.to_owned(), line, source })
}

/// The prefixes of a text; or the first bad line, counted from 1.
pub fn parse(text: &str) -> Result<BTreeSet<Prefix>, (usize, PrefixError)> {
    let mut prefixes = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if !content.is_empty() {
            prefixes.insert(content.parse().map_err(|error| (index + 1, error))?);
        }
    }
    Ok(prefixes)
}

/// A file that may change.
#[derive(Debug)]
pub struct Watched {
    pub path: PathBuf,
    seen: Option<(SystemTime, u64)>,
}

impl Watched {
    pub fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// Its prefixes if it has changed since the last call. A file that cannot be read is an error once.
    pub fn changed(&mut self) -> Option<Result<BTreeSet<Prefix>, FileError>> {
        let stamp = fs::metadata(&self.path).and_then(|meta| Ok((meta.modified()?, meta.len()))).ok();
        if stamp.is_some() && stamp == self.seen {
            return None;
        }
        let was_there = self.seen.is_some();
        self.seen = stamp;
        (stamp.is_some() || was_there).then(|| read(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_comments_and_blanks_are_skipped() {
        let prefixes = parse("# list\n\n203.0.113.0/24 # why\n  2001:db8::/32\n203.0.113.0/24\n").unwrap();
        let texts: Vec<_> = prefixes.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["203.0.113.0/24", "2001:db8::/32"]);
    }

    #[test]
    fn parse_bad_line_is_named() {
        let (line, error) = parse("203.0.113.0/24\nexample.com\n").unwrap_err();
        assert_eq!((line, error), (2, PrefixError::Syntax("example.com".to_owned())));
    }
}
