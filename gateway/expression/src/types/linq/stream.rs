//! Operators that pass elements on one by one.

use super::super::runtime::{is_instance, lazy, record};
use super::super::{Allow, Args, Type, TypeTable, m};
use super::{from_fn, source};
use crate::run::{Fault, ValuesIter, Vm, cast as cast_value};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "static class System.Linq.Enumerable",
    allow: Allow::All,
    members: &[
        m(
            "static IEnumerable<TSource> Where<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |_, a| filter(a, false),
        ),
        m(
            "static IEnumerable<TSource> Where<TSource>(this IEnumerable<TSource> source, Func<TSource, int, bool> predicate)",
            |_, a| filter(a, true),
        ),
        m(
            "static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)",
            |_, a| map(a, false),
        ),
        m(
            "static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, int, TResult> selector)",
            |_, a| map(a, true),
        ),
        m(
            "static IEnumerable<TResult> SelectMany<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, IEnumerable<TResult>> selector)",
            |_, a| many(a, a.ty(1), false),
        ),
        m(
            "static IEnumerable<TResult> SelectMany<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, int, IEnumerable<TResult>> selector)",
            |_, a| many(a, a.ty(1), true),
        ),
        m(
            "static IEnumerable<TResult> SelectMany<TSource, TCollection, TResult>(this IEnumerable<TSource> source, Func<TSource, IEnumerable<TCollection>> collectionSelector, Func<TSource, TCollection, TResult> resultSelector)",
            |_, a| many(a, a.ty(2), false),
        ),
        m(
            "static IEnumerable<TSource> Take<TSource>(this IEnumerable<TSource> source, int count)",
            |_, a| {
                let (from, count) = (source(a)?, a.i32(1)?);
                Ok(lazy(a.ty(0), move |vm| {
                    let mut iter = vm.iterate(&from)?;
                    let mut left = count;
                    Ok(from_fn(move |vm| {
                        if left <= 0 {
                            return Ok(None);
                        }
                        left -= 1;
                        vm.next(&mut *iter)
                    }))
                }))
            },
        ),
        m(
            "static IEnumerable<TSource> Skip<TSource>(this IEnumerable<TSource> source, int count)",
            |_, a| {
                let (from, count) = (source(a)?, a.i32(1)?);
                Ok(lazy(a.ty(0), move |vm| {
                    let mut iter = vm.iterate(&from)?;
                    let mut left = count;
                    Ok(from_fn(move |vm| {
                        while left > 0 {
                            left -= 1;
                            if vm.next(&mut *iter)?.is_none() {
                                return Ok(None);
                            }
                        }
                        vm.next(&mut *iter)
                    }))
                }))
            },
        ),
        m(
            "static IEnumerable<TSource> TakeLast<TSource>(this IEnumerable<TSource> source, int count)",
            |vm, a| {
                let items = vm.collect(&source(a)?)?;
                let start = items.len().saturating_sub(a.i32(1)?.max(0) as usize);
                let kept = items.get(start..).unwrap_or_default().to_vec();
                Ok(lazy(a.ty(0), move |_| Ok(ValuesIter::boxed(kept.clone()))))
            },
        ),
        m(
            "static IEnumerable<TSource> SkipLast<TSource>(this IEnumerable<TSource> source, int count)",
            |vm, a| {
                let items = vm.collect(&source(a)?)?;
                let end = items.len().saturating_sub(a.i32(1)?.max(0) as usize);
                let kept = items.get(..end).unwrap_or_default().to_vec();
                Ok(lazy(a.ty(0), move |_| Ok(ValuesIter::boxed(kept.clone()))))
            },
        ),
        m(
            "static IEnumerable<TSource> TakeWhile<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |_, a| take_while(a, false),
        ),
        m(
            "static IEnumerable<TSource> TakeWhile<TSource>(this IEnumerable<TSource> source, Func<TSource, int, bool> predicate)",
            |_, a| take_while(a, true),
        ),
        m(
            "static IEnumerable<TSource> SkipWhile<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)",
            |_, a| skip_while(a, false),
        ),
        m(
            "static IEnumerable<TSource> SkipWhile<TSource>(this IEnumerable<TSource> source, Func<TSource, int, bool> predicate)",
            |_, a| skip_while(a, true),
        ),
        m(
            "static IEnumerable<TResult> SelectMany<TSource, TCollection, TResult>(this IEnumerable<TSource> source, Func<TSource, int, IEnumerable<TCollection>> collectionSelector, Func<TSource, TCollection, TResult> resultSelector)",
            |_, a| many(a, a.ty(2), true),
        ),
        m(
            "static IEnumerable<TSource> Concat<TSource>(this IEnumerable<TSource> first, IEnumerable<TSource> second)",
            |_, a| chain(a, a.at(1).clone()),
        ),
        m(
            "static IEnumerable<TSource> Append<TSource>(this IEnumerable<TSource> source, TSource element)",
            |_, a| chain(a, Value::array(Type::OBJECT, vec![a.at(1).clone()])),
        ),
        m(
            "static IEnumerable<TSource> Prepend<TSource>(this IEnumerable<TSource> source, TSource element)",
            |_, a| {
                let (from, first) = (source(a)?, a.at(1).clone());
                Ok(lazy(a.ty(0), move |vm| {
                    let mut iter = vm.iterate(&from)?;
                    let mut first = Some(first.clone());
                    Ok(from_fn(move |vm| match first.take() {
                        Some(item) => Ok(Some(item)),
                        None => vm.next(&mut *iter),
                    }))
                }))
            },
        ),
        m(
            "static IEnumerable<TResult> Zip<TFirst, TSecond, TResult>(this IEnumerable<TFirst> first, IEnumerable<TSecond> second, Func<TFirst, TSecond, TResult> resultSelector)",
            |_, a| {
                let (x, y, f) = (source(a)?, a.at(1).clone(), a.at(2).clone());
                Ok(lazy(a.ty(2), move |vm| {
                    let (mut first, mut second) = (vm.iterate(&x)?, vm.iterate(&y)?);
                    let f = f.clone();
                    Ok(from_fn(move |vm| match (vm.next(&mut *first)?, vm.next(&mut *second)?) {
                        (Some(a), Some(b)) => vm.call_function(&f, &[a, b]).map(Some),
                        _ => Ok(None),
                    }))
                }))
            },
        ),
        m(
            "static IEnumerable<(TFirst, TSecond)> Zip<TFirst, TSecond>(this IEnumerable<TFirst> first, IEnumerable<TSecond> second)",
            |_, a| {
                let (x, y) = (source(a)?, a.at(1).clone());
                let ty = Type::Tuple(vec![(a.ty(0), None), (a.ty(1), None)].into());
                Ok(lazy(ty.clone(), move |vm| {
                    let (mut first, mut second) = (vm.iterate(&x)?, vm.iterate(&y)?);
                    let ty = ty.clone();
                    Ok(from_fn(move |vm| match (vm.next(&mut *first)?, vm.next(&mut *second)?) {
                        (Some(a), Some(b)) => Ok(Some(record(ty.clone(), vec![a, b]))),
                        _ => Ok(None),
                    }))
                }))
            },
        ),
        m("static IEnumerable<TResult> Cast<TResult>(this System.Collections.IEnumerable source)", |_, a| {
            let (from, ty) = (source(a)?, a.ty(0));
            if let Some(pairs) = super::super::json::pairs_of(&from, &ty) {
                return Ok(pairs);
            }
            Ok(lazy(a.ty(0), move |vm| {
                let mut iter = vm.iterate(&from)?;
                let ty = ty.clone();
                Ok(from_fn(move |vm| vm.next(&mut *iter)?.map(|item| cast_value(item, &ty)).transpose()))
            }))
        }),
        m(
            "static IEnumerable<TResult> OfType<TResult>(this System.Collections.IEnumerable source)",
            |_, a| {
                let (from, ty) = (source(a)?, a.ty(0));
                Ok(lazy(a.ty(0), move |vm| {
                    let mut iter = vm.iterate(&from)?;
                    let ty = ty.clone();
                    Ok(from_fn(move |vm| {
                        loop {
                            match vm.next(&mut *iter)? {
                                Some(item) if !is_instance(&item, &ty) => {}
                                other => return Ok(other),
                            }
                        }
                    }))
                }))
            },
        ),
        m("static IEnumerable<TSource> DefaultIfEmpty<TSource>(this IEnumerable<TSource> source)", |_, a| {
            default_if_empty(a, super::super::default_value(&a.ty(0)))
        }),
        m(
            "static IEnumerable<TSource> DefaultIfEmpty<TSource>(this IEnumerable<TSource> source, TSource defaultValue)",
            |_, a| default_if_empty(a, a.at(1).clone()),
        ),
        m("static IEnumerable<TSource> AsEnumerable<TSource>(this IEnumerable<TSource> source)", |_, a| {
            Ok(a.at(0).clone())
        }),
        m("static IEnumerable<TResult> Empty<TResult>()", |_, a| Ok(Value::array(a.ty(0), Vec::new()))),
        m("static IEnumerable<int> Range(int start, int count)", |_, a| {
            let (start, count) = (a.i64(0)?, a.i64(1)?);
            if count < 0 || start + count - 1 > i64::from(i32::MAX) {
                return Err(Fault::out_of_range(
                    "Specified argument was out of the range of valid values.",
                    "count",
                ));
            }
            Ok(lazy(Type::INT, move |_| {
                let mut next = start;
                Ok(from_fn(move |_| {
                    next += 1;
                    Ok((next - 1 < start + count).then(|| Value::I32((next - 1) as i32)))
                }))
            }))
        }),
        m("static IEnumerable<TResult> Repeat<TResult>(TResult element, int count)", |_, a| {
            let (item, count) = (a.at(0).clone(), a.i32(1)?);
            if count < 0 {
                return Err(Fault::out_of_range(
                    "Specified argument was out of the range of valid values.",
                    "count",
                ));
            }
            Ok(lazy(a.ty(0), move |_| {
                let (item, mut left) = (item.clone(), count);
                Ok(from_fn(move |_| {
                    left -= 1;
                    Ok((left >= 0).then(|| item.clone()))
                }))
            }))
        }),
        m(
            "static IEnumerable<TSource[]> Chunk<TSource>(this IEnumerable<TSource> source, int size)",
            |vm, a| {
                let size = usize::try_from(a.i32(1)?).ok().filter(|s| *s > 0);
                let size = size.ok_or_else(|| {
                    Fault::out_of_range("Specified argument was out of the range of valid values.", "size")
                })?;
                let items = vm.collect(&source(a)?)?;
                let chunks: Vec<Value> =
                    items.chunks(size).map(|c| Value::array(a.ty(0), c.to_vec())).collect();
                Ok(lazy(Type::array_of(a.ty(0), 1), move |_| Ok(ValuesIter::boxed(chunks.clone()))))
            },
        ),
    ],
}];

/// The arguments of a callback that may want the index.
fn call(vm: &mut Vm<'_>, f: &Value, item: &Value, index: i32, indexed: bool) -> Result<Value, Fault> {
    if indexed {
        return vm.call_function(f, &[item.clone(), Value::I32(index)]);
    }
    vm.call_function(f, std::slice::from_ref(item))
}

fn take_while(a: &Args<'_>, indexed: bool) -> Result<Value, Fault> {
    let (from, predicate) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let (predicate, mut index, mut ended) = (predicate.clone(), -1, false);
        Ok(from_fn(move |vm| {
            let next = if ended { None } else { vm.next(&mut *iter)? };
            let Some(item) = next else { return Ok(None) };
            index += 1;
            ended = call(vm, &predicate, &item, index, indexed)?.as_bool() != Some(true);
            Ok((!ended).then_some(item))
        }))
    }))
}

fn skip_while(a: &Args<'_>, indexed: bool) -> Result<Value, Fault> {
    let (from, predicate) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let (predicate, mut index, mut started) = (predicate.clone(), -1, false);
        Ok(from_fn(move |vm| {
            loop {
                let Some(item) = vm.next(&mut *iter)? else { return Ok(None) };
                index += 1;
                if started || call(vm, &predicate, &item, index, indexed)?.as_bool() != Some(true) {
                    started = true;
                    return Ok(Some(item));
                }
            }
        }))
    }))
}

fn filter(a: &Args<'_>, indexed: bool) -> Result<Value, Fault> {
    let (from, f) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let (f, mut index) = (f.clone(), -1);
        Ok(from_fn(move |vm| {
            loop {
                let Some(item) = vm.next(&mut *iter)? else { return Ok(None) };
                index += 1;
                if call(vm, &f, &item, index, indexed)?.as_bool() == Some(true) {
                    return Ok(Some(item));
                }
            }
        }))
    }))
}

fn map(a: &Args<'_>, indexed: bool) -> Result<Value, Fault> {
    let (from, f) = (source(a)?, a.at(1).clone());
    Ok(lazy(a.ty(1), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let (f, mut index) = (f.clone(), -1);
        Ok(from_fn(move |vm| {
            let Some(item) = vm.next(&mut *iter)? else { return Ok(None) };
            index += 1;
            call(vm, &f, &item, index, indexed).map(Some)
        }))
    }))
}

/// `SelectMany`, with a result selector as third argument or without.
fn many(a: &Args<'_>, element: Type, indexed: bool) -> Result<Value, Fault> {
    let (from, f, result) = (source(a)?, a.at(1).clone(), a.at(2).clone());
    Ok(lazy(element, move |vm| {
        let mut outer = vm.iterate(&from)?;
        let (f, result, mut index) = (f.clone(), result.clone(), -1);
        let mut inner: Option<(Value, Box<dyn crate::run::Iter>)> = None;
        Ok(from_fn(move |vm| {
            loop {
                if let Some((item, iter)) = &mut inner
                    && let Some(found) = vm.next(&mut **iter)?
                {
                    if result.is_null() {
                        return Ok(Some(found));
                    }
                    return vm.call_function(&result, &[item.clone(), found]).map(Some);
                }
                let Some(item) = vm.next(&mut *outer)? else { return Ok(None) };
                index += 1;
                let sequence = call(vm, &f, &item, index, indexed)?;
                inner = Some((item, vm.iterate(&sequence)?));
            }
        }))
    }))
}

fn chain(a: &Args<'_>, second: Value) -> Result<Value, Fault> {
    let first = source(a)?;
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&first)?;
        let mut rest = Some(second.clone());
        Ok(from_fn(move |vm| {
            loop {
                if let Some(item) = vm.next(&mut *iter)? {
                    return Ok(Some(item));
                }
                let Some(second) = rest.take() else { return Ok(None) };
                iter = vm.iterate(&second)?;
            }
        }))
    }))
}

fn default_if_empty(a: &Args<'_>, default: Value) -> Result<Value, Fault> {
    let from = source(a)?;
    Ok(lazy(a.ty(0), move |vm| {
        let mut iter = vm.iterate(&from)?;
        let mut default = Some(default.clone());
        Ok(from_fn(move |vm| match vm.next(&mut *iter)? {
            Some(item) => {
                default = None;
                Ok(Some(item))
            }
            None => Ok(default.take()),
        }))
    }))
}
