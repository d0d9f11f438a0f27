//! A [`Parsed`] in one register: the verifier walks a function that gives back a number once, wherever it is called from.

use super::{Parsed, Protocol, Verdict};

/// From the lowest bit on: protocol 2, verdict 2, IPv6 1, network 5, flags 8, payload 14, source port 16, destination port 16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packed(pub u64);

const VERDICT: u32 = 2;
const V6: u32 = 4;
const NETWORK: u32 = 5;
const FLAGS: u32 = 10;
const PAYLOAD: u32 = 18;
const SOURCE_PORT: u32 = 32;
const DESTINATION_PORT: u32 = 48;

impl Packed {
    #[inline(always)]
    pub const fn of(parsed: &Parsed) -> Self {
        Self(
            parsed.protocol as u64
                | (parsed.verdict as u64) << VERDICT
                | (parsed.v6 as u64) << V6
                | (parsed.network as u64) << NETWORK
                | (parsed.tcp_flags as u64) << FLAGS
                | (parsed.payload as u64) << PAYLOAD
                | (parsed.source_port as u64) << SOURCE_PORT
                | (parsed.destination_port as u64) << DESTINATION_PORT,
        )
    }

    #[inline(always)]
    pub const fn parsed(self) -> Parsed {
        Parsed {
            protocol: match self.0 & 3 {
                0 => Protocol::Tcp,
                1 => Protocol::Udp,
                _ => Protocol::Other,
            },
            verdict: match self.0 >> VERDICT & 3 {
                0 => Verdict::Pass,
                1 => Verdict::Fragment,
                2 => Verdict::Unparsed,
                _ => Verdict::Dropped,
            },
            source_port: (self.0 >> SOURCE_PORT) as u16,
            destination_port: (self.0 >> DESTINATION_PORT) as u16,
            tcp_flags: (self.0 >> FLAGS) as u8,
            v6: self.0 >> V6 & 1 != 0,
            network: (self.0 >> NETWORK & 0x1f) as usize,
            payload: (self.0 >> PAYLOAD & 0x3fff) as usize,
        }
    }
}
