//! Packets as the kernel programs read them, from the Ethernet header on.

#![no_main]

use gateway_common::parse::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packet: &[u8]| {
    std::hint::black_box(parse(packet));
});
