//! What the measuring programs share: workloads, the folder they need, and a client, processes and what
//! the kernel says about them.

pub mod folder;
pub mod measure;
pub mod scratch;
pub mod wire;
pub mod workload;
