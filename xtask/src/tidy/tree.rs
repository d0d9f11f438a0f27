//! The files that the rules read: what git tracks, and what it would if asked.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::rust;
use crate::process;

/// All text files of the repository.
pub struct Tree {
    pub files: Vec<File>,
}

/// One of them.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// Of a Rust file: the text with comments and literals blanked, byte for byte and line for line.
    pub code: Option<String>,
}

impl Tree {
    /// Reads the work tree; files that are no UTF-8 text are left out.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let mut git = Command::new("git");
        git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let list = process::output(&mut git)?;
        let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let read = |path: &str| Some(File::new(path, &fs::read_to_string(root.join(path)).ok()?));
        Ok(Self { files: paths.into_iter().filter_map(read).collect() })
    }

    /// The file at `path`, if it is there.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Every Rust file with its blanked text.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &str)> {
        self.files.iter().filter_map(|file| Some((file, file.code.as_deref()?)))
    }
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        let is_rust = Path::new(path).extension().is_some_and(|extension| extension == "rs");
        Self { path: path.to_owned(), text: text.to_owned(), code: is_rust.then(|| rust::blank(text)) }
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of files given as (path, text).
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, text)).collect() }
    }
}
