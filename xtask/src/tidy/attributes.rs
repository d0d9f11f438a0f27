//! Attributes and file names.

use super::{Finding, line_of, tree::Tree};

/// `foo.rs` + `foo/`: a tab named `mod.rs` says nothing.
pub fn no_module_files_named_mod(tree: &Tree) -> Vec<Finding> {
    let named = tree.rust().filter(|(file, _)| file.path.ends_with("/mod.rs"));
    named
        .map(|(file, _)| Finding {
            file: file.path.clone(),
            line: 1,
            rule: "mod-file",
            text: "name it after its folder, beside it".to_owned(),
        })
        .collect()
}

/// A test that does not run proves nothing.
pub fn no_ignored_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        for (at, _) in code.match_indices("#[ignore") {
            let text = "a test runs, or is not there".to_owned();
            findings.push(Finding {
                file: file.path.clone(),
                line: line_of(code, at),
                rule: "ignored-test",
                text,
            });
        }
    }
    findings
}

/// Whoever silences a lint says why.
pub fn allow_has_a_reason(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        let starts = ["#[", "#!["].into_iter().flat_map(|open| code.match_indices(open));
        for (at, open) in starts {
            let attribute = attribute(&code[at + open.len()..]);
            let silences = attribute.contains("allow(") || attribute.contains("expect(");
            if silences && !attribute.contains("reason") {
                let text = "give it a `reason = \"…\"`".to_owned();
                findings.push(Finding {
                    file: file.path.clone(),
                    line: line_of(code, at),
                    rule: "reason",
                    text,
                });
            }
        }
    }
    findings
}

/// The inside of the attribute that `rest` starts with, up to its closing bracket.
fn attribute(rest: &str) -> &str {
    let mut depth = 1;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &rest[..at];
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_file_named_mod_is_found() {
        let tree = Tree::of(&[("a/mod.rs", ""), ("a.rs", ""), ("a/modes.rs", "")]);
        let files: Vec<String> =
            no_module_files_named_mod(&tree).into_iter().map(|finding| finding.file).collect();
        assert_eq!(files, ["a/mod.rs"]);
    }

    #[test]
    fn ignored_test_is_found_outside_comments() {
        let tree = Tree::of(&[("a.rs", "// #[ignore]\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n")]);
        let lines: Vec<usize> = no_ignored_tests(&tree).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [3]);
    }

    #[test]
    fn allow_without_reason_is_found() {
        let text = "#![allow(dead_code)]\n#[allow(dead_code, reason = \"x\")]\n#[cfg_attr(test, expect(unused))]\n#[test]\n";
        let lines: Vec<usize> = allow_has_a_reason(&Tree::of(&[("a.rs", text)]))
            .into_iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(lines, [3, 1]);
    }
}
