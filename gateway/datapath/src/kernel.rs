//! The kernel's interfaces that aya does not wrap, or wraps with a fall-back that we must not take:
//! links, batched reads, link iteration, test runs of `sk_lookup`.

mod bpf;
mod ethtool;
mod link;
mod map;
mod mapped;
mod neighbour;
mod program;
mod route;

pub use bpf::{Run, live_frames, test_run};
pub use ethtool::{driver, is_ethernet, receive_queues};
pub use link::{AttachPoint, Link, detach_by_id, links};
pub use map::Map;
pub use mapped::Mapped;
pub use program::{has_tcx, runs};
pub use route::{Routes, Way};
