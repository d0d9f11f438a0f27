//! Template text into pieces: text, outputs and tags, with white space taken as `{%-` and `-%}` ask for.

/// A piece of a template.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// What stands between `{{` and `}}`.
    Output(&'a str),
    /// What stands between `{%` and `%}`.
    Tag(&'a str),
}

/// A piece, and the line it begins on.
pub type Placed<'a> = (Piece<'a>, u32);

/// Takes a template apart; the error says what is not closed, and on which line.
pub fn pieces(template: &str) -> Result<Vec<Placed<'_>>, (String, u32)> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut line = 1;
    let mut trim_next = false;
    while !rest.is_empty() {
        let start = next_opening(rest).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(start);
        let trims_before = behind.get(2..3) == Some("-");
        push_text(&mut pieces, text, trim_next, trims_before, line);
        line += lines_in(text);
        if behind.is_empty() {
            break;
        }
        let (opening, closing) = if behind.starts_with("{{") { ("{{", "}}") } else { ("{%", "%}") };
        let Some(end) = behind.find(closing) else {
            return Err((format!("'{opening}' was not properly terminated with '{closing}'."), line));
        };
        let inner = behind.get(2..end).unwrap_or_default();
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        trim_next = inner.ends_with('-');
        let content = inner.strip_suffix('-').unwrap_or(inner).trim();
        let piece = if opening == "{{" { Piece::Output(content) } else { Piece::Tag(content) };
        pieces.push((piece, line));
        line += lines_in(behind.get(..end).unwrap_or_default());
        rest = behind.get(end + 2..).unwrap_or_default();
        if let Some((Piece::Tag("raw"), _)) = pieces.last() {
            let (raw, behind) = raw(rest, line)?;
            pieces.pop();
            pieces.push((Piece::Text(raw), line));
            line += lines_in(raw);
            (rest, trim_next) = (behind, false);
        }
    }
    Ok(pieces)
}

fn lines_in(text: &str) -> u32 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u32
}

fn next_opening(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find('{') {
        let at = from + at;
        if matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%')) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn push_text<'a>(pieces: &mut Vec<Placed<'a>>, text: &'a str, start: bool, end: bool, line: u32) {
    let text = if start { text.trim_start() } else { text };
    let text = if end { text.trim_end() } else { text };
    if !text.is_empty() {
        pieces.push((Piece::Text(text), line));
    }
}

/// The text up to `{% endraw %}`, and what stands behind the tag.
fn raw(text: &str, line: u32) -> Result<(&str, &str), (String, u32)> {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("{%")) {
        let at = from + at;
        let inner = text.get(at + 2..).unwrap_or_default();
        let Some(end) = inner.find("%}") else { break };
        if inner.get(..end).unwrap_or_default().trim_matches(['-', ' ', '\t', '\n', '\r']) == "endraw" {
            let behind = inner.get(end + 2..).unwrap_or_default();
            return Ok((text.get(..at).unwrap_or_default(), behind));
        }
        from = at + 2;
    }
    Err(("'raw' tag was never closed.".to_owned(), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_trim_as_asked() {
        let found = pieces("a {{- b -}} \n c{% raw %}{{x}}{% endraw %}\n{% if x %}").unwrap();
        let expected = vec![
            (Piece::Text("a"), 1),
            (Piece::Output("b"), 1),
            (Piece::Text("c"), 1),
            (Piece::Text("{{x}}"), 2),
            (Piece::Text("\n"), 2),
            (Piece::Tag("if x"), 3),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn pieces_say_what_is_open() {
        assert_eq!(pieces("\n{{ a").unwrap_err().1, 2);
        assert!(pieces("{% raw %}{{").unwrap_err().0.contains("raw"));
        assert!(pieces("{ { %} }}").is_ok());
    }
}
