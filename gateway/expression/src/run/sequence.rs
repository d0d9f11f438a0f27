//! Enumeration: what `foreach` and LINQ draw from.

use std::rc::Rc;

use super::{Fault, Vm};
use crate::value::{Array, Value};

/// Sequences drawn from inside each other.
const NESTING_MAX: u32 = 128;

/// An enumerator.
pub trait Iter {
    /// The next element, `None` at the end.
    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<Value>, Fault>;
}

/// Over values at hand.
pub(crate) struct ValuesIter(std::vec::IntoIter<Value>);

impl ValuesIter {
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub fn boxed(values: Vec<Value>) -> Box<dyn Iter> {
        Box::new(Self::new(values))
    }
}

impl Iter for ValuesIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        Ok(self.0.next())
    }
}

struct ArrayIter(Rc<Array>, usize);

impl Iter for ArrayIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1))
    }
}

struct TextIter(std::vec::IntoIter<u16>);

impl Iter for TextIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        Ok(self.0.next().map(Value::Char))
    }
}

impl Vm<'_> {
    /// The enumerator of a sequence; null is a `NullReferenceException`.
    pub(crate) fn iterate(&mut self, value: &Value) -> Result<Box<dyn Iter>, Fault> {
        self.nested(|vm| vm.start(value))
    }

    fn start(&mut self, value: &Value) -> Result<Box<dyn Iter>, Fault> {
        match value {
            Value::Null => Err(Fault::null_reference()),
            Value::Array(array) => Ok(Box::new(ArrayIter(Rc::clone(array), 0))),
            Value::Str(text) => {
                self.charge(text.bytes())?;
                Ok(Box::new(TextIter(text.units().into_iter())))
            }
            Value::Context(part) => crate::types::iterate_context(self, *part),
            Value::Object(object) => match Rc::clone(object).iterate(self) {
                Some(found) => found,
                None => Err(Fault::invalid_cast(value, &crate::types::Type::IENUMERABLE)),
            },
            other => Err(Fault::invalid_cast(other, &crate::types::Type::IENUMERABLE)),
        }
    }

    /// The next element, charged as a step.
    pub(crate) fn next(&mut self, iter: &mut dyn Iter) -> Result<Option<Value>, Fault> {
        self.steps(1)?;
        self.nested(|vm| iter.next(vm))
    }

    /// Sequences over sequences go down by recursion.
    pub(crate) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting >= NESTING_MAX {
            return Err(Fault::Limit(super::Limit::Depth));
        }
        self.nesting += 1;
        let result = f(self);
        self.nesting -= 1;
        result
    }

    /// All elements.
    pub(crate) fn collect(&mut self, value: &Value) -> Result<Vec<Value>, Fault> {
        if let Value::Array(array) = value {
            self.steps(array.len() as u64 / 8)?;
            return Ok(array.values());
        }
        let mut iter = self.iterate(value)?;
        let mut list = Vec::new();
        while let Some(item) = self.next(&mut *iter)? {
            list.push(item);
            if list.len() > self.limits.elements {
                return Err(Fault::Limit(super::Limit::Elements));
            }
        }
        self.elements(list.len())?;
        Ok(list)
    }
}
