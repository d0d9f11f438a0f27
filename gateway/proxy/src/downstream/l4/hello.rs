//! The name in a TLS `ClientHello` (RFC 8446 §4.1.2, RFC 6066 §3), read without taking part in the hand-shake.
//!
//! With Encrypted `ClientHello` this is the public name of the outer one. Reserved values (GREASE) are skipped like
//! anything unknown.

/// Longest `ClientHello` that is read, record headers included. Those of browsers have less than 2 KiB.
pub const HELLO_BYTES_MAX: usize = 16 << 10;

/// Of a record (RFC 8446 §5.1).
const RECORD_BYTES_MAX: usize = 1 << 14;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
const NAME_BYTES_MAX: usize = 253;

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hello {
    /// The beginning of a `ClientHello`.
    More,
    /// It names a host; lower-case, without a last dot.
    Name(Box<str>),
    /// It names none.
    Nameless,
    /// Not TLS, or contradictory.
    Malformed,
}

/// Reads the beginning of a connection.
pub fn read(bytes: &[u8]) -> Hello {
    let (mut message, mut rest) = (Vec::new(), Reader(bytes));
    while !is_whole(&message) {
        match fragment(&mut rest) {
            Fragment::Whole(part) => message.extend_from_slice(part),
            Fragment::More if bytes.len() < HELLO_BYTES_MAX => return Hello::More,
            Fragment::More | Fragment::Malformed => return Hello::Malformed,
        }
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) || message.len() > HELLO_BYTES_MAX {
            return Hello::Malformed;
        }
    }
    match server_name(&message) {
        None => Hello::Malformed,
        Some(None) => Hello::Nameless,
        Some(Some(name)) => host_name(name).map_or(Hello::Malformed, Hello::Name),
    }
}

enum Fragment<'a> {
    Whole(&'a [u8]),
    More,
    Malformed,
}

/// The content of the next record.
fn fragment<'a>(rest: &mut Reader<'a>) -> Fragment<'a> {
    // What can be told from a part is told: who does not speak TLS is not waited for.
    match rest.0 {
        [kind, ..] if *kind != HANDSHAKE => return Fragment::Malformed,
        [_, major, ..] if *major != 3 => return Fragment::Malformed,
        [_, _, _, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length == 0 || length > RECORD_BYTES_MAX {
                return Fragment::Malformed;
            }
        }
        _ => return Fragment::More,
    }
    rest.take(3).and_then(|_| rest.vector16()).map_or(Fragment::More, Fragment::Whole)
}

/// All bytes that the message's own length asks for.
fn is_whole(message: &[u8]) -> bool {
    let mut reader = Reader(message);
    reader.take(1).and_then(|_| reader.vector24()).is_some()
}

/// The first host name; outer `None`: the message is malformed.
fn server_name(message: &[u8]) -> Option<Option<&[u8]>> {
    let mut message = Reader(message);
    message.take(1)?;
    let mut hello = Reader(message.vector24()?);
    // Version and random.
    hello.take(2 + 32)?;
    let session = hello.vector8()?;
    let suites = hello.vector16()?;
    let compression = hello.vector8()?;
    if session.len() > 32 || suites.len() < 2 || suites.len() % 2 != 0 || compression.is_empty() {
        return None;
    }
    if hello.0.is_empty() {
        // TLS 1.2 without extensions.
        return Some(None);
    }
    let mut extensions = Reader(hello.vector16()?);
    if !hello.0.is_empty() {
        return None;
    }
    let mut found = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number16()?;
        let content = extensions.vector16()?;
        if kind == SERVER_NAME {
            if found.is_some() {
                return None;
            }
            found = Some(listed_host(content)?);
        }
    }
    Some(found)
}

/// `ServerNameList`: exactly one name, as no other kind was ever defined.
fn listed_host(content: &[u8]) -> Option<&[u8]> {
    let mut content = Reader(content);
    let mut list = Reader(content.vector16()?);
    let kind = list.take(1)?;
    let name = list.vector16()?;
    (content.0.is_empty() && list.0.is_empty() && kind == [HOST_NAME]).then_some(name)
}

fn host_name(name: &[u8]) -> Option<Box<str>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.iter().all(fits) {
        return None;
    }
    str::from_utf8(name).ok().map(|name| name.to_ascii_lowercase().into())
}

/// Bytes that are taken from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// Bytes behind their length in one byte, two or three.
    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number16()?;
        self.take(length.into())
    }

    fn vector24(&mut self) -> Option<&'a [u8]> {
        let [high, middle, low] = self.take(3)?.try_into().ok()?;
        self.take(u32::from_be_bytes([0, high, middle, low]) as usize)
    }
}

#[cfg(test)]
mod tests;
