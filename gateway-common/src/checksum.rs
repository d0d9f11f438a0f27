//! The checksum of IP, TCP and UDP (RFC 1071), over words as they lie in the packet.

/// The two halves of a word in the order in which they lie in memory.
#[inline(always)]
pub const fn halves(word: u32) -> [u16; 2] {
    let word = u32::from_be(word);
    [((word >> 16) as u16).to_be(), (word as u16).to_be()]
}

/// `start` with all the words added.
#[inline(always)]
pub fn sum<const N: usize>(start: u32, words: &[u16; N]) -> u32 {
    let mut sum = start;
    for word in words {
        sum += u32::from(*word);
    }
    sum
}

/// The complement of the sum with its carries; it has the byte order of what was summed.
#[inline(always)]
pub const fn complement(sum: u32) -> u16 {
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
