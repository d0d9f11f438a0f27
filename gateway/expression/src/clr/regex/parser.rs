//! Reads .NET's dialect into a tree. The text is read twice: a number behind a backslash is a reference or an
//! octal escape depending on which groups there are.

mod group;
mod quantifier;
mod set;

use super::RegexOptions;
use super::ast::{Anchor, Node};
use super::class::Class;
use super::escape::char_escape;
use super::groups::{Declaration, GroupTable};
use crate::clr::exception::{Error, ExceptionKind, Result};

/// Groups inside groups.
const NESTING_MAX: usize = 200;
/// Characters of a pattern.
const LENGTH_MAX: usize = 64 * 1024;

/// A pattern and a place in it.
pub(super) struct Cursor {
    pub text: Vec<char>,
    pub at: usize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.chars().collect(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<char> {
        self.text.get(self.at + offset).copied()
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    pub(super) fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }
}

/// `RegexParseException` at the present place.
pub(super) fn problem(cursor: &Cursor, problem: &str) -> Error {
    let pattern: String = cursor.text.iter().collect();
    let text = format!("Invalid pattern '{pattern}' at offset {}. {problem}", cursor.at);
    Error::new(ExceptionKind::RegexParse, text)
}

/// The tree of a pattern, and its groups.
///
/// # Errors
/// `RegexParseException`, `NotSupportedException`.
pub(super) fn parse(pattern: &str, options: RegexOptions) -> Result<(Node, GroupTable)> {
    if pattern.len() > LENGTH_MAX {
        return Err(super::unsupported("The regular expression is too long."));
    }
    let mut first = Parser::new(pattern, None);
    first.whole(options)?;
    let table = GroupTable::new(&first.declarations);
    let mut second = Parser::new(pattern, Some(table));
    let tree = second.whole(options)?;
    Ok((tree, second.table.unwrap_or_default()))
}

struct Parser {
    cursor: Cursor,
    /// Known in the second reading.
    table: Option<GroupTable>,
    declarations: Vec<Declaration>,
    nesting: usize,
}

impl Parser {
    fn new(pattern: &str, table: Option<GroupTable>) -> Self {
        Self { cursor: Cursor::new(pattern), table, declarations: Vec::new(), nesting: 0 }
    }

    fn problem(&self, text: &str) -> Error {
        problem(&self.cursor, text)
    }

    fn whole(&mut self, options: RegexOptions) -> Result<Node> {
        let node = self.alternation(options)?;
        if self.cursor.take_if(')') {
            return Err(self.problem("Too many )'s."));
        }
        Ok(node)
    }

    /// Branches up to a closing bracket or the end. Options set inside hold up to there.
    fn alternation(&mut self, options: RegexOptions) -> Result<Node> {
        let mut branches = self.branches(options)?;
        Ok(match (branches.len(), branches.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                branches.push(last);
                Node::Alternate(branches)
            }
            (_, None) => Node::Empty,
        })
    }

    fn branches(&mut self, mut options: RegexOptions) -> Result<Vec<Node>> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(super::unsupported("The regular expression is nested too deeply."));
        }
        let mut branches = Vec::new();
        let mut nodes = Vec::new();
        loop {
            self.blanks(options)?;
            match self.cursor.peek() {
                None | Some(')') => break,
                Some('|') => {
                    self.cursor.at += 1;
                    branches.push(Node::concat(std::mem::take(&mut nodes)));
                }
                Some(_) => {
                    if let Some(node) = self.quantified(&mut options)? {
                        nodes.push(node);
                    }
                }
            }
        }
        branches.push(Node::concat(nodes));
        self.nesting -= 1;
        Ok(branches)
    }

    /// Comments, and white space where the options say it means nothing.
    fn blanks(&mut self, options: RegexOptions) -> Result<()> {
        let free = options.has(RegexOptions::IGNORE_PATTERN_WHITESPACE);
        loop {
            match self.cursor.peek() {
                Some(c) if free && c.is_whitespace() => self.cursor.at += 1,
                Some('#') if free => {
                    while self.cursor.peek().is_some_and(|c| c != '\n') {
                        self.cursor.at += 1;
                    }
                }
                Some('(') if self.cursor.peek_at(1) == Some('?') && self.cursor.peek_at(2) == Some('#') => {
                    while self.cursor.peek().is_some_and(|c| c != ')') {
                        self.cursor.at += 1;
                    }
                    if !self.cursor.take_if(')') {
                        return Err(self.problem("Unterminated (?#...) comment."));
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// One element; `None` for a group that only sets options.
    fn atom(&mut self, options: &mut RegexOptions) -> Result<Option<Node>> {
        let ignore_case = options.has(RegexOptions::IGNORE_CASE);
        let multiline = options.has(RegexOptions::MULTILINE);
        let Some(c) = self.cursor.take() else { return Ok(None) };
        Ok(Some(match c {
            '(' => return self.group(options),
            '[' => Node::Class { class: self.set(*options)?, ignore_case },
            '\\' => self.backslash(*options)?,
            '.' => Node::Any { all: options.has(RegexOptions::SINGLELINE) },
            '^' => Node::Anchor(if multiline { Anchor::LineStart } else { Anchor::Start }),
            '$' => Node::Anchor(if multiline { Anchor::LineEnd } else { Anchor::EndOrLineFeed }),
            '*' | '+' | '?' => return Err(self.problem("Quantifier {x,y} following nothing.")),
            '{' if self.quantifier_follows() => {
                return Err(self.problem("Quantifier {x,y} following nothing."));
            }
            c => Node::Literal { c, ignore_case },
        }))
    }

    fn backslash(&mut self, options: RegexOptions) -> Result<Node> {
        let Some(c) = self.cursor.peek() else { return Err(self.problem("Illegal \\\\ at end of pattern.")) };
        let ignore_case = options.has(RegexOptions::IGNORE_CASE);
        let anchor = match c {
            'b' => Some(Anchor::Word),
            'B' => Some(Anchor::NotWord),
            'A' => Some(Anchor::Start),
            'G' => Some(Anchor::Continue),
            'Z' => Some(Anchor::EndOrLineFeed),
            'z' => Some(Anchor::End),
            _ => None,
        };
        if let Some(anchor) = anchor {
            self.cursor.at += 1;
            return Ok(Node::Anchor(anchor));
        }
        let mut class = Class::default();
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                self.cursor.at += 1;
                class.add_shorthand(c, options);
                Ok(Node::Class { class, ignore_case: false })
            }
            'p' | 'P' => {
                self.cursor.at += 1;
                self.property(&mut class, c == 'P')?;
                Ok(Node::Class { class, ignore_case })
            }
            'k' => self.named_reference(ignore_case),
            '1'..='9' => self.numbered_reference(options),
            _ => {
                let c = char_escape(&mut self.cursor, options.has(RegexOptions::ECMA_SCRIPT))?;
                Ok(Node::Literal { c, ignore_case })
            }
        }
    }

    /// `{name}` behind `\p`.
    fn property(&mut self, class: &mut Class, negated: bool) -> Result<()> {
        let incomplete = "Incomplete \\\\p{X} character escape.";
        let rest = self.cursor.text.get(self.cursor.at..).unwrap_or_default();
        let end = rest.iter().position(|c| *c == '}');
        let name: Option<String> = match (rest.first(), end) {
            (Some('{'), Some(end)) => rest.get(1..end).map(|name| name.iter().collect()),
            _ => None,
        };
        let Some(name) = name.filter(|name| name.chars().all(|c| is_word(c) || c == '-')) else {
            return Err(self.problem(incomplete));
        };
        self.cursor.at += name.chars().count() + 2;
        if class.add_property(&name, negated) {
            Ok(())
        } else {
            Err(self.problem(&format!("Unknown property '{name}'.")))
        }
    }

    /// `\k<name>`, `\k'name'`.
    fn named_reference(&mut self, ignore_case: bool) -> Result<Node> {
        self.cursor.at += 1;
        let close = match self.cursor.peek() {
            Some('<') => '>',
            Some('\'') => '\'',
            _ => {
                self.cursor.at -= 1;
                return Err(self.problem("Malformed \\\\k<...> named back reference."));
            }
        };
        let start = self.cursor.at;
        self.cursor.at += 1;
        let name = self.word();
        if name.is_empty() || !self.cursor.take_if(close) {
            self.cursor.at = start;
            return Err(self.problem("Unrecognized escape sequence \\\\k."));
        }
        let number = match &self.table {
            None => Some(0),
            Some(table) => table.number_of(&name),
        };
        match number {
            Some(number) => Ok(Node::Backreference { number, ignore_case }),
            None if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(self.problem(&format!("Reference to undefined group number {name}.")))
            }
            None => Err(self.problem(&format!("Reference to undefined group name '{name}'."))),
        }
    }

    /// `\1` where there is such a group, else an octal escape.
    fn numbered_reference(&mut self, options: RegexOptions) -> Result<Node> {
        let start = self.cursor.at;
        let number = self.decimal()?;
        let ignore_case = options.has(RegexOptions::IGNORE_CASE);
        match &self.table {
            None => return Ok(Node::Empty),
            Some(table) if table.has_number(number) => {
                return Ok(Node::Backreference { number, ignore_case });
            }
            Some(_) if number <= 9 => {
                return Err(self.problem(&format!("Reference to undefined group number {number}.")));
            }
            Some(_) => {}
        }
        self.cursor.at = start;
        let c = char_escape(&mut self.cursor, options.has(RegexOptions::ECMA_SCRIPT))?;
        Ok(Node::Literal { c, ignore_case })
    }

    /// Word characters.
    fn word(&mut self) -> String {
        let start = self.cursor.at;
        while self.cursor.peek().is_some_and(is_word) {
            self.cursor.at += 1;
        }
        self.cursor.text.get(start..self.cursor.at).unwrap_or_default().iter().collect()
    }

    fn decimal(&mut self) -> Result<i32> {
        let mut value: i32 = 0;
        while let Some(digit) = self.cursor.peek().and_then(|c| c.to_digit(10)) {
            self.cursor.at += 1;
            let next = value.checked_mul(10).and_then(|value| value.checked_add(digit as i32));
            let Some(next) = next else {
                return Err(
                    self.problem("Capture group numbers must be less than or equal to Int32.MaxValue.")
                );
            };
            value = next;
        }
        Ok(value)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
