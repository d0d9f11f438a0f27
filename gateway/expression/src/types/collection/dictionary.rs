//! `Dictionary<K, V>` and `IDictionary<K, V>`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::super::linq::from_fn;
use super::super::runtime::{pair, record_field};
use super::super::{Allow, Args, DICTIONARY, Member, Type, TypeTable, library, m, rw};
use super::{Key, ignores_case, new_list};
use crate::run::{Fault, Iter, Limit, Vm};
use crate::value::{Holds, Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "interface System.Collections.Generic.IDictionary<TKey, TValue> : System.Collections.Generic.ICollection<KeyValuePair<TKey, TValue>>",
        allow: Allow::All,
        members: &[
            rw("TValue this[TKey key] { get; set; }", get, set),
            m("bool ContainsKey(TKey key)", contains_key),
            m("bool TryGetValue(TKey key, out TValue value)", try_get_value),
            m("void Add(TKey key, TValue value)", add),
            m("bool Remove(TKey key)", remove),
            m("ICollection<TKey> Keys { get; }", keys),
            m("ICollection<TValue> Values { get; }", values),
        ],
    },
    TypeTable {
        header: "interface System.Collections.IDictionary : System.Collections.IEnumerable",
        allow: Allow::None,
        members: &[
            rw(
                "object this[object key] { get; set; }",
                |vm, a| Ok(dictionary_get(vm, a.this(), a.at(1))?.unwrap_or(Value::Null)),
                set,
            ),
            m("int Count { get; }", |vm, a| super::count(vm, a.this()).map(|n| Value::I32(n as i32))),
            m("void Add(object key, object value)", add),
            m("bool Contains(object key)", contains_key),
            m("void Remove(object key)", remove),
        ],
    },
    TypeTable {
        header: "class System.Collections.Generic.Dictionary<TKey, TValue> : System.Collections.Generic.IDictionary<TKey, TValue>, System.Collections.Generic.IReadOnlyDictionary<TKey, TValue>, System.Collections.IDictionary",
        allow: Allow::All,
        members: MEMBERS,
    },
];

const MEMBERS: &[Member] = &[
    m("new()", |_, a| Ok(make(a, false))),
    m("new(int capacity)", |_, a| Ok(make(a, false))),
    m("new(IEqualityComparer<TKey> comparer)", |_, a| Ok(make(a, ignores_case(a.at(0))))),
    m("new(int capacity, IEqualityComparer<TKey> comparer)", |_, a| Ok(make(a, ignores_case(a.at(1))))),
    m("new(IDictionary<TKey, TValue> dictionary)", |vm, a| copy(vm, a, false)),
    m("new(IDictionary<TKey, TValue> dictionary, IEqualityComparer<TKey> comparer)", |vm, a| {
        copy(vm, a, ignores_case(a.at(1)))
    }),
    rw("TValue this[TKey key] { get; set; }", get, set),
    m("int Count { get; }", |_, a| Ok(Value::I32(a.object::<Map>(0)?.entries.borrow().len() as i32))),
    m("void Add(TKey key, TValue value)", add),
    m("bool TryAdd(TKey key, TValue value)", |vm, a| {
        let known = dictionary_get(vm, a.this(), a.at(1))?.is_some();
        if !known {
            a.object::<Map>(0)?.insert(vm, a.at(1), a.at(2))?;
        }
        Ok(Value::Bool(!known))
    }),
    m("bool ContainsKey(TKey key)", contains_key),
    m("bool ContainsValue(TValue value)", |_, a| {
        Ok(Value::Bool(a.object::<Map>(0)?.entries.borrow().values().any(|v| v.equals(a.at(1)))))
    }),
    m("bool TryGetValue(TKey key, out TValue value)", try_get_value),
    m("bool Remove(TKey key)", remove),
    m("bool Remove(TKey key, out TValue value)", |vm, a| {
        let found = dictionary_get(vm, a.this(), a.at(1))?;
        a.set_out(2, found.unwrap_or_else(|| super::super::default_value(&a.ty(1))));
        remove(vm, a)
    }),
    m("void Clear()", |_, a| {
        let map = a.object::<Map>(0)?;
        map.touch();
        map.entries.borrow_mut().clear();
        Ok(Value::Null)
    }),
    m("ICollection<TKey> Keys { get; }", keys),
    m("ICollection<TValue> Values { get; }", values),
];

/// A dictionary: entries in order of insertion.
pub(crate) struct Map {
    key: Type,
    value: Type,
    ignore_case: bool,
    pub entries: RefCell<IndexMap<Key, Value, FxBuildHasher>>,
    version: Cell<u32>,
}

impl Drop for Map {
    fn drop(&mut self) {
        crate::value::release(self.entries.take());
    }
}

impl Map {
    fn touch(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }

    fn insert(&self, vm: &mut Vm<'_>, key: &Value, value: &Value) -> Result<(), Fault> {
        if self.entries.borrow().len() >= vm.elements_max() {
            return Err(Fault::Limit(Limit::Elements));
        }
        vm.charge(64)?;
        self.touch();
        self.entries.borrow_mut().insert(Key::new(key, self.ignore_case), value.clone());
        Ok(())
    }

    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    fn get(&self, key: &Value) -> Option<Value> {
        self.entries.borrow().get(&Key::new(key, self.ignore_case)).cloned()
    }
}

impl Object for Map {
    fn ty(&self) -> Type {
        Type::generic(DICTIONARY, vec![self.key.clone(), self.value.clone()])
    }

    fn holds(&self) -> Holds {
        if self.key.may_hold() || self.value.may_hold() { Holds::Given } else { Holds::Nothing }
    }

    fn empty(&self) {
        crate::value::release(self.entries.take());
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        let version = self.version.get();
        Some(Ok(Box::new(MapIter { map: self, at: 0, version })))
    }
}

struct MapIter {
    map: Rc<Map>,
    at: usize,
    version: u32,
}

impl Iter for MapIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        if self.map.version.get() != self.version {
            return Err(Fault::invalid_operation(
                "Collection was modified; enumeration operation may not execute.",
            ));
        }
        self.at += 1;
        let entries = self.map.entries.borrow();
        Ok(entries
            .get_index(self.at - 1)
            .map(|(k, v)| pair(self.map.key.clone(), self.map.value.clone(), k.value.clone(), v.clone())))
    }
}

fn make(a: &Args<'_>, ignore_case: bool) -> Value {
    Value::object(empty(a.ty(0), a.ty(1), ignore_case))
}

fn empty(key: Type, value: Type, ignore_case: bool) -> Map {
    Map { key, value, ignore_case, entries: RefCell::default(), version: Cell::new(0) }
}

/// A dictionary of entries at hand.
pub(crate) fn new_dictionary(
    vm: &mut Vm<'_>,
    types: (Type, Type),
    ignore_case: bool,
    entries: Vec<(Value, Value)>,
) -> Result<Value, Fault> {
    let map = empty(types.0, types.1, ignore_case);
    for (key, value) in entries {
        if key.is_null() {
            return Err(Fault::argument_null("key"));
        }
        if map.get(&key).is_some() {
            return Err(duplicate(&key));
        }
        map.insert(vm, &key, &value)?;
    }
    Ok(Value::object(map))
}

fn duplicate(key: &Value) -> Fault {
    Fault::argument(&format!("An item with the same key has already been added. Key: {}", key.to_text()), "")
}

pub(super) fn copy(vm: &mut Vm<'_>, a: &Args<'_>, ignore_case: bool) -> Result<Value, Fault> {
    let entries = super::super::dictionary::entries(vm, a.at(0))?;
    new_dictionary(vm, (a.ty(0), a.ty(1)), ignore_case, entries)
}

/// The value of a key, in a dictionary or a JSON object.
pub(crate) fn dictionary_get(
    vm: &mut Vm<'_>,
    dictionary: &Value,
    key: &Value,
) -> Result<Option<Value>, Fault> {
    if key.is_null() {
        return Err(Fault::argument_null("key"));
    }
    match dictionary.downcast::<Map>() {
        Some(map) => Ok(map.get(key)),
        None => super::super::json::dictionary_get(vm, dictionary, key),
    }
}

/// All entries of a dictionary or a JSON object.
pub(crate) fn dictionary_entries(vm: &mut Vm<'_>, dictionary: &Value) -> Result<Vec<(Value, Value)>, Fault> {
    if let Some(map) = dictionary.downcast::<Map>() {
        return Ok(map.entries.borrow().iter().map(|(k, v)| (k.value.clone(), v.clone())).collect());
    }
    if let Some(list) = super::super::json::entries(dictionary) {
        return Ok(list);
    }
    let items = vm.collect(dictionary)?;
    Ok(items.iter().filter_map(|i| Some((record_field(i, 0)?, record_field(i, 1)?))).collect())
}

fn get(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    super::super::dictionary::get(vm, a.this(), a.at(1))
}

fn set(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Err(Fault::argument_null("key"));
    }
    match a.this().downcast::<Map>() {
        Some(map) => map.insert(vm, a.at(1), a.at(2))?,
        None => super::super::json::dictionary_set(a.this(), a.at(1), a.at(2))?,
    }
    Ok(Value::Null)
}

fn contains_key(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    super::super::dictionary::contains(vm, a.this(), a.at(1))
}

fn try_get_value(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let found = super::super::dictionary::look_up(vm, a.this(), a.at(1))?;
    let ok = found.is_some();
    a.set_out(2, found.unwrap_or_else(|| super::super::default_value(&a.ty(1))));
    Ok(Value::Bool(ok))
}

fn add(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Err(Fault::argument_null("key"));
    }
    let Some(map) = a.this().downcast::<Map>() else {
        super::super::json::dictionary_set(a.this(), a.at(1), a.at(2))?;
        return Ok(Value::Null);
    };
    if map.get(a.at(1)).is_some() {
        return Err(duplicate(a.at(1)));
    }
    map.insert(vm, a.at(1), a.at(2))?;
    Ok(Value::Null)
}

fn remove(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let map = a.object::<Map>(0)?;
    // .NET lets an enumeration go on after a removal: the version stays.
    let removed = map.entries.borrow_mut().shift_remove(&Key::new(a.at(1), map.ignore_case));
    Ok(Value::Bool(removed.is_some()))
}

fn keys(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    part(vm, a, 0)
}

fn values(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    part(vm, a, 1)
}

/// `Keys` or `Values`, the first or second field of the entries.
fn part(vm: &mut Vm<'_>, a: &Args<'_>, field: usize) -> Result<Value, Fault> {
    if a.this().downcast::<Map>().is_some() {
        return Ok(Value::object(Part { of: a.this().clone(), element: a.ty(field), field }));
    }
    let entries = dictionary_entries(vm, a.this())?;
    let found = entries.into_iter().map(|(key, value)| if field == 0 { key } else { value }).collect();
    new_list(vm, a.ty(field), found)
}

/// The keys or the values of a dictionary, as they are when they are asked for.
struct Part {
    of: Value,
    element: Type,
    field: usize,
}

impl Drop for Part {
    fn drop(&mut self) {
        crate::value::release(std::mem::replace(&mut self.of, Value::Null));
    }
}

impl Object for Part {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.Collections.Generic.ICollection", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![self.element.clone()]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn holds(&self) -> Holds {
        Holds::Fixed
    }

    fn iterate(self: Rc<Self>, vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        let field = self.field;
        Some(vm.iterate(&self.of).map(|mut entries| {
            from_fn(move |vm| Ok(entries.next(vm)?.and_then(|entry| record_field(&entry, field))))
        }))
    }
}
