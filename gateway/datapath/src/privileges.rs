//! Capabilities (capabilities(7)) that a thread gives up once it has no more use for them. They belong to threads: each
//! says for itself what it keeps.

use std::io;

use crate::capability::{BPF, NET_ADMIN, NET_BIND_SERVICE};

const VERSION_3: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`; process 0 is the calling thread.
#[repr(C)]
struct Header {
    version: u32,
    process: i32,
}

/// `struct __user_cap_data_struct`, one for each 32 bits.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// For threads that serve: the calling thread, and those that it starts, have none any more.
pub fn drop_all() {
    say(keep(0));
}

/// For the thread that looks after the programs: what attaching to an interface that appears takes, writing maps
/// (Linux before 6.4), and listening on a port below 1024 that settings add. Loading programs is over.
pub fn keep_attaching() {
    say(keep(1 << BPF | 1 << NET_ADMIN | 1 << NET_BIND_SERVICE));
}

fn say(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "capabilities are kept");
    }
}

/// Keeps those of `wanted` that the thread has.
fn keep(wanted: u64) -> io::Result<()> {
    let mut sets = [Sets::default(); 2];
    call(libc::SYS_capget, &mut sets)?;
    for (part, sets) in sets.iter_mut().enumerate() {
        let wanted = (wanted >> (32 * part)) as u32;
        sets.effective &= wanted;
        sets.permitted &= wanted;
        // The ambient set is cut to these by the kernel.
        sets.inheritable &= wanted;
    }
    call(libc::SYS_capset, &mut sets)
}

fn call(number: libc::c_long, sets: &mut [Sets; 2]) -> io::Result<()> {
    let mut header = Header { version: VERSION_3, process: 0 };
    // SAFETY: both calls take a header and two sets for this version, and keep no pointer.
    let result = unsafe { libc::syscall(number, &raw mut header, sets.as_mut_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::effective;

    #[test]
    fn drop_leaves_a_thread_what_it_keeps_and_others_theirs() {
        let before = effective();
        let attaching = 1 << BPF | 1 << NET_ADMIN | 1 << NET_BIND_SERVICE;
        let of_thread = std::thread::spawn(move || {
            keep_attaching();
            let kept = effective();
            drop_all();
            // What is gone does not come back.
            keep_attaching();
            (kept, effective())
        });
        assert_eq!(of_thread.join().unwrap(), (before & attaching, 0));
        assert_eq!(effective(), before);
    }
}
