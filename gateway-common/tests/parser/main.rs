//! The parser against a slow reference that is written another way, and against packets of known make.

mod balance;
mod packets;
mod reference;
mod shed;

use gateway_common::map::Direction;
use gateway_common::packet::Address;
use gateway_common::parse::Packed;
use gateway_common::{Parsed, Protocol, Verdict, parse};
use proptest::prelude::*;

use packets::{Extension, Made, Network, Recipe, Transport};

fn tcp(flags: u8) -> Transport {
    Transport::Tcp { options: 0, flags }
}

fn v4(transport: Transport) -> Recipe {
    Recipe { tags: vec![], network: Network::V4 { options: 0, fragment: 0 }, transport, data: 10 }
}

fn v6(extensions: Vec<Extension>, transport: Transport) -> Recipe {
    Recipe { tags: vec![], network: Network::V6 { extensions }, transport, data: 10 }
}

fn check(recipe: &Recipe, protocol: Protocol, verdict: Verdict, ports: (u16, u16)) -> Parsed {
    let Made { frame, .. } = recipe.make();
    let parsed = parse(frame.as_slice());
    assert_eq!((parsed.protocol, parsed.verdict), (protocol, verdict), "{recipe:?}");
    assert_eq!((parsed.source_port, parsed.destination_port), ports, "{recipe:?}");
    parsed
}

const PORTS: (u16, u16) = (packets::SOURCE_PORT, packets::DESTINATION_PORT);

#[test]
fn parse_plain_tcp_reads_ports_flags_and_payload() {
    let parsed = check(&v4(tcp(0x12)), Protocol::Tcp, Verdict::Pass, PORTS);
    assert_eq!((parsed.tcp_flags, parsed.network, parsed.payload, parsed.v6), (0x12, 14, 54, false));
}

#[test]
fn parse_header_shapes_by_table() {
    let more = 0x2000;
    let whole = [
        Recipe { tags: vec![0x8100], ..v4(tcp(2)) },
        Recipe { tags: vec![0x88a8, 0x8100], ..v4(tcp(2)) },
        Recipe { network: Network::V4 { options: 10, fragment: 0 }, ..v4(tcp(2)) },
        Recipe { network: Network::V4 { options: 0, fragment: 0x4000 }, ..v4(tcp(2)) },
        v4(Transport::Tcp { options: 10, flags: 2 }),
        v6(vec![], tcp(2)),
        v6(
            vec![Extension::HopByHop(0), Extension::Options(3), Extension::Routing(1), Extension::Options(0)],
            tcp(2),
        ),
        v6(vec![Extension::Options(255); 4], tcp(2)),
    ];
    for recipe in &whole {
        check(recipe, Protocol::Tcp, Verdict::Pass, PORTS);
    }
    check(&v4(Transport::Udp), Protocol::Udp, Verdict::Pass, PORTS);
    check(&v4(Transport::Other(1)), Protocol::Other, Verdict::Pass, (0, 0));
    let none = (0, 0);
    let stopped = [
        (
            Recipe { network: Network::V4 { options: 0, fragment: more }, ..v4(tcp(2)) },
            Protocol::Tcp,
            Verdict::Fragment,
        ),
        (
            Recipe { network: Network::V4 { options: 0, fragment: 7 }, ..v4(Transport::Udp) },
            Protocol::Udp,
            Verdict::Fragment,
        ),
        (v6(vec![Extension::Fragment(0)], Transport::Udp), Protocol::Udp, Verdict::Fragment),
        (
            v6(vec![Extension::Options(0), Extension::Fragment(1)], Transport::Udp),
            Protocol::Udp,
            Verdict::Fragment,
        ),
        (v6(vec![Extension::Fragment(8)], tcp(2)), Protocol::Tcp, Verdict::Fragment),
        (v6(vec![Extension::Options(0); 5], tcp(2)), Protocol::Other, Verdict::Unparsed),
        (Recipe { tags: vec![0x88a8, 0x8100, 0x8100], ..v4(tcp(2)) }, Protocol::Other, Verdict::Unparsed),
    ];
    for (recipe, protocol, verdict) in &stopped {
        check(recipe, *protocol, *verdict, none);
    }
}

#[test]
fn parse_contradictory_lengths_are_not_understood() {
    let corrupt = |at: usize, value: u8| {
        let mut frame = v4(tcp(2)).make().frame;
        frame[at] = value;
        let parsed = parse(frame.as_slice());
        (parsed.protocol, parsed.verdict)
    };
    // Version 5; header of 4 words; total length below the header's; below the TCP header's end; TCP header of 4
    // words; of 15 words in a packet that ends before.
    let table = [
        (14, 0x55, Protocol::Other),
        (14, 0x44, Protocol::Other),
        (17, 19, Protocol::Other),
        (17, 39, Protocol::Tcp),
        (46, 0x40, Protocol::Tcp),
        (46, 0xf0, Protocol::Tcp),
    ];
    for (at, value, protocol) in table {
        assert_eq!(corrupt(at, value), (protocol, Verdict::Unparsed), "byte {at} = {value:#x}");
    }
}

#[test]
fn parse_stated_length_zero_means_none_stated() {
    let mut frame = v4(tcp(2)).make().frame;
    frame[16..18].fill(0);
    assert_eq!(parse(frame.as_slice()).verdict, Verdict::Pass);
}

#[test]
fn parse_unknown_ether_type_passes() {
    let arp = [&[0xff; 12][..], &[0x08, 0x06], &[0; 28]].concat();
    let parsed = parse(arp.as_slice());
    assert_eq!((parsed.protocol, parsed.verdict), (Protocol::Other, Verdict::Pass));
    assert_eq!(parsed.local_address(arp.as_slice(), Direction::In), None);
}

#[test]
fn local_end_depends_on_the_direction() {
    let made = v4(tcp(2)).make();
    let parsed = parse(made.frame.as_slice());
    assert_eq!(parsed.local_port(Direction::In), packets::DESTINATION_PORT);
    assert_eq!(parsed.local_port(Direction::Out), packets::SOURCE_PORT);
    let address = |direction| parsed.local_address(made.frame.as_slice(), direction);
    assert_eq!(address(Direction::In), Some(Address::v4(u32::from_ne_bytes(packets::DESTINATION_V4))));
    assert_eq!(address(Direction::Out), Some(Address::v4(u32::from_ne_bytes(packets::SOURCE_V4))));

    let made = v6(vec![], tcp(2)).make();
    let parsed = parse(made.frame.as_slice());
    let address = |direction| parsed.local_address(made.frame.as_slice(), direction);
    assert_eq!(address(Direction::In), Some(Address::v6(packets::DESTINATION_V6)));
    assert_eq!(address(Direction::Out), Some(Address::v6(packets::SOURCE_V6)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// What a packet was made of is what is read, and so says the reference, at every length it is cut to.
    #[test]
    fn parse_made_packets_agree_with_the_reference(recipe in packets::recipe()) {
        let made = recipe.make();
        let parsed = parse(made.frame.as_slice());
        prop_assert_eq!((parsed.protocol, parsed.verdict), (made.protocol, made.verdict));
        for length in 0..=made.frame.len() {
            let cut = &made.frame[..length];
            let parsed = parse(cut);
            prop_assert_eq!(parsed, reference::parse(cut), "cut to {} bytes", length);
            prop_assert_eq!(Packed::of(&parsed).parsed(), parsed, "cut to {} bytes", length);
        }
    }

    /// A byte or two changed at random: most contradictions that there are.
    #[test]
    fn parse_damaged_packets_agree_with_the_reference(
        recipe in packets::recipe(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = recipe.make().frame;
        for (at, value) in damage {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        prop_assert_eq!(parse(frame.as_slice()), reference::parse(&frame));
    }

    /// Noise, with a header's beginning to get past the first comparison.
    #[test]
    fn parse_noise_agrees_with_the_reference(
        ether_type in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x88a8, 0x0806]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let frame = [&[0; 12][..], &ether_type.to_be_bytes(), &rest].concat();
        prop_assert_eq!(parse(frame.as_slice()), reference::parse(&frame));
    }
}
