//! `StringComparer`, `StringComparison`, `StringSplitOptions`.

use super::super::{Allow, Type, TypeTable, library, m};
use super::{compare, equal};
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
        header: "abstract class System.StringComparer : System.Collections.Generic.IEqualityComparer<string>, System.Collections.Generic.IComparer<string>",
        allow: Allow::All,
        members: &[
            m("static StringComparer Ordinal { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer OrdinalIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("static StringComparer InvariantCulture { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer InvariantCultureIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("static StringComparer CurrentCulture { get; }", |_, _| Ok(comparer(false))),
            m("static StringComparer CurrentCultureIgnoreCase { get; }", |_, _| Ok(comparer(true))),
            m("bool Equals(string x, string y)", |_, a| equal(a, 1, 2, a.object::<Comparer>(0)?.ignore_case)),
            m("int Compare(string x, string y)", |_, a| {
                Ok(Value::I32(compare(a, 1, 2, a.object::<Comparer>(0)?.ignore_case)))
            }),
            m("int GetHashCode(string obj)", |_, a| {
                let text = a.str(1)?.as_str();
                let folded = if a.object::<Comparer>(0)?.ignore_case {
                    crate::clr::text::to_upper(text)
                } else {
                    text.to_owned()
                };
                Ok(Value::I32(Value::str(&folded).hash_code() as i32))
            }),
        ],
    },
];

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
