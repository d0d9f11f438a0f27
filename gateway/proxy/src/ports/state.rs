//! Quota counters in a file, so that they outlive the process.
//!
//! The file is written whole beside the old one, brought to the disk and renamed: whatever happens meanwhile, one of
//! the two is there. What was counted since the last write is lost when the process is killed; see
//! [`INTERVAL`].

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_policy::ports::{QuotaUse, QuotaWindow};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::quotas::{QuotaCounters, Saved};

/// How often changed counters are written: what a killed process loses at most.
pub const INTERVAL: Duration = Duration::from_secs(1);

const NAME: &str = "quotas";
const HEAD: &str = "gateway quotas 1";

/// The file of the quota counters. Lines: start, end (`-` = none), count, bytes, key; the last one says how many.
#[derive(Debug)]
pub struct QuotaFile {
    path: PathBuf,
}

impl QuotaFile {
    /// A file in a folder, which is made where it is not there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { path: folder.join(NAME) })
    }

    /// Reads the counters; how many there were. A damaged file is put aside, as `quotas.damaged`, and reported.
    pub fn load(&self, quotas: &QuotaCounters) -> io::Result<usize> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        match read(BufReader::new(file)) {
            Ok(counters) => {
                counters.iter().for_each(|saved| quotas.restore(saved));
                Ok(counters.len())
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                fs::rename(&self.path, self.path.with_extension("damaged"))?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the counters whose window is not over by `now`, seconds since 1970.
    pub fn save(&self, counters: &[Saved], now: i64) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut out = BufWriter::new(File::create(&new)?);
        writeln!(out, "{HEAD}")?;
        let mut lines = 0;
        for saved in counters.iter().filter(|saved| saved.window.end.is_none_or(|end| end > now)) {
            write_line(saved, &mut out)?;
            lines += 1;
        }
        writeln!(out, "end {lines}")?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&new, &self.path)?;
        // The rename itself has to reach the disk too.
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

fn write_line(Saved { key, window, used }: &Saved, out: &mut impl Write) -> io::Result<()> {
    let end = window.end.map_or_else(|| "-".to_owned(), |end| end.to_string());
    let key = utf8_percent_encode(key, NON_ALPHANUMERIC);
    writeln!(out, "{} {end} {} {} {key}", window.start, used.count, used.bytes)
}

fn read(input: impl BufRead) -> io::Result<Vec<Saved>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut lines = input.lines();
    if lines.next().transpose()?.as_deref() != Some(HEAD) {
        return Err(damaged("the first line is not that of a quota file of this version"));
    }
    let mut counters = Vec::new();
    for line in lines {
        let line = line?;
        if let Some(count) = line.strip_prefix("end ") {
            let is_whole = count.parse() == Ok(counters.len());
            return if is_whole { Ok(counters) } else { Err(damaged("lines are missing")) };
        }
        counters.push(read_line(&line).ok_or_else(|| damaged("a line cannot be read"))?);
    }
    Err(damaged("the last line is missing"))
}

fn read_line(line: &str) -> Option<Saved> {
    let mut parts = line.split(' ');
    let start = parts.next()?.parse().ok()?;
    let end = match parts.next()? {
        "-" => None,
        end => Some(end.parse().ok()?),
    };
    let (count, bytes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let key = percent_decode_str(parts.next()?).decode_utf8().ok()?;
    let is_whole = parts.next().is_none();
    is_whole.then(|| Saved {
        key: key.as_ref().into(),
        window: QuotaWindow { start, end },
        used: QuotaUse { count, bytes },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(key: &str, end: Option<i64>) -> Saved {
        Saved {
            key: key.into(),
            window: QuotaWindow { start: -5, end },
            used: QuotaUse { count: 3, bytes: 4 },
        }
    }

    fn loaded(file: &QuotaFile) -> io::Result<Vec<Saved>> {
        let quotas = QuotaCounters::default();
        file.load(&quotas)?;
        let mut all = quotas.unsaved().unwrap_or_default();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    #[test]
    fn save_and_load_give_back_what_is_not_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = QuotaFile::open(&folder.path().join("made")).unwrap();
        assert_eq!(loaded(&file).unwrap(), []);
        let counters = [saved("a\0 %\n", None), saved("b", Some(100)), saved("over", Some(10))];
        file.save(&counters, 10).unwrap();
        assert_eq!(loaded(&file).unwrap(), counters[..2]);
    }

    #[test]
    fn load_damaged_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = QuotaFile::open(folder.path()).unwrap();
        let whole = format!("{HEAD}\n0 - 1 2 a\nend 1\n");
        for length in 0..whole.len() - 1 {
            fs::write(&file.path, &whole[..length]).unwrap();
            assert_eq!(loaded(&file).unwrap_err().kind(), io::ErrorKind::InvalidData, "{length}");
            assert!(!file.path.exists() && file.path.with_extension("damaged").exists());
        }
        fs::write(&file.path, &whole).unwrap();
        assert_eq!(loaded(&file).unwrap().len(), 1);
    }
}
