//! Whether an interface and the hosts behind it are still there, as rtnetlink(7) has it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::route::{ACKNOWLEDGE, HEADER, LINK_MESSAGE, MESSAGE, Routes, attribute, link_question};
use super::route::{GET_LINK, GET_NEIGHBOUR, neighbour_question, number};

const NEW_NEIGHBOUR: u16 = 28;
/// `IFLA_STATS64`, whose first word is `rx_packets`, and `IFLA_CARRIER`.
const LINK_STATISTICS: u16 = 23;
const LINK_CARRIER: u16 = 33;
/// `NDA_CACHEINFO`, whose first word says how long ago the entry was confirmed, in hundredths of a second.
const NEIGHBOUR_CACHE: u16 = 3;
/// `NUD_REACHABLE`, `_STALE`, `_DELAY`, `_PROBE`.
const LEARNED: u16 = 0x02 | 0x04 | 0x08 | PROBE;
const PROBE: u16 = 0x10;
/// `NUD_NOARP`, `_PERMANENT`.
const FIXED: u16 = 0x40 | 0x80;
/// `NTF_EXT_LEARNED`: a routing daemon's.
const DAEMONS: u8 = 0x10;

/// An interface's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    pub carrier: bool,
    /// Packets since it is there.
    pub received: u64,
}

impl Routes {
    pub fn presence(&self, interface: u32) -> io::Result<Presence> {
        let link = self.ask(GET_LINK, 0, &link_question(interface))?;
        let of_link = |kind| attribute(&link, HEADER + LINK_MESSAGE, kind);
        let received = of_link(LINK_STATISTICS).and_then(|all| all.get(..8)?.try_into().ok());
        let received = received.map(u64::from_ne_bytes);
        let carrier = of_link(LINK_CARRIER).and_then(|value| value.first());
        let (Some(received), Some(carrier)) = (received, carrier) else {
            return Err(io::Error::other("the interface has no figures"));
        };
        Ok(Presence { carrier: *carrier != 0, received })
    }

    /// How long ago the host proved to be there; `None` where it has not, or where nobody asks it because its hardware
    /// address is set.
    pub fn confirmed(&self, interface: u32, host: IpAddr) -> Option<Duration> {
        let entry = self.ask(GET_NEIGHBOUR, 0, &neighbour_question(interface, host)).ok()?;
        // `ndm_state` and `ndm_flags` of `struct ndmsg`.
        let state = u16::from_ne_bytes(entry.get(HEADER + 8..HEADER + 10)?.try_into().ok()?);
        let flags = *entry.get(HEADER + 10)?;
        if state & LEARNED == 0 || state & FIXED != 0 || flags & DAEMONS != 0 {
            return None;
        }
        let cache = attribute(&entry, HEADER + MESSAGE, NEIGHBOUR_CACHE)?;
        Some(Duration::from_millis(u64::from(number(cache.get(..4)?)?) * 10))
    }

    /// Asks a host whose hardware address is known, to find out whether it still answers. Needs `CAP_NET_ADMIN`.
    pub fn probe(&self, interface: u32, host: IpAddr) -> io::Result<()> {
        let mut body = neighbour_question(interface, host);
        if let Some(state) = body.get_mut(8..10) {
            state.copy_from_slice(&PROBE.to_ne_bytes());
        }
        self.ask(NEW_NEIGHBOUR, ACKNOWLEDGE, &body).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_of_loopback_has_a_carrier_and_of_none_is_an_error() {
        let routes = Routes::open().unwrap();
        let index = nix::net::if_::if_nametoindex("lo").unwrap();
        assert!(routes.presence(index).is_ok());
        assert!(routes.presence(u32::MAX >> 1).is_err());
        assert_eq!(routes.confirmed(index, "127.0.0.1".parse().unwrap()), None);
        assert!(routes.probe(index, "192.0.2.1".parse().unwrap()).is_err(), "no entry, or no right");
    }
}
