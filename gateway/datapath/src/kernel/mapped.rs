//! Arrays of the kernel as memory of ours, for what programs change at the same time.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use gateway_common::map::Plain;

use super::map::Map;

/// The values of an array that was made with `BPF_F_MMAPABLE`, word by word.
pub struct Mapped {
    start: NonNull<AtomicU64>,
    words: usize,
}

impl Mapped {
    /// Error: it is no such array, or one of other values.
    pub fn new<V: Plain>(map: &Map<V>) -> io::Result<Self> {
        const { assert!(size_of::<V>().is_multiple_of(8), "the kernel rounds values up to 8 bytes") };
        map.expect_sizes(size_of::<u32>())?;
        let bytes = map.entries()? as usize * size_of::<V>();
        let (access, fd) = (libc::PROT_READ | libc::PROT_WRITE, map.as_fd().as_raw_fd());
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, libc::MAP_SHARED, fd, 0) };
        let start = NonNull::new(start).filter(|start| start.as_ptr() != libc::MAP_FAILED);
        let start = start.ok_or_else(io::Error::last_os_error)?;
        Ok(Self { start: start.cast(), words: bytes / size_of::<u64>() })
    }

    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped while `self` is there, at the beginning of a page; who else writes them (the
        // programs) writes them whole.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nothing borrows any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.words * size_of::<u64>()) };
    }
}
