//! Statics of `Uri`, and its members that take `UriComponents`.

use super::super::{Allow, Args, TypeTable, library, m};
use super::{made, uri};
use crate::clr::text;
use crate::clr::uri::{Uri, UriFormat, UriKind, check_host_name, check_scheme_name, hex_unescape};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(in super::super) static STATICS: &[TypeTable] = &[
    TypeTable {
        header: "enum System.UriComponents { SerializationInfoString = -2147483648, Scheme = 1, UserInfo = 2, Host = 4, Port = 8, SchemeAndServer = 13, Path = 16, Query = 32, PathAndQuery = 48, HttpRequestUrl = 61, Fragment = 64, AbsoluteUri = 127, StrongPort = 128, HostAndPort = 132, StrongAuthority = 134, NormalizedHost = 256, KeepDelimiter = 1073741824 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.UriFormat { UriEscaped = 1, Unescaped = 2, SafeUnescaped = 3 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "partial class System.Uri",
        allow: Allow::All,
        members: &[
            m("static string UriSchemeFile { get; }", |_, _| Ok(Value::str("file"))),
            m("static string UriSchemeFtp { get; }", |_, _| Ok(Value::str("ftp"))),
            m("static string UriSchemeGopher { get; }", |_, _| Ok(Value::str("gopher"))),
            m("static string UriSchemeHttp { get; }", |_, _| Ok(Value::str("http"))),
            m("static string UriSchemeHttps { get; }", |_, _| Ok(Value::str("https"))),
            m("static string UriSchemeMailto { get; }", |_, _| Ok(Value::str("mailto"))),
            m("static string UriSchemeNetPipe { get; }", |_, _| Ok(Value::str("net.pipe"))),
            m("static string UriSchemeNetTcp { get; }", |_, _| Ok(Value::str("net.tcp"))),
            m("static string UriSchemeNews { get; }", |_, _| Ok(Value::str("news"))),
            m("static string UriSchemeNntp { get; }", |_, _| Ok(Value::str("nntp"))),
            m("static string SchemeDelimiter { get; }", |_, _| Ok(Value::str("://"))),
            m("static UriHostNameType CheckHostName(string name)", |_, a| {
                let def = library().named("System.UriHostNameType").def();
                let kind = a.opt_str(0).map_or(0, |name| check_host_name(name.as_str()) as i64);
                Ok(def.map_or(Value::Null, |def| Value::Enum(def, kind)))
            }),
            m("static bool CheckSchemeName(string schemeName)", |_, a| {
                Ok(Value::Bool(a.opt_str(0).is_some_and(|name| check_scheme_name(name.as_str()))))
            }),
            m("static bool IsHexDigit(char character)", |_, a| Ok(Value::Bool(digit(a.char(0)?).is_some()))),
            m("static int FromHex(char digit)", |_, a| {
                let found = digit(a.char(0)?).ok_or_else(|| Fault::argument("digit", ""))?;
                Ok(Value::I32(found as i32))
            }),
            m("static bool IsHexEncoding(string pattern, int index)", |_, a| {
                let found = usize::try_from(a.i32(1)?)
                    .ok()
                    .and_then(|at| hex_unescape(&text::to_units(a.str(0).ok()?.as_str()), at));
                Ok(Value::Bool(found.is_some_and(|(_, used)| used == 3)))
            }),
            m("static char HexUnescape(string pattern, ref int index)", unescape),
            m("static bool TryCreate(Uri baseUri, Uri relativeUri, out Uri result)", |_, a| {
                let found = uri(a, 0).ok().and_then(|base| Uri::join(base, uri(a, 1).ok()?.original()).ok());
                let ok = found.is_some();
                a.set_out(2, found.map_or(Value::Null, made));
                Ok(Value::Bool(ok))
            }),
            m(
                "static int Compare(Uri uri1, Uri uri2, UriComponents partsToCompare, UriFormat compareFormat, StringComparison comparisonType)",
                compare,
            ),
            m("string GetComponents(UriComponents components, UriFormat format)", |vm, a| {
                let found = uri(a, 0)?.components(a.i64(1)? as u32, UriFormat::by_number(a.i64(2)?)?)?;
                vm.text(found)
            }),
            m("bool IsWellFormedOriginalString()", |_, a| {
                let uri = uri(a, 0)?;
                Ok(Value::Bool(Uri::is_well_formed_as(uri.original(), kind_of(uri))))
            }),
            m("bool IsUnc { get; }", |_, a| Ok(Value::Bool(uri(a, 0)?.is_unc()?))),
            m("bool UserEscaped { get; }", |_, _| Ok(Value::Bool(false))),
            m("string MakeRelative(Uri toUri)", |vm, a| {
                let found = uri(a, 0)?.make_relative(uri(a, 1)?)?;
                vm.text(found)
            }),
            m("new(string uriString, bool dontEscape)", |vm, a| super::uri_value(vm, a.str(0)?.as_str())),
            m("new(Uri baseUri, string relativeUri, bool dontEscape)", |_, a| {
                Ok(made(Uri::join(uri(a, 0)?, a.str(1)?.as_str())?))
            }),
        ],
    },
];

fn digit(unit: u16) -> Option<u32> {
    u8::try_from(unit).ok().and_then(|byte| char::from(byte).to_digit(16))
}

fn kind_of(uri: &Uri) -> UriKind {
    if uri.is_absolute() { UriKind::Absolute } else { UriKind::Relative }
}

fn unescape(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let Value::Cell(cell) = a.at(1) else { return Err(a.null(1)) };
    let at = cell.borrow().as_i64().unwrap_or_default();
    let units = text::to_units(a.str(0)?.as_str());
    let found = usize::try_from(at).ok().and_then(|at| hex_unescape(&units, at));
    let Some((unit, used)) = found else {
        let problem = "Specified argument was out of the range of valid values.";
        return Err(Fault::out_of_range(problem, "index"));
    };
    a.set_out(1, Value::I32((at + used as i64) as i32));
    Ok(Value::Char(unit))
}

/// Null before every URI, a relative one before an absolute one.
fn compare(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let ignore = text::ignores_case(a.i32(4)?)?;
    let (x, y) = match (a.at(0).is_null(), a.at(1).is_null()) {
        (true, true) => return Ok(Value::I32(0)),
        (true, false) => return Ok(Value::I32(-1)),
        (false, true) => return Ok(Value::I32(1)),
        (false, false) => (uri(a, 0)?, uri(a, 1)?),
    };
    if !x.is_absolute() || !y.is_absolute() {
        let order = i32::from(x.is_absolute()) - i32::from(y.is_absolute());
        return Ok(Value::I32(if order == 0 {
            text::compare(Some(x.original()), Some(y.original()), ignore)
        } else {
            order
        }));
    }
    let (parts, format) = (a.i64(2)? as u32, UriFormat::by_number(a.i64(3)?)?);
    let (x, y) = (x.components(parts, format)?, y.components(parts, format)?);
    Ok(Value::I32(text::compare(Some(&x), Some(&y), ignore)))
}
