//! The kernel's run-time statistics of programs, for as long as somebody wants them.

use std::os::fd::OwnedFd;

use aya::sys::{Stats, enable_stats};

use crate::kernel;
use crate::load::LoadedProgram;
use crate::status::Runs;

/// On while a descriptor is held.
pub struct Statistics(Option<OwnedFd>);

impl Statistics {
    /// What keeps them from being on goes to `refused`, in one line.
    pub fn start(wanted: bool, refused: &mut Vec<String>) -> Self {
        let on = wanted.then(|| enable_stats(Stats::RunTime));
        Self(on.and_then(|on| {
            let line = |error| refused.push(format!("run-time statistics (CAP_SYS_ADMIN): {error}"));
            on.map_err(line).ok()
        }))
    }

    /// What a program has run since they are on.
    pub fn of(&self, program: &LoadedProgram) -> Option<Runs> {
        self.0.as_ref()?;
        let [count, nanoseconds] = kernel::runs(program).ok()?;
        Some(Runs { count, nanoseconds })
    }
}
