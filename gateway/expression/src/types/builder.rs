//! `StringBuilder`, `StringReader`, `StringWriter`.

mod parts;

pub(super) use parts::PARTS;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::format::composite;
use super::{Allow, Args, Member, Type, TypeTable, library, m, rw};
use crate::clr::text;
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Holds, Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable { header: "class System.Text.StringBuilder", allow: Allow::All, members: BUILDER },
    TypeTable {
        header: "abstract class System.IO.TextReader : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("int Read()", |_, a| {
                let reader = a.object::<Reader>(0)?;
                let unit = reader.units.get(reader.at.get()).copied();
                reader.at.set(reader.at.get() + usize::from(unit.is_some()));
                Ok(Value::I32(unit.map_or(-1, i32::from)))
            }),
            m("int Peek()", |_, a| {
                let reader = a.object::<Reader>(0)?;
                Ok(Value::I32(reader.units.get(reader.at.get()).map_or(-1, |u| i32::from(*u))))
            }),
            m("string ReadLine()", |vm, a| {
                let reader = a.object::<Reader>(0)?;
                let rest = reader.units.get(reader.at.get()..).unwrap_or_default();
                if rest.is_empty() {
                    return Ok(Value::Null);
                }
                let end = rest.iter().position(|u| matches!(u, 10 | 13)).unwrap_or(rest.len());
                let line = rest.get(..end).unwrap_or_default().to_vec();
                let pair = rest.get(end) == Some(&13) && rest.get(end + 1) == Some(&10);
                reader.at.set(reader.at.get() + (end + 1 + usize::from(pair)).min(rest.len()));
                vm.text(text::from_units(&line))
            }),
            m("string ReadToEnd()", |vm, a| {
                let reader = a.object::<Reader>(0)?;
                let rest = reader.units.get(reader.at.get()..).unwrap_or_default().to_vec();
                reader.at.set(reader.units.len());
                vm.text(text::from_units(&rest))
            }),
            m("void Close()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "class System.IO.StringReader : System.IO.TextReader",
        allow: Allow::All,
        members: &[m("new(string s)", |vm, a| {
            vm.charge(a.str(0)?.bytes() * 2)?;
            Ok(Value::object(Reader { units: a.str(0)?.units(), at: Cell::new(0) }))
        })],
    },
    TypeTable {
        header: "abstract class System.IO.TextWriter : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("void Write(string value)", |vm, a| append_value(vm, a, "")),
            m("void Write(char value)", |vm, a| append_value(vm, a, "")),
            m("void Write(object value)", |vm, a| append_value(vm, a, "")),
            m("void Write(string format, params object[] arg)", |vm, a| write_format(vm, a, "")),
            m("void WriteLine()", |vm, a| append_text(vm, a, "\n")),
            m("void WriteLine(string value)", |vm, a| append_value(vm, a, "\n")),
            m("void WriteLine(object value)", |vm, a| append_value(vm, a, "\n")),
            m("void Flush()", |_, _| Ok(Value::Null)),
            m("void Close()", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "class System.IO.StringWriter : System.IO.TextWriter",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(made("System.IO.StringWriter", ""))),
            m("System.Text.StringBuilder GetStringBuilder()", |_, a| {
                Ok(Value::object(Builder {
                    class: "System.Text.StringBuilder",
                    text: Rc::clone(&builder(a)?.text),
                }))
            }),
        ],
    },
];

const BUILDER: &[Member] = &[
    m("new()", |_, _| Ok(made("System.Text.StringBuilder", ""))),
    m("new(int capacity)", |_, _| Ok(made("System.Text.StringBuilder", ""))),
    m("new(string value)", |_, a| {
        Ok(made("System.Text.StringBuilder", a.opt_str(0).map_or("", Text::as_str)))
    }),
    m("new(string value, int capacity)", |_, a| {
        Ok(made("System.Text.StringBuilder", a.opt_str(0).map_or("", Text::as_str)))
    }),
    rw(
        "int Length { get; set; }",
        |_, a| Ok(Value::I32(text::length(&builder(a)?.text.borrow()) as i32)),
        |vm, a| {
            let length = usize::try_from(a.i32(1)?).map_err(|_| {
                Fault::out_of_range("Specified argument was out of the range of valid values.", "value")
            })?;
            vm.may_make(length)?;
            vm.charge(length)?;
            let mut units = text::to_units(&builder(a)?.text.borrow());
            units.resize(length, 0);
            *builder(a)?.text.borrow_mut() = text::from_units(&units);
            Ok(Value::Null)
        },
    ),
    rw(
        "int Capacity { get; set; }",
        |_, a| Ok(Value::I32(builder(a)?.text.borrow().len().max(16) as i32)),
        |_, _| Ok(Value::Null),
    ),
    rw(
        "char this[int index] { get; set; }",
        |_, a| {
            text::unit_at(&builder(a)?.text.borrow(), a.i32(1)?).map(Value::Char).map_err(|_| Fault::index())
        },
        |_, a| {
            let mut units = text::to_units(&builder(a)?.text.borrow());
            let slot = usize::try_from(a.i32(1)?).ok().and_then(|i| units.get_mut(i));
            *slot.ok_or_else(|| {
                Fault::out_of_range(
                    "Index was out of range. Must be non-negative and less than the size of the collection.",
                    "index",
                )
            })? = a.char(2)?;
            *builder(a)?.text.borrow_mut() = text::from_units(&units);
            Ok(Value::Null)
        },
    ),
    m("StringBuilder Append(string value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(char value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(bool value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(int value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(long value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(double value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(decimal value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(object value)", |vm, a| append(vm, a, "")),
    m("StringBuilder Append(char[] value)", |vm, a| {
        let units: Vec<u16> =
            vm.collect(a.at(1))?.iter().filter_map(Value::as_i64).map(|u| u as u16).collect();
        append_text(vm, a, &text::from_units(&units))?;
        Ok(a.this().clone())
    }),
    m("StringBuilder Append(char value, int repeatCount)", |vm, a| {
        vm.may_make(a.i32(2)?.max(0) as usize)?;
        let repeated = text::repeat_unit(a.char(1)?, a.i32(2)?)?;
        append_text(vm, a, &repeated)?;
        Ok(a.this().clone())
    }),
    m("StringBuilder Append(string value, int startIndex, int count)", |vm, a| {
        let part = text::substring(a.str(1)?.as_str(), a.i32(2)?, a.i32(3)?)?;
        append_text(vm, a, &part)?;
        Ok(a.this().clone())
    }),
    m("StringBuilder AppendLine()", |vm, a| {
        append_text(vm, a, "\n")?;
        Ok(a.this().clone())
    }),
    m("StringBuilder AppendLine(string value)", |vm, a| append(vm, a, "\n")),
    m("StringBuilder AppendFormat(string format, object arg0)", |vm, a| {
        append_format(vm, a, a.values.get(2..).unwrap_or_default())
    }),
    m("StringBuilder AppendFormat(string format, object arg0, object arg1)", |vm, a| {
        append_format(vm, a, a.values.get(2..).unwrap_or_default())
    }),
    m("StringBuilder AppendFormat(string format, params object[] args)", |vm, a| {
        let items = vm.collect(a.at(2))?;
        append_format(vm, a, &items)
    }),
    m("StringBuilder AppendJoin(string separator, params object[] values)", parts::append_join),
    m("StringBuilder Insert(int index, string value)", insert),
    m("StringBuilder Insert(int index, char value)", insert),
    m("StringBuilder Insert(int index, object value)", insert),
    m("StringBuilder Remove(int startIndex, int length)", |_, a| {
        let (start, count) = (a.i32(1)?, a.i32(2)?);
        let length = text::length(&builder(a)?.text.borrow()) as i32;
        if count < 0 {
            return Err(Fault::out_of_range("Length cannot be less than zero.", "length"));
        }
        if start >= 0 && count > length - start {
            return Err(Fault::index_argument_of("length"));
        }
        let changed = text::remove(&builder(a)?.text.borrow(), start, count)?;
        *builder(a)?.text.borrow_mut() = changed;
        Ok(a.this().clone())
    }),
    m("StringBuilder Replace(string oldValue, string newValue)", |vm, a| {
        let changed = text::replace(
            &builder(a)?.text.borrow(),
            a.str(1)?.as_str(),
            a.opt_str(2).map(Text::as_str),
            false,
        )?;
        vm.charge(changed.len())?;
        *builder(a)?.text.borrow_mut() = changed;
        Ok(a.this().clone())
    }),
    m("StringBuilder Replace(char oldChar, char newChar)", |_, a| {
        let changed = text::replace_unit(&builder(a)?.text.borrow(), a.char(1)?, a.char(2)?);
        *builder(a)?.text.borrow_mut() = changed;
        Ok(a.this().clone())
    }),
    m("StringBuilder Clear()", |_, a| {
        builder(a)?.text.borrow_mut().clear();
        Ok(a.this().clone())
    }),
    m("string ToString(int startIndex, int length)", |vm, a| {
        let part = text::substring(&builder(a)?.text.borrow(), a.i32(1)?, a.i32(2)?)?;
        vm.text(part)
    }),
    m("bool Equals(StringBuilder sb)", |_, a| {
        let other = a.object::<Builder>(1)?;
        Ok(Value::Bool(*builder(a)?.text.borrow() == *other.text.borrow()))
    }),
];

/// Text under construction: a builder or a writer.
struct Builder {
    class: &'static str,
    /// A writer shares the text of its builder.
    text: Rc<RefCell<String>>,
}

impl Object for Builder {
    fn ty(&self) -> Type {
        library().named(self.class)
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.text.borrow().as_str())
    }

    fn extent(&self) -> usize {
        self.text.borrow().len() / 4
    }
}

struct Reader {
    units: Vec<u16>,
    at: Cell<usize>,
}

impl Object for Reader {
    fn ty(&self) -> Type {
        library().named("System.IO.StringReader")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a reader has not given yet; it has given it then.
pub(super) fn rest_of_reader(value: &Value) -> Option<String> {
    let reader = value.downcast::<Reader>()?;
    let rest = text::from_units(reader.units.get(reader.at.get()..).unwrap_or_default());
    reader.at.set(reader.units.len());
    Some(rest)
}

fn made(class: &'static str, text: &str) -> Value {
    Value::object(Builder { class, text: Rc::new(RefCell::new(text.to_owned())) })
}

/// Appends to a writer of text.
pub(super) fn write_text(vm: &mut Vm<'_>, writer: &Value, more: &str) -> Result<Value, Fault> {
    let Some(writer) = writer.downcast::<Builder>() else { return Err(Fault::argument_null("textWriter")) };
    vm.charge(more.len())?;
    vm.may_make(writer.text.borrow().len() + more.len())?;
    text::append(&mut writer.text.borrow_mut(), more);
    Ok(Value::Null)
}

/// A writer that appends to a builder.
fn writer_over(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let text = Rc::clone(&builder(a)?.text);
    Ok(Value::object(Builder { class: "System.IO.StringWriter", text }))
}

/// Reads into a part of a `char[]`; the number of characters read.
fn read_into(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let reader = a.object::<Reader>(0)?;
    let Value::Array(target) = a.at(1) else { return Err(a.null(1)) };
    let size = |index: usize, name: &str| {
        usize::try_from(a.i32(index)?).map_err(|_| Fault::out_of_range("Non-negative number required.", name))
    };
    let (at, count) = (size(2, "index")?, size(3, "count")?);
    if at > target.len() || count > target.len() - at {
        let problem = "Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.";
        return Err(Fault::argument(problem, ""));
    }
    vm.steps(count as u64 / 16)?;
    let rest = reader.units.get(reader.at.get()..).unwrap_or_default();
    let taken = rest.len().min(count);
    for (offset, unit) in rest.iter().take(taken).enumerate() {
        target.set(at + offset, Value::Char(*unit));
    }
    reader.at.set(reader.at.get() + taken);
    Ok(Value::I32(taken as i32))
}

fn builder<'a>(a: &Args<'a>) -> Result<&'a Builder, Fault> {
    a.object::<Builder>(0)
}

fn append_text(vm: &mut Vm<'_>, a: &Args<'_>, more: &str) -> Result<Value, Fault> {
    let builder = builder(a)?;
    vm.charge(more.len())?;
    vm.may_make(builder.text.borrow().len() + more.len())?;
    text::append(&mut builder.text.borrow_mut(), more);
    Ok(Value::Null)
}

fn append_value(vm: &mut Vm<'_>, a: &Args<'_>, end: &str) -> Result<Value, Fault> {
    let more = vm.to_text(a.at(1))?;
    append_text(vm, a, more.as_str())?;
    if end.is_empty() { Ok(Value::Null) } else { append_text(vm, a, end) }
}

fn append(vm: &mut Vm<'_>, a: &Args<'_>, end: &str) -> Result<Value, Fault> {
    append_value(vm, a, end)?;
    Ok(a.this().clone())
}

fn append_format(vm: &mut Vm<'_>, a: &Args<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let made = composite(vm, a.str(1)?.as_str(), arguments)?;
    append_text(vm, a, made.as_str().unwrap_or_default())?;
    Ok(a.this().clone())
}

fn write_format(vm: &mut Vm<'_>, a: &Args<'_>, end: &str) -> Result<Value, Fault> {
    let items = vm.collect(a.at(2))?;
    append_format(vm, a, &items)?;
    append_text(vm, a, end)
}

fn insert(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let part = vm.to_text(a.at(2))?;
    let length = text::length(&builder(a)?.text.borrow()) as i32;
    if !(0..=length).contains(&a.i32(1)?) {
        return Err(Fault::index_argument());
    }
    let changed = text::insert(&builder(a)?.text.borrow(), a.i32(1)?, part.as_str())?;
    vm.charge(changed.len())?;
    *builder(a)?.text.borrow_mut() = changed;
    Ok(a.this().clone())
}
