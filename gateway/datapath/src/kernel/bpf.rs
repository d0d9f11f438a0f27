//! bpf(2) itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use gateway_common::map::Plain;

/// Commands, `enum bpf_cmd`.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Command {
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    TestRun = 10,
    ObjectInfo = 15,
    ProgQuery = 16,
    MapLookupBatch = 24,
    MapUpdateBatch = 26,
    LinkCreate = 28,
    LinkUpdate = 29,
    LinkById = 30,
    LinkNextId = 31,
    LinkDetach = 34,
}

/// Arguments of one command: `union bpf_attr` cut down to it.
///
/// # Safety
/// `repr(C)`, no padding, laid out as the kernel's header says, pointers in it valid for the call.
pub unsafe trait Attribute {}

/// Calls the kernel; what it returns, which is a new file descriptor for some commands.
pub fn call<A: Attribute>(command: Command, attribute: &mut A) -> io::Result<i32> {
    // SAFETY: the attribute is the command's own, by the trait's promise, and as long as stated.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command as libc::c_long, std::ptr::from_mut(attribute), size_of::<A>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
}

/// For the commands that return a file descriptor.
pub fn call_for_fd<A: Attribute>(command: Command, attribute: &mut A) -> io::Result<OwnedFd> {
    let fd = call(command, attribute)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[repr(C)]
struct InfoAttribute {
    fd: u32,
    length: u32,
    info: u64,
}
// SAFETY: as `struct { ... } info` of `union bpf_attr`.
unsafe impl Attribute for InfoAttribute {}

/// What the kernel says about a map, a program or a link: the beginning of its structure for that kind.
pub fn object_info<T: Plain + Default>(object: BorrowedFd<'_>) -> io::Result<T> {
    let mut info = T::default();
    let mut attribute = InfoAttribute {
        fd: object.as_raw_fd() as u32,
        length: size_of::<T>() as u32,
        info: std::ptr::from_mut(&mut info) as u64,
    };
    call(Command::ObjectInfo, &mut attribute)?;
    Ok(info)
}

/// `struct bpf_map_info`, as far as it matters.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct MapInfo {
    kind: u32,
    id: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
}
// SAFETY: `repr(C)` integers of one size, so that there is no padding.
unsafe impl Plain for MapInfo {}

/// Bytes of a map's keys and values.
pub fn map_sizes(map: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let info: MapInfo = object_info(map)?;
    Ok((info.key_size, info.value_size))
}

/// How many entries a map has room for.
pub fn map_entries(map: BorrowedFd<'_>) -> io::Result<u32> {
    object_info::<MapInfo>(map).map(|info| info.max_entries)
}

#[repr(C)]
#[derive(Default)]
struct TestRunAttribute {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    pad: u32,
}
// SAFETY: as `struct { ... } test` of `union bpf_attr`, padding spelled out.
unsafe impl Attribute for TestRunAttribute {}

/// What a test run gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The program's return value.
    pub verdict: u32,
    /// Nanoseconds for one repetition, on average.
    pub nanoseconds: u32,
}

/// Runs a program `repeat` times over `data` (a frame; empty for `sk_lookup`) with `context`
/// (empty for XDP and TC). Needs `CAP_BPF`, and `CAP_NET_ADMIN` for network programs.
pub fn test_run(program: impl AsFd, data: &[u8], context: &[u8], repeat: u32) -> io::Result<Run> {
    let pointer = |bytes: &[u8]| if bytes.is_empty() { 0 } else { bytes.as_ptr() as u64 };
    let mut attribute = TestRunAttribute {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        data_size_in: data.len() as u32,
        data_in: pointer(data),
        repeat,
        ctx_size_in: context.len() as u32,
        ctx_in: pointer(context),
        ..TestRunAttribute::default()
    };
    // A signal for this thread ends a long run early.
    while let Err(error) = call(Command::TestRun, &mut attribute) {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(Run { verdict: attribute.retval, nanoseconds: attribute.duration })
}

/// `struct xdp_md`: a frame that comes in by an interface.
#[repr(C)]
struct XdpContext {
    data: u32,
    data_end: u32,
    data_meta: u32,
    ingress_ifindex: u32,
    rx_queue_index: u32,
    egress_ifindex: u32,
}

/// Runs an XDP program over `count` copies of a frame that are packets in earnest: what it passes, sends or
/// redirects goes where it says (Linux 5.18). The interface is one of the caller's network namespace.
pub fn live_frames(program: impl AsFd, frame: &[u8], interface: u32, count: u32) -> io::Result<()> {
    const LIVE_FRAMES: u32 = 1 << 1;
    let context = XdpContext {
        data: 0,
        data_end: frame.len() as u32,
        data_meta: 0,
        ingress_ifindex: interface,
        rx_queue_index: 0,
        egress_ifindex: 0,
    };
    let mut attribute = TestRunAttribute {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        data_size_in: frame.len() as u32,
        data_in: frame.as_ptr() as u64,
        repeat: count,
        ctx_size_in: size_of::<XdpContext>() as u32,
        ctx_in: std::ptr::from_ref(&context) as u64,
        flags: LIVE_FRAMES,
        batch_size: 64,
        ..TestRunAttribute::default()
    };
    call(Command::TestRun, &mut attribute).map(drop)
}
