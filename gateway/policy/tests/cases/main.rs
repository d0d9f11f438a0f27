//! Policies in case files: documents, requests and scripted backends in, answers out.
//!
//! One file a case, `<policy>/<what it shows>.case`; [`case`] tells the format. `UPDATE_CASES=1` writes what came
//! out behind `=== expect`, to be read before it is committed; `CASE=text` runs the cases whose path holds it.

mod case;
mod coverage;
mod documentation;
mod fake;
mod render;
mod run;
mod threats;
mod token;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};

/// Every case file, in order.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "case") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Whether files that do not match are written instead of reported.
fn is_update() -> bool {
    std::env::var_os("UPDATE_CASES").is_some()
}

#[test]
fn cases_match_their_expectations() {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut failures = Vec::new();
    let mut count = 0;
    for path in files().into_iter().filter(|path| path.to_string_lossy().contains(&wanted)) {
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        let case = case::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let got = run::run(&case);
        if got == case.expect {
            continue;
        }
        if is_update() {
            fs::write(&path, format!("{}{}\n{got}", case.given, case::EXPECT)).unwrap();
        } else {
            failures.push(format!("{}\n{}", path.display(), render::difference(&case.expect, &got)));
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases differ\n\n{}", failures.len(), failures.join("\n"));
    assert!(count > 0, "no case matches");
}
