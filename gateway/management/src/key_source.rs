//! Where the keys of the store come from: base64, one a line, the one in use first.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::seal::Sealer;

/// A source of keys.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Made, readable by its owner only, for a store that is new.
    File(PathBuf),
    /// Its standard output; run by the shell.
    Command(String),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    #[error("the key file {path} cannot be used: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("the command for the keys of the store gave none: {0}")]
    Command(String),
}

impl KeySource {
    /// The keys. A store that holds something needs those that it was sealed with: none is made for it.
    pub fn read(&self, store_is_new: bool) -> Result<Vec<Vec<u8>>, KeySourceError> {
        match self {
            Self::File(path) => file(path, store_is_new).map_err(|reason| {
                let path = path.clone();
                KeySourceError::File { path, reason }
            }),
            Self::Command(line) => command(line).map_err(KeySourceError::Command),
        }
    }
}

fn keys(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<_> = lines
        .map(|line| STANDARD.decode(line).map_err(|_| "a line of it is not base64".to_owned()))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() { Err("it holds no key".to_owned()) } else { Ok(keys) }
}

fn file(path: &Path, store_is_new: bool) -> Result<Vec<Vec<u8>>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => keys(&text),
        Err(error) if error.kind() == ErrorKind::NotFound && store_is_new => make(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("it is not there, and the store holds documents that it opens".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn make(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let key = Sealer::new_key().map_err(|error| error.to_string())?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| error.to_string())?;
    writeln!(file, "{}", STANDARD.encode(&key))
        .and_then(|()| file.sync_all())
        .map_err(|error| error.to_string())?;
    Ok(vec![key])
}

fn command(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut shell = Command::new("sh");
    let output = shell.arg("-c").arg(line).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    keys(&String::from_utf8_lossy(&output.stdout))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_file_is_made_for_a_new_store_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let source = KeySource::File(path.clone());
        assert!(source.read(false).expect_err("refused").to_string().contains("is not there"));
        let made = source.read(true).expect("keys");
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(source.read(false).expect("keys"), made);
        std::fs::write(&path, "\n").expect("written");
        assert!(source.read(false).expect_err("refused").to_string().contains("no key"));
    }

    #[test]
    fn key_command_gives_lines_or_says_why_not() {
        let keys = KeySource::Command("echo AQID; echo; echo BAU=".to_owned()).read(false);
        assert_eq!(keys.expect("keys"), [vec![1, 2, 3], vec![4, 5]]);
        for bad in ["exit 3", "echo '*'", "true"] {
            assert!(KeySource::Command(bad.to_owned()).read(true).is_err(), "{bad}");
        }
    }
}
