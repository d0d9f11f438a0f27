//! `System.Linq.Enumerable` (expressions.md §6.6): deferred where .NET defers.

mod element;
mod group;
mod number;
mod order;
mod set;
mod stream;

use super::TypeTable;
use crate::run::{Fault, Iter, Vm};
use crate::value::Value;

pub(super) static TABLES: &[&[TypeTable]] =
    &[stream::TABLE, element::TABLE, set::TABLE, order::TABLE, group::TABLE, number::TABLE];

/// An enumerator that a function is.
struct FnIter<F>(F);

impl<F: FnMut(&mut Vm<'_>) -> Result<Option<Value>, Fault>> Iter for FnIter<F> {
    fn next(&mut self, vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        (self.0)(vm)
    }
}

pub(super) fn from_fn(f: impl FnMut(&mut Vm<'_>) -> Result<Option<Value>, Fault> + 'static) -> Box<dyn Iter> {
    Box::new(FnIter(f))
}

/// Whether a predicate holds.
fn holds(vm: &mut Vm<'_>, predicate: &Value, item: &Value) -> Result<bool, Fault> {
    Ok(vm.call_function(predicate, std::slice::from_ref(item))?.as_bool() == Some(true))
}

/// The source of an extension method, which must not be null.
fn source(a: &super::Args<'_>) -> Result<Value, Fault> {
    if a.at(0).is_null() { Err(Fault::argument_null("source")) } else { Ok(a.at(0).clone()) }
}
