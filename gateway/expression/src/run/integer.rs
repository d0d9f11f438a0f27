//! `int`, the number that policies calculate with, without a value around it.

use super::{Fault, Vm};
use crate::code::{Node, Number};
use crate::syntax::Constant;
use crate::value::Value;

impl Vm<'_> {
    /// A node that the binder has made an `int`.
    pub(super) fn integer(&mut self, node: &Node) -> Result<i32, Fault> {
        match node {
            Node::Const(Constant::I32(value)) => Ok(*value),
            Node::Local(local) if !local.cell => match self.stack.get(self.base + local.slot as usize) {
                Some(Value::I32(value)) => Ok(*value),
                _ => Err(Fault::null_reference()),
            },
            Node::Arithmetic { operator, number: Number::I32, checked, operands } => {
                let a = self.integer(&operands.0)?;
                let b = self.integer(&operands.1)?;
                super::arithmetic::i32s(*operator, *checked, a, b)
            }
            other => match self.evaluate(other)? {
                Value::I32(value) => Ok(value),
                _ => Err(Fault::null_reference()),
            },
        }
    }
}
