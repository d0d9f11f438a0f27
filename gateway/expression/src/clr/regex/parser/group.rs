//! What opens with a bracket.

use super::super::RegexOptions;
use super::super::ast::Node;
use super::super::groups::Declaration;
use super::{Parser, is_word};
use crate::clr::exception::Result;

const UNRECOGNIZED: &str = "Unrecognized grouping construct.";
const BAD_NAME: &str = "Invalid group name: Group names must begin with a word character.";

impl Parser {
    /// Behind the opening bracket; `None` for a group that only sets options.
    pub(super) fn group(&mut self, options: &mut RegexOptions) -> Result<Option<Node>> {
        if self.cursor.peek() != Some('?') || self.cursor.peek_at(1) == Some(')') {
            if options.has(RegexOptions::EXPLICIT_CAPTURE) {
                return self.plain(*options).map(Some);
            }
            return self.capture(Declaration::Unnamed, *options).map(Some);
        }
        self.cursor.at += 1;
        let Some(c) = self.cursor.take() else { return Err(self.problem(UNRECOGNIZED)) };
        Ok(Some(match c {
            ':' => self.plain(*options)?,
            '=' => self.look(true, false, *options)?,
            '!' => self.look(true, true, *options)?,
            '>' => Node::Atomic(Box::new(self.closed(*options)?)),
            '<' if self.cursor.take_if('=') => self.look(false, false, *options)?,
            '<' if self.cursor.take_if('!') => self.look(false, true, *options)?,
            '<' => self.named('>', *options)?,
            '\'' => self.named('\'', *options)?,
            '(' => self.conditional(*options)?,
            _ => {
                self.cursor.at -= 1;
                return self.option_group(options);
            }
        }))
    }

    fn plain(&mut self, options: RegexOptions) -> Result<Node> {
        Ok(Node::Group(Box::new(self.closed(options)?)))
    }

    fn look(&mut self, ahead: bool, negative: bool, options: RegexOptions) -> Result<Node> {
        Ok(Node::Look { ahead, negative, node: Box::new(self.closed(options)?) })
    }

    /// The content up to the closing bracket, which is taken.
    fn closed(&mut self, options: RegexOptions) -> Result<Node> {
        let node = self.alternation(options)?;
        self.close()?;
        Ok(node)
    }

    fn close(&mut self) -> Result<()> {
        if self.cursor.take_if(')') { Ok(()) } else { Err(self.problem("Not enough )'s.")) }
    }

    fn capture(&mut self, declaration: Declaration, options: RegexOptions) -> Result<Node> {
        self.declarations.push(declaration);
        Ok(Node::Capture(Box::new(self.closed(options)?)))
    }

    fn named(&mut self, close: char, options: RegexOptions) -> Result<Node> {
        let Some(first) = self.cursor.peek() else { return Err(self.problem(UNRECOGNIZED)) };
        let declaration = match first {
            '0'..='9' => {
                let number = self.decimal()?;
                if self.cursor.peek().is_some_and(|c| c != close && c != '-') {
                    return Err(self.problem(BAD_NAME));
                }
                if number == 0 {
                    return Err(self.problem("Capture number cannot be zero."));
                }
                Declaration::Number(number)
            }
            c if is_word(c) => {
                let name = self.word();
                if self.cursor.peek().is_some_and(|c| c != close && c != '-') {
                    return Err(self.problem(BAD_NAME));
                }
                Declaration::Name(name)
            }
            '-' => return Err(super::super::unsupported("Balancing groups are not supported.")),
            _ => return Err(self.problem(BAD_NAME)),
        };
        match self.cursor.peek() {
            Some('-') => Err(super::super::unsupported("Balancing groups are not supported.")),
            Some(_) => {
                self.cursor.at += 1;
                self.capture(declaration, options)
            }
            None => Err(self.problem(UNRECOGNIZED)),
        }
    }

    /// `(?imnsx-imnsx)` and `(?imnsx-imnsx:…)`.
    fn option_group(&mut self, options: &mut RegexOptions) -> Result<Option<Node>> {
        let mut changed = *options;
        let mut on = true;
        while let Some(c) = self.cursor.peek() {
            let option = match c.to_ascii_lowercase() {
                '-' | '+' => {
                    on = c == '+';
                    self.cursor.at += 1;
                    continue;
                }
                'i' => RegexOptions::IGNORE_CASE,
                'm' => RegexOptions::MULTILINE,
                'n' => RegexOptions::EXPLICIT_CAPTURE,
                's' => RegexOptions::SINGLELINE,
                'x' => RegexOptions::IGNORE_PATTERN_WHITESPACE,
                _ => break,
            };
            changed = if on { changed.with(option) } else { changed.without(option) };
            self.cursor.at += 1;
        }
        match self.cursor.take() {
            Some(')') => {
                *options = changed;
                Ok(None)
            }
            Some(':') => self.plain(changed).map(Some),
            _ => Err(self.problem(UNRECOGNIZED)),
        }
    }

    /// `(?(1)yes|no)`, `(?(name)yes|no)`, `(?(expression)yes|no)`, behind the second bracket.
    fn conditional(&mut self, options: RegexOptions) -> Result<Node> {
        let start = self.cursor.at;
        let name = self.word();
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let number = self.table.as_ref().and_then(|table| table.number_of(&name));
        if is_number && self.cursor.peek() == Some(')') {
            self.cursor.at += 1;
            if self.table.is_some() && number.is_none() {
                return Err(self.problem(&format!("(?({name}) ) reference to undefined group.")));
            }
            return self.if_group(number.unwrap_or(0), options);
        }
        if let Some(number) = number.filter(|_| self.cursor.peek() == Some(')')) {
            self.cursor.at += 1;
            return self.if_group(number, options);
        }
        self.cursor.at = start;
        let look = if self.cursor.peek() == Some('?') {
            let mut inner = options;
            self.group(&mut inner)?.unwrap_or(Node::Empty)
        } else {
            self.closed(options)?
        };
        let (yes, no) = self.two_branches(options)?;
        Ok(Node::IfLook { look: Box::new(look), yes, no })
    }

    fn if_group(&mut self, number: i32, options: RegexOptions) -> Result<Node> {
        let (yes, no) = self.two_branches(options)?;
        Ok(Node::IfGroup { number, yes, no })
    }

    fn two_branches(&mut self, options: RegexOptions) -> Result<(Box<Node>, Box<Node>)> {
        let branches = self.branches(options)?;
        self.close()?;
        let mut branches = branches.into_iter().map(Box::new);
        let yes = branches.next().unwrap_or_else(|| Box::new(Node::Empty));
        // Without a second branch there is nothing to match.
        let never = || Box::new(Node::Look { ahead: true, negative: true, node: Box::new(Node::Empty) });
        let no = branches.next().unwrap_or_else(never);
        // What the condition refers to is complained about before the number of branches.
        if self.table.is_some() && branches.next().is_some() {
            return Err(self.problem("Too many | in (?()|)."));
        }
        Ok((yes, no))
    }
}
