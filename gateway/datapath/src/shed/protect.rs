//! Networks that nothing may deny: those that the operator names, and whoever is logged in.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::prefix::Prefix;

const SSH_PORT: u16 = 22;
/// Peers of SSH connections that are remembered.
const PEERS_MAX: usize = 64;

/// Each with the reason why.
#[derive(Debug, Default)]
pub struct Protected(Vec<(Prefix, String)>);

impl Protected {
    /// False if the network was protected before.
    pub fn add(&mut self, prefix: Prefix, why: &str) -> bool {
        let is_new = !self.0.iter().any(|(known, _)| known.covers(prefix));
        if is_new {
            self.0.push((prefix, why.to_owned()));
        }
        is_new
    }

    /// Why a rule must not deny the prefix, in one line.
    pub fn refusal(&self, prefix: Prefix) -> Option<String> {
        let (network, why) = self.0.iter().find(|(network, _)| network.overlaps(prefix))?;
        Some(format!("{prefix} would deny {network} ({why}): refused"))
    }

    pub fn prefixes(&self) -> BTreeSet<Prefix> {
        self.0.iter().map(|(prefix, _)| *prefix).collect()
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(prefix, why)| format!("{prefix} ({why})")).collect()
    }
}

/// Peers of established connections to this host's SSH port, in the caller's network namespace.
pub fn ssh_peers() -> Vec<IpAddr> {
    let mut peers = BTreeSet::new();
    for file in ["tcp", "tcp6"] {
        // Without the table nobody is known to be logged in; the operator's networks stand in the settings.
        let table = fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default();
        peers.extend(table.lines().skip(1).filter_map(ssh_peer));
    }
    peers.into_iter().take(PEERS_MAX).collect()
}

/// proc(5): number, local address, remote address, state (1 = established), all in hexadecimal.
fn ssh_peer(line: &str) -> Option<IpAddr> {
    const ESTABLISHED: &str = "01";
    let mut words = line.split_whitespace().skip(1);
    let (_, local_port) = words.next()?.split_once(':')?;
    let (remote, _) = words.next()?.split_once(':')?;
    if words.next()? != ESTABLISHED || u16::from_str_radix(local_port, 16).ok()? != SSH_PORT {
        return None;
    }
    let peer = address(remote)?.to_canonical();
    (!peer.is_loopback()).then_some(peer)
}

/// Words of 32 bits, each as the machine reads the bytes in memory.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = text.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut bytes = [0; 16];
            for (to, from) in bytes.chunks_exact_mut(4).zip(words) {
                to.copy_from_slice(&from);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_peer_established_to_port_22_only() {
        let line = |local: &str, remote: &str, state: &str| {
            ssh_peer(&format!("   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 0"))
                .map(|peer| peer.to_string())
        };
        let (here, there) = (0xc000_0202_u32.to_be(), 0xc000_0201_u32.to_be());
        let (here, there) = (format!("{here:08X}:0016"), format!("{there:08X}:D431"));
        assert_eq!(line(&here, &there, "01").as_deref(), Some("192.0.2.1"));
        assert_eq!(line(&here, &there, "0A"), None);
        assert_eq!(line(&there, &here, "01"), None);
        let six = format!("{:08X}{:08X}{:08X}{:08X}:D431", 0x2001_0db8_u32.to_be(), 0, 0, 1_u32.to_be());
        assert_eq!(line(&here, &six, "01").as_deref(), Some("2001:db8::1"));
        assert_eq!(line(&here, "nonsense", "01"), None);
    }

    #[test]
    fn refusal_names_network_and_reason() {
        let mut protected = Protected::default();
        assert!(protected.add("203.0.113.0/28".parse().unwrap(), "setting datapath.management"));
        assert!(!protected.add("203.0.113.7".parse().unwrap(), "SSH connection"));
        let refusal = |text: &str| protected.refusal(text.parse().unwrap());
        assert_eq!(
            refusal("203.0.113.0/24").unwrap(),
            "203.0.113.0/24 would deny 203.0.113.0/28 (setting datapath.management): refused"
        );
        assert!(refusal("203.0.113.7").is_some() && refusal("0.0.0.0/0").is_some());
        assert_eq!(refusal("203.0.113.16/28"), None);
    }
}
