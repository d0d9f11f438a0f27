//! Tokens of `XPath` (`XPath` 1.0 §3.7).

use crate::markup;
use crate::xslt::Error;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `(`, `//`, `and` and the like, by their text.
    Mark(&'static str),
    /// A name test, `prefix:*` included, or a name of a function, axis or type.
    Name(String),
    Variable(String),
    Literal(String),
    Number(f64),
}

const MARKS: &[&str] = &[
    "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">",
    "*",
];
const OPERATORS: &[(&str, &str)] = &[("and", "and"), ("or", "or"), ("div", "div"), ("mod", "mod")];

/// Reads all tokens.
pub fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = next(rest, first, is_operator_place(found.last()))
            .ok_or_else(|| Error::new(format!("'{text}' has an invalid token.")))?;
        found.push(token);
        rest = behind.trim_start();
    }
    Ok(found)
}

/// Behind an operand, `*` and names are operators.
fn is_operator_place(last: Option<&Token>) -> bool {
    match last {
        None => false,
        Some(Token::Mark(mark)) => matches!(*mark, ")" | "]" | "." | ".." | "{any}"),
        Some(_) => true,
    }
}

fn next(rest: &str, first: char, is_operator: bool) -> Option<(Token, &str)> {
    match first {
        '"' | '\'' => {
            let (literal, behind) = rest.get(1..)?.split_once(first)?;
            return Some((Token::Literal(literal.to_owned()), behind));
        }
        '$' => {
            let (name, behind) = name(rest.get(1..)?)?;
            return Some((Token::Variable(name.to_owned()), behind));
        }
        '0'..='9' => return number(rest),
        '.' if rest.get(1..)?.starts_with(|c: char| c.is_ascii_digit()) => return number(rest),
        _ => {}
    }
    if first == '*' && !is_operator {
        return Some((Token::Mark("{any}"), rest.get(1..)?));
    }
    if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
        return Some((Token::Mark(mark), rest.get(mark.len()..)?));
    }
    let (name, behind) = name(rest)?;
    if is_operator {
        let (_, operator) = OPERATORS.iter().find(|(word, _)| *word == name)?;
        return Some((Token::Mark(operator), behind));
    }
    if let Some(star) = behind.strip_prefix(":*") {
        return Some((Token::Name(format!("{name}:*")), star));
    }
    Some((Token::Name(name.to_owned()), behind))
}

fn number(rest: &str) -> Option<(Token, &str)> {
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    Some((Token::Number(digits.parse().ok()?), behind))
}

/// A name with or without prefix.
fn name(text: &str) -> Option<(&str, &str)> {
    let local = plain(text)?;
    let behind = text.get(local..)?;
    // `a::b` is an axis, `a:b` a prefix.
    let second = behind.strip_prefix(':').filter(|rest| !rest.starts_with(':')).and_then(plain);
    let end = second.map_or(local, |second| local + 1 + second);
    Some(text.split_at(end))
}

/// Bytes of the name without colon at the beginning.
fn plain(text: &str) -> Option<usize> {
    if !text.starts_with(markup::is_name_start) {
        return None;
    }
    Some(text.find(|c| !markup::is_name_char(c)).unwrap_or(text.len()))
}
