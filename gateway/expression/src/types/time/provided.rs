//! Overloads of dates and spans with formats to read by, styles and `IFormatProvider`.

use super::super::core::try_result;
use super::super::format::{date_value, offset_value, to_string};
use super::super::number::compare_to;
use super::super::{Allow, Args, Member, TypeTable, m};
use super::{now, own, this};
use crate::clr::date_time::{DateTime, Styles};
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::time_span::TimeSpan;
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(in super::super) static PROVIDED: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Globalization.DateTimeStyles { None = 0, AllowLeadingWhite = 1, AllowTrailingWhite = 2, AllowInnerWhite = 4, AllowWhiteSpaces = 7, NoCurrentDateDefault = 8, AdjustToUniversal = 16, AssumeLocal = 32, AssumeUniversal = 64, RoundtripKind = 128 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable { header: "partial class System.DateTime", allow: Allow::All, members: DATE },
    TypeTable { header: "partial class System.DateTimeOffset", allow: Allow::All, members: OFFSET },
    TypeTable { header: "partial class System.TimeSpan", allow: Allow::All, members: SPAN },
];

const DATE: &[Member] = &[
    m("string ToString(System.IFormatProvider provider)", |vm, a| vm.to_text(a.this()).map(Value::Str)),
    m("string ToString(string format, System.IFormatProvider provider)", to_string),
    m("static DateTime Parse(string s, System.IFormatProvider provider)", |vm, a| {
        parse_date(vm, a, Styles(0))
    }),
    m(
        "static DateTime Parse(string s, System.IFormatProvider provider, System.Globalization.DateTimeStyles styles)",
        |vm, a| parse_date(vm, a, styles(a, 2)?),
    ),
    m("static DateTime ParseExact(string s, string format, System.IFormatProvider provider)", |vm, a| {
        read(vm, a, Styles(0), date_by)
    }),
    m(
        "static DateTime ParseExact(string s, string format, System.IFormatProvider provider, System.Globalization.DateTimeStyles style)",
        |vm, a| read(vm, a, styles(a, 3)?, date_by),
    ),
    m(
        "static DateTime ParseExact(string s, string[] formats, System.IFormatProvider provider, System.Globalization.DateTimeStyles style)",
        |vm, a| read(vm, a, styles(a, 3)?, date_by),
    ),
    m(
        "static bool TryParseExact(string s, string format, System.IFormatProvider provider, System.Globalization.DateTimeStyles style, out DateTime result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, date_by),
    ),
    m(
        "static bool TryParseExact(string s, string[] formats, System.IFormatProvider provider, System.Globalization.DateTimeStyles style, out DateTime result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, date_by),
    ),
    m("int CompareTo(object value)", compare_to),
];

const OFFSET: &[Member] = &[
    m("string ToString(System.IFormatProvider formatProvider)", |vm, a| vm.to_text(a.this()).map(Value::Str)),
    m("string ToString(string format, System.IFormatProvider formatProvider)", to_string),
    m("static DateTimeOffset Parse(string input, System.IFormatProvider formatProvider)", |vm, a| {
        let today = now(vm)?.date();
        Ok(offset_value(DateTimeOffset::parse(a.str(0)?.as_str(), today)?))
    }),
    m(
        "static DateTimeOffset Parse(string input, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles)",
        |vm, a| {
            let today = now(vm)?.date();
            Ok(adjusted(DateTimeOffset::parse(a.str(0)?.as_str(), today)?, styles(a, 2)?))
        },
    ),
    m(
        "static bool TryParse(string input, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles, out DateTimeOffset result)",
        |vm, a| {
            let (today, styles) = (now(vm)?.date(), styles(a, 2)?);
            let parsed = DateTimeOffset::parse(a.opt_str(0).map_or("", |t| t.as_str()), today);
            Ok(try_result(a, 3, parsed.map(|found| adjusted(found, styles)).map_err(Fault::from)))
        },
    ),
    m(
        "static DateTimeOffset ParseExact(string input, string format, System.IFormatProvider formatProvider)",
        |vm, a| read(vm, a, Styles(0), offset_by),
    ),
    m(
        "static DateTimeOffset ParseExact(string input, string format, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles)",
        |vm, a| read(vm, a, styles(a, 3)?, offset_by),
    ),
    m(
        "static DateTimeOffset ParseExact(string input, string[] formats, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles)",
        |vm, a| read(vm, a, styles(a, 3)?, offset_by),
    ),
    m(
        "static bool TryParseExact(string input, string format, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles, out DateTimeOffset result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, offset_by),
    ),
    m(
        "static bool TryParseExact(string input, string[] formats, System.IFormatProvider formatProvider, System.Globalization.DateTimeStyles styles, out DateTimeOffset result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, offset_by),
    ),
    m("static DateTimeOffset FromFileTime(long fileTime)", |_, a| {
        Ok(offset_value(DateTimeOffset::from_file_time(a.i64(0)?)?))
    }),
    m("long ToFileTime()", |_, a| Ok(Value::I64(own(a)?.to_file_time()?))),
    m("static bool Equals(DateTimeOffset first, DateTimeOffset second)", |_, a| {
        Ok(Value::Bool(a.at(0).equals(a.at(1))))
    }),
];

const SPAN: &[Member] = &[
    m("string ToString(string format, System.IFormatProvider formatProvider)", to_string),
    m("static TimeSpan Parse(string input, System.IFormatProvider formatProvider)", |_, a| {
        Ok(Value::TimeSpan(TimeSpan::parse(a.str(0)?.as_str())?.0))
    }),
    m(
        "static bool TryParse(string input, System.IFormatProvider formatProvider, out TimeSpan result)",
        |_, a| {
            let parsed =
                TimeSpan::parse(a.opt_str(0).map_or("", |t| t.as_str())).map(|s| Value::TimeSpan(s.0));
            Ok(try_result(a, 2, parsed.map_err(Fault::from)))
        },
    ),
    m(
        "static TimeSpan ParseExact(string input, string format, System.IFormatProvider formatProvider)",
        |vm, a| read(vm, a, Styles(0), span_by),
    ),
    m(
        "static TimeSpan ParseExact(string input, string[] formats, System.IFormatProvider formatProvider)",
        |vm, a| read(vm, a, Styles(0), span_by),
    ),
    m(
        "static TimeSpan ParseExact(string input, string format, System.IFormatProvider formatProvider, System.Globalization.TimeSpanStyles styles)",
        |vm, a| read(vm, a, styles(a, 3)?, span_by),
    ),
    m(
        "static TimeSpan ParseExact(string input, string[] formats, System.IFormatProvider formatProvider, System.Globalization.TimeSpanStyles styles)",
        |vm, a| read(vm, a, styles(a, 3)?, span_by),
    ),
    m(
        "static bool TryParseExact(string input, string format, System.IFormatProvider formatProvider, out TimeSpan result)",
        |vm, a| attempt(vm, a, 3, Styles(0), span_by),
    ),
    m(
        "static bool TryParseExact(string input, string[] formats, System.IFormatProvider formatProvider, out TimeSpan result)",
        |vm, a| attempt(vm, a, 3, Styles(0), span_by),
    ),
    m(
        "static bool TryParseExact(string input, string format, System.IFormatProvider formatProvider, System.Globalization.TimeSpanStyles styles, out TimeSpan result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, span_by),
    ),
    m(
        "static bool TryParseExact(string input, string[] formats, System.IFormatProvider formatProvider, System.Globalization.TimeSpanStyles styles, out TimeSpan result)",
        |vm, a| attempt(vm, a, 4, styles(a, 3)?, span_by),
    ),
    m("int CompareTo(object value)", compare_to),
    m("static bool Equals(TimeSpan t1, TimeSpan t2)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
    m("static TimeSpan operator +(TimeSpan t)", |_, a| Ok(a.at(0).clone())),
];

/// A text by one format.
type ByFormat = fn(&str, &str, Styles, DateTime) -> crate::clr::Result<Value>;

fn date_by(text: &str, format: &str, styles: Styles, today: DateTime) -> crate::clr::Result<Value> {
    DateTime::parse_exact(text, format, styles, today).map(date_value)
}

fn offset_by(text: &str, format: &str, styles: Styles, today: DateTime) -> crate::clr::Result<Value> {
    DateTimeOffset::parse_exact(text, format, styles, today).map(|found| adjusted(found, styles))
}

fn span_by(text: &str, format: &str, styles: Styles, _today: DateTime) -> crate::clr::Result<Value> {
    TimeSpan::parse_exact(text, format, styles.0 == 1).map(|span| Value::TimeSpan(span.0))
}

fn styles(a: &Args<'_>, index: usize) -> Result<Styles, Fault> {
    Ok(Styles(a.i64(index)? as u32))
}

fn adjusted(found: DateTimeOffset, styles: Styles) -> Value {
    offset_value(if styles.has(Styles::TO_UNIVERSAL) { found.to_universal() } else { found })
}

fn parse_date(vm: &mut Vm<'_>, a: &Args<'_>, styles: Styles) -> Result<Value, Fault> {
    let today = now(vm)?.date();
    Ok(date_value(DateTime::parse_styled(a.str(0)?.as_str(), styles, today)?))
}

/// `ParseExact`: argument 1 is a format, or an array of which one has to fit.
fn read(vm: &mut Vm<'_>, a: &Args<'_>, styles: Styles, by: ByFormat) -> Result<Value, Fault> {
    let (text, today) = (a.str(0)?.as_str(), now(vm)?.date());
    if let Some(format) = a.opt_str(1) {
        return Ok(by(text, format.as_str(), styles, today)?);
    }
    if a.at(1).is_null() {
        return Err(a.null(1));
    }
    let formats = vm.collect(a.at(1))?;
    let mut failure = Fault::format();
    for format in formats.iter().filter_map(Value::as_str) {
        match by(text, format, styles, today) {
            Ok(value) => return Ok(value),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

fn attempt(vm: &mut Vm<'_>, a: &Args<'_>, out: usize, styles: Styles, by: ByFormat) -> Result<Value, Fault> {
    match read(vm, a, styles, by) {
        Err(limit @ Fault::Limit(_)) => Err(limit),
        parsed => Ok(try_result(a, out, parsed)),
    }
}

/// The remaining forms of `DateTime`, which only lenient policies reach.
pub(in super::super) static RARE: &[TypeTable] = &[TypeTable {
    header: "partial class System.DateTime",
    allow: Allow::All,
    members: &[
        m("double ToOADate()", |_, a| Ok(Value::F64(this(a)?.to_oa_date()?))),
        m("long ToFileTimeUtc()", |_, a| Ok(Value::I64(this(a)?.to_file_time()?))),
        m("long ToBinary()", |_, a| Ok(Value::I64(this(a)?.to_binary()))),
        m("static bool Equals(DateTime t1, DateTime t2)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
    ],
}];
