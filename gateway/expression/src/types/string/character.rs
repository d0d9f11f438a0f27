//! `System.Char`.

use super::super::{Allow, Args, Literal, TypeTable, c, m};
use crate::clr::text;
use crate::run::Fault;
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "struct System.Char : System.IComparable",
    allow: Allow::All,
    members: &[
        c("char MinValue", Literal::Char(0)),
        c("char MaxValue", Literal::Char(u16::MAX)),
        m("static bool IsDigit(char c)", |_, a| class(a, text::is_digit)),
        m("static bool IsLetter(char c)", |_, a| class(a, text::is_letter)),
        m("static bool IsLetterOrDigit(char c)", |_, a| class(a, text::is_letter_or_digit)),
        m("static bool IsNumber(char c)", |_, a| class(a, text::is_number)),
        m("static bool IsUpper(char c)", |_, a| class(a, text::is_upper)),
        m("static bool IsLower(char c)", |_, a| class(a, text::is_lower)),
        m("static bool IsPunctuation(char c)", |_, a| class(a, text::is_punctuation)),
        m("static bool IsSymbol(char c)", |_, a| class(a, text::is_symbol)),
        m("static bool IsSeparator(char c)", |_, a| class(a, text::is_separator)),
        m("static bool IsControl(char c)", |_, a| class(a, text::is_control)),
        m("static bool IsWhiteSpace(char c)", |_, a| class(a, text::is_white_space)),
        m("static bool IsSurrogate(char c)", |_, a| class(a, |u| (0xD800..0xE000).contains(&u))),
        m("static bool IsHighSurrogate(char c)", |_, a| class(a, |u| (0xD800..0xDC00).contains(&u))),
        m("static bool IsLowSurrogate(char c)", |_, a| class(a, |u| (0xDC00..0xE000).contains(&u))),
        m("static bool IsDigit(string s, int index)", |_, a| class_in(a, text::is_digit)),
        m("static bool IsLetter(string s, int index)", |_, a| class_in(a, text::is_letter)),
        m("static bool IsLetterOrDigit(string s, int index)", |_, a| class_in(a, text::is_letter_or_digit)),
        m("static bool IsControl(string s, int index)", |_, a| class_in(a, text::is_control)),
        m("static bool IsNumber(string s, int index)", |_, a| class_in(a, text::is_number)),
        m("static bool IsPunctuation(string s, int index)", |_, a| class_in(a, text::is_punctuation)),
        m("static bool IsSeparator(string s, int index)", |_, a| class_in(a, text::is_separator)),
        m("static bool IsSymbol(string s, int index)", |_, a| class_in(a, text::is_symbol)),
        m("static bool IsSurrogate(string s, int index)", |_, a| {
            class_in(a, |u| (0xD800..0xE000).contains(&u))
        }),
        m("static bool IsHighSurrogate(string s, int index)", |_, a| {
            class_in(a, |u| (0xD800..0xDC00).contains(&u))
        }),
        m("static bool IsLowSurrogate(string s, int index)", |_, a| {
            class_in(a, |u| (0xDC00..0xE000).contains(&u))
        }),
        m("static double GetNumericValue(string s, int index)", |_, a| {
            Ok(Value::F64(text::numeric_value(unit_in(a)?)))
        }),
        m("static System.Globalization.UnicodeCategory GetUnicodeCategory(char c)", |_, a| {
            Ok(category(a.char(0)?))
        }),
        m("static System.Globalization.UnicodeCategory GetUnicodeCategory(string s, int index)", |_, a| {
            Ok(category(unit_in(a)?))
        }),
        m("string ToString(System.IFormatProvider provider)", |vm, a| vm.to_text(a.this()).map(Value::Str)),
        m("int CompareTo(object value)", |_, a| match a.at(1) {
            Value::Null => Ok(Value::I32(1)),
            Value::Char(other) => Ok(Value::I32(i32::from(a.char(0)?) - i32::from(*other))),
            _ => Err(Fault::argument("Object must be of type Char.", "")),
        }),
        m("static bool IsUpper(string s, int index)", |_, a| class_in(a, text::is_upper)),
        m("static bool IsLower(string s, int index)", |_, a| class_in(a, text::is_lower)),
        m("static bool IsWhiteSpace(string s, int index)", |_, a| class_in(a, text::is_white_space)),
        m("static char ToUpper(char c)", |_, a| Ok(Value::Char(text::upper_unit(a.char(0)?)))),
        m("static char ToLower(char c)", |_, a| Ok(Value::Char(text::lower_unit(a.char(0)?)))),
        m("static char ToUpperInvariant(char c)", |_, a| Ok(Value::Char(text::upper_unit(a.char(0)?)))),
        m("static char ToLowerInvariant(char c)", |_, a| Ok(Value::Char(text::lower_unit(a.char(0)?)))),
        m("static double GetNumericValue(char c)", |_, a| Ok(Value::F64(text::numeric_value(a.char(0)?)))),
        m("static char Parse(string s)", |_, a| match a.str(0)?.units().as_slice() {
            [unit] => Ok(Value::Char(*unit)),
            _ => Err(Fault::new("System.FormatException", "String must be exactly one character long.")),
        }),
        m("static bool TryParse(string s, out char result)", |_, a| {
            let units = a.opt_str(0).map(crate::text::Text::units).unwrap_or_default();
            let found = if let [unit] = units.as_slice() { Some(*unit) } else { None };
            a.set_out(1, Value::Char(found.unwrap_or_default()));
            Ok(Value::Bool(found.is_some()))
        }),
        m("static string ConvertFromUtf32(int utf32)", |vm, a| {
            let found = u32::try_from(a.i32(0)?).ok().and_then(char::from_u32);
            let message = "A valid UTF32 value is between 0x000000 and 0x10ffff, inclusive, and should not include surrogate codepoint values (0x00d800 ~ 0x00dfff).";
            let c = found.ok_or_else(|| Fault::out_of_range(message, "utf32"))?;
            vm.text(c.to_string())
        }),
        m("static int ConvertToUtf32(char highSurrogate, char lowSurrogate)", |_, a| {
            code_point(a.char(0)?, a.char(1)?)
        }),
        m("static int ConvertToUtf32(string s, int index)", |_, a| {
            let (units, at) = (a.str(0)?.units(), usize::try_from(a.i32(1)?).unwrap_or(usize::MAX));
            let problem =
                "Index was out of range. Must be non-negative and less than the size of the collection.";
            let first = *units.get(at).ok_or_else(|| Fault::out_of_range(problem, "index"))?;
            match units.get(at + 1) {
                Some(second) if (0xD800..0xDC00).contains(&first) => code_point(first, *second),
                _ => Ok(Value::I32(i32::from(first))),
            }
        }),
        m("static bool IsSurrogatePair(char highSurrogate, char lowSurrogate)", |_, a| {
            Ok(Value::Bool(code_point(a.char(0)?, a.char(1)?).is_ok()))
        }),
        m("static bool IsSurrogatePair(string s, int index)", |_, a| {
            let (units, at) = (a.str(0)?.units(), usize::try_from(a.i32(1)?).unwrap_or(usize::MAX - 1));
            let pair = units.get(at).zip(units.get(at + 1));
            Ok(Value::Bool(pair.is_some_and(|(high, low)| code_point(*high, *low).is_ok())))
        }),
        m("static string ToString(char c)", |vm, a| vm.to_text(a.at(0)).map(Value::Str)),
        m("int CompareTo(char value)", |_, a| Ok(Value::I32(i32::from(a.char(0)?) - i32::from(a.char(1)?)))),
        m("bool Equals(char obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
    ],
}];

fn class(a: &Args<'_>, of: fn(u16) -> bool) -> Result<Value, Fault> {
    Ok(Value::Bool(of(a.char(0)?)))
}

fn class_in(a: &Args<'_>, of: fn(u16) -> bool) -> Result<Value, Fault> {
    Ok(Value::Bool(of(unit_in(a)?)))
}

/// The character of a string at an index.
fn unit_in(a: &Args<'_>) -> Result<u16, Fault> {
    let text = a.str(0)?;
    let unit = usize::try_from(a.i32(1)?).ok().and_then(|index| text.unit(index));
    unit.ok_or_else(|| {
        Fault::out_of_range("Specified argument was out of the range of valid values.", "index")
    })
}

fn category(unit: u16) -> Value {
    let def = super::super::library().named("System.Globalization.UnicodeCategory").def();
    def.map_or(Value::Null, |def| Value::Enum(def, text::category_number(unit)))
}

/// The character of a surrogate pair.
fn code_point(high: u16, low: u16) -> Result<Value, Fault> {
    match char::decode_utf16([high, low]).next() {
        Some(Ok(c)) if u32::from(c) > 0xFFFF => Ok(Value::I32(u32::from(c) as i32)),
        _ => {
            let problem = "A valid high surrogate character is between 0xd800 and 0xdbff, inclusive.";
            Err(Fault::out_of_range(problem, "highSurrogate"))
        }
    }
}
