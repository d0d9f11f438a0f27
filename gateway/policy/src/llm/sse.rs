//! Server-sent events (HTML standard, §9.2.6): the `data` of each event, from bytes that arrive in pieces.

/// Longest event kept, bytes; a longer one is left out.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Reads events as their bytes come by.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    is_line_begun: bool,
    data: Vec<u8>,
    has_data: bool,
    /// The event at hand, or its line, is too long.
    is_overlong: bool,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    after_cr: bool,
}

impl Events {
    /// Takes the next bytes; calls `event` with the data of each event that ends in them.
    pub fn push(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8])) {
        let mut rest = bytes;
        if std::mem::take(&mut self.after_cr) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.after_cr = bytes.is_empty();
        }
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (line, end) = rest.split_at(at);
            self.extend_line(line);
            self.end_line(&mut event);
            rest = match end {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.extend_line(rest);
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        self.is_line_begun |= !bytes.is_empty();
        if self.line.len() + self.data.len() + bytes.len() > EVENT_BYTES_MAX {
            self.is_overlong = true;
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, event: &mut impl FnMut(&[u8])) {
        if !std::mem::take(&mut self.is_line_begun) {
            if std::mem::take(&mut self.has_data) && !self.is_overlong {
                event(&self.data);
            }
            self.data.clear();
            self.is_overlong = false;
        } else if let Some(value) = data_field(&self.line) {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        self.line.clear();
    }
}

/// The value of a line whose field is `data`.
fn data_field(line: &[u8]) -> Option<&[u8]> {
    match line.strip_prefix(b"data")? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = Events::default();
        let mut found = Vec::new();
        for piece in pieces {
            reader.push(piece, |data| found.push(String::from_utf8_lossy(data).into_owned()));
        }
        found
    }

    #[test]
    fn push_every_line_end_and_field() {
        let text =
            b": comment\nevent: x\ndata: one\n\ndata:two\r\ndata: 2\r\n\r\ndata\rdata:  three\r\rdata: open";
        assert_eq!(events(&[text]), ["one", "two\n2", "\n three"]);
    }

    #[test]
    fn push_overlong_event_is_left_out_and_the_next_is_read() {
        let long = vec![b'x'; EVENT_BYTES_MAX + 1];
        let found = events(&[b"data: ", &long, b"\n\n", b"data: next\n\n"]);
        assert_eq!(found, ["next"]);
    }

    proptest! {
        #[test]
        fn push_cuts_make_no_difference(text in "(data: [ab]{0,3}|x: y|\r|\n|\r\n){0,12}", cut in 0_usize..40) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let (a, b) = bytes.split_at(cut);
            prop_assert_eq!(events(&[bytes]), events(&[a, b]));
        }
    }
}
