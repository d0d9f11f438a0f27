//! `gateway run --takeover --background`: starts the successor, and returns when it serves. For `systemctl reload`,
//! which reports how that went.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use super::{EXIT_FAILED, fail};

/// The successor compiles its configuration first.
const STARTS_WITHIN: Duration = Duration::from_secs(150);

pub fn start(socket: &Path) -> ExitCode {
    let before = number(socket);
    let arguments: Vec<OsString> = std::env::args_os().skip(1).filter(|one| one != "--background").collect();
    let started = std::env::current_exe().and_then(|program| Command::new(program).args(arguments).spawn());
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return fail(EXIT_FAILED, format!("the new process cannot start: {error}")),
    };
    match wait(&mut child, socket, before) {
        Ok(None) => ExitCode::SUCCESS,
        // It has said why.
        Ok(Some(code)) => ExitCode::from(code),
        Err(error) => fail(EXIT_FAILED, format!("the new process cannot be waited for: {error}")),
    }
}

/// `None` once its socket stands where the other's was; else its exit code.
fn wait(child: &mut Child, socket: &Path, before: Option<u64>) -> io::Result<Option<u8>> {
    let start = Instant::now();
    while start.elapsed() < STARTS_WITHIN {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(EXIT_FAILED)));
        }
        if number(socket).is_some_and(|now| Some(now) != before) {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(EXIT_FAILED))
}

/// Which file that is.
fn number(socket: &Path) -> Option<u64> {
    std::fs::metadata(socket).ok().map(|file| file.ino())
}
