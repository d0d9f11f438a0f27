//! Annotations of `JToken` and `XObject`. They live as long as the evaluation: a node that notes itself would never be
//! freed if it held its notes.

use rustc_hash::FxHashMap;

use super::runtime::{TypeObject, is_instance, lazy};
use super::{Allow, Args, Type, TypeTable, m};
use crate::run::{Fault, ValuesIter, Vm};
use crate::value::Value;

/// What the nodes of one evaluation are annotated with, by their identity; the node itself is held so that no other
/// gets its identity.
#[derive(Default)]
pub(crate) struct Annotations(FxHashMap<usize, (Value, Vec<Value>)>);

macro_rules! annotated {
    ($($class:literal),*) => {
        pub(super) static TABLE: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class ", $class),
            allow: Allow::All,
            members: &[
                m("void AddAnnotation(object annotation)", |vm, a| add(vm, a)),
                m("T Annotation<T>()", |vm, a| Ok(found(vm, a, &a.ty(0)).into_iter().next().unwrap_or(Value::Null))),
                m("object Annotation(System.Type type)", |vm, a| {
                    let ty = type_at(a)?;
                    Ok(found(vm, a, &ty).into_iter().next().unwrap_or(Value::Null))
                }),
                m("IEnumerable<T> Annotations<T>()", |vm, a| Ok(sequence(a.ty(0), found(vm, a, &a.ty(0))))),
                m("IEnumerable<object> Annotations(System.Type type)", |vm, a| {
                    let ty = type_at(a)?;
                    Ok(sequence(Type::OBJECT, found(vm, a, &ty)))
                }),
                m("void RemoveAnnotations<T>()", |vm, a| remove(vm, a, &a.ty(0))),
                m("void RemoveAnnotations(System.Type type)", |vm, a| {
                    let ty = type_at(a)?;
                    remove(vm, a, &ty)
                }),
            ],
        }),*];
    };
}

annotated! { "Newtonsoft.Json.Linq.JToken", "System.Xml.Linq.XObject" }

fn type_at(a: &Args<'_>) -> Result<Type, Fault> {
    Ok(a.at(1).downcast::<TypeObject>().ok_or_else(|| a.null(1))?.0.clone())
}

fn key(a: &Args<'_>) -> Option<usize> {
    super::json::identity(a.this()).or_else(|| super::xml::identity(a.this()))
}

fn add(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Err(a.null(1));
    }
    vm.charge(128)?;
    if let Some(key) = key(a) {
        let entry = vm.annotations.0.entry(key).or_insert_with(|| (a.this().clone(), Vec::new()));
        entry.1.push(a.at(1).clone());
    }
    Ok(Value::Null)
}

fn found(vm: &Vm<'_>, a: &Args<'_>, ty: &Type) -> Vec<Value> {
    let list = key(a).and_then(|key| vm.annotations.0.get(&key)).map_or(&[][..], |(_, list)| list);
    list.iter().filter(|item| is_instance(item, ty)).cloned().collect()
}

fn sequence(ty: Type, items: Vec<Value>) -> Value {
    lazy(ty, move |_| Ok(ValuesIter::boxed(items.clone())))
}

fn remove(vm: &mut Vm<'_>, a: &Args<'_>, ty: &Type) -> Result<Value, Fault> {
    if let Some((_, list)) = key(a).and_then(|key| vm.annotations.0.get_mut(&key)) {
        list.retain(|item| !is_instance(item, ty));
    }
    Ok(Value::Null)
}
