//! What a gateway serves while its plane is away: the last view, in a folder that outlives the process.
//!
//! One file a gateway, and the one before it. A file is sealed with the secret of the gateway's tokens, so nothing can be read
//! from it or put into it without them; a checksum tells damage from a wrong token. It is written beside its place, synced
//! and renamed: whoever looks finds an old file or a new one, whole. Gateways that share a folder (replicas) take turns by a
//! lock, and none replaces a newer file by an older one.
//!
//! Source: reliability-security.md §6.2, self-hosted-gateway.md §2.6.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::plane::View;
use crate::protocol::{Documents, EXPANDED_BYTES_MAX, GatewaySecret, ProtocolError, Tag, pack, unpack};

const MAGIC: &[u8; 16] = b"gateway backup 1";
/// Magic, epoch, revision, hash.
const HEAD_LEN: usize = 40;
const CHECKSUM_LEN: usize = 32;
const PURPOSE: &str = "backup";

/// Why a folder cannot hold a backup, or a file not be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is damaged, or was written by another version of this program", path.display())]
    Damaged { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Content { path: PathBuf, source: ProtocolError },
}

/// What became of a view that was to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    Written,
    /// Another instance has saved this one or a newer one.
    Older,
}

/// The backup of one gateway.
#[derive(Debug)]
pub struct Backup {
    folder: PathBuf,
    gateway: String,
    secret: GatewaySecret,
}

impl Backup {
    /// In a folder that can be written; made, for its owner only, where it is not there.
    pub fn open(folder: &Path, gateway: &str, secret: GatewaySecret) -> Result<Self, BackupError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| BackupError::File { path: folder.to_owned(), source })?;
        let gateway = gateway.to_ascii_lowercase();
        let backup = Self { folder: folder.to_owned(), gateway, secret };
        backup.lock()?;
        Ok(backup)
    }

    /// The newest file that can be used, and why others cannot. Reading needs no lock: files appear whole.
    pub fn load(&self) -> (Option<View>, Vec<BackupError>) {
        let mut refused = Vec::new();
        for path in [self.current(), self.previous()] {
            match self.read(&path) {
                Ok(view) => return (Some(view), refused),
                Err(BackupError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => refused.push(error),
            }
        }
        (None, refused)
    }

    /// Writes a view, unless a newer one is there.
    pub fn save(&self, view: &View) -> Result<Saved, BackupError> {
        let bytes = self.encoded(view)?;
        let _lock = self.lock()?;
        let (current, previous) = (self.current(), self.previous());
        let kept = whole(&current).ok();
        if kept.as_ref().is_some_and(|kept| *kept == view.tag || kept.is_newer_than(&view.tag)) {
            return Ok(Saved::Older);
        }
        // One name for all, as the lock lets one write: what a kill leaves is written over by the next.
        let written = self.folder.join(format!(".{}.new", self.gateway));
        let replaced = write(&written, &bytes).and_then(|()| {
            // A damaged file is not worth a place.
            if kept.is_some() {
                fs::rename(&current, &previous)?;
            }
            fs::rename(&written, &current)?;
            File::open(&self.folder)?.sync_all()
        });
        if let Err(source) = replaced {
            // What is half written is no use to anybody; a disk that refuses this as well keeps it.
            let _ = fs::remove_file(&written);
            return Err(BackupError::File { path: current, source });
        }
        Ok(Saved::Written)
    }

    fn current(&self) -> PathBuf {
        self.folder.join(format!("{}.backup", self.gateway))
    }

    fn previous(&self) -> PathBuf {
        self.folder.join(format!("{}.backup.previous", self.gateway))
    }

    /// Held until the file is dropped.
    fn lock(&self) -> Result<File, BackupError> {
        let path = self.folder.join(format!("{}.lock", self.gateway));
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| BackupError::File { path, source })
    }

    fn encoded(&self, view: &View) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::from(MAGIC);
        for number in [view.tag.epoch, view.tag.revision, view.tag.hash] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let sealed = self.secret.seal(PURPOSE, &[&bytes[..], &pack(view.documents.iter())].concat());
        let sealed = sealed.map_err(|source| BackupError::Content { path: self.current(), source })?;
        bytes.extend_from_slice(&sealed);
        let checksum = digest(&SHA256, &bytes);
        bytes.extend_from_slice(checksum.as_ref());
        Ok(bytes)
    }

    fn read(&self, path: &Path) -> Result<View, BackupError> {
        let (tag, bytes) = checked(path)?;
        let content = |source| BackupError::Content { path: path.to_owned(), source };
        let sealed = bytes.get(HEAD_LEN..bytes.len() - CHECKSUM_LEN).unwrap_or_default();
        let opened = self.secret.open(PURPOSE, sealed).map_err(content)?;
        // The head in the clear is for those without the token; the one that counts is sealed.
        let packed = opened.strip_prefix(&bytes[..HEAD_LEN]).ok_or(content(ProtocolError::Sealed))?;
        let mut documents = Documents::default();
        for document in unpack(packed, EXPANDED_BYTES_MAX).map_err(content)? {
            documents.put(document);
        }
        if documents.hash() != tag.hash {
            return Err(content(ProtocolError::Hash));
        }
        Ok(View { tag, documents: Arc::new(documents) })
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` follows no link.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The tag of a file that is whole.
fn whole(path: &Path) -> Result<Tag, BackupError> {
    checked(path).map(|(tag, _)| tag)
}

/// A file whose checksum is good.
fn checked(path: &Path) -> Result<(Tag, Vec<u8>), BackupError> {
    let failed = |source| BackupError::File { path: path.to_owned(), source };
    let damaged = || BackupError::Damaged { path: path.to_owned() };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > EXPANDED_BYTES_MAX {
        return Err(damaged());
    }
    let bytes = fs::read(path).map_err(failed)?;
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or_else(damaged)?;
    let head = body.get(..HEAD_LEN).and_then(|head| head.strip_prefix(MAGIC)).ok_or_else(damaged)?;
    if digest(&SHA256, body).as_ref() != checksum {
        return Err(damaged());
    }
    let mut numbers = head.chunks_exact(8).filter_map(|part| part.try_into().ok().map(u64::from_be_bytes));
    let mut next = || numbers.next().unwrap_or_default();
    Ok((Tag { epoch: next(), revision: next(), hash: next() }, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Document;

    fn view(revision: u64, value: &str) -> View {
        let mut documents = Documents::default();
        documents.put(Arc::new(Document::new("namedValues/a", format!("{{\"value\":\"{value}\"}}"))));
        let tag = Tag { epoch: 1, revision, hash: documents.hash() };
        View { tag, documents: Arc::new(documents) }
    }

    fn revision(backup: &Backup) -> Option<u64> {
        backup.load().0.map(|view| view.tag.revision)
    }

    #[test]
    fn backup_keeps_two_generations_and_never_goes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("made/where/missing");
        let backup = Backup::open(&inner, "Edge", GatewaySecret::of_key("k")).expect("opens");
        assert!(backup.load().0.is_none() && backup.load().1.is_empty());
        for (number, saved) in
            [(3, Saved::Written), (5, Saved::Written), (4, Saved::Older), (5, Saved::Older)]
        {
            assert_eq!(backup.save(&view(number, "old")).expect("saves"), saved, "{number}");
        }
        assert_eq!(revision(&backup), Some(5));
        fs::remove_file(backup.current()).expect("removed");
        assert_eq!(revision(&backup), Some(3));
        let names = fs::read_dir(&inner).expect("a folder").count();
        assert_eq!(names, 2, "previous and lock, nothing temporary");
    }

    #[test]
    fn backup_refuses_damage_at_any_place_and_takes_the_generation_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let backup = Backup::open(folder.path(), "edge", GatewaySecret::of_key("k")).expect("opens");
        backup.save(&view(1, "hidden-text")).expect("saves");
        backup.save(&view(2, "hidden-text")).expect("saves");
        let good = fs::read(backup.current()).expect("a file");
        assert!(!good.windows(6).any(|part| part == b"hidden"), "sealed");
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 0x40;
            for bad in [&flipped[..], &good[..at]] {
                fs::write(backup.current(), bad).expect("written");
                let (view, refused) = backup.load();
                assert_eq!(view.map(|view| view.tag.revision), Some(1), "byte {at}");
                assert_eq!(refused.len(), 1);
            }
        }
        // What is damaged does not push out what is good.
        backup.save(&view(3, "x")).expect("saves");
        fs::remove_file(backup.current()).expect("removed");
        assert_eq!(revision(&backup), Some(1));
    }

    #[test]
    fn backup_of_another_token_or_with_a_new_checksum_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mine = Backup::open(folder.path(), "edge", GatewaySecret::of_key("k")).expect("opens");
        mine.save(&view(1, "x")).expect("saves");
        let other = Backup::open(folder.path(), "edge", GatewaySecret::of_key("other")).expect("opens");
        assert!(matches!(other.load().1.as_slice(), [BackupError::Content { .. }]));
        let mut bytes = fs::read(mine.current()).expect("a file");
        let end = bytes.len() - CHECKSUM_LEN;
        bytes[23] = 9;
        let checksum = digest(&SHA256, &bytes[..end]);
        bytes[end..].copy_from_slice(checksum.as_ref());
        fs::write(mine.current(), bytes).expect("written");
        let (view, refused) = mine.load();
        assert!(view.is_none(), "a revision that was made up");
        assert!(matches!(refused.as_slice(), [BackupError::Content { .. }]), "{refused:?}");
    }

    #[test]
    fn backup_says_which_folder_cannot_be_used() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let folder = file.path().join("folder");
        let error = Backup::open(&folder, "edge", GatewaySecret::of_key("k")).expect_err("refused");
        assert!(error.to_string().starts_with(&folder.display().to_string()), "{error}");
    }
}
