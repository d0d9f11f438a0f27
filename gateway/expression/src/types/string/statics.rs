//! Static members and constructors of `string`.

use super::super::format::composite;
use super::super::{Args, Member, m};
use super::{compare, equal, ignores, units};
use crate::clr::text;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::Value;

pub(super) const EMPTY: Member = m("static string Empty { get; }", |_, _| Ok(Value::str("")));
pub(super) const NEW_CHARS: Member = m("new(char[] value)", |vm, a| vm.text(Text::from_units(&units(a, 0))));
pub(super) const NEW_REPEAT: Member = m("new(char c, int count)", |vm, a| {
    vm.may_make(a.i32(1)?.max(0) as usize)?;
    let text = text::repeat_unit(a.char(0)?, a.i32(1)?)?;
    vm.text(text)
});
pub(super) const NEW_PART: Member = m("new(char[] value, int startIndex, int length)", |vm, a| {
    let all = text::from_units(&units(a, 0));
    let part = text::substring(&all, a.i32(1)?, a.i32(2)?)?;
    vm.text(part)
});
pub(super) const IS_NULL_OR_EMPTY: Member = m("static bool IsNullOrEmpty(string value)", |_, a| {
    Ok(Value::Bool(a.opt_str(0).is_none_or(Text::is_empty)))
});
pub(super) const IS_NULL_OR_WHITE_SPACE: Member =
    m("static bool IsNullOrWhiteSpace(string value)", |_, a| {
        Ok(Value::Bool(text::is_null_or_white_space(a.opt_str(0).map(Text::as_str))))
    });
pub(super) const EQUALS: Member = m("static bool Equals(string a, string b)", |_, a| equal(a, 0, 1, false));
pub(super) const EQUALS_COMPARISON: Member =
    m("static bool Equals(string a, string b, StringComparison comparisonType)", |_, a| {
        equal(a, 0, 1, ignores(a, 2)?)
    });
pub(super) const COMPARE: Member =
    m("static int Compare(string strA, string strB)", |_, a| Ok(Value::I32(compare(a, 0, 1, false))));
pub(super) const COMPARE_CASE: Member =
    m("static int Compare(string strA, string strB, bool ignoreCase)", |_, a| {
        Ok(Value::I32(compare(a, 0, 1, a.bool(2)?)))
    });
pub(super) const COMPARE_COMPARISON: Member =
    m("static int Compare(string strA, string strB, StringComparison comparisonType)", |_, a| {
        Ok(Value::I32(compare(a, 0, 1, ignores(a, 2)?)))
    });
pub(super) const COMPARE_PART: Member =
    m("static int Compare(string strA, int indexA, string strB, int indexB, int length)", |_, a| {
        super::more::compare_part(a, false)
    });
pub(super) const COMPARE_ORDINAL: Member =
    m("static int CompareOrdinal(string strA, string strB)", |_, a| Ok(Value::I32(compare(a, 0, 1, false))));
pub(super) const CONCAT_1: Member = m("static string Concat(object arg0)", |vm, a| concat(vm, a.values));
pub(super) const CONCAT_2: Member =
    m("static string Concat(string str0, string str1)", |vm, a| concat(vm, a.values));
pub(super) const CONCAT_3: Member =
    m("static string Concat(string str0, string str1, string str2)", |vm, a| concat(vm, a.values));
pub(super) const CONCAT_4: Member =
    m("static string Concat(string str0, string str1, string str2, string str3)", |vm, a| {
        concat(vm, a.values)
    });
pub(super) const CONCAT_OBJECTS: Member = m("static string Concat(params object[] args)", concat_all);
pub(super) const CONCAT_STRINGS: Member = m("static string Concat(params string[] values)", concat_all);
pub(super) const CONCAT_SEQUENCE: Member = m("static string Concat(IEnumerable<string> values)", concat_all);
pub(super) const CONCAT_SEQUENCE_OF: Member = m("static string Concat<T>(IEnumerable<T> values)", concat_all);
pub(super) const FORMAT_1: Member = m("static string Format(string format, object arg0)", format);
pub(super) const FORMAT_2: Member =
    m("static string Format(string format, object arg0, object arg1)", format);
pub(super) const FORMAT_3: Member =
    m("static string Format(string format, object arg0, object arg1, object arg2)", format);
pub(super) const FORMAT: Member = m("static string Format(string format, params object[] args)", |vm, a| {
    let Value::Array(arguments) = a.at(1) else { return Err(Fault::argument_null("args")) };
    composite(vm, a.str(0)?.as_str(), &arguments.values())
});
pub(super) const JOIN_STRINGS: Member =
    m("static string Join(string separator, params string[] value)", join);
pub(super) const JOIN_OBJECTS: Member =
    m("static string Join(string separator, params object[] values)", join);
pub(super) const JOIN_SEQUENCE: Member =
    m("static string Join(string separator, IEnumerable<string> values)", join);
pub(super) const JOIN_SEQUENCE_OF: Member =
    m("static string Join<T>(string separator, IEnumerable<T> values)", join);
pub(super) const JOIN_PART: Member =
    m("static string Join(string separator, string[] value, int startIndex, int count)", |vm, a| {
        let items = vm.collect(a.at(1))?;
        let texts: Vec<Option<&str>> = items.iter().map(Value::as_str).collect();
        let joined = text::join_part(a.opt_str(0).map_or("", Text::as_str), &texts, a.i32(2)?, a.i32(3)?)?;
        vm.text(joined)
    });
pub(super) const COPY: Member = m("static string Copy(string str)", |_, a| Ok(Value::Str(a.str(0)?.clone())));
pub(super) const IS_INTERNED: Member =
    m("static string IsInterned(string str)", |_, a| Ok(Value::Str(a.str(0)?.clone())));
pub(super) const JOIN_CHAR_OBJECTS: Member =
    m("static string Join(char separator, params object[] values)", join_char);
pub(super) const JOIN_CHAR_STRINGS: Member =
    m("static string Join(char separator, params string[] value)", join_char);
pub(super) const JOIN_CHAR_SEQUENCE: Member =
    m("static string Join<T>(char separator, IEnumerable<T> values)", join_char);
pub(super) const INTERN: Member =
    m("static string Intern(string str)", |_, a| Ok(Value::Str(a.str(0)?.clone())));

fn format(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    composite(vm, a.str(0)?.as_str(), a.values.get(1..).unwrap_or_default())
}

/// Texts of all values in one string: null is empty.
fn concat(vm: &mut Vm<'_>, values: &[Value]) -> Result<Value, Fault> {
    join_with(vm, "", values)
}

fn concat_all(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(0).is_null() {
        return Err(a.null(0));
    }
    let items = vm.collect(a.at(0))?;
    concat(vm, &items)
}

fn join(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Err(a.null(1));
    }
    let items = vm.collect(a.at(1))?;
    join_with(vm, a.opt_str(0).map_or("", Text::as_str), &items)
}

fn join_char(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Err(a.null(1));
    }
    let items = vm.collect(a.at(1))?;
    join_with(vm, &text::from_units(&[a.char(0)?]), &items)
}

fn join_with(vm: &mut Vm<'_>, separator: &str, values: &[Value]) -> Result<Value, Fault> {
    let mut joined = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text::append(&mut joined, separator);
        }
        let part = vm.to_text(value)?;
        text::append(&mut joined, part.as_str());
        vm.may_make(joined.len())?;
    }
    vm.text(joined)
}
