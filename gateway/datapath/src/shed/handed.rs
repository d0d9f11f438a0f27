//! Prefixes that stand in no file, on their way from one process to the next: those that commands have put into the lists,
//! and sources that are kept off.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::feedback::FEEDBACK;
use super::rules::COMMAND;
use super::table::{Confirmed, Life};
use super::{List, Prefix, Shed};

/// What is answered to commands in between: they would be lost.
pub(super) const ELSEWHERE: &str = "another process is taking over: give the command once more";

/// A file in memory with one claim a line, as JSON. A list may have a million of them.
#[derive(Debug)]
pub struct HandedClaims(File);

/// A claim on its way.
#[derive(Serialize, Deserialize)]
struct HandedClaim {
    list: List,
    prefix: Prefix,
    /// Of a source that is kept off; of none, a command's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    why: Option<String>,
    /// Milliseconds until it ends; for ever without.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ends: Option<u64>,
    /// On trial: how long it holds once somebody confirms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trial: Option<Confirming>,
}

#[derive(Serialize, Deserialize)]
struct Confirming {
    /// Milliseconds; for ever without.
    ends: Option<u64>,
}

impl HandedClaims {
    /// As it came from the other process. What is no such file is refused when it is read.
    pub fn new(descriptor: OwnedFd) -> Self {
        Self(File::from(descriptor))
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn write(claims: impl Iterator<Item = HandedClaim>) -> io::Result<Self> {
        let file = File::from(memfd_create(c"datapath claims", MFdFlags::MFD_CLOEXEC)?);
        let mut lines = BufWriter::new(&file);
        for claim in claims {
            serde_json::to_writer(&mut lines, &claim)?;
            lines.write_all(b"\n")?;
        }
        lines.flush()?;
        drop(lines);
        Ok(Self(file))
    }

    fn read(&self) -> io::Result<Vec<HandedClaim>> {
        let mut file = &self.0;
        file.rewind()?;
        BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }
}

impl Shed {
    /// For another process. From now on lists are changed there, and commands here are refused, until
    /// [`Shed::reclaim`].
    pub fn hand_over(&mut self) -> io::Result<HandedClaims> {
        self.handed = true;
        let now = Instant::now();
        let left = |until: Instant| until.saturating_duration_since(now).as_millis() as u64;
        let mut claims = Vec::new();
        for (list, table) in [(List::Deny, &self.deny), (List::Allow, &self.allow)] {
            for (prefix, number, life) in table.claims() {
                let kept_off = |rule: &&super::rules::Rule| rule.number == number && rule.reason == FEEDBACK;
                let why = self.rules.all().iter().find(kept_off).map(|rule| rule.name.clone());
                if number != COMMAND && why.is_none() {
                    continue;
                }
                let ends = life.map(|life| left(life.until));
                let trial = life.and_then(|life| life.trial);
                let trial = trial.map(|confirmed| Confirming { ends: confirmed.until.map(left) });
                claims.push(HandedClaim { list, prefix, why, ends, trial });
            }
        }
        HandedClaims::write(claims.into_iter())
    }

    /// The other process did not take over after all.
    pub fn reclaim(&mut self) {
        self.handed = false;
    }

    /// Claims what another process has claimed, as far as that may be here; how many.
    pub fn adopt(&mut self, handed: &HandedClaims) -> io::Result<usize> {
        let now = Instant::now();
        let after = |milliseconds| now.checked_add(Duration::from_millis(milliseconds));
        let mut adopted = 0;
        for claim in handed.read()? {
            let until = claim.ends.and_then(after);
            if let Some(why) = &claim.why {
                let until = until.unwrap_or(now + self.settings.feedback_for);
                adopted += usize::from(self.keep_off_until(claim.prefix, why, until));
                continue;
            }
            if claim.list == List::Deny
                && let Some(refusal) = self.protected.refusal(claim.prefix)
            {
                self.complaints.add("taking over", refusal);
                continue;
            }
            let trial = claim.trial.map(|trial| Confirmed { until: trial.ends.and_then(after) });
            let life = until.map(|until| Life { until, trial });
            self.table(claim.list).claim(claim.prefix, COMMAND, life);
            adopted += 1;
        }
        Ok(adopted)
    }
}
