//! The kernel path on a real kernel: network namespaces and veth pairs that each test makes for itself.
//!
//! Needs root (or `CAP_BPF`, `CAP_NET_ADMIN`, `CAP_SYS_ADMIN`), iproute2 and an object built by
//! `cargo xtask build-ebpf`; without them each test says that it is skipped. No test touches an interface that
//! it has not made.

mod balancer;
mod balancing;
mod capabilities;
mod connections;
mod counting;
mod floods;
mod frames;
mod gateway;
mod lifecycle;
mod live;
mod logging;
mod shedding;
mod splicing;
mod steering;
mod too_long;
mod trial;
