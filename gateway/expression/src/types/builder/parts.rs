//! `StringBuilder` on parts of texts, with providers, and of every kind of number.

use super::super::format::composite;
use super::super::{Allow, Args, TypeTable, m};
use super::{append, append_text, builder, made};
use crate::clr::text;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::Value;

const INDEX: &str = "Index was out of range. Must be non-negative and less than the size of the collection.";

pub(in super::super) static PARTS: &[TypeTable] = &[
    TypeTable {
        header: "partial class System.Text.StringBuilder",
        allow: Allow::All,
        members: &[
            m("new(int capacity, int maxCapacity)", |_, _| Ok(made("System.Text.StringBuilder", ""))),
            m("new(string value, int startIndex, int length, int capacity)", |_, a| {
                let text = a.opt_str(0).map_or("", Text::as_str);
                let part = text::substring(text, a.i32(1)?, a.i32(2)?)?;
                Ok(made("System.Text.StringBuilder", &part))
            }),
            m("int MaxCapacity { get; }", |_, _| Ok(Value::I32(i32::MAX))),
            m("int EnsureCapacity(int capacity)", |_, a| {
                let length = text::length(&builder(a)?.text.borrow()) as i32;
                Ok(Value::I32(a.i32(1)?.max(length.max(16))))
            }),
            m("StringBuilder Append(sbyte value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(byte value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(short value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(ushort value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(uint value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(ulong value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(float value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(StringBuilder value)", |vm, a| append(vm, a, "")),
            m("StringBuilder Append(StringBuilder value, int startIndex, int count)", |vm, a| {
                let text = vm.to_text(a.at(1))?;
                append_part(vm, a, &text::substring(text.as_str(), a.i32(2)?, a.i32(3)?)?)
            }),
            m("StringBuilder Append(char[] value, int startIndex, int charCount)", |vm, a| {
                let text = chars(vm, a.at(1))?;
                append_part(vm, a, &text::substring(&text, a.i32(2)?, a.i32(3)?)?)
            }),
            m("StringBuilder AppendFormat(string format, object arg0, object arg1, object arg2)", |vm, a| {
                append_format(vm, a, 1, a.values.get(2..).unwrap_or_default())
            }),
            m(
                "StringBuilder AppendFormat(System.IFormatProvider provider, string format, object arg0)",
                |vm, a| append_format(vm, a, 2, a.values.get(3..).unwrap_or_default()),
            ),
            m(
                "StringBuilder AppendFormat(System.IFormatProvider provider, string format, object arg0, object arg1)",
                |vm, a| append_format(vm, a, 2, a.values.get(3..).unwrap_or_default()),
            ),
            m(
                "StringBuilder AppendFormat(System.IFormatProvider provider, string format, object arg0, object arg1, object arg2)",
                |vm, a| append_format(vm, a, 2, a.values.get(3..).unwrap_or_default()),
            ),
            m(
                "StringBuilder AppendFormat(System.IFormatProvider provider, string format, params object[] args)",
                |vm, a| {
                    let items = vm.collect(a.at(3))?;
                    append_format(vm, a, 2, &items)
                },
            ),
            m("StringBuilder AppendJoin(string separator, params string[] values)", append_join),
            m("StringBuilder AppendJoin<T>(string separator, IEnumerable<T> values)", append_join),
            m("StringBuilder AppendJoin(char separator, params object[] values)", append_join),
            m("StringBuilder AppendJoin(char separator, params string[] values)", append_join),
            m("StringBuilder AppendJoin<T>(char separator, IEnumerable<T> values)", append_join),
            m("StringBuilder Insert(int index, string value, int count)", |vm, a| {
                let count = usize::try_from(a.i32(3)?)
                    .map_err(|_| Fault::out_of_range("Non-negative number required.", "count"))?;
                let value = a.opt_str(2).map_or("", Text::as_str);
                vm.may_make(value.len().saturating_mul(count))?;
                insert(vm, a, &value.repeat(count))
            }),
            m("StringBuilder Insert(int index, char[] value)", |vm, a| {
                let text = chars(vm, a.at(2))?;
                insert(vm, a, &text)
            }),
            m("StringBuilder Insert(int index, char[] value, int startIndex, int charCount)", |vm, a| {
                let text = chars(vm, a.at(2))?;
                insert(vm, a, &text::substring(&text, a.i32(3)?, a.i32(4)?)?)
            }),
            m(
                "StringBuilder Replace(string oldValue, string newValue, int startIndex, int count)",
                |vm, a| {
                    let (old, new) = (a.str(1)?.as_str().to_owned(), a.opt_str(2).cloned());
                    replace_part(vm, a, |part| {
                        text::replace(part, &old, new.as_ref().map(Text::as_str), false)
                    })
                },
            ),
            m("StringBuilder Replace(char oldChar, char newChar, int startIndex, int count)", |vm, a| {
                let (old, new) = (a.char(1)?, a.char(2)?);
                replace_part(vm, a, |part| Ok(text::replace_unit(part, old, new)))
            }),
            m(
                "void CopyTo(int sourceIndex, char[] destination, int destinationIndex, int count)",
                |vm, a| {
                    let units = text::to_units(&builder(a)?.text.borrow());
                    let (start, count) = (a.i32(1)?, a.i32(4)?);
                    let part = usize::try_from(start).ok().zip(usize::try_from(count).ok());
                    let part = part.and_then(|(start, count)| units.get(start..start.checked_add(count)?));
                    let items: Vec<Value> = part
                        .ok_or_else(|| Fault::out_of_range(INDEX, "sourceIndex"))?
                        .iter()
                        .map(|unit| Value::Char(*unit))
                        .collect();
                    super::super::collection::range::copy(vm, &items, a.at(2), a.i32(3)?)
                },
            ),
        ],
    },
    TypeTable {
        header: "partial class System.IO.TextReader",
        allow: Allow::All,
        members: &[
            m("int Read(char[] buffer, int index, int count)", super::read_into),
            m("int ReadBlock(char[] buffer, int index, int count)", super::read_into),
        ],
    },
    TypeTable {
        header: "partial class System.IO.TextWriter",
        allow: Allow::All,
        members: &[
            m("void Write(char[] buffer)", |vm, a| {
                let text = chars(vm, a.at(1))?;
                append_text(vm, a, &text)
            }),
            m("void Write(char[] buffer, int index, int count)", |vm, a| {
                let text = chars(vm, a.at(1))?;
                let part = text::substring(&text, a.i32(2)?, a.i32(3)?)?;
                append_text(vm, a, &part)
            }),
            m("System.Text.Encoding Encoding { get; }", |_, _| {
                Ok(super::super::encoding::made(crate::clr::encoding::Encoding::Utf16))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.IO.StringWriter",
        allow: Allow::All,
        members: &[
            m("new(System.IFormatProvider formatProvider)", |_, _| Ok(made("System.IO.StringWriter", ""))),
            m("new(System.Text.StringBuilder sb)", super::writer_over),
            m("new(System.Text.StringBuilder sb, System.IFormatProvider formatProvider)", super::writer_over),
        ],
    },
];

/// The text of a `char[]`; empty for null.
fn chars(vm: &mut Vm<'_>, value: &Value) -> Result<String, Fault> {
    if value.is_null() {
        return Ok(String::new());
    }
    let units: Vec<u16> =
        vm.collect(value)?.iter().filter_map(Value::as_i64).map(|unit| unit as u16).collect();
    Ok(text::from_units(&units))
}

fn append_part(vm: &mut Vm<'_>, a: &Args<'_>, part: &str) -> Result<Value, Fault> {
    append_text(vm, a, part)?;
    Ok(a.this().clone())
}

fn append_format(vm: &mut Vm<'_>, a: &Args<'_>, format: usize, items: &[Value]) -> Result<Value, Fault> {
    let made = composite(vm, a.str(format)?.as_str(), items)?;
    append_part(vm, a, made.as_str().unwrap_or_default())
}

/// Texts of a sequence with a separator between them.
pub(super) fn append_join(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(2).is_null() {
        return Err(a.null(2));
    }
    let separator = vm.to_text(a.at(1))?;
    for (place, item) in vm.collect(a.at(2))?.iter().enumerate() {
        if place > 0 {
            append_text(vm, a, separator.as_str())?;
        }
        let text = vm.to_text(item)?;
        append_text(vm, a, text.as_str())?;
    }
    Ok(a.this().clone())
}

fn insert(vm: &mut Vm<'_>, a: &Args<'_>, part: &str) -> Result<Value, Fault> {
    let builder = builder(a)?;
    let changed = text::insert(&builder.text.borrow(), a.i32(1)?, part)
        .map_err(|_| Fault::out_of_range(INDEX, "index"))?;
    vm.charge(part.len())?;
    vm.may_make(changed.len())?;
    *builder.text.borrow_mut() = changed;
    Ok(a.this().clone())
}

/// Replaces in a part; start and count are arguments 3 and 4.
fn replace_part(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    change: impl FnOnce(&str) -> crate::clr::Result<String>,
) -> Result<Value, Fault> {
    let builder = builder(a)?;
    let whole = builder.text.borrow().clone();
    let (start, count) = (a.i32(3)?, a.i32(4)?);
    let length = text::length(&whole) as i32;
    if !(0..=length).contains(&start) {
        return Err(Fault::out_of_range(INDEX, "startIndex"));
    }
    if !(0..=length - start).contains(&count) {
        return Err(Fault::out_of_range(INDEX, "count"));
    }
    let changed = change(&text::substring(&whole, start, count)?)?;
    vm.charge(changed.len())?;
    let mut made = text::substring(&whole, 0, start)?;
    text::append(&mut made, &changed);
    text::append(&mut made, &text::substring_from(&whole, start + count)?);
    vm.may_make(made.len())?;
    *builder.text.borrow_mut() = made;
    Ok(a.this().clone())
}
