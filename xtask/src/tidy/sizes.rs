//! How long files and functions may be.

use super::{Finding, line_of, rust, tree::Tree};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// A file whose first line says so is a table of data: it may be as long as the data.
const TABLE_MARKER: &str = "// tidy: table";

pub fn file_lines(tree: &Tree) -> Vec<Finding> {
    let long = tree.rust().filter(|(file, _)| !is_table(&file.text));
    long.filter_map(|(file, _)| {
        let lines = file.text.lines().count();
        (lines > FILE_LINES_MAX).then(|| Finding {
            file: file.path.clone(),
            line: FILE_LINES_MAX + 1,
            rule: "file-lines",
            text: format!("{lines} lines, {FILE_LINES_MAX} are allowed: it does more than one thing"),
        })
    })
    .collect()
}

pub fn function_lines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust().filter(|(file, _)| !is_table(&file.text)) {
        for function in rust::functions(code) {
            let first = line_of(code, function.start);
            let lines = 1 + line_of(code, function.end) - first;
            if lines > FUNCTION_LINES_MAX {
                let text = format!("`{}` has {lines} lines, {FUNCTION_LINES_MAX} are allowed", function.name);
                findings.push(Finding { file: file.path.clone(), line: first, rule: "function-lines", text });
            }
        }
    }
    findings
}

fn is_table(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.starts_with(TABLE_MARKER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_over_the_bound_is_found() {
        let full = "//\n".repeat(FILE_LINES_MAX);
        assert_eq!(file_lines(&Tree::of(&[("a.rs", &full)])), []);
        let long = full.clone() + "//\n";
        assert_eq!(file_lines(&Tree::of(&[("a.rs", &long)])).len(), 1);
        assert_eq!(file_lines(&Tree::of(&[("a.md", &long)])), []);
        let table = format!("{TABLE_MARKER}\n{long}");
        assert_eq!(file_lines(&Tree::of(&[("a.rs", &table)])), []);
    }

    #[test]
    fn function_over_the_bound_is_found_at_its_line() {
        let of =
            |lines: usize| format!("\nfn short() {{}}\nfn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        assert_eq!(function_lines(&Tree::of(&[("a.rs", &of(FUNCTION_LINES_MAX))])), []);
        let findings = function_lines(&Tree::of(&[("a.rs", &of(FUNCTION_LINES_MAX + 1))]));
        let places: Vec<(usize, &str)> =
            findings.iter().map(|finding| (finding.line, finding.rule)).collect();
        assert_eq!(places, [(3, "function-lines")]);
    }
}
