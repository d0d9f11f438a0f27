//! What a balancer goes by, and whom it chooses, against a plain reading over the same packets and tables.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use gateway_common::balance::{How, Piece, Tables, member, read, slot};
use gateway_common::map::{FlowKey, FragmentKey, RING_SLOTS};
use gateway_common::{Protocol, Verdict, parse};
use proptest::prelude::*;

use crate::packets::{Extension, Network, Recipe, Transport, recipe};
use crate::reference;

/// An address in 16 bytes, as it lies in a packet.
fn sixteen(bytes: &[u8]) -> Option<[u32; 4]> {
    let octets = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_ipv6_mapped().octets(),
        _ => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).octets(),
    };
    let word = |at: usize| u32::from_ne_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
    Some([word(0), word(4), word(8), word(12)])
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// An IP header, front to back: its ends, what is in it, where that begins, the fragment's offset and number.
struct Head {
    ends: [[u32; 4]; 2],
    protocol: u8,
    behind: usize,
    offset: u16,
    number: Option<u32>,
}

/// Without extension headers but one, a fragment's.
fn head(packet: &[u8]) -> Option<Head> {
    if packet.first()? / 16 == 4 {
        let field = u16::from_be_bytes(packet.get(6..8)?.try_into().ok()?);
        return Some(Head {
            ends: [sixteen(packet.get(12..16)?)?, sixteen(packet.get(16..20)?)?],
            protocol: packet[9],
            behind: usize::from(packet[0] % 16) * 4,
            offset: field % 0x2000,
            number: Some(u32::from(two(packet, 4)?)),
        });
    }
    let ends = [sixteen(packet.get(8..24)?)?, sixteen(packet.get(24..40)?)?];
    if packet[6] != 44 {
        return Some(Head { ends, protocol: packet[6], behind: 40, offset: 0, number: None });
    }
    let fragment = packet.get(40..48)?;
    Some(Head {
        ends,
        protocol: fragment[0],
        behind: 48,
        offset: u16::from_be_bytes([fragment[2], fragment[3]]) / 8,
        number: Some(u32::from_ne_bytes(fragment[4..8].try_into().ok()?)),
    })
}

fn flow(head: &Head, packet: &[u8]) -> Option<FlowKey> {
    Some(FlowKey {
        source: head.ends[0],
        destination: head.ends[1],
        source_port: two(packet, head.behind)?,
        destination_port: two(packet, head.behind + 2)?,
        protocol: u32::from(head.protocol),
    })
}

fn expected(frame: &[u8]) -> Option<Piece> {
    let parsed = reference::parse(frame);
    let packet = frame.get(parsed.network..).filter(|_| parsed.network != 0)?;
    let opens = |flags: u8| flags & 0x12 == 2;
    match (parsed.verdict, parsed.protocol) {
        (Verdict::Pass, Protocol::Tcp | Protocol::Udp) => {
            let (protocol, [source, destination]) = match parsed.protocol {
                Protocol::Tcp => (6, head_of_any(packet)?),
                _ => (17, head_of_any(packet)?),
            };
            let flow = FlowKey {
                source,
                destination,
                source_port: parsed.source_port.to_be(),
                destination_port: parsed.destination_port.to_be(),
                protocol,
            };
            Some(Piece::Whole { flow, opens: protocol == 6 && opens(parsed.tcp_flags) })
        }
        (Verdict::Fragment, _) => {
            let head = head(packet)?;
            let fragment = FragmentKey {
                source: head.ends[0],
                destination: head.ends[1],
                identification: head.number?,
                protocol: u32::from(head.protocol),
            };
            if head.offset != 0 {
                return Some(Piece::Later(fragment));
            }
            let flags = match head.protocol {
                6 => packet.get(head.behind..head.behind + 20)?[13],
                17 => 0,
                _ => return None,
            };
            Some(Piece::First { flow: flow(&head, packet)?, opens: opens(flags), fragment })
        }
        (Verdict::Pass, Protocol::Other) => {
            let outer = head(packet)?;
            let about = packet.get(outer.behind + 8..)?;
            let kind = *packet.get(outer.behind)?;
            let inner = match outer.protocol {
                1 if !parsed.v6 && [3, 11, 12].contains(&kind) => {
                    about.get(..20)?;
                    head(about).filter(|inner| about[0] / 16 == 4 && inner.offset == 0)?
                }
                58 if parsed.v6 && (1..=4).contains(&kind) => {
                    let ends = [sixteen(about.get(8..24)?)?, sixteen(about.get(24..40)?)?];
                    Head { ends, protocol: about[6], behind: 40, offset: 0, number: None }
                }
                _ => return None,
            };
            let answer = flow(&inner, about).filter(|flow| [6, 17].contains(&flow.protocol))?;
            Some(Piece::Error(FlowKey {
                source: answer.destination,
                destination: answer.source,
                source_port: answer.destination_port,
                destination_port: answer.source_port,
                protocol: answer.protocol,
            }))
        }
        _ => None,
    }
}

/// Both ends, whatever stands between them and the transport header.
fn head_of_any(packet: &[u8]) -> Option<[[u32; 4]; 2]> {
    Some(if packet.first()? / 16 == 4 {
        [sixteen(packet.get(12..16)?)?, sixteen(packet.get(16..20)?)?]
    } else {
        [sixteen(packet.get(8..24)?)?, sixteen(packet.get(24..40)?)?]
    })
}

/// An error by ICMP about the inner packet.
fn error() -> impl Strategy<Value = Vec<u8>> {
    (recipe(), recipe(), 0..14_u8).prop_map(|(outer, inner, kind)| {
        let inner = Recipe { tags: Vec::new(), ..inner }.make().frame.split_off(14);
        let v6 = matches!(outer.network, Network::V6 { .. });
        let network = match outer.network {
            Network::V6 { .. } => Network::V6 { extensions: Vec::new() },
            v4 @ Network::V4 { .. } => v4,
        };
        let transport = Transport::Other(if v6 { 58 } else { 1 });
        // The recipe puts ports first: of the error, kind and code and checksum.
        let mut frame = Recipe { network, transport, data: 0, ..outer }.make().frame;
        let start = frame.len() - 4;
        frame[start] = kind;
        frame.extend([0; 4]);
        frame.extend(inner);
        frame
    })
}

/// A packet whose only extension header is a fragment's.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    (recipe(), any::<u16>()).prop_map(|(recipe, field)| {
        let network = match recipe.network {
            Network::V6 { .. } => Network::V6 { extensions: vec![Extension::Fragment(field & 0x0019)] },
            Network::V4 { options, .. } => Network::V4 { options, fragment: field & 0x2003 },
        };
        Recipe { network, ..recipe }.make().frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn read_agrees_with_the_plain_reading_cut_off_and_damaged(
        frame in prop_oneof![recipe().prop_map(|recipe| recipe.make().frame), error(), fragment()],
        keep in any::<prop::sample::Index>(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut frame = frame;
        let whole = frame.len();
        if let Some((at, value)) = damage {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        for length in [whole, keep.index(whole)] {
            let cut = &frame[..length];
            prop_assert_eq!(read(cut, &parse(cut)), expected(cut));
        }
    }

    #[test]
    fn member_agrees_with_the_plain_choice(
        packets in prop::collection::vec((0..20_u16, any::<bool>(), any::<bool>(), 0..4_u32), 1..60),
        room in 0..30_usize,
    ) {
        let site = Site { gone: RefCell::new(0), flows: RefCell::default(), room: RefCell::new(room) };
        let mut known = BTreeMap::<u16, u32>::new();
        let mut room = room;
        for (port, opens, lasting, gone) in packets {
            *site.gone.borrow_mut() = gone;
            let flow = FlowKey { source_port: port, protocol: 6, ..FlowKey::default() };
            let chosen = member(&flow, 0, opens, lasting, &site);
            let expected = match known.get(&port) {
                Some(member) if !opens && *member != gone => (*member, How::Known),
                _ => {
                    let member = site.in_ring(slot(&flow));
                    let remembers = lasting && room > 0;
                    if remembers {
                        room -= 1;
                        known.insert(port, member);
                    }
                    (member, if remembers { How::New } else { How::Unremembered })
                }
            };
            prop_assert_eq!(chosen, Some(expected));
        }
    }
}

/// Three members of which one is gone; the ring leads to the others.
struct Site {
    gone: RefCell<u32>,
    flows: RefCell<BTreeMap<FlowKey, u32>>,
    room: RefCell<usize>,
}

impl Tables for Site {
    fn remembered(&self, flow: &FlowKey) -> Option<u32> {
        self.flows.borrow().get(flow).copied()
    }

    fn keeps(&self, member: u32) -> bool {
        member != *self.gone.borrow()
    }

    fn in_ring(&self, slot: u32) -> u32 {
        assert!(slot < RING_SLOTS);
        let there: Vec<u32> = (1..=3).filter(|member| self.keeps(*member)).collect();
        there[slot as usize % there.len()]
    }

    fn remember(&self, flow: &FlowKey, member: u32) -> bool {
        let may = *self.room.borrow() > 0;
        if may {
            *self.room.borrow_mut() -= 1;
            self.flows.borrow_mut().insert(*flow, member);
        }
        may
    }
}
