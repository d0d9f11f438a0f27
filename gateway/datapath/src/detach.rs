//! Our programs on this host, whichever process holds them: where they are, and how to be rid of them.

use std::collections::HashMap;
use std::io;

use aya::programs::loaded_programs;
use serde::{Deserialize, Serialize};

use crate::kernel;
use crate::load::name;

/// A place where one of our programs is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    pub program: String,
    pub program_id: u32,
    /// Hook and target.
    pub place: String,
    link_id: u32,
}

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

/// Every place where a program of ours is attached on this host, in any network namespace. Programs are known
/// by their names. Needs `CAP_SYS_ADMIN`.
pub fn placements() -> io::Result<Vec<Placement>> {
    let ours = programs();
    let links = kernel::links()?.into_iter();
    let of_ours = links.filter_map(|link| {
        let program = ours.get(&link.program_id)?.clone();
        let place = link.describe();
        Some(Placement { program, program_id: link.program_id, place, link_id: link.link_id })
    });
    Ok(of_ours.collect())
}

/// Detaches every link of our programs. The gateway that holds them goes on without, and does not attach again.
/// Needs `CAP_SYS_ADMIN`.
pub fn detach_all() -> io::Result<Detached> {
    detach_programs(|_| true)
}

/// The same for those programs only whose id is wanted, such as those in one gateway's status.
pub fn detach_programs(wanted: impl Fn(u32) -> bool) -> io::Result<Detached> {
    let mut result = Detached::default();
    for placement in placements()?.iter().filter(|one| wanted(one.program_id)) {
        let line = format!("{}: {}", placement.program, placement.place);
        match kernel::detach_by_id(placement.link_id) {
            Ok(()) => result.detached.push(line),
            Err(error) => result.failed.push(format!("{line}: {error}")),
        }
    }
    let ours = programs().into_iter();
    let mut remaining: Vec<String> = ours
        .filter(|(id, program)| wanted(*id) && program == name::REUSEPORT)
        .map(|(id, program)| format!("{program} (id {id}): until the listener's sockets close"))
        .collect();
    remaining.sort();
    result.remaining = remaining;
    Ok(result)
}

/// Id → name of our programs in the kernel.
fn programs() -> HashMap<u32, String> {
    let loaded = loaded_programs().filter_map(Result::ok);
    loaded
        .filter_map(|program| Some((program.id(), program.name_as_str()?.to_owned())))
        .filter(|(_, program)| name::ALL.contains(&program.as_str()))
        .collect()
}
