//! Finds where an expression ends, by the rules of C# tokens (expressions.md §1.2).

use thiserror::Error;

/// Why no end was found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CutError {
    /// The text does not begin with `@(` or `@{`.
    #[error("an expression starts with @( or @{{")]
    NoExpression,
    /// A string runs to the end of its line or of the text; at this byte it began.
    #[error(
        "Unterminated string literal.  Strings that start with a quotation mark (\") must be terminated before the \
         end of the line.  However, strings that start with @ and a quotation mark (@\") can span multiple lines."
    )]
    UnterminatedString(usize),
    /// A comment runs to the end of the text; at this byte it began.
    #[error("end-of-file found, '*/' expected")]
    UnterminatedComment(usize),
    /// The bracket that opened the expression is never closed.
    #[error("the expression is missing a closing \"{0}\" character")]
    Unclosed(char),
}

/// Length in bytes of the expression that `text` begins with.
pub fn end_of_expression(text: &str) -> Result<usize, CutError> {
    let bytes = text.as_bytes();
    let (open, close) = match (bytes.first(), bytes.get(1)) {
        (Some(b'@'), Some(b'(')) => (b'(', b')'),
        (Some(b'@'), Some(b'{')) => (b'{', b'}'),
        _ => return Err(CutError::NoExpression),
    };
    let mut depth = 0usize;
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        if let Some(end) = skip_opaque(bytes, at)? {
            at = end;
            continue;
        }
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Ok(at + 1);
            }
        }
        at += 1;
    }
    Err(CutError::Unclosed(char::from(close)))
}

/// The end of the string, character or comment that starts here, if one does.
pub(crate) fn skip_opaque(bytes: &[u8], at: usize) -> Result<Option<usize>, CutError> {
    let next = |n: usize| bytes.get(at + n).copied().unwrap_or_default();
    let end = match (next(0), next(1), next(2)) {
        (b'"', _, _) => regular(bytes, at, at + 1)?,
        (b'@', b'"', _) => verbatim(bytes, at, at + 2)?,
        (b'$', b'"', _) => interpolated(bytes, at, at + 2, false, 0)?,
        (b'$', b'@', b'"') | (b'@', b'$', b'"') => interpolated(bytes, at, at + 3, true, 0)?,
        (b'\'', _, _) => match character(bytes, at) {
            Some(end) => end,
            None => return Ok(None),
        },
        (b'/', b'/', _) => line_comment(bytes, at),
        (b'/', b'*', _) => block_comment(bytes, at)?,
        _ => return Ok(None),
    };
    Ok(Some(end))
}

fn line_comment(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |n| at + n)
}

fn block_comment(bytes: &[u8], at: usize) -> Result<usize, CutError> {
    let rest = bytes.get(at + 2..).unwrap_or_default();
    match rest.windows(2).position(|pair| pair == b"*/") {
        Some(found) => Ok(at + 2 + found + 2),
        None => Err(CutError::UnterminatedComment(at)),
    }
}

/// A character literal; `None` when the quote is something else (an apostrophe in bad code).
fn character(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match bytes.get(end)? {
            b'\\' => end += 2,
            b'\'' if end > at + 1 => return Some(end + 1),
            b'\n' | b'\r' => return None,
            _ => end += 1,
        }
        if end > at + 14 {
            return None;
        }
    }
}

fn regular(bytes: &[u8], start: usize, mut at: usize) -> Result<usize, CutError> {
    loop {
        match bytes.get(at) {
            None | Some(b'\n' | b'\r') => return Err(CutError::UnterminatedString(start)),
            Some(b'\\') => at += 2,
            Some(b'"') => return Ok(at + 1),
            Some(_) => at += 1,
        }
    }
}

fn verbatim(bytes: &[u8], start: usize, mut at: usize) -> Result<usize, CutError> {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return Err(CutError::UnterminatedString(start)),
            (Some(b'"'), Some(b'"')) => at += 2,
            (Some(b'"'), _) => return Ok(at + 1),
            _ => at += 1,
        }
    }
}

/// Strings nested in holes nested in strings: this deep, deeper is refused.
const NESTING_MAX: usize = 32;

fn interpolated(
    bytes: &[u8],
    start: usize,
    mut at: usize,
    verbatim: bool,
    depth: usize,
) -> Result<usize, CutError> {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return Err(CutError::UnterminatedString(start)),
            (Some(b'\n' | b'\r'), _) if !verbatim => return Err(CutError::UnterminatedString(start)),
            (Some(b'\\'), _) if !verbatim => at += 2,
            (Some(b'"'), Some(b'"')) if verbatim => at += 2,
            (Some(b'"'), _) => return Ok(at + 1),
            (Some(b'{'), Some(b'{')) | (Some(b'}'), Some(b'}')) => at += 2,
            (Some(b'{'), _) => at = hole(bytes, start, at, depth + 1)?,
            _ => at += 1,
        }
    }
}

/// The end of a hole `{ … }`; its text up to the format clause follows C# tokens.
fn hole(bytes: &[u8], start: usize, open: usize, depth: usize) -> Result<usize, CutError> {
    if depth > NESTING_MAX {
        return Err(CutError::UnterminatedString(start));
    }
    let (mut nesting, mut at) = (0usize, open);
    loop {
        let byte = *bytes.get(at).ok_or(CutError::UnterminatedString(start))?;
        let next = |n: usize| bytes.get(at + n).copied().unwrap_or_default();
        match (byte, next(1), next(2)) {
            (b'$', b'"', _) => at = interpolated(bytes, at, at + 2, false, depth)?,
            (b'$', b'@', b'"') | (b'@', b'$', b'"') => at = interpolated(bytes, at, at + 3, true, depth)?,
            (b'(' | b'[' | b'{', _, _) => (nesting, at) = (nesting + 1, at + 1),
            (b')' | b']' | b'}', _, _) => {
                nesting = nesting.saturating_sub(1);
                at += 1;
                if nesting == 0 {
                    return Ok(at);
                }
            }
            // The format clause is text: no token in it means anything but the closing brace.
            (b':', _, _) if nesting == 1 => {
                let rest = bytes.get(at..).unwrap_or_default();
                let close = rest.iter().position(|b| matches!(b, b'}' | b'"' | b'\n'));
                return match close {
                    Some(n) if rest.get(n) == Some(&b'}') => Ok(at + n + 1),
                    _ => Err(CutError::UnterminatedString(start)),
                };
            }
            _ => at = skip_opaque(bytes, at)?.unwrap_or(at + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_expression_table() {
        for text in [
            r#"@(context.Variables["a"])"#,
            r#"@(")" + ')')"#,
            "@(@\"a\"\")\n\" + 1)",
            r#"@($"{(a ? ")" : "}")} {{)")"#,
            r#"@($"{d:HH:mm)} x")"#,
            "@(/* ) */ 1 // )\n)",
            r#"@{ return "}"; }"#,
            r#"@($@"a""{x["k"]})")"#,
            r"@('\'' + ')')",
        ] {
            let longer = format!("{text}\" more )");
            assert_eq!(end_of_expression(&longer), Ok(text.len()), "{text}");
        }
    }

    #[test]
    fn end_of_expression_in_damaged_text_names_the_damage() {
        assert_eq!(end_of_expression("x"), Err(CutError::NoExpression));
        assert_eq!(end_of_expression("@(\"a\n\")"), Err(CutError::UnterminatedString(2)));
        assert_eq!(end_of_expression("@(1 /* )"), Err(CutError::UnterminatedComment(4)));
        assert_eq!(end_of_expression("@{ (1) "), Err(CutError::Unclosed('}')));
    }
}
