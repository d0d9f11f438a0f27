//! HTTP/1.1 on the wire, for both sides: bytes in, canonical messages out, and back.
//!
//! The one rule (`reliability-security.md` §2): what a message means is decided once, here, from a validated
//! head; whatever is ambiguous is an error, and raw bytes of a peer are never passed on.

pub mod body;
pub mod buffer;
pub mod chunked;
pub mod date;
pub mod error;
pub mod fields;
pub mod head;
mod part;
pub mod target;
pub mod write;

pub use body::BodyReader;
pub use buffer::ReadBuffer;
pub use error::WireError;
pub use head::{Framing, HeadLimits, HeadScan, RequestContext, RequestHead, ResponseHead, Version};
pub use part::Part;
