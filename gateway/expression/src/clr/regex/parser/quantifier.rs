//! `* + ? {n} {n,} {n,m}`, each greedy or lazy.

use super::super::RegexOptions;
use super::super::ast::Node;
use super::Parser;
use crate::clr::exception::Result;

/// The engines count no further; .NET could, and would hardly end.
const COUNT_MAX: i32 = 1000;

impl Parser {
    /// An element and what repeats it.
    pub(super) fn quantified(&mut self, options: &mut RegexOptions) -> Result<Option<Node>> {
        let Some(node) = self.atom(options)? else { return Ok(None) };
        self.blanks(*options)?;
        let Some((min, max)) = self.quantifier()? else { return Ok(Some(node)) };
        self.blanks(*options)?;
        let lazy = self.cursor.take_if('?');
        self.blanks(*options)?;
        if let Some(c) = self.cursor.peek()
            && (matches!(c, '*' | '+' | '?') || (c == '{' && self.braces_follow()))
        {
            self.cursor.at += 1;
            return Err(self.problem(&format!("Nested quantifier '{c}'.")));
        }
        Ok(Some(Node::Repeat { node: Box::new(node), min, max, lazy }))
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        let bounds = match self.cursor.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.braces_follow() => return self.braces().map(Some),
            _ => return Ok(None),
        };
        self.cursor.at += 1;
        Ok(Some(bounds))
    }

    /// Whether a quantifier in braces begins here.
    fn braces_follow(&self) -> bool {
        let mut rest = self.cursor.text.iter().skip(self.cursor.at + 1).copied().peekable();
        let mut digits = 0;
        while rest.next_if(char::is_ascii_digit).is_some() {
            digits += 1;
        }
        if digits == 0 {
            return false;
        }
        if rest.next_if_eq(&',').is_some() {
            while rest.next_if(char::is_ascii_digit).is_some() {}
        }
        rest.next() == Some('}')
    }

    /// As [`Parser::braces_follow`], the brace being taken already.
    pub(super) fn quantifier_follows(&mut self) -> bool {
        self.cursor.at -= 1;
        let follows = self.braces_follow();
        self.cursor.at += 1;
        follows
    }

    fn braces(&mut self) -> Result<(u32, Option<u32>)> {
        self.cursor.at += 1;
        let min = self.decimal()?;
        let max = if self.cursor.take_if(',') {
            if self.cursor.peek() == Some('}') { None } else { Some(self.decimal()?) }
        } else {
            Some(min)
        };
        self.cursor.at += 1;
        if max.is_some_and(|max| max < min) {
            return Err(self.problem("Illegal {x,y} with x > y."));
        }
        if max.unwrap_or(min) > COUNT_MAX {
            return Err(super::super::unsupported("Quantifiers above 1000 are not supported."));
        }
        Ok((min as u32, max.map(|max| max as u32)))
    }
}
