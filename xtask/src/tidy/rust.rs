//! As much of Rust's lexical structure as the rules need: what is code, and where functions end.

/// `source` with every byte of comments and of the inside of literals replaced by a space; line breaks stay.
pub fn blank(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + literal_or_comment(&bytes[at..], previous(bytes, at)).max(1);
        if end > at + 1 {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn previous(bytes: &[u8], at: usize) -> u8 {
    if at == 0 { b' ' } else { bytes[at - 1] }
}

/// The length of the comment or literal that `rest` starts with, else 0.
fn literal_or_comment(rest: &[u8], before: u8) -> usize {
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + quoted(&rest[1..], b'"'),
        [b'r' | b'b' | b'c', ..] if !is_word(before) => prefixed(rest),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// The length up to and with the closing `quote`, past escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#`, `c"…"`, `b'…'`; 0 for an identifier that only starts alike.
fn prefixed(rest: &[u8]) -> usize {
    let letters = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    let raw = rest[..letters].contains(&b'r');
    let hashes = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
    match rest.get(letters + hashes) {
        Some(b'"') if raw => {
            let start = letters + hashes + 1;
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let found = rest[start..].windows(close.len()).position(|window| window == close);
            found.map_or(rest.len(), |position| start + position + close.len())
        }
        Some(b'"') if hashes == 0 => letters + 1 + quoted(&rest[letters + 1..], b'"'),
        Some(b'\'') if hashes == 0 && rest[0] == b'b' && letters == 1 => 2 + quoted(&rest[2..], b'\''),
        _ => 0,
    }
}

/// A character literal's length; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => 1 + quoted(&rest[1..], b'\''),
        Some(byte) => {
            let width = match byte {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        None => 0,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A function with a body, by byte offsets into the blanked text: `start` at `fn`, `end` at the closing brace.
#[derive(Debug, PartialEq, Eq)]
pub struct Function<'a> {
    pub name: &'a str,
    pub start: usize,
    pub end: usize,
}

/// Every function with a body in `code`, which is [`blank`]'s output.
pub fn functions(code: &str) -> Vec<Function<'_>> {
    words(code, "fn").filter_map(|start| function(code, start)).collect()
}

fn function(code: &str, start: usize) -> Option<Function<'_>> {
    let after = code[start + 2..].trim_start();
    let name = &after[..after.bytes().take_while(|byte| is_word(*byte)).count()];
    if name.is_empty() {
        return None; // the type `fn(…)`
    }
    let mut depth = 0_usize;
    let mut body = false;
    for (offset, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => (depth, body) = (depth + 1, body || depth == 0),
            b'(' | b'[' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 && body && byte == b'}' {
                    return Some(Function { name, start, end: offset });
                }
            }
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where `word` stands in `code` as a word of its own.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let after = code.as_bytes().get(at + word.len()).copied().unwrap_or(b' ');
        !is_word(previous(code.as_bytes(), *at)) && !is_word(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_hides_comments_and_literals_and_keeps_lines() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("/* a /* b */ c */d", "                 d"),
            ("x(\"a\\\"b\")y", "x(      )y"),
            ("r#\"a\"b\"# z", "         z"),
            ("br\"\\\" z", "      z"),
            ("b'\\'' z", "      z"),
            ("'a' '\\n' 'ü' z", "              z"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("barber(\"x\")", "barber(   )"),
        ] {
            assert_eq!(blank(source), code, "{source}");
        }
    }

    #[test]
    fn functions_are_found_with_their_ends() {
        let code = "trait T { fn a(x: [u8; 4]); }\nfn b<F: Fn()>(f: fn(u8)) -> [u8; 2] { if x { } }\n";
        let names: Vec<(&str, &str)> = functions(code)
            .iter()
            .map(|function| (function.name, &code[function.end - 2..=function.end]))
            .collect();
        assert_eq!(names, [("b", "} }")]);
    }
}
