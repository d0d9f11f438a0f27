//! The header of the PROXY protocol, version 2 (haproxy.org, `proxy-protocol.txt` §2.2): who the client is, for
//! backends that see only the gateway.

use std::net::{IpAddr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_2_PROXY: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// The header for a connection from `client`, accepted at `local`.
pub fn header(client: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.push(VERSION_2_PROXY);
    let mut addresses = Vec::with_capacity(36);
    // A dual-stack socket shows IPv4 peers as mapped.
    match (client.ip().to_canonical(), local.ip().to_canonical()) {
        (IpAddr::V4(client), IpAddr::V4(local)) => {
            header.push(TCP_OVER_IPV4);
            addresses.extend(client.octets());
            addresses.extend(local.octets());
        }
        (client, local) => {
            header.push(TCP_OVER_IPV6);
            addresses.extend(v6(client));
            addresses.extend(v6(local));
        }
    }
    addresses.extend(client.port().to_be_bytes());
    addresses.extend(local.port().to_be_bytes());
    header.extend((addresses.len() as u16).to_be_bytes());
    header.extend(addresses);
    header
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_by_address_family() {
        let start = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21";
        let four =
            header("[::ffff:192.0.2.1]:4660".parse().unwrap(), "[::ffff:192.0.2.2]:443".parse().unwrap());
        let expected = b"\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x34\x01\xbb";
        assert_eq!(four, [&start[..], expected].concat());
        let six = header("[2001:db8::1]:1".parse().unwrap(), "[2001:db8::2]:2".parse().unwrap());
        assert_eq!(six.len(), 16 + 36);
        assert_eq!(six[13..16], [0x21, 0, 36]);
        assert_eq!(six[48..], [0, 1, 0, 2]);
    }
}
