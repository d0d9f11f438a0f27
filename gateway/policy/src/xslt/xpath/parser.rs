//! Expressions from tokens (`XPath` 1.0 §2 and §3).

use std::sync::Arc;

use super::lexer::{Token, tokens};
use super::{Axis, Comparison, Expr, Function, Operator, Scope, Start, Step, Test};
use crate::xslt::Error;
use crate::xslt::tree::Name;

/// Namespaces whose `node-set()` and `object-type()` are known.
const EXTENSIONS: &[&str] = &["urn:schemas-microsoft-com:xslt", "http://exslt.org/common"];

/// Nested parentheses, predicates and arguments.
const DEPTH_MAX: u32 = 40;

/// Operators in a row: a chain of them is as deep as it is long.
const CHAIN_MAX: u32 = 200;

/// Reads an expression.
pub fn parse(text: &str, scope: &dyn Scope) -> Result<Expr, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0, chain: 0, scope };
    let expr = parser.or()?;
    if parser.at < tokens.len() {
        return Err(parser.unexpected());
    }
    Ok(expr)
}

struct Parser<'p> {
    text: &'p str,
    tokens: &'p [Token],
    at: usize,
    depth: u32,
    chain: u32,
    scope: &'p dyn Scope,
}

type Parsed = Result<Expr, Error>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Token::Mark(found)) if *found == mark)
    }

    fn is_at(&self, offset: usize, mark: &str) -> bool {
        matches!(self.tokens.get(self.at + offset), Some(Token::Mark(found)) if *found == mark)
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), Error> {
        if self.eat(mark) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        let found = match self.peek() {
            None => "end".to_owned(),
            Some(Token::Mark(mark)) => format!("'{}'", if *mark == "{any}" { "*" } else { mark }),
            Some(Token::Name(name) | Token::Variable(name)) => format!("'{name}'"),
            Some(Token::Literal(text)) => format!("'{text}'"),
            Some(Token::Number(number)) => format!("'{number}'"),
        };
        Error::new(format!("XPath expression '{}': unexpected {found}.", self.text))
    }

    /// Runs a rule one level deeper.
    fn nested<T>(&mut self, rule: fn(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEPTH_MAX {
            return Err(Error::new(format!("XPath expression '{}' is nested too deeply.", self.text)));
        }
        self.depth += 1;
        let found = rule(self);
        self.depth -= 1;
        found
    }

    fn linked(&mut self) -> Result<(), Error> {
        self.chain += 1;
        if self.chain > CHAIN_MAX {
            return Err(Error::new(format!("XPath expression '{}' has too many operators.", self.text)));
        }
        Ok(())
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.eat("or") {
            self.linked()?;
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.equality()?;
        while self.eat("and") {
            self.linked()?;
            left = Expr::And(Box::new(left), Box::new(self.equality()?));
        }
        Ok(left)
    }

    fn equality(&mut self) -> Parsed {
        let marks = [("=", Comparison::Equal), ("!=", Comparison::NotEqual)];
        self.compared(&marks, Self::relation)
    }

    fn relation(&mut self) -> Parsed {
        let marks = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        self.compared(&marks, Self::sum)
    }

    fn compared(&mut self, marks: &[(&str, Comparison)], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = operand(self)?;
        while let Some((mark, comparison)) = marks.iter().find(|(mark, _)| self.is(mark)) {
            self.eat(mark);
            self.linked()?;
            left = Expr::Compare(*comparison, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed {
        self.calculated(&[("+", Operator::Add), ("-", Operator::Subtract)], Self::product)
    }

    fn product(&mut self) -> Parsed {
        let marks = [("*", Operator::Multiply), ("div", Operator::Divide), ("mod", Operator::Remainder)];
        self.calculated(&marks, Self::unary)
    }

    fn calculated(&mut self, marks: &[(&str, Operator)], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = operand(self)?;
        while let Some((mark, operator)) = marks.iter().find(|(mark, _)| self.is(mark)) {
            self.eat(mark);
            self.linked()?;
            left = Expr::Arithmetic(*operator, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let mut minus = 0;
        while self.eat("-") {
            minus += 1;
        }
        let found = self.union()?;
        Ok(match minus {
            0 => found,
            n if n % 2 == 1 => Expr::Negate(Box::new(found)),
            _ => Expr::Negate(Box::new(Expr::Negate(Box::new(found)))),
        })
    }

    fn union(&mut self) -> Parsed {
        let mut left = self.path()?;
        while self.eat("|") {
            self.linked()?;
            left = Expr::Union(Box::new(left), Box::new(self.path()?));
        }
        Ok(left)
    }

    fn path(&mut self) -> Parsed {
        if self.is_primary() {
            let mut expr = self.primary()?;
            let predicates = self.predicates()?;
            if !predicates.is_empty() {
                expr = Expr::Filter(Box::new(expr), predicates);
            }
            if !self.is("/") && !self.is("//") {
                return Ok(expr);
            }
            let mut steps = Vec::new();
            self.steps(&mut steps)?;
            return Ok(Expr::Path(Start::Expr(Box::new(expr)), steps));
        }
        let mut steps = Vec::new();
        if self.is("/") && !self.starts_step(1) {
            self.at += 1;
            return Ok(Expr::Path(Start::Root, steps));
        }
        if self.is("/") || self.is("//") {
            self.steps(&mut steps)?;
            return Ok(Expr::Path(Start::Root, steps));
        }
        steps.push(self.step()?);
        self.steps(&mut steps)?;
        Ok(Expr::Path(Start::Context, steps))
    }

    /// `/step//step` until there is none.
    fn steps(&mut self, steps: &mut Vec<Step>) -> Result<(), Error> {
        loop {
            if self.eat("//") {
                steps.push(Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() });
            } else if !self.eat("/") {
                return Ok(());
            }
            self.linked()?;
            steps.push(self.step()?);
        }
    }

    fn starts_step(&self, offset: usize) -> bool {
        match self.tokens.get(self.at + offset) {
            Some(Token::Name(_)) => true,
            Some(Token::Mark(mark)) => matches!(*mark, "." | ".." | "@" | "{any}"),
            _ => false,
        }
    }

    fn is_primary(&self) -> bool {
        match self.peek() {
            Some(Token::Variable(_) | Token::Literal(_) | Token::Number(_)) => true,
            Some(Token::Mark(mark)) => *mark == "(",
            Some(Token::Name(name)) => self.is_at(1, "(") && !is_node_type(name),
            None => false,
        }
    }

    fn primary(&mut self) -> Parsed {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Variable(name)) => Ok(Expr::Variable(self.name(&name)?)),
            Some(Token::Literal(text)) => Ok(Expr::Literal(text.into())),
            Some(Token::Number(number)) => Ok(Expr::Number(number)),
            Some(Token::Mark(_)) => {
                let expr = self.nested(Self::or)?;
                self.expect(")")?;
                Ok(expr)
            }
            Some(Token::Name(name)) => self.call(&name),
            None => Err(self.unexpected()),
        }
    }

    fn call(&mut self, name: &str) -> Parsed {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                arguments.push(self.nested(Self::or)?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        if name == "document" {
            return Err(Error::new(
                "The XSLT function 'document()' is not supported by this gateway: nothing is ever loaded.",
            ));
        }
        let known = match name.split_once(':') {
            None => Function::named(name),
            Some((prefix, local)) => {
                let namespace = self.namespace(prefix)?;
                let is_known = EXTENSIONS.contains(&namespace.as_str());
                Function::named(&format!("{{{local}}}")).filter(|_| is_known)
            }
        };
        let Some((function, least, most)) = known else {
            return Err(Error::new(format!(
                "The XPath function '{name}()' is not supported by this gateway."
            )));
        };
        if !(least..=most).contains(&arguments.len()) {
            let count = arguments.len();
            return Err(Error::new(format!(
                "The XPath function '{name}()' does not take {count} argument(s)."
            )));
        }
        Ok(Expr::Call(function, arguments))
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, Error> {
        let mut found = Vec::new();
        while self.eat("[") {
            self.linked()?;
            found.push(self.nested(Self::or)?);
            self.expect("]")?;
        }
        Ok(found)
    }

    fn step(&mut self) -> Result<Step, Error> {
        let dots = [(".", Axis::SelfNode), ("..", Axis::Parent)];
        if let Some((mark, axis)) = dots.into_iter().find(|(mark, _)| self.is(mark)) {
            self.eat(mark);
            return Ok(Step { axis, test: Test::Node, predicates: Vec::new() });
        }
        let mut axis = Axis::Child;
        if self.eat("@") {
            axis = Axis::Attribute;
        } else if self.is_at(1, "::")
            && let Some(Token::Name(name)) = self.peek()
        {
            axis = axis_named(name).ok_or_else(|| self.unexpected())?;
            self.at += 2;
        }
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn test(&mut self) -> Result<Test, Error> {
        if self.eat("{any}") {
            return Ok(Test::Any);
        }
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.unexpected()) };
        if self.is_at(1, "(") && is_node_type(&name) {
            self.at += 2;
            let mut target = None;
            if let (Some(Token::Literal(text)), "processing-instruction") = (self.peek(), name.as_str()) {
                target = Some(Arc::from(text.as_str()));
                self.at += 1;
            }
            self.expect(")")?;
            return Ok(match name.as_str() {
                "node" => Test::Node,
                "text" => Test::Text,
                "comment" => Test::Comment,
                _ => Test::Instruction(target),
            });
        }
        self.at += 1;
        match name.strip_suffix(":*") {
            Some(prefix) => Ok(Test::Namespace(self.namespace(prefix)?.into())),
            None => Ok(Test::Name(self.name(&name)?)),
        }
    }

    /// A name without prefix is in no namespace.
    fn name(&self, name: &str) -> Result<Name, Error> {
        match name.split_once(':') {
            None => Ok(Name::new("", name)),
            Some((prefix, local)) => Ok(Name::new(&self.namespace(prefix)?, local)),
        }
    }

    fn namespace(&self, prefix: &str) -> Result<String, Error> {
        self.scope
            .namespace(prefix)
            .ok_or_else(|| Error::new(format!("Prefix '{prefix}' of '{}' is not declared.", self.text)))
    }
}

fn is_node_type(name: &str) -> bool {
    matches!(name, "node" | "text" | "comment" | "processing-instruction")
}

fn axis_named(name: &str) -> Option<Axis> {
    Some(match name {
        "ancestor" => Axis::Ancestor,
        "ancestor-or-self" => Axis::AncestorOrSelf,
        "attribute" => Axis::Attribute,
        "child" => Axis::Child,
        "descendant" => Axis::Descendant,
        "descendant-or-self" => Axis::DescendantOrSelf,
        "following" => Axis::Following,
        "following-sibling" => Axis::FollowingSibling,
        "namespace" => Axis::Namespace,
        "parent" => Axis::Parent,
        "preceding" => Axis::Preceding,
        "preceding-sibling" => Axis::PrecedingSibling,
        "self" => Axis::SelfNode,
        _ => return None,
    })
}
