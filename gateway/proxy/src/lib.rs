//! Placeholder: filled by this room's first change.

pub mod wire;
