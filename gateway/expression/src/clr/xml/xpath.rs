//! `SelectNodes` and `SelectSingleNode`: `XPath` 1.0 without namespaces, variables and arithmetic.

mod function;
mod parser;

use super::attribute::XAttribute;
use super::node::{NodeType, XNode};
use crate::clr::exception::{Error, ExceptionKind, Result};
use parser::{Axis, Comparison, Expression, Path, Step, Test};

/// Nodes one expression may look at.
const STEPS_MAX: usize = 4_000_000;

/// What a path finds.
#[derive(Clone, Debug)]
pub enum Selected {
    /// A node.
    Node(XNode),
    /// An attribute.
    Attribute(XAttribute),
}

impl Selected {
    /// The string value (`InnerText`).
    pub fn value(&self) -> String {
        match self {
            Self::Node(node) => node.value(),
            Self::Attribute(attribute) => attribute.value(),
        }
    }

    fn local_name(&self) -> String {
        match self {
            Self::Node(node) => match node.name() {
                Some(name) => name.local().to_owned(),
                None => node.target().unwrap_or_default(),
            },
            Self::Attribute(attribute) => attribute.name().local().to_owned(),
        }
    }

    /// Whether both are the same node or attribute.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Node(a), Self::Node(b)) => a.same(b),
            (Self::Attribute(a), Self::Attribute(b)) => a.same(b),
            _ => false,
        }
    }
}

/// The nodes an expression selects, seen from a node.
///
/// # Errors
/// `XPathException` for a malformed expression, or one that gives no nodes.
pub fn select(node: &XNode, expression: &str) -> Result<Vec<Selected>> {
    let parsed = parser::parse(expression)?;
    let mut evaluation = Evaluation { steps_left: STEPS_MAX };
    let context = Context { item: &Selected::Node(node.clone()), position: 1, size: 1 };
    match evaluation.value(&parsed, &context)? {
        Value::Nodes(nodes) => Ok(nodes),
        _ => Err(error("Expression must evaluate to a node-set.")),
    }
}

fn error(text: &str) -> Error {
    Error::new(ExceptionKind::XPath, text)
}

enum Value {
    Nodes(Vec<Selected>),
    Text(String),
    Number(f64),
    Truth(bool),
}

impl Value {
    fn truth(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => !number.is_nan() && *number != 0.0,
            Self::Truth(truth) => *truth,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Nodes(nodes) => nodes.first().map(Selected::value).unwrap_or_default(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => crate::clr::number::format::double_text(*number),
            Self::Truth(truth) => super::convert::boolean_text(*truth).to_owned(),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Truth(truth) => f64::from(u8::from(*truth)),
            other => other.text().trim().parse().unwrap_or(f64::NAN),
        }
    }
}

struct Context<'a> {
    item: &'a Selected,
    position: usize,
    size: usize,
}

struct Evaluation {
    steps_left: usize,
}

impl Evaluation {
    fn value(&mut self, expression: &Expression, context: &Context<'_>) -> Result<Value> {
        Ok(match expression {
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Path(path) => Value::Nodes(self.path(path, context.item)?),
            Expression::Or(a, b) => {
                Value::Truth(self.value(a, context)?.truth() || self.value(b, context)?.truth())
            }
            Expression::And(a, b) => {
                Value::Truth(self.value(a, context)?.truth() && self.value(b, context)?.truth())
            }
            Expression::Compare(a, comparison, b) => {
                let (a, b) = (self.value(a, context)?, self.value(b, context)?);
                Value::Truth(self.compare(&a, *comparison, &b)?)
            }
            Expression::Union(a, b) => match (self.value(a, context)?, self.value(b, context)?) {
                (Value::Nodes(mut nodes), Value::Nodes(more)) => {
                    for item in more {
                        self.push_new(&mut nodes, item)?;
                    }
                    Value::Nodes(nodes)
                }
                _ => return Err(error("Expression must evaluate to a node-set.")),
            },
            Expression::Call(name, arguments) => self.call(name, arguments, context)?,
        })
    }

    fn step(&mut self) -> Result<()> {
        self.steps_left =
            self.steps_left.checked_sub(1).ok_or_else(|| Error::of(ExceptionKind::OutOfMemory))?;
        Ok(())
    }

    fn push_new(&mut self, nodes: &mut Vec<Selected>, item: Selected) -> Result<()> {
        for known in nodes.iter() {
            self.step()?;
            if known.same(&item) {
                return Ok(());
            }
        }
        nodes.push(item);
        Ok(())
    }

    fn path(&mut self, path: &Path, from: &Selected) -> Result<Vec<Selected>> {
        let start = if path.absolute { top(from) } else { from.clone() };
        let mut current = vec![start];
        for step in &path.steps {
            // Several starting points may lead to one node.
            let unique =
                current.len() > 1 && !matches!(step.axis, Axis::Child | Axis::Attribute | Axis::Itself);
            let mut found: Vec<Selected> = Vec::new();
            for item in &current {
                for next in self.one_step(step, item)? {
                    if unique {
                        self.push_new(&mut found, next)?;
                    } else {
                        found.push(next);
                    }
                }
            }
            current = found;
        }
        Ok(current)
    }

    fn one_step(&mut self, step: &Step, item: &Selected) -> Result<Vec<Selected>> {
        let mut found = Vec::new();
        for candidate in along(step.axis, item) {
            self.step()?;
            if matches_test(&step.test, &candidate, step.axis) {
                found.push(candidate);
            }
        }
        for predicate in &step.predicates {
            let size = found.len();
            let mut kept = Vec::new();
            for (index, item) in found.into_iter().enumerate() {
                self.step()?;
                let context = Context { item: &item, position: index + 1, size };
                let keep = match self.value(predicate, &context)? {
                    Value::Number(number) => (number - (index + 1) as f64).abs() < f64::EPSILON,
                    other => other.truth(),
                };
                if keep {
                    kept.push(item);
                }
            }
            found = kept;
        }
        Ok(found)
    }

    fn compare(&mut self, a: &Value, comparison: Comparison, b: &Value) -> Result<bool> {
        match (a, b) {
            (Value::Nodes(nodes), Value::Truth(truth)) | (Value::Truth(truth), Value::Nodes(nodes)) => {
                Ok(comparison.texts(&(!nodes.is_empty()).to_string(), &truth.to_string()))
            }
            (Value::Nodes(left), _) => {
                for item in left {
                    self.step()?;
                    let one = match b {
                        Value::Number(_) => Value::Number(Value::Text(item.value()).number()),
                        _ => Value::Text(item.value()),
                    };
                    if self.compare(&one, comparison, b)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (_, Value::Nodes(_)) => self.compare(b, comparison.turned(), a),
            (Value::Truth(_), _) | (_, Value::Truth(_)) => {
                Ok(comparison.numbers(f64::from(u8::from(a.truth())), f64::from(u8::from(b.truth()))))
            }
            (Value::Text(a), Value::Text(b)) if comparison.is_equality() => Ok(comparison.texts(a, b)),
            _ => Ok(comparison.numbers(a.number(), b.number())),
        }
    }
}

fn top(item: &Selected) -> Selected {
    let node = match item {
        Selected::Node(node) => Some(node.clone()),
        Selected::Attribute(attribute) => attribute.parent(),
    };
    let top = node.and_then(|node| std::iter::successors(Some(node), XNode::container).last());
    top.map_or_else(|| item.clone(), Selected::Node)
}

/// The nodes of an axis, nearest first.
fn along(axis: Axis, item: &Selected) -> Vec<Selected> {
    let Selected::Node(node) = item else {
        let Selected::Attribute(attribute) = item else { return Vec::new() };
        return match axis {
            Axis::Itself | Axis::DescendantOrSelf | Axis::AncestorOrSelf => vec![item.clone()],
            Axis::Parent => attribute.parent().map(Selected::Node).into_iter().collect(),
            _ => Vec::new(),
        };
    };
    let itself = || vec![node.clone()];
    let up = || std::iter::successors(node.container(), XNode::container).collect::<Vec<_>>();
    let nodes = match axis {
        Axis::Attribute => {
            let own = node.attributes().into_iter().filter(|one| !one.is_namespace_declaration());
            return own.map(Selected::Attribute).collect();
        }
        Axis::Child => node.nodes(),
        Axis::Itself => itself(),
        Axis::Parent => node.container().into_iter().collect(),
        Axis::Descendant => node.descendant_nodes(),
        Axis::DescendantOrSelf => [itself(), node.descendant_nodes()].concat(),
        Axis::Ancestor => up(),
        Axis::AncestorOrSelf => [itself(), up()].concat(),
        Axis::FollowingSibling => node.nodes_after(),
        Axis::PrecedingSibling => node.nodes_before().into_iter().rev().collect(),
    };
    nodes.into_iter().map(Selected::Node).collect()
}

fn matches_test(test: &Test, item: &Selected, axis: Axis) -> bool {
    let kind = match item {
        Selected::Node(node) => node.node_type(),
        Selected::Attribute(_) => NodeType::Attribute,
    };
    let principal = if axis == Axis::Attribute { NodeType::Attribute } else { NodeType::Element };
    match test {
        Test::Any => true,
        Test::Text => matches!(kind, NodeType::Text | NodeType::CData),
        Test::Comment => kind == NodeType::Comment,
        Test::Instruction => kind == NodeType::ProcessingInstruction,
        Test::Star => kind == principal,
        Test::Name(name) => kind == principal && without_namespace(item) && item.local_name() == *name,
    }
}

fn without_namespace(item: &Selected) -> bool {
    match item {
        Selected::Node(node) => node.name().is_some_and(|name| name.namespace().is_empty()),
        Selected::Attribute(attribute) => attribute.name().namespace().is_empty(),
    }
}
