//! Events of a tunnel's two sockets. An epoll instance of its own, as the runtime's would be woken by every segment.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub struct Watch(AsyncFd<Instance>);

struct Instance(Epoll);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl Watch {
    /// Watches for everything.
    pub fn new(one: &impl AsFd, other: &impl AsFd) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(one, EpollEvent::new(all(), 0))?;
        epoll.add(other, EpollEvent::new(all(), 1))?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe, which is forbidden here; the descriptor is owned by what is registered"
        )]
        let watched = AsyncFd::with_interest(Instance(epoll), Interest::READABLE)?;
        Ok(Self(watched))
    }

    /// From now on for ends and errors alone, or again for everything.
    pub fn change(&self, one: &impl AsFd, other: &impl AsFd, ends_only: bool) -> io::Result<()> {
        let epoll = &self.0.get_ref().0;
        let flags = if ends_only { ends() } else { all() };
        epoll.modify(one, &mut EpollEvent::new(flags, 0))?;
        epoll.modify(other, &mut EpollEvent::new(flags, 1))?;
        Ok(())
    }

    /// Ready when something has happened; each event is told once.
    pub fn poll_event(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let mut events = [EpollEvent::empty(); 4];
            match ready.get_inner().0.wait(&mut events, EpollTimeout::ZERO)? {
                0 => ready.clear_ready(),
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

fn all() -> EpollFlags {
    EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | ends()
}

fn ends() -> EpollFlags {
    EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET
}
