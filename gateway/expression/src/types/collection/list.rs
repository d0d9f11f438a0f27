//! `List<T>`, `Queue<T>`, `Stack<T>`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::super::{Allow, Args, LIST, Member, Type, TypeTable, array, library, m, rw};
use super::DefId;
use crate::run::{Fault, Iter, Vm};
use crate::value::{Holds, Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class System.Collections.Generic.List<T> : System.Collections.Generic.IList<T>, System.Collections.Generic.IReadOnlyList<T>",
        allow: Allow::All,
        members: LIST_MEMBERS,
    },
    TypeTable {
        header: "class System.Collections.Generic.Queue<T> : System.Collections.Generic.IReadOnlyCollection<T>",
        allow: Allow::All,
        members: &[
            m("new()", |_, a| Ok(make("System.Collections.Generic.Queue", a.ty(0), Vec::new()))),
            m("new(int capacity)", |_, a| Ok(make("System.Collections.Generic.Queue", a.ty(0), Vec::new()))),
            m("new(IEnumerable<T> collection)", |vm, a| {
                let items = vm.collect(a.at(0))?;
                Ok(make("System.Collections.Generic.Queue", a.ty(0), items))
            }),
            m("int Count { get; }", |vm, a| super::count(vm, a.this()).map(|n| Value::I32(n as i32))),
            m("void Enqueue(T item)", |vm, a| add(vm, a.this(), a.at(1))),
            m("T Dequeue()", |vm, a| take(vm, a.this(), true)?.ok_or_else(queue_empty)),
            m("T Peek()", |vm, a| take(vm, a.this(), false)?.ok_or_else(queue_empty)),
            m("bool Contains(T item)", contains),
            m("void Clear()", |_, a| clear(a.this())),
            m("T[] ToArray()", |vm, a| array::from_sequence(vm, a.this(), a.ty(0))),
        ],
    },
    TypeTable {
        header: "class System.Collections.Generic.Stack<T> : System.Collections.Generic.IReadOnlyCollection<T>",
        allow: Allow::All,
        // The newest element stands first, as enumeration shows it.
        members: &[
            m("new()", |_, a| Ok(make("System.Collections.Generic.Stack", a.ty(0), Vec::new()))),
            m("new(int capacity)", |_, a| Ok(make("System.Collections.Generic.Stack", a.ty(0), Vec::new()))),
            m("new(IEnumerable<T> collection)", |vm, a| {
                let mut items = vm.collect(a.at(0))?;
                items.reverse();
                Ok(make("System.Collections.Generic.Stack", a.ty(0), items))
            }),
            m("int Count { get; }", |vm, a| super::count(vm, a.this()).map(|n| Value::I32(n as i32))),
            m("void Push(T item)", |vm, a| insert(vm, a.this(), 0, a.at(1))),
            m("T Pop()", |vm, a| take(vm, a.this(), true)?.ok_or_else(stack_empty)),
            m("T Peek()", |vm, a| take(vm, a.this(), false)?.ok_or_else(stack_empty)),
            m("bool Contains(T item)", contains),
            m("void Clear()", |_, a| clear(a.this())),
            m("T[] ToArray()", |vm, a| array::from_sequence(vm, a.this(), a.ty(0))),
        ],
    },
];

const LIST_MEMBERS: &[Member] = &[
    m("new()", |vm, a| new_list(vm, a.ty(0), Vec::new())),
    m("new(int capacity)", |vm, a| new_list(vm, a.ty(0), Vec::new())),
    m("new(IEnumerable<T> collection)", |vm, a| {
        if a.at(0).is_null() {
            return Err(Fault::argument_null("collection"));
        }
        let items = vm.collect(a.at(0))?;
        new_list(vm, a.ty(0), items)
    }),
    rw(
        "T this[int index] { get; set; }",
        |vm, a| item(vm, a.this(), a.i32(1)?),
        |_, a| set_item(a.this(), a.i32(1)?, a.at(2)),
    ),
    m("int Count { get; }", |_, a| Ok(Value::I32(list(a)?.items.borrow().len() as i32))),
    rw(
        "int Capacity { get; set; }",
        |_, a| Ok(Value::I32(list(a)?.items.borrow().capacity() as i32)),
        |_, _| Ok(Value::Null),
    ),
    m("void Add(T item)", |vm, a| add(vm, a.this(), a.at(1))),
    m("void AddRange(IEnumerable<T> collection)", |vm, a| {
        let items = vm.collect(a.at(1))?;
        let list = list(a)?;
        vm.elements(list.items.borrow().len() + items.len())?;
        list.touch();
        list.items.borrow_mut().extend(items);
        Ok(Value::Null)
    }),
    m("void Insert(int index, T item)", |vm, a| insert(vm, a.this(), a.i32(1)?, a.at(2))),
    m("void InsertRange(int index, IEnumerable<T> collection)", |vm, a| {
        let items = vm.collect(a.at(2))?;
        for (offset, item) in items.iter().enumerate() {
            insert(vm, a.this(), a.i32(1)? + offset as i32, item)?;
        }
        Ok(Value::Null)
    }),
    m("bool Remove(T item)", |_, a| remove(a.this(), a.at(1))),
    m("void RemoveAt(int index)", |_, a| remove_at(a.this(), a.i32(1)?)),
    m("int RemoveAll(Predicate<T> match)", |vm, a| {
        let items = list(a)?.items.borrow().clone();
        let mut kept = Vec::new();
        for item in &items {
            if vm.call_function(a.at(1), std::slice::from_ref(item))?.as_bool() != Some(true) {
                kept.push(item.clone());
            }
        }
        let removed = items.len() - kept.len();
        list(a)?.touch();
        *list(a)?.items.borrow_mut() = kept;
        Ok(Value::I32(removed as i32))
    }),
    m("void Clear()", |_, a| clear(a.this())),
    m("bool Contains(T item)", contains),
    m("int IndexOf(T item)", |_, a| {
        Ok(position(list(a)?.items.borrow().iter().position(|i| i.equals(a.at(1)))))
    }),
    m("int LastIndexOf(T item)", |_, a| {
        Ok(position(list(a)?.items.borrow().iter().rposition(|i| i.equals(a.at(1)))))
    }),
    m("int IndexOf(T item, int index)", |_, a| {
        let items = list(a)?.items.borrow();
        let start =
            usize::try_from(a.i32(2)?).ok().filter(|start| *start <= items.len()).ok_or_else(|| {
                let problem =
                    "Index was out of range. Must be non-negative and less than the size of the collection.";
                Fault::out_of_range(problem, "index")
            })?;
        Ok(position(items.iter().enumerate().position(|(at, i)| at >= start && i.equals(a.at(1)))))
    }),
    m("int BinarySearch(T item)", |vm, a| {
        let items = list(a)?.items.borrow().clone();
        vm.steps(64)?;
        let (mut low, mut high) = (0, items.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let Some(item) = items.get(middle) else { break };
            match array::compare_values(item, a.at(1))? {
                std::cmp::Ordering::Equal => return Ok(Value::I32(middle as i32)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(Value::I32(!(low as i32)))
    }),
    m("bool Exists(Predicate<T> match)", |vm, a| {
        Ok(Value::Bool(array::find(vm, a.this(), a.at(1), false)?.is_some()))
    }),
    m("T Find(Predicate<T> match)", |vm, a| array::found(vm, a, false)),
    m("T FindLast(Predicate<T> match)", |vm, a| array::found(vm, a, true)),
    m("int FindIndex(Predicate<T> match)", |vm, a| {
        Ok(position(array::find(vm, a.this(), a.at(1), false)?.map(|(i, _)| i)))
    }),
    m("int FindLastIndex(Predicate<T> match)", |vm, a| {
        Ok(position(array::find(vm, a.this(), a.at(1), true)?.map(|(i, _)| i)))
    }),
    m("List<T> FindAll(Predicate<T> match)", |vm, a| {
        let kept = array::filter(vm, a.this(), a.at(1))?;
        new_list(vm, a.ty(0), kept)
    }),
    m("bool TrueForAll(Predicate<T> match)", |vm, a| {
        let all = vm.collect(a.this())?.len();
        Ok(Value::Bool(array::filter(vm, a.this(), a.at(1))?.len() == all))
    }),
    m("void ForEach(Action<T> action)", |vm, a| {
        for item in vm.collect(a.this())? {
            vm.call_function(a.at(1), &[item])?;
        }
        Ok(Value::Null)
    }),
    m("List<TOutput> ConvertAll<TOutput>(Converter<T, TOutput> converter)", |vm, a| {
        let mut items = Vec::new();
        for item in vm.collect(a.this())? {
            items.push(vm.call_function(a.at(1), &[item])?);
        }
        new_list(vm, a.ty(1), items)
    }),
    m("void Reverse()", |_, a| {
        list(a)?.touch();
        list(a)?.items.borrow_mut().reverse();
        Ok(Value::Null)
    }),
    m("void Sort()", |vm, a| sort(vm, a, None)),
    m("void Sort(Comparison<T> comparison)", |vm, a| sort(vm, a, Some(a.at(1)))),
    m("void Sort(IComparer<T> comparer)", |vm, a| sort(vm, a, Some(a.at(1)))),
    m("T[] ToArray()", |vm, a| array::from_sequence(vm, a.this(), a.ty(0))),
    m("void TrimExcess()", |_, _| Ok(Value::Null)),
];

/// The state of a list, queue or stack.
pub(crate) struct ListObject {
    def: DefId,
    element: Type,
    pub items: RefCell<Vec<Value>>,
    version: Cell<u32>,
}

impl Drop for ListObject {
    fn drop(&mut self) {
        crate::value::release(self.items.take());
    }
}

impl ListObject {
    pub fn touch(&self) {
        self.version.set(self.version.get().wrapping_add(1));
    }
}

impl Object for ListObject {
    fn ty(&self) -> Type {
        Type::generic(self.def, vec![self.element.clone()])
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

    fn extent(&self) -> usize {
        self.items.borrow().len()
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        let version = self.version.get();
        Some(Ok(Box::new(ListIter { list: self, at: 0, version })))
    }
}

struct ListIter {
    list: Rc<ListObject>,
    at: usize,
    version: u32,
}

impl Iter for ListIter {
    fn next(&mut self, _vm: &mut Vm<'_>) -> Result<Option<Value>, Fault> {
        if self.list.version.get() != self.version {
            return Err(Fault::invalid_operation(
                "Collection was modified; enumeration operation may not execute.",
            ));
        }
        self.at += 1;
        Ok(self.list.items.borrow().get(self.at - 1).cloned())
    }
}

/// `List<T>`, charged.
pub(crate) fn new_list(vm: &mut Vm<'_>, element: Type, items: Vec<Value>) -> Result<Value, Fault> {
    vm.elements(items.len())?;
    let state = ListObject { def: LIST, element, items: RefCell::new(items), version: Cell::new(0) };
    Ok(Value::object(state))
}

fn make(name: &str, element: Type, items: Vec<Value>) -> Value {
    let def = library().by_full_name(name, 1).unwrap_or(LIST);
    Value::object(ListObject { def, element, items: RefCell::new(items), version: Cell::new(0) })
}

fn list<'a>(a: &Args<'a>) -> Result<&'a ListObject, Fault> {
    a.object::<ListObject>(0)
}

pub(super) fn position(found: Option<usize>) -> Value {
    Value::I32(found.map_or(-1, |n| n as i32))
}

fn contains(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let items = list(a)?.items.borrow();
    vm.steps(items.len() as u64 / 4)?;
    Ok(Value::Bool(items.iter().any(|i| i.equals(a.at(1)))))
}

fn queue_empty() -> Fault {
    Fault::invalid_operation("Queue empty.")
}

fn stack_empty() -> Fault {
    Fault::invalid_operation("Stack empty.")
}

/// What stands first in a queue or stack.
pub(super) fn take(vm: &mut Vm<'_>, value: &Value, removes: bool) -> Result<Option<Value>, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(Fault::null_reference()) };
    let Some(first) = list.items.borrow().first().cloned() else { return Ok(None) };
    if removes {
        vm.steps(list.items.borrow().len() as u64 / 64)?;
        list.touch();
        list.items.borrow_mut().remove(0);
    }
    Ok(Some(first))
}

fn fixed_size() -> Fault {
    Fault::not_supported("Collection was of a fixed size.")
}

pub(super) fn item(vm: &mut Vm<'_>, value: &Value, index: i32) -> Result<Value, Fault> {
    let index = usize::try_from(index).map_err(|_| Fault::index_argument())?;
    if let Value::Array(array) = value {
        return array.get(index).ok_or_else(Fault::index);
    }
    if let Some(list) = value.downcast::<ListObject>() {
        return list.items.borrow().get(index).cloned().ok_or_else(Fault::index_argument);
    }
    let items = vm.collect(value)?;
    items.into_iter().nth(index).ok_or_else(Fault::index_argument)
}

pub(super) fn set_item(value: &Value, index: i32, item: &Value) -> Result<Value, Fault> {
    let index = usize::try_from(index).map_err(|_| Fault::index_argument())?;
    if let Value::Array(array) = value {
        return if array.set(index, item.clone()) { Ok(Value::Null) } else { Err(Fault::index()) };
    }
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    list.touch();
    match list.items.borrow_mut().get_mut(index) {
        Some(slot) => *slot = item.clone(),
        None => return Err(Fault::index_argument()),
    }
    Ok(Value::Null)
}

pub(super) fn add(vm: &mut Vm<'_>, value: &Value, item: &Value) -> Result<Value, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    if list.items.borrow().len() >= vm.elements_max() {
        return Err(Fault::Limit(crate::run::Limit::Elements));
    }
    vm.charge(24)?;
    list.touch();
    list.items.borrow_mut().push(item.clone());
    Ok(Value::Null)
}

pub(super) fn insert(vm: &mut Vm<'_>, value: &Value, index: i32, item: &Value) -> Result<Value, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    let length = list.items.borrow().len();
    let index = usize::try_from(index).ok().filter(|i| *i <= length);
    let Some(index) = index else {
        return Err(Fault::out_of_range("Index must be within the bounds of the List.", "index"));
    };
    if length >= vm.elements_max() {
        return Err(Fault::Limit(crate::run::Limit::Elements));
    }
    vm.charge(24)?;
    vm.steps(length as u64 / 64)?;
    list.touch();
    list.items.borrow_mut().insert(index, item.clone());
    Ok(Value::Null)
}

pub(super) fn remove(value: &Value, item: &Value) -> Result<Value, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    let found = list.items.borrow().iter().position(|i| i.equals(item));
    if let Some(index) = found {
        list.touch();
        list.items.borrow_mut().remove(index);
    }
    Ok(Value::Bool(found.is_some()))
}

pub(super) fn remove_at(value: &Value, index: i32) -> Result<Value, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    let length = list.items.borrow().len();
    match usize::try_from(index).ok().filter(|i| *i < length) {
        Some(index) => {
            list.touch();
            list.items.borrow_mut().remove(index);
            Ok(Value::Null)
        }
        None => Err(Fault::index_argument()),
    }
}

pub(super) fn clear(value: &Value) -> Result<Value, Fault> {
    let Some(list) = value.downcast::<ListObject>() else { return Err(fixed_size()) };
    list.touch();
    list.items.borrow_mut().clear();
    Ok(Value::Null)
}

fn sort(vm: &mut Vm<'_>, a: &Args<'_>, comparison: Option<&Value>) -> Result<Value, Fault> {
    let items = list(a)?.items.borrow().clone();
    let sorted = array::sorted(vm, items, comparison)?;
    list(a)?.touch();
    *list(a)?.items.borrow_mut() = sorted;
    Ok(Value::Null)
}
