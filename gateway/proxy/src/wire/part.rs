//! What reading a body gives, piece by piece.

use bytes::Bytes;
use gateway_policy::message::Headers;

/// One step of a body.
#[derive(Debug)]
pub enum Part {
    /// A piece, never empty.
    Data(Bytes),
    /// The end, with trailers if there are any.
    End(Option<Box<Headers>>),
    /// The buffer holds nothing more of the body: read, then ask again.
    More,
}
