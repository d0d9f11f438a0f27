//! The listeners over real sockets: what goes in as bytes, what comes out as bytes.

mod harness;
mod hostile;
mod http1;
mod http2;
mod lifecycle;
mod memory;
mod noise;
mod tls;
