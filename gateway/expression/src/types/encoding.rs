//! `Encoding`, `WebUtility` (expressions.md §6.9).

mod fallback;
mod parts;

pub(super) use fallback::{FALLBACKS, INFO};
pub(super) use parts::PARTS;

use std::any::Any;
use std::cell::RefCell;

use fallback::{Coder, Fallback, decoded, encoded};

use super::{Allow, Args, Type, TypeTable, library, m};
use crate::clr::encoding::{self, Encoding};
use crate::clr::text;
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "abstract class System.Text.Encoding",
        allow: Allow::All,
        members: &[
            m("static Encoding UTF7 { get; }", |_, _| Ok(made(Encoding::Utf7))),
            m("static Encoding UTF8 { get; }", |_, _| Ok(made(Encoding::Utf8))),
            m("static Encoding ASCII { get; }", |_, _| Ok(made(Encoding::Ascii))),
            m("static Encoding Unicode { get; }", |_, _| Ok(made(Encoding::Utf16))),
            m("static Encoding BigEndianUnicode { get; }", |_, _| Ok(made(Encoding::Utf16BigEndian))),
            m("static Encoding UTF32 { get; }", |_, _| Ok(made(Encoding::Utf32))),
            m("static Encoding Latin1 { get; }", |_, _| Ok(made(Encoding::Latin1))),
            m("static Encoding Default { get; }", |_, _| Ok(made(Encoding::Utf8))),
            m("static Encoding GetEncoding(string name)", |_, a| {
                Ok(made(Encoding::by_name(a.str(0)?.as_str())?))
            }),
            m("static Encoding GetEncoding(int codepage)", |_, a| {
                Ok(made(Encoding::by_code_page(a.i32(0)?)?))
            }),
            m("static byte[] Convert(Encoding srcEncoding, Encoding dstEncoding, byte[] bytes)", |vm, a| {
                let text = decoded(a, 0, &a.bytes(2)?)?;
                vm.charge(text.len() * 4)?;
                Ok(Value::bytes(encoded(a, 1, &text)?))
            }),
            m("byte[] GetBytes(string s)", |vm, a| {
                let Some(text) = a.opt_str(1) else {
                    let problem = "String reference not set to an instance of a String. (Parameter 's')";
                    return Err(Fault::new("System.ArgumentNullException", problem));
                };
                vm.charge(text.bytes() * 2)?;
                Ok(Value::bytes(encoded(a, 0, text.as_str())?))
            }),
            m("byte[] GetBytes(char[] chars)", |vm, a| {
                let units: Vec<u16> =
                    vm.collect(a.at(1))?.iter().filter_map(Value::as_i64).map(|u| u as u16).collect();
                Ok(Value::bytes(encoded(a, 0, &text::from_units(&units))?))
            }),
            m("string GetString(byte[] bytes)", |vm, a| {
                let problem = "Array cannot be null. (Parameter 'bytes')";
                let null = || Fault::new("System.ArgumentNullException", problem);
                let bytes = a.at(1).as_bytes().ok_or_else(null)?;
                vm.text(decoded(a, 0, &bytes)?)
            }),
            m("string GetString(byte[] bytes, int index, int count)", |vm, a| {
                let bytes = a.bytes(1)?;
                let part = Encoding::part(&bytes, a.i32(2)?, a.i32(3)?)?;
                vm.text(decoded(a, 0, part)?)
            }),
            m("char[] GetChars(byte[] bytes)", |vm, a| {
                let units = text::to_units(&decoded(a, 0, &a.bytes(1)?)?);
                vm.elements(units.len())?;
                Ok(Value::array(Type::CHAR, units.into_iter().map(Value::Char).collect()))
            }),
            m("int GetByteCount(string s)", |_, a| {
                Ok(Value::I32(encoded(a, 0, a.str(1)?.as_str())?.len() as i32))
            }),
            m("int GetCharCount(byte[] bytes)", |_, a| {
                Ok(Value::I32(text::length(&decoded(a, 0, &a.bytes(1)?)?) as i32))
            }),
            m("byte[] GetPreamble()", |_, a| Ok(Value::bytes(of(a, 0)?.preamble().to_vec()))),
            m("string WebName { get; }", |vm, a| vm.text(of(a, 0)?.web_name())),
            m("string BodyName { get; }", |vm, a| vm.text(of(a, 0)?.web_name())),
            m("string HeaderName { get; }", |vm, a| vm.text(of(a, 0)?.web_name())),
            m("string EncodingName { get; }", |vm, a| vm.text(of(a, 0)?.name())),
            m("int CodePage { get; }", |_, a| Ok(Value::I32(of(a, 0)?.code_page()))),
        ],
    },
    TypeTable {
        header: "static class System.Net.WebUtility",
        allow: Allow::All,
        members: &[
            m("static string UrlEncode(string value)", |vm, a| on_text(vm, a, encoding::url_encode)),
            m("static string UrlDecode(string encodedValue)", |vm, a| on_text(vm, a, encoding::url_decode)),
            m("static string HtmlEncode(string value)", |vm, a| on_text(vm, a, encoding::html_encode)),
            m("static string HtmlDecode(string value)", |vm, a| on_text(vm, a, encoding::html_decode)),
            m("static void HtmlEncode(string value, System.IO.TextWriter output)", |vm, a| {
                let made = a.opt_str(0).map(|text| encoding::html_encode(text.as_str()));
                made.map_or(Ok(Value::Null), |text| super::builder::write_text(vm, a.at(1), &text))
            }),
            m("static void HtmlDecode(string value, System.IO.TextWriter output)", |vm, a| {
                let made = a.opt_str(0).map(|text| encoding::html_decode(text.as_str()));
                made.map_or(Ok(Value::Null), |text| super::builder::write_text(vm, a.at(1), &text))
            }),
            m("static byte[] UrlEncodeToBytes(byte[] value, int offset, int count)", |_, a| {
                Ok(Value::bytes(encoding::url_encode_bytes(&part(a)?).into_bytes()))
            }),
            m("static byte[] UrlDecodeToBytes(byte[] encodedValue, int offset, int count)", |_, a| {
                Ok(Value::bytes(encoding::url_decode_bytes(&part(a)?)))
            }),
        ],
    },
];

/// An encoding with what it does about text that it cannot say.
struct EncodingObject {
    encoding: Encoding,
    encoder: RefCell<Fallback>,
    decoder: RefCell<Fallback>,
    /// A clone may be changed.
    is_read_only: bool,
}

impl Object for EncodingObject {
    fn ty(&self) -> Type {
        library().named(match self.encoding {
            Encoding::Utf7 => "System.Text.UTF7Encoding",
            Encoding::Utf8 => "System.Text.UTF8Encoding.UTF8EncodingSealed",
            Encoding::Ascii => "System.Text.ASCIIEncoding.ASCIIEncodingSealed",
            Encoding::Latin1 => "System.Text.Latin1Encoding",
            Encoding::Utf16 | Encoding::Utf16BigEndian => "System.Text.UnicodeEncoding",
            Encoding::Utf32 | Encoding::Utf32BigEndian => "System.Text.UTF32Encoding",
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| {
            o.encoding == self.encoding && o.encoder == self.encoder && o.decoder == self.decoder
        }))
    }
}

pub(super) fn made(encoding: Encoding) -> Value {
    with_fallbacks(
        encoding,
        Fallback::of(encoding, Coder::Encoder),
        Fallback::of(encoding, Coder::Decoder),
        true,
    )
}

fn with_fallbacks(encoding: Encoding, encoder: Fallback, decoder: Fallback, is_read_only: bool) -> Value {
    let (encoder, decoder) = (RefCell::new(encoder), RefCell::new(decoder));
    Value::object(EncodingObject { encoding, encoder, decoder, is_read_only })
}

fn of(a: &Args<'_>, index: usize) -> Result<Encoding, Fault> {
    Ok(a.object::<EncodingObject>(index)?.encoding)
}

/// A transformation of a text that may be null.
fn on_text(vm: &mut Vm<'_>, a: &Args<'_>, f: fn(&str) -> String) -> Result<Value, Fault> {
    match a.opt_str(0) {
        Some(text) => {
            vm.charge(text.bytes() * 2)?;
            let made = f(text.as_str());
            vm.text(made)
        }
        None => Ok(Value::Null),
    }
}

/// The range of bytes that offset and count name.
fn part(a: &Args<'_>) -> Result<Vec<u8>, Fault> {
    let bytes = a.bytes(0)?;
    let range = |name| Fault::out_of_range("Specified argument was out of the range of valid values.", name);
    let start = usize::try_from(a.i32(1)?).map_err(|_| range("offset"))?;
    let end =
        usize::try_from(a.i32(2)?).ok().and_then(|c| start.checked_add(c)).ok_or_else(|| range("count"))?;
    Ok(bytes.get(start..end).ok_or_else(|| range("count"))?.to_vec())
}
