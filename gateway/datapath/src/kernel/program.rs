//! Programs as the kernel knows them: what they have run, and what could be attached.

use std::io;
use std::os::fd::AsFd;

use gateway_common::map::Plain;

use super::bpf::{Attribute, Command, call, object_info};

/// `struct bpf_prog_info` up to `run_cnt`, in words of eight bytes.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
struct Info([u64; 26]);
// SAFETY: integers of one size.
unsafe impl Plain for Info {}

const RUN_TIME_NS: usize = 24;
const RUN_COUNT: usize = 25;

/// How often a program has run, and for how many nanoseconds, while somebody had the kernel's statistics on.
pub fn runs(program: impl AsFd) -> io::Result<[u64; 2]> {
    let Info(words) = object_info(program.as_fd())?;
    Ok([words[RUN_COUNT], words[RUN_TIME_NS]])
}

#[repr(C)]
#[derive(Default)]
struct QueryAttribute {
    target_ifindex: u32,
    attach_type: u32,
    flags: [u32; 2],
    prog_ids: u64,
    count: u32,
    pad: u32,
    /// Flags and links of the programs, and the revision.
    rest: [u64; 4],
}
// SAFETY: as `struct { ... } query` of `union bpf_attr`.
unsafe impl Attribute for QueryAttribute {}

/// Whether TCX is there (Linux 6.6): asked of the loopback interface, to which nothing is attached.
pub fn has_tcx() -> bool {
    const LOOPBACK: u32 = 1;
    const TCX_INGRESS: u32 = 46;
    let mut attribute =
        QueryAttribute { target_ifindex: LOOPBACK, attach_type: TCX_INGRESS, ..QueryAttribute::default() };
    call(Command::ProgQuery, &mut attribute).is_ok()
}
