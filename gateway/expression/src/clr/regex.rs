//! `System.Text.RegularExpressions`.

use super::exception::{Error, ExceptionKind, Result};

/// `RegexOptions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegexOptions(u32);

impl RegexOptions {
    /// 0
    pub const NONE: Self = Self(0);
    /// 1
    pub const IGNORE_CASE: Self = Self(1);
    /// 2
    pub const MULTILINE: Self = Self(2);
    /// 4
    pub const EXPLICIT_CAPTURE: Self = Self(4);
    /// 16
    pub const SINGLELINE: Self = Self(16);

    /// Both sets.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Regex(fancy_regex::Regex);

impl Regex {
    /// `new Regex(pattern, options)`.
    ///
    /// # Errors
    /// `RegexParseException`.
    pub fn new(pattern: &str, options: RegexOptions) -> Result<Self> {
        let compiled = fancy_regex::RegexBuilder::new(pattern)
            .case_insensitive(options.has(RegexOptions::IGNORE_CASE))
            .multi_line(options.has(RegexOptions::MULTILINE))
            .dot_matches_new_line(options.has(RegexOptions::SINGLELINE))
            .build();
        compiled.map(Self).map_err(|error| Error::new(ExceptionKind::RegexParse, error.to_string()))
    }

    /// `IsMatch(text)`.
    ///
    /// # Errors
    /// `RegexMatchTimeoutException` when the pattern backtracks too much.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        self.0.is_match(text).map_err(|_| Error::of(ExceptionKind::RegexMatchTimeout))
    }
}
