//! Harness of the behaviour tests: a configuration folder, a recording backend, a gateway in this process, and a
//! client that sends exactly the bytes it is given.

mod backend;
mod client;
mod config;
pub mod process;
mod running;

pub use backend::{Backend, Recorded, Reply};
pub use client::{Answer, Client, send_raw};
pub use config::{Api, Config};
pub use running::Running;
