//! Operators on sequences as sets, and `Reverse`.

use super::super::collection::{Key, ignores_case};
use super::super::runtime::lazy;
use super::super::{Allow, Args, TypeTable, m};
use super::{from_fn, source};
use crate::run::{Fault, ValuesIter};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class System.Linq.Enumerable",
    allow: Allow::All,
    members: &[
        m("static IEnumerable<TSource> Distinct<TSource>(this IEnumerable<TSource> source)", |_, a| {
            distinct(a, None, false)
        }),
        m(
            "static IEnumerable<TSource> Distinct<TSource>(this IEnumerable<TSource> source, IEqualityComparer<TSource> comparer)",
            |_, a| distinct(a, None, ignores_case(a.at(1))),
        ),
        m(
            "static IEnumerable<TSource> DistinctBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
            |_, a| distinct(a, Some(a.at(1).clone()), false),
        ),
        m(
            "static IEnumerable<TSource> Union<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second)",
            |_, a| union(a, false),
        ),
        m(
            "static IEnumerable<TSource> Union<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second, IEqualityComparer<TSource> comparer)",
            |_, a| union(a, ignores_case(a.at(2))),
        ),
        m(
            "static IEnumerable<TSource> Intersect<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second)",
            |_, a| compare(a, true, false),
        ),
        m(
            "static IEnumerable<TSource> Intersect<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second, IEqualityComparer<TSource> comparer)",
            |_, a| compare(a, true, ignores_case(a.at(2))),
        ),
        m(
            "static IEnumerable<TSource> Except<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second)",
            |_, a| compare(a, false, false),
        ),
        m(
            "static IEnumerable<TSource> Except<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second, IEqualityComparer<TSource> comparer)",
            |_, a| compare(a, false, ignores_case(a.at(2))),
        ),
        m("static IEnumerable<TSource> Reverse<TSource>(this IEnumerable<TSource> source)", |_, a| {
            let from = source(a)?;
            Ok(lazy(a.ty(0), move |vm| {
                let mut items = vm.collect(&from)?;
                items.reverse();
                Ok(ValuesIter::boxed(items))
            }))
        }),
    ],
}];

type Seen = indexmap::IndexSet<Key, rustc_hash::FxBuildHasher>;

fn distinct(a: &Args<'_>, key: Option<Value>, ignore_case: bool) -> Result<Value, Fault> {
    let from = source(a)?;
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let (key, mut seen) = (key.clone(), Seen::default());
        Ok(from_fn(move |vm| {
            loop {
                let Some(item) = vm.next(&mut *iter)? else { return Ok(None) };
                let by = match &key {
                    Some(f) => vm.call_function(f, std::slice::from_ref(&item))?,
                    None => item.clone(),
                };
                vm.charge(48)?;
                if seen.insert(Key::new(&by, ignore_case)) {
                    return Ok(Some(item));
                }
            }
        }))
    }))
}

fn union(a: &Args<'_>, ignore_case: bool) -> Result<Value, Fault> {
    let (first, second) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(0), move |vm| {
        let mut seen = Seen::default();
        for item in vm.collect(&first)?.into_iter().chain(vm.collect(&second)?) {
            seen.insert(Key::new(&item, ignore_case));
        }
        Ok(ValuesIter::boxed(seen.into_iter().map(|k| k.value).collect()))
    }))
}

fn compare(a: &Args<'_>, keep: bool, ignore_case: bool) -> Result<Value, Fault> {
    let (first, second) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(0), move |vm| {
        let other: Seen = vm.collect(&second)?.iter().map(|i| Key::new(i, ignore_case)).collect();
        let mut kept = Seen::default();
        for item in vm.collect(&first)? {
            let key = Key::new(&item, ignore_case);
            if other.contains(&key) == keep {
                kept.insert(key);
            }
        }
        Ok(ValuesIter::boxed(kept.into_iter().map(|k| k.value).collect()))
    }))
}
