//! Reads a body off a connection according to its framing.

use super::chunked::ChunkDecoder;
use super::part::Part;
use super::{Framing, ReadBuffer, WireError};

/// How much of a body is still to come.
#[derive(Debug)]
pub enum BodyReader {
    Done,
    Length(u64),
    /// Boxed: trailers make it large, and most connections never see one.
    Chunked(Box<ChunkDecoder>),
    UntilClose,
}

impl BodyReader {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Box::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether the end has been seen. An `UntilClose` body ends only with the connection.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Bytes still to come, when the framing tells.
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Self::Done => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// The next part out of the buffer.
    pub fn next(&mut self, buffer: &mut ReadBuffer) -> Result<Part, WireError> {
        match self {
            Self::Done => Ok(Part::End(None)),
            Self::Length(_) | Self::UntilClose if buffer.is_empty() => Ok(Part::More),
            Self::UntilClose => Ok(Part::Data(buffer.take(usize::MAX))),
            Self::Length(left) => {
                let piece = buffer.take(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Part::Data(piece))
            }
            Self::Chunked(decoder) => {
                let part = decoder.next(buffer)?;
                if decoder.is_done() {
                    *self = Self::Done;
                }
                Ok(part)
            }
        }
    }

    /// The connection ended. Whether the body is complete with that.
    pub fn end_of_input(&mut self) -> bool {
        match self {
            Self::Done => true,
            Self::UntilClose => {
                *self = Self::Done;
                true
            }
            Self::Length(_) | Self::Chunked(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_length_takes_no_byte_of_the_next_message() {
        let mut buffer = ReadBuffer::new();
        buffer.extend(b"helloGET");
        let mut reader = BodyReader::new(Framing::Length(5));
        assert!(matches!(reader.next(&mut buffer), Ok(Part::Data(data)) if &data[..] == b"hello"));
        assert!(matches!(reader.next(&mut buffer), Ok(Part::End(None))));
        assert_eq!(buffer.data(), b"GET");
    }

    #[test]
    fn end_of_input_is_an_end_only_where_the_framing_says_so() {
        assert!(BodyReader::new(Framing::None).end_of_input());
        assert!(BodyReader::new(Framing::UntilClose).end_of_input());
        assert!(!BodyReader::new(Framing::Length(1)).end_of_input());
        assert!(!BodyReader::new(Framing::Chunked).end_of_input());
    }
}
