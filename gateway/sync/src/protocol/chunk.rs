//! Chunks: documents one after another, compressed.

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::ProtocolError;
use super::document::{Document, hex_digest};

/// Largest view that a gateway takes, expanded.
pub const EXPANDED_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Each document is two lines: path and JSON. Neither holds a line feed.
pub fn pack<'d>(documents: impl IntoIterator<Item = &'d Arc<Document>>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    for document in documents {
        for part in [document.path.as_bytes(), b"\n", document.text.as_bytes(), b"\n"] {
            // A vector takes everything.
            let _ = encoder.write_all(part);
        }
    }
    encoder.finish().unwrap_or_default()
}

/// The documents of a chunk that expands to at most `bytes_max`.
pub fn unpack(packed: &[u8], bytes_max: u64) -> Result<Vec<Arc<Document>>, ProtocolError> {
    let mut text = String::new();
    let read = DeflateDecoder::new(packed).take(bytes_max + 1).read_to_string(&mut text);
    read.map_err(|_| ProtocolError::Malformed("a chunk"))?;
    if text.len() as u64 > bytes_max {
        return Err(ProtocolError::Large("a chunk", bytes_max));
    }
    let mut lines = text.lines();
    let mut documents = Vec::new();
    while let Some(path) = lines.next() {
        let text = lines.next().ok_or(ProtocolError::Malformed("a chunk"))?;
        documents.push(Arc::new(Document::new(path, text)));
    }
    Ok(documents)
}

/// The name of a chunk: SHA-256 of its bytes as they travel.
pub fn name_of(bytes: &[u8]) -> String {
    hex_digest(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_gives_back_its_documents_and_refuses_bombs() {
        let documents: Vec<_> =
            (0..3).map(|n| Arc::new(Document::new(format!("apis/{n}"), "{\"path\":\"x\"}"))).collect();
        let packed = pack(&documents);
        assert_eq!(unpack(&packed, 1_000).as_deref(), Ok(documents.as_slice()));
        assert_eq!(unpack(&packed, 10), Err(ProtocolError::Large("a chunk", 10)));
        assert_eq!(unpack(b"\xff\xff", 10), Err(ProtocolError::Malformed("a chunk")));
        assert_eq!(unpack(&packed[..packed.len() / 2], 1_000), Err(ProtocolError::Malformed("a chunk")));
    }
}
