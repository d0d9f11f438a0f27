//! `$filter` (management-api.md §2.2).

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::arm_error::ArmError;

/// Deepest nesting of brackets and `not`.
const DEPTH_MAX: usize = 32;
/// Longest text.
const BYTES_MAX: usize = 8 * 1024;

/// A condition on items of a list.
#[derive(Debug, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare {
        field: Vec<String>,
        operator: Operator,
        literal: Literal,
    },
    Text {
        field: Vec<String>,
        function: Function,
        literal: String,
    },
    /// `tags/any(tag: tag eq 'x')`: of a list, some item or every one.
    Items {
        field: Vec<String>,
        every: bool,
        inner: Box<Filter>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Number(f64),
    Bool(bool),
    Time(jiff::Timestamp),
    Null,
}

impl Filter {
    /// Reads a filter; `fields` are those allowed, as the table of operations has them, or any where it names none.
    pub fn parse(text: &str, fields: &str) -> Result<Self, ArmError> {
        let refuse = |message: String| ArmError::field("$filter", message);
        if text.len() > BYTES_MAX {
            return Err(refuse(format!("the filter is longer than {BYTES_MAX} bytes.")));
        }
        let tokens = tokens(text).map_err(refuse)?;
        let mut parser = Parser { tokens: &tokens, at: 0, fields, depth: 0, variable: None };
        let filter = parser.or().map_err(refuse)?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(refuse(format!("{token} is not expected after a whole condition."))),
        }
    }

    /// Whether an item of a list fits.
    pub fn accepts(&self, item: &impl Item) -> bool {
        match self {
            Self::And(a, b) => a.accepts(item) && b.accepts(item),
            Self::Or(a, b) => a.accepts(item) || b.accepts(item),
            Self::Not(inner) => !inner.accepts(item),
            Self::Items { field, every, inner } => {
                let found = item.field(field);
                let items = found.as_deref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                match every {
                    true => items.iter().all(|item| inner.accepts(item)),
                    false => items.iter().any(|item| inner.accepts(item)),
                }
            }
            Self::Compare { field, operator, literal } => {
                compare(item.field(field).as_deref(), *operator, literal)
            }
            Self::Text { field, function, literal } => {
                let found = item.field(field);
                let Some(text) = found.as_deref().and_then(Value::as_str) else { return false };
                let (text, literal) = (text.to_lowercase(), literal.to_lowercase());
                match function {
                    Function::Contains => text.contains(&literal),
                    Function::StartsWith => text.starts_with(&literal),
                    Function::EndsWith => text.ends_with(&literal),
                }
            }
        }
    }
}

/// What can be filtered.
pub trait Item {
    /// The value of a field: of its own, or under `properties`. Names are compared without case.
    fn field(&self, path: &[String]) -> Option<Cow<'_, Value>>;
}

impl Item for Value {
    fn field(&self, path: &[String]) -> Option<Cow<'_, Value>> {
        inner(self, path).or_else(|| inner(self.get("properties")?, path)).map(Cow::Borrowed)
    }
}

/// What stands at a path inside a value.
pub fn inner<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| member(value.as_object()?, name))
}

/// A member, its name compared without case.
pub fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn compare(value: Option<&Value>, operator: Operator, literal: &Literal) -> bool {
    use std::cmp::Ordering;
    let ordering = match (value, literal) {
        (None | Some(Value::Null), Literal::Null) => Some(Ordering::Equal),
        (Some(Value::String(text)), Literal::Text(literal)) => {
            Some(text.to_lowercase().cmp(&literal.to_lowercase()))
        }
        (Some(Value::String(text)), Literal::Time(literal)) => {
            text.parse::<jiff::Timestamp>().ok().map(|time| time.cmp(literal))
        }
        (Some(Value::Number(number)), Literal::Number(literal)) => {
            number.as_f64().and_then(|number| number.partial_cmp(literal))
        }
        (Some(Value::Bool(value)), Literal::Bool(literal)) => Some(value.cmp(literal)),
        _ => None,
    };
    match (ordering, operator) {
        (None, Operator::Ne) => true,
        (None, _) => false,
        (Some(ordering), Operator::Eq) => ordering.is_eq(),
        (Some(ordering), Operator::Ne) => ordering.is_ne(),
        (Some(ordering), Operator::Gt) => ordering.is_gt(),
        (Some(ordering), Operator::Ge) => ordering.is_ge(),
        (Some(ordering), Operator::Lt) => ordering.is_lt(),
        (Some(ordering), Operator::Le) => ordering.is_le(),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(f, "'{word}'"),
            Self::Text(text) => write!(f, "the text '{text}'"),
            Self::Open => f.write_str("'('"),
            Self::Close => f.write_str("')'"),
            Self::Comma => f.write_str("','"),
        }
    }
}

fn no_operator(written: &str) -> String {
    format!("{written} is no operator: eq, ne, gt, ge, lt and le are.")
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, rest.get(1..)),
            ')' => (Token::Close, rest.get(1..)),
            ',' => (Token::Comma, rest.get(1..)),
            '\'' => {
                let (text, after) = quoted(rest)?;
                (Token::Text(text), Some(after))
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "(),'".contains(c)).unwrap_or(rest.len());
                (Token::Word(rest.get(..end).unwrap_or_default().to_owned()), rest.get(end..))
            }
        };
        tokens.push(token);
        rest = after.unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, where a doubled quote stands for one.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        let Some(end) = rest.find('\'') else { return Err(format!("{text} has no closing quote.")) };
        value.push_str(rest.get(..end).unwrap_or_default());
        rest = rest.get(end + 1..).unwrap_or_default();
        match rest.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Ok((value, rest)),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    fields: &'a str,
    depth: usize,
    /// Inside the brackets of `any` or `all`: what stands for the item.
    variable: Option<String>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("the filter ends too early.")?;
        self.at += 1;
        Ok(token)
    }

    fn word_is(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        let found = self.next()?;
        if found == *token { Ok(()) } else { Err(format!("{token} is expected, not {found}.")) }
    }

    fn or(&mut self) -> Result<Filter, String> {
        let mut left = self.and()?;
        while self.word_is("or") {
            self.at += 1;
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, String> {
        let mut left = self.condition()?;
        while self.word_is("and") {
            self.at += 1;
            left = Filter::And(Box::new(left), Box::new(self.condition()?));
        }
        Ok(left)
    }

    fn condition(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("the filter is nested deeper than {DEPTH_MAX}."));
        }
        let filter = match self.next()? {
            Token::Open => {
                let inner = self.or()?;
                self.expect(&Token::Close)?;
                inner
            }
            Token::Word(word) if word.eq_ignore_ascii_case("not") => Filter::Not(Box::new(self.condition()?)),
            Token::Word(word) if self.peek() == Some(&Token::Open) => match word.rsplit_once('/') {
                Some((field, "any")) => self.items(field, false)?,
                Some((field, "all")) => self.items(field, true)?,
                _ => self.function(&word)?,
            },
            Token::Word(word) => self.comparison(&word)?,
            other => return Err(format!("{other} does not begin a condition.")),
        };
        self.depth -= 1;
        Ok(filter)
    }

    /// `field/any(x: …)`; a list within a list is not searched.
    fn items(&mut self, field: &str, every: bool) -> Result<Filter, String> {
        let field = self.field(field, Use::Items)?;
        self.expect(&Token::Open)?;
        let Token::Word(variable) = self.next()? else {
            return Err("a name and ':' are expected.".to_owned());
        };
        let variable = if let Some(variable) = variable.strip_suffix(':') {
            variable.to_owned()
        } else {
            self.expect(&Token::Word(":".to_owned()))?;
            variable
        };
        if self.variable.replace(variable).is_some() {
            return Err("'any' and 'all' cannot be nested.".to_owned());
        }
        let inner = Box::new(self.or()?);
        self.variable = None;
        self.expect(&Token::Close)?;
        Ok(Filter::Items { field, every, inner })
    }

    fn comparison(&mut self, written: &str) -> Result<Filter, String> {
        let operator = match self.next()? {
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "eq" => Operator::Eq,
                "ne" => Operator::Ne,
                "gt" => Operator::Gt,
                "ge" => Operator::Ge,
                "lt" => Operator::Lt,
                "le" => Operator::Le,
                other => return Err(no_operator(&format!("'{other}'"))),
            },
            other => return Err(no_operator(&other.to_string())),
        };
        let field = self.field(written, Use::Operator(operator))?;
        Ok(Filter::Compare { field, operator, literal: self.literal()? })
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.next()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) if word.eq_ignore_ascii_case("datetime") => match self.next()? {
                Token::Text(text) => {
                    text.parse().map(Literal::Time).map_err(|_| format!("'{text}' is no date and time."))
                }
                other => Err(format!("{other} is no date and time.")),
            },
            Token::Word(word) => match word.as_str() {
                "true" => Ok(Literal::Bool(true)),
                "false" => Ok(Literal::Bool(false)),
                "null" => Ok(Literal::Null),
                _ => word.parse().map(Literal::Number).map_err(|_| format!("'{word}' is no value.")),
            },
            other => Err(format!("{other} is no value.")),
        }
    }

    /// `contains(field,'x')`, `startswith`, `endswith`; `substringof('x',field)`.
    fn function(&mut self, name: &str) -> Result<Filter, String> {
        self.expect(&Token::Open)?;
        let (first, ()) = (self.next()?, self.expect(&Token::Comma)?);
        let second = self.next()?;
        self.expect(&Token::Close)?;
        let name = name.to_ascii_lowercase();
        let (function, field, literal) = match (name.as_str(), first, second) {
            ("substringof", Token::Text(text), Token::Word(field)) => (Function::Contains, field, text),
            ("contains", Token::Word(field), Token::Text(text)) => (Function::Contains, field, text),
            ("startswith", Token::Word(field), Token::Text(text)) => (Function::StartsWith, field, text),
            ("endswith", Token::Word(field), Token::Text(text)) => (Function::EndsWith, field, text),
            _ => return Err(format!("'{name}' is no function of a field and a text.")),
        };
        Ok(Filter::Text { field: self.field(&field, Use::Function(function))?, function, literal })
    }

    /// The path of a field, if the list can be filtered by it in this way.
    fn field(&self, written: &str, how: Use) -> Result<Vec<String>, String> {
        let field: Vec<String> = written.split('/').map(str::to_owned).collect();
        if let Some(variable) = &self.variable {
            return match field.split_first() {
                Some((first, rest)) if first == variable => Ok(rest.to_vec()),
                _ => Err(format!("'{written}' does not begin with '{variable}'.")),
            };
        }
        let bare = field.strip_prefix(&["properties".to_owned()][..]).unwrap_or(&field);
        let first = bare.first().map(String::as_str).unwrap_or_default();
        let known = self.fields.split(' ').find_map(|known| {
            let end = known.find(['=', '~', '<', '*']).unwrap_or(known.len());
            let (name, suffix) = known.split_at_checked(end)?;
            name.eq_ignore_ascii_case(first).then_some(suffix)
        });
        match known {
            Some(suffix) if !how.is_allowed(suffix) => {
                Err(format!("'{written}' cannot be filtered by this operator or function."))
            }
            None if !self.fields.is_empty() && bare.len() < 2 => {
                let names =
                    self.fields.split(' ').map(|it| it.split(['=', '~', '<', '*']).next().unwrap_or(it));
                let names = names.collect::<Vec<_>>().join(", ");
                Err(format!("'{written}' is no field of this list that can be filtered: {names} are."))
            }
            _ => Ok(bare.to_vec()),
        }
    }
}

/// What a condition does with a field.
#[derive(Clone, Copy)]
enum Use {
    Operator(Operator),
    Function(Function),
    Items,
}

impl Use {
    /// Whether the table of operations allows it: the suffix of a field says what (management-api.md §1.1).
    fn is_allowed(self, suffix: &str) -> bool {
        matches!(
            (suffix, self),
            ("" | "*", Self::Operator(_) | Self::Function(_))
                | ("*", Self::Items)
                | ("~", Self::Operator(_))
                | ("=" | "=!" | "=c" | "=f", Self::Operator(Operator::Eq))
                | ("=!", Self::Operator(Operator::Ne))
                | ("<>", Self::Operator(Operator::Ge | Operator::Le))
                | ("=c", Self::Function(Function::Contains))
                | ("=f", Self::Function(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(text: &str) -> bool {
        let item = json!({"name": "orders", "properties": {"displayName": "It's Orders", "isCurrent": true, "count": 3,
            "expirationDate": "2026-05-01T00:00:00Z", "tags": ["a", "b"], "links": [{"to": "x"}]}});
        Filter::parse(text, "").unwrap_or_else(|error| panic!("{text}: {error:?}")).accepts(&item)
    }

    #[test]
    fn filter_compares_and_searches() {
        for (text, fits) in [
            ("name eq 'ORDERS'", true),
            ("properties/displayName eq 'it''s orders'", true),
            ("contains(displayName,'order') and not (name eq 'x')", true),
            ("substringof('zzz', name) or startswith(name,'ord')", true),
            ("endswith(name,'rd')", false),
            ("isCurrent eq true", true),
            ("count gt 2 and count le 3", true),
            ("expirationDate lt datetime'2026-06-01T00:00:00Z'", true),
            ("nothing eq null", true),
            ("tags/any(tag: tag eq 'B')", true),
            ("tags/any(tag : contains(tag,'c')) or tags/all(t: t ne 'c')", true),
            ("tags/all(tag: tag eq 'a')", false),
            ("links/any(l: l/to eq 'x')", true),
        ] {
            assert_eq!(accepts(text), fits, "{text}");
        }
    }

    #[test]
    fn filter_refuses_what_it_does_not_know() {
        for text in
            ["name", "name eq", "name is 'x'", "name eq 'x", "f(name)", "name eq 'x' name", "(name eq 'x'"]
        {
            assert!(Filter::parse(text, "").is_err(), "{text}");
        }
        assert!(Filter::parse("path eq 'x'", "name displayName").is_err());
        for (text, is_good) in [
            ("isCurrent eq true", true),
            ("isCurrent ne true", true),
            ("isCurrent gt true", false),
            ("contains(isCurrent,'x')", false),
            ("state eq 'x'", true),
            ("startswith(state,'x')", false),
            ("contains(text,'x')", true),
            ("startswith(all,'x')", true),
            ("at ge 3 and at le 4", true),
            ("at eq 3", false),
            ("date gt 3", true),
            ("contains(date,'x')", false),
            ("tags/any(t: t eq 'x')", true),
            ("state/any(t: t eq 'x')", false),
            ("tags/any(t: u eq 'x')", false),
            ("tags/any(t: t/any(u: u eq 'x'))", false),
        ] {
            let fields = "name isCurrent=! state= text=c all=f at<> date~ tags*";
            assert_eq!(Filter::parse(text, fields).is_ok(), is_good, "{text}");
        }
        assert!(Filter::parse(&"(".repeat(1000), "").is_err());
    }
}
