//! `HashSet<T>` and `ISet<T>`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::super::{Allow, Args, Member, Type, TypeTable, array, library, m};
use super::{Key, ignores_case};
use crate::run::{Fault, Iter, Limit, Vm};
use crate::value::{Holds, Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Collections.Generic.ISet<T> : System.Collections.Generic.ICollection<T>",
        allow: Allow::All,
        members: OPERATIONS,
    },
    TypeTable {
        header: "class System.Collections.Generic.HashSet<T> : System.Collections.Generic.ISet<T>, System.Collections.Generic.IReadOnlyCollection<T>",
        allow: Allow::All,
        members: &[
            m("new()", |vm, a| make(vm, a, None, Comparing::Default)),
            m("new(IEnumerable<T> collection)", |vm, a| make(vm, a, Some(a.at(0)), Comparing::Default)),
            m("new(IEqualityComparer<T> comparer)", |vm, a| make(vm, a, None, comparing(a.at(0)))),
            m("new(IEnumerable<T> collection, IEqualityComparer<T> comparer)", |vm, a| {
                make(vm, a, Some(a.at(0)), comparing(a.at(1)))
            }),
            m("int Count { get; }", |_, a| Ok(Value::I32(set(a)?.items.borrow().len() as i32))),
            m("new(int capacity)", |vm, a| make(vm, a, None, Comparing::Default)),
            m("new(int capacity, IEqualityComparer<T> comparer)", |vm, a| {
                make(vm, a, None, comparing(a.at(1)))
            }),
            m("IEqualityComparer<T> Comparer { get; }", |_, a| {
                Ok(super::super::string::key_comparer(set(a)?.comparing == Comparing::IgnoreCase))
            }),
            m("IEnumerator<T> GetEnumerator()", |vm, a| super::enumerate::enumerator(vm, a, a.ty(0))),
            m("bool TryGetValue(T equalValue, out T actualValue)", |_, a| {
                let set = set(a)?;
                let key = set.key(a.at(1));
                let found = set.items.borrow().get(&key).map(|key| key.value.clone());
                let is_found = found.is_some();
                a.set_out(2, found.unwrap_or_else(|| super::super::default_value(&a.ty(0))));
                Ok(Value::Bool(is_found))
            }),
            m("void CopyTo(T[] array)", |vm, a| {
                let items = vm.collect(a.this())?;
                super::range::copy(vm, &items, a.at(1), 0)
            }),
            m("void CopyTo(T[] array, int arrayIndex)", super::copy_to),
            m("void CopyTo(T[] array, int arrayIndex, int count)", |vm, a| {
                let mut items = vm.collect(a.this())?;
                items.truncate(a.i32(3)?.max(0) as usize);
                super::range::copy(vm, &items, a.at(1), a.i32(2)?)
            }),
            m("int EnsureCapacity(int capacity)", |_, a| Ok(a.at(1).clone())),
            m("void TrimExcess()", |_, _| Ok(Value::Null)),
            m("bool Contains(T item)", |_, a| Ok(Value::Bool(set(a)?.has(a.at(1))))),
            m("bool Remove(T item)", |_, a| {
                let set = set(a)?;
                let removed = set.items.borrow_mut().shift_remove(&set.key(a.at(1)));
                Ok(Value::Bool(removed))
            }),
            m("void Clear()", |_, a| {
                set(a)?.touch();
                set(a)?.items.borrow_mut().clear();
                Ok(Value::Null)
            }),
            m("int RemoveWhere(Predicate<T> match)", |vm, a| {
                let doomed = array::filter(vm, a.this(), a.at(1))?;
                let set = set(a)?;
                set.touch();
                for item in &doomed {
                    set.items.borrow_mut().shift_remove(&set.key(item));
                }
                Ok(Value::I32(doomed.len() as i32))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Collections.Generic.HashSet<T>",
        allow: Allow::All,
        members: OPERATIONS,
    },
    TypeTable {
        header: "partial class System.Collections.Generic.HashSet<T>",
        allow: Allow::All,
        members: &[
            m("void OnDeserialization(object sender)", |_, _| Ok(Value::Null)),
            m("static IEqualityComparer<HashSet<T>> CreateSetComparer()", |_, a| {
                Ok(Value::object(SetComparer(a.ty(0))))
            }),
        ],
    },
    TypeTable {
        header: "class System.Collections.Generic.HashSetEqualityComparer<T> : System.Collections.Generic.IEqualityComparer<HashSet<T>>",
        allow: Allow::None,
        members: &[],
    },
];

/// What `ISet<T>` has and `HashSet<T>` has from it.
const OPERATIONS: &[Member] = &[
    m("bool Add(T item)", |vm, a| set(a)?.add(vm, a.at(1)).map(Value::Bool)),
    m("void UnionWith(IEnumerable<T> other)", |vm, a| {
        for item in vm.collect(a.at(1))? {
            set(a)?.add(vm, &item)?;
        }
        Ok(Value::Null)
    }),
    m("void IntersectWith(IEnumerable<T> other)", |vm, a| retain(vm, a, true)),
    m("void ExceptWith(IEnumerable<T> other)", |vm, a| retain(vm, a, false)),
    m("bool Overlaps(IEnumerable<T> other)", |vm, a| {
        let other = vm.collect(a.at(1))?;
        Ok(Value::Bool(other.iter().any(|i| a.object::<SetObject>(0).is_ok_and(|s| s.has(i)))))
    }),
    m("bool SetEquals(IEnumerable<T> other)", |vm, a| {
        compare(vm, a, |own, other, both| both == own && both == other)
    }),
    m("bool IsSubsetOf(IEnumerable<T> other)", |vm, a| compare(vm, a, |own, _, both| both == own)),
    m("bool IsSupersetOf(IEnumerable<T> other)", |vm, a| compare(vm, a, |_, other, both| both == other)),
    m("bool IsProperSubsetOf(IEnumerable<T> other)", |vm, a| {
        compare(vm, a, |own, other, both| both == own && other > own)
    }),
    m("bool IsProperSupersetOf(IEnumerable<T> other)", |vm, a| {
        compare(vm, a, |own, other, both| both == other && own > other)
    }),
    m("void SymmetricExceptWith(IEnumerable<T> other)", |vm, a| {
        let mut seen: IndexSet<Key, FxBuildHasher> = IndexSet::default();
        for item in vm.collect(a.at(1))? {
            let key = set(a)?.key(&item);
            if !seen.insert(key.clone()) {
                continue;
            }
            if set(a)?.has(&item) {
                set(a)?.touch();
                set(a)?.items.borrow_mut().shift_remove(&key);
            } else {
                set(a)?.add(vm, &item)?;
            }
        }
        Ok(Value::Null)
    }),
];

struct SetObject {
    element: Type,
    comparing: Comparing,
    items: RefCell<IndexSet<Key, FxBuildHasher>>,
    version: Cell<u32>,
}

impl Drop for SetObject {
    fn drop(&mut self) {
        crate::value::release(self.items.take());
    }
}

/// How a set tells its items apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparing {
    Default,
    IgnoreCase,
    /// Sets of the same items are one.
    Sets,
}

fn comparing(comparer: &Value) -> Comparing {
    match ignores_case(comparer) {
        true => Comparing::IgnoreCase,
        false if comparer.downcast::<SetComparer>().is_some() => Comparing::Sets,
        false => Comparing::Default,
    }
}

/// `HashSet<T>.CreateSetComparer()`.
struct SetComparer(Type);

impl Object for SetComparer {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Collections.Generic.HashSetEqualityComparer", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.0.clone()]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }
}

/// What a comparer says of two values.
pub(super) fn compared(comparer: &Value, a: &Value, b: &Value) -> bool {
    match comparing(comparer) {
        Comparing::Sets => same_items(a, b),
        other => {
            let ignore_case = other == Comparing::IgnoreCase;
            Key::new(a, ignore_case) == Key::new(b, ignore_case)
        }
    }
}

/// Whether two values are sets of the same items, or both null.
pub(super) fn same_items(a: &Value, b: &Value) -> bool {
    match (a.downcast::<SetObject>(), b.downcast::<SetObject>()) {
        (Some(a), Some(b)) => {
            let (a, b) = (a.items.borrow(), b.items.borrow());
            a.len() == b.len() && a.iter().all(|item| b.contains(item))
        }
        _ => a.is_null() && b.is_null(),
    }
}

/// A hash that does not look at the order of items.
pub(super) fn items_hash(set: &Value) -> u64 {
    set.downcast::<SetObject>()
        .map_or(0, |set| set.items.borrow().iter().fold(0, |all, key| all ^ key.value.hash_code()))
}

impl SetObject {
    fn key(&self, item: &Value) -> Key {
        match self.comparing {
            Comparing::Sets => Key::of_set(item),
            other => Key::new(item, other == Comparing::IgnoreCase),
        }
    }

    fn touch(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }

    fn has(&self, item: &Value) -> bool {
        self.items.borrow().contains(&self.key(item))
    }

    fn add(&self, vm: &mut Vm<'_>, item: &Value) -> Result<bool, Fault> {
        if self.has(item) {
            return Ok(false);
        }
        if self.items.borrow().len() >= vm.elements_max() {
            return Err(Fault::Limit(Limit::Elements));
        }
        vm.charge(48)?;
        self.touch();
        Ok(self.items.borrow_mut().insert(self.key(item)))
    }
}

impl Object for SetObject {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Collections.Generic.HashSet", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.element.clone()]))
    }

    fn holds(&self) -> Holds {
        if self.element.may_hold() { Holds::Given } else { Holds::Nothing }
    }

    fn empty(&self) {
        crate::value::release(self.items.take());
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        let version = self.version.get();
        Some(Ok(Box::new(SetIter { set: self, at: 0, version })))
    }
}

struct SetIter {
    set: Rc<SetObject>,
    at: usize,
    version: u32,
}

impl Iter for SetIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        if self.set.version.get() != self.version {
            return Err(Fault::invalid_operation(
                "Collection was modified; enumeration operation may not execute.",
            ));
        }
        self.at += 1;
        Ok(self.set.items.borrow().get_index(self.at - 1).map(|k| k.value.clone()))
    }
}

fn set<'a>(a: &Args<'a>) -> Result<&'a SetObject, Fault> {
    a.object::<SetObject>(0)
}

fn make(vm: &mut Vm<'_>, a: &Args<'_>, source: Option<&Value>, comparing: Comparing) -> Result<Value, Fault> {
    let set = SetObject { element: a.ty(0), comparing, items: RefCell::default(), version: Cell::new(0) };
    if let Some(source) = source {
        if source.is_null() {
            return Err(Fault::argument_null("collection"));
        }
        for item in vm.collect(source)? {
            set.add(vm, &item)?;
        }
    }
    Ok(Value::object(set))
}

/// `HashSet<T>` of items at hand.
pub(crate) fn new_set(
    vm: &mut Vm<'_>,
    element: Type,
    items: Vec<Value>,
    ignore_case: bool,
) -> Result<Value, Fault> {
    let comparing = if ignore_case { Comparing::IgnoreCase } else { Comparing::Default };
    let set = SetObject { element, comparing, items: RefCell::default(), version: Cell::new(0) };
    for item in items {
        set.add(vm, &item)?;
    }
    Ok(Value::object(set))
}

fn retain(vm: &mut Vm<'_>, a: &Args<'_>, keep: bool) -> Result<Value, Fault> {
    let set = set(a)?;
    let other: Vec<Key> = vm.collect(a.at(1))?.iter().map(|i| set.key(i)).collect();
    vm.steps(other.len() as u64)?;
    let other: IndexSet<Key, FxBuildHasher> = other.into_iter().collect();
    set.touch();
    set.items.borrow_mut().retain(|key| other.contains(key) == keep);
    Ok(Value::Null)
}

fn compare(vm: &mut Vm<'_>, a: &Args<'_>, holds: fn(usize, usize, usize) -> bool) -> Result<Value, Fault> {
    let set = set(a)?;
    let other: Vec<Key> = vm.collect(a.at(1))?.iter().map(|i| set.key(i)).collect();
    let other: IndexSet<Key, FxBuildHasher> = other.into_iter().collect();
    let own = set.items.borrow();
    let both = own.iter().filter(|key| other.contains(*key)).count();
    Ok(Value::Bool(holds(own.len(), other.len(), both)))
}
