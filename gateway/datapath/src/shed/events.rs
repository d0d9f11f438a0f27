//! Samples of what was dropped, for the log.

use std::net::{IpAddr, Ipv6Addr};

use aya::maps::{MapData, RingBuf};
use gateway_common::map::DropEvent;

use super::rules::Rules;

/// Lines that one call may write; the programs send ten a second and CPU.
const LINES_MAX: usize = 20;

/// The ring buffer that the programs report to.
pub struct Events(RingBuf<MapData>);

impl Events {
    pub fn new(ring: RingBuf<MapData>) -> Self {
        Self(ring)
    }

    /// Writes what has come in since the last call.
    pub fn log(&mut self, rules: &Rules) {
        let mut unwritten = 0_u64;
        let mut lines = 0;
        while let Some(item) = self.0.next() {
            let Some(event) = read(&item) else { continue };
            if lines == LINES_MAX {
                unwritten += event.skipped + 1;
                continue;
            }
            lines += 1;
            let rule = rules.dropping(event.rule);
            tracing::info!(
                target: "gateway_datapath::drop",
                rule = rule.map_or("", |rule| rule.name.as_str()),
                reason = rule.map_or("", |rule| rule.reason),
                source = %source(&event),
                source_port = event.source_port,
                port = event.destination_port,
                interface = event.interface,
                bytes = event.bytes,
                not_shown = event.skipped,
                "packet dropped"
            );
        }
        if unwritten > 0 {
            tracing::info!(target: "gateway_datapath::drop", packets = unwritten, "more packets dropped");
        }
    }
}

fn read(bytes: &[u8]) -> Option<DropEvent> {
    // SAFETY: as long as the type by the comparison, and any bytes make one: integers only.
    (bytes.len() >= size_of::<DropEvent>())
        .then(|| unsafe { bytes.as_ptr().cast::<DropEvent>().read_unaligned() })
}

fn source(event: &DropEvent) -> IpAddr {
    let mut bytes = [0; 16];
    for (to, word) in bytes.chunks_exact_mut(4).zip(event.source.0) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
}

#[cfg(test)]
mod tests {
    use gateway_common::packet::Address;

    use super::*;

    #[test]
    fn source_mapped_address_is_shown_as_v4() {
        let event = |source| DropEvent {
            source,
            skipped: 0,
            rule: 0,
            interface: 0,
            bytes: 0,
            source_port: 0,
            destination_port: 0,
            tcp_flags: 0,
            protocol: 0,
            pad: [0; 6],
        };
        let four = event(Address::v4(u32::from_ne_bytes([192, 0, 2, 1])));
        assert_eq!(source(&four).to_string(), "192.0.2.1");
        let six: Ipv6Addr = "2001:db8::1".parse().unwrap();
        assert_eq!(source(&event(Address::v6(six.octets()))), IpAddr::V6(six));
    }
}
