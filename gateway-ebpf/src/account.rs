//! What XDP and TC do with a packet that is read: find its listener, count it.

use gateway_common::map::{Direction, PortEntry, counter_index, tcp_flags_index};
use gateway_common::numbers::{FIN, RST, SYN};
use gateway_common::packet::{Header, Packet};
use gateway_common::{Parsed, Verdict};

use crate::listener;
use crate::maps::{COUNTERS, TCP_FLAGS};

/// The directly readable part of a packet.
pub struct Frame {
    start: usize,
    end: usize,
}

impl Frame {
    /// # Safety
    /// `start` and `end` are the context's `data` and `data_end`, and nothing moves the packet while this lives.
    #[inline(always)]
    pub const unsafe fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// True when the packet goes on behind the directly readable part.
    #[inline(always)]
    pub const fn shorter_than(&self, whole: u32) -> bool {
        self.start + (whole as usize) > self.end
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn header<T: Header>(&self, offset: usize) -> Option<T> {
        let at = self.start + offset;
        if at + size_of::<T>() > self.end {
            return None;
        }
        // SAFETY: within the packet by the comparison above, which is the one the verifier asks for.
        Some(unsafe { (at as *const T).read() })
    }

    #[inline(always)]
    fn sum<const WORDS: usize>(&self, offset: usize) -> Option<u32> {
        let at = self.start + offset;
        if at + WORDS * 2 > self.end {
            return None;
        }
        let mut sum = 0;
        for word in 0..WORDS {
            // SAFETY: as above; what is summed lies at even places.
            sum += u32::from(unsafe { (at as *const u16).add(word).read() });
        }
        Some(sum)
    }
}

/// How much one packet counts.
pub struct Weight {
    pub packets: u64,
    pub bytes: u64,
}

/// Whose the packet is.
#[inline(always)]
pub fn owner(frame: &Frame, parsed: &Parsed, direction: Direction) -> PortEntry {
    listener::find(parsed.local_port(direction), || parsed.local_address(frame, direction))
}

/// Counts the packet for the listener it belongs to.
#[inline(always)]
pub fn account(entry: PortEntry, parsed: &Parsed, direction: Direction, verdict: Verdict, weight: &Weight) {
    let index = counter_index(entry.listener, direction, parsed.protocol, verdict);
    if let Some(counters) = COUNTERS.get_ptr_mut(index) {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        unsafe {
            (*counters).packets += weight.packets;
            (*counters).bytes += weight.bytes;
        }
    }
    if parsed.tcp_flags & (FIN | SYN | RST) != 0 {
        count_flags(entry.listener, direction, parsed.tcp_flags);
    }
}

#[inline(always)]
fn count_flags(listener: u16, direction: Direction, flags: u8) {
    if let Some(counters) = TCP_FLAGS.get_ptr_mut(tcp_flags_index(listener, direction)) {
        // SAFETY: as above.
        unsafe {
            (*counters).fin += u64::from(flags & FIN);
            (*counters).syn += u64::from((flags & SYN) >> 1);
            (*counters).rst += u64::from((flags & RST) >> 2);
        }
    }
}
