//! `StringComparer`, `StringComparison`, `StringSplitOptions`.

use super::super::{Allow, Args, Type, TypeTable, library, m};
use super::{compare, equal};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.StringComparison { CurrentCulture, CurrentCultureIgnoreCase, InvariantCulture, InvariantCultureIgnoreCase, Ordinal, OrdinalIgnoreCase }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum System.StringSplitOptions { None, RemoveEmptyEntries, TrimEntries }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "abstract class System.StringComparer : System.Collections.Generic.IEqualityComparer<string>, System.Collections.Generic.IComparer<string>, System.Collections.IComparer, System.Collections.IEqualityComparer",
        allow: Allow::All,
        members: &[
            m("static StringComparer Ordinal { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer OrdinalIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("static StringComparer InvariantCulture { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer InvariantCultureIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("static StringComparer CurrentCulture { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer CurrentCultureIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("static StringComparer FromComparison(StringComparison comparisonType)", |_, a| {
                Ok(comparer(crate::clr::text::ignores_case(a.i32(0)?)?))
            }),
            m("bool Equals(object x, object y)", |_, a| match (a.at(1), a.at(2)) {
                (Value::Str(_), Value::Str(_)) => equal(a, 1, 2, a.object::<Comparer>(0)?.ignore_case),
                (x, y) => Ok(Value::Bool(x.equals(y))),
            }),
            m("int Compare(object x, object y)", |vm, a| match (a.at(1), a.at(2)) {
                (Value::Str(_), Value::Str(_)) => {
                    Ok(Value::I32(compare(a, 1, 2, a.object::<Comparer>(0)?.ignore_case)))
                }
                (x, y) => Ok(Value::I32(super::super::array::compare_with(vm, None, x, y)? as i32)),
            }),
            m("int GetHashCode(object obj)", hash_code),
            m("bool Equals(string x, string y)", |_, a| equal(a, 1, 2, a.object::<Comparer>(0)?.ignore_case)),
            m("int Compare(string x, string y)", |_, a| {
                Ok(Value::I32(compare(a, 1, 2, a.object::<Comparer>(0)?.ignore_case)))
            }),
            m("int GetHashCode(string obj)", hash_code),
        ],
    },
];

fn hash_code(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let value = match a.at(1) {
        Value::Null => return Err(a.null(1)),
        Value::Str(text) if a.object::<Comparer>(0)?.ignore_case => {
            Value::str(&crate::clr::text::to_upper(text.as_str()))
        }
        other => other.clone(),
    };
    Ok(Value::I32(value.hash_code() as i32))
}

/// A string comparer; cultures compare ordinally (expressions.md §6.1).
pub(crate) struct Comparer {
    pub ignore_case: bool,
}

pub(crate) fn comparer(ignore_case: bool) -> Value {
    Value::object(Comparer { ignore_case })
}

impl Object for Comparer {
    fn ty(&self) -> Type {
        library().named("System.StringComparer")
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
