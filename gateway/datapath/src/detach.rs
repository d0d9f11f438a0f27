//! `gateway datapath detach`: removes our programs from the host, whichever process holds them.

use std::collections::HashMap;
use std::io;

use aya::programs::loaded_programs;
use serde::{Deserialize, Serialize};

use crate::kernel;
use crate::load::name;

/// What was found and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detached {
    /// Program and place of each link that is detached now.
    pub detached: Vec<String>,
    /// The same, with the reason why it is not.
    pub failed: Vec<String>,
    /// Programs that are loaded and cannot be detached from outside: the reuseport program stays until the
    /// listener's sockets close.
    pub remaining: Vec<String>,
}

/// Detaches every link of our programs, found by name. The gateway that holds them goes on without, and does
/// not attach again. Needs `CAP_SYS_ADMIN`.
pub fn detach_all() -> io::Result<Detached> {
    let ours: HashMap<u32, String> = loaded_programs()
        .filter_map(Result::ok)
        .filter_map(|program| Some((program.id(), program.name_as_str()?.to_owned())))
        .filter(|(_, program)| name::ALL.contains(&program.as_str()))
        .collect();
    let mut result = Detached::default();
    for link in kernel::links()? {
        let Some(program) = ours.get(&link.program_id) else { continue };
        let place = format!("{program}: {}", link.describe());
        match kernel::detach_by_id(link.link_id) {
            Ok(()) => result.detached.push(place),
            Err(error) => result.failed.push(format!("{place}: {error}")),
        }
    }
    let mut remaining: Vec<String> = ours
        .iter()
        .filter(|(_, program)| *program == name::REUSEPORT)
        .map(|(id, program)| format!("{program} (id {id}): until the listener's sockets close"))
        .collect();
    remaining.sort();
    result.remaining = remaining;
    Ok(result)
}
