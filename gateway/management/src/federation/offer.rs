//! Views as manifests and chunks.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gateway_sync::protocol::{
    Chunk, Document, Documents, GatewaySecret, Manifest, ProtocolError, Tag, name_of, pack,
};

/// Chunks up to this size travel inside the manifest: a request of their own would cost more.
const INLINE_BYTES_MAX: usize = 2_048;
/// Subscriptions of one chunk, about.
const SUBSCRIPTIONS_A_CHUNK: usize = 500;
/// Collections whose documents hold secrets.
const SEALED: &[&str] =
    &["namedvalues", "certificates", "subscriptions", "backends", "loggers", "caches", "users"];

/// A chunk to be fetched.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    pub bytes: Bytes,
}

/// A signed manifest and the chunks that it names.
#[derive(Debug)]
pub struct Offer {
    pub manifest: Bytes,
    pub parts: Vec<Arc<Part>>,
}

/// All of a view. APIs are chunks of their own, so that gateways share them and a change moves little.
pub fn whole(
    gateway: &str,
    tag: Tag,
    documents: &Documents,
    secret: &GatewaySecret,
) -> Result<Offer, ProtocolError> {
    let subscriptions = documents.iter().filter(|document| collection(document) == "subscriptions").count();
    let shelves = (subscriptions / SUBSCRIPTIONS_A_CHUNK).next_power_of_two().min(256);
    let mut groups: BTreeMap<(bool, String), Vec<&Arc<Document>>> = BTreeMap::new();
    for document in documents.iter() {
        groups.entry(group(document, shelves)).or_default().push(document);
    }
    let mut manifest = Manifest { gateway: gateway.to_owned(), tag: tag.to_string(), ..Manifest::default() };
    let mut parts = Vec::new();
    for ((sealed, _), documents) in groups {
        let bytes = packed(documents, sealed, secret)?;
        let (chunk, part) = chunk(bytes, sealed, INLINE_BYTES_MAX);
        manifest.chunks.push(chunk);
        parts.extend(part.map(Arc::new));
    }
    Ok(Offer { manifest: Bytes::from(manifest.sign(secret)?), parts })
}

/// The signed difference between two views.
pub fn difference(
    gateway: &str,
    (base, tag): (Tag, Tag),
    changed: &[Arc<Document>],
    removed: Vec<String>,
    secret: &GatewaySecret,
) -> Result<String, ProtocolError> {
    let mut chunks = Vec::new();
    for sealed in [false, true] {
        let documents: Vec<_> = changed.iter().filter(|document| is_sealed(document) == sealed).collect();
        if !documents.is_empty() {
            chunks.push(chunk(packed(documents, sealed, secret)?, sealed, usize::MAX).0);
        }
    }
    let manifest = Manifest {
        gateway: gateway.to_owned(),
        tag: tag.to_string(),
        base: Some(base.to_string()),
        removed,
        chunks,
    };
    manifest.sign(secret)
}

fn packed(
    documents: Vec<&Arc<Document>>,
    sealed: bool,
    secret: &GatewaySecret,
) -> Result<Vec<u8>, ProtocolError> {
    let packed = pack(documents);
    if sealed { secret.seal("chunk", &packed) } else { Ok(packed) }
}

fn chunk(bytes: Vec<u8>, sealed: bool, inline_bytes_max: usize) -> (Chunk, Option<Part>) {
    let name = name_of(&bytes);
    let is_inline = bytes.len() <= inline_bytes_max;
    let chunk = Chunk {
        sha256: name.clone(),
        bytes: bytes.len() as u64,
        sealed,
        data: is_inline.then(|| STANDARD.encode(&bytes)),
    };
    (chunk, (!is_inline).then(|| Part { name, bytes: Bytes::from(bytes) }))
}

fn collection(document: &Document) -> String {
    document.path.split('/').next().unwrap_or_default().to_ascii_lowercase()
}

fn is_sealed(document: &Document) -> bool {
    SEALED.contains(&collection(document).as_str())
}

/// Whether a document is sealed, and the name of what shares its chunk.
fn group(document: &Document, shelves: usize) -> (bool, String) {
    let path = document.path.to_ascii_lowercase();
    let name = path.split('/').nth(1).unwrap_or_default();
    let group = match collection(document).as_str() {
        "apis" => format!("apis/{name}"),
        "subscriptions" => {
            let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            format!("subscriptions/{}", sum % shelves)
        }
        _ => String::new(),
    };
    (is_sealed(document), group)
}
