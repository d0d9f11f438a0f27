//! Arrays: bytes packed, everything else as values.

use std::cell::RefCell;

use smallvec::{SmallVec, smallvec};

use super::Value;
use crate::types::Type;

/// A C# array. Elements change in place; length and element type never do.
pub struct Array {
    element: Type,
    lengths: SmallVec<[usize; 1]>,
    items: RefCell<Items>,
}

enum Items {
    Bytes(Vec<u8>),
    Values(Vec<Value>),
}

impl Drop for Array {
    fn drop(&mut self) {
        // Only what may hold values can go deep.
        if !self.element.may_hold() {
            return;
        }
        if let Items::Values(values) = self.items.get_mut() {
            super::release(std::mem::take(values));
        }
    }
}

impl Array {
    /// One-dimensional.
    pub fn new(element: Type, items: Vec<Value>) -> Self {
        if element == Type::BYTE {
            let bytes = items.iter().map(|v| v.as_i64().unwrap_or_default() as u8).collect();
            return Self::of_bytes(bytes);
        }
        Self { element, lengths: smallvec![items.len()], items: RefCell::new(Items::Values(items)) }
    }

    /// Rectangular; `items` in row order.
    pub fn rectangular(element: Type, lengths: Vec<usize>, items: Vec<Value>) -> Self {
        Self { element, lengths: lengths.into(), items: RefCell::new(Items::Values(items)) }
    }

    /// `byte[]`.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self {
            element: Type::BYTE,
            lengths: smallvec![bytes.len()],
            items: RefCell::new(Items::Bytes(bytes)),
        }
    }

    /// The array type.
    pub fn ty(&self) -> Type {
        Type::array_of(self.element.clone(), self.lengths.len() as u8)
    }

    /// The element type.
    pub fn element(&self) -> &Type {
        &self.element
    }

    /// `Length`: elements of all dimensions.
    pub fn len(&self) -> usize {
        self.lengths.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of each dimension.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// An element by its position in row order.
    pub fn get(&self, index: usize) -> Option<Value> {
        match &*self.items.borrow() {
            Items::Bytes(bytes) => bytes.get(index).map(|b| Value::U8(*b)),
            Items::Values(values) => values.get(index).cloned(),
        }
    }

    /// Replaces an element; false when out of range.
    pub fn set(&self, index: usize, value: Value) -> bool {
        match &mut *self.items.borrow_mut() {
            Items::Bytes(bytes) => {
                bytes.get_mut(index).map(|slot| *slot = value.as_i64().unwrap_or_default() as u8).is_some()
            }
            Items::Values(values) => values.get_mut(index).map(|slot| *slot = value).is_some(),
        }
    }

    /// The bytes of a `byte[]`.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match &*self.items.borrow() {
            Items::Bytes(bytes) => Some(bytes.clone()),
            Items::Values(_) => None,
        }
    }

    /// Runs over the bytes of a `byte[]` without copying them.
    pub fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        match &*self.items.borrow() {
            Items::Bytes(bytes) => Some(f(bytes)),
            Items::Values(_) => None,
        }
    }

    /// A copy of all elements.
    pub fn values(&self) -> Vec<Value> {
        match &*self.items.borrow() {
            Items::Bytes(bytes) => bytes.iter().map(|b| Value::U8(*b)).collect(),
            Items::Values(values) => values.clone(),
        }
    }

    /// Gives up the elements.
    pub(super) fn empty(&self) {
        if let Items::Values(values) = &mut *self.items.borrow_mut() {
            super::release(std::mem::take(values));
        }
    }

    /// Replaces all elements (sort, reverse); the length must be the same.
    pub fn replace(&self, values: Vec<Value>) {
        let fresh = match &*self.items.borrow() {
            Items::Bytes(_) => {
                Items::Bytes(values.iter().map(|v| v.as_i64().unwrap_or_default() as u8).collect())
            }
            Items::Values(_) => Items::Values(values),
        };
        *self.items.borrow_mut() = fresh;
    }
}
