//! `JsonMergeSettings`.

use std::any::Any;
use std::cell::Cell;

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use crate::clr::json::{MergeArrays, MergeSettings};
use crate::run::Fault;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum Newtonsoft.Json.Linq.MergeArrayHandling { Concat, Union, Replace, Merge }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum Newtonsoft.Json.Linq.MergeNullValueHandling { Ignore, Merge }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JsonMergeSettings",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Settings(Cell::new(MergeSettings::default()))))),
            rw(
                "MergeArrayHandling MergeArrayHandling { get; set; }",
                |_, a| {
                    let own = settings(a)?.0.get().arrays;
                    let number = ARRAYS.iter().position(|kind| *kind == own);
                    enumeration("MergeArrayHandling", number.unwrap_or_default() as i64)
                },
                |_, a| {
                    let kind = usize::try_from(a.i64(1)?).ok().and_then(|index| ARRAYS.get(index));
                    let arrays = *kind.ok_or_else(|| {
                        Fault::out_of_range(
                            "Specified argument was out of the range of valid values.",
                            "value",
                        )
                    })?;
                    let own = &settings(a)?.0;
                    own.set(MergeSettings { arrays, ..own.get() });
                    Ok(Value::Null)
                },
            ),
            rw(
                "MergeNullValueHandling MergeNullValueHandling { get; set; }",
                |_, a| enumeration("MergeNullValueHandling", i64::from(settings(a)?.0.get().null_replaces)),
                |_, a| {
                    let own = &settings(a)?.0;
                    own.set(MergeSettings { null_replaces: a.i64(1)? == 1, ..own.get() });
                    Ok(Value::Null)
                },
            ),
        ],
    },
];

const ARRAYS: [MergeArrays; 4] =
    [MergeArrays::Concat, MergeArrays::Union, MergeArrays::Replace, MergeArrays::Merge];

pub(super) struct Settings(pub Cell<MergeSettings>);

impl Object for Settings {
    fn ty(&self) -> Type {
        library().named("Newtonsoft.Json.Linq.JsonMergeSettings")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn settings<'a>(a: &Args<'a>) -> Result<&'a Settings, Fault> {
    a.object::<Settings>(0)
}

fn enumeration(name: &str, number: i64) -> Result<Value, Fault> {
    let def = library().named(&format!("Newtonsoft.Json.Linq.{name}")).def();
    Ok(def.map_or(Value::Null, |def| Value::Enum(def, number)))
}
