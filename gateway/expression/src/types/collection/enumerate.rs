//! `GetEnumerator()` of the collections, read-only views, and the members that try.

use std::any::Any;
use std::rc::Rc;

use super::super::{Allow, Args, Type, TypeTable, default_value, library, m};
use super::{Enumerator, count, dictionary, list};
use crate::run::{Fault, Iter, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Collections.IEnumerator",
        allow: Allow::None,
        members: &[
            m("object Current { get; }", super::current),
            m("bool MoveNext()", super::move_next),
            m("void Reset()", |_, _| Err(Fault::not_supported("Specified method is not supported."))),
        ],
    },
    TypeTable {
        header: "class System.Collections.ObjectModel.ReadOnlyCollection<T> : System.Collections.Generic.IList<T>, System.Collections.Generic.IReadOnlyList<T>",
        allow: Allow::None,
        members: &[
            m("new(IList<T> list)", |_, a| view(a, a.ty(0))),
            m("int Count { get; }", |vm, a| count(vm, a.this()).map(|n| Value::I32(n as i32))),
            m("T this[int index] { get; }", |vm, a| list::item(vm, a.this(), a.i32(1)?)),
            m("IEnumerator<T> GetEnumerator()", |vm, a| enumerator(vm, a, a.ty(0))),
        ],
    },
    TypeTable {
        header: "partial class System.Collections.Generic.List<T>",
        allow: Allow::All,
        members: &[
            m("IEnumerator<T> GetEnumerator()", |vm, a| enumerator(vm, a, a.ty(0))),
            m("System.Collections.ObjectModel.ReadOnlyCollection<T> AsReadOnly()", |_, a| view(a, a.ty(0))),
        ],
    },
    TypeTable {
        header: "partial class System.Array",
        allow: Allow::All,
        members: &[
            m("System.Collections.IEnumerator GetEnumerator()", |vm, a| enumerator(vm, a, Type::OBJECT)),
            m(
                "static System.Collections.ObjectModel.ReadOnlyCollection<T> AsReadOnly<T>(T[] array)",
                |_, a| view(a, a.ty(0)),
            ),
        ],
    },
    TypeTable {
        header: "partial class System.String",
        allow: Allow::All,
        members: &[m("IEnumerator<char> GetEnumerator()", |vm, a| enumerator(vm, a, Type::CHAR))],
    },
    TypeTable {
        header: "partial class System.Collections.Generic.Queue<T>",
        allow: Allow::All,
        members: &[
            m("IEnumerator<T> GetEnumerator()", |vm, a| enumerator(vm, a, a.ty(0))),
            m("bool TryDequeue(out T result)", |vm, a| attempt(vm, a, true)),
            m("bool TryPeek(out T result)", |vm, a| attempt(vm, a, false)),
            m("void CopyTo(T[] array, int arrayIndex)", super::copy_to),
            m("void TrimExcess()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "partial class System.Collections.Generic.Stack<T>",
        allow: Allow::All,
        members: &[
            m("IEnumerator<T> GetEnumerator()", |vm, a| enumerator(vm, a, a.ty(0))),
            m("bool TryPop(out T result)", |vm, a| attempt(vm, a, true)),
            m("bool TryPeek(out T result)", |vm, a| attempt(vm, a, false)),
            m("void CopyTo(T[] array, int arrayIndex)", super::copy_to),
            m("void TrimExcess()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "partial class System.Collections.Generic.Dictionary<TKey, TValue>",
        allow: Allow::All,
        members: &[
            m("IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()", |vm, a| {
                let pair = Type::generic(super::super::KEY_VALUE_PAIR, vec![a.ty(0), a.ty(1)]);
                enumerator(vm, a, pair)
            }),
            m("new(IEnumerable<KeyValuePair<TKey, TValue>> collection)", |vm, a| {
                dictionary::copy(vm, a, false)
            }),
            m(
                "new(IEnumerable<KeyValuePair<TKey, TValue>> collection, IEqualityComparer<TKey> comparer)",
                |vm, a| dictionary::copy(vm, a, super::ignores_case(a.at(1))),
            ),
            // Deserialization is over when a policy has the dictionary.
            m("void OnDeserialization(object sender)", |_, _| Ok(Value::Null)),
            m("IEqualityComparer<TKey> Comparer { get; }", |_, a| {
                Ok(super::super::string::key_comparer(a.object::<dictionary::Map>(0)?.ignores_case()))
            }),
            m("int EnsureCapacity(int capacity)", |_, a| Ok(a.at(1).clone())),
            m("void TrimExcess()", |_, _| Ok(Value::Null)),
            m("void TrimExcess(int capacity)", |_, _| Ok(Value::Null)),
        ],
    },
];

/// A running enumeration over the receiver.
pub(in super::super) fn enumerator(vm: &mut Vm<'_>, a: &Args<'_>, element: Type) -> Result<Value, Fault> {
    let iter = vm.iterate(a.this())?;
    Ok(Value::object(Enumerator::new(element, iter)))
}

fn attempt(vm: &mut Vm<'_>, a: &Args<'_>, removes: bool) -> Result<Value, Fault> {
    let taken = list::take(vm, a.this(), removes)?;
    let found = taken.is_some();
    a.set_out(1, taken.unwrap_or_else(|| default_value(&a.ty(0))));
    Ok(Value::Bool(found))
}

/// `ReadOnlyCollection<T>`: what it shows changes with the list behind it.
pub(super) struct View {
    element: Type,
    pub inner: Value,
}

fn view(a: &Args<'_>, element: Type) -> Result<Value, Fault> {
    if a.at(0).is_null() {
        return Err(a.null(0));
    }
    Ok(Value::object(View { element, inner: a.at(0).clone() }))
}

/// A `ReadOnlyCollection<T>` of items at hand.
pub(in super::super) fn read_only(element: Type, items: Vec<Value>) -> Value {
    let inner = Value::array(element.clone(), items);
    Value::object(View { element, inner })
}

impl Drop for View {
    fn drop(&mut self) {
        crate::value::release(std::mem::replace(&mut self.inner, Value::Null));
    }
}

impl Object for View {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Collections.ObjectModel.ReadOnlyCollection", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.element.clone()]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(vm.iterate(&self.inner))
    }
}
