//! HTTP/2 frame by frame, for clients that do what no library lets them (RFC 9113 §4, RFC 7541 §6.2.2).

use std::net::SocketAddr;

use crate::client::Client;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// What every connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Literal fields without indexing or Huffman coding.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn integer(block: &mut Vec<u8>, value: usize) {
    match u8::try_from(value).ok().filter(|value| *value < 127) {
        Some(small) => block.push(small),
        None => {
            block.push(127);
            let mut rest = value - 127;
            while rest >= 128 {
                block.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            block.push(rest as u8);
        }
    }
}

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM or GOAWAY.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }
}

/// A connection.
pub struct Frames(pub Client);

impl Frames {
    pub fn connect(address: SocketAddr) -> Self {
        Self::with(address, &[])
    }

    /// The same with these settings: identifier and value, six bytes each.
    pub fn with(address: SocketAddr, settings: &[u8]) -> Self {
        let mut client = Client::connect(address);
        client.send(PREFACE);
        // No dynamic table, so that every answer spells its status out.
        client.send(&frame(SETTINGS, 0, 0, &[&[0, 1, 0, 0, 0, 0], settings].concat()));
        Self(client)
    }

    /// Sends a frame; whether the peer still takes any.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.0.try_send(&frame(kind, flags, stream, payload))
    }

    /// A GET of `/a/item` with these fields besides, or instead of, the usual ones; the value `absent` leaves one out.
    pub fn request(&mut self, stream: u32, extra: &[(&str, &str)], end: bool) -> bool {
        let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/a/item"), (":authority", "a")];
        let usual = usual.iter().filter(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        let all: Vec<_> =
            usual.chain(extra.iter().filter(|(_, value)| *value != "absent")).copied().collect();
        self.headers(stream, &all, end)
    }

    /// HEADERS with exactly these fields.
    pub fn headers(&mut self, stream: u32, all: &[(&str, &str)], end: bool) -> bool {
        self.send(HEADERS, END_HEADERS | if end { END_STREAM } else { 0 }, stream, &fields(all))
    }

    /// The next frame of one of these kinds; `None` when the connection ends before.
    pub fn next(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let head = self.0.exactly(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let stream = u32::from_be_bytes(head[5..9].try_into().expect("four bytes"));
            let payload = self.0.exactly(length as usize)?;
            if kinds.contains(&head[3]) {
                return Some(Frame { kind: head[3], flags: head[4], stream, payload });
            }
        }
    }

    /// The error code that a stream or the connection ends with; `None` when the connection just ends.
    pub fn error(&mut self) -> Option<u32> {
        self.next(&[RST_STREAM, GOAWAY]).map(|frame| frame.code())
    }

    /// The status of the next response head.
    pub fn status(&mut self) -> Option<u16> {
        let mut block = self.next(&[HEADERS])?.payload;
        // The size of the table, as we asked for it.
        while block.first().is_some_and(|byte| byte & 0xe0 == 0x20) {
            block.remove(0);
        }
        // Indexed `:status` (RFC 7541 appendix A), or index 8 with a literal value, which may be Huffman-coded.
        Some(match block.first()? {
            0x88 => 200,
            0x89 => 204,
            0x8a => 206,
            0x8b => 304,
            0x8c => 400,
            0x8d => 404,
            0x8e => 500,
            _ => huffman_digits(block.get(1..)?)?,
        })
    }
}

/// A status of three digits as a string literal: plain, or in the Huffman code's digits (RFC 7541 appendix B).
fn huffman_digits(text: &[u8]) -> Option<u16> {
    let length = usize::from(text.first()? & 0x7f);
    let bytes = text.get(1..=length)?;
    if text[0] & 0x80 == 0 {
        return std::str::from_utf8(bytes).ok()?.parse().ok();
    }
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        // `0` to `2` have five bits, 00000 and on; `3` to `9` have six, 011001 and on.
        let five = u16::from_str_radix(bits.get(at..at + 5)?, 2).ok()?;
        if five < 3 {
            status = status * 10 + five;
            at += 5;
        } else {
            status = status * 10 + u16::from_str_radix(bits.get(at..at + 6)?, 2).ok()?.checked_sub(22)?;
            at += 6;
        }
    }
    Some(status)
}
