//! What the documents promise.

use clap::CommandFactory;

use super::{Finding, line_of, tree::Tree};

const CALL: &str = "cargo xtask ";

/// Every `cargo xtask <verb>` that any file tells a reader to run is a verb.
pub fn verbs_exist(tree: &Tree) -> Vec<Finding> {
    let command = crate::Arguments::command();
    let mut findings = Vec::new();
    for file in &tree.files {
        for (at, _) in file.text.match_indices(CALL) {
            let rest = &file.text[at + CALL.len()..];
            let end =
                rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(rest.len());
            let verb = &rest[..end];
            if !verb.is_empty() && command.find_subcommand(verb).is_none() {
                let (file, line) = (file.path.clone(), line_of(&file.text, at));
                findings.push(Finding {
                    file,
                    line,
                    rule: "verb",
                    text: format!("there is no `{CALL}{verb}`"),
                });
            }
        }
    }
    findings
}

/// Keep a Changelog: what is new for users has a place to be written.
pub fn changelog_has_unreleased(tree: &Tree) -> Vec<Finding> {
    const NAME: &str = "CHANGELOG.md";
    if tree.file(NAME).is_some_and(|file| file.text.lines().any(|line| line == "## [Unreleased]")) {
        return Vec::new();
    }
    let text = "has no section `## [Unreleased]`".to_owned();
    vec![Finding { file: NAME.to_owned(), line: 1, rule: "changelog", text }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_verb_is_found() {
        let text = format!("{CALL}setup\n`{CALL}fly`\n{CALL}<verb>\n{CALL}build-ebpf.\n");
        let findings = verbs_exist(&Tree::of(&[("README.md", &text)]));
        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2]);
    }

    #[test]
    fn changelog_without_unreleased_is_found() {
        assert_eq!(changelog_has_unreleased(&Tree::of(&[("CHANGELOG.md", "# C\n\n## [Unreleased]\n")])), []);
        assert_eq!(changelog_has_unreleased(&Tree::of(&[("CHANGELOG.md", "# C\n\n## 1.0\n")])).len(), 1);
        assert_eq!(changelog_has_unreleased(&Tree::of(&[])).len(), 1);
    }
}
