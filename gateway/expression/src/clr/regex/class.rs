//! Character classes.

use super::RegexOptions;
use super::blocks;

/// `[…]`, `\d`, `\p{…}` as a set expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Class {
    pub negated: bool,
    /// Elements in the syntax of the engines.
    elements: String,
    pub minus: Option<Box<Class>>,
}

impl Class {
    pub(super) fn new(negated: bool) -> Self {
        Self { negated, ..Self::default() }
    }

    pub(super) fn add_range(&mut self, first: char, last: char) {
        self.elements.push_str(&hex(first));
        if first != last {
            self.elements.push('-');
            self.elements.push_str(&hex(last));
        }
    }

    /// `\d \D \w \W \s \S`.
    pub(super) fn add_shorthand(&mut self, letter: char, options: RegexOptions) {
        let ascii = options.has(RegexOptions::ECMA_SCRIPT);
        let body = match (letter.to_ascii_lowercase(), ascii) {
            ('d', true) => "0-9",
            ('d', false) => "\\p{Nd}",
            ('w', true) => "a-zA-Z0-9_",
            ('w', false) => "\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}",
            (_, true) => "\\x{20}\\x{9}-\\x{d}",
            (_, false) => "\\x{9}-\\x{d}\\x{85}\\p{Z}",
        };
        let negation = if letter.is_ascii_uppercase() { "^" } else { "" };
        self.push_nested(negation, body);
    }

    /// `\p{name}`; false when there is no such category or block.
    pub(super) fn add_property(&mut self, name: &str, negated: bool) -> bool {
        let negation = if negated { "^" } else { "" };
        let body = if let Some((first, last)) = blocks::range(name) {
            format!("\\x{{{first:x}}}-\\x{{{last:x}}}")
        } else if CATEGORIES.contains(&name) {
            format!("\\p{{{name}}}")
        } else {
            return false;
        };
        self.push_nested(negation, &body);
        true
    }

    fn push_nested(&mut self, negation: &str, body: &str) {
        for part in ["[", negation, body, "]"] {
            self.elements.push_str(part);
        }
    }

    /// The set in the syntax of the engines.
    pub(super) fn emit(&self) -> String {
        let negation = if self.negated { "^" } else { "" };
        let own = if self.elements.is_empty() {
            // Nothing, or everything.
            if self.negated { "[\\x{0}-\\x{10ffff}]".to_owned() } else { "[a&&b]".to_owned() }
        } else {
            format!("[{negation}{}]", self.elements)
        };
        match &self.minus {
            None => own,
            Some(minus) => format!("[{own}&&[^{}]]", minus.emit()),
        }
    }
}

/// A character that stands for itself wherever it is put.
pub(super) fn hex(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:x}}}", u32::from(c)) }
}

/// The Unicode general categories, alone and in groups.
const CATEGORIES: &[&str] = &[
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co",
    "Cn",
];
