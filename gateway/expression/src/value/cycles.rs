//! Values that may hold themselves.
//!
//! Values are counted references: a list in itself, or a lambda in a variable that it uses, would stay for ever. Each
//! such ring goes through a container that was given, after it was made, something that holds values. The machine notes
//! those containers; what it noted is emptied when nobody can reach it any more: at the end of the evaluation where
//! nothing that holds values leaves it, else at the end of the exchange.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use super::{Array, Object, Value};
use crate::types::Type;

/// What an object does with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It has none, as a text or a JSON token.
    Nothing,
    /// Those that it was made of.
    Fixed,
    /// Those that it is given: [`Object::empty`] gives them up.
    Given,
}

/// Containers that may hold themselves. Dropping this empties those that are still there.
#[derive(Default)]
pub struct Cycles(Vec<Suspect>);

enum Suspect {
    Array(Weak<Array>),
    Object(Weak<dyn Object>),
    Cell(Weak<RefCell<Value>>),
}

impl Cycles {
    /// Whether none was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a container; false when it was the last one already.
    pub(crate) fn note(&mut self, container: &Value) -> bool {
        let suspect = match container {
            Value::Array(array) => Suspect::Array(Rc::downgrade(array)),
            Value::Object(object) => Suspect::Object(Rc::downgrade(object)),
            Value::Cell(cell) => Suspect::Cell(Rc::downgrade(cell)),
            _ => return false,
        };
        if self.0.last().is_some_and(|last| last.is(&suspect)) {
            return false;
        }
        self.0.push(suspect);
        true
    }
}

impl fmt::Debug for Cycles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} containers", self.0.len())
    }
}

impl Drop for Cycles {
    fn drop(&mut self) {
        for suspect in self.0.drain(..) {
            suspect.empty();
        }
    }
}

impl Suspect {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.ptr_eq(b),
            (Self::Object(a), Self::Object(b)) => std::ptr::addr_eq(a.as_ptr(), b.as_ptr()),
            (Self::Cell(a), Self::Cell(b)) => a.ptr_eq(b),
            _ => false,
        }
    }

    fn empty(&self) {
        match self {
            Self::Array(array) => array.upgrade().iter().for_each(|array| array.empty()),
            Self::Object(object) => object.upgrade().iter().for_each(|object| object.empty()),
            Self::Cell(cell) => {
                if let Some(cell) = cell.upgrade() {
                    super::release(cell.replace(Value::Null));
                }
            }
        }
    }
}

impl Type {
    /// Whether values of the type may hold others.
    pub(crate) fn may_hold(&self) -> bool {
        match self {
            Self::Def(def) => *self != Self::STRING && !def.is_json() && !self.is_value_type(),
            _ => true,
        }
    }
}

impl Value {
    /// What it does with other values.
    pub(crate) fn holds(&self) -> Holds {
        match self {
            Self::Array(array) if array.element().may_hold() => Holds::Given,
            Self::Object(object) => object.holds(),
            Self::Cell(_) | Self::Func(_) => Holds::Fixed,
            _ => Holds::Nothing,
        }
    }
}
