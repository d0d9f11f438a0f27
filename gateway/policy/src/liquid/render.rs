//! Running a template, under limits.

use std::collections::HashMap;
use std::rc::Rc;

use gateway_expression::clr::date_time::DateTime;
use thiserror::Error;

use super::condition::holds;
use super::filters;
use super::node::{Condition, Expression, For, Node, NodeKind, Operand, Segment};
use super::numbers::as_int;
use super::parser::Template;
use super::value::{Hash, Value};

/// What one rendering may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes written, and bytes of any value made on the way.
    pub bytes_max: usize,
    /// Tags, outputs, filters and rounds of loops together; a filter also counts one for each 256 bytes
    /// and each item that it makes.
    pub steps_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 4 << 20, steps_max: 1_000_000 }
    }
}

/// Why a rendering ended early.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("Liquid error on line {line}: {message}")]
pub struct RenderError {
    pub line: u32,
    pub message: String,
}

/// Names that a template finds at its top, beside its own.
pub trait Scope {
    fn get(&self, name: &str) -> Option<Value>;
    /// For the `Date` filter's `now`.
    fn now(&self) -> DateTime;
}

impl Template {
    /// Writes the template out.
    pub fn render(&self, scope: &dyn Scope, limits: Limits) -> Result<String, RenderError> {
        let mut renderer = Renderer {
            scope,
            limits,
            steps: 0,
            out: String::new(),
            names: vec![HashMap::new()],
            known: HashMap::new(),
            counters: HashMap::new(),
            cycles: HashMap::new(),
            captured: 0,
        };
        renderer.run(&self.nodes)?;
        Ok(renderer.out)
    }
}

/// How a run of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signal {
    Done,
    Break,
    Continue,
}

struct Renderer<'s> {
    scope: &'s dyn Scope,
    limits: Limits,
    steps: u64,
    out: String,
    /// Innermost last.
    names: Vec<HashMap<Box<str>, Value>>,
    /// What the scope has given before.
    known: HashMap<Box<str>, Value>,
    counters: HashMap<Box<str>, i64>,
    cycles: HashMap<Box<str>, usize>,
    /// Bytes written outside of the capture that is open.
    captured: usize,
}

type Rendered<T> = Result<T, RenderError>;

impl Renderer<'_> {
    fn run(&mut self, nodes: &[Node]) -> Rendered<Signal> {
        for node in nodes {
            self.charge(1, node.line)?;
            match self.node(node)? {
                Signal::Done => {}
                signal => return Ok(signal),
            }
        }
        Ok(Signal::Done)
    }

    fn charge(&mut self, steps: u64, line: u32) -> Rendered<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps_max {
            let message = format!("The template takes more than {} steps.", self.limits.steps_max);
            return Err(RenderError { line, message });
        }
        Ok(())
    }

    fn write(&mut self, text: &str, line: u32) -> Rendered<()> {
        let max = self.limits.bytes_max;
        if self.captured + self.out.len() + text.len() > max {
            return Err(RenderError { line, message: format!("The result is longer than {max} bytes.") });
        }
        self.out.push_str(text);
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Rendered<Signal> {
        let line = node.line;
        match &node.kind {
            NodeKind::Text(text) => self.write(text, line)?,
            NodeKind::Output(expression) => {
                let text = self.expression(expression, line)?.to_text();
                self.write(&text, line)?;
            }
            NodeKind::Assign(name, expression) => {
                let value = self.expression(expression, line)?;
                self.assign(name, value);
            }
            NodeKind::Capture(name, body) => return self.capture(name, body),
            NodeKind::If(branches) => {
                for (condition, body) in branches {
                    self.charge(1, line)?;
                    if condition.as_ref().is_none_or(|condition| self.condition(condition)) {
                        return self.run(body);
                    }
                }
            }
            NodeKind::For(looped) => self.repeat(looped, line)?,
            NodeKind::Cycle(group, values) => {
                let count = self.cycles.entry(group.clone()).or_default();
                let turn = *count % values.len().max(1);
                *count += 1;
                let text = values.get(turn).map(|value| self.operand(value).to_text()).unwrap_or_default();
                self.write(&text, line)?;
            }
            NodeKind::Count(name, step) => {
                let counter = self.counters.entry(name.clone()).or_default();
                // `increment` shows the value before, `decrement` the value behind.
                let before = *counter;
                *counter = counter.saturating_add(*step);
                let shown = if *step > 0 { before } else { *counter };
                self.write(&shown.to_string(), line)?;
            }
            NodeKind::Break => return Ok(Signal::Break),
            NodeKind::Continue => return Ok(Signal::Continue),
        }
        Ok(Signal::Done)
    }

    /// Assignments go to the outermost scope, so that they outlive the loop they stand in.
    fn assign(&mut self, name: &str, value: Value) {
        if let Some(outermost) = self.names.first_mut() {
            outermost.insert(name.into(), value);
        }
    }

    fn capture(&mut self, name: &str, body: &[Node]) -> Rendered<Signal> {
        let outer = std::mem::take(&mut self.out);
        let before = self.captured;
        self.captured += outer.len();
        let signal = self.run(body)?;
        let text = std::mem::replace(&mut self.out, outer);
        self.captured = before;
        self.assign(name, Value::text(&text));
        Ok(signal)
    }

    fn repeat(&mut self, looped: &For, line: u32) -> Rendered<()> {
        let items = self.items(looped, line)?;
        if items.is_empty() {
            return self.run(&looped.otherwise).map(|_| ());
        }
        let count = items.len();
        self.names.push(HashMap::new());
        for (index, item) in items.into_iter().enumerate() {
            self.charge(1, line)?;
            if let Some(names) = self.names.last_mut() {
                names.insert(looped.variable.clone(), item);
                names.insert("forloop".into(), for_loop(index, count));
            }
            if self.run(&looped.body)? == Signal::Break {
                break;
            }
            if looped.json_array && index + 1 < count {
                self.write(",", line)?;
            }
        }
        self.names.pop();
        Ok(())
    }

    fn items(&mut self, looped: &For, line: u32) -> Rendered<Vec<Value>> {
        let number = |operand: &Option<Operand>, this: &Self| {
            operand.as_ref().and_then(|operand| as_int(&this.operand(operand))).map(|n| n.max(0) as usize)
        };
        let offset = number(&looped.offset, self).unwrap_or(0);
        let limit = number(&looped.limit, self).unwrap_or(usize::MAX);
        let items = if let Operand::Range(from, to) = &looped.collection {
            self.range(from, to, line)?
        } else {
            let collection = self.operand(&looped.collection);
            if looped.json_array { collection.json_items() } else { collection.items() }
        };
        let mut items: Vec<_> = items.into_iter().skip(offset).take(limit).collect();
        if looped.reversed {
            items.reverse();
        }
        Ok(items)
    }

    /// The numbers of a range; refused before they are made when the steps do not suffice for them.
    fn range(&mut self, from: &Operand, to: &Operand, line: u32) -> Rendered<Vec<Value>> {
        let bounds = (as_int(&self.operand(from)), as_int(&self.operand(to)));
        let (Some(from), Some(to)) = bounds else { return Ok(Vec::new()) };
        self.charge(to.saturating_sub(from).max(0) as u64, line)?;
        Ok((from..=to).map(Value::Int).collect())
    }

    fn condition(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Truth(operand) => self.operand(operand).is_true(),
            Condition::Compare(left, comparison, right) => {
                holds(&self.operand(left), *comparison, &self.operand(right))
            }
            Condition::And(left, right) => self.condition(left) && self.condition(right),
            Condition::Or(left, right) => self.condition(left) || self.condition(right),
            Condition::Not(inner) => !self.condition(inner),
        }
    }

    fn expression(&mut self, expression: &Expression, line: u32) -> Rendered<Value> {
        self.learn(&expression.operand);
        let mut value = match &expression.operand {
            Operand::Range(from, to) => Value::list(self.range(from, to, line)?),
            operand => self.operand(operand),
        };
        for (filter, arguments) in &expression.filters {
            let arguments: Vec<_> = arguments.iter().map(|argument| self.operand(argument)).collect();
            let call = filters::Call { now: self.scope.now(), bytes_max: self.limits.bytes_max };
            value =
                call.apply(*filter, &value, &arguments).map_err(|message| RenderError { line, message })?;
            let made = match &value {
                Value::Str(text) => text.len() as u64 / 256,
                Value::List(items) => items.len() as u64,
                _ => 0,
            };
            self.charge(1 + made, line)?;
        }
        Ok(value)
    }

    /// Keeps what the scope gives: `body` is read once.
    fn learn(&mut self, operand: &Operand) {
        if let Operand::Path(name, _) = operand
            && !self.known.contains_key(name)
            && let Some(value) = self.scope.get(name)
        {
            self.known.insert(name.clone(), value);
        }
    }

    fn operand(&self, operand: &Operand) -> Value {
        match operand {
            Operand::Nil => Value::Nil,
            Operand::Empty => Value::Empty,
            Operand::Bool(value) => Value::Bool(*value),
            Operand::Int(value) => Value::Int(*value),
            Operand::Double(value) => Value::Double(*value),
            Operand::Text(text) => Value::text(text),
            // Only loops make numbers out of a range, under their limit.
            Operand::Range(..) => Value::Nil,
            Operand::Path(name, segments) => self.path(name, segments),
        }
    }

    fn path(&self, name: &str, segments: &[Segment]) -> Value {
        let own = self.names.iter().rev().find_map(|names| names.get(name)).cloned();
        let counted = || self.counters.get(name).map(|count| Value::Int(*count));
        let found = own.or_else(counted).or_else(|| self.known.get(name).cloned());
        let mut value = found.or_else(|| self.scope.get(name)).unwrap_or(Value::Nil);
        for segment in segments {
            value = match segment {
                Segment::Name(name) => member(&value, name),
                Segment::Index(index) => match self.operand(index) {
                    Value::Int(index) => element(&value, index),
                    key => member(&value, &key.to_text()),
                },
            };
        }
        value
    }
}

/// A member by name: an entry, else `size`, `first` and `last`.
fn member(value: &Value, name: &str) -> Value {
    if let Value::Hash(hash) = value
        && let Some(found) = hash.get(name)
    {
        return found.clone();
    }
    match (value, name) {
        (Value::List(items), "size") => Value::Int(items.len() as i64),
        (Value::List(items), "first") => items.first().cloned().unwrap_or(Value::Nil),
        (Value::List(items), "last") => items.last().cloned().unwrap_or(Value::Nil),
        (Value::Pair(key, _), "Key" | "key") => Value::Str(Rc::clone(key)),
        (Value::Pair(_, value), "Value" | "value") => (**value).clone(),
        (Value::Hash(hash), "size") => Value::Int(hash.entries.len() as i64),
        (Value::Str(text), "size") => Value::Int(text.encode_utf16().count() as i64),
        _ => Value::Nil,
    }
}

/// An item by its number; negative numbers count from the end.
fn element(value: &Value, index: i64) -> Value {
    let items = match value {
        Value::List(items) => Rc::clone(items),
        Value::Pair(..) => Rc::new(value.items()),
        _ => return Value::Nil,
    };
    let index = if index < 0 { index + items.len() as i64 } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().unwrap_or(Value::Nil)
}

fn for_loop(index: usize, count: usize) -> Value {
    let left = count - index;
    let mut hash = Hash::default();
    let mut put = |name: &str, value| hash.entries.insert(name.into(), value);
    put("length", Value::Int(count as i64));
    put("index", Value::Int(index as i64 + 1));
    put("index0", Value::Int(index as i64));
    put("rindex", Value::Int(left as i64));
    put("rindex0", Value::Int(left as i64 - 1));
    put("first", Value::Bool(index == 0));
    put("last", Value::Bool(left == 1));
    Value::Hash(hash.into())
}
