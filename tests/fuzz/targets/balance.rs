//! What a balancer goes by in a packet: nothing of one that was not read, and for each whole packet its own flow. What is
//! put into an envelope is found there.

#![no_main]

use gateway_common::balance::{Piece, outer_v4, outer_v6, packed_v4, packed_v6, read, slot};
use gateway_common::map::{Member, RING_SLOTS};
use gateway_common::packet::{Ipv4, Ipv6, Packet as _};
use gateway_common::{Verdict, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packet: &[u8]| {
    let parsed = parse(packet);
    if let Some(piece) = read(packet, &parsed) {
        assert!(parsed.verdict != Verdict::Unparsed && parsed.network != 0);
        let (Piece::Whole { flow, .. } | Piece::First { flow, .. } | Piece::Error(flow)) = piece else { return };
        assert!(slot(&flow) < RING_SLOTS && [6, 17].contains(&flow.protocol));
    }
    let Some(inner) = packet.get(14..) else { return };
    let bytes = |words: &[u16]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    if let Some(head) = inner.header::<Ipv4>(0) {
        let packed = [bytes(&outer_v4(&head, &Member::default())), inner.to_vec()].concat();
        assert_eq!(packed_v4(packed.as_slice(), 0).is_some(), head.version_length >> 4 == 4);
    }
    if let Some(head) = inner.header::<Ipv6>(0) {
        let six = u16::from_be(head.version_class) >> 12 == 6;
        let packed = [bytes(&outer_v6(&head, &Member::default())), inner.to_vec()].concat();
        assert_eq!(packed_v6(packed.as_slice(), 0).is_some(), six);
    }
});
