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

fn decode_one(body: &[u8], name: &str, bytes_max: u64) -> Result<Vec<u8>, CodingError> {
    match name.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), body.len(), name, bytes_max),
        // Meant is zlib's format; senders that send the bare one are common enough.
        "deflate" => match read(ZlibDecoder::new(body), body.len(), name, bytes_max) {
            Err(CodingError::Malformed(_)) => read(DeflateDecoder::new(body), body.len(), name, bytes_max),
            outcome => outcome,
        },
        "br" => read(Decompressor::new(body, PIECE_BYTES), body.len(), name, bytes_max),
        _ => Err(CodingError::Unsupported(name.to_owned())),
    }
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
