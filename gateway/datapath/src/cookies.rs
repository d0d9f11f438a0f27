//! Floods of SYNs: which listeners answer with cookies, and a line in the log when that begins and ends.

use std::io;

use gateway_common::map::group_index;

use crate::load::Maps;
use crate::shed::clock_ns;

/// Listeners whose queue overflows, by number, as last said.
#[derive(Debug, Default)]
pub struct Floods {
    active: Vec<u16>,
}

impl Floods {
    /// Says what has changed since the last call; `listeners` are named by number.
    pub fn follow<'a>(
        &mut self,
        maps: &Maps,
        listeners: impl Iterator<Item = (u16, &'a str)>,
    ) -> io::Result<()> {
        for (number, listener) in listeners {
            let before = self.active.contains(&number);
            let now = is_flooded(maps, number)?;
            if now && !before {
                self.active.push(number);
                tracing::warn!(event_type = "SynFloodBegan", listener, "SYN flood: answered with cookies");
            } else if before && !now {
                self.active.retain(|active| *active != number);
                tracing::info!(event_type = "SynFloodEnded", listener, "SYN flood has ended");
            }
        }
        Ok(())
    }
}

/// True while SYNs to the listener are answered with cookies, in either address family.
pub fn is_flooded(maps: &Maps, listener: u16) -> io::Result<bool> {
    let now = clock_ns();
    for v6 in [false, true] {
        if maps.cookie_state.get(&group_index(listener, v6))?.is_flood(now) {
            return Ok(true);
        }
    }
    Ok(false)
}
