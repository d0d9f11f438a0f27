//! `[…]`.

use super::super::RegexOptions;
use super::super::class::Class;
use super::super::escape::char_escape;
use super::Parser;
use crate::clr::exception::Result;

/// Sets inside sets.
const NESTING_MAX: usize = 50;

impl Parser {
    /// Behind the opening bracket, up to and with the closing one.
    pub(super) fn set(&mut self, options: RegexOptions) -> Result<Class> {
        self.nested_set(options, 0)
    }

    fn nested_set(&mut self, options: RegexOptions, depth: usize) -> Result<Class> {
        if depth > NESTING_MAX {
            return Err(super::super::unsupported("The regular expression is nested too deeply."));
        }
        let mut class = Class::new(self.cursor.take_if('^'));
        let mut first = true;
        // The start of a range whose end comes next.
        let mut range: Option<char> = None;
        while let Some(c) = self.cursor.take() {
            if c == ']' && !first {
                if let Some(start) = range {
                    class.add_range(start, start);
                    class.add_range('-', '-');
                }
                return Ok(class);
            }
            let escaped = c == '\\' && self.cursor.peek().is_some();
            let c = if escaped { self.escape_in_set(&mut class, range.is_some(), options)? } else { Some(c) };
            let Some(c) = c else {
                first = false;
                continue;
            };
            if let Some(start) = range.take() {
                if c == '[' && !escaped && !first {
                    class.add_range(start, start);
                    return self.subtraction(class, options, depth);
                }
                if start > c {
                    return Err(self.problem("[x-y] range in reverse order."));
                }
                class.add_range(start, c);
            } else if self.cursor.peek() == Some('-')
                && self.cursor.peek_at(1).is_some_and(|next| next != ']')
            {
                range = Some(c);
                self.cursor.at += 1;
            } else if c == '-' && !escaped && !first && self.cursor.peek() == Some('[') {
                self.cursor.at += 1;
                return self.subtraction(class, options, depth);
            } else {
                class.add_range(c, c);
            }
            first = false;
        }
        Err(self.problem("Unterminated [] set."))
    }

    /// `-[…]` behind its opening bracket; it must end the set.
    fn subtraction(&mut self, mut class: Class, options: RegexOptions, depth: usize) -> Result<Class> {
        class.minus = Some(Box::new(self.nested_set(options, depth + 1)?));
        if self.cursor.take_if(']') {
            return Ok(class);
        }
        Err(self.problem(if self.cursor.peek().is_some() {
            "A subtraction must be the last element in a character class."
        } else {
            "Unterminated [] set."
        }))
    }

    /// An escape behind its backslash: a class is added, a character returned.
    fn escape_in_set(
        &mut self,
        class: &mut Class,
        in_range: bool,
        options: RegexOptions,
    ) -> Result<Option<char>> {
        let letter = self.cursor.peek().unwrap_or_default();
        match letter {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P' => {
                self.cursor.at += 1;
                if in_range {
                    return Err(
                        self.problem(&format!("Cannot include class \\\\{letter} in character range."))
                    );
                }
                if letter.eq_ignore_ascii_case(&'p') {
                    self.property(class, letter == 'P')?;
                } else {
                    class.add_shorthand(letter, options);
                }
                Ok(None)
            }
            '-' => {
                self.cursor.at += 1;
                if in_range {
                    return Ok(Some('-'));
                }
                class.add_range('-', '-');
                Ok(None)
            }
            _ => char_escape(&mut self.cursor, options.has(RegexOptions::ECMA_SCRIPT)).map(Some),
        }
    }
}
