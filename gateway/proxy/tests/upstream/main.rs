//! The upstream side over real sockets, against small backends that do exactly what a test tells them to.

mod http1;
mod support;
