//! The kill switch without the gateway: one store into the settings of every loaded program of ours.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;

use aya::maps::MapInfo;
use aya::programs::loaded_programs;
use gateway_common::map::Config;

use crate::kernel::Map;
use crate::load::name;

/// What [`switch_all`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switched {
    /// Gateways on this host whose programs stand as asked now.
    pub gateways: usize,
}

/// Switches the programs of every gateway on this host on or off. Off, they pass everything and count nothing; the
/// gateways go on serving. Needs `CAP_SYS_ADMIN`.
pub fn switch_all(enabled: bool) -> io::Result<Switched> {
    let mut switched = Switched::default();
    for id in config_maps()? {
        // Gone in between: nothing to switch.
        let Ok(info) = MapInfo::from_id(id) else { continue };
        let Ok(fd) = info.fd() else { continue };
        let map: Map<Config> = Map::new(fd.as_fd().try_clone_to_owned()?);
        let mut config: Config = map.get(&0_u32)?;
        config.flags = config.flags & !Config::ENABLED | if enabled { Config::ENABLED } else { 0 };
        config.generation += 1;
        map.update(&0_u32, &config)?;
        switched.gateways += 1;
    }
    Ok(switched)
}

/// Maps of that name that our programs use, and that are as this version knows them.
fn config_maps() -> io::Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for program in loaded_programs() {
        let program = program.map_err(io::Error::other)?;
        if !program.name_as_str().is_some_and(|known| name::ALL.contains(&known)) {
            continue;
        }
        for id in program.map_ids().map_err(io::Error::other)?.unwrap_or_default() {
            let is_config = |info: &MapInfo| {
                info.name_as_str() == Some("CONFIG") && info.value_size() as usize == size_of::<Config>()
            };
            if MapInfo::from_id(id).is_ok_and(|info| is_config(&info)) {
                found.insert(id);
            }
        }
    }
    Ok(found)
}
