//! Content codings (RFC 9110 §8.4.1): bodies taken out of gzip, deflate and br for policies that read them. What comes
//! out is bounded, by a size and by its ratio to what went in (`reliability-security.md` §4.3).

use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// Codings that one body may be in, one inside the other.
const CODINGS_MAX: usize = 4;
/// What a byte may become, once so much has come out that the ratio says something.
const RATIO_MAX: usize = 100;
const RATIO_FREE_BYTES: usize = 64 << 10;
const PIECE_BYTES: usize = 16 << 10;
/// Of a body of which only the beginning is read.
const BEGINNING_BYTES_MAX: usize = 64 << 10;

/// Why a body cannot be taken out of its codings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodingError {
    #[error("The content encoding '{0}' is not supported.")]
    Unsupported(String),
    #[error("The body is not what its content encoding '{0}' says.")]
    Malformed(String),
    #[error(
        "Decompressed, the body is longer than {0} bytes, or more than {RATIO_MAX} times as long as it was."
    )]
    TooLarge(u64),
}

/// Whether a `Content-Encoding` says that the body is as it is.
pub fn is_plain(encoding: &str) -> bool {
    names(encoding).next().is_none()
}

/// The names of the codings, in the order in which they were applied.
fn names(encoding: &str) -> impl DoubleEndedIterator<Item = &str> {
    let names = encoding.split(',').map(str::trim);
    names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
}

/// What a coding's bytes may be.
#[derive(Clone, Copy)]
enum Format {
    Gzip,
    Zlib,
    Deflate,
    Brotli,
}

impl Format {
    fn reader(self, body: &[u8]) -> Box<dyn Read + '_> {
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(body)),
            Self::Zlib => Box::new(ZlibDecoder::new(body)),
            Self::Deflate => Box::new(DeflateDecoder::new(body)),
            Self::Brotli => Box::new(Decompressor::new(body, PIECE_BYTES)),
        }
    }
}

/// The formats that a coding stands for, in the order in which they are tried; none for one that is not known.
fn formats(name: &str) -> &'static [Format] {
    match name.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => &[Format::Gzip],
        // Meant is zlib's format; senders that send the bare one are common enough.
        "deflate" => &[Format::Zlib, Format::Deflate],
        "br" => &[Format::Brotli],
        _ => &[],
    }
}

/// The content of a body in the codings of a `Content-Encoding`, at most `bytes_max` bytes.
pub fn decode(body: &[u8], encoding: &str, bytes_max: u64) -> Result<Vec<u8>, CodingError> {
    if names(encoding).count() > CODINGS_MAX {
        return Err(CodingError::Unsupported(encoding.to_owned()));
    }
    let mut content = body.to_vec();
    for name in names(encoding).rev() {
        content = decode_one(&content, name, bytes_max)?;
    }
    Ok(content)
}

/// The beginning of a body, of which perhaps no more than that is there: what comes out of its codings, at most
/// `bytes_max` bytes; nothing where one of them is not known or holds nothing that can be read.
pub fn decode_beginning(body: &[u8], encoding: &str, bytes_max: usize) -> Vec<u8> {
    if names(encoding).count() > CODINGS_MAX {
        return Vec::new();
    }
    let mut content = body.get(..body.len().min(BEGINNING_BYTES_MAX)).unwrap_or_default().to_vec();
    let mut left = names(encoding).count();
    for name in names(encoding).rev() {
        left -= 1;
        let most = if left == 0 { bytes_max } else { BEGINNING_BYTES_MAX };
        let mut tries = formats(name).iter().map(|format| read_beginning(format.reader(&content), most));
        content = tries.find(|read| !read.is_empty()).unwrap_or_default();
    }
    content.truncate(bytes_max);
    content
}

/// As far as it can be read.
fn read_beginning(mut decoder: impl Read, bytes_max: usize) -> Vec<u8> {
    let mut content = vec![0; bytes_max];
    let mut length = 0;
    while let Some(room) = content.get_mut(length..).filter(|room| !room.is_empty()) {
        match decoder.read(room) {
            Ok(count) if count > 0 => length += count,
            _ => break,
        }
    }
    content.truncate(length);
    content
}

fn decode_one(body: &[u8], name: &str, bytes_max: u64) -> Result<Vec<u8>, CodingError> {
    let mut outcome = Err(CodingError::Unsupported(name.to_owned()));
    for format in formats(name) {
        outcome = read(format.reader(body), body.len(), name, bytes_max);
        if !matches!(outcome, Err(CodingError::Malformed(_))) {
            break;
        }
    }
    outcome
}

fn read(mut decoder: impl Read, sent: usize, name: &str, bytes_max: u64) -> Result<Vec<u8>, CodingError> {
    let ratio_max = sent.saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES);
    let max = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(ratio_max);
    let mut content = Vec::new();
    let mut piece = [0; PIECE_BYTES];
    loop {
        let count = decoder.read(&mut piece).map_err(|_| CodingError::Malformed(name.to_owned()))?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { return Ok(content) };
        content.extend_from_slice(read);
        if content.len() > max {
            return Err(CodingError::TooLarge(bytes_max));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn decode_every_coding_and_lists_of_them() {
        let text = b"{\"id\": 5}";
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(text).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(text).unwrap();
        // RFC 7932: one meta-block without compression, then the empty last one.
        let brotli = [&[0x0b, 0x04, 0x80][..], text, &[0x03]].concat();
        for (body, encoding) in [
            (gzip(text), "gzip"),
            (gzip(text), "X-GZIP, identity"),
            (zlib.finish().unwrap(), "deflate"),
            (bare.finish().unwrap(), "deflate"),
            (brotli, "br"),
            (gzip(&gzip(text)), "gzip, gzip"),
            (text.to_vec(), "identity"),
        ] {
            assert_eq!(decode(&body, encoding, 1000).as_deref(), Ok(&text[..]), "{encoding}");
        }
    }

    #[test]
    fn beginning_of_a_coded_body_is_read_as_far_as_it_goes() {
        let text: String = (0..5000).map(|number| format!("{number} ")).collect();
        let whole = gzip(text.as_bytes());
        for (body, most) in [(&whole[..], 100), (&whole[..whole.len() / 2], 100), (&whole[..], 100_000)] {
            let read = decode_beginning(body, "gzip", most);
            assert_eq!(read, &text.as_bytes()[..most.min(text.len())]);
        }
        assert!(text.as_bytes().starts_with(&decode_beginning(&whole[..300], "GZIP", 8192)));
        assert_eq!(decode_beginning(&gzip(&whole), "gzip, gzip", 10), b"0 1 2 3 4 ");
        assert_eq!(decode_beginning(b"plain", "identity", 3), b"pla");
        for (body, encoding) in
            [(&b"plain"[..], "gzip"), (b"plain", "zstd"), (b"", "br"), (b"\xff\xff", "br")]
        {
            assert_eq!(decode_beginning(body, encoding, 100), b"", "{encoding}");
        }
        let bomb = gzip(&vec![b'x'; 10 << 20]);
        assert_eq!(decode_beginning(&bomb, "gzip", 8192), vec![b'x'; 8192]);
    }

    #[test]
    fn decode_what_is_wrong_is_refused() {
        assert_eq!(decode(b"x", "zstd", 10), Err(CodingError::Unsupported("zstd".to_owned())));
        assert_eq!(decode(b"plain", "gzip", 10), Err(CodingError::Malformed("gzip".to_owned())));
        assert_eq!(decode(b"\xff\xff\xff", "br", 10), Err(CodingError::Malformed("br".to_owned())));
        let five = "gzip,gzip,gzip,gzip,gzip";
        assert_eq!(decode(b"x", five, 10), Err(CodingError::Unsupported(five.to_owned())));
        let cut = gzip(b"0123456789");
        assert_eq!(decode(&cut[..cut.len() - 9], "gzip", 99), Err(CodingError::Malformed("gzip".to_owned())));
    }

    #[test]
    fn decode_bombs_stop_at_size_and_ratio() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(decode(&bomb, "gzip", 1 << 20), Err(CodingError::TooLarge(1 << 20)));
        assert_eq!(decode(&bomb, "gzip", 100 << 20), Err(CodingError::TooLarge(100 << 20)));
        assert_eq!(decode(&gzip(&bomb), "gzip, gzip", 100 << 20), Err(CodingError::TooLarge(100 << 20)));
    }
}
