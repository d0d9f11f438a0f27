//! The kernel's way from socket to socket, as the proxy takes it.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::task::Waker;

use gateway_datapath::{Datapath, Sockmap, TiedEnd};
use gateway_proxy::downstream::l4;
use gateway_proxy::tunnel::{Shortcut, Side, Tied};

/// The way, once it has shown that it can be trusted here; `None` and a line in the log where it cannot.
pub fn shortcut(datapath: &Datapath) -> Option<Arc<dyn Shortcut>> {
    let tested = datapath.sockmap().and_then(|sockmap| {
        let shortcut: Arc<dyn Shortcut> = Arc::new(Way(sockmap));
        l4::self_test(&*shortcut).map(|()| shortcut)
    });
    match tested {
        Ok(shortcut) => Some(shortcut),
        Err(reason) => {
            tracing::warn!(reason, "datapath.splice=sockmap is not in use, L4 routes go by splice");
            None
        }
    }
}

#[derive(Debug)]
struct Way(Arc<Sockmap>);

impl Shortcut for Way {
    fn tie(&self, client: BorrowedFd<'_>, backend: BorrowedFd<'_>) -> io::Result<Option<Box<dyn Tied>>> {
        let tied = self.0.tie(client, backend)?;
        Ok(tied.map(|tied| -> Box<dyn Tied> { Box::new(Sockets(tied)) }))
    }
}

struct Sockets(gateway_datapath::Tied);

impl Tied for Sockets {
    fn wake(&self, waker: &Waker) {
        self.0.wake(waker);
    }

    fn forwarded(
        &self,
        side: Side,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
        bytes: u64,
    ) -> io::Result<bool> {
        self.0.forwarded(end(side), source, sink, bytes)
    }

    fn renew(&self, side: Side, sink: BorrowedFd<'_>) -> io::Result<bool> {
        self.0.renew(end(side), sink)
    }

    fn passed(&self, side: Side) -> io::Result<u64> {
        self.0.passed(end(side))
    }

    fn redirected(&self, side: Side) -> io::Result<u64> {
        self.0.redirected(end(side))
    }

    fn has_arrived(&self, side: Side, sink: BorrowedFd<'_>) -> io::Result<bool> {
        self.0.has_arrived(end(side), sink)
    }
}

fn end(side: Side) -> TiedEnd {
    match side {
        Side::Client => TiedEnd::Client,
        Side::Backend => TiedEnd::Backend,
    }
}
