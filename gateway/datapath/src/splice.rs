//! Sockets tied by the kernel: what comes from one goes to the other, without user space (`ebpf-datapath.md` §7).

mod events;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use aya::Ebpf;
use aya::maps::{MapError, SockHash};
use aya::programs::sk_skb::SkSkbLink;
use aya::programs::{Program, ProgramError, SkSkb};
use gateway_common::splice::{SPLICE_CREDIT, SPLICE_MAX, SpliceCounts, SplicePlan};

use crate::kernel::Map;
use crate::load::{self, LoadedProgram};
use events::Waiting;

/// Its maps, as in the object, and the fewest entries they can have.
pub const MAPS: [(&str, u32); 4] = [(SOCKETS, 1), (PLANS, 1), (COUNTS, 1), (EVENTS, 4096)];
const PLANS: &str = "SPLICE_PLANS";
const COUNTS: &str = "SPLICE_COUNTS";
const EVENTS: &str = "SPLICE_EVENTS";
const SOCKETS: &str = "SPLICE_SOCKETS";
pub const PROGRAM: &str = "gw_splice";

/// Where `struct tcp_info` of `linux/tcp.h` has `tcpi_bytes_acked`.
const BYTES_ACKED_AT: usize = 120;

/// The map of tied sockets, with its program. Used by every worker.
#[derive(Debug)]
pub struct Sockmap {
    /// Values: file descriptors.
    sockets: Map<u32>,
    plans: Map<SplicePlan>,
    counts: Map<SpliceCounts>,
    /// Pairs.
    open: AtomicUsize,
    /// Who is to be told of which socket.
    waiting: Arc<Waiting>,
    pub(crate) program: LoadedProgram,
    _link: SkSkbLink,
}

/// Why it is not there.
#[derive(Debug, thiserror::Error)]
pub enum SockmapError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Sockmap {
    /// Loads the program of an object and attaches it to its map.
    pub(crate) fn load(object: &mut Ebpf) -> Result<Self, SockmapError> {
        let map = SockHash::<_, u64>::try_from(object.map(SOCKETS).ok_or(MapError::ElementNotFound)?)?;
        let target = map.fd().try_clone()?;
        let program = object.program_mut(PROGRAM).ok_or(ProgramError::NotLoaded)?;
        let Program::SkSkb(program) = program else { return Err(ProgramError::UnexpectedProgramType.into()) };
        program.load()?;
        let link = SkSkb::attach(program, &target)?;
        let link = program.take_link(link)?;
        let info = program.info()?;
        let program = LoadedProgram {
            name: PROGRAM,
            id: info.id(),
            tag: info.tag(),
            verified_instructions: info.verified_instruction_count(),
            fd: program.fd()?.try_clone()?,
        };
        Ok(Self {
            sockets: load::open(object, SOCKETS)?,
            plans: load::open(object, PLANS)?,
            counts: load::open(object, COUNTS)?,
            open: AtomicUsize::new(0),
            waiting: events::listen(object.take_map(EVENTS).ok_or(MapError::ElementNotFound)?)?,
            program,
            _link: link,
        })
    }

    /// Ties two TCP sockets from which nothing has been read. Their bytes go to user space until [`Tied::forwarded`]
    /// agrees. `None`: there are too many, or the kernel refuses, and they are as before. After an error they are of no
    /// more use.
    pub fn tie(
        self: &Arc<Self>,
        client: BorrowedFd<'_>,
        backend: BorrowedFd<'_>,
    ) -> io::Result<Option<Tied>> {
        let ends = (cookie(client)?, cookie(backend)?);
        let tied = Tied {
            map: Arc::clone(self),
            client: End::new(ends.0, client)?,
            backend: End::new(ends.1, backend)?,
        };
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        if before >= SPLICE_MAX as usize / 2 || tied.prepare().is_err() {
            return Ok(None);
        }
        if self.sockets.update(&ends.1, &(backend.as_raw_fd() as u32)).is_err() {
            return Ok(None);
        }
        self.sockets.update(&ends.0, &(client.as_raw_fd() as u32))?;
        Ok(Some(tied))
    }
}

/// Two tied sockets; dropping it unties them.
#[derive(Debug)]
pub struct Tied {
    map: Arc<Sockmap>,
    client: End,
    backend: End,
}

/// One of the two.
#[derive(Debug)]
struct End {
    cookie: u64,
    /// Bytes that were in its send queue or beyond when it was tied.
    written: u64,
    /// Bytes that user space has read from it, and written to the other.
    forwarded: AtomicU64,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TiedEnd {
    Client,
    Backend,
}

impl Tied {
    fn prepare(&self) -> io::Result<()> {
        for (end, peer) in [(&self.client, &self.backend), (&self.backend, &self.client)] {
            self.map.counts.update(&end.cookie, &SpliceCounts::default())?;
            let plan = SplicePlan { peer: peer.cookie, consumed: SplicePlan::NOT_YET, limit: 0 };
            self.map.plans.update(&end.cookie, &plan)?;
        }
        Ok(())
    }

    /// The end that bytes come from, and the other.
    fn ends(&self, from: TiedEnd) -> (&End, &End) {
        match from {
            TiedEnd::Client => (&self.client, &self.backend),
            TiedEnd::Backend => (&self.backend, &self.client),
        }
    }

    /// Who is to be woken when the kernel wants something of these sockets.
    pub fn wake(&self, waker: &Waker) {
        self.map.waiting.add(self.client.cookie, waker);
        self.map.waiting.add(self.backend.cookie, waker);
    }

    /// User space has read `bytes` from `source`, which is the end `from`, and written them all to `sink`, the other. True
    /// when no others had come: all that comes from now on is redirected, until [`Tied::renew`] says otherwise.
    pub fn forwarded(
        &self,
        from: TiedEnd,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
        bytes: u64,
    ) -> io::Result<bool> {
        self.ends(from).0.forwarded.store(bytes, Ordering::Relaxed);
        self.grant(from, sink)?;
        // The program runs under the socket's lock, which this takes: a run that has not seen the plan is over.
        bytes_acked(source)?;
        Ok(self.passed(from)? == bytes)
    }

    /// Lets the kernel go on by as much as `sink` has taken. False when it did not wait for that, and bytes have come to
    /// user space, which are to be forwarded once [`Tied::has_arrived`].
    pub fn renew(&self, from: TiedEnd, sink: BorrowedFd<'_>) -> io::Result<bool> {
        self.grant(from, sink)?;
        Ok(self.passed(from)? == self.ends(from).0.forwarded.load(Ordering::Relaxed))
    }

    fn grant(&self, from: TiedEnd, sink: BorrowedFd<'_>) -> io::Result<()> {
        let (end, peer) = self.ends(from);
        let limit = self.redirected(from)? + SPLICE_CREDIT.saturating_sub(self.on_the_way(from, sink)?);
        let consumed = end.forwarded.load(Ordering::Relaxed);
        self.map.plans.update(&end.cookie, &SplicePlan { peer: peer.cookie, consumed, limit })
    }

    /// Bytes from that end that came to user space so far, whether it has read them or not.
    pub fn passed(&self, from: TiedEnd) -> io::Result<u64> {
        Ok(self.map.counts.get(&self.ends(from).0.cookie)?.passed)
    }

    /// Bytes from that end which the kernel gave to the other.
    pub fn redirected(&self, from: TiedEnd) -> io::Result<u64> {
        Ok(self.map.counts.get(&self.ends(from).0.cookie)?.redirected)
    }

    /// Whether everything from that end has come into the send queue of `sink`, the other.
    pub fn has_arrived(&self, from: TiedEnd, sink: BorrowedFd<'_>) -> io::Result<bool> {
        Ok(self.on_the_way(from, sink)? == 0)
    }

    /// Bytes that have left that end and are not yet in the send queue of `sink`.
    fn on_the_way(&self, from: TiedEnd, sink: BorrowedFd<'_>) -> io::Result<u64> {
        let (end, peer) = self.ends(from);
        let expected = peer.written + end.forwarded.load(Ordering::Relaxed) + self.redirected(from)?;
        Ok(expected.saturating_sub(written(sink)?))
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        for end in [&self.client, &self.backend] {
            // A socket that has closed is not there any more.
            let _ = self.map.sockets.delete(&end.cookie);
            let _ = self.map.plans.delete(&end.cookie);
            let _ = self.map.counts.delete(&end.cookie);
            self.map.waiting.remove(end.cookie);
        }
        self.map.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl End {
    fn new(cookie: u64, socket: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self { cookie, written: written(socket)?, forwarded: AtomicU64::new(0) })
    }
}

/// Bytes that were ever put into a socket's send queue, counted from an arbitrary point.
fn written(socket: BorrowedFd<'_>) -> io::Result<u64> {
    loop {
        let acked = bytes_acked(socket)?;
        let queued = queued(socket)?;
        // An acknowledgement in between would be counted in neither.
        if bytes_acked(socket)? == acked {
            return Ok(acked + queued);
        }
    }
}

fn bytes_acked(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = [0_u8; BYTES_ACKED_AT + 8];
    get_option(socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info)?;
    let mut acked = [0; 8];
    acked.copy_from_slice(&info[BYTES_ACKED_AT..]);
    Ok(u64::from_ne_bytes(acked))
}

fn cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie = [0; 8];
    get_option(socket, libc::SOL_SOCKET, libc::SO_COOKIE, &mut cookie)?;
    Ok(u64::from_ne_bytes(cookie))
}

fn get_option(socket: BorrowedFd<'_>, level: i32, name: i32, value: &mut [u8]) -> io::Result<()> {
    let mut length = value.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut length)
    };
    match result {
        0 if length as usize == value.len() => Ok(()),
        0 => Err(io::ErrorKind::Unsupported.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Bytes in the send queue that are not acknowledged (`SIOCOUTQ`).
fn queued(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } {
        0 => Ok(bytes.max(0) as u64),
        _ => Err(io::Error::last_os_error()),
    }
}
