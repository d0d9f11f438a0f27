//! Where a value stands in a JSON text, as Newtonsoft's reader tells it: the line, and the characters read on it up to
//! the end of the token (an object's or array's opening bracket, a whole scalar, a name with its colon).

/// A step down into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Name(String),
    Index(usize),
}

/// Line and position of the value that the steps lead to, both from 1; with `at_name`, of the last step's name. The text
/// has been read as JSON before; where the steps lead nowhere, the place reached is told.
pub fn locate(text: &str, steps: &[Step], at_name: bool, ignore_case: bool) -> (usize, usize) {
    let mut scanner = Scanner { text, at: 0 };
    scanner.skip_blank();
    let mut name_end = None;
    for step in steps {
        let found = match step {
            Step::Name(name) => scanner.member(name, ignore_case),
            Step::Index(index) => scanner.item(*index).map(|at| (at, at)),
        };
        let Some((end, value)) = found else { break };
        name_end = Some(end);
        scanner.at = value;
    }
    let end = match name_end {
        Some(end) if at_name => end,
        _ => scanner.token_end(),
    };
    let before = text.get(..end).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count())
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl Scanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Moves behind a string; its place with quotes.
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        if self.byte()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.byte()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some((start, self.at))
    }

    /// Moves behind a value, without recursion.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.skip_blank();
            match self.byte()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => self.at = self.scalar_end(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn scalar_end(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', ']', '}', ':', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        self.at + end.max(1)
    }

    /// Ends of the name (with its colon) and start of the value of a member; the last one of that name.
    fn member(&mut self, wanted: &str, ignore_case: bool) -> Option<(usize, usize)> {
        if self.byte()? != b'{' {
            return None;
        }
        self.at += 1;
        let mut found = None;
        loop {
            self.skip_blank();
            let Some((start, end)) = self.string() else { break };
            self.skip_blank();
            self.at += 1;
            let colon = self.at;
            self.skip_blank();
            let name: Option<String> =
                self.text.get(start..end).and_then(|name| serde_json::from_str(name).ok());
            let same =
                |name: String| if ignore_case { name.to_lowercase() == wanted } else { name == wanted };
            if name.is_some_and(same) {
                found = Some((colon, self.at));
            }
            self.value()?;
            self.skip_blank();
            if self.byte()? != b',' {
                break;
            }
            self.at += 1;
        }
        found
    }

    /// Start of an item of an array.
    fn item(&mut self, wanted: usize) -> Option<usize> {
        if self.byte()? != b'[' {
            return None;
        }
        self.at += 1;
        for _ in 0..wanted {
            self.value()?;
            self.skip_blank();
            self.at += 1;
        }
        self.skip_blank();
        Some(self.at)
    }

    /// Where the token at hand ends.
    fn token_end(&mut self) -> usize {
        match self.byte() {
            None => self.at,
            Some(b'{' | b'[') => self.at + 1,
            Some(b'"') => self.string().map_or(self.text.len(), |(_, end)| end),
            Some(_) => self.scalar_end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locate_counts_as_the_reader_does() {
        let text = "{\n \"a\": [1, {\"b\\u0041\": \"x\\\"y\"}],\n \"é\": null, \"a2\": {}}";
        let name = |text: &str| Step::Name(text.to_owned());
        for (steps, at_name, expected) in [
            (vec![], false, (1, 1)),
            (vec![name("a")], false, (2, 7)),
            (vec![name("a"), Step::Index(0)], false, (2, 8)),
            (vec![name("a"), Step::Index(1)], false, (2, 11)),
            (vec![name("a"), Step::Index(1), name("bA")], false, (2, 28)),
            (vec![name("a"), Step::Index(1), name("bA")], true, (2, 21)),
            (vec![name("é")], false, (3, 10)),
            (vec![name("a2")], false, (3, 19)),
            (vec![name("none")], false, (3, 21)),
        ] {
            assert_eq!(locate(text, &steps, at_name, false), expected, "{steps:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn locate_never_fails(text in ".{0,30}", name in "[a-c]", index in 0..3_usize) {
            let _ = locate(&text, &[Step::Index(index), Step::Name(name)], true, true);
        }
    }
}
