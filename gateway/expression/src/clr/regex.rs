//! `System.Text.RegularExpressions` (expressions.md §6.10): a front end that reads .NET's dialect and writes
//! patterns for a linear-time engine where that can express them, else for a backtracking one with a limit.
//!
//! Refused when the pattern is compiled: balancing groups and `RightToLeft`. Thinner than .NET: a group knows
//! its last capture only; `.` matches a character beyond the basic plane as one, not as two.

mod ast;
mod blocks;
mod class;
mod emit;
mod engine;
mod escape;
mod groups;
mod matching;
mod parser;
mod replacement;

pub use escape::{escape, unescape};
pub use matching::{Group, Match};

use std::rc::Rc;

use super::exception::{Error, ExceptionKind, Result};
use engine::Engine;
use groups::GroupTable;
use replacement::Replacement;

/// `RegexOptions`, a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RegexOptions(pub u32);

impl RegexOptions {
    /// 0
    pub const NONE: Self = Self(0);
    /// 1
    pub const IGNORE_CASE: Self = Self(1);
    /// 2
    pub const MULTILINE: Self = Self(2);
    /// 4
    pub const EXPLICIT_CAPTURE: Self = Self(4);
    /// 8: nothing to do here
    pub const COMPILED: Self = Self(8);
    /// 16
    pub const SINGLELINE: Self = Self(16);
    /// 32
    pub const IGNORE_PATTERN_WHITESPACE: Self = Self(32);
    /// 64: refused
    pub const RIGHT_TO_LEFT: Self = Self(64);
    /// 256
    pub const ECMA_SCRIPT: Self = Self(256);
    /// 512: nothing to do here
    pub const CULTURE_INVARIANT: Self = Self(512);

    const ALL: u32 = 0x37F;

    /// Both sets.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A compiled pattern. Cloning is cheap; threads may share it.
#[derive(Debug, Clone)]
pub struct Regex {
    pattern: String,
    options: RegexOptions,
    engine: Engine,
    groups: std::sync::Arc<GroupTable>,
}

impl Regex {
    /// `new Regex(pattern, options)`.
    ///
    /// # Errors
    /// `RegexParseException` (an `ArgumentException`), `ArgumentOutOfRangeException` for unknown options,
    /// `NotSupportedException` for what the engine does not do.
    pub fn new(pattern: &str, options: RegexOptions) -> Result<Self> {
        if options.0 & !RegexOptions::ALL != 0 {
            return Err(Error::out_of_range_for("options"));
        }
        if options.has(RegexOptions::RIGHT_TO_LEFT) {
            return Err(unsupported("RegexOptions.RightToLeft is not supported."));
        }
        let (tree, groups) = parser::parse(pattern, options)?;
        let engine = Engine::new(&tree, &groups)?;
        Ok(Self { pattern: pattern.to_owned(), options, engine, groups: std::sync::Arc::new(groups) })
    }

    /// `ToString()`: the pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// `Options`.
    pub fn options(&self) -> RegexOptions {
        self.options
    }

    /// Whether matching takes time linear in the text.
    pub fn is_linear(&self) -> bool {
        self.engine.is_linear()
    }

    /// `IsMatch(text)`.
    ///
    /// # Errors
    /// `RegexMatchTimeoutException` when the pattern backtracks too much, as all that match.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        self.engine.is_match(text)
    }

    /// `Match(text, start)`; `start` counts UTF-16 units.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`, `RegexMatchTimeoutException`.
    pub fn find(&self, text: &str, start: i32) -> Result<Option<Match>> {
        let shared: Rc<str> = text.into();
        self.find_from(&shared, matching::byte_of(text, start, "startat")?)
    }

    /// `Match(text, beginning, length)`: the part as if it were all.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`, `RegexMatchTimeoutException`.
    pub fn find_in(&self, text: &str, beginning: i32, length: i32) -> Result<Option<Match>> {
        let all = super::text::length(text) as i32;
        if !(0..=all).contains(&length) {
            return Err(Error::out_of_range(
                "Length cannot be less than 0 or exceed input length.",
                "length",
            ));
        }
        let start = matching::byte_of(text, beginning, "startat")?;
        let end = matching::byte_of(text, all.min(beginning.saturating_add(length)), "startat")?;
        let part: Rc<str> = text.get(start..end).unwrap_or_default().into();
        Ok(self.find_from(&part, 0)?.map(|found| found.moved(beginning)))
    }

    fn find_from(&self, text: &Rc<str>, start: usize) -> Result<Option<Match>> {
        let spans = self.engine.spans(text, start)?;
        Ok(spans.map(|spans| Match::new(text, self.groups.arrange(&spans), &self.groups)))
    }

    /// The match behind another one (`NextMatch()`).
    ///
    /// # Errors
    /// `RegexMatchTimeoutException`.
    pub fn find_behind(&self, previous: &Match) -> Result<Option<Match>> {
        let text = previous.shared_text();
        match matching::next_start(text, previous.span()) {
            Some(start) => Ok(self.find_from(text, start)?.map(|found| found.moved(previous.offset()))),
            None => Ok(None),
        }
    }

    /// `Matches(text)`, all of them.
    ///
    /// # Errors
    /// `RegexMatchTimeoutException`.
    pub fn find_all(&self, text: &str) -> Result<Vec<Match>> {
        let shared: Rc<str> = text.into();
        let mut all = Vec::new();
        let mut next = self.find_from(&shared, 0)?;
        while let Some(found) = next {
            next = self.find_behind(&found)?;
            all.push(found);
        }
        Ok(all)
    }

    /// `Replace(text, replacement, count)`; -1 replaces all.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`, `RegexMatchTimeoutException`.
    pub fn replace(&self, text: &str, replacement: &str, count: i32) -> Result<String> {
        self.replace_checked(text, replacement, (count, 0), |_| Ok(()))
    }

    /// `Replace(text, replacement, count, start)`, asking before each part of so many bytes is put in.
    ///
    /// # Errors
    /// What the check answers, and as [`Regex::replace`].
    pub fn replace_checked(
        &self,
        text: &str,
        replacement: &str,
        limits: (i32, i32),
        mut check: impl FnMut(usize) -> Result<()>,
    ) -> Result<String> {
        let replacement = Replacement::parse(replacement, &self.groups);
        self.replace_with(text, limits, |found| {
            let part = replacement.expand(found);
            check(part.len())?;
            Ok(part)
        })
    }

    /// `Replace(text, evaluator, count, start)`.
    ///
    /// # Errors
    /// What the evaluator returns, and as [`Regex::replace`].
    pub fn replace_with(
        &self,
        text: &str,
        (count, start): (i32, i32),
        mut evaluate: impl FnMut(&Match) -> Result<String>,
    ) -> Result<String> {
        let mut left = remaining(count)?;
        let first = matching::byte_of(text, start, "startat")?;
        let shared: Rc<str> = text.into();
        let mut made = String::with_capacity(text.len());
        let mut copied = 0;
        let mut next = if left > 0 { self.find_from(&shared, first)? } else { None };
        while let Some(found) = next {
            let (start, end) = found.span();
            made.push_str(text.get(copied..start).unwrap_or_default());
            made.push_str(&evaluate(&found)?);
            copied = end;
            left -= 1;
            next = if left > 0 { self.find_behind(&found)? } else { None };
        }
        made.push_str(text.get(copied..).unwrap_or_default());
        Ok(made)
    }

    /// `match.Result(replacement)`.
    pub fn expand(&self, found: &Match, replacement: &str) -> String {
        Replacement::parse(replacement, &self.groups).expand(found)
    }

    /// `Split(text, count, start)`; count 0 splits everywhere. Captured groups stand between the parts.
    ///
    /// # Errors
    /// `ArgumentOutOfRangeException`, `RegexMatchTimeoutException`.
    pub fn split(&self, text: &str, count: i32, start: i32) -> Result<Vec<String>> {
        if count < 0 {
            return Err(Error::out_of_range("Count cannot be less than -1.", "count"));
        }
        let first = matching::byte_of(text, start, "startat")?;
        let mut left = if count == 0 { usize::MAX } else { count as usize - 1 };
        let shared: Rc<str> = text.into();
        let mut parts = Vec::new();
        let mut copied = 0;
        let mut next = if left > 0 { self.find_from(&shared, first)? } else { None };
        while let Some(found) = next {
            let (start, end) = found.span();
            parts.push(text.get(copied..start).unwrap_or_default().to_owned());
            copied = end;
            parts.extend(found.groups().skip(1).filter(|group| group.success).map(|group| group.value));
            left -= 1;
            next = if left > 0 { self.find_behind(&found)? } else { None };
        }
        parts.push(text.get(copied..).unwrap_or_default().to_owned());
        Ok(parts)
    }

    /// `GetGroupNumbers()`.
    pub fn group_numbers(&self) -> Vec<i32> {
        self.groups.numbers().collect()
    }

    /// `GetGroupNames()`.
    pub fn group_names(&self) -> Vec<String> {
        self.groups.numbers().map(|number| self.groups.name_of(number)).collect()
    }

    /// `GroupNumberFromName(name)`; -1 when there is none.
    pub fn group_number(&self, name: &str) -> i32 {
        self.groups.number_of(name).unwrap_or(-1)
    }

    /// `GroupNameFromNumber(number)`; empty when there is none.
    pub fn group_name(&self, number: i32) -> String {
        if self.groups.numbers().any(|known| known == number) {
            self.groups.name_of(number)
        } else {
            String::new()
        }
    }
}

fn remaining(count: i32) -> Result<usize> {
    match count {
        -1 => Ok(usize::MAX),
        _ => {
            usize::try_from(count).map_err(|_| Error::out_of_range("Count cannot be less than -1.", "count"))
        }
    }
}

fn unsupported(text: &str) -> Error {
    Error::new(ExceptionKind::NotSupported, text)
}

#[cfg(test)]
mod tests;
