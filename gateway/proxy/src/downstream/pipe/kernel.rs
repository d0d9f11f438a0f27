//! Pipes of the kernel, through which `splice(2)` moves bytes from socket to socket without a copy.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

/// Most pipes of one worker; more directions than these at a time are copied.
const PIPES_MAX: usize = 64;
/// Kept for the next direction.
const IDLE_MAX: usize = 8;
/// Moved at a time, and asked for as size of a pipe.
const PIPE_BYTES: usize = 256 << 10;

/// The pipes of one worker. A direction holds one only while bytes are in it.
#[derive(Debug)]
pub struct Pipes {
    used: bool,
    idle: RefCell<Vec<KernelPipe>>,
    open: Rc<Cell<usize>>,
}

impl Pipes {
    /// `used`: false copies everything.
    pub fn new(used: bool) -> Self {
        Self { used, idle: RefCell::default(), open: Rc::default() }
    }

    pub fn are_used(&self) -> bool {
        self.used
    }

    /// An empty pipe; `None` when there are too many, or the process may open no more.
    pub fn take(&self) -> Option<KernelPipe> {
        let kept = self.idle.borrow_mut().pop();
        kept.or_else(|| {
            (self.used && self.open.get() < PIPES_MAX).then(|| KernelPipe::new(&self.open).ok())?
        })
    }

    /// Keeps an empty pipe for the next one who asks.
    pub fn give_back(&self, pipe: KernelPipe) {
        let mut idle = self.idle.borrow_mut();
        if pipe.is_empty() && idle.len() < IDLE_MAX {
            idle.push(pipe);
        }
    }

    /// Pipes that exist.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.open.get()
    }

    /// Those that hold bytes.
    #[cfg(test)]
    pub fn in_use(&self) -> usize {
        self.open.get() - self.idle.borrow().len()
    }
}

/// One pipe.
#[derive(Debug)]
pub struct KernelPipe {
    out: OwnedFd,
    into: OwnedFd,
    holds: usize,
    open: Rc<Cell<usize>>,
}

impl KernelPipe {
    fn new(open: &Rc<Cell<usize>>) -> io::Result<Self> {
        let (out, into) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // Refused to who has many (pipe(7)); the default is smaller, and works.
        let _ = fcntl(&into, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES as i32));
        open.set(open.get() + 1);
        Ok(Self { out, into, holds: 0, open: Rc::clone(open) })
    }

    pub fn is_empty(&self) -> bool {
        self.holds == 0
    }

    /// Takes what a socket has; 0 when it has ended.
    pub fn fill(&mut self, source: &impl AsFd) -> io::Result<usize> {
        let count = splice(source, None, &self.into, None, PIPE_BYTES, flags())?;
        self.holds += count;
        Ok(count)
    }

    /// Gives a socket what it takes.
    pub fn drain(&mut self, sink: &impl AsFd) -> io::Result<usize> {
        let count = splice(&self.out, None, sink, None, self.holds, flags())?;
        self.holds -= count.min(self.holds);
        Ok(count)
    }
}

impl Drop for KernelPipe {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}

fn flags() -> SpliceFFlags {
    SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK
}
