//! Settings that change while the gateway runs: those of [`LIVE`], in the settings file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::sources::{from_command_line, from_environment, from_file};
use super::{Given, SettingError, Settings};

/// Settings that a change of the file brings into force; the others take a restart.
const LIVE: [&str; 3] = ["net.l4.routes", "datapath.http.bindings", "datapath.https.bindings"];

/// Where settings came from, to be read again: a file between what has lower precedence and what has higher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub below: Vec<Given>,
    pub file: PathBuf,
    pub above: Vec<Given>,
    /// Of the file, before it was read for the settings in force.
    pub stamp: Stamp,
    /// What was given then.
    pub given: Vec<Given>,
}

/// What tells that a file has changed; `None` = there is none.
pub type Stamp = Option<(SystemTime, u64, u64)>;

/// Of the file as it is.
pub fn stamp(file: &Path) -> Stamp {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.ino(), found.len()))
}

impl Origin {
    /// Everything that is given now, lowest precedence first. Error: why the file cannot be read.
    pub fn read(&self) -> Result<Vec<Given>, String> {
        Ok([self.below.clone(), from_file(&self.file)?, self.above.clone()].concat())
    }
}

/// All that is wrong with the file, one line each.
pub type Mistakes = Vec<String>;

impl Settings {
    /// Settings from all sources, with the names that are not known.
    pub fn gather(
        environment: impl Iterator<Item = (String, String)>,
        file: Option<PathBuf>,
        assignments: &[String],
        flags: &[(&str, Option<String>)],
    ) -> Result<(Self, Vec<String>), Mistakes> {
        let below = from_environment(environment);
        let above = from_command_line(assignments, flags).map_err(|error| vec![error])?;
        let origin = file.map(|file| {
            let stamp = stamp(&file);
            Origin { below: below.clone(), file, above: above.clone(), stamp, given: Vec::new() }
        });
        let given = match &origin {
            Some(origin) => origin.read().map_err(|error| vec![error])?,
            None => [below, above].concat(),
        };
        let (mut settings, unknown) = Self::from_given(&given).map_err(|errors| lines(&errors))?;
        settings.origin = origin.map(|origin| Origin { given, ..origin });
        Ok((settings, unknown))
    }
}

impl Origin {
    /// Settings as the sources give them now, checked, and the names of those that have changed and take a restart: each
    /// change is told once.
    pub fn again(&mut self) -> Result<Changed, Mistakes> {
        let given = self.read().map_err(|error| vec![error])?;
        let (settings, _) = Settings::from_given(&given).map_err(|errors| lines(&errors))?;
        settings.check().map_err(|error| vec![error.to_string()])?;
        let waiting = differences(&self.given, &given);
        self.given = given;
        Ok(Changed { settings, waiting })
    }
}

/// What another look at the sources has brought.
#[derive(Debug)]
pub struct Changed {
    pub settings: Settings,
    /// Names of settings that take a restart.
    pub waiting: Vec<String>,
}

fn lines(errors: &[SettingError]) -> Mistakes {
    errors.iter().map(ToString::to_string).collect()
}

/// Names of settings with another value, or with one on one side only, that are not live.
fn differences(before: &[Given], after: &[Given]) -> Vec<String> {
    // The last one counts.
    fn value<'a>(given: &'a [Given], name: &str) -> Option<&'a str> {
        given.iter().rev().find(|one| one.name == name).map(|one| one.value.trim())
    }
    let mut names: Vec<_> = before.iter().chain(after).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let differs = |name: &&str| !LIVE.contains(name) && value(before, name) != value(after, name);
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> (tempfile::NamedTempFile, Origin) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_owned();
        (file, Origin { below: Vec::new(), file: path, above: Vec::new(), stamp: None, given: Vec::new() })
    }

    #[test]
    fn again_live_settings_change_and_others_wait() {
        let (file, mut origin) = origin("workers = 1\n[net.l4]\nroutes = [\":7001 -> a:1\"]\n");
        origin.given = origin.read().unwrap();
        std::fs::write(file.path(), "workers = 2\n[net.l4]\nroutes = [\":7001 -> b:1\", \":7002 -> c:1\"]\n")
            .unwrap();
        let changed = origin.again().unwrap();
        assert_eq!(changed.waiting, ["workers"]);
        assert_eq!(changed.settings.net.l4.routes.0.len(), 2);
        let again = origin.again().unwrap();
        assert!(again.waiting.is_empty(), "said once: {:?}", again.waiting);
    }

    #[test]
    fn again_what_is_wrong_is_said_with_the_setting() {
        for (text, expected) in [
            ("net.l4.routes = \":1 -> a\"", "setting net.l4.routes"),
            ("net.l4.routes = \"[::]:8080 -> a:1\"", "net.http.address is there"),
            ("datapath.http.bindings = \"x\"", "setting datapath.http.bindings"),
            ("[[", "--settings"),
        ] {
            let (_file, mut origin) = origin(text);
            let mistakes = origin.again().unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{text}: {mistakes:?}");
        }
    }
}
