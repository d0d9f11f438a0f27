//! Operators that end an enumeration with one value or a collection.

use super::super::{Allow, Args, TypeTable, array, collection, default_value, m};
use super::{holds, source};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class System.Linq.Enumerable",
    allow: Allow::All,
    members: &[
        m("static TSource First<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            first(vm, a)?.ok_or_else(|| empty(a))
        }),
        m(
            "static TSource First<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| first(vm, a)?.ok_or_else(|| empty(a)),
        ),
        m("static TSource FirstOrDefault<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            Ok(first(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0))))
        }),
        m(
            "static TSource FirstOrDefault<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| Ok(first(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0)))),
        ),
        m("static TSource Last<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            last(vm, a)?.ok_or_else(|| empty(a))
        }),
        m(
            "static TSource Last<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| last(vm, a)?.ok_or_else(|| empty(a)),
        ),
        m("static TSource LastOrDefault<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            Ok(last(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0))))
        }),
        m(
            "static TSource LastOrDefault<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| Ok(last(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0)))),
        ),
        m("static TSource Single<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            single(vm, a)?.ok_or_else(|| empty(a))
        }),
        m(
            "static TSource Single<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| single(vm, a)?.ok_or_else(|| empty(a)),
        ),
        m("static TSource SingleOrDefault<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            Ok(single(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0))))
        }),
        m(
            "static TSource SingleOrDefault<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| Ok(single(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0)))),
        ),
        m("static TSource ElementAt<TSource>(this IEnumerable<TSource> source, int index)", |vm, a| {
            let range = || Fault::index_argument();
            at(vm, a)?.ok_or_else(range)
        }),
        m(
            "static TSource ElementAtOrDefault<TSource>(this IEnumerable<TSource> source, int index)",
            |vm, a| Ok(at(vm, a)?.unwrap_or_else(|| default_value(&a.ty(0)))),
        ),
        m("static bool Any<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            let mut iter = vm.iterate(&source(a)?)?;
            Ok(Value::Bool(vm.next(&mut *iter)?.is_some()))
        }),
        m(
            "static bool Any<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| Ok(Value::Bool(first(vm, a)?.is_some())),
        ),
        m(
            "static bool All<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| {
                let mut iter = vm.iterate(&source(a)?)?;
                while let Some(item) = vm.next(&mut *iter)? {
                    if !holds(vm, a.at(1), &item)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Ok(Value::Bool(true))
            },
        ),
        m("static int Count<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            count(vm, a).map(|n| Value::I32(n as i32))
        }),
        m(
            "static int Count<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| count(vm, a).map(|n| Value::I32(n as i32)),
        ),
        m("static long LongCount<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            count(vm, a).map(|n| Value::I64(n as i64))
        }),
        m(
            "static long LongCount<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |vm, a| count(vm, a).map(|n| Value::I64(n as i64)),
        ),
        m("static bool Contains<TSource>(this IEnumerable<TSource> source, TSource value)", |vm, a| {
            contains(vm, a, false)
        }),
        m(
            "static bool Contains<TSource>(this IEnumerable<TSource> source, TSource value, IEqualityComparer<TSource> comparer)",
            |vm, a| {
                let ignore = super::super::collection_ignores_case(a.at(2));
                contains(vm, a, ignore)
            },
        ),
        m(
            "static bool SequenceEqual<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second)",
            |vm, a| {
                let (x, y) = (vm.collect(&source(a)?)?, vm.collect(a.at(1))?);
                Ok(Value::Bool(x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| x.equals(y))))
            },
        ),
        m(
            "static bool SequenceEqual<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second, IEqualityComparer<TSource> comparer)",
            |vm, a| {
                let (x, y) = (vm.collect(&source(a)?)?, vm.collect(a.at(1))?);
                let key = |value: &Value| collection::Key::new(value, collection::ignores_case(a.at(2)));
                Ok(Value::Bool(x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| key(x) == key(y))))
            },
        ),
        m("static TSource[] ToArray<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            array::from_sequence(vm, &source(a)?, a.ty(0))
        }),
        m("static List<TSource> ToList<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            let items = vm.collect(&source(a)?)?;
            collection::new_list(vm, a.ty(0), items)
        }),
        m("static HashSet<TSource> ToHashSet<TSource>(this IEnumerable<TSource> source)", |vm, a| {
            let items = vm.collect(&source(a)?)?;
            collection::new_set(vm, a.ty(0), items, false)
        }),
        m(
            "static HashSet<TSource> ToHashSet<TSource>(this IEnumerable<TSource> source, IEqualityComparer<TSource> comparer)",
            |vm, a| {
                let items = vm.collect(&source(a)?)?;
                collection::new_set(vm, a.ty(0), items, collection::ignores_case(a.at(1)))
            },
        ),
        m(
            "static Dictionary<TKey, TSource> ToDictionary<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)",
            |vm, a| dictionary(vm, a, (1, 0), None, None),
        ),
        m(
            "static Dictionary<TKey, TSource> ToDictionary<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, IEqualityComparer<TKey> comparer)",
            |vm, a| dictionary(vm, a, (1, 0), None, Some(2)),
        ),
        m(
            "static Dictionary<TKey, TElement> ToDictionary<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector)",
            |vm, a| dictionary(vm, a, (1, 2), Some(2), None),
        ),
        m(
            "static Dictionary<TKey, TElement> ToDictionary<TSource, TKey, TElement>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector, Func<TSource, TElement> elementSelector, IEqualityComparer<TKey> comparer)",
            |vm, a| dictionary(vm, a, (1, 2), Some(2), Some(3)),
        ),
        m(
            "static TSource Aggregate<TSource>(this IEnumerable<TSource> source, Func<TSource, TSource, TSource> func)",
            |vm, a| {
                let mut iter = vm.iterate(&source(a)?)?;
                let mut all = vm
                    .next(&mut *iter)?
                    .ok_or_else(|| Fault::invalid_operation("Sequence contains no elements"))?;
                while let Some(item) = vm.next(&mut *iter)? {
                    all = vm.call_function(a.at(1), &[all, item])?;
                }
                Ok(all)
            },
        ),
        m(
            "static TAccumulate Aggregate<TSource, TAccumulate>(this IEnumerable<TSource> source, TAccumulate seed, Func<TAccumulate, TSource, TAccumulate> func)",
            fold,
        ),
        m(
            "static TResult Aggregate<TSource, TAccumulate, TResult>(this IEnumerable<TSource> source, TAccumulate seed, Func<TAccumulate, TSource, TAccumulate> func, Func<TAccumulate, TResult> resultSelector)",
            |vm, a| {
                let all = fold(vm, a)?;
                vm.call_function(a.at(3), &[all])
            },
        ),
    ],
}];

fn empty(a: &Args<'_>) -> Fault {
    let predicated = !a.at(1).is_null();
    Fault::invalid_operation(if predicated {
        "Sequence contains no matching element"
    } else {
        "Sequence contains no elements"
    })
}

fn first(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Option<Value>, Fault> {
    let mut iter = vm.iterate(&source(a)?)?;
    while let Some(item) = vm.next(&mut *iter)? {
        if a.at(1).is_null() || holds(vm, a.at(1), &item)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn last(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Option<Value>, Fault> {
    let mut iter = vm.iterate(&source(a)?)?;
    let mut found = None;
    while let Some(item) = vm.next(&mut *iter)? {
        if a.at(1).is_null() || holds(vm, a.at(1), &item)? {
            found = Some(item);
        }
    }
    Ok(found)
}

fn single(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Option<Value>, Fault> {
    let mut iter = vm.iterate(&source(a)?)?;
    let mut found = None;
    while let Some(item) = vm.next(&mut *iter)? {
        if a.at(1).is_null() || holds(vm, a.at(1), &item)? {
            if found.is_some() {
                let one = a.at(1).is_null();
                let text = if one {
                    "Sequence contains more than one element"
                } else {
                    "Sequence contains more than one matching element"
                };
                return Err(Fault::invalid_operation(text));
            }
            found = Some(item);
        }
    }
    Ok(found)
}

fn at(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Option<Value>, Fault> {
    let Ok(index) = usize::try_from(a.i32(1)?) else { return Ok(None) };
    let mut iter = vm.iterate(&source(a)?)?;
    let mut at = 0;
    while let Some(item) = vm.next(&mut *iter)? {
        if at == index {
            return Ok(Some(item));
        }
        at += 1;
    }
    Ok(None)
}

fn count(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<usize, Fault> {
    let mut iter = vm.iterate(&source(a)?)?;
    let mut count = 0;
    while let Some(item) = vm.next(&mut *iter)? {
        if a.at(1).is_null() || holds(vm, a.at(1), &item)? {
            count += 1;
        }
    }
    Ok(count)
}

fn contains(vm: &mut Vm<'_>, a: &Args<'_>, ignore_case: bool) -> Result<Value, Fault> {
    if let Some(found) = super::super::json::holds(a.at(0), a.at(1)) {
        return Ok(Value::Bool(found));
    }
    let mut iter = vm.iterate(&source(a)?)?;
    while let Some(item) = vm.next(&mut *iter)? {
        let same = match (item.as_str(), a.at(1).as_str()) {
            (Some(x), Some(y)) if ignore_case => crate::clr::text::equals(x, y, true),
            _ => item.equals(a.at(1)),
        };
        if same {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// Types are numbers of type arguments: the key's and the element's.
fn dictionary(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    types: (usize, usize),
    element: Option<usize>,
    comparer: Option<usize>,
) -> Result<Value, Fault> {
    let mut entries = Vec::new();
    for item in vm.collect(&source(a)?)? {
        let key = vm.call_function(a.at(1), std::slice::from_ref(&item))?;
        let value = match element {
            Some(index) => vm.call_function(a.at(index), std::slice::from_ref(&item))?,
            None => item,
        };
        entries.push((key, value));
    }
    let ignore = comparer.is_some_and(|index| super::super::collection_ignores_case(a.at(index)));
    collection::new_dictionary(vm, (a.ty(types.0), a.ty(types.1)), ignore, entries)
}

fn fold(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let mut iter = vm.iterate(&source(a)?)?;
    let mut all = a.at(1).clone();
    while let Some(item) = vm.next(&mut *iter)? {
        all = vm.call_function(a.at(2), &[all, item])?;
    }
    Ok(all)
}
