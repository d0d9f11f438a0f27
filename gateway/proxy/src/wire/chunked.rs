//! The chunked transfer coding (RFC 9112 §7.1), strict: digits, CR LF, nothing tolerated.

use gateway_policy::message::Headers;

use super::part::Part;
use super::{ReadBuffer, WireError, fields};

/// Bytes of extensions on one chunk; valid ones are dropped (H1-07).
const EXTENSION_BYTES_MAX: usize = 4 << 10;
/// Bytes of extensions in one body.
const EXTENSIONS_BYTES_MAX: usize = 16 << 10;
/// Hexadecimal digits of a size: 64 bits.
const SIZE_DIGITS_MAX: usize = 16;
/// Trailer fields, and their bytes (H1-08).
const TRAILERS_MAX: usize = 16;
const TRAILERS_BYTES_MAX: usize = 4 << 10;

/// Decodes one chunked body.
#[derive(Debug)]
pub struct ChunkDecoder {
    state: State,
    extension_bytes: usize,
    trailers: Headers,
    trailer_lines: usize,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailers,
    Done,
}

impl Default for ChunkDecoder {
    fn default() -> Self {
        Self {
            state: State::Size,
            extension_bytes: 0,
            trailers: Headers::new(),
            trailer_lines: 0,
            trailer_bytes: 0,
        }
    }
}

impl ChunkDecoder {
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next part of the body out of `buffer`. After an error nothing more may be asked.
    pub fn next(&mut self, buffer: &mut ReadBuffer) -> Result<Part, WireError> {
        loop {
            match self.state {
                State::Size => {
                    let max = SIZE_DIGITS_MAX + EXTENSION_BYTES_MAX;
                    let Some(end) = line_end(buffer.data(), max, WireError::ChunkExtension)? else {
                        return check_size_start(buffer.data());
                    };
                    let size = self.size_line(buffer.data().get(..end).unwrap_or_default())?;
                    buffer.consume(end + 2);
                    self.state = if size == 0 { State::Trailers } else { State::Data { left: size } };
                }
                State::Data { left } => {
                    if buffer.is_empty() {
                        return Ok(Part::More);
                    }
                    let piece = buffer.take(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - piece.len() as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                    return Ok(Part::Data(piece));
                }
                State::DataEnd => match buffer.data() {
                    [b'\r', b'\n', ..] => {
                        buffer.consume(2);
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Ok(Part::More),
                    _ => return Err(WireError::Chunk),
                },
                State::Trailers => {
                    let max = TRAILERS_BYTES_MAX - self.trailer_bytes;
                    let Some(end) = line_end(buffer.data(), max, WireError::Trailers)? else {
                        return Ok(Part::More);
                    };
                    if end == 0 {
                        buffer.consume(2);
                        self.state = State::Done;
                        return Ok(Part::End(self.take_trailers()));
                    }
                    self.trailer_line(buffer.data().get(..end).unwrap_or_default())?;
                    buffer.consume(end + 2);
                }
                State::Done => return Ok(Part::End(None)),
            }
        }
    }

    /// `chunk-size [ chunk-ext ]`: 1 to 16 hexadecimal digits, no blanks; extensions are checked and dropped.
    fn size_line(&mut self, line: &[u8]) -> Result<u64, WireError> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 || digits > SIZE_DIGITS_MAX {
            return Err(WireError::Chunk);
        }
        let (digits, extension) = line.split_at(digits);
        let size = digits.iter().fold(0_u64, |size, byte| {
            (size << 4) | u64::from(char::from(*byte).to_digit(16).unwrap_or_default())
        });
        if size > i64::MAX as u64 {
            return Err(WireError::Chunk);
        }
        if !extension.is_empty() {
            self.extension_bytes += extension.len();
            if extension.len() > EXTENSION_BYTES_MAX || self.extension_bytes > EXTENSIONS_BYTES_MAX {
                return Err(WireError::ChunkExtension);
            }
            check_extension(extension)?;
        }
        Ok(size)
    }

    fn trailer_line(&mut self, line: &[u8]) -> Result<(), WireError> {
        self.trailer_lines += 1;
        self.trailer_bytes += line.len();
        if self.trailer_lines > TRAILERS_MAX {
            return Err(WireError::Trailers);
        }
        let colon = memchr::memchr(b':', line).ok_or(WireError::Trailers)?;
        let (name, value) = line.split_at(colon);
        let name = std::str::from_utf8(name).map_err(|_| WireError::Trailers)?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if value.iter().any(|byte| *byte < b' ' && *byte != b'\t') {
            return Err(WireError::Trailers);
        }
        if fields::is_forbidden_trailer(name) {
            return Ok(());
        }
        self.trailers.append(name, value).map_err(|_| WireError::Trailers)
    }

    fn take_trailers(&mut self) -> Option<Box<Headers>> {
        (!self.trailers.is_empty()).then(|| Box::new(std::mem::take(&mut self.trailers)))
    }
}

/// Length of the line at the start, without its CR LF; `None` when it has not all come yet.
fn line_end(bytes: &[u8], max: usize, too_long: WireError) -> Result<Option<usize>, WireError> {
    let within = bytes.get(..max + 2).unwrap_or(bytes);
    match memchr::memchr2(b'\n', b'\r', within) {
        None if bytes.len() > max => Err(too_long),
        None => Ok(None),
        Some(at) => match bytes.get(at..at + 2) {
            Some(b"\r\n") => Ok(Some(at)),
            None if bytes.get(at) == Some(&b'\r') => Ok(None),
            _ => Err(WireError::Chunk),
        },
    }
}

/// Refuses early what can never become a size line.
fn check_size_start(bytes: &[u8]) -> Result<Part, WireError> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    match bytes.get(digits) {
        None | Some(b'\r' | b';') if digits <= SIZE_DIGITS_MAX && (digits > 0 || bytes.is_empty()) => {
            Ok(Part::More)
        }
        _ => Err(WireError::Chunk),
    }
}

/// `*( ";" token [ "=" ( token / quoted-string ) ] )` (RFC 9112 §7.1.1), without blanks.
fn check_extension(mut rest: &[u8]) -> Result<(), WireError> {
    while let Some((b';', tail)) = rest.split_first() {
        rest = skip_token(tail)?;
        if let Some((b'=', tail)) = rest.split_first() {
            rest = match tail.split_first() {
                Some((b'"', quoted)) => skip_quoted(quoted)?,
                _ => skip_token(tail)?,
            };
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(WireError::Chunk) }
}

fn skip_token(bytes: &[u8]) -> Result<&[u8], WireError> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match bytes.iter().take_while(|byte| is_token(byte)).count() {
        0 => Err(WireError::Chunk),
        length => Ok(bytes.split_at(length).1),
    }
}

/// Behind the closing quote of a quoted-string whose opening quote is gone.
fn skip_quoted(mut rest: &[u8]) -> Result<&[u8], WireError> {
    loop {
        match rest {
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'\t' | b' '..=b'~' | 0x80.., tail @ ..]
            | [b'\t' | b' '..=b'[' | b']'..=b'~' | 0x80.., tail @ ..] => rest = tail,
            _ => return Err(WireError::Chunk),
        }
    }
}

/// Writes the line before a chunk of `size` bytes; the data and a CR LF follow. Zero ends the body.
pub fn write_size(out: &mut Vec<u8>, size: u64) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = (64 - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(HEX[(size >> (4 * digit)) as usize & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes one whole chunk. Empty data writes nothing: it would end the body.
pub fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        write_size(out, data.len() as u64);
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes the last chunk and the trailer section.
pub fn write_end(out: &mut Vec<u8>, trailers: Option<&Headers>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.iter().flat_map(|trailers| trailers.iter()) {
        if !fields::is_forbidden_trailer(name) {
            super::write::field(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Decoded = (Vec<u8>, Option<Box<Headers>>, usize);

    /// Feeds the pieces one after the other; the data, the trailers, and what was left over.
    fn decode(pieces: &[&[u8]]) -> Result<Decoded, WireError> {
        let (mut decoder, mut buffer, mut data) = (ChunkDecoder::default(), ReadBuffer::new(), Vec::new());
        let mut end = None;
        for piece in pieces {
            buffer.extend(piece);
            while end.is_none() {
                match decoder.next(&mut buffer)? {
                    Part::Data(piece) => data.extend_from_slice(&piece),
                    Part::More => break,
                    Part::End(trailers) => end = Some(trailers),
                }
            }
        }
        end.map(|trailers| (data, trailers, buffer.len())).ok_or(WireError::UnexpectedBody)
    }

    #[test]
    fn decode_valid_bodies() {
        for (body, data) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("005\r\nhello\r\n00\r\n\r\n", "hello"),
            ("5;a=b;c=\"d;\\\"e\"\r\nhello\r\n0;z\r\n\r\n", "hello"),
            ("1\r\na\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", "a0123456789"),
        ] {
            let (decoded, _, left) = decode(&[body.as_bytes()]).unwrap();
            assert_eq!((String::from_utf8(decoded).unwrap().as_str(), left), (data, 0), "{body:?}");
        }
    }

    #[test]
    fn decode_bad_bodies_are_refused() {
        for body in [
            "0x5\r\nhello\r\n",
            "-1\r\n",
            "+5\r\nhello",
            "5 \r\nhello",
            " 5\r\nhello",
            "5_\r\nhello",
            "\r\n",
            "00000000000000005\r\nhello",
            "FFFFFFFFFFFFFFFF\r\n",
            "8000000000000000\r\n",
            "5\nhello\r\n",
            "5\rhello",
            "5\r\nhello0\r\n",
            "5\r\nhello\n0\r\n",
            "5\r\nhello!!\r\n",
            "5;\r\nhello\r\n",
            "5; a\r\n",
            "5;a=\r\n",
            "5;a\0\r\n",
            "5;a=\"\x01\"\r\n",
            "5;a=\"b\r\n",
            "5;\n",
            "G\r\n",
            "x",
            "5\r\nhello\r\nz",
            "0\r\nA B: c\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\n a: b\r\n\r\n",
            "0\r\na: b\n\r\n",
            "0\r\na: \0\r\n\r\n",
            "0\r\n: b\r\n\r\n",
            "0\r\n\n",
        ] {
            let result = decode(&[body.as_bytes()]);
            assert!(
                matches!(result, Err(error) if error != WireError::UnexpectedBody),
                "{body:?} {result:?}"
            );
        }
    }

    #[test]
    fn decode_limits() {
        let extension = |bytes: usize| format!("1;{}\r\na\r\n", "e".repeat(bytes - 1));
        assert!(decode(&[extension(4096).as_bytes(), b"0\r\n\r\n"]).is_ok());
        assert_eq!(decode(&[extension(4097).as_bytes()]).err(), Some(WireError::ChunkExtension));
        let five = extension(4000).repeat(5);
        assert_eq!(decode(&[five.as_bytes()]).err(), Some(WireError::ChunkExtension));
        assert_eq!(decode(&[b"1;", &[b'e'; 5000]]).err(), Some(WireError::ChunkExtension));
        let trailers = |count: usize| format!("0\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(decode(&[trailers(16).as_bytes()]).is_ok());
        assert_eq!(decode(&[trailers(17).as_bytes()]).err(), Some(WireError::Trailers));
        let long = format!("0\r\na: {}\r\n\r\n", "b".repeat(4096));
        assert_eq!(decode(&[long.as_bytes()]).err(), Some(WireError::Trailers));
    }

    #[test]
    fn decode_trailers_forbidden_names_are_dropped() {
        let names = [
            "Content-Length",
            "Transfer-Encoding",
            "Host",
            "Authorization",
            "Cookie",
            "Content-Type",
            "X-Ok",
        ];
        let body = format!("0\r\n{}\r\n", names.map(|name| format!("{name}: 1\r\n")).concat());
        let (_, trailers, _) = decode(&[body.as_bytes()]).unwrap();
        let kept: Vec<_> = trailers.iter().flat_map(|t| t.iter().map(|(name, _)| name)).collect();
        assert_eq!(kept, ["X-Ok"]);
    }

    proptest! {
        #[test]
        fn round_trip_at_any_splits(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5000), 0..6),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
            trailer in proptest::option::of("[a-z]{1,8}"),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                write_chunk(&mut wire, chunk);
            }
            let trailers = trailer.map(|value| {
                let mut headers = Headers::new();
                headers.append("x-sum", value.as_bytes()).unwrap();
                headers
            });
            write_end(&mut wire, trailers.as_ref());
            wire.extend_from_slice(b"GET");
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
            cuts.sort_unstable();
            let (mut pieces, mut from) = (Vec::new(), 0);
            for cut in cuts.into_iter().chain([wire.len()]) {
                pieces.push(&wire[from..cut]);
                from = cut;
            }
            let (data, got, left) = decode(&pieces).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert_eq!(left, 3);
            prop_assert_eq!(got.map(|t| t.get("x-sum").map(<[u8]>::to_vec)), trailers.map(|t| t.get("x-sum").map(<[u8]>::to_vec)));
        }

        #[test]
        fn decode_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&[&bytes]);
        }
    }
}
