//! The two engines behind one door.

use std::sync::Arc;

use super::ast::Node;
use super::emit::{emit, needs_backtracking, without_final_anchor};
use super::groups::GroupTable;
use super::unsupported;
use crate::clr::exception::{Error, ExceptionKind, Result};

/// Steps back that one match may take.
const BACKTRACK_MAX: usize = 1_000_000;
/// Bytes of a compiled pattern.
const SIZE_MAX: usize = 4 << 20;

/// Where something matched, in bytes.
pub(super) type Span = (usize, usize);

#[derive(Debug, Clone)]
pub(super) enum Engine {
    /// `behind` = the pattern stands in a group of its own, with the line feed of a final `$` behind it.
    Linear {
        regex: Arc<regex::Regex>,
        behind: bool,
    },
    Backtracking(Arc<fancy_regex::Regex>),
}

impl Engine {
    pub(super) fn new(tree: &Node, groups: &GroupTable) -> Result<Self> {
        if !needs_backtracking(tree) {
            return linear(&emit(tree, groups), false);
        }
        if let Some(front) = without_final_anchor(tree).filter(|front| !needs_backtracking(front)) {
            return linear(&format!("({})(?:\\n?\\z)", emit(&front, groups)), true);
        }
        let built = fancy_regex::RegexBuilder::new(&emit(tree, groups))
            .backtrack_limit(BACKTRACK_MAX)
            .delegate_size_limit(SIZE_MAX)
            .build();
        built.map(|regex| Self::Backtracking(Arc::new(regex))).map_err(|error| not_built(&error.to_string()))
    }

    pub(super) fn is_linear(&self) -> bool {
        matches!(self, Self::Linear { .. })
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Self::Linear { regex, .. } => Ok(regex.is_match(text)),
            Self::Backtracking(regex) => regex.is_match(text).map_err(|_| timeout()),
        }
    }

    /// The whole match and each declared group; the search begins at a byte, which anchors look behind.
    pub(super) fn spans(&self, text: &str, start: usize) -> Result<Option<Vec<Option<Span>>>> {
        Ok(match self {
            Self::Linear { regex, behind } => regex.captures_at(text, start).map(|found| {
                let spans = found.iter().map(|group| group.map(|group| (group.start(), group.end())));
                spans.skip(usize::from(*behind)).collect()
            }),
            Self::Backtracking(regex) => {
                let found = regex.captures_from_pos(text, start).map_err(|_| timeout())?;
                found.map(|found| {
                    found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()
                })
            }
        })
    }
}

fn linear(pattern: &str, behind: bool) -> Result<Engine> {
    let built = regex::RegexBuilder::new(pattern).size_limit(SIZE_MAX).build();
    built
        .map(|regex| Engine::Linear { regex: Arc::new(regex), behind })
        .map_err(|error| not_built(&error.to_string()))
}

/// What the front end lets through is well-formed, so this is about size or an engine's bounds.
fn not_built(problem: &str) -> Error {
    let problem = problem.lines().last().unwrap_or_default();
    unsupported(&format!("The regular expression cannot be compiled: {problem}"))
}

fn timeout() -> Error {
    Error::of(ExceptionKind::RegexMatchTimeout)
}
