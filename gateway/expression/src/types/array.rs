//! `System.Array`, and helpers that arrays share with lists.

mod multi;
mod range;

pub(super) use multi::MULTI;
pub(super) use range::RANGE;

use std::cmp::Ordering;

use super::{Args, Member, Type, m};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) const MEMBERS: &[Member] = &[
    m("int Length { get; }", |_, a| Ok(Value::I32(array(a, 0)?.len() as i32))),
    m("long LongLength { get; }", |_, a| Ok(Value::I64(array(a, 0)?.len() as i64))),
    m("int Rank { get; }", |_, a| Ok(Value::I32(array(a, 0)?.lengths().len() as i32))),
    m("int GetLength(int dimension)", |_, a| {
        let lengths = array(a, 0)?.lengths();
        let length = usize::try_from(a.i32(1)?).ok().and_then(|n| lengths.get(n)).ok_or_else(Fault::index)?;
        Ok(Value::I32(*length as i32))
    }),
    m("int GetUpperBound(int dimension)", |_, a| {
        let lengths = array(a, 0)?.lengths();
        let length = usize::try_from(a.i32(1)?).ok().and_then(|n| lengths.get(n)).ok_or_else(Fault::index)?;
        Ok(Value::I32(*length as i32 - 1))
    }),
    m("int GetLowerBound(int dimension)", |_, _| Ok(Value::I32(0))),
    m("object GetValue(int index)", |_, a| {
        let index = usize::try_from(a.i32(1)?).map_err(|_| Fault::index())?;
        array(a, 0)?.get(index).ok_or_else(Fault::index)
    }),
    m("object Clone()", |vm, a| {
        let source = array(a, 0)?;
        vm.elements(source.len())?;
        Ok(Value::array(source.element().clone(), source.values()))
    }),
    m("void CopyTo(Array array, int index)", |vm, a| {
        copy(vm, a.at(0), 0, a.at(1), i64::from(a.i32(2)?), a.at(0).len_hint())
    }),
    m("static void Copy(Array sourceArray, Array destinationArray, int length)", |vm, a| {
        copy(vm, a.at(0), 0, a.at(1), 0, a.i64(2)?)
    }),
    m(
        "static void Copy(Array sourceArray, int sourceIndex, Array destinationArray, int destinationIndex, int length)",
        |vm, a| copy(vm, a.at(0), a.i64(1)?, a.at(2), a.i64(3)?, a.i64(4)?),
    ),
    m("static void Clear(Array array, int index, int length)", |_, a| {
        let target = array(a, 0)?;
        let default = super::default_value(target.element());
        for offset in 0..a.i32(2)?.max(0) as usize {
            if !target.set(a.i32(1)?.max(0) as usize + offset, default.clone()) {
                return Err(Fault::index());
            }
        }
        Ok(Value::Null)
    }),
    m("static void Reverse(Array array)", |vm, a| {
        let target = array(a, 0)?;
        vm.steps(target.len() as u64 / 4)?;
        let mut values = target.values();
        values.reverse();
        target.replace(values);
        Ok(Value::Null)
    }),
    m("static void Sort(Array array)", |vm, a| sort(vm, a, None)),
    m("static void Sort<T>(T[] array)", |vm, a| sort(vm, a, None)),
    m("static void Sort<T>(T[] array, Comparison<T> comparison)", |vm, a| sort(vm, a, Some(a.at(1)))),
    m("static void Sort<T>(T[] array, IComparer<T> comparer)", |vm, a| sort(vm, a, Some(a.at(1)))),
    m("static int IndexOf(Array array, object value)", |_, a| {
        Ok(position(array(a, 0)?.values().iter().position(|v| v.equals(a.at(1)))))
    }),
    m("static int IndexOf<T>(T[] array, T value)", |_, a| {
        Ok(position(array(a, 0)?.values().iter().position(|v| v.equals(a.at(1)))))
    }),
    m("static int LastIndexOf<T>(T[] array, T value)", |_, a| {
        Ok(position(array(a, 0)?.values().iter().rposition(|v| v.equals(a.at(1)))))
    }),
    m("static int BinarySearch<T>(T[] array, T value)", |_, a| {
        let values = array(a, 0)?.values();
        let found = values.binary_search_by(|v| compare_values(v, a.at(1)).unwrap_or(Ordering::Equal));
        Ok(Value::I32(found.map_or_else(|at| !(at as i32), |at| at as i32)))
    }),
    m("static bool Exists<T>(T[] array, Predicate<T> match)", |vm, a| {
        Ok(Value::Bool(find(vm, checked(a)?, a.at(1), false)?.is_some()))
    }),
    m("static T Find<T>(T[] array, Predicate<T> match)", |vm, a| {
        checked(a)?;
        found(vm, a, false)
    }),
    m("static T FindLast<T>(T[] array, Predicate<T> match)", |vm, a| found(vm, a, true)),
    m("static T[] FindAll<T>(T[] array, Predicate<T> match)", |vm, a| {
        let kept = filter(vm, checked(a)?, a.at(1))?;
        Ok(Value::array(a.ty(0), kept))
    }),
    m("static int FindIndex<T>(T[] array, Predicate<T> match)", |vm, a| {
        Ok(position(find(vm, checked(a)?, a.at(1), false)?.map(|(i, _)| i)))
    }),
    m("static int FindLastIndex<T>(T[] array, Predicate<T> match)", |vm, a| {
        Ok(position(find(vm, checked(a)?, a.at(1), true)?.map(|(i, _)| i)))
    }),
    m("static bool TrueForAll<T>(T[] array, Predicate<T> match)", |vm, a| {
        let kept = filter(vm, checked(a)?, a.at(1))?.len();
        Ok(Value::Bool(kept == array(a, 0)?.len()))
    }),
    m("static void ForEach<T>(T[] array, Action<T> action)", |vm, a| {
        for item in array(a, 0)?.values() {
            vm.call_function(a.at(1), &[item])?;
        }
        Ok(Value::Null)
    }),
    m(
        "static TOutput[] ConvertAll<TInput, TOutput>(TInput[] array, Converter<TInput, TOutput> converter)",
        |vm, a| {
            let mut items = Vec::new();
            for item in array(a, 0)?.values() {
                items.push(vm.call_function(a.at(1), &[item])?);
            }
            vm.elements(items.len())?;
            Ok(Value::array(a.ty(1), items))
        },
    ),
    m("static T[] Empty<T>()", |_, a| Ok(Value::array(a.ty(0), Vec::new()))),
    m("static void Fill<T>(T[] array, T value)", |_, a| {
        let target = array(a, 0)?;
        target.replace(vec![a.at(1).clone(); target.len()]);
        Ok(Value::Null)
    }),
    m("static void Resize<T>(ref T[] array, int newSize)", |vm, a| {
        let size = usize::try_from(a.i32(1)?)
            .map_err(|_| Fault::out_of_range("Non-negative number required.", "newSize"))?;
        vm.elements(size)?;
        let mut items = match a.at(0) {
            Value::Cell(cell) => match &*cell.borrow() {
                Value::Array(array) => array.values(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        items.resize(size, super::default_value(&a.ty(0)));
        a.set_out(0, Value::array(a.ty(0), items));
        Ok(Value::Null)
    }),
];

impl Value {
    fn len_hint(&self) -> i64 {
        match self {
            Value::Array(array) => array.len() as i64,
            _ => 0,
        }
    }
}

fn array<'a>(a: &Args<'a>, index: usize) -> Result<&'a crate::value::Array, Fault> {
    match a.at(index) {
        Value::Array(array) => Ok(array),
        _ => Err(a.null(index)),
    }
}

/// The first argument, which must be an array.
fn checked<'a>(a: &Args<'a>) -> Result<&'a Value, Fault> {
    array(a, 0)?;
    Ok(a.at(0))
}

fn position(found: Option<usize>) -> Value {
    Value::I32(found.map_or(-1, |n| n as i32))
}

fn copy(vm: &mut Vm<'_>, from: &Value, start: i64, to: &Value, at: i64, length: i64) -> Result<Value, Fault> {
    let (Value::Array(source), Value::Array(target)) = (from, to) else {
        return Err(Fault::argument_null("sourceArray"));
    };
    vm.steps(length.max(0) as u64 / 8)?;
    let fits = |start: i64, len: usize| start >= 0 && length >= 0 && start + length <= len as i64;
    if !fits(start, source.len()) {
        let message =
            "Source array was not long enough. Check the source index, length, and the array's lower bounds.";
        return Err(Fault::argument(message, "sourceArray"));
    }
    if !fits(at, target.len()) {
        let message = "Destination array was not long enough. Check the destination index, length, and the array's lower bounds.";
        return Err(Fault::argument(message, "destinationArray"));
    }
    let items: Vec<Value> = (start..start + length).filter_map(|i| source.get(i as usize)).collect();
    for (offset, item) in items.into_iter().enumerate() {
        target.set(at as usize + offset, item);
    }
    Ok(Value::Null)
}

fn sort(vm: &mut Vm<'_>, a: &Args<'_>, comparison: Option<&Value>) -> Result<Value, Fault> {
    let target = array(a, 0)?;
    let sorted = sorted(vm, target.values(), comparison)?;
    target.replace(sorted);
    Ok(Value::Null)
}

/// `T[]` of any sequence.
pub(super) fn from_sequence(vm: &mut Vm<'_>, source: &Value, element: Type) -> Result<Value, Fault> {
    let items = vm.collect(source)?;
    vm.charge(items.len() * 24)?;
    Ok(Value::array(element, items))
}

/// The first or last element that a predicate takes, with its place.
pub(super) fn find(
    vm: &mut Vm<'_>,
    source: &Value,
    predicate: &Value,
    last: bool,
) -> Result<Option<(usize, Value)>, Fault> {
    let items = vm.collect(source)?;
    let count = items.len();
    for step in 0..count {
        let index = if last { count - 1 - step } else { step };
        let Some(item) = items.get(index) else { break };
        if vm.call_function(predicate, std::slice::from_ref(item))?.as_bool() == Some(true) {
            return Ok(Some((index, item.clone())));
        }
    }
    Ok(None)
}

/// As [`find`], giving the element or the default.
pub(super) fn found(vm: &mut Vm<'_>, a: &Args<'_>, last: bool) -> Result<Value, Fault> {
    Ok(find(vm, a.at(0), a.at(1), last)?.map_or_else(|| super::default_value(&a.ty(0)), |(_, v)| v))
}

/// The elements that a predicate takes.
pub(super) fn filter(vm: &mut Vm<'_>, source: &Value, predicate: &Value) -> Result<Vec<Value>, Fault> {
    let mut kept = Vec::new();
    for item in vm.collect(source)? {
        if vm.call_function(predicate, std::slice::from_ref(&item))?.as_bool() == Some(true) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// A stable sort by the default order, a comparison, or a comparer.
pub(super) fn sorted(
    vm: &mut Vm<'_>,
    mut items: Vec<Value>,
    comparison: Option<&Value>,
) -> Result<Vec<Value>, Fault> {
    let mut failure = None;
    items.sort_by(|a, b| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        match compare_with(vm, comparison, a, b) {
            Ok(order) => order,
            Err(fault) => {
                failure = Some(fault);
                Ordering::Equal
            }
        }
    });
    match failure {
        Some(fault) => Err(fault),
        None => Ok(items),
    }
}

/// The order of two values under a delegate, a string comparer, or their own.
pub(super) fn compare_with(
    vm: &mut Vm<'_>,
    comparison: Option<&Value>,
    a: &Value,
    b: &Value,
) -> Result<Ordering, Fault> {
    vm.steps(1)?;
    match comparison {
        Some(function @ Value::Func(_)) => {
            let result = vm.call_function(function, &[a.clone(), b.clone()])?;
            Ok(result.as_i64().unwrap_or_default().cmp(&0))
        }
        Some(comparer) if super::collection_ignores_case(comparer) => {
            let fold = |v: &Value| crate::clr::text::to_upper(&v.to_text());
            Ok(crate::text::Text::from(fold(a)).cmp(&crate::text::Text::from(fold(b))))
        }
        _ => compare_values(a, b),
    }
}

/// `Comparer<T>.Default`: null first.
pub(super) fn compare_values(a: &Value, b: &Value) -> Result<Ordering, Fault> {
    let none = || Fault::invalid_operation("Failed to compare two elements in the array.");
    Ok(match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Str(x), Value::Str(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Decimal(x), Value::Decimal(y)) => x.cmp(y),
        (Value::U64(x), Value::U64(y)) => x.cmp(y),
        (Value::F32(_) | Value::F64(_), _) => {
            let (x, y) = (a.as_f64().ok_or_else(none)?, b.as_f64().ok_or_else(none)?);
            // NaN sorts before every number.
            x.partial_cmp(&y).unwrap_or_else(|| y.is_nan().cmp(&x.is_nan()))
        }
        (Value::DateTime(x, _), Value::DateTime(y, _)) | (Value::TimeSpan(x), Value::TimeSpan(y)) => x.cmp(y),
        (Value::DateTimeOffset(x, m), Value::DateTimeOffset(y, n)) => {
            crate::value::instant(*x, *m).cmp(&crate::value::instant(*y, *n))
        }
        (Value::Guid(x), Value::Guid(y)) => x.cmp(y),
        (Value::Object(_), Value::Object(_)) => super::compare_objects(a, b).ok_or_else(none)?,
        _ => a.as_i64().ok_or_else(none)?.cmp(&b.as_i64().ok_or_else(none)?),
    })
}
