//! Cache entries as bytes. Foreign or damaged bytes read as nothing.
//!
//! A mark with the version, the kind, when it was stored, how long it is good for, a checksum of the content, the content.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use gateway_expression::Portable;
use gateway_policy::message::Headers;
use gateway_policy::ports::{Cached, CachedResponse, Entry};

const MARK: &[u8] = b"gwc1";
const VALUE: u8 = b'v';
const RESPONSE: u8 = b'r';
const SUM: usize = 8;

/// An entry as bytes; `None` when its value has no lasting form.
pub fn encode(entry: &Entry) -> Option<Vec<u8>> {
    let (kind, content) = match &entry.content {
        Cached::Value(value) => (VALUE, value.to_bytes()?),
        Cached::Response(response) => (RESPONSE, response_bytes(response)?),
    };
    let mut out = Vec::with_capacity(MARK.len() + 1 + 16 + SUM + content.len());
    out.extend_from_slice(MARK);
    out.push(kind);
    out.extend_from_slice(&entry.stored_ms.to_le_bytes());
    out.extend_from_slice(&entry.lifetime_ms.to_le_bytes());
    out.extend_from_slice(&checksum(&content));
    out.extend_from_slice(&content);
    Some(out)
}

/// The entry that [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Option<Entry> {
    let (kind, rest) = bytes.strip_prefix(MARK)?.split_first()?;
    let (stored, rest) = rest.split_first_chunk::<8>()?;
    let (lifetime, rest) = rest.split_first_chunk::<8>()?;
    let (sum, content) = rest.split_first_chunk::<SUM>()?;
    if *sum != checksum(content) {
        return None;
    }
    let content = match *kind {
        VALUE => Cached::Value(Portable::from_bytes(content)?),
        RESPONSE => Cached::Response(read_response(content)?),
        _ => return None,
    };
    Some(Entry {
        content,
        stored_ms: u64::from_le_bytes(*stored),
        lifetime_ms: u64::from_le_bytes(*lifetime),
    })
}

fn checksum(content: &[u8]) -> [u8; SUM] {
    let digest = digest(&SHA256, content);
    digest.as_ref().first_chunk::<SUM>().copied().unwrap_or_default()
}

fn response_bytes(response: &CachedResponse) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(response.size_bytes() + 64);
    out.extend_from_slice(&response.status.to_le_bytes());
    part(response.reason.as_bytes(), &mut out)?;
    out.extend_from_slice(&u32::try_from(response.headers.len()).ok()?.to_le_bytes());
    for (name, value) in response.headers.iter() {
        part(name.as_bytes(), &mut out)?;
        part(value, &mut out)?;
    }
    out.extend_from_slice(&response.body);
    Some(out)
}

fn part(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

fn read_response(bytes: &[u8]) -> Option<CachedResponse> {
    let (status, rest) = bytes.split_first_chunk::<2>()?;
    let (reason, rest) = read_part(rest)?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut headers = Headers::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let (name, behind_name) = read_part(rest)?;
        let (value, behind) = read_part(behind_name)?;
        headers.append(std::str::from_utf8(name).ok()?, value).ok()?;
        rest = behind;
    }
    let status = u16::from_le_bytes(*status);
    let reason = String::from_utf8(reason.to_vec()).ok()?;
    let body = Bytes::copy_from_slice(rest);
    (100..1000).contains(&status).then_some(CachedResponse { status, reason, headers, body })
}

fn read_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> Entry {
        let mut headers = Headers::new();
        headers.append("ETag", b"\"x\"").unwrap();
        headers.append("X-Bytes", b"\xe9").unwrap();
        let response =
            CachedResponse { status: 404, reason: "Gone away".into(), headers, body: Bytes::from("body") };
        Entry { content: Cached::Response(response), stored_ms: 5, lifetime_ms: 60_000 }
    }

    #[test]
    fn decode_gives_back_what_encode_wrote() {
        let value = Entry { content: Cached::Value(Portable::I32(7)), stored_ms: 1, lifetime_ms: 2 };
        for entry in [response(), value] {
            let bytes = encode(&entry).unwrap();
            assert_eq!(format!("{:?}", decode(&bytes).unwrap()), format!("{entry:?}"));
        }
    }

    #[test]
    fn decode_foreign_and_damaged_bytes_are_nothing() {
        let bytes = encode(&response()).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_none());
        }
        for at in (0..5).chain(21..bytes.len()) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_none(), "byte {at}");
        }
        assert!(decode(b"a plain text of somebody else").is_none());
    }
}
