//! Harness of the behaviour tests: a configuration folder, recording and scripted backends, a gateway in this process
//! or in one of its own, and clients that send exactly the bytes they are given.

mod authority;
mod backend;
mod client;
mod config;
mod federation;
pub mod frames;
mod grpc;
mod issuer;
pub mod key_vault;
pub mod load;
pub mod namespaces;
pub mod passing;
pub mod plane;
pub mod process;
pub mod redis;
mod relay;
mod running;
mod script;
pub mod search_server;

pub use authority::{Authority, Issued};
pub use backend::{Backend, Recorded, Reply};
pub use client::{Answer, Client, send_raw};
pub use config::{Api, Config};
pub use federation::Federation;
pub use grpc::{GrpcBackend, message, with_http2};
pub use issuer::Issuer;
pub use relay::{Relay, Throttle};
pub use running::{Running, start_gateway, start_gateway_by};
pub use script::Script;
