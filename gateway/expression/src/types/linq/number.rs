//! `Sum`, `Average`, `Min`, `Max`.

use rust_decimal::Decimal;

use super::super::{Allow, Args, Type, TypeTable, array, default_value, m};
use super::source;
use crate::clr::number::decimal;
use crate::run::{Fault, Vm};
use crate::value::Value;

/// `Sum` and `Average` over each number, over its nullable, and over a selector of both.
macro_rules! numbers {
    ($($ty:literal, $average:literal;)*) => {
        pub(super) static TABLE: &[TypeTable] = &[TypeTable {
            header: "partial class System.Linq.Enumerable",
            allow: Allow::All,
            members: &[
                $(
                    m(concat!("static ", $ty, " Sum(this IEnumerable<", $ty, "> source)"), sum),
                    m(concat!("static ", $ty, "? Sum(this IEnumerable<", $ty, "?> source)"), sum),
                    m(concat!("static ", $ty, " Sum<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "> selector)"), sum),
                    m(concat!("static ", $ty, "? Sum<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "?> selector)"), sum),
                    m(concat!("static ", $average, " Average(this IEnumerable<", $ty, "> source)"), average),
                    m(concat!("static ", $average, "? Average(this IEnumerable<", $ty, "?> source)"), average),
                    m(concat!("static ", $average, " Average<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "> selector)"), average),
                    m(concat!("static ", $average, "? Average<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "?> selector)"), average),
                    m(concat!("static ", $ty, " Max<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "> selector)"), |vm, a| extreme(vm, a, true)),
                    m(concat!("static ", $ty, "? Max<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "?> selector)"), |vm, a| extreme(vm, a, true)),
                    m(concat!("static ", $ty, " Min<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "> selector)"), |vm, a| extreme(vm, a, false)),
                    m(concat!("static ", $ty, "? Min<TSource>(this IEnumerable<TSource> source, Func<TSource, ", $ty, "?> selector)"), |vm, a| extreme(vm, a, false)),
                )*
                m("static TSource Max<TSource>(this IEnumerable<TSource> source)", |vm, a| extreme(vm, a, true)),
                m("static TResult Max<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)", |vm, a| extreme(vm, a, true)),
                m("static TSource Min<TSource>(this IEnumerable<TSource> source)", |vm, a| extreme(vm, a, false)),
                m("static TResult Min<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)", |vm, a| extreme(vm, a, false)),
                m("static TSource MaxBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)", |vm, a| by_key(vm, a, true)),
                m("static TSource MinBy<TSource, TKey>(this IEnumerable<TSource> source, Func<TSource, TKey> keySelector)", |vm, a| by_key(vm, a, false)),
            ],
        }];
    };
}

numbers! {
    "int", "double";
    "long", "double";
    "float", "float";
    "double", "double";
    "decimal", "decimal";
}

/// The elements, or what the selector makes of them.
fn values(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Vec<Value>, Fault> {
    let mut list = vm.collect(&source(a)?)?;
    if !a.at(1).is_null() {
        for item in &mut list {
            *item = vm.call_function(a.at(1), std::slice::from_ref(item))?;
        }
    }
    Ok(list)
}

fn overflow() -> Fault {
    Fault::overflow()
}

fn sum(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let list = values(vm, a)?;
    let result = a.member.result.non_nullable().clone();
    let numbers = list.iter().filter(|v| !v.is_null());
    Ok(match &result {
        t if *t == Type::INT => {
            let mut all = 0i32;
            for v in numbers {
                all = all.checked_add(v.as_i64().unwrap_or_default() as i32).ok_or_else(overflow)?;
            }
            Value::I32(all)
        }
        t if *t == Type::LONG => {
            let mut all = 0i64;
            for v in numbers {
                all = all.checked_add(v.as_i64().unwrap_or_default()).ok_or_else(overflow)?;
            }
            Value::I64(all)
        }
        t if *t == Type::DECIMAL => {
            let mut all = Decimal::ZERO;
            for v in numbers {
                if let Value::Decimal(v) = v {
                    all = decimal::add(&all, v)?;
                }
            }
            Value::Decimal(all)
        }
        t if *t == Type::FLOAT => Value::F32(numbers.filter_map(Value::as_f64).sum::<f64>() as f32),
        _ => Value::F64(numbers.filter_map(Value::as_f64).sum()),
    })
}

fn no_elements() -> Fault {
    Fault::invalid_operation("Sequence contains no elements")
}

fn average(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let list: Vec<Value> = values(vm, a)?.into_iter().filter(|v| !v.is_null()).collect();
    let nullable = a.member.result.nullable().is_some();
    if list.is_empty() {
        return if nullable { Ok(Value::Null) } else { Err(no_elements()) };
    }
    if let Some(Value::Decimal(_)) = list.first() {
        let mut all = Decimal::ZERO;
        for v in &list {
            if let Value::Decimal(v) = v {
                all = decimal::add(&all, v)?;
            }
        }
        return Ok(Value::Decimal(decimal::divide(&all, &Decimal::from(list.len()))?));
    }
    let integers: Option<i64> = list.iter().try_fold(0i64, |all, v| all.checked_add(v.as_i64()?));
    let total = integers.map_or_else(|| list.iter().filter_map(Value::as_f64).sum(), |all| all as f64);
    let mean = total / list.len() as f64;
    Ok(if *a.member.result.non_nullable() == Type::FLOAT {
        Value::F32(mean as f32)
    } else {
        Value::F64(mean)
    })
}

/// The largest or smallest.
fn extreme(vm: &mut Vm<'_>, a: &Args<'_>, largest: bool) -> Result<Value, Fault> {
    let mut best: Option<Value> = None;
    for item in values(vm, a)? {
        if item.is_null() {
            continue;
        }
        let better = match &best {
            None => true,
            Some(best) => {
                let order = array::compare_values(&item, best)?;
                if largest { order.is_gt() } else { order.is_lt() }
            }
        };
        if better {
            best = Some(item);
        }
    }
    let result = a.member.result.substitute(&[], a.types);
    match best {
        Some(best) => Ok(best),
        None if result.accepts_null() => Ok(default_value(&result)),
        None => Err(no_elements()),
    }
}

fn by_key(vm: &mut Vm<'_>, a: &Args<'_>, largest: bool) -> Result<Value, Fault> {
    let mut best: Option<(Value, Value)> = None;
    for item in vm.collect(&source(a)?)? {
        let key = vm.call_function(a.at(1), std::slice::from_ref(&item))?;
        let better = match &best {
            None => true,
            Some((best, _)) => {
                let order = array::compare_values(&key, best)?;
                if largest { order.is_gt() } else { order.is_lt() }
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    match best {
        Some((_, item)) => Ok(item),
        None if a.ty(0).accepts_null() => Ok(Value::Null),
        None => Err(no_elements()),
    }
}
