//! `cargo xtask tidy`: the house rules that no compiler checks.
//!
//! A rule takes the tree and gives findings; [`RULES`] is the whole list.

mod attributes;
mod documents;
mod imports;
mod metrics;
mod rust;
mod sizes;
mod tree;
mod words;

use std::fmt;

use anyhow::bail;

use crate::workspace::Workspace;
use tree::Tree;

/// A place where a rule is broken. `line` counts from 1.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}: {}", self.file, self.line, self.rule, self.text)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    imports::who_imports_whom,
    imports::kernel_crates,
    sizes::file_lines,
    sizes::function_lines,
    attributes::no_module_files_named_mod,
    attributes::no_ignored_tests,
    attributes::allow_has_a_reason,
    words::nothing_left_to_do,
    words::no_registry_hosts,
    words::no_machine_paths,
    documents::verbs_exist,
    documents::changelog_has_unreleased,
    metrics::declared_is_written,
];

/// Prints each finding as `file:line: rule: text`; fails when there is one.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let tree = Tree::load(&workspace.root)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    eprintln!("tidy: {} files, nothing found", tree.files.len());
    Ok(())
}

/// The line, counted from 1, in which byte `offset` of `text` lies.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
