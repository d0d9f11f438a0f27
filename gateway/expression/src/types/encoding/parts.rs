//! `Encoding` on parts of arrays and texts, and what else it tells.

use super::super::{Allow, Args, Type, TypeTable, m};
use super::fallback::{decoded, encoded};
use super::{EncodingObject, of, with_fallbacks};
use crate::clr::encoding::Encoding;
use crate::clr::text;
use crate::run::{Fault, Vm};
use crate::value::Value;

const INDEX_COUNT: &str = "Index and count must refer to a location within the buffer.";
const TEXT_COUNT: &str = "Index and count must refer to a location within the string.";

pub(in super::super) static PARTS: &[TypeTable] = &[TypeTable {
    header: "partial class System.Text.Encoding",
    allow: Allow::All,
    members: &[
        m("bool IsSingleByte { get; }", |_, a| {
            Ok(Value::Bool(matches!(of(a, 0)?, Encoding::Ascii | Encoding::Latin1)))
        }),
        m("bool IsReadOnly { get; }", |_, a| Ok(Value::Bool(a.object::<EncodingObject>(0)?.is_read_only))),
        m("object Clone()", |_, a| {
            let own = a.object::<EncodingObject>(0)?;
            let (encoder, decoder) = (own.encoder.borrow().clone(), own.decoder.borrow().clone());
            Ok(with_fallbacks(own.encoding, encoder, decoder, false))
        }),
        m("bool IsBrowserDisplay { get; }", |_, a| shown(a, &[Encoding::Utf8, Encoding::Latin1])),
        m("bool IsBrowserSave { get; }", |_, a| {
            shown(a, &[Encoding::Utf8, Encoding::Latin1, Encoding::Utf16])
        }),
        m("bool IsMailNewsDisplay { get; }", |_, a| {
            shown(a, &[Encoding::Utf7, Encoding::Utf8, Encoding::Latin1, Encoding::Ascii])
        }),
        m("bool IsMailNewsSave { get; }", |_, a| {
            shown(a, &[Encoding::Utf7, Encoding::Utf8, Encoding::Latin1, Encoding::Ascii])
        }),
        m("int WindowsCodePage { get; }", |_, a| {
            let western = matches!(of(a, 0)?, Encoding::Ascii | Encoding::Latin1);
            Ok(Value::I32(if western { 1252 } else { 1200 }))
        }),
        m("bool IsAlwaysNormalized()", |_, a| normalized(a, 1)),
        m("bool IsAlwaysNormalized(System.Text.NormalizationForm form)", |_, a| normalized(a, a.i32(1)?)),
        m("int GetMaxByteCount(int charCount)", |_, a| {
            let encoding = of(a, 0)?;
            let count = size(a, 1, "charCount")? as i64 + i64::from(encoding != Encoding::Utf7);
            let width = match encoding {
                Encoding::Utf7 | Encoding::Utf8 => 3,
                Encoding::Ascii | Encoding::Latin1 => 1,
                Encoding::Utf16 | Encoding::Utf16BigEndian => 2,
                Encoding::Utf32 | Encoding::Utf32BigEndian => 4,
            };
            bounded(
                count * width + if encoding == Encoding::Utf7 { 2 } else { 0 },
                "charCount",
                "Too many characters. The resulting number of bytes is larger than what can be returned as an int.",
            )
        }),
        m("int GetMaxCharCount(int byteCount)", |_, a| {
            let count = size(a, 1, "byteCount")? as i64;
            let most = match of(a, 0)? {
                Encoding::Utf8 => count + 1,
                Encoding::Utf7 => count.max(1),
                Encoding::Ascii | Encoding::Latin1 => count,
                Encoding::Utf16 | Encoding::Utf16BigEndian => (count >> 1) + (count & 1) + 1,
                Encoding::Utf32 | Encoding::Utf32BigEndian => count / 2 + 2,
            };
            bounded(
                most,
                "byteCount",
                "Too many bytes. The resulting number of chars is larger than what can be returned as an int.",
            )
        }),
        m(
            "static byte[] Convert(Encoding srcEncoding, Encoding dstEncoding, byte[] bytes, int index, int count)",
            |vm, a| {
                let text = decoded(a, 0, &bytes_part(a, 2, 3)?)?;
                vm.charge(text.len() * 4)?;
                Ok(Value::bytes(encoded(a, 1, &text)?))
            },
        ),
        m("int GetByteCount(char[] chars)", |_, a| {
            Ok(Value::I32(encoded(a, 0, &text::from_units(&units(a, 1)?))?.len() as i32))
        }),
        m("int GetByteCount(char[] chars, int index, int count)", |_, a| {
            Ok(Value::I32(encoded(a, 0, &units_part(a, 1, 2)?)?.len() as i32))
        }),
        m("int GetByteCount(string s, int index, int count)", |_, a| {
            Ok(Value::I32(encoded(a, 0, &text_part(a)?)?.len() as i32))
        }),
        m("byte[] GetBytes(char[] chars, int index, int count)", |vm, a| {
            let part = units_part(a, 1, 2)?;
            vm.charge(part.len() * 2)?;
            Ok(Value::bytes(encoded(a, 0, &part)?))
        }),
        m("byte[] GetBytes(string s, int index, int count)", |vm, a| {
            let part = text_part(a)?;
            vm.charge(part.len() * 2)?;
            Ok(Value::bytes(encoded(a, 0, &part)?))
        }),
        m(
            "int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)",
            |vm, a| {
                let bytes = encoded(a, 0, &units_part(a, 1, 2)?)?;
                write(vm, a, bytes.into_iter().map(Value::U8).collect(), "bytes")
            },
        ),
        m("int GetBytes(string s, int charIndex, int charCount, byte[] bytes, int byteIndex)", |vm, a| {
            let bytes = encoded(a, 0, &text_part(a)?)?;
            write(vm, a, bytes.into_iter().map(Value::U8).collect(), "bytes")
        }),
        m("int GetCharCount(byte[] bytes, int index, int count)", |_, a| {
            Ok(Value::I32(text::length(&decoded(a, 0, &bytes_part(a, 1, 2)?)?) as i32))
        }),
        m("char[] GetChars(byte[] bytes, int index, int count)", |vm, a| {
            let units = text::to_units(&decoded(a, 0, &bytes_part(a, 1, 2)?)?);
            vm.elements(units.len())?;
            Ok(Value::array(Type::CHAR, units.into_iter().map(Value::Char).collect()))
        }),
        m(
            "int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)",
            |vm, a| {
                let units = text::to_units(&decoded(a, 0, &bytes_part(a, 1, 2)?)?);
                write(vm, a, units.into_iter().map(Value::Char).collect(), "chars")
            },
        ),
    ],
}];

fn shown(a: &Args<'_>, by: &[Encoding]) -> Result<Value, Fault> {
    Ok(Value::Bool(by.contains(&of(a, 0)?)))
}

/// ASCII is normalized in every form, Latin-1 in form C only.
fn normalized(a: &Args<'_>, form: i32) -> Result<Value, Fault> {
    Ok(Value::Bool(match of(a, 0)? {
        Encoding::Ascii => true,
        Encoding::Latin1 => form == 1,
        _ => false,
    }))
}

fn size(a: &Args<'_>, index: usize, name: &str) -> Result<usize, Fault> {
    usize::try_from(a.i32(index)?).map_err(|_| Fault::out_of_range("Non-negative number required.", name))
}

fn bounded(count: i64, name: &str, problem: &str) -> Result<Value, Fault> {
    i32::try_from(count).map(Value::I32).map_err(|_| Fault::out_of_range(problem, name))
}

fn array_null(name: &str) -> Fault {
    Fault::new("System.ArgumentNullException", format!("Array cannot be null. (Parameter '{name}')"))
}

fn units(a: &Args<'_>, index: usize) -> Result<Vec<u16>, Fault> {
    match a.at(index) {
        Value::Array(array) => {
            Ok(array.values().iter().filter_map(Value::as_i64).map(|unit| unit as u16).collect())
        }
        _ => Err(array_null("chars")),
    }
}

/// The items from an index on; the arguments behind the items are index and count.
fn part<T>(a: &Args<'_>, items: &[T], at: usize, name: &str, problem: &str) -> Result<Vec<T>, Fault>
where
    T: Clone,
{
    let (start, count) = (size(a, at, "index")?, size(a, at + 1, "count")?);
    let found = start.checked_add(count).and_then(|end| items.get(start..end));
    found.map(<[T]>::to_vec).ok_or_else(|| Fault::out_of_range(problem, name))
}

fn units_part(a: &Args<'_>, items: usize, at: usize) -> Result<String, Fault> {
    Ok(text::from_units(&part(a, &units(a, items)?, at, "chars", INDEX_COUNT)?))
}

fn text_part(a: &Args<'_>) -> Result<String, Fault> {
    Ok(text::from_units(&part(a, &a.str(1)?.units(), 2, "index", TEXT_COUNT)?))
}

fn bytes_part(a: &Args<'_>, items: usize, at: usize) -> Result<Vec<u8>, Fault> {
    let bytes = a.at(items).as_bytes().ok_or_else(|| array_null("bytes"))?;
    part(a, &bytes, at, "bytes", INDEX_COUNT)
}

/// Writes into the fourth argument from the index that is the fifth; the number of items written.
fn write(vm: &mut Vm<'_>, a: &Args<'_>, items: Vec<Value>, name: &str) -> Result<Value, Fault> {
    vm.steps(items.len() as u64 / 16)?;
    let Value::Array(target) = a.at(4) else { return Err(array_null(name)) };
    let at = size(a, 5, "index")?;
    if at > target.len() {
        let problem =
            "Index was out of range. Must be non-negative and less than the size of the collection.";
        return Err(Fault::out_of_range(problem, "index"));
    }
    if items.len() > target.len() - at {
        let problem = if name == "bytes" {
            "The output byte buffer is too small to contain the encoded data, encoding 'Unicode (UTF-8)' fallback 'System.Text.EncoderReplacementFallback'."
        } else {
            "The output char buffer is too small to contain the decoded characters, encoding 'Unicode (UTF-8)' fallback 'System.Text.DecoderReplacementFallback'."
        };
        return Err(Fault::argument(problem, name));
    }
    let count = items.len() as i32;
    for (offset, item) in items.into_iter().enumerate() {
        target.set(at + offset, item);
    }
    Ok(Value::I32(count))
}
