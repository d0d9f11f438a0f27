//! Packets made from a recipe, with what is to be read from them.

use gateway_common::parse::{EXTENSION_HEADERS_MAX, VLAN_TAGS_MAX};
use gateway_common::{Protocol, Verdict};
use proptest::prelude::*;

pub const SOURCE_PORT: u16 = 40_001;
pub const DESTINATION_PORT: u16 = 8443;
pub const SOURCE_V4: [u8; 4] = [192, 0, 2, 1];
pub const DESTINATION_V4: [u8; 4] = [198, 51, 100, 7];
pub const SOURCE_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
pub const DESTINATION_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32];

#[derive(Clone, Debug)]
pub enum Extension {
    /// The length field: words of 8 bytes beyond the first.
    HopByHop(u8),
    Routing(u8),
    Options(u8),
    /// Offset and flags as they are.
    Fragment(u16),
}

#[derive(Clone, Debug)]
pub enum Network {
    V4 { options: u8, fragment: u16 },
    V6 { extensions: Vec<Extension> },
}

#[derive(Clone, Debug)]
pub enum Transport {
    /// Options in words of 4 bytes.
    Tcp {
        options: u8,
        flags: u8,
    },
    Udp,
    Other(u8),
}

#[derive(Clone, Debug)]
pub struct Recipe {
    pub tags: Vec<u16>,
    pub network: Network,
    pub transport: Transport,
    pub data: usize,
}

/// A packet and what is to be read from it.
pub struct Made {
    pub frame: Vec<u8>,
    pub protocol: Protocol,
    pub verdict: Verdict,
}

impl Recipe {
    pub fn make(&self) -> Made {
        let mut frame = vec![0x02; 12];
        for tag in &self.tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 9]);
        }
        frame.extend(match self.network {
            Network::V4 { .. } => [0x08, 0x00],
            Network::V6 { .. } => [0x86, 0xdd],
        });
        let (number, segment) = self.segment();
        match &self.network {
            Network::V4 { options, fragment } => frame.extend(ipv4(number, *options, *fragment, &segment)),
            Network::V6 { extensions } => frame.extend(ipv6(number, extensions, &segment)),
        }
        let (protocol, verdict) = self.expected();
        Made { frame, protocol, verdict }
    }

    fn expected(&self) -> (Protocol, Verdict) {
        let protocol = match self.transport {
            Transport::Tcp { .. } => Protocol::Tcp,
            Transport::Udp => Protocol::Udp,
            Transport::Other(_) => Protocol::Other,
        };
        if self.tags.len() > VLAN_TAGS_MAX {
            return (Protocol::Other, Verdict::Unparsed);
        }
        match &self.network {
            Network::V4 { fragment, .. } if fragment & 0x3fff != 0 => (protocol, Verdict::Fragment),
            Network::V4 { .. } => (protocol, Verdict::Pass),
            Network::V6 { extensions } => expected_v6(extensions, protocol),
        }
    }

    fn segment(&self) -> (u8, Vec<u8>) {
        let mut segment = [SOURCE_PORT.to_be_bytes(), DESTINATION_PORT.to_be_bytes()].concat();
        let number = match self.transport {
            Transport::Tcp { options, flags } => {
                segment.extend([0, 0, 0, 1, 0, 0, 0, 2, (5 + options) << 4, flags, 0, 64, 0, 0, 0, 0]);
                segment.extend(vec![1; usize::from(options) * 4]);
                6
            }
            Transport::Udp => {
                segment.extend(((8 + self.data) as u16).to_be_bytes());
                segment.extend([0, 0]);
                17
            }
            Transport::Other(number) => number,
        };
        segment.extend(vec![0xaa; self.data]);
        (number, segment)
    }
}

fn expected_v6(extensions: &[Extension], protocol: Protocol) -> (Protocol, Verdict) {
    for (place, extension) in extensions.iter().enumerate() {
        if let Extension::Fragment(_) = extension {
            // What is behind another extension header is not looked at.
            let last = place + 1 == extensions.len();
            return (if last { protocol } else { Protocol::Other }, Verdict::Fragment);
        }
        if place == EXTENSION_HEADERS_MAX {
            return (Protocol::Other, Verdict::Unparsed);
        }
    }
    (protocol, Verdict::Pass)
}

fn ipv4(number: u8, options: u8, fragment: u16, segment: &[u8]) -> Vec<u8> {
    let header = 20 + usize::from(options) * 4;
    let mut packet = vec![0x40 | (header / 4) as u8, 0];
    packet.extend(((header + segment.len()) as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, number, 0, 0]);
    packet.extend(SOURCE_V4);
    packet.extend(DESTINATION_V4);
    packet.extend(vec![1; usize::from(options) * 4]);
    packet.extend(segment);
    packet
}

fn ipv6(number: u8, extensions: &[Extension], segment: &[u8]) -> Vec<u8> {
    let kinds: Vec<u8> = extensions.iter().map(kind).chain([number]).collect();
    let mut headers = Vec::new();
    for (extension, next) in extensions.iter().zip(&kinds[1..]) {
        let (length, bytes) = match extension {
            Extension::HopByHop(length) | Extension::Routing(length) | Extension::Options(length) => {
                (*length, (usize::from(*length) + 1) * 8)
            }
            Extension::Fragment(_) => (0, 8),
        };
        let mut header = vec![*next, length];
        if let Extension::Fragment(field) = extension {
            header.extend(field.to_be_bytes());
        }
        header.resize(bytes, 0);
        headers.extend(header);
    }
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((headers.len() + segment.len()) as u16).to_be_bytes());
    packet.extend([kinds[0], 64]);
    packet.extend(SOURCE_V6);
    packet.extend(DESTINATION_V6);
    packet.extend(headers);
    packet.extend(segment);
    packet
}

fn kind(extension: &Extension) -> u8 {
    match extension {
        Extension::HopByHop(_) => 0,
        Extension::Routing(_) => 43,
        Extension::Options(_) => 60,
        Extension::Fragment(_) => 44,
    }
}

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        (0..4_u8).prop_map(Extension::HopByHop),
        (0..4_u8).prop_map(Extension::Routing),
        (0..4_u8).prop_map(Extension::Options),
        any::<u16>().prop_map(Extension::Fragment),
    ]
}

pub fn recipe() -> impl Strategy<Value = Recipe> {
    let tag = prop::sample::select(vec![0x8100_u16, 0x88a8]);
    let network = prop_oneof![
        (0..=10_u8, prop_oneof![Just(0), Just(0x4000), any::<u16>()])
            .prop_map(|(options, fragment)| Network::V4 { options, fragment }),
        prop::collection::vec(extension(), 0..7).prop_map(|extensions| Network::V6 { extensions }),
    ];
    let transport = prop_oneof![
        (0..=10_u8, any::<u8>()).prop_map(|(options, flags)| Transport::Tcp { options, flags }),
        Just(Transport::Udp),
        prop::sample::select(vec![1_u8, 2, 50, 51, 58, 59, 132]).prop_map(Transport::Other),
    ];
    (prop::collection::vec(tag, 0..4), network, transport, 0..40_usize)
        .prop_map(|(tags, network, transport, data)| Recipe { tags, network, transport, data })
}
