//! Access to a packet's bytes, and the headers as they lie there.

use core::net::IpAddr;

/// Bytes of one packet, starting with its Ethernet header.
pub trait Packet {
    /// The header at `offset`, or `None` if the packet (or its directly readable part) ends before it does.
    fn header<T: Header>(&self, offset: usize) -> Option<T>;

    /// The sum of `WORDS` words of 16 bits as they lie in the packet (RFC 1071), or `None` if it ends before.
    fn sum<const WORDS: usize>(&self, offset: usize) -> Option<u32>;
}

/// A header: integers in network byte order, without padding, at least 2-byte aligned behind Ethernet.
///
/// # Safety
/// The type has no padding and every bit pattern is a value of it.
pub unsafe trait Header: Copy {}

impl Packet for [u8] {
    #[inline(always)]
    fn header<T: Header>(&self, offset: usize) -> Option<T> {
        let bytes = self.get(offset..offset.checked_add(size_of::<T>())?)?;
        // SAFETY: `bytes` is as long as `T`, and any bytes make a `T` by the trait's promise.
        Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }

    fn sum<const WORDS: usize>(&self, offset: usize) -> Option<u32> {
        let bytes = self.get(offset..offset.checked_add(WORDS * 2)?)?;
        Some(bytes.chunks_exact(2).map(|pair| u32::from(u16::from_ne_bytes([pair[0], pair[1]]))).sum())
    }
}

macro_rules! header {
    ($(#[$doc:meta])* $name:ident, $size:literal, { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(C, packed(2))]
        pub struct $name { $(pub $field: $type),* }
        const _: () = assert!(size_of::<$name>() == $size);
        // SAFETY: integers only, and the size asserted above leaves no room for padding.
        unsafe impl Header for $name {}
    };
}

header!(
    /// IEEE 802.3.
    Ethernet, 14, { destination: [u16; 3], source: [u16; 3], ether_type: u16 }
);
header!(
    /// IEEE 802.1Q, behind the tag's own `EtherType`.
    VlanTag, 4, { control: u16, ether_type: u16 }
);
header!(
    /// RFC 791 §3.1, without options.
    Ipv4, 20, {
        version_length: u8, service: u8, total_length: u16, identification: u16, fragment: u16,
        time_to_live: u8, protocol: u8, checksum: u16, source: u32, destination: u32,
    }
);
header!(
    /// RFC 8200 §3.
    Ipv6, 40, {
        version_class: u16, flow_label: u16, payload_length: u16, next_header: u8, hop_limit: u8,
        source: [u32; 4], destination: [u32; 4],
    }
);
header!(
    /// RFC 8200 §4.2: how extension headers begin; the second byte of a fragment header is reserved.
    Ipv6Extension, 2, { next_header: u8, length: u8 }
);
header!(
    /// RFC 8200 §4.5.
    Ipv6Fragment, 8, { next_header: u8, reserved: u8, offset_flags: u16, identification: u32 }
);
header!(
    /// RFC 792, RFC 4443 §2.1; the last four bytes are the kind's own.
    Icmp, 8, { kind: u8, code: u8, checksum: u16, rest: u32 }
);
header!(
    /// How TCP and UDP headers begin.
    Ports, 4, { source: u16, destination: u16 }
);
header!(
    /// RFC 9293 §3.1, without options.
    Tcp, 20, {
        source: u16, destination: u16, sequence: u32, acknowledgment: u32, data_offset: u8, flags: u8,
        window: u16, checksum: u16, urgent: u16,
    }
);
header!(
    /// RFC 768.
    Udp, 8, { source: u16, destination: u16, length: u16, checksum: u16 }
);

/// An address of either family in 16 bytes: IPv4 as RFC 4291 §2.5.5.2 maps it, in network byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(C)]
pub struct Address(pub [u32; 4]);

impl Address {
    /// From the four bytes as they lie in the packet, read as a native word.
    #[inline(always)]
    pub const fn v4(word: u32) -> Self {
        Self([0, 0, 0x0000_ffff_u32.to_be(), word])
    }

    #[inline(always)]
    pub const fn is_v4(&self) -> bool {
        let [a, b, c, _] = self.0;
        a == 0 && b == 0 && c == 0x0000_ffff_u32.to_be()
    }

    /// From the sixteen bytes of an IPv6 address.
    pub fn v6(bytes: [u8; 16]) -> Self {
        let word = |i: usize| [bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]];
        Self([0, 4, 8, 12].map(|i| u32::from_ne_bytes(word(i))))
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(four) => Self::v4(u32::from_ne_bytes(four.octets())),
            IpAddr::V6(six) => Self::v6(six.octets()),
        }
    }
}

/// A source address, its bytes as they lie in the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    V4(u32),
    V6([u32; 4]),
}

impl Source {
    /// The same in 16 bytes.
    #[inline(always)]
    pub const fn address(self) -> Address {
        match self {
            Self::V4(word) => Address::v4(word),
            Self::V6(words) => Address(words),
        }
    }
}
