//! Conditions, without a value around them.

use super::{Fault, Vm};
use crate::code::{Node, Number};
use crate::value::Value;

impl Vm<'_> {
    /// Whether a node that the binder has made a `bool` holds.
    pub(super) fn truth(&mut self, node: &Node) -> Result<bool, Fault> {
        Ok(match node {
            Node::Compare { operator, number: Number::I32, operands } => {
                let a = self.integer(&operands.0)?;
                let b = self.integer(&operands.1)?;
                super::arithmetic::holds(*operator, a.cmp(&b))
            }
            Node::Compare { operator, number, operands } => {
                let a = self.evaluate(&operands.0)?;
                let b = self.evaluate(&operands.1)?;
                super::arithmetic::compare(*operator, *number, &a, &b)
            }
            Node::StringEquals(wanted, operands) | Node::Same(wanted, operands) => {
                let a = self.evaluate(&operands.0)?;
                let b = self.evaluate(&operands.1)?;
                a.same(&b) == *wanted
            }
            Node::AndAlso(operands) => self.truth(&operands.0)? && self.truth(&operands.1)?,
            Node::OrElse(operands) => self.truth(&operands.0)? || self.truth(&operands.1)?,
            Node::Not(value) => !self.truth(value)?,
            other => matches!(self.evaluate(other)?, Value::Bool(true)),
        })
    }
}
