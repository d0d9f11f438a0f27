//! Words that no file may carry. They are written in two halves here, so that this file passes too.

use super::{Finding, line_of, rust, tree::Tree};

const LEFT_TO_DO: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const LEFT_TO_DO_IN_CODE: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];

const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("snapshot.", "debian.org"),
    concat!("archive.", "ubuntu.com"),
    concat!("proxy.", "golang.org"),
    concat!("maven", ".apache.org"),
];

/// Beginnings of paths that exist on one person's machine only, and are no likely path of an API.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/main"),
    concat!("/wo", "rk/shared"),
    concat!("/wo", "rk/."),
];

/// cargo writes the index's address there, and nothing else.
const LOCK: &str = "Cargo.lock";
const LOCK_SOURCE: &str = concat!("source = \"registry+https://github.com/rust-lang/crates", ".io-index\"");

/// Work is done, or it is an issue.
pub fn nothing_left_to_do(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for word in LEFT_TO_DO {
            findings.extend(
                rust::words(&file.text, word)
                    .map(|at| finding(&file.path, &file.text, at, "left-to-do", word)),
            );
        }
    }
    for (file, code) in tree.rust() {
        for word in LEFT_TO_DO_IN_CODE {
            findings.extend(
                code.match_indices(word).map(|(at, _)| finding(&file.path, code, at, "left-to-do", word)),
            );
        }
    }
    findings
}

/// Packages come from wherever the machine's clients are told to get them.
pub fn no_registry_hosts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.text.lines().enumerate() {
            if file.path == LOCK && (line == LOCK_SOURCE || !line.starts_with("source")) {
                continue;
            }
            let host = REGISTRY_HOSTS.iter().find(|host| line.contains(**host));
            let host = host.copied().or_else(|| (file.path == LOCK).then_some("another registry"));
            if let Some(host) = host {
                let (file, text) = (file.path.clone(), host.to_owned());
                findings.push(Finding { file, line: number + 1, rule: "registry-host", text });
            }
        }
    }
    findings
}

/// What only one machine has, nobody else can run.
pub fn no_machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for path in MACHINE_PATHS {
            let places = file.text.match_indices(path).map(|(at, _)| at);
            // A path inside a longer one, or inside an address, is no absolute path.
            let absolute = places.filter(|at| starts_a_path(&file.text[..*at]));
            findings.extend(absolute.map(|at| finding(&file.path, &file.text, at, "machine-path", path)));
        }
    }
    findings
}

fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|last: char| last.is_alphanumeric() || "}_-./*~$)>]".contains(last))
}

fn finding(path: &str, text: &str, at: usize, rule: &'static str, word: &str) -> Finding {
    Finding { file: path.to_owned(), line: line_of(text, at), rule, text: word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn left_to_do_is_found_as_a_word() {
        let text = format!("a\n// {}: b\n{}S\n", LEFT_TO_DO[0], LEFT_TO_DO[0]);
        assert_eq!(lines(nothing_left_to_do(&Tree::of(&[("a.rs", &text)]))), [2]);
        let code = format!("fn f() {{\n    {}()\n}}\n", LEFT_TO_DO_IN_CODE[0]);
        assert_eq!(lines(nothing_left_to_do(&Tree::of(&[("a.rs", &code), ("a.md", &code)]))), [2]);
    }

    #[test]
    fn registry_host_is_found_and_the_lock_file_may_name_its_index() {
        let host = format!("see https://{}/x\n", REGISTRY_HOSTS[0]);
        assert_eq!(lines(no_registry_hosts(&Tree::of(&[("a.md", &host)]))), [1]);
        let lock = format!("name = \"a\"\n{LOCK_SOURCE}\nsource = \"registry+https://mirror.example/\"\n");
        assert_eq!(lines(no_registry_hosts(&Tree::of(&[(LOCK, &lock)]))), [3]);
    }

    #[test]
    fn machine_path_is_found_where_it_starts_a_path() {
        let text = format!("a\ncd {0}x\nhttps://a.example{0}x\n{{host}}{0}x\n", MACHINE_PATHS[1]);
        assert_eq!(lines(no_machine_paths(&Tree::of(&[("a.sh", &text)]))), [2]);
    }
}
