//! Bodies of many items in one text, compressed: split where a sink's limits ask for it.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::time::SystemTime;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::Payload;

/// How items stand in a body. No item holds a line feed.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub open: &'static str,
    /// Ends in a line feed.
    pub between: &'static str,
    pub close: &'static str,
    /// Of the whole text, before it is compressed.
    pub bytes_max: usize,
    /// Of one item; a larger one is left out.
    pub item_bytes_max: usize,
    /// The sink takes compressed bodies.
    pub gzip: bool,
}

/// A JSON array, one item a line.
pub const fn array(bytes_max: usize, item_bytes_max: usize) -> Frame {
    Frame { open: "[", between: ",\n", close: "]", bytes_max, item_bytes_max, gzip: true }
}

/// One item a line (`application/x-ndjson`, `application/x-json-stream`).
pub const fn lines(bytes_max: usize, item_bytes_max: usize) -> Frame {
    Frame { open: "", between: "\n", close: "", bytes_max, item_bytes_max, gzip: true }
}

/// Bodies under construction.
pub struct Writer<'p> {
    frame: Frame,
    text: String,
    items: u64,
    too_large: u64,
    expires: Option<SystemTime>,
    payloads: &'p mut Vec<Payload>,
}

impl<'p> Writer<'p> {
    pub fn new(frame: Frame, expires: Option<SystemTime>, payloads: &'p mut Vec<Payload>) -> Self {
        Self { frame, text: String::new(), items: 0, too_large: 0, expires, payloads }
    }

    /// Adds an item.
    pub fn add(&mut self, item: &str) {
        let Frame { open, between, close, bytes_max, item_bytes_max, .. } = self.frame;
        if item.len() > item_bytes_max || item.len() + open.len() + close.len() > bytes_max {
            self.too_large += 1;
            return;
        }
        if self.items > 0 && self.text.len() + between.len() + item.len() + close.len() > bytes_max {
            self.close();
        }
        self.text.push_str(if self.items == 0 { open } else { between });
        self.text.push_str(item);
        self.items += 1;
    }

    /// Closes the last body; how many items were too large.
    pub fn finish(mut self) -> u64 {
        self.close();
        self.too_large
    }

    fn close(&mut self) {
        if self.items > 0 {
            self.text.push_str(self.frame.close);
            let items = std::mem::take(&mut self.items);
            let text = std::mem::take(&mut self.text);
            let gzips = self.frame.gzip;
            let body = if gzips { gzip(&[text.as_bytes()]) } else { text.into_bytes() };
            self.payloads.push(Payload { items, body, expires: self.expires, compressible: !gzips });
        }
    }
}

/// The items of a payload.
pub fn items(frame: Frame, payload: &Payload) -> Vec<String> {
    let text = String::from_utf8_lossy(&plain(&payload.body)).into_owned();
    let inner = text.strip_prefix(frame.open).unwrap_or(&text);
    let inner = inner.strip_suffix(frame.close).unwrap_or(inner);
    inner.split(frame.between).map(str::to_owned).collect()
}

/// A payload of some of another's items.
pub fn rebuild(frame: Frame, items: &[String], expires: Option<SystemTime>) -> Vec<Payload> {
    let mut payloads = Vec::new();
    let mut writer = Writer::new(frame, expires, &mut payloads);
    for item in items {
        writer.add(item);
    }
    writer.finish();
    payloads
}

/// Two halves of a payload that a sink finds too large; `None` for a single item.
pub fn halves(frame: Frame, payload: &Payload) -> Option<Vec<Payload>> {
    let items = items(frame, payload);
    if items.len() < 2 {
        return None;
    }
    let (first, second) = items.split_at(items.len() / 2);
    Some([rebuild(frame, first, payload.expires), rebuild(frame, second, payload.expires)].concat())
}

/// Compresses (RFC 1952), fast rather than small.
pub fn gzip(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoder = GzEncoder::new(Vec::with_capacity(length / 8 + 64), Compression::fast());
    for part in parts {
        // A `Vec` takes all.
        let _ = encoder.write_all(part);
    }
    encoder.finish().unwrap_or_default()
}

/// What [`gzip`] made as it was before, and what is plain as it is.
pub fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !is_gzip(bytes) {
        return bytes.into();
    }
    let mut plain = Vec::new();
    // What a damaged disk left of it is sent as far as it reads.
    let _ = GzDecoder::new(bytes).read_to_end(&mut plain);
    plain.into()
}

/// RFC 1952 §2.3.1; no text of ours begins so.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

#[cfg(test)]
pub fn gunzip(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&plain(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_stay_within_the_limit_and_come_apart_again() {
        for frame in [array(20, 10), lines(20, 10)] {
            let mut payloads = Vec::new();
            let mut writer = Writer::new(frame, None, &mut payloads);
            let all: Vec<String> = (0..20).map(|number| format!("{{\"n\":{number}}}")).collect();
            for item in &all {
                writer.add(item);
            }
            writer.add("01234567890");
            assert_eq!(writer.finish(), 1);
            assert!(payloads.iter().all(|payload| gunzip(&payload.body).len() <= 20), "{payloads:?}");
            assert_eq!(payloads.iter().map(|payload| payload.items).sum::<u64>(), 20);
            let back: Vec<String> = payloads.iter().flat_map(|payload| items(frame, payload)).collect();
            assert_eq!(back, all);
            let halves = halves(frame, &payloads[0]).unwrap();
            assert_eq!(halves.iter().map(|half| half.items).collect::<Vec<_>>(), [1, 1]);
            assert!(super::halves(frame, &halves[0]).is_none());
        }
    }
}
