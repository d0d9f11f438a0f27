//! The kernel programs. They count, steer and shed; only an explicit rule drops, any doubt passes the packet.
//!
//! `xdp` and `tc` read packets, `sk_lookup` and `sk_reuseport` choose sockets, `sock_ops` watches
//! connections, `splice` takes segments from socket to socket. What packets share is in `account`, `shed` and `balance`;
//! `tell` answers what is too long for the latter. All maps but `splice`'s own are in `maps`.

#![no_std]
#![no_main]

mod account;
mod balance;
mod cookies;
mod flood;
mod listener;
mod maps;
mod read;
mod shed;
mod sk_lookup;
mod sk_reuseport;
mod sock_ops;
mod splice;
mod tc;
mod tell;
mod tell_tc;
mod trial;
mod xdp;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing calls this: `cargo xtask build-ebpf` refuses an object that can panic.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
