//! `System.Collections.Generic`: interfaces and what stands behind them (expressions.md §6.6).

mod dictionary;
pub(super) mod enumerate;
mod list;
pub(super) mod range;
mod set;

pub(super) use dictionary::{Map, dictionary_entries, dictionary_get, new_dictionary};
pub(super) use enumerate::read_only;
pub(super) use list::{ListObject, new_list};
pub(super) use set::new_set;

use std::any::Any;
use std::cell::RefCell;

use super::{Allow, Args, DefId, Type, TypeTable, library, m, rw};
use crate::run::{Fault, Iter, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLES: &[&[TypeTable]] =
    &[TABLE, list::TABLE, range::TABLE, dictionary::TABLE, set::TABLE, enumerate::TABLE];

static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Collections.Generic.IEnumerator<out T> : System.Collections.IEnumerator, System.IDisposable",
        allow: Allow::All,
        members: &[m("T Current { get; }", current), m("bool MoveNext()", move_next)],
    },
    TypeTable {
        header: "interface System.Collections.Generic.IReadOnlyCollection<out T> : System.Collections.Generic.IEnumerable<T>",
        allow: Allow::All,
        members: &[m("int Count { get; }", |vm, a| count(vm, a.this()).map(|n| Value::I32(n as i32)))],
    },
    TypeTable {
        header: "interface System.Collections.Generic.IReadOnlyList<out T> : System.Collections.Generic.IReadOnlyCollection<T>",
        allow: Allow::All,
        members: &[m("T this[int index] { get; }", |vm, a| list::item(vm, a.this(), a.i32(1)?))],
    },
    TypeTable {
        header: "interface System.Collections.Generic.ICollection<T> : System.Collections.Generic.IEnumerable<T>",
        allow: Allow::All,
        members: &[
            m("int Count { get; }", |vm, a| count(vm, a.this()).map(|n| Value::I32(n as i32))),
            m("bool IsReadOnly { get; }", |_, a| Ok(Value::Bool(matches!(a.this(), Value::Array(_))))),
            m("void Add(T item)", |vm, a| list::add(vm, a.this(), a.at(1))),
            m("void Clear()", |_, a| list::clear(a.this())),
            m("bool Contains(T item)", |vm, a| {
                let items = vm.collect(a.this())?;
                vm.steps(items.len() as u64)?;
                Ok(Value::Bool(items.iter().any(|i| i.equals(a.at(1)))))
            }),
            m("bool Remove(T item)", |_, a| list::remove(a.this(), a.at(1))),
            m("void CopyTo(T[] array, int arrayIndex)", copy_to),
        ],
    },
    TypeTable {
        header: "interface System.Collections.Generic.IList<T> : System.Collections.Generic.ICollection<T>",
        allow: Allow::All,
        members: &[
            rw(
                "T this[int index] { get; set; }",
                |vm, a| list::item(vm, a.this(), a.i32(1)?),
                |_, a| list::set_item(a.this(), a.i32(1)?, a.at(2)),
            ),
            m("int IndexOf(T item)", |vm, a| {
                let items = vm.collect(a.this())?;
                Ok(Value::I32(items.iter().position(|i| i.equals(a.at(1))).map_or(-1, |n| n as i32)))
            }),
            m("void Insert(int index, T item)", |vm, a| list::insert(vm, a.this(), a.i32(1)?, a.at(2))),
            m("void RemoveAt(int index)", |_, a| list::remove_at(a.this(), a.i32(1)?)),
        ],
    },
    TypeTable {
        header: "struct System.Collections.Generic.KeyValuePair<TKey, TValue>",
        allow: Allow::All,
        members: &[
            m("new(TKey key, TValue value)", |_, a| {
                Ok(super::runtime::pair(a.ty(0), a.ty(1), a.at(0).clone(), a.at(1).clone()))
            }),
            m("void Deconstruct(out TKey key, out TValue value)", |_, a| {
                for field in 0..2 {
                    let value = super::runtime::record_field(a.this(), field);
                    a.set_out(field + 1, value.ok_or_else(Fault::null_reference)?);
                }
                Ok(Value::Null)
            }),
            m("TKey Key { get; }", |_, a| {
                super::runtime::record_field(a.this(), 0).ok_or_else(Fault::null_reference)
            }),
            m("TValue Value { get; }", |_, a| {
                super::runtime::record_field(a.this(), 1).ok_or_else(Fault::null_reference)
            }),
        ],
    },
    TypeTable {
        header: "static class System.Collections.Generic.KeyValuePair",
        allow: Allow::All,
        members: &[m(
            "static KeyValuePair<TKey, TValue> Create<TKey, TValue>(TKey key, TValue value)",
            |_, a| Ok(super::runtime::pair(a.ty(0), a.ty(1), a.at(0).clone(), a.at(1).clone())),
        )],
    },
    TypeTable {
        header: "interface System.Collections.Generic.IComparer<in T>",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "interface System.Collections.Generic.IEqualityComparer<in T>",
        allow: Allow::None,
        members: &[
            m("bool Equals(T x, T y)", |_, a| Ok(Value::Bool(set::compared(a.at(0), a.at(1), a.at(2))))),
            m("int GetHashCode(T obj)", |_, a| Ok(Value::I32(set::items_hash(a.at(1)) as i32))),
        ],
    },
];

fn current(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    Ok(a.object::<Enumerator>(0)?.current.borrow().clone())
}

fn move_next(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let enumerator = a.object::<Enumerator>(0)?;
    let next = {
        let Ok(mut iter) = enumerator.iter.try_borrow_mut() else { return Ok(Value::Bool(false)) };
        vm.next(&mut **iter)?
    };
    let found = next.is_some();
    *enumerator.current.borrow_mut() = next.unwrap_or_else(|| super::default_value(&enumerator.element));
    Ok(Value::Bool(found))
}

/// `CopyTo(array, index)` of any collection.
fn copy_to(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let items = vm.collect(a.this())?;
    range::copy(vm, &items, a.at(1), a.i32(2)?)
}

/// A running enumeration.
pub(crate) struct Enumerator {
    element: Type,
    iter: RefCell<Box<dyn Iter>>,
    current: RefCell<Value>,
}

impl Enumerator {
    pub fn new(element: Type, iter: Box<dyn Iter>) -> Self {
        let current = RefCell::new(super::default_value(&element));
        Self { element, iter: RefCell::new(iter), current }
    }
}

impl Object for Enumerator {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Collections.Generic.IEnumerator", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.element.clone()]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The number of elements of any collection.
pub(super) fn count(vm: &mut Vm<'_>, value: &Value) -> Result<usize, Fault> {
    if let Value::Array(array) = value {
        return Ok(array.len());
    }
    if let Some(list) = value.downcast::<ListObject>() {
        return Ok(list.items.borrow().len());
    }
    if let Some(map) = value.downcast::<Map>() {
        return Ok(map.entries.borrow().len());
    }
    if let Some(view) = value.downcast::<enumerate::View>() {
        return vm.nested(|vm| count(vm, &view.inner));
    }
    if let Value::Context(_) = value {
        return Ok(super::dictionary::entries(vm, value)?.len());
    }
    Ok(vm.collect(value)?.len())
}

/// A key of a dictionary or set, under its comparer.
#[derive(Clone)]
pub(super) struct Key {
    pub value: Value,
    folded: Option<Text>,
    /// Compared by the items of the set that it is.
    as_set: bool,
}

impl Key {
    /// `ignore_case`: the comparer of the collection.
    pub fn new(value: &Value, ignore_case: bool) -> Self {
        let folded = match value {
            Value::Str(text) if ignore_case => Some(Text::from(crate::clr::text::to_upper(text.as_str()))),
            _ => None,
        };
        Self { value: value.clone(), folded, as_set: false }
    }

    /// A set that is the same as any other of the same items.
    pub fn of_set(value: &Value) -> Self {
        Self { value: value.clone(), folded: None, as_set: true }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.folded, &other.folded) {
            (Some(a), Some(b)) => a == b,
            _ if self.as_set && other.as_set => set::same_items(&self.value, &other.value),
            _ => self.value.equals(&other.value),
        }
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match &self.folded {
            Some(text) => text.hash(state),
            None if self.as_set => state.write_u64(set::items_hash(&self.value)),
            None => state.write_u64(self.value.hash_code()),
        }
    }
}

/// Whether a comparer argument ignores case.
pub(super) fn ignores_case(comparer: &Value) -> bool {
    comparer.downcast::<super::string::Comparer>().is_some_and(|c| c.ignore_case)
}
