//! `System.Array` as an object of any rank: creation by type, elements by indexes, `IComparer`.

use std::rc::Rc;

use super::super::convert::change_type;
use super::super::runtime::TypeObject;
use super::super::{Allow, Args, Type, TypeTable, default_value, is_instance, m};
use super::{array, copy};
use crate::run::{Fault, Vm};
use crate::value::{Array, Value};

pub(in super::super) static MULTI: &[TypeTable] = &[
    TypeTable { header: "interface System.Collections.IComparer", allow: Allow::None, members: &[] },
    TypeTable { header: "interface System.Collections.IEqualityComparer", allow: Allow::None, members: &[] },
    TypeTable {
        header: "partial class System.Array",
        allow: Allow::All,
        members: &[
            m("object SyncRoot { get; }", |_, a| Ok(a.this().clone())),
            m("bool IsReadOnly { get; }", |_, _| Ok(Value::Bool(false))),
            m("bool IsFixedSize { get; }", |_, _| Ok(Value::Bool(true))),
            m("bool IsSynchronized { get; }", |_, _| Ok(Value::Bool(false))),
            m("void Initialize()", |_, _| Ok(Value::Null)),
            m("long GetLongLength(int dimension)", |_, a| {
                let lengths = array(a, 0)?.lengths();
                let length = usize::try_from(a.i32(1)?).ok().and_then(|n| lengths.get(n));
                Ok(Value::I64(*length.ok_or_else(Fault::index)? as i64))
            }),
            m("void CopyTo(Array array, long index)", |vm, a| {
                copy(vm, a.at(0), 0, a.at(1), a.i64(2)?, array(a, 0)?.len() as i64)
            }),
            m("static void Copy(Array sourceArray, Array destinationArray, long length)", |vm, a| {
                copy(vm, a.at(0), 0, a.at(1), 0, a.i64(2)?)
            }),
            m(
                "static void Copy(Array sourceArray, long sourceIndex, Array destinationArray, long destinationIndex, long length)",
                |vm, a| copy(vm, a.at(0), a.i64(1)?, a.at(2), a.i64(3)?, a.i64(4)?),
            ),
            m(
                "static void ConstrainedCopy(Array sourceArray, int sourceIndex, Array destinationArray, int destinationIndex, int length)",
                |vm, a| copy(vm, a.at(0), a.i64(1)?, a.at(2), a.i64(3)?, a.i64(4)?),
            ),
            m("static Array CreateInstance(System.Type elementType, int length)", |vm, a| create(vm, a, 1)),
            m("static Array CreateInstance(System.Type elementType, int length1, int length2)", |vm, a| {
                create(vm, a, 2)
            }),
            m(
                "static Array CreateInstance(System.Type elementType, int length1, int length2, int length3)",
                |vm, a| create(vm, a, 3),
            ),
            m("static Array CreateInstance(System.Type elementType, params int[] lengths)", create_of_array),
            m("static Array CreateInstance(System.Type elementType, params long[] lengths)", create_of_array),
            m(
                "static Array CreateInstance(System.Type elementType, int[] lengths, int[] lowerBounds)",
                |vm, a| {
                    let bounds = vm.collect(a.at(2))?;
                    if bounds.iter().any(|bound| bound.as_i64() != Some(0)) {
                        return Err(Fault::not_supported("Arrays that do not begin at 0 are not supported."));
                    }
                    create_of_array(vm, a)
                },
            ),
            m("object GetValue(long index)", |vm, a| value_at(vm, a, 1)),
            m("object GetValue(int index1, int index2)", |vm, a| value_at(vm, a, 2)),
            m("object GetValue(long index1, long index2)", |vm, a| value_at(vm, a, 2)),
            m("object GetValue(int index1, int index2, int index3)", |vm, a| value_at(vm, a, 3)),
            m("object GetValue(long index1, long index2, long index3)", |vm, a| value_at(vm, a, 3)),
            m("object GetValue(params int[] indices)", |vm, a| value_at(vm, a, 1)),
            m("object GetValue(params long[] indices)", |vm, a| value_at(vm, a, 1)),
            m("void SetValue(object value, int index)", |vm, a| set_value(vm, a, 1)),
            m("void SetValue(object value, long index)", |vm, a| set_value(vm, a, 1)),
            m("void SetValue(object value, int index1, int index2)", |vm, a| set_value(vm, a, 2)),
            m("void SetValue(object value, long index1, long index2)", |vm, a| set_value(vm, a, 2)),
            m("void SetValue(object value, int index1, int index2, int index3)", |vm, a| set_value(vm, a, 3)),
            m("void SetValue(object value, long index1, long index2, long index3)", |vm, a| {
                set_value(vm, a, 3)
            }),
            m("void SetValue(object value, params int[] indices)", |vm, a| set_value(vm, a, 1)),
            m("void SetValue(object value, params long[] indices)", |vm, a| set_value(vm, a, 1)),
        ],
    },
];

/// The element type of a `Type` argument.
fn element(a: &Args<'_>) -> Result<Type, Fault> {
    Ok(a.at(0).downcast::<TypeObject>().ok_or_else(|| a.null(0))?.0.clone())
}

fn made(vm: &mut Vm<'_>, element: Type, lengths: &[Value]) -> Result<Value, Fault> {
    let mut sizes = Vec::with_capacity(lengths.len());
    for (place, length) in lengths.iter().enumerate() {
        let size = usize::try_from(length.as_i64().unwrap_or_default());
        let name = if lengths.len() == 1 { "length".to_owned() } else { format!("length{}", place + 1) };
        sizes.push(size.map_err(|_| Fault::out_of_range("Non-negative number required.", &name))?);
    }
    let count = sizes.iter().try_fold(1usize, |all, n| all.checked_mul(*n)).unwrap_or(usize::MAX);
    vm.elements(count)?;
    vm.charge(count.saturating_mul(24))?;
    let items = vec![default_value(&element); count];
    Ok(match sizes.as_slice() {
        [_] => Value::array(element, items),
        [] => return Err(Fault::argument("Must provide at least one rank.", "")),
        _ => Value::Array(Rc::new(Array::rectangular(element, sizes, items))),
    })
}

fn create(vm: &mut Vm<'_>, a: &Args<'_>, rank: usize) -> Result<Value, Fault> {
    let element = element(a)?;
    made(vm, element, a.values.get(1..=rank).unwrap_or_default())
}

fn create_of_array(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let element = element(a)?;
    if a.at(1).is_null() {
        return Err(a.null(1));
    }
    let lengths = vm.collect(a.at(1))?;
    made(vm, element, &lengths)
}

/// The position of the indexes that begin at an argument: some numbers, or one array of them.
fn position(vm: &mut Vm<'_>, a: &Args<'_>, first: usize, count: usize) -> Result<usize, Fault> {
    let given = a.values.get(first..first + count).unwrap_or_default();
    let indexes = match given {
        [Value::Array(_)] => vm.collect(a.at(first))?,
        [Value::Null] => return Err(a.null(first)),
        numbers => numbers.to_vec(),
    };
    let target = array(a, 0)?;
    if indexes.len() != target.lengths().len() {
        let problem = match indexes.len() {
            1 => "Array was not a one-dimensional array.",
            2 => "Array was not a two-dimensional array.",
            3 => "Array was not a three-dimensional array.",
            _ => "Indices length does not match the array rank.",
        };
        return Err(Fault::argument(problem, ""));
    }
    let mut place = 0usize;
    for (length, index) in target.lengths().iter().zip(&indexes) {
        let index = index.as_i64().and_then(|i| usize::try_from(i).ok()).filter(|i| i < length);
        place = place * length + index.ok_or_else(Fault::index)?;
    }
    Ok(place)
}

fn value_at(vm: &mut Vm<'_>, a: &Args<'_>, count: usize) -> Result<Value, Fault> {
    let place = position(vm, a, 1, count)?;
    array(a, 0)?.get(place).ok_or_else(Fault::index)
}

fn set_value(vm: &mut Vm<'_>, a: &Args<'_>, count: usize) -> Result<Value, Fault> {
    let place = position(vm, a, 2, count)?;
    let target = array(a, 0)?;
    let value = match a.at(1) {
        Value::Null => default_value(target.element()),
        value if is_instance(value, target.element()) => value.clone(),
        value if is_wider(value, target.element()) => change_type(vm, value, target.element())?,
        _ => {
            let problem = "Object cannot be stored in an array of this type.";
            return Err(Fault::new("System.InvalidCastException", problem));
        }
    };
    if target.set(place, value) { Ok(Value::Null) } else { Err(Fault::index()) }
}

/// Whether an integer goes into elements of a wider kind.
fn is_wider(value: &Value, element: &Type) -> bool {
    let wide = [Type::DOUBLE, Type::FLOAT, Type::LONG].contains(element);
    wide && value.as_i64().is_some() && !matches!(value, Value::Enum(..) | Value::Char(_))
}
