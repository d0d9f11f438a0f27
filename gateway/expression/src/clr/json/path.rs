//! JSONPath as Newtonsoft reads it.

use super::filter::{Condition, Operand, Operator};
use super::scalar::Scalar;
use crate::clr::exception::{Error, ExceptionKind, Result};
use crate::clr::number::parse;

/// One step of a path.
#[derive(Debug)]
pub(super) enum Step {
    /// `$` inside a filter.
    Root,
    /// `.name`, `['name']`; none = `*`.
    Field(Option<String>),
    /// `['a','b']`
    Fields(Vec<String>),
    /// `..name`, `..*`
    Scan(Option<String>),
    /// `..['a','b']`
    ScanFields(Vec<String>),
    /// `[n]`, `[*]`
    Index(Option<i32>),
    /// `[a,b]`
    Indexes(Vec<i32>),
    /// `[start:end:step]`
    Slice { start: Option<i32>, end: Option<i32>, step: Option<i32> },
    /// `[?(…)]`
    Query(Condition),
    /// `..[?(…)]`
    ScanQuery(Condition),
}

/// Conditions inside conditions.
const NESTING_MAX: usize = 64;

pub(super) fn error(message: impl Into<String>) -> Error {
    Error::new(ExceptionKind::Json, message)
}

/// The steps of a path.
///
/// # Errors
/// `JsonException`.
pub(super) fn parse_path(path: &str) -> Result<Vec<Step>> {
    let mut parser = Parser { text: path.chars().collect(), at: 0, nesting: 0 };
    let mut steps = Vec::new();
    let mut start = 0;
    parser.spaces();
    if parser.peek().is_none() {
        return Ok(steps);
    }
    if parser.peek() == Some('$') {
        if parser.text.len() == 1 {
            return Ok(steps);
        }
        if matches!(parser.text.get(parser.at + 1), Some('.' | '[')) {
            parser.at += 1;
            start = parser.at;
        }
    }
    if !parser.steps(&mut steps, start, false)? {
        let last = parser.peek();
        parser.spaces();
        if parser.peek().is_some() {
            return Err(error(format!(
                "Unexpected character while parsing path: {}",
                last.unwrap_or_default()
            )));
        }
    }
    Ok(steps)
}

struct Parser {
    text: Vec<char>,
    at: usize,
    nesting: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    /// The present character, or the message about the end.
    fn need(&self, message: &str) -> Result<char> {
        self.peek().ok_or_else(|| error(message))
    }

    fn part(&self, start: usize, end: usize) -> String {
        self.text.get(start..end).unwrap_or_default().iter().collect()
    }

    fn add_field(&self, steps: &mut Vec<Step>, start: usize, scan: bool, trim: bool) {
        let name = self.part(start, self.at);
        let name = if trim { name.trim_end().to_owned() } else { name };
        let name = (name != "*").then_some(name);
        steps.push(if scan { Step::Scan(name) } else { Step::Field(name) });
    }

    /// Reads steps; true when the text ended with them. `query` = inside a condition.
    /// The first step begins at `start`.
    fn steps(&mut self, steps: &mut Vec<Step>, mut start: usize, query: bool) -> Result<bool> {
        let mut scan = false;
        let mut behind_indexer = false;
        let mut behind_dot = false;
        while let Some(c) = self.peek() {
            match c {
                '[' | '(' => {
                    if self.at > start {
                        self.add_field(steps, start, scan, false);
                        scan = false;
                    }
                    let step = self.indexer(if c == '[' { ']' } else { ')' }, scan)?;
                    steps.push(step);
                    // `..` goes on to hold behind an indexer, as in Newtonsoft.
                    self.at += 1;
                    start = self.at;
                    behind_indexer = true;
                    behind_dot = false;
                }
                ']' | ')' | ' ' => break,
                '.' => {
                    if self.at > start {
                        self.add_field(steps, start, scan, false);
                        scan = false;
                    }
                    if self.text.get(self.at + 1) == Some(&'.') {
                        scan = true;
                        self.at += 1;
                    }
                    self.at += 1;
                    start = self.at;
                    behind_indexer = false;
                    behind_dot = true;
                }
                '=' | '<' | '!' | '>' | '|' | '&' if query => break,
                c if behind_indexer => {
                    return Err(error(format!("Unexpected character following indexer: {c}")));
                }
                _ => self.at += 1,
            }
        }
        let at_end = self.peek().is_none();
        if self.at > start {
            self.add_field(steps, start, scan, true);
        } else if behind_dot && (at_end || query) {
            return Err(error("Unexpected end while parsing path."));
        }
        Ok(at_end)
    }

    fn indexer(&mut self, close: char, scan: bool) -> Result<Step> {
        self.at += 1;
        self.need("Path ended with open indexer.")?;
        self.spaces();
        match self.need("Path ended with open indexer.")? {
            '\'' => self.quoted_fields(close, scan),
            '?' => self.query(close, scan),
            _ => self.array_indexer(close),
        }
    }

    fn unexpected_in_indexer(c: char) -> Error {
        error(format!("Unexpected character while parsing path indexer: {c}"))
    }

    fn number(&self, start: usize, end: Option<usize>) -> Result<Option<i32>> {
        let text = self.part(start, end.unwrap_or(self.at));
        if text.is_empty() {
            return Ok(None);
        }
        let value = parse::integer(crate::clr::number::IntegerType::Int32, &text)?;
        Ok(Some(value as i32))
    }

    fn array_indexer(&mut self, close: char) -> Result<Step> {
        let mut start = self.at;
        let mut end = None;
        let mut indexes: Option<Vec<i32>> = None;
        let mut slice = [None; 3];
        let mut colons = 0;
        while let Some(c) = self.peek() {
            if c == ' ' {
                end = Some(self.at);
                self.spaces();
                continue;
            }
            if c == close {
                let last = self.number(start, end)?;
                if colons > 0 {
                    if let Some(place) = slice.get_mut(colons).filter(|_| last.is_some()) {
                        *place = last;
                    }
                    let [start, end, step] = slice;
                    return Ok(Step::Slice { start, end, step });
                }
                let last = last.ok_or_else(|| error("Array index expected."))?;
                return Ok(match indexes {
                    Some(mut indexes) => {
                        indexes.push(last);
                        Step::Indexes(indexes)
                    }
                    None => Step::Index(Some(last)),
                });
            }
            match c {
                ',' => {
                    let index = self.number(start, end)?.ok_or_else(|| error("Array index expected."))?;
                    indexes.get_or_insert_default().push(index);
                    self.at += 1;
                    self.spaces();
                    start = self.at;
                    end = None;
                }
                '*' => {
                    self.at += 1;
                    self.need("Path ended with open indexer.")?;
                    self.spaces();
                    let c = self.need("Path ended with open indexer.")?;
                    return if c == close {
                        Ok(Step::Index(None))
                    } else {
                        Err(Self::unexpected_in_indexer(c))
                    };
                }
                ':' => {
                    let value = self.number(start, end)?;
                    if let Some(place) = slice.get_mut(colons.min(2)).filter(|_| value.is_some()) {
                        *place = value;
                    }
                    colons = (colons + 1).min(2);
                    self.at += 1;
                    self.spaces();
                    start = self.at;
                    end = None;
                }
                c if (c.is_ascii_digit() || c == '-') && end.is_none() => self.at += 1,
                c => return Err(Self::unexpected_in_indexer(c)),
            }
        }
        Err(error("Path ended with open indexer."))
    }

    fn quoted_fields(&mut self, close: char, scan: bool) -> Result<Step> {
        let mut names = Vec::new();
        while self.peek().is_some() {
            let name = self.quoted()?;
            self.spaces();
            let c = self.need("Path ended with open indexer.")?;
            names.push(name);
            if c == close {
                return Ok(match (names.len(), scan) {
                    (1, true) => Step::Scan(names.pop()),
                    (1, false) => Step::Field(names.pop()),
                    (_, true) => Step::ScanFields(names),
                    (_, false) => Step::Fields(names),
                });
            }
            if c != ',' {
                return Err(Self::unexpected_in_indexer(c));
            }
            self.at += 1;
            self.spaces();
        }
        Err(error("Path ended with open indexer."))
    }

    fn quoted(&mut self) -> Result<String> {
        self.at += 1;
        let mut made = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '\'' => return Ok(made),
                '\\' => {
                    let Some(escaped) = self.peek() else { break };
                    self.at += 1;
                    made.push(match escaped {
                        'b' => '\u{8}',
                        't' => '\t',
                        'n' => '\n',
                        'f' => '\u{c}',
                        'r' => '\r',
                        '\\' | '"' | '\'' | '/' => escaped,
                        other => return Err(error(format!("Unknown escape character: \\{other}"))),
                    });
                }
                c => made.push(c),
            }
        }
        Err(error("Path ended with an open string."))
    }

    fn query(&mut self, close: char, scan: bool) -> Result<Step> {
        self.at += 1;
        let c = self.need("Path ended with open indexer.")?;
        if c != '(' {
            return Err(Self::unexpected_in_indexer(c));
        }
        self.at += 1;
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(error("Path is nested too deeply."));
        }
        let condition = self.condition()?;
        self.nesting -= 1;
        self.at += 1;
        self.need("Path ended with open indexer.")?;
        self.spaces();
        let c = self.need("Path ended with open indexer.")?;
        if c != close {
            return Err(Self::unexpected_in_indexer(c));
        }
        Ok(if scan { Step::ScanQuery(condition) } else { Step::Query(condition) })
    }

    fn unexpected_in_query(&self) -> Error {
        error(format!("Unexpected character while parsing path query: {}", self.peek().unwrap_or_default()))
    }

    /// Terms joined by `&&` and `||`; a change of the operator nests what follows, as Newtonsoft does.
    fn condition(&mut self) -> Result<Condition> {
        let mut terms = Vec::new();
        let mut joints = Vec::new();
        loop {
            terms.push(self.term()?);
            let joint = match self.need("Path ended with open query.")? {
                ')' => break,
                c @ ('&' | '|') if self.text.get(self.at + 1) == Some(&c) => c,
                _ => return Err(self.unexpected_in_query()),
            };
            joints.push(joint);
            self.at += 2;
        }
        Ok(Condition::join(terms, &joints))
    }

    fn term(&mut self) -> Result<Condition> {
        let left = self.side()?;
        if matches!(self.peek(), Some(')' | '|' | '&')) {
            return Ok(Condition::Exists(left));
        }
        let operator = self.operator()?;
        self.spaces();
        if self.peek().is_none() {
            return Err(Error::of(ExceptionKind::IndexOutOfRange));
        }
        let right = self.side()?;
        Ok(Condition::Compare(left, operator, right))
    }

    fn side(&mut self) -> Result<Operand> {
        self.spaces();
        let operand = match self.need("Path ended with open query.")? {
            c @ ('$' | '@') => {
                self.at += 1;
                let mut steps = if c == '$' { vec![Step::Root] } else { Vec::new() };
                let start = self.at;
                self.steps(&mut steps, start, true)?;
                Operand::Path(steps)
            }
            '\'' => Operand::Value(Scalar::from(self.quoted()?.as_str())),
            '/' => Operand::Value(Scalar::from(self.regex()?.as_str())),
            c if c.is_ascii_digit() || c == '-' => Operand::Value(self.literal_number()?),
            't' if self.word("true") => Operand::Value(Scalar::Bool(true)),
            'f' if self.word("false") => Operand::Value(Scalar::Bool(false)),
            'n' if self.word("null") => Operand::Value(Scalar::Null),
            _ => return Err(self.unexpected_in_query()),
        };
        self.spaces();
        self.need("Path ended with open query.")?;
        Ok(operand)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.part(self.at, self.at + word.len()) == word;
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn literal_number(&mut self) -> Result<Scalar> {
        let start = self.at;
        while self.peek().is_some_and(|c| !matches!(c, ' ' | ')')) {
            self.at += 1;
        }
        if self.peek().is_none() {
            return Err(Error::of(ExceptionKind::IndexOutOfRange));
        }
        let text = self.part(start, self.at);
        let value = if text.contains(['.', 'e', 'E']) {
            parse::double(&text).map(Scalar::Float)
        } else {
            parse::integer(crate::clr::number::IntegerType::Int64, &text)
                .map(|value| Scalar::Integer(value as i64))
        };
        value.map_err(|_| self.unexpected_in_query())
    }

    /// `/pattern/options` as it stands.
    fn regex(&mut self) -> Result<String> {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            match c {
                '\\' => self.at += 2,
                '/' => {
                    self.at += 1;
                    while self.peek().is_some_and(char::is_alphabetic) {
                        self.at += 1;
                    }
                    return Ok(self.part(start, self.at));
                }
                _ => self.at += 1,
            }
        }
        Err(error("Path ended with an open regex."))
    }

    fn operator(&mut self) -> Result<Operator> {
        if self.at + 1 >= self.text.len() {
            return Err(error("Path ended with open query."));
        }
        let table = [
            ("===", Operator::StrictEquals),
            ("==", Operator::Equals),
            ("=~", Operator::Regex),
            ("!==", Operator::StrictNotEquals),
            ("!=", Operator::NotEquals),
            ("<>", Operator::NotEquals),
            ("<=", Operator::LessOrEquals),
            ("<", Operator::Less),
            (">=", Operator::GreaterOrEquals),
            (">", Operator::Greater),
        ];
        let found = table.into_iter().find(|(text, _)| self.word(text));
        found.map(|(_, operator)| operator).ok_or_else(|| error("Could not read query operator."))
    }
}
