//! All files of a folder in memory, with limits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};

/// Largest file read, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most bytes read altogether.
const TREE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Most files.
const FILES_MAX: usize = 200_000;
/// Deepest folder; `workspaces/<w>/apis/<a>/operations/<o>/policy.xml` is 7. Ends cycles of links as well.
const DEPTH_MAX: usize = 12;

/// Files by path relative to the folder, with `/`. Names that begin with a dot are left out: they are version
/// control's, or Kubernetes' `..data`.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<Arc<str>, Vec<u8>>,
    pub(super) found: Vec<Diagnostic>,
    /// A folder directly below the root could not be listed: whole kinds of resources may be missing.
    pub(super) section_missing: bool,
    bytes: u64,
}

impl Tree {
    /// Reads a folder; the error is that of the folder itself. Links are followed.
    pub(super) fn read(dir: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        // The folder must be readable at all before single entries may fail.
        fs::read_dir(dir)?;
        tree.read_dir(dir, "", 0);
        Ok(tree)
    }

    /// Reads one file from elsewhere under the name `name`.
    pub(super) fn read_one(&mut self, path: &Path, name: &str) {
        self.read_file(path, name.into());
    }

    /// A hash of names and contents.
    pub(super) fn content_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.files.hash(&mut hasher);
        for finding in &self.found {
            finding.to_string().hash(&mut hasher);
        }
        hasher.finish()
    }

    fn read_dir(&mut self, dir: &Path, prefix: &str, depth: usize) {
        if depth > DEPTH_MAX {
            self.error(prefix, format!("more than {DEPTH_MAX} levels of folders"));
            return;
        }
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                self.section_missing |= depth <= 1;
                self.error(prefix, format!("the folder cannot be read: {error}"));
                return;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.section_missing |= depth <= 1;
                    self.error(prefix, format!("the folder cannot be read: {error}"));
                    continue;
                }
            };
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.error(prefix, format!("the name {} is not UTF-8", name.to_string_lossy()));
                continue;
            };
            if !name.starts_with('.') {
                let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                self.read_entry(&entry.path(), path, depth);
            }
        }
    }

    fn read_entry(&mut self, path: &Path, name: String, depth: usize) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.read_dir(path, &name, depth + 1),
            Ok(metadata) if metadata.is_file() => self.read_file(path, name.into()),
            // Sockets, pipes and devices are no configuration, and reading them could block.
            Ok(_) => {}
            Err(error) => self.error(&name, format!("the file cannot be read: {error}")),
        }
    }

    fn read_file(&mut self, path: &Path, name: Arc<str>) {
        if self.files.len() >= FILES_MAX || self.bytes >= TREE_BYTES_MAX {
            self.section_missing = true;
            self.error(&name, format!("more than {FILES_MAX} files or {TREE_BYTES_MAX} bytes"));
            return;
        }
        let mut content = Vec::new();
        let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content));
        match read {
            Ok(_) if content.len() as u64 > FILE_BYTES_MAX => {
                self.error(&name, format!("the file has more than {FILE_BYTES_MAX} bytes"));
            }
            Ok(_) => {
                self.bytes += content.len() as u64;
                self.files.insert(name, content);
            }
            Err(error) => self.error(&name, format!("the file cannot be read: {error}")),
        }
    }

    fn error(&mut self, name: &str, message: String) {
        self.found.push(Diagnostic::error("file-unreadable", Origin::start(name), message));
    }
}
