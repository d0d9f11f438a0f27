//! What the program tells user space: that a socket's limit is near, or that bytes have come which nobody expects.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use aya::maps::{Map, MapData, RingBuf};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::SockmapError;
use crate::privileges;

/// How often the thread looks whether it is still needed.
const PATIENCE_MS: u16 = 1000;

/// Who is to be told of which socket, by cookie.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<HashMap<u64, Waker>>);

impl Waiting {
    pub fn add(&self, cookie: u64, waker: &Waker) {
        let mut wakers = self.lock();
        if !wakers.get(&cookie).is_some_and(|known| known.will_wake(waker)) {
            wakers.insert(cookie, waker.clone());
        }
    }

    pub fn remove(&self, cookie: u64) {
        let removed = self.lock().remove(&cookie);
        // May drop a task, and with it other tied sockets.
        drop(removed);
    }

    fn wake(&self, cookie: u64) {
        if let Some(waker) = self.lock().get(&cookie) {
            waker.wake_by_ref();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the ring on a thread of its own, as long as somebody holds what is returned.
pub fn listen(map: Map) -> Result<Arc<Waiting>, SockmapError> {
    let ring = RingBuf::try_from(map)?;
    let waiting = Arc::<Waiting>::default();
    let told = Arc::downgrade(&waiting);
    std::thread::Builder::new().name("splice".to_owned()).spawn(move || read(ring, &told))?;
    Ok(waiting)
}

fn read(mut ring: RingBuf<MapData>, waiting: &Weak<Waiting>) {
    privileges::drop_all();
    while let Some(waiting) = waiting.upgrade() {
        while let Some(event) = ring.next() {
            if let Ok(cookie) = <[u8; 8]>::try_from(&*event) {
                waiting.wake(u64::from_ne_bytes(cookie));
            }
        }
        drop(waiting);
        if let Err(error) = wait(&ring) {
            tracing::warn!(%error, "events of tied sockets are not read");
            return;
        }
    }
}

fn wait(ring: &RingBuf<MapData>) -> io::Result<()> {
    match poll(&mut [PollFd::new(ring.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE_MS)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
