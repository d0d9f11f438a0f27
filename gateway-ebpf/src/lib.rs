//! eBPF programs; see `main.rs`.
