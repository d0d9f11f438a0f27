//! Expressions of `$filter` and `$orderby` (OData 4.01 URL conventions §5.1.1): their grammar, the functions they call
//! and the properties they name.

use super::Reason;
use super::model::Model;
use super::query::follow;

/// Nested parentheses and functions.
const DEPTH_MAX: usize = 50;

/// Functions with the numbers of arguments they take.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("cast", 1, 2),
    ("ceiling", 1, 1),
    ("concat", 2, 2),
    ("contains", 2, 2),
    ("date", 1, 1),
    ("day", 1, 1),
    ("endswith", 2, 2),
    ("floor", 1, 1),
    ("fractionalseconds", 1, 1),
    ("geo.distance", 2, 2),
    ("geo.intersects", 2, 2),
    ("geo.length", 1, 1),
    ("hassubset", 2, 2),
    ("hassubsequence", 2, 2),
    ("hour", 1, 1),
    ("indexof", 2, 2),
    ("isof", 1, 2),
    ("length", 1, 1),
    ("matchespattern", 2, 2),
    ("maxdatetime", 0, 0),
    ("mindatetime", 0, 0),
    ("minute", 1, 1),
    ("month", 1, 1),
    ("now", 0, 0),
    ("round", 1, 1),
    ("second", 1, 1),
    ("startswith", 2, 2),
    ("substring", 2, 3),
    ("substringof", 2, 2),
    ("time", 1, 1),
    ("tolower", 1, 1),
    ("totaloffsetminutes", 1, 1),
    ("totalseconds", 1, 1),
    ("toupper", 1, 1),
    ("trim", 1, 1),
    ("year", 1, 1),
];

const OPERATORS: &[&str] = &[
    "add", "and", "div", "divby", "eq", "ge", "gt", "has", "in", "le", "lt", "mod", "mul", "ne", "or", "sub",
];

/// What names in an expression are members of.
#[derive(Clone, Copy)]
pub struct Scope<'m> {
    pub model: &'m Model,
    /// `None` = nothing can be said.
    pub kind: Option<&'m str>,
}

/// Checks an expression.
pub fn check(scope: &Scope<'_>, text: &str) -> Result<(), Reason> {
    let mut reader = Reader { scope, text: text.trim(), depth: 0, ranges: Vec::new() };
    reader.expression()?;
    if reader.text.is_empty() {
        Ok(())
    } else {
        Err(format!("'{}' is unexpected in the expression.", reader.text))
    }
}

struct Reader<'a> {
    scope: &'a Scope<'a>,
    text: &'a str,
    depth: usize,
    /// Variables of `any` and `all` around the place.
    ranges: Vec<String>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: char) -> bool {
        let Some(rest) = self.text.strip_prefix(wanted) else { return false };
        self.text = rest.trim_start();
        true
    }

    fn expect(&mut self, wanted: char) -> Result<(), Reason> {
        if self.take(wanted) { Ok(()) } else { Err(format!("'{wanted}' is expected at '{}'.", self.text)) }
    }

    /// Letters, digits and what else names, paths and numbers are made of.
    fn word(&mut self) -> &'a str {
        let is_part =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '$' | '@' | '-' | ':' | '+' | '*');
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        word
    }

    fn blank(&mut self) {
        self.text = self.text.trim_start();
    }

    fn expression(&mut self) -> Result<(), Reason> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("Expressions are nested more than {DEPTH_MAX} deep."));
        }
        self.depth += 1;
        self.operand()?;
        loop {
            self.blank();
            let before = self.text;
            let word = self.word();
            if !OPERATORS.contains(&word) {
                self.text = before;
                break;
            }
            self.blank();
            if word == "in" {
                self.list()?;
            } else {
                self.operand()?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self) -> Result<(), Reason> {
        if !self.text.starts_with('(') {
            return self.operand();
        }
        self.expect('(')?;
        self.arguments().map(|_| ())
    }

    /// Expressions up to the closing parenthesis; their number.
    fn arguments(&mut self) -> Result<usize, Reason> {
        let mut count = 0;
        self.blank();
        while !self.take(')') {
            if count > 0 {
                self.expect(',')?;
            }
            self.expression()?;
            self.blank();
            count += 1;
        }
        Ok(count)
    }

    fn operand(&mut self) -> Result<(), Reason> {
        self.blank();
        while let Some(rest) = self.text.strip_prefix("not ") {
            self.text = rest.trim_start();
        }
        if self.take('(') {
            self.expression()?;
            self.blank();
            return self.expect(')');
        }
        if self.text.starts_with('\'') {
            return self.literal();
        }
        if self.text.starts_with(['[', '{']) {
            return Err("JSON values in expressions are not supported.".to_owned());
        }
        let word = self.word();
        if word.is_empty() {
            return Err(format!("A value is expected at '{}'.", self.text));
        }
        if self.text.starts_with('\'') {
            // `duration'P1D'`, `Namespace.Colour'Red'`
            return self.literal();
        }
        if self.take('(') {
            return self.call(word);
        }
        self.name(word)
    }

    /// A text in quotes; a quote inside is doubled.
    fn literal(&mut self) -> Result<(), Reason> {
        let mut rest = self.text.get(1..).unwrap_or_default();
        loop {
            let Some(end) = rest.find('\'') else {
                return Err(format!("The text {} is not closed.", self.text));
            };
            rest = rest.get(end + 1..).unwrap_or_default();
            match rest.strip_prefix('\'') {
                Some(more) => rest = more,
                None => break,
            }
        }
        self.text = rest;
        Ok(())
    }

    fn call(&mut self, word: &str) -> Result<(), Reason> {
        if let Some((path, "any" | "all")) = word.rsplit_once('/') {
            return self.lambda(path);
        }
        if let Some((_, least, most)) = FUNCTIONS.iter().find(|(name, ..)| *name == word) {
            let count = self.arguments()?;
            if (*least..=*most).contains(&count) {
                return Ok(());
            }
            return Err(format!("The function '{word}' does not take {count} arguments."));
        }
        let name = word.rsplit('/').next().unwrap_or_default();
        if self.scope.model.operation(name).is_some() {
            return self.arguments().map(|_| ());
        }
        Err(format!("The function '{word}' is unknown."))
    }

    /// `any` and `all`: `Items/any(i:i/Price gt 5)`.
    fn lambda(&mut self, path: &str) -> Result<(), Reason> {
        self.name(path)?;
        self.blank();
        if self.take(')') {
            return Ok(());
        }
        let Some((variable, rest)) = self.text.split_once(':') else {
            return Err(format!("A variable is expected at '{}'.", self.text));
        };
        if variable.trim().is_empty() || !variable.trim().chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("'{variable}' is no variable."));
        }
        self.ranges.push(variable.trim().to_owned());
        self.text = rest.trim_start();
        self.expression()?;
        self.ranges.pop();
        self.blank();
        self.expect(')')
    }

    /// A literal without quotes, or a path of members.
    fn name(&self, word: &str) -> Result<(), Reason> {
        let is_literal = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '@' | '+'))
            || matches!(word, "true" | "false" | "null" | "INF" | "NaN" | "$it" | "$root" | "$this");
        let first = word.split('/').next().unwrap_or_default();
        // Members of a range variable are those of another type, which is not followed here.
        if is_literal
            || is_guid(word)
            || self.ranges.iter().any(|known| known == first)
            || first.starts_with('$')
        {
            return Ok(());
        }
        if self.scope.model.is_type(word) {
            return Ok(());
        }
        follow(self.scope.model, self.scope.kind, word).map(|_| ())
    }
}

fn is_guid(word: &str) -> bool {
    word.len() == 36 && uuid::Uuid::try_parse(word).is_ok()
}
