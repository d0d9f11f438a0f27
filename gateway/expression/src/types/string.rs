//! `System.String`, `System.Char`, and what compares strings.

mod character;
mod comparer;
mod more;
mod statics;

pub(super) use comparer::{Comparer, comparer as key_comparer};

use super::{Allow, Args, Type, TypeTable, m};
use crate::clr::text::{self, Separators, SplitOptions};
use crate::run::{Fault, Limit, Vm};
use crate::text::Text;
use crate::value::Value;

pub(super) static TABLES: &[&[TypeTable]] = &[TABLE, more::TABLE, character::TABLE, comparer::TABLE];

static TABLE: &[TypeTable] = &[TypeTable {
    header: "class System.String : System.Collections.Generic.IEnumerable<char>, System.IComparable",
    allow: Allow::All,
    members: &[
        m("int Length { get; }", |_, a| Ok(Value::I32(a.str(0)?.len() as i32))),
        m("char this[int index] { get; }", |_, a| {
            let index = usize::try_from(a.i32(1)?).map_err(|_| Fault::index())?;
            a.str(0)?.unit(index).map(Value::Char).ok_or_else(Fault::index)
        }),
        statics::EMPTY,
        statics::IS_INTERNED,
        statics::JOIN_CHAR_STRINGS,
        statics::JOIN_CHAR_OBJECTS,
        statics::JOIN_CHAR_SEQUENCE,
        m("bool IsNormalized()", |_, a| Ok(Value::Bool(a.str(0).is_ok()))),
        statics::NEW_CHARS,
        statics::NEW_REPEAT,
        statics::NEW_PART,
        m("string ToString()", |_, a| Ok(a.this().clone())),
        m("object Clone()", |_, a| Ok(a.this().clone())),
        m("string ToUpper()", |vm, a| made(vm, text::to_upper(a.str(0)?.as_str()))),
        m("string ToLower()", |vm, a| made(vm, text::to_lower(a.str(0)?.as_str()))),
        m("string ToUpperInvariant()", |vm, a| made(vm, text::to_upper(a.str(0)?.as_str()))),
        m("string ToLowerInvariant()", |vm, a| made(vm, text::to_lower(a.str(0)?.as_str()))),
        m("string Trim()", |vm, a| made(vm, text::trim(a.str(0)?.as_str(), &[]).to_owned())),
        m("string Trim(char trimChar)", |vm, a| {
            made(vm, text::trim(a.str(0)?.as_str(), &[a.char(1)?]).to_owned())
        }),
        m("string Trim(params char[] trimChars)", |vm, a| {
            made(vm, text::trim(a.str(0)?.as_str(), &units(a, 1)).to_owned())
        }),
        m("string TrimStart()", |vm, a| made(vm, text::trim_start(a.str(0)?.as_str(), &[]).to_owned())),
        m("string TrimStart(char trimChar)", |vm, a| {
            made(vm, text::trim_start(a.str(0)?.as_str(), &[a.char(1)?]).to_owned())
        }),
        m("string TrimStart(params char[] trimChars)", |vm, a| {
            made(vm, text::trim_start(a.str(0)?.as_str(), &units(a, 1)).to_owned())
        }),
        m("string TrimEnd()", |vm, a| made(vm, text::trim_end(a.str(0)?.as_str(), &[]).to_owned())),
        m("string TrimEnd(char trimChar)", |vm, a| {
            made(vm, text::trim_end(a.str(0)?.as_str(), &[a.char(1)?]).to_owned())
        }),
        m("string TrimEnd(params char[] trimChars)", |vm, a| {
            made(vm, text::trim_end(a.str(0)?.as_str(), &units(a, 1)).to_owned())
        }),
        m("string Substring(int startIndex)", |vm, a| {
            made(vm, text::substring_from(a.str(0)?.as_str(), a.i32(1)?)?)
        }),
        m("string Substring(int startIndex, int length)", |vm, a| {
            made(vm, text::substring(a.str(0)?.as_str(), a.i32(1)?, a.i32(2)?)?)
        }),
        m("string Remove(int startIndex)", |vm, a| {
            made(vm, text::remove_from(a.str(0)?.as_str(), a.i32(1)?)?)
        }),
        m("string Remove(int startIndex, int count)", |vm, a| {
            made(vm, text::remove(a.str(0)?.as_str(), a.i32(1)?, a.i32(2)?)?)
        }),
        m("string Insert(int startIndex, string value)", |vm, a| {
            made(vm, text::insert(a.str(0)?.as_str(), a.i32(1)?, a.str(2)?.as_str())?)
        }),
        m("string Replace(char oldChar, char newChar)", |vm, a| {
            made(vm, text::replace_unit(a.str(0)?.as_str(), a.char(1)?, a.char(2)?))
        }),
        m("string Replace(string oldValue, string newValue)", |vm, a| replace(vm, a, false)),
        m("string Replace(string oldValue, string newValue, StringComparison comparisonType)", |vm, a| {
            let ignore = ignores(a, 3)?;
            replace(vm, a, ignore)
        }),
        m("string PadLeft(int totalWidth)", |vm, a| pad(vm, a, true, 32)),
        m("string PadLeft(int totalWidth, char paddingChar)", |vm, a| pad(vm, a, true, a.char(2)?)),
        m("string PadRight(int totalWidth)", |vm, a| pad(vm, a, false, 32)),
        m("string PadRight(int totalWidth, char paddingChar)", |vm, a| pad(vm, a, false, a.char(2)?)),
        m("bool Contains(string value)", |_, a| {
            Ok(Value::Bool(text::contains(a.str(0)?.as_str(), a.str(1)?.as_str(), false)))
        }),
        m("bool Contains(char value)", |_, a| {
            Ok(Value::Bool(text::contains(a.str(0)?.as_str(), &one(a, 1)?, false)))
        }),
        m("bool Contains(string value, StringComparison comparisonType)", |_, a| {
            Ok(Value::Bool(text::contains(a.str(0)?.as_str(), a.str(1)?.as_str(), ignores(a, 2)?)))
        }),
        m("bool StartsWith(string value)", |_, a| {
            Ok(Value::Bool(text::starts_with(a.str(0)?.as_str(), a.str(1)?.as_str(), false)))
        }),
        m("bool StartsWith(char value)", |_, a| {
            Ok(Value::Bool(text::starts_with(a.str(0)?.as_str(), &one(a, 1)?, false)))
        }),
        m("bool StartsWith(string value, StringComparison comparisonType)", |_, a| {
            Ok(Value::Bool(text::starts_with(a.str(0)?.as_str(), a.str(1)?.as_str(), ignores(a, 2)?)))
        }),
        m("bool EndsWith(string value)", |_, a| {
            Ok(Value::Bool(text::ends_with(a.str(0)?.as_str(), a.str(1)?.as_str(), false)))
        }),
        m("bool EndsWith(char value)", |_, a| {
            Ok(Value::Bool(text::ends_with(a.str(0)?.as_str(), &one(a, 1)?, false)))
        }),
        m("bool EndsWith(string value, StringComparison comparisonType)", |_, a| {
            Ok(Value::Bool(text::ends_with(a.str(0)?.as_str(), a.str(1)?.as_str(), ignores(a, 2)?)))
        }),
        m("int IndexOf(string value)", |_, a| first(a, a.str(1)?.as_str(), None, None, false)),
        m("int IndexOf(char value)", |_, a| first(a, &one(a, 1)?, None, None, false)),
        m("int IndexOf(string value, int startIndex)", |_, a| {
            first(a, a.str(1)?.as_str(), Some(a.i32(2)?), None, false)
        }),
        m("int IndexOf(char value, int startIndex)", |_, a| {
            first(a, &one(a, 1)?, Some(a.i32(2)?), None, false)
        }),
        m("int IndexOf(string value, int startIndex, int count)", |_, a| {
            first(a, a.str(1)?.as_str(), Some(a.i32(2)?), Some(a.i32(3)?), false)
        }),
        m("int IndexOf(char value, int startIndex, int count)", |_, a| {
            first(a, &one(a, 1)?, Some(a.i32(2)?), Some(a.i32(3)?), false)
        }),
        m("int IndexOf(string value, StringComparison comparisonType)", |_, a| {
            first(a, a.str(1)?.as_str(), None, None, ignores(a, 2)?)
        }),
        m("int IndexOf(char value, StringComparison comparisonType)", |_, a| {
            first(a, &one(a, 1)?, None, None, ignores(a, 2)?)
        }),
        m("int IndexOf(string value, int startIndex, StringComparison comparisonType)", |_, a| {
            first(a, a.str(1)?.as_str(), Some(a.i32(2)?), None, ignores(a, 3)?)
        }),
        m("int LastIndexOf(string value)", |_, a| last(a, a.str(1)?.as_str(), None, None, false)),
        m("int LastIndexOf(char value)", |_, a| last(a, &one(a, 1)?, None, None, false)),
        m("int LastIndexOf(string value, int startIndex)", |_, a| {
            last(a, a.str(1)?.as_str(), Some(a.i32(2)?), None, false)
        }),
        m("int LastIndexOf(char value, int startIndex)", |_, a| {
            last(a, &one(a, 1)?, Some(a.i32(2)?), None, false)
        }),
        m("int LastIndexOf(string value, int startIndex, int count)", |_, a| {
            last(a, a.str(1)?.as_str(), Some(a.i32(2)?), Some(a.i32(3)?), false)
        }),
        m("int LastIndexOf(string value, StringComparison comparisonType)", |_, a| {
            last(a, a.str(1)?.as_str(), None, None, ignores(a, 2)?)
        }),
        m("int IndexOfAny(char[] anyOf)", |_, a| {
            Ok(Value::I32(text::index_of_any(a.str(0)?.as_str(), &required_units(a, 1)?, None, None)?))
        }),
        m("int IndexOfAny(char[] anyOf, int startIndex)", |_, a| {
            Ok(Value::I32(text::index_of_any(
                a.str(0)?.as_str(),
                &required_units(a, 1)?,
                Some(a.i32(2)?),
                None,
            )?))
        }),
        m("int LastIndexOfAny(char[] anyOf)", |_, a| {
            Ok(Value::I32(text::last_index_of_any(a.str(0)?.as_str(), &required_units(a, 1)?, None, None)?))
        }),
        m("string[] Split(params char[] separator)", |vm, a| split_chars(vm, a, None, 0)),
        m("string[] Split(char[] separator, int count)", |vm, a| split_chars(vm, a, Some(a.i32(2)?), 0)),
        m("string[] Split(char[] separator, StringSplitOptions options)", |vm, a| {
            split_chars(vm, a, None, a.i32(2)?)
        }),
        m("string[] Split(char[] separator, int count, StringSplitOptions options)", |vm, a| {
            split_chars(vm, a, Some(a.i32(2)?), a.i32(3)?)
        }),
        m("string[] Split(char separator, StringSplitOptions options = 0)", |vm, a| {
            split_by(vm, a, Separators::Units(&[a.char(1)?]), None, a.i32(2)?)
        }),
        m("string[] Split(char separator, int count, StringSplitOptions options = 0)", |vm, a| {
            split_by(vm, a, Separators::Units(&[a.char(1)?]), Some(a.i32(2)?), a.i32(3)?)
        }),
        m("string[] Split(string separator, StringSplitOptions options = 0)", |vm, a| {
            split_strings(vm, a, None, a.i32(2)?)
        }),
        m("string[] Split(string separator, int count, StringSplitOptions options = 0)", |vm, a| {
            split_strings(vm, a, Some(a.i32(2)?), a.i32(3)?)
        }),
        m("string[] Split(string[] separator, StringSplitOptions options)", |vm, a| {
            split_strings(vm, a, None, a.i32(2)?)
        }),
        m("string[] Split(string[] separator, int count, StringSplitOptions options)", |vm, a| {
            split_strings(vm, a, Some(a.i32(2)?), a.i32(3)?)
        }),
        m("char[] ToCharArray()", |vm, a| chars(vm, &a.str(0)?.units())),
        m("char[] ToCharArray(int startIndex, int length)", |vm, a| {
            let (start, length) = (a.i32(1)?, a.i32(2)?);
            let all = a.str(0)?.units();
            let begin = usize::try_from(start).ok().filter(|start| *start <= all.len());
            let part =
                begin.and_then(|start| all.get(start..start.checked_add(usize::try_from(length).ok()?)?));
            let wrong = if begin.is_some() && length < 0 { "length" } else { "startIndex" };
            chars(vm, part.ok_or_else(|| Fault::index_argument_of(wrong))?)
        }),
        m("bool Equals(string value)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
        m("bool Equals(string value, StringComparison comparisonType)", |_, a| {
            equal(a, 0, 1, ignores(a, 2)?)
        }),
        m("int CompareTo(string strB)", |_, a| Ok(Value::I32(compare(a, 0, 1, false)))),
        m("int CompareTo(object value)", |_, a| match a.at(1) {
            Value::Null | Value::Str(_) => Ok(Value::I32(compare(a, 0, 1, false))),
            _ => Err(Fault::argument("Object must be of type String.", "")),
        }),
        m("string Normalize()", |_, a| Ok(a.this().clone())),
        statics::IS_NULL_OR_EMPTY,
        statics::IS_NULL_OR_WHITE_SPACE,
        statics::EQUALS,
        statics::EQUALS_COMPARISON,
        statics::COMPARE,
        statics::COMPARE_CASE,
        statics::COMPARE_COMPARISON,
        statics::COMPARE_PART,
        statics::COMPARE_ORDINAL,
        statics::CONCAT_1,
        statics::CONCAT_2,
        statics::CONCAT_3,
        statics::CONCAT_4,
        statics::CONCAT_OBJECTS,
        statics::CONCAT_STRINGS,
        statics::CONCAT_SEQUENCE,
        statics::CONCAT_SEQUENCE_OF,
        statics::FORMAT_1,
        statics::FORMAT_2,
        statics::FORMAT_3,
        statics::FORMAT,
        statics::JOIN_STRINGS,
        statics::JOIN_OBJECTS,
        statics::JOIN_SEQUENCE,
        statics::JOIN_SEQUENCE_OF,
        statics::JOIN_PART,
        statics::COPY,
        statics::INTERN,
    ],
}];

/// A new string, charged.
fn made(vm: &mut Vm<'_>, text: String) -> Result<Value, Fault> {
    vm.text(text)
}

/// A `char` argument as text.
fn one(a: &Args<'_>, index: usize) -> Result<String, Fault> {
    Ok(text::from_units(&[a.char(index)?]))
}

/// The units of a `char[]`; none for null.
fn units(a: &Args<'_>, index: usize) -> Vec<u16> {
    match a.at(index) {
        Value::Array(array) => array.values().iter().filter_map(Value::as_i64).map(|v| v as u16).collect(),
        _ => Vec::new(),
    }
}

fn required_units(a: &Args<'_>, index: usize) -> Result<Vec<u16>, Fault> {
    if a.at(index).is_null() { Err(a.null(index)) } else { Ok(units(a, index)) }
}

/// Whether a `StringComparison` argument ignores case.
fn ignores(a: &Args<'_>, index: usize) -> Result<bool, Fault> {
    Ok(text::ignores_case(a.i32(index)?)?)
}

fn chars(vm: &mut Vm<'_>, units: &[u16]) -> Result<Value, Fault> {
    vm.charge(units.len() * 24)?;
    Ok(Value::array(Type::CHAR, units.iter().map(|u| Value::Char(*u)).collect()))
}

fn replace(vm: &mut Vm<'_>, a: &Args<'_>, ignore_case: bool) -> Result<Value, Fault> {
    let (text, old) = (a.str(0)?.as_str(), a.str(1)?.as_str());
    let new = a.opt_str(2).map(Text::as_str);
    let growth = new.map_or(0, str::len);
    // The worst case is known before anything is built.
    let worst = (text.len() / old.len().max(1)).saturating_mul(growth).saturating_add(text.len());
    vm.steps(text.len() as u64 / 64)?;
    if worst > vm.memory_left() {
        let hits = text.matches(old).count();
        if hits.saturating_mul(growth).saturating_add(text.len()) > vm.memory_left() {
            return Err(Fault::Limit(Limit::Memory));
        }
    }
    let result = text::replace(text, old, new, ignore_case)?;
    vm.text(result)
}

fn pad(vm: &mut Vm<'_>, a: &Args<'_>, left: bool, unit: u16) -> Result<Value, Fault> {
    let width = a.i32(1)?;
    vm.may_make(width.max(0) as usize)?;
    let text = a.str(0)?.as_str();
    let result = if left { text::pad_left(text, width, unit)? } else { text::pad_right(text, width, unit)? };
    vm.text(result)
}

fn first(
    a: &Args<'_>,
    part: &str,
    start: Option<i32>,
    count: Option<i32>,
    ignore: bool,
) -> Result<Value, Fault> {
    Ok(Value::I32(text::index_of(a.str(0)?.as_str(), part, start, count, ignore)?))
}

fn last(
    a: &Args<'_>,
    part: &str,
    start: Option<i32>,
    count: Option<i32>,
    ignore: bool,
) -> Result<Value, Fault> {
    Ok(Value::I32(text::last_index_of(a.str(0)?.as_str(), part, start, count, ignore)?))
}

fn split_chars(vm: &mut Vm<'_>, a: &Args<'_>, count: Option<i32>, options: i32) -> Result<Value, Fault> {
    let units = units(a, 1);
    split_by(vm, a, Separators::Units(&units), count, options)
}

fn split_strings(vm: &mut Vm<'_>, a: &Args<'_>, count: Option<i32>, options: i32) -> Result<Value, Fault> {
    if let Value::Str(text) = a.at(1) {
        return split_by(vm, a, Separators::Texts(&[text.as_str()]), count, options);
    }
    let separators = match a.at(1) {
        Value::Array(array) => array.values(),
        _ => Vec::new(),
    };
    let separators: Vec<&str> = separators.iter().filter_map(Value::as_str).collect();
    split_by(vm, a, Separators::Texts(&separators), count, options)
}

fn split_by(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    separators: Separators<'_>,
    count: Option<i32>,
    options: i32,
) -> Result<Value, Fault> {
    let text = a.str(0)?.as_str();
    vm.steps(text.len() as u64 / 64)?;
    vm.charge(text.len())?;
    // Most texts that policies split have a few parts.
    let mut parts = Vec::with_capacity(4);
    for part in text::split(text, separators, count, SplitOptions::from_number(options)?)? {
        if parts.len() >= vm.elements_max() {
            return Err(Fault::Limit(Limit::Elements));
        }
        parts.push(Value::str(part));
    }
    vm.elements(parts.len())?;
    Ok(Value::array(Type::STRING, parts))
}

fn equal(a: &Args<'_>, x: usize, y: usize, ignore: bool) -> Result<Value, Fault> {
    Ok(Value::Bool(match (a.opt_str(x), a.opt_str(y)) {
        (Some(x), Some(y)) => text::equals(x.as_str(), y.as_str(), ignore),
        (None, None) => true,
        _ => false,
    }))
}

fn compare(a: &Args<'_>, x: usize, y: usize, ignore: bool) -> i32 {
    text::compare(a.opt_str(x).map(Text::as_str), a.opt_str(y).map(Text::as_str), ignore)
}
