//! Shared with the kernel side.
