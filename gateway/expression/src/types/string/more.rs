//! Overloads of `string` with ranges, comparisons and providers.

use super::super::format::composite;
use super::super::{Allow, Args, TypeTable, m};
use super::{compare, first, ignores, last, one, required_units};
use crate::clr::text;
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Text.NormalizationForm { FormC = 1, FormD = 2, FormKC = 5, FormKD = 6 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "partial class System.String",
        allow: Allow::All,
        members: &[
            m("string ToString(System.IFormatProvider provider)", |_, a| Ok(a.this().clone())),
            // Without the culture's tables every text counts as normalized, as in .NET's invariant mode.
            m("bool IsNormalized(System.Text.NormalizationForm normalizationForm)", |_, a| {
                Ok(Value::Bool(a.str(0).is_ok()))
            }),
            m("string Normalize(System.Text.NormalizationForm normalizationForm)", |_, a| {
                Ok(a.this().clone())
            }),
            m("int GetHashCode(StringComparison comparisonType)", |_, a| {
                let text = a.str(0)?;
                let folded =
                    if ignores(a, 1)? { text::to_upper(text.as_str()) } else { text.as_str().to_owned() };
                Ok(Value::I32(Value::str(&folded).hash_code() as i32))
            }),
            m("bool Contains(char value, StringComparison comparisonType)", |_, a| {
                Ok(Value::Bool(text::contains(a.str(0)?.as_str(), &one(a, 1)?, ignores(a, 2)?)))
            }),
            m(
                "int IndexOf(string value, int startIndex, int count, StringComparison comparisonType)",
                |_, a| first(a, a.str(1)?.as_str(), Some(a.i32(2)?), Some(a.i32(3)?), ignores(a, 4)?),
            ),
            m("int LastIndexOf(char value, int startIndex, int count)", |_, a| {
                last(a, &one(a, 1)?, Some(a.i32(2)?), Some(a.i32(3)?), false)
            }),
            m("int LastIndexOf(string value, int startIndex, StringComparison comparisonType)", |_, a| {
                last(a, a.str(1)?.as_str(), Some(a.i32(2)?), None, ignores(a, 3)?)
            }),
            m(
                "int LastIndexOf(string value, int startIndex, int count, StringComparison comparisonType)",
                |_, a| last(a, a.str(1)?.as_str(), Some(a.i32(2)?), Some(a.i32(3)?), ignores(a, 4)?),
            ),
            m("int IndexOfAny(char[] anyOf, int startIndex, int count)", |_, a| {
                let (start, count) = (Some(a.i32(2)?), Some(a.i32(3)?));
                Ok(Value::I32(text::index_of_any(a.str(0)?.as_str(), &required_units(a, 1)?, start, count)?))
            }),
            m("int LastIndexOfAny(char[] anyOf, int startIndex)", |_, a| {
                let start = Some(a.i32(2)?);
                Ok(Value::I32(text::last_index_of_any(
                    a.str(0)?.as_str(),
                    &required_units(a, 1)?,
                    start,
                    None,
                )?))
            }),
            m("int LastIndexOfAny(char[] anyOf, int startIndex, int count)", |_, a| {
                let (start, count) = (Some(a.i32(2)?), Some(a.i32(3)?));
                Ok(Value::I32(text::last_index_of_any(
                    a.str(0)?.as_str(),
                    &required_units(a, 1)?,
                    start,
                    count,
                )?))
            }),
            m("void CopyTo(int sourceIndex, char[] destination, int destinationIndex, int count)", copy_to),
            m(
                "static int Compare(string strA, int indexA, string strB, int indexB, int length, bool ignoreCase)",
                |_, a| compare_part(a, a.bool(5)?),
            ),
            m(
                "static int Compare(string strA, int indexA, string strB, int indexB, int length, StringComparison comparisonType)",
                |_, a| compare_part(a, ignores(a, 5)?),
            ),
            m(
                "static int CompareOrdinal(string strA, int indexA, string strB, int indexB, int length)",
                |_, a| compare_part(a, false),
            ),
            m("static string Format(System.IFormatProvider provider, string format, object arg0)", format),
            m(
                "static string Format(System.IFormatProvider provider, string format, object arg0, object arg1)",
                format,
            ),
            m(
                "static string Format(System.IFormatProvider provider, string format, object arg0, object arg1, object arg2)",
                format,
            ),
            m(
                "static string Format(System.IFormatProvider provider, string format, params object[] args)",
                |vm, a| {
                    let Value::Array(arguments) = a.at(2) else { return Err(Fault::argument_null("args")) };
                    composite(vm, a.str(1)?.as_str(), &arguments.values())
                },
            ),
        ],
    },
];

fn format(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    composite(vm, a.str(1)?.as_str(), a.values.get(2..).unwrap_or_default())
}

pub(super) fn compare_part(a: &Args<'_>, ignore_case: bool) -> Result<Value, Fault> {
    if a.at(0).is_null() || a.at(2).is_null() {
        return Ok(Value::I32(compare(a, 0, 2, ignore_case)));
    }
    let (x, y) = (a.str(0)?, a.str(2)?);
    let order = text::compare_part((x.as_str(), a.i32(1)?), (y.as_str(), a.i32(3)?), a.i32(4)?, ignore_case)?;
    Ok(Value::I32(order))
}

fn copy_to(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let Value::Array(target) = a.at(2) else { return Err(a.null(2)) };
    let units = a.str(0)?.units();
    let size = |index: usize, name: &str| {
        let problem =
            "Index was out of range. Must be non-negative and less than the size of the collection.";
        a.i32(index)
            .ok()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| Fault::out_of_range(problem, name))
    };
    let (count, start, at) = (size(4, "count")?, size(1, "sourceIndex")?, size(3, "destinationIndex")?);
    let problem = "Index and count must refer to a location within the string.";
    let part = start.checked_add(count).and_then(|end| units.get(start..end));
    let part = part.ok_or_else(|| Fault::out_of_range(problem, "sourceIndex"))?;
    if at > target.len() || count > target.len() - at {
        return Err(Fault::out_of_range(problem, "destinationIndex"));
    }
    for (offset, unit) in part.iter().enumerate() {
        target.set(at + offset, Value::Char(*unit));
    }
    Ok(Value::Null)
}
