//! A tunnel that the kernel takes over: segments go from socket to socket without waking anybody here.
//!
//! Each direction is copied until user space and the kernel agree on how many bytes have come so far; from then on the
//! kernel redirects, and only the end is for us, as it is not redirected.
//!
//! ```text
//! Copying ─► Taken ─► Ending (all that was redirected arrives) ─► Closed
//!    ▲         │ the sink takes too few: bytes come here again
//!    └─ Late ◄─┘ (all that was redirected arrives)
//! ```

mod watch;

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, TcpStream as StdStream};
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_telemetry::metrics::labels::PassageEnd;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::passage::Passage;
use crate::downstream::io::close_in_order;
use crate::downstream::pipe::{SCRATCH_BYTES, TURN_BYTES};
use crate::downstream::timers::Timer;
use crate::service::Service;
use crate::tunnel::{Shortcut, Side, Tied};
use watch::Watch;

/// Between two looks whether bytes have arrived, at first and at most.
const HURRY: Duration = Duration::from_millis(2);
const HURRY_MAX: Duration = Duration::from_millis(250);
/// Between two looks without being told.
const UNHURRIED: Duration = Duration::from_secs(5);

/// Ties the sockets; `None` where this cannot be, and they are as before.
pub fn tie(
    shortcut: &dyn Shortcut,
    client: &TcpStream,
    backend: &TcpStream,
) -> io::Result<Option<Box<dyn Tied>>> {
    shortcut.tie(client.as_fd(), backend.as_fd())
}

/// Runs the tunnel to its end.
pub async fn run<S: Service>(
    passage: &mut Passage<'_, S>,
    client: TcpStream,
    backend: TcpStream,
    tied: &dyn Tied,
    timer: &Timer,
    idle: Duration,
) -> PassageEnd {
    let Ok(mut tunnel) = Tunnel::new(client, backend) else { return PassageEnd::Reset };
    let counted = Counted { passage, tied };
    let mut before = 0;
    timer.set(idle);
    let end = poll_fn(|cx| {
        let moved = tunnel.poll(tied, cx);
        (counted.passage.up.copied, counted.passage.down.copied) = (tunnel.up.copied, tunnel.down.copied);
        match moved {
            Poll::Ready(Ok(())) => return Poll::Ready(PassageEnd::Closed),
            Poll::Ready(Err(_)) => return Poll::Ready(PassageEnd::Reset),
            Poll::Pending => {}
        }
        while timer.poll_passed(cx) {
            // Nobody is woken by what the kernel moves: it is only looked at now.
            let total = tunnel.total(tied);
            if total == before {
                return Poll::Ready(PassageEnd::Idle);
            }
            before = total;
            timer.set(idle);
        }
        Poll::Pending
    })
    .await;
    if end == PassageEnd::Closed {
        close_in_order(&tunnel.client);
        close_in_order(&tunnel.backend);
    }
    end
}

/// What the kernel moved is known at the end, whatever the end is.
struct Counted<'a, 'b, S: Service> {
    passage: &'a mut Passage<'b, S>,
    tied: &'a dyn Tied,
}

impl<S: Service> Drop for Counted<'_, '_, S> {
    fn drop(&mut self) {
        self.passage.up.redirected = self.tied.redirected(Side::Client).unwrap_or(0);
        self.passage.down.redirected = self.tied.redirected(Side::Backend).unwrap_or(0);
    }
}

/// The two sockets, and how far each direction is.
pub struct Tunnel {
    client: StdStream,
    backend: StdStream,
    up: Direction,
    down: Direction,
    watch: Watch,
    /// Only the ends are watched for.
    ends_only: bool,
    /// The next look without an event.
    look: Pin<Box<Sleep>>,
    pause: Duration,
    hurries: bool,
}

impl Tunnel {
    /// Takes the sockets away from the runtime, which would be woken by every segment.
    pub fn new(client: TcpStream, backend: TcpStream) -> io::Result<Self> {
        let (client, backend) = (client.into_std()?, backend.into_std()?);
        let watch = Watch::new(&client, &backend)?;
        let (up, down) = (Direction::from(Side::Client), Direction::from(Side::Backend));
        let look = Box::pin(sleep(UNHURRIED));
        let (ends_only, pause, hurries) = (false, UNHURRIED, false);
        Ok(Self { client, backend, up, down, watch, ends_only, look, pause, hurries })
    }

    /// Runs to the end.
    pub async fn run(&mut self, tied: &dyn Tied) -> io::Result<()> {
        poll_fn(|cx| self.poll(tied, cx)).await
    }

    /// Ready once both directions are closed.
    fn poll(&mut self, tied: &dyn Tied, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tied.wake(cx.waker());
        loop {
            if self.step(tied)? {
                return Poll::Ready(Ok(()));
            }
            if self.up.has_more || self.down.has_more {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Poll::Ready(result) = self.watch.poll_event(cx) {
                result?;
                continue;
            }
            let hurries = self.up.hurries() || self.down.hurries();
            if hurries != self.hurries {
                self.hurries = hurries;
                self.pause = if hurries { HURRY } else { UNHURRIED };
                self.look.as_mut().reset(Instant::now() + self.pause);
            }
            if self.look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if hurries {
                self.pause = (2 * self.pause).min(HURRY_MAX);
            }
            self.look.as_mut().reset(Instant::now() + self.pause);
        }
    }

    /// Goes on as far as it can; whether both directions are closed.
    fn step(&mut self, tied: &dyn Tied) -> io::Result<bool> {
        self.up.step(&self.client, &self.backend, tied)?;
        self.down.step(&self.backend, &self.client, tied)?;
        let ends_only = self.up.state != State::Copying && self.down.state != State::Copying;
        if ends_only != self.ends_only {
            self.ends_only = ends_only;
            self.watch.change(&self.client, &self.backend, ends_only)?;
        }
        Ok(self.up.state == State::Closed && self.down.state == State::Closed)
    }

    fn total(&self, tied: &dyn Tied) -> u64 {
        let redirected = |side| tied.redirected(side).unwrap_or(0);
        self.up.copied + self.down.copied + redirected(Side::Client) + redirected(Side::Backend)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Copying,
    /// The kernel redirects.
    Taken,
    /// Bytes have come here again, behind others that are still on their way.
    Late,
    /// The source has ended; what was redirected is still on its way.
    Ending,
    Closed,
}

/// One direction.
struct Direction {
    from: Side,
    state: State,
    /// Read and not yet written.
    waiting: Vec<u8>,
    /// Written.
    copied: u64,
    /// It stopped for the worker's other tasks to have a turn.
    has_more: bool,
    /// The source has ended, and bytes of it are still in the kernel's hands.
    is_behind: bool,
}

impl Direction {
    fn from(from: Side) -> Self {
        Self {
            from,
            state: State::Copying,
            waiting: Vec::new(),
            copied: 0,
            has_more: false,
            is_behind: false,
        }
    }

    /// What it waits for shows in no event.
    fn hurries(&self) -> bool {
        self.is_behind || matches!(self.state, State::Late | State::Ending)
    }

    fn step(&mut self, source: &StdStream, sink: &StdStream, tied: &dyn Tied) -> io::Result<()> {
        if self.state == State::Taken {
            self.state = match look(source)? {
                Some(0) if tied.passed(self.from)? == self.copied => State::Ending,
                None if tied.renew(self.from, sink.as_fd())? => State::Taken,
                _ => State::Late,
            };
        }
        if self.state == State::Late && tied.has_arrived(self.from, sink.as_fd())? {
            self.state = State::Copying;
        }
        if self.state == State::Copying {
            self.copy(source, sink, tied)?;
        }
        if self.state == State::Ending && tied.has_arrived(self.from, sink.as_fd())? {
            sink.shutdown(Shutdown::Write)?;
            self.state = State::Closed;
        }
        Ok(())
    }

    /// Copies until one side has to be waited for, or the kernel takes over.
    fn copy(&mut self, source: &StdStream, sink: &StdStream, tied: &dyn Tied) -> io::Result<()> {
        let mut scratch = [0; SCRATCH_BYTES];
        let before = self.copied;
        self.has_more = false;
        loop {
            while !self.waiting.is_empty() {
                let Some(count) = write(sink, &self.waiting)? else { return Ok(()) };
                self.waiting.drain(..count);
                self.copied += count as u64;
            }
            if self.copied - before > TURN_BYTES {
                self.has_more = true;
                return Ok(());
            }
            match read(source, &mut scratch)? {
                Some(0) => {
                    self.is_behind = tied.passed(self.from)? != self.copied;
                    if !self.is_behind {
                        self.state = State::Ending;
                    }
                    return Ok(());
                }
                Some(count) => self.waiting.extend_from_slice(scratch.get(..count).unwrap_or_default()),
                None => {
                    self.waiting = Vec::new();
                    if tied.forwarded(self.from, source.as_fd(), sink.as_fd(), self.copied)? {
                        self.state = State::Taken;
                    }
                    // If not, more has come meanwhile, and with it an event.
                    return Ok(());
                }
            }
        }
    }
}

/// Whether there is something: 0 is the end, `None` nothing.
fn look(socket: &StdStream) -> io::Result<Option<usize>> {
    settled(recv(socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK))
}

/// `None`: nothing is there.
fn read(socket: &StdStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    settled(recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT))
}

/// `None`: no room.
fn write(socket: &StdStream, bytes: &[u8]) -> io::Result<Option<usize>> {
    settled(send(socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL))
}

fn settled(result: nix::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
