//! `System.Array`'s searches and sorts of a part of the elements, and sorts of two arrays together.

use super::super::collection::range::{
    BOUNDS, backward, backward_strict, binary, first, forward, items, last, matching, matching_last,
    sort_part, window,
};
use super::super::{Allow, Args, Member, TypeTable, m};
use super::{compare_with, sorted};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(in super::super) static RANGE: &[TypeTable] =
    &[TypeTable { header: "partial class System.Array", allow: Allow::All, members: ARRAY }];

const ARRAY: &[Member] = &[
    m("static int IndexOf<T>(T[] array, T value, int startIndex)", |_, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, items.len() as i32 - a.i32(2)?, "startIndex")?;
        Ok(first(&items, part, a.at(1)))
    }),
    m("static int IndexOf<T>(T[] array, T value, int startIndex, int count)", |_, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, a.i32(3)?, "startIndex")?;
        Ok(first(&items, part, a.at(1)))
    }),
    m("static int IndexOf(Array array, object value, int startIndex)", |_, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, items.len() as i32 - a.i32(2)?, "startIndex")?;
        Ok(first(&items, part, a.at(1)))
    }),
    m("static int IndexOf(Array array, object value, int startIndex, int count)", |_, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, a.i32(3)?, "startIndex")?;
        Ok(first(&items, part, a.at(1)))
    }),
    m("static int LastIndexOf<T>(T[] array, T value, int startIndex)", |_, a| {
        let items = items(a, 0)?;
        let count = if items.is_empty() { 0 } else { a.i32(2)?.saturating_add(1) };
        Ok(last(&items, backward(items.len(), a.i32(2)?, count, "startIndex")?, a.at(1)))
    }),
    m("static int LastIndexOf<T>(T[] array, T value, int startIndex, int count)", |_, a| {
        let items = items(a, 0)?;
        Ok(last(&items, backward(items.len(), a.i32(2)?, a.i32(3)?, "startIndex")?, a.at(1)))
    }),
    m("static int LastIndexOf(Array array, object value)", |_, a| {
        let items = items(a, 0)?;
        Ok(last(&items, 0..items.len(), a.at(1)))
    }),
    m("static int LastIndexOf(Array array, object value, int startIndex)", |_, a| {
        let items = items(a, 0)?;
        Ok(last(
            &items,
            backward(items.len(), a.i32(2)?, a.i32(2)?.saturating_add(1), "startIndex")?,
            a.at(1),
        ))
    }),
    m("static int LastIndexOf(Array array, object value, int startIndex, int count)", |_, a| {
        let items = items(a, 0)?;
        Ok(last(&items, backward(items.len(), a.i32(2)?, a.i32(3)?, "startIndex")?, a.at(1)))
    }),
    m("static int FindIndex<T>(T[] array, int startIndex, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(1)?, items.len() as i32 - a.i32(1)?, "startIndex")?;
        matching(vm, &items, part, a.at(2))
    }),
    m("static int FindIndex<T>(T[] array, int startIndex, int count, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(1)?, a.i32(2)?, "startIndex")?;
        matching(vm, &items, part, a.at(3))
    }),
    m("static int FindLastIndex<T>(T[] array, int startIndex, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = backward_strict(items.len(), a.i32(1)?, a.i32(1)?.saturating_add(1))?;
        matching_last(vm, &items, part, a.at(2))
    }),
    m("static int FindLastIndex<T>(T[] array, int startIndex, int count, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = backward_strict(items.len(), a.i32(1)?, a.i32(2)?)?;
        matching_last(vm, &items, part, a.at(3))
    }),
    m("static int BinarySearch(Array array, object value)", |vm, a| {
        let items = items(a, 0)?;
        binary(vm, &items, 0..items.len(), a.at(1), None)
    }),
    m("static int BinarySearch(Array array, int index, int length, object value)", |vm, a| {
        let items = items(a, 0)?;
        let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "length")?;
        binary(vm, &items, part, a.at(3), None)
    }),
    m("static int BinarySearch<T>(T[] array, int index, int length, T value)", |vm, a| {
        let items = items(a, 0)?;
        let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "length")?;
        binary(vm, &items, part, a.at(3), None)
    }),
    m("static int BinarySearch<T>(T[] array, T value, IComparer<T> comparer)", |vm, a| {
        let items = items(a, 0)?;
        binary(vm, &items, 0..items.len(), a.at(1), Some(a.at(2)))
    }),
    m(
        "static int BinarySearch<T>(T[] array, int index, int length, T value, IComparer<T> comparer)",
        |vm, a| {
            let items = items(a, 0)?;
            let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "length")?;
            binary(vm, &items, part, a.at(3), Some(a.at(4)))
        },
    ),
    m("static void Reverse(Array array, int index, int length)", reverse_part),
    m("static void Reverse<T>(T[] array)", |vm, a| {
        let mut items = items(a, 0)?;
        vm.steps(items.len() as u64 / 4)?;
        items.reverse();
        put(a, 0, items);
        Ok(Value::Null)
    }),
    m("static void Reverse<T>(T[] array, int index, int length)", reverse_part),
    m(
        "static int BinarySearch(Array array, object value, System.Collections.IComparer comparer)",
        |vm, a| {
            let items = items(a, 0)?;
            binary(vm, &items, 0..items.len(), a.at(1), Some(a.at(2)))
        },
    ),
    m(
        "static int BinarySearch(Array array, int index, int length, object value, System.Collections.IComparer comparer)",
        |vm, a| {
            let items = items(a, 0)?;
            let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "length")?;
            binary(vm, &items, part, a.at(3), Some(a.at(4)))
        },
    ),
    m("static void Sort(Array array, System.Collections.IComparer comparer)", |vm, a| {
        let whole = items(a, 0)?;
        sort_whole(vm, a, whole, Some(a.at(1)))
    }),
    m(
        "static void Sort(Array array, int index, int length, System.Collections.IComparer comparer)",
        |vm, a| sort(vm, a, 1, Some(a.at(3))),
    ),
    m("static void Sort(Array keys, Array items, System.Collections.IComparer comparer)", |vm, a| {
        sort_pairs(vm, a, None, Some(a.at(2)))
    }),
    m(
        "static void Sort(Array keys, Array items, int index, int length, System.Collections.IComparer comparer)",
        |vm, a| sort_pairs(vm, a, Some(2), Some(a.at(4))),
    ),
    m("static void Sort(Array array, int index, int length)", |vm, a| sort(vm, a, 1, None)),
    m("static void Sort<T>(T[] array, int index, int length)", |vm, a| sort(vm, a, 1, None)),
    m("static void Sort<T>(T[] array, int index, int length, IComparer<T> comparer)", |vm, a| {
        sort(vm, a, 1, Some(a.at(3)))
    }),
    m("static void Sort(Array keys, Array items)", |vm, a| sort_pairs(vm, a, None, None)),
    m("static void Sort(Array keys, Array items, int index, int length)", |vm, a| {
        sort_pairs(vm, a, Some(2), None)
    }),
    m("static void Sort<TKey, TValue>(TKey[] keys, TValue[] items)", |vm, a| sort_pairs(vm, a, None, None)),
    m("static void Sort<TKey, TValue>(TKey[] keys, TValue[] items, IComparer<TKey> comparer)", |vm, a| {
        sort_pairs(vm, a, None, Some(a.at(2)))
    }),
    m("static void Sort<TKey, TValue>(TKey[] keys, TValue[] items, int index, int length)", |vm, a| {
        sort_pairs(vm, a, Some(2), None)
    }),
    m(
        "static void Sort<TKey, TValue>(TKey[] keys, TValue[] items, int index, int length, IComparer<TKey> comparer)",
        |vm, a| sort_pairs(vm, a, Some(2), Some(a.at(4))),
    ),
    m("static void Fill<T>(T[] array, T value, int startIndex, int count)", |vm, a| {
        let mut items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, a.i32(3)?, "startIndex")?;
        vm.steps(part.len() as u64 / 8)?;
        if let Some(part) = items.get_mut(part) {
            part.fill(a.at(1).clone());
        }
        put(a, 0, items);
        Ok(Value::Null)
    }),
];

fn sort(vm: &mut Vm<'_>, a: &Args<'_>, at: usize, comparer: Option<&Value>) -> Result<Value, Fault> {
    let mut items = items(a, 0)?;
    let part = window(items.len(), a.i32(at)?, a.i32(at + 1)?, "index", "length")?;
    sort_part(vm, &mut items, part, comparer)?;
    put(a, 0, items);
    Ok(Value::Null)
}

/// `Array.Sort(keys, items)`: the items go where their keys go.
fn sort_pairs(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    range: Option<usize>,
    comparer: Option<&Value>,
) -> Result<Value, Fault> {
    let keys = items(a, 0)?;
    if a.at(1).is_null() {
        return if range.is_some() { sort(vm, a, 2, comparer) } else { sort_whole(vm, a, keys, comparer) };
    }
    let values = items(a, 1)?;
    let part = match range {
        Some(at) => window(keys.len(), a.i32(at)?, a.i32(at + 1)?, "index", "length")?,
        None => 0..keys.len(),
    };
    if part.end > values.len() {
        return Err(Fault::argument(BOUNDS, ""));
    }
    let mut failure = None;
    let mut sorted: Vec<usize> = part.clone().collect();
    sorted.sort_by(|x, y| {
        let pair = keys.get(*x).zip(keys.get(*y));
        let order = pair.map(|(x, y)| compare_with(vm, comparer, x, y));
        match order {
            Some(Ok(order)) if failure.is_none() => order,
            Some(Err(fault)) => {
                failure.get_or_insert(fault);
                std::cmp::Ordering::Equal
            }
            _ => std::cmp::Ordering::Equal,
        }
    });
    if let Some(fault) = failure {
        return Err(fault);
    }
    let moved = |items: &[Value]| {
        let mut made = items.to_vec();
        for (place, from) in part.clone().zip(&sorted) {
            if let (Some(slot), Some(value)) = (made.get_mut(place), items.get(*from)) {
                *slot = value.clone();
            }
        }
        made
    };
    put(a, 0, moved(&keys));
    put(a, 1, moved(&values));
    Ok(Value::Null)
}

fn sort_whole(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    keys: Vec<Value>,
    comparer: Option<&Value>,
) -> Result<Value, Fault> {
    let sorted = sorted(vm, keys, comparer)?;
    put(a, 0, sorted);
    Ok(Value::Null)
}

fn reverse_part(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let mut items = items(a, 0)?;
    let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "length")?;
    vm.steps(part.len() as u64 / 4)?;
    if let Some(part) = items.get_mut(part) {
        part.reverse();
    }
    put(a, 0, items);
    Ok(Value::Null)
}

fn put(a: &Args<'_>, index: usize, items: Vec<Value>) {
    if let Value::Array(array) = a.at(index) {
        array.replace(items);
    }
}
