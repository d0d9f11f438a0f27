//! The upstream side over real sockets, against small backends that do exactly what a test tells them to.

mod body;
mod call;
mod connection;
mod dns;
mod faults;
mod http1;
mod http2;
mod redirect;
mod support;
mod tls;
mod websocket;
