//! Secrets of the programs' hashes.

/// What no client can guess. Without randomness hashes work, only less fairly under attack.
pub fn random() -> u64 {
    let mut bytes = [0_u8; 8];
    // SAFETY: the call writes at most as many bytes as there are.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    u64::from_ne_bytes(bytes)
}
