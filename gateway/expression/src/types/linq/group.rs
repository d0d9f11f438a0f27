//! `GroupBy`, `ToLookup`, `Join`, `GroupJoin`.

use std::any::Any;
use std::rc::Rc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::super::collection::{Key, ignores_case};
use super::super::runtime::lazy;
use super::super::{Allow, Args, Type, TypeTable, library, m};
use super::source;
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Linq.IGrouping<out TKey, out TElement> : System.Collections.Generic.IEnumerable<TElement>",
        allow: Allow::None,
        members: &[m("TKey Key { get; }", |_, a| Ok(a.object::<Group>(0)?.key.clone()))],
    },
    TypeTable {
        header: "interface System.Linq.ILookup<TKey, TElement> : System.Collections.Generic.IEnumerable<IGrouping<TKey, TElement>>",
        allow: Allow::None,
        members: &[
            m("int Count { get; }", |_, a| Ok(Value::I32(a.object::<Lookup>(0)?.groups.len() as i32))),
            m("bool Contains(TKey key)", |_, a| {
                Ok(Value::Bool(a.object::<Lookup>(0)?.find(a.at(1)).is_some()))
            }),
            m("IEnumerable<TElement> this[TKey key] { get; }", |_, a| {
                let found = a.object::<Lookup>(0)?.find(a.at(1));
                let items = found.map(|g| g.items.clone()).unwrap_or_default();
                Ok(Value::array(a.ty(1), items))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Linq.Enumerable",
        allow: Allow::All,
        members: &[
            m(
                "static IEnumerable<IGrouping<TKey, TSource>> GroupBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |_, a| group_by(a, (1, 0), None, false),
            ),
            m(
                "static IEnumerable<IGrouping<TKey, TSource>> GroupBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IEqualityComparer<TKey> comparer)",
                |_, a| group_by(a, (1, 0), None, ignores_case(a.at(2))),
            ),
            m(
                "static IEnumerable<IGrouping<TKey, TElement>> GroupBy<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector)",
                |_, a| group_by(a, (1, 2), Some(a.at(2).clone()), false),
            ),
            m(
                "static IEnumerable<TResult> GroupBy<TSource, TKey, TResult>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TKey, IEnumerable<TSource>, TResult> resultSelector)",
                |_, a| grouped_results(a, None, 2, false),
            ),
            m(
                "static IEnumerable<TResult> GroupBy<TSource, TKey, TResult>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TKey, IEnumerable<TSource>, TResult> resultSelector, IEqualityComparer<TKey> comparer)",
                |_, a| grouped_results(a, None, 2, ignores_case(a.at(3))),
            ),
            m(
                "static IEnumerable<IGrouping<TKey, TElement>> GroupBy<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector, IEqualityComparer<TKey> comparer)",
                |_, a| group_by(a, (1, 2), Some(a.at(2).clone()), ignores_case(a.at(3))),
            ),
            m(
                "static IEnumerable<TResult> GroupBy<TSource, TKey, TElement, TResult>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector, Func<TKey, IEnumerable<TElement>, TResult> resultSelector)",
                |_, a| grouped_results(a, Some(2), 3, false),
            ),
            m(
                "static IEnumerable<TResult> GroupBy<TSource, TKey, TElement, TResult>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector, Func<TKey, IEnumerable<TElement>, TResult> resultSelector, IEqualityComparer<TKey> comparer)",
                |_, a| grouped_results(a, Some(2), 3, ignores_case(a.at(4))),
            ),
            m(
                "static ILookup<TKey, TSource> ToLookup<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IEqualityComparer<TKey> comparer)",
                |vm, a| lookup(vm, a, (1, 0), None, ignores_case(a.at(2))),
            ),
            m(
                "static ILookup<TKey, TElement> ToLookup<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector, IEqualityComparer<TKey> comparer)",
                |vm, a| lookup(vm, a, (1, 2), Some(a.at(2)), ignores_case(a.at(3))),
            ),
            m(
                "static IEnumerable<TResult> Join<TOuter, TInner, TKey, TResult>(this IEnumerable<TOuter> outer, IEnumerable<TInner> inner, Func<TOuter, TKey> outerKeySelector, Func<TInner, TKey> innerKeySelector, Func<TOuter, TInner, TResult> resultSelector, IEqualityComparer<TKey> comparer)",
                |_, a| join(a, false, ignores_case(a.at(5))),
            ),
            m(
                "static IEnumerable<TResult> GroupJoin<TOuter, TInner, TKey, TResult>(this IEnumerable<TOuter> outer, IEnumerable<TInner> inner, Func<TOuter, TKey> outerKeySelector, Func<TInner, TKey> innerKeySelector, Func<TOuter, IEnumerable<TInner>, TResult> resultSelector, IEqualityComparer<TKey> comparer)",
                |_, a| join(a, true, ignores_case(a.at(5))),
            ),
            m(
                "static ILookup<TKey, TSource> ToLookup<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
                |vm, a| lookup(vm, a, (1, 0), None, false),
            ),
            m(
                "static ILookup<TKey, TElement> ToLookup<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector)",
                |vm, a| lookup(vm, a, (1, 2), Some(a.at(2)), false),
            ),
            m(
                "static IEnumerable<TResult> Join<TOuter, TInner, TKey, TResult>(this IEnumerable<TOuter> outer, IEnumerable<TInner> inner, Func<TOuter, TKey> outerKeySelector, Func<TInner, TKey> innerKeySelector, Func<TOuter, TInner, TResult> resultSelector)",
                |_, a| join(a, false, false),
            ),
            m(
                "static IEnumerable<TResult> GroupJoin<TOuter, TInner, TKey, TResult>(this IEnumerable<TOuter> outer, IEnumerable<TInner> inner, Func<TOuter, TKey> outerKeySelector, Func<TInner, TKey> innerKeySelector, Func<TOuter, IEnumerable<TInner>, TResult> resultSelector)",
                |_, a| join(a, true, false),
            ),
        ],
    },
];

#[derive(Clone)]
struct Group {
    types: (Type, Type),
    key: Value,
    items: Vec<Value>,
}

fn generic(name: &str, types: &(Type, Type)) -> Type {
    let def = library().by_full_name(name, 2);
    def.map_or(Type::OBJECT, |def| Type::generic(def, vec![types.0.clone(), types.1.clone()]))
}

impl Drop for Group {
    fn drop(&mut self) {
        crate::value::release((
            std::mem::replace(&mut self.key, Value::Null),
            std::mem::take(&mut self.items),
        ));
    }
}

impl Object for Group {
    fn ty(&self) -> Type {
        generic("System.Linq.IGrouping", &self.types)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(ValuesIter::boxed(self.items.clone())))
    }
}

struct Lookup {
    types: (Type, Type),
    groups: Vec<Group>,
    ignore_case: bool,
}

impl Lookup {
    fn find(&self, key: &Value) -> Option<&Group> {
        let key = Key::new(key, self.ignore_case);
        self.groups.iter().find(|group| Key::new(&group.key, self.ignore_case) == key)
    }
}

impl Object for Lookup {
    fn ty(&self) -> Type {
        generic("System.Linq.ILookup", &self.types)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(ValuesIter::boxed(self.groups.iter().map(|g| Value::object(g.clone())).collect())))
    }
}

/// Elements by key, in order of the keys' first appearance.
fn groups(
    vm: &mut Vm<'_>,
    source: &Value,
    key: &Value,
    element: Option<&Value>,
    ignore_case: bool,
) -> Result<Vec<(Value, Vec<Value>)>, Fault> {
    let mut map: IndexMap<Key, Vec<Value>, FxBuildHasher> = IndexMap::default();
    for item in vm.collect(source)? {
        let key = vm.call_function(key, std::slice::from_ref(&item))?;
        let item = match element {
            Some(f) => vm.call_function(f, &[item])?,
            None => item,
        };
        vm.charge(48)?;
        map.entry(Key::new(&key, ignore_case)).or_default().push(item);
    }
    Ok(map.into_iter().map(|(k, v)| (k.value, v)).collect())
}

fn group_by(
    a: &Args<'_>,
    types: (usize, usize),
    element: Option<Value>,
    ignore_case: bool,
) -> Result<Value, Fault> {
    let (from, key) = (source(a)?, a.at(1).clone());
    let types = (a.ty(types.0), a.ty(types.1));
    Ok(lazy(generic("System.Linq.IGrouping", &types), move |vm| {
        let found = groups(vm, &from, &key, element.as_ref(), ignore_case)?;
        let make = |(key, items)| Value::object(Group { types: types.clone(), key, items });
        Ok(ValuesIter::boxed(found.into_iter().map(make).collect()))
    }))
}

fn lookup(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    types: (usize, usize),
    element: Option<&Value>,
    ignore_case: bool,
) -> Result<Value, Fault> {
    let types = (a.ty(types.0), a.ty(types.1));
    let found = groups(vm, &source(a)?, a.at(1), element, ignore_case)?;
    let groups = found.into_iter().map(|(key, items)| Group { types: types.clone(), key, items }).collect();
    Ok(Value::object(Lookup { types, groups, ignore_case }))
}

/// `GroupBy` with a result of each group: `element` and `result` are the places of their selectors.
fn grouped_results(
    a: &Args<'_>,
    element: Option<usize>,
    result: usize,
    ignore_case: bool,
) -> Result<Value, Fault> {
    let (from, key, result) = (source(a)?, a.at(1).clone(), a.at(result).clone());
    let selector = element.map(|place| a.at(place).clone());
    // The types are those of the source, the key, the element when it is selected, and the result.
    let (element, made) = if element.is_some() { (a.ty(2), a.ty(3)) } else { (a.ty(0), a.ty(2)) };
    Ok(lazy(made, move |vm| {
        let mut list = Vec::new();
        for (key, items) in groups(vm, &from, &key, selector.as_ref(), ignore_case)? {
            let items = Value::array(element.clone(), items);
            list.push(vm.call_function(&result, &[key, items])?);
        }
        Ok(ValuesIter::boxed(list))
    }))
}

fn join(a: &Args<'_>, grouped: bool, ignore_case: bool) -> Result<Value, Fault> {
    let (outer, inner) = (source(a)?, a.at(1).clone());
    let (outer_key, inner_key, result) = (a.at(2).clone(), a.at(3).clone(), a.at(4).clone());
    let element = a.ty(1);
    Ok(lazy(a.ty(3), move |vm| {
        let index: IndexMap<Key, Vec<Value>, FxBuildHasher> =
            groups(vm, &inner, &inner_key, None, ignore_case)?
                .into_iter()
                .map(|(k, v)| (Key::new(&k, ignore_case), v))
                .collect();
        let mut list = Vec::new();
        for item in vm.collect(&outer)? {
            let key = vm.call_function(&outer_key, std::slice::from_ref(&item))?;
            let matches = index.get(&Key::new(&key, ignore_case)).cloned().unwrap_or_default();
            if grouped {
                let matches = Value::array(element.clone(), matches);
                list.push(vm.call_function(&result, &[item, matches])?);
                continue;
            }
            for other in matches {
                list.push(vm.call_function(&result, &[item.clone(), other])?);
            }
        }
        vm.elements(list.len())?;
        Ok(ValuesIter::boxed(list))
    }))
}
