//! Reading `XPath` expressions.

use super::super::name::{continues_name, starts_name};
use super::error;
use crate::clr::exception::{Error, Result};

/// Expressions inside expressions.
const NESTING_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Child,
    Attribute,
    Itself,
    Parent,
    Descendant,
    DescendantOrSelf,
    Ancestor,
    AncestorOrSelf,
    FollowingSibling,
    PrecedingSibling,
}

#[derive(Debug)]
pub(super) enum Test {
    Any,
    Star,
    Text,
    Comment,
    Instruction,
    Name(String),
}

#[derive(Debug)]
pub(super) struct Step {
    pub axis: Axis,
    pub test: Test,
    pub predicates: Vec<Expression>,
}

#[derive(Debug)]
pub(super) struct Path {
    pub absolute: bool,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// The same with the sides exchanged.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    pub(super) fn texts(self, a: &str, b: &str) -> bool {
        if self == Self::NotEqual { a != b } else { a == b }
    }

    #[allow(clippy::float_cmp, reason = "XPath compares exactly")]
    pub(super) fn numbers(self, a: f64, b: f64) -> bool {
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        }
    }
}

#[derive(Debug)]
pub(super) enum Expression {
    Text(String),
    Number(f64),
    Path(Path),
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Compare(Box<Expression>, Comparison, Box<Expression>),
    Union(Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
}

/// The whole of an expression.
pub(super) fn parse(text: &str) -> Result<Expression> {
    let mut parser = Parser { text, at: 0, nesting: 0 };
    let expression = parser.or()?;
    parser.spaces();
    if parser.rest().is_empty() { Ok(expression) } else { Err(parser.invalid()) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn invalid(&self) -> Error {
        error(&format!("'{}' has an invalid token.", self.text))
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, wanted: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// An operator that is a word.
    fn word(&mut self, wanted: &str) -> bool {
        self.spaces();
        let found = self.rest().strip_prefix(wanted).is_some_and(|tail| !tail.starts_with(continues_name));
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn or(&mut self) -> Result<Expression> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(error("The xpath query is too complex."));
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        self.nesting -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression> {
        let mut left = self.comparison()?;
        while self.word("and") {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression> {
        const OPERATORS: [(&str, Comparison); 6] = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut left = self.union()?;
        while let Some((_, operator)) = OPERATORS.iter().find(|(text, _)| self.take(text)) {
            left = Expression::Compare(Box::new(left), *operator, Box::new(self.union()?));
        }
        Ok(left)
    }

    fn union(&mut self) -> Result<Expression> {
        let mut left = self.primary()?;
        while self.take("|") {
            left = Expression::Union(Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expression> {
        self.spaces();
        if self.take("(") {
            let inner = self.or()?;
            return if self.take(")") { Ok(inner) } else { Err(self.invalid()) };
        }
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let body = rest.get(1..).unwrap_or_default();
            let end = body.find(quote).ok_or_else(|| error("This is an unclosed string."))?;
            let text = body.get(..end).unwrap_or_default().to_owned();
            self.at += end + 2;
            return Ok(Expression::Text(text));
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let number =
                rest.get(..digits).and_then(|text| text.parse().ok()).ok_or_else(|| self.invalid())?;
            self.at += digits;
            return Ok(Expression::Number(number));
        }
        if let Some(call) = self.call()? {
            return Ok(call);
        }
        Ok(Expression::Path(self.path()?))
    }

    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        if !rest.starts_with(starts_name) {
            return None;
        }
        let end = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
        let name = rest.get(..end)?.to_owned();
        self.at += end;
        Some(name)
    }

    /// A function call; node tests look alike and are none.
    fn call(&mut self) -> Result<Option<Expression>> {
        let start = self.at;
        let Some(name) = self.name() else { return Ok(None) };
        let is_test = matches!(name.as_str(), "text" | "node" | "comment" | "processing-instruction");
        if is_test || !self.take("(") {
            self.at = start;
            return Ok(None);
        }
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.or()?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(self.invalid());
                }
            }
        }
        Ok(Some(Expression::Call(name, arguments)))
    }

    fn path(&mut self) -> Result<Path> {
        let mut steps = Vec::new();
        let absolute = self.rest().starts_with('/');
        let everywhere = || Step { axis: Axis::DescendantOrSelf, test: Test::Any, predicates: Vec::new() };
        if self.take("//") {
            steps.push(everywhere());
        } else if self.take("/") {
            self.spaces();
            if !self.rest().starts_with(|c| starts_name(c) || matches!(c, '*' | '@' | '.')) {
                return Ok(Path { absolute, steps });
            }
        }
        loop {
            steps.push(self.step()?);
            if self.take("//") {
                steps.push(everywhere());
            } else if !self.take("/") {
                return Ok(Path { absolute, steps });
            }
        }
    }

    fn step(&mut self) -> Result<Step> {
        self.spaces();
        let short = |axis, test| Step { axis, test, predicates: Vec::new() };
        if self.take("..") {
            return Ok(short(Axis::Parent, Test::Any));
        }
        if self.take(".") {
            return Ok(short(Axis::Itself, Test::Any));
        }
        let axis = if self.take("@") { Axis::Attribute } else { self.axis()? };
        let test = self.test()?;
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.or()?);
            if !self.take("]") {
                return Err(self.invalid());
            }
        }
        Ok(Step { axis, test, predicates })
    }

    fn axis(&mut self) -> Result<Axis> {
        const AXES: [(&str, Axis); 10] = [
            ("child::", Axis::Child),
            ("attribute::", Axis::Attribute),
            ("self::", Axis::Itself),
            ("parent::", Axis::Parent),
            ("descendant::", Axis::Descendant),
            ("descendant-or-self::", Axis::DescendantOrSelf),
            ("ancestor::", Axis::Ancestor),
            ("ancestor-or-self::", Axis::AncestorOrSelf),
            ("following-sibling::", Axis::FollowingSibling),
            ("preceding-sibling::", Axis::PrecedingSibling),
        ];
        Ok(AXES.iter().find(|(text, _)| self.take(text)).map_or(Axis::Child, |(_, axis)| *axis))
    }

    fn test(&mut self) -> Result<Test> {
        if self.take("*") {
            return Ok(Test::Star);
        }
        let Some(name) = self.name() else { return Err(self.invalid()) };
        if self.rest().starts_with(':') {
            return Err(error(
                "Namespace Manager or XsltContext needed. This query has a prefix, variable, or user-defined function.",
            ));
        }
        let kind = match name.as_str() {
            "text" => Some(Test::Text),
            "node" => Some(Test::Any),
            "comment" => Some(Test::Comment),
            "processing-instruction" => Some(Test::Instruction),
            _ => None,
        };
        match kind {
            Some(kind) if self.take("(") => {
                if self.take(")") {
                    Ok(kind)
                } else {
                    Err(self.invalid())
                }
            }
            _ => Ok(Test::Name(name)),
        }
    }
}
