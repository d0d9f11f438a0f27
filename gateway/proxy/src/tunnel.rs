//! The raw connection left over by an accepted upgrade.

use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways, as a trait object.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

/// The backend's side of a WebSocket: bytes already received come out first. Dropping it closes the connection.
/// This is what [`gateway_policy::exchange::Exchange::tunnel`] holds after a 101.
pub struct Tunnel(pub Box<dyn Duplex>);
