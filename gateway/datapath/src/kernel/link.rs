//! bpf links: attachments that end with their last file descriptor, however the process ends.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use gateway_common::map::Plain;

use super::bpf::{Attribute, Command, call, call_for_fd, object_info};

/// Where a program can be attached.
#[derive(Clone, Copy, Debug)]
pub enum AttachPoint<'a> {
    /// XDP in the driver, on an interface index.
    XdpNative(u32),
    /// XDP in the stack, on an interface index.
    XdpGeneric(u32),
    /// Before other TCX programs, on an interface index.
    TcxIngress(u32),
    /// Behind other TCX programs, on an interface index.
    TcxEgress(u32),
    /// A network namespace.
    SkLookup(BorrowedFd<'a>),
    /// A control group (version 2).
    SockOps(BorrowedFd<'a>),
}

const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
const BPF_F_BEFORE: u32 = 1 << 3;
const BPF_F_AFTER: u32 = 1 << 4;

impl AttachPoint<'_> {
    /// Target, `enum bpf_attach_type`, flags.
    fn arguments(self) -> (u32, u32, u32) {
        match self {
            Self::XdpNative(index) => (index, 37, XDP_FLAGS_DRV_MODE),
            Self::XdpGeneric(index) => (index, 37, XDP_FLAGS_SKB_MODE),
            Self::TcxIngress(index) => (index, 46, BPF_F_BEFORE),
            Self::TcxEgress(index) => (index, 47, BPF_F_AFTER),
            Self::SkLookup(netns) => (netns.as_raw_fd() as u32, 36, 0),
            // Several programs may share a control group: links always allow that.
            Self::SockOps(cgroup) => (cgroup.as_raw_fd() as u32, 3, 0),
        }
    }
}

/// An attachment. Dropping it detaches.
#[derive(Debug)]
pub struct Link {
    fd: OwnedFd,
}

#[repr(C)]
#[derive(Default)]
struct CreateAttribute {
    prog_fd: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    /// Relative program and expected revision of TCX, cookies of others: none.
    rest: [u64; 4],
}
// SAFETY: as `struct { ... } link_create` of `union bpf_attr`.
unsafe impl Attribute for CreateAttribute {}

#[repr(C)]
struct UpdateAttribute {
    link_fd: u32,
    new_prog_fd: u32,
    flags: u32,
    old_prog_fd: u32,
}
// SAFETY: as `struct { ... } link_update` of `union bpf_attr`.
unsafe impl Attribute for UpdateAttribute {}

impl Link {
    /// Attaches `program`. Unlike aya it never falls back to an attachment that outlives the process.
    pub fn create(program: impl AsFd, point: AttachPoint<'_>) -> io::Result<Self> {
        let (target, attach_type, flags) = point.arguments();
        let prog_fd = program.as_fd().as_raw_fd() as u32;
        let mut attribute =
            CreateAttribute { prog_fd, target, attach_type, flags, ..CreateAttribute::default() };
        Ok(Self { fd: call_for_fd(Command::LinkCreate, &mut attribute)? })
    }

    /// Puts `program` where another one is, without a moment between them (Linux 5.9 for XDP).
    pub fn update(&self, program: impl AsFd) -> io::Result<()> {
        let new_prog_fd = program.as_fd().as_raw_fd() as u32;
        let link_fd = self.fd.as_raw_fd() as u32;
        call(Command::LinkUpdate, &mut UpdateAttribute { link_fd, new_prog_fd, flags: 0, old_prog_fd: 0 })
            .map(drop)
    }

    /// The same attachment, held twice.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()? })
    }

    /// What it is attached to; `None` once its interface, namespace or group is gone, or someone detached it.
    pub fn attached(&self) -> Option<Attached> {
        info(self.fd.as_fd()).ok().filter(Attached::is_live)
    }
}

impl From<OwnedFd> for Link {
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A link as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    pub link_id: u32,
    pub program_id: u32,
    kind: u32,
    /// Interface index, namespace inode or control group id; 0 when defunct.
    target: u64,
    attach_type: u32,
}

impl Attached {
    fn is_live(&self) -> bool {
        self.target != 0
    }

    /// For people: hook and target.
    pub fn describe(&self) -> String {
        match (self.kind, self.attach_type) {
            (6, _) => format!("xdp on interface {}", self.target),
            (11, 46) => format!("tcx ingress on interface {}", self.target),
            (11, _) => format!("tcx egress on interface {}", self.target),
            (5, _) => format!("sk_lookup on network namespace {}", self.target),
            (3, _) => format!("sock_ops on control group {}", self.target),
            (kind, _) => format!("link of type {kind}"),
        }
    }
}

/// The kernel's `struct bpf_link_info`, its union as two words.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct LinkInfo {
    kind: u32,
    id: u32,
    program_id: u32,
    pad: u32,
    union: [u32; 8],
}
// SAFETY: `repr(C)` integers of one size, so that there is no padding.
unsafe impl Plain for LinkInfo {}

fn info(link: BorrowedFd<'_>) -> io::Result<Attached> {
    let info: LinkInfo = object_info(link)?;
    let [first, second, third, ..] = info.union;
    // A control group's id has 64 bits, the other targets 32.
    let (target, attach_type) = if info.kind == 3 {
        (u64::from(first) | u64::from(second) << 32, third)
    } else {
        (u64::from(first), second)
    };
    Ok(Attached { link_id: info.id, program_id: info.program_id, kind: info.kind, target, attach_type })
}

#[repr(C)]
#[derive(Default)]
struct IdAttribute {
    id: u32,
    next_id: u32,
    open_flags: u32,
}
// SAFETY: as the commands by id have it in `union bpf_attr`.
unsafe impl Attribute for IdAttribute {}

/// All links of the host that are attached to something. Needs `CAP_SYS_ADMIN`.
pub fn links() -> io::Result<Vec<Attached>> {
    let mut found = Vec::new();
    let mut id = 0;
    loop {
        let mut attribute = IdAttribute { id, ..IdAttribute::default() };
        match call(Command::LinkNextId, &mut attribute) {
            Ok(_) => id = attribute.next_id,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(found),
            Err(error) => return Err(error),
        }
        // Gone in between: nothing to report.
        if let Ok(link) = open(id)
            && let Ok(attached) = info(link.as_fd())
            && attached.is_live()
        {
            found.push(attached);
        }
    }
}

/// Detaches a link that any process holds.
pub fn detach_by_id(link_id: u32) -> io::Result<()> {
    let link = open(link_id)?;
    let mut attribute = IdAttribute { id: link.as_raw_fd() as u32, ..IdAttribute::default() };
    call(Command::LinkDetach, &mut attribute).map(drop)
}

fn open(link_id: u32) -> io::Result<OwnedFd> {
    call_for_fd(Command::LinkById, &mut IdAttribute { id: link_id, ..IdAttribute::default() })
}
