//! `System.Random` (expressions.md §6.2).

use std::any::Any;
use std::cell::RefCell;

use super::{Allow, Type, TypeTable, library, m};
use crate::clr::random::Random;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "class System.Random",
    allow: Allow::All,
    members: &[
        m("new()", |_, _| Ok(Value::object(RandomObject(RefCell::new(Random::from_entropy()))))),
        m("new(int Seed)", |_, a| Ok(Value::object(RandomObject(RefCell::new(Random::new(a.i32(0)?)))))),
        m("int Next()", |_, a| Ok(Value::I32(a.object::<RandomObject>(0)?.0.borrow_mut().next_int()))),
        m("int Next(int maxValue)", |_, a| {
            Ok(Value::I32(a.object::<RandomObject>(0)?.0.borrow_mut().next_below(a.i32(1)?)?))
        }),
        m("int Next(int minValue, int maxValue)", |_, a| {
            Ok(Value::I32(a.object::<RandomObject>(0)?.0.borrow_mut().next_between(a.i32(1)?, a.i32(2)?)?))
        }),
        m("double NextDouble()", |_, a| {
            Ok(Value::F64(a.object::<RandomObject>(0)?.0.borrow_mut().next_double()))
        }),
        m("void NextBytes(byte[] buffer)", |_, a| {
            let Value::Array(target) = a.at(1) else { return Err(a.null(1)) };
            let mut bytes = vec![0; target.len()];
            a.object::<RandomObject>(0)?.0.borrow_mut().next_bytes(&mut bytes);
            target.replace(bytes.into_iter().map(Value::U8).collect());
            Ok(Value::Null)
        }),
    ],
}];

struct RandomObject(RefCell<Random>);

impl Object for RandomObject {
    fn ty(&self) -> Type {
        library().named("System.Random")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
