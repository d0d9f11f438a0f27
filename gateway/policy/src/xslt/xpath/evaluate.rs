//! Evaluates expressions (`XPath` 1.0 §2, §3).

use std::rc::Rc;

use super::axis::select;
use super::functions;
use super::value::{Node, Value, string_of};
use super::{Comparison, Expr, Operator, Start, Step, numbers};
use crate::xslt::Error;
use crate::xslt::tree::{Name, Tree};

/// What expressions ask the transformation for.
pub trait Host {
    fn tree(&self, tree: u32) -> Option<&Tree>;

    fn variable(&self, name: &Name) -> Result<Value, Error>;

    /// Pays for work; an error when the transformation has had its share.
    fn charge(&self, steps: u64) -> Result<(), Error>;

    /// The nodes of the tree that a key gives for a value.
    fn key(&self, name: &str, value: &str, tree: u32) -> Result<Rc<[Node]>, Error>;

    fn format_number(&self, number: f64, pattern: &str, format: Option<&str>) -> Result<String, Error>;
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    pub host: &'c dyn Host,
    pub node: Node,
    pub position: usize,
    pub size: usize,
    /// `current()`
    pub current: Node,
}

type Found = Result<Value, Error>;

impl Context<'_> {
    pub fn value(&self, expr: &Expr) -> Found {
        self.host.charge(1)?;
        Ok(match expr {
            Expr::Or(a, b) => Value::Boolean(self.boolean(a)? || self.boolean(b)?),
            Expr::And(a, b) => Value::Boolean(self.boolean(a)? && self.boolean(b)?),
            Expr::Compare(comparison, a, b) => {
                Value::Boolean(self.compare(*comparison, &self.value(a)?, &self.value(b)?)?)
            }
            Expr::Arithmetic(operator, a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                Value::Number(match operator {
                    Operator::Add => a + b,
                    Operator::Subtract => a - b,
                    Operator::Multiply => a * b,
                    Operator::Divide => a / b,
                    Operator::Remainder => a % b,
                })
            }
            Expr::Negate(inner) => Value::Number(-self.number(inner)?),
            Expr::Union(a, b) => {
                let mut all = self.nodes(a)?.to_vec();
                all.extend(self.nodes(b)?.iter());
                Value::nodes(all)
            }
            Expr::Literal(text) => Value::text(text),
            Expr::Number(number) => Value::Number(*number),
            Expr::Variable(name) => self.host.variable(name)?,
            Expr::Call(function, arguments) => functions::call(self, *function, arguments)?,
            Expr::Filter(inner, predicates) => {
                let mut nodes = self.nodes(inner)?.to_vec();
                for predicate in predicates {
                    nodes = self.filtered(nodes, predicate)?;
                }
                Value::Nodes(nodes.into())
            }
            Expr::Path(start, steps) => self.path(start, steps)?,
        })
    }

    pub fn boolean(&self, expr: &Expr) -> Result<bool, Error> {
        Ok(self.value(expr)?.boolean())
    }

    pub fn number(&self, expr: &Expr) -> Result<f64, Error> {
        self.value(expr)?.number(self.host)
    }

    pub fn string(&self, expr: &Expr) -> Result<Rc<str>, Error> {
        self.value(expr)?.string(self.host)
    }

    /// A node-set, or an error that says what was found instead.
    pub fn nodes(&self, expr: &Expr) -> Result<Rc<[Node]>, Error> {
        match self.value(expr)? {
            Value::Nodes(nodes) => Ok(nodes),
            Value::Fragment(_) => Err(Error::new(
                "To use a result tree fragment in a path expression, first convert it to a node-set using the msxsl:node-set() function.",
            )),
            _ => Err(Error::new("Expression must evaluate to a node-set.")),
        }
    }

    fn path(&self, start: &Start, steps: &[Step]) -> Found {
        let mut nodes: Vec<Node> = match start {
            Start::Context => vec![self.node],
            Start::Root => vec![Node { tree: self.node.tree, index: 0 }],
            Start::Expr(inner) => self.nodes(inner)?.to_vec(),
        };
        for step in steps {
            let mut next = Vec::new();
            for node in &nodes {
                next.extend(self.step(*node, step)?);
            }
            if nodes.len() > 1 || step.axis.is_reverse() {
                next.sort_unstable();
                next.dedup();
            }
            nodes = next;
        }
        Ok(Value::Nodes(nodes.into()))
    }

    /// The nodes of one step from one node, in the order of the axis.
    fn step(&self, from: Node, step: &Step) -> Result<Vec<Node>, Error> {
        let mut found = select(self.host, from, step.axis, &step.test)?;
        for predicate in &step.predicates {
            found = self.filtered(found, predicate)?;
        }
        Ok(found)
    }

    /// The nodes for which a predicate holds; a number is a position.
    pub fn filtered(&self, nodes: Vec<Node>, predicate: &Expr) -> Result<Vec<Node>, Error> {
        let size = nodes.len();
        if let Expr::Number(number) = predicate {
            let found = (1..=size).find(|position| same(*position as f64, *number));
            return Ok(found.and_then(|position| nodes.get(position - 1).copied()).into_iter().collect());
        }
        let mut kept = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let inner = Context { node, position: index + 1, size, ..*self };
            let holds = match inner.value(predicate)? {
                Value::Number(number) => same(number, (index + 1) as f64),
                other => other.boolean(),
            };
            if holds {
                kept.push(node);
            }
        }
        Ok(kept)
    }

    /// §3.4: a node-set compares if any of its nodes does.
    fn compare(&self, comparison: Comparison, a: &Value, b: &Value) -> Result<bool, Error> {
        match (a, b) {
            (Value::Nodes(left), Value::Nodes(right)) => {
                let texts = |nodes: &[Node]| -> Result<Vec<String>, Error> {
                    nodes.iter().map(|node| string_of(self.host, *node)).collect()
                };
                let (left, right) = (texts(left)?, texts(right)?);
                for a in &left {
                    self.host.charge(right.len() as u64)?;
                    if right.iter().any(|b| compare_texts(comparison, a, b)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Nodes(nodes), other) => self.any(nodes, other, |node, other| (node, other), comparison),
            (other, Value::Nodes(nodes)) => self.any(nodes, other, |node, other| (other, node), comparison),
            (a, b) => self.compare_plain(comparison, a, b),
        }
    }

    fn any(
        &self,
        nodes: &[Node],
        other: &Value,
        arrange: fn(Value, Value) -> (Value, Value),
        comparison: Comparison,
    ) -> Result<bool, Error> {
        if let Value::Boolean(_) = other {
            let (a, b) = arrange(Value::Boolean(!nodes.is_empty()), other.clone());
            return self.compare_plain(comparison, &a, &b);
        }
        for node in nodes {
            let text = Value::Text(string_of(self.host, *node)?.into());
            let (a, b) = arrange(text, other.clone());
            if self.compare_plain(comparison, &a, &b)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare_plain(&self, comparison: Comparison, a: &Value, b: &Value) -> Result<bool, Error> {
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let is_equal = match (a, b) {
                (Value::Boolean(_), _) | (_, Value::Boolean(_)) => a.boolean() == b.boolean(),
                (Value::Number(_), _) | (_, Value::Number(_)) => {
                    same(a.number(self.host)?, b.number(self.host)?)
                }
                _ => a.string(self.host)? == b.string(self.host)?,
            };
            return Ok(is_equal == (comparison == Comparison::Equal));
        }
        Ok(compare_numbers(comparison, a.number(self.host)?, b.number(self.host)?))
    }
}

#[expect(clippy::float_cmp, reason = "the language compares numbers exactly")]
fn same(a: f64, b: f64) -> bool {
    a == b
}

fn compare_texts(comparison: Comparison, a: &str, b: &str) -> bool {
    match comparison {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        other => compare_numbers(other, numbers::number_of(a), numbers::number_of(b)),
    }
}

fn compare_numbers(comparison: Comparison, a: f64, b: f64) -> bool {
    match comparison {
        Comparison::Equal => same(a, b),
        Comparison::NotEqual => !same(a, b),
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    }
}
