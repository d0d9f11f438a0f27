//! What the measuring programs share: workloads, the folder they need, and a client.

pub mod folder;
pub mod wire;
pub mod workload;
