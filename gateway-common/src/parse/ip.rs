//! IPv4 and IPv6: from the IP header to the transport header.

use super::{EXTENSION_HEADERS_MAX, Protocol, Transport, Verdict};
use crate::numbers::{DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING};
use crate::packet::{Ipv4, Ipv6, Ipv6Extension, Packet};

/// Why there is no transport header to read, and what is known all the same.
type Stop = (Protocol, Verdict);

const UNPARSED: Stop = (Protocol::Other, Verdict::Unparsed);

/// RFC 791: any fragment (offset or "more") stops here.
#[inline(always)]
pub fn v4<P: Packet + ?Sized>(packet: &P, offset: usize) -> Result<Transport, Stop> {
    const MORE_AND_OFFSET: u16 = 0x3fff;
    let ip: Ipv4 = packet.header(offset).ok_or(UNPARSED)?;
    let header_length = usize::from(ip.version_length & 0xf) * 4;
    if ip.version_length >> 4 != 4 || header_length < size_of::<Ipv4>() {
        return Err(UNPARSED);
    }
    if u16::from_be(ip.fragment) & MORE_AND_OFFSET != 0 {
        return Err((Protocol::of(ip.protocol), Verdict::Fragment));
    }
    let length = match usize::from(u16::from_be(ip.total_length)) {
        0 => usize::MAX,
        total if total < header_length => return Err(UNPARSED),
        total => total - header_length,
    };
    Ok(Transport { protocol: ip.protocol, offset: offset + header_length, length })
}

/// RFC 8200: walks hop-by-hop, routing and destination options. A fragment header stops the walk even if the
/// fragment is whole (RFC 8021 has done away with those), and authentication (RFC 4302) is a protocol of its own:
/// each further branch here doubles what the verifier has to walk.
#[inline(always)]
pub fn v6<P: Packet + ?Sized>(packet: &P, offset: usize) -> Result<Transport, Stop> {
    let ip: Ipv6 = packet.header(offset).ok_or(UNPARSED)?;
    if u16::from_be(ip.version_class) >> 12 != 6 {
        return Err(UNPARSED);
    }
    let mut next = ip.next_header;
    let mut offset = offset + size_of::<Ipv6>();
    let mut walked = 0;
    for _ in 0..EXTENSION_HEADERS_MAX {
        if !matches!(next, HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS) {
            break;
        }
        let extension: Ipv6Extension = packet.header(offset).ok_or(UNPARSED)?;
        let length = (usize::from(extension.length) + 1) * 8;
        next = extension.next_header;
        walked += length;
        offset += length;
    }
    match next {
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => return Err(UNPARSED),
        FRAGMENT => {
            let fragment: Ipv6Extension = packet.header(offset).ok_or(UNPARSED)?;
            return Err((Protocol::of(fragment.next_header), Verdict::Fragment));
        }
        _ => {}
    }
    let length = match usize::from(u16::from_be(ip.payload_length)) {
        0 => usize::MAX,
        payload if payload < walked => return Err(UNPARSED),
        payload => payload - walked,
    };
    Ok(Transport { protocol: next, offset, length })
}
