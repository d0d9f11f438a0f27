//! Members of `List<T>` that work on a part of the elements, and what such arguments must be, of arrays too.

use std::ops::Range;

use super::super::{Allow, Args, Member, TypeTable, array, m};
use super::list::{ListObject, new_list, position};
use crate::run::{Fault, Vm};
use crate::value::Value;

const NEGATIVE: &str = "Non-negative number required.";
pub(in super::super) const BOUNDS: &str = "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.";
const INDEX: &str = "Index was out of range. Must be non-negative and less than the size of the collection.";
const COUNT: &str =
    "Count must be positive and count must refer to a location within the string/array/collection.";
const LARGER: &str = "Larger than collection size.";

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "partial class System.Collections.Generic.List<T>",
    allow: Allow::All,
    members: LIST,
}];

const LIST: &[Member] = &[
    m("int IndexOf(T item, int index, int count)", |_, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(2)?, a.i32(3)?, "index")?;
        Ok(first(&items, part, a.at(1)))
    }),
    m("int LastIndexOf(T item, int index)", |_, a| {
        let items = items(a, 0)?;
        if a.i32(2)? >= items.len() as i32 {
            return Err(Fault::out_of_range(INDEX, "index"));
        }
        let part = backward(items.len(), a.i32(2)?, a.i32(2)?.saturating_add(1), "index")?;
        Ok(last(&items, part, a.at(1)))
    }),
    m("int LastIndexOf(T item, int index, int count)", |_, a| {
        let items = items(a, 0)?;
        let part = backward(items.len(), a.i32(2)?, a.i32(3)?, "index")?;
        Ok(last(&items, part, a.at(1)))
    }),
    m("int FindIndex(int startIndex, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let count = items.len() as i32 - a.i32(1)?;
        let part = forward(items.len(), a.i32(1)?, count, "startIndex")?;
        matching(vm, &items, part, a.at(2))
    }),
    m("int FindIndex(int startIndex, int count, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = forward(items.len(), a.i32(1)?, a.i32(2)?, "startIndex")?;
        matching(vm, &items, part, a.at(3))
    }),
    m("int FindLastIndex(int startIndex, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = backward_strict(items.len(), a.i32(1)?, a.i32(1)?.saturating_add(1))?;
        matching_last(vm, &items, part, a.at(2))
    }),
    m("int FindLastIndex(int startIndex, int count, Predicate<T> match)", |vm, a| {
        let items = items(a, 0)?;
        let part = backward_strict(items.len(), a.i32(1)?, a.i32(2)?)?;
        matching_last(vm, &items, part, a.at(3))
    }),
    m("int BinarySearch(T item, IComparer<T> comparer)", |vm, a| {
        let items = items(a, 0)?;
        binary(vm, &items, 0..items.len(), a.at(1), Some(a.at(2)))
    }),
    m("int BinarySearch(int index, int count, T item, IComparer<T> comparer)", |vm, a| {
        let items = items(a, 0)?;
        let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "count")?;
        binary(vm, &items, part, a.at(3), Some(a.at(4)))
    }),
    m("void Reverse(int index, int count)", |vm, a| {
        let list = a.object::<ListObject>(0)?;
        let part = window(list.items.borrow().len(), a.i32(1)?, a.i32(2)?, "index", "count")?;
        vm.steps(part.len() as u64 / 4)?;
        list.touch();
        if let Some(part) = list.items.borrow_mut().get_mut(part) {
            part.reverse();
        }
        Ok(Value::Null)
    }),
    m("void Sort(int index, int count, IComparer<T> comparer)", |vm, a| {
        let list = a.object::<ListObject>(0)?;
        let mut items = items(a, 0)?;
        let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "count")?;
        sort_part(vm, &mut items, part, Some(a.at(3)))?;
        list.touch();
        *list.items.borrow_mut() = items;
        Ok(Value::Null)
    }),
    m("void CopyTo(T[] array)", |vm, a| {
        let items = items(a, 0)?;
        copy(vm, &items, a.at(1), 0)
    }),
    m("void CopyTo(T[] array, int arrayIndex)", |vm, a| {
        let items = items(a, 0)?;
        copy(vm, &items, a.at(1), a.i32(2)?)
    }),
    m("void CopyTo(int index, T[] array, int arrayIndex, int count)", |vm, a| {
        let items = items(a, 0)?;
        let start = usize::try_from(a.i32(1)?).unwrap_or(usize::MAX);
        let count = usize::try_from(a.i32(4)?).unwrap_or(usize::MAX);
        let part = start.checked_add(count).and_then(|end| items.get(start..end));
        copy(vm, part.ok_or_else(|| Fault::argument(BOUNDS, ""))?, a.at(2), a.i32(3)?)
    }),
    m("List<T> GetRange(int index, int count)", |vm, a| {
        let items = items(a, 0)?;
        let part = window(items.len(), a.i32(1)?, a.i32(2)?, "index", "count")?;
        new_list(vm, a.ty(0), items.get(part).unwrap_or_default().to_vec())
    }),
    m("void RemoveRange(int index, int count)", |_, a| {
        let list = a.object::<ListObject>(0)?;
        let part = window(list.items.borrow().len(), a.i32(1)?, a.i32(2)?, "index", "count")?;
        list.touch();
        list.items.borrow_mut().drain(part);
        Ok(Value::Null)
    }),
];

/// The elements of a list or an array.
pub(in super::super) fn items(a: &Args<'_>, index: usize) -> Result<Vec<Value>, Fault> {
    match a.at(index) {
        Value::Array(array) => Ok(array.values()),
        value => match value.downcast::<ListObject>() {
            Some(list) => Ok(list.items.borrow().clone()),
            None => Err(a.null(index)),
        },
    }
}

fn size(value: i32, name: &str) -> Result<usize, Fault> {
    usize::try_from(value).map_err(|_| Fault::out_of_range(NEGATIVE, name))
}

/// A range that must lie in the collection.
pub(in super::super) fn window(
    length: usize,
    index: i32,
    count: i32,
    first: &str,
    second: &str,
) -> Result<Range<usize>, Fault> {
    let (start, count) = (size(index, first)?, size(count, second)?);
    if start > length || count > length - start {
        return Err(Fault::argument(BOUNDS, ""));
    }
    Ok(start..start + count)
}

/// A search forward from an index.
pub(in super::super) fn forward(
    length: usize,
    index: i32,
    count: i32,
    name: &str,
) -> Result<Range<usize>, Fault> {
    let start = usize::try_from(index).ok().filter(|start| *start <= length);
    let start = start.ok_or_else(|| Fault::out_of_range(INDEX, name))?;
    let count = usize::try_from(count).ok().filter(|count| *count <= length - start);
    let count = count.ok_or_else(|| Fault::out_of_range(COUNT, "count"))?;
    Ok(start..start + count)
}

/// A search backward from an index, over so many elements.
pub(in super::super) fn backward(
    length: usize,
    index: i32,
    count: i32,
    name: &str,
) -> Result<Range<usize>, Fault> {
    if length == 0 {
        return Ok(0..0);
    }
    let (start, count) = (size(index, name)?, size(count, "count")?);
    if start >= length {
        return Err(Fault::out_of_range(LARGER, name));
    }
    if count > start + 1 {
        return Err(Fault::out_of_range(LARGER, "count"));
    }
    Ok(start + 1 - count..start + 1)
}

/// As [`backward`] with the texts of `FindLastIndex`; of nothing, only -1 is a place.
pub(in super::super) fn backward_strict(
    length: usize,
    index: i32,
    count: i32,
) -> Result<Range<usize>, Fault> {
    if length == 0 && index == -1 {
        return Ok(0..0);
    }
    let start = usize::try_from(index).ok().filter(|start| *start < length);
    let start = start.ok_or_else(|| Fault::out_of_range(INDEX, "startIndex"))?;
    let count = usize::try_from(count).ok().filter(|count| *count <= start + 1);
    let count = count.ok_or_else(|| Fault::out_of_range(COUNT, "count"))?;
    Ok(start + 1 - count..start + 1)
}

pub(in super::super) fn first(items: &[Value], part: Range<usize>, wanted: &Value) -> Value {
    let start = part.start;
    let found = items.get(part).and_then(|part| part.iter().position(|item| item.equals(wanted)));
    position(found.map(|at| start + at))
}

pub(in super::super) fn last(items: &[Value], part: Range<usize>, wanted: &Value) -> Value {
    let start = part.start;
    let found = items.get(part).and_then(|part| part.iter().rposition(|item| item.equals(wanted)));
    position(found.map(|at| start + at))
}

pub(in super::super) fn matching(
    vm: &mut Vm<'_>,
    items: &[Value],
    part: impl Iterator<Item = usize>,
    predicate: &Value,
) -> Result<Value, Fault> {
    for at in part {
        let Some(item) = items.get(at) else { break };
        if vm.call_function(predicate, std::slice::from_ref(item))?.as_bool() == Some(true) {
            return Ok(position(Some(at)));
        }
    }
    Ok(position(None))
}

pub(in super::super) fn matching_last(
    vm: &mut Vm<'_>,
    items: &[Value],
    part: Range<usize>,
    predicate: &Value,
) -> Result<Value, Fault> {
    matching(vm, items, part.rev(), predicate)
}

/// The place of a value in sorted elements, or the complement of where it belongs.
pub(in super::super) fn binary(
    vm: &mut Vm<'_>,
    items: &[Value],
    part: Range<usize>,
    wanted: &Value,
    comparer: Option<&Value>,
) -> Result<Value, Fault> {
    let (mut low, mut high) = (part.start, part.end);
    while low < high {
        let middle = usize::midpoint(low, high - 1);
        let Some(item) = items.get(middle) else { break };
        match array::compare_with(vm, comparer, item, wanted)? {
            std::cmp::Ordering::Equal => return Ok(Value::I32(middle as i32)),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(Value::I32(!(low as i32)))
}

pub(in super::super) fn sort_part(
    vm: &mut Vm<'_>,
    items: &mut Vec<Value>,
    part: Range<usize>,
    comparer: Option<&Value>,
) -> Result<(), Fault> {
    let start = part.start;
    let sorted = array::sorted(vm, items.drain(part).collect(), comparer)?;
    items.splice(start..start, sorted);
    Ok(())
}

pub(in super::super) fn copy(
    vm: &mut Vm<'_>,
    items: &[Value],
    target: &Value,
    at: i32,
) -> Result<Value, Fault> {
    vm.steps(items.len() as u64 / 8)?;
    let Value::Array(target) = target else { return Err(Fault::argument_null("destinationArray")) };
    let start = usize::try_from(at).map_err(|_| {
        let problem = "Number was less than the array's lower bound in the first dimension.";
        Fault::out_of_range(problem, "destinationIndex")
    })?;
    if start > target.len() || items.len() > target.len() - start {
        let problem = "Destination array was not long enough. Check the destination index, length, and the array's lower bounds.";
        return Err(Fault::argument(problem, "destinationArray"));
    }
    for (offset, item) in items.iter().enumerate() {
        target.set(start + offset, item.clone());
    }
    Ok(Value::Null)
}
