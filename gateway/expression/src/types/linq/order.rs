//! `OrderBy`, `ThenBy`: stable sorts by several keys.

use std::any::Any;
use std::rc::Rc;

use super::super::{Allow, Args, Type, TypeTable, array, library, m};
use super::source;
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Linq.IOrderedEnumerable<T> : System.Collections.Generic.IEnumerable<T>",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "partial class System.Linq.Enumerable",
        allow: Allow::All,
        members: &[
            m(
                "static IOrderedEnumerable<TSource> OrderBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |_, a| order(a, false),
            ),
            m(
                "static IOrderedEnumerable<TSource> OrderBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IComparer<TKey> comparer)",
                |_, a| order(a, false),
            ),
            m(
                "static IOrderedEnumerable<TSource> OrderByDescending<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |_, a| order(a, true),
            ),
            m(
                "static IOrderedEnumerable<TSource> OrderByDescending<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IComparer<TKey> comparer)",
                |_, a| order(a, true),
            ),
            m(
                "static IOrderedEnumerable<TSource> ThenBy<TSource, TKey>(this IOrderedEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |_, a| then(a, false),
            ),
            m(
                "static IOrderedEnumerable<TSource> ThenBy<TSource, TKey>(this IOrderedEnumerable<TSource> source, Func<TSource, TKey> keySelector, IComparer<TKey> comparer)",
                |_, a| then(a, false),
            ),
            m(
                "static IOrderedEnumerable<TSource> ThenByDescending<TSource, TKey>(this IOrderedEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |_, a| then(a, true),
            ),
            m(
                "static IOrderedEnumerable<TSource> ThenByDescending<TSource, TKey>(this IOrderedEnumerable<TSource> source, Func<TSource, TKey> keySelector, IComparer<TKey> comparer)",
                |_, a| then(a, true),
            ),
        ],
    },
];

#[derive(Clone)]
struct Criterion {
    key: Value,
    comparer: Value,
    descending: bool,
}

struct Ordered {
    element: Type,
    source: Value,
    criteria: Vec<Criterion>,
}

impl Drop for Ordered {
    fn drop(&mut self) {
        crate::value::release((
            std::mem::replace(&mut self.source, Value::Null),
            std::mem::take(&mut self.criteria),
        ));
    }
}

impl Object for Ordered {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Linq.IOrderedEnumerable", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.element.clone()]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(self.sorted(vm).map(ValuesIter::boxed))
    }
}

impl Ordered {
    fn sorted(&self, vm: &mut Vm<'_>) -> Result<Vec<Value>, Fault> {
        let mut keyed: Vec<(Vec<Value>, Value)> = Vec::new();
        for item in vm.collect(&self.source)? {
            let mut keys = Vec::with_capacity(self.criteria.len());
            for criterion in &self.criteria {
                keys.push(vm.call_function(&criterion.key, std::slice::from_ref(&item))?);
            }
            keyed.push((keys, item));
        }
        let mut failure = None;
        keyed.sort_by(|(x, _), (y, _)| {
            for ((criterion, a), b) in self.criteria.iter().zip(x).zip(y) {
                if failure.is_some() {
                    break;
                }
                match array::compare_with(vm, Some(&criterion.comparer), a, b) {
                    Ok(order) if order.is_eq() => {}
                    Ok(order) => return if criterion.descending { order.reverse() } else { order },
                    Err(fault) => failure = Some(fault),
                }
            }
            std::cmp::Ordering::Equal
        });
        match failure {
            Some(fault) => Err(fault),
            None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
        }
    }
}

fn criterion(a: &Args<'_>, descending: bool) -> Criterion {
    Criterion { key: a.at(1).clone(), comparer: a.at(2).clone(), descending }
}

fn order(a: &Args<'_>, descending: bool) -> Result<Value, Fault> {
    let criteria = vec![criterion(a, descending)];
    Ok(Value::object(Ordered { element: a.ty(0), source: source(a)?, criteria }))
}

fn then(a: &Args<'_>, descending: bool) -> Result<Value, Fault> {
    let before = a.object::<Ordered>(0)?;
    let mut criteria = before.criteria.clone();
    criteria.push(criterion(a, descending));
    Ok(Value::object(Ordered { element: a.ty(0), source: before.source.clone(), criteria }))
}
