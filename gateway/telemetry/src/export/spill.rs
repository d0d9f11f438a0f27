//! Payloads on disk while a sink takes none: a folder an exporter, a file a payload, bounded, replayed in order.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Payload;

/// What a file's name tells: `SEQUENCE-ITEMS-EXPIRY.part`, decimal; expiry in seconds since 1970, 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    sequence: u64,
    items: u64,
    expires: u64,
    bytes: u64,
}

/// The folder of one exporter.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    bytes_max: u64,
    entries: VecDeque<Entry>,
    bytes: u64,
    items: u64,
}

impl Spill {
    /// Opens or makes the folder. What an earlier process left is replayed first.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: PathBuf, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut entries = Vec::new();
        for file in fs::read_dir(&folder)? {
            let file = file?;
            let size = file.metadata()?.len();
            if let Some(entry) = file.file_name().to_str().and_then(|name| Entry::parse(name, size)) {
                entries.push(entry);
            }
        }
        entries.sort_by_key(|entry| entry.sequence);
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let items = entries.iter().map(|entry| entry.items).sum();
        Ok(Self { folder, bytes_max, entries: entries.into(), bytes, items })
    }

    /// The number behind the last one that was used.
    pub fn next_sequence(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.sequence + 1)
    }

    /// The number of the oldest.
    pub fn first_sequence(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.sequence)
    }

    pub fn holds(&self, sequence: u64) -> bool {
        self.entries.iter().any(|entry| entry.sequence == sequence)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Items and bytes on disk.
    pub fn held(&self) -> (u64, u64) {
        (self.items, self.bytes)
    }

    /// Writes a payload; returns how many items had to go for it, oldest first.
    ///
    /// # Errors
    /// It cannot be written; nothing of it stays.
    pub fn write(&mut self, sequence: u64, payload: &Payload) -> io::Result<u64> {
        let expires = payload
            .expires
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_secs());
        let bytes = payload.body.len() as u64;
        let entry = Entry { sequence, items: payload.items, expires, bytes };
        if bytes > self.bytes_max {
            return Ok(payload.items);
        }
        let mut given_up = 0;
        while self.bytes + bytes > self.bytes_max {
            let Some(oldest) = self.entries.front().copied() else { break };
            given_up += oldest.items;
            self.forget(oldest);
        }
        let path = self.path(entry);
        let draft = path.with_extension("draft");
        let written = fs::write(&draft, &payload.body).and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&draft); // it may not be there
            return Err(error);
        }
        let place = self.entries.partition_point(|known| known.sequence < sequence);
        self.entries.insert(place, entry);
        self.bytes += bytes;
        self.items += payload.items;
        Ok(given_up)
    }

    /// Takes the oldest payload out; `Err`: so many items cannot be read any more.
    pub fn take(&mut self) -> Option<Result<(u64, Payload), u64>> {
        let entry = self.entries.front().copied()?;
        let body = fs::read(self.path(entry)).ok().filter(|body| body.len() as u64 == entry.bytes);
        self.forget(entry);
        let Some(body) = body else { return Some(Err(entry.items)) };
        let expires = (entry.expires > 0).then(|| UNIX_EPOCH + Duration::from_secs(entry.expires));
        Some(Ok((entry.sequence, Payload { items: entry.items, body, expires, compressible: false })))
    }

    /// Removes the oldest.
    fn forget(&mut self, entry: Entry) {
        // One that cannot be removed is replayed by the next process: twice is better than never.
        let _ = fs::remove_file(self.path(entry));
        self.entries.pop_front();
        self.bytes -= entry.bytes.min(self.bytes);
        self.items -= entry.items.min(self.items);
    }

    fn path(&self, entry: Entry) -> PathBuf {
        let Entry { sequence, items, expires, .. } = entry;
        self.folder.join(format!("{sequence:020}-{items}-{expires}.part"))
    }
}

impl Entry {
    fn parse(name: &str, bytes: u64) -> Option<Self> {
        let mut parts = name.strip_suffix(".part")?.split('-').map(|part| part.parse().ok());
        let (sequence, items, expires) = (parts.next()??, parts.next()??, parts.next()??);
        Some(Self { sequence, items, expires, bytes })
    }
}

/// A folder's name for an exporter: letters, digits, `-` and `_`.
pub fn folder(root: &Path, exporter: &str) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    root.join(exporter.chars().map(safe).collect::<String>())
}

/// Whether a payload is past its time.
pub fn is_expired(payload: &Payload, now: SystemTime) -> bool {
    payload.expires.is_some_and(|expires| expires < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &str) -> Payload {
        let expires = Some(UNIX_EPOCH + Duration::from_secs(99));
        Payload { items: 2, body: text.as_bytes().to_vec(), expires, compressible: false }
    }

    #[test]
    fn spill_outlives_the_process_and_replays_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(folder(dir.path(), "a/b"), 100).unwrap();
        for (sequence, text) in [(7, "seven"), (5, "five"), (10, "ten")] {
            assert_eq!(spill.write(sequence, &payload(text)).unwrap(), 0);
        }
        fs::write(dir.path().join("a_b/stranger"), "x").unwrap();
        let mut spill = Spill::open(folder(dir.path(), "a/b"), 100).unwrap();
        assert_eq!((spill.next_sequence(), spill.held()), (11, (6, 12)));
        for (sequence, text) in [(5, "five"), (7, "seven"), (10, "ten")] {
            assert_eq!(spill.take(), Some(Ok((sequence, payload(text)))));
        }
        assert_eq!((spill.take(), spill.held()), (None, (0, 0)));
    }

    #[test]
    fn spill_beyond_its_bound_gives_up_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(dir.path().join("s"), 10).unwrap();
        assert_eq!(spill.write(0, &payload("aaaa")).unwrap(), 0);
        assert_eq!(spill.write(1, &payload("bbbb")).unwrap(), 0);
        assert_eq!(spill.write(2, &payload("cccc")).unwrap(), 2);
        assert_eq!(spill.write(3, &payload("longer than all")).unwrap(), 2);
        assert_eq!(spill.take(), Some(Ok((1, payload("bbbb")))));
        fs::write(dir.path().join("s/00000000000000000002-2-99.part"), "cut").unwrap();
        assert_eq!(spill.take(), Some(Err(2)), "a damaged file is counted, not sent");
    }
}
