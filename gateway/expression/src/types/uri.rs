//! `System.Uri` (expressions.md §6.9).

mod statics;

pub(super) use statics::STATICS;

use std::any::Any;

use super::{Allow, Args, Type, TypeTable, library, m};
use crate::clr::encoding;
use crate::clr::uri::{Uri, UriKind, UriPartial};
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.UriKind { RelativeOrAbsolute, Absolute, Relative }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.UriPartial { Scheme, Authority, Path, Query }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum System.UriHostNameType { Unknown, Basic, Dns, IPv4, IPv6 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Uri",
        allow: Allow::All,
        members: &[
            m("new(string uriString)", |vm, a| uri_value(vm, a.str(0)?.as_str())),
            m("new(string uriString, UriKind uriKind)", |_, a| {
                Ok(made(Uri::parse_as(a.str(0)?.as_str(), kind(a, 1)?)?))
            }),
            m("new(Uri baseUri, string relativeUri)", |_, a| {
                Ok(made(Uri::join(uri(a, 0)?, a.str(1)?.as_str())?))
            }),
            m("new(Uri baseUri, Uri relativeUri)", |_, a| {
                Ok(made(Uri::join(uri(a, 0)?, uri(a, 1)?.original())?))
            }),
            m("static bool TryCreate(string uriString, UriKind uriKind, out Uri result)", |_, a| {
                let found = a.opt_str(0).and_then(|t| Uri::parse_as(t.as_str(), kind(a, 1).ok()?).ok());
                let ok = found.is_some();
                a.set_out(2, found.map_or(Value::Null, made));
                Ok(Value::Bool(ok))
            }),
            m("static bool TryCreate(Uri baseUri, string relativeUri, out Uri result)", |_, a| {
                let found = uri(a, 0).ok().and_then(|base| Uri::join(base, a.opt_str(1)?.as_str()).ok());
                let ok = found.is_some();
                a.set_out(2, found.map_or(Value::Null, made));
                Ok(Value::Bool(ok))
            }),
            m("static bool IsWellFormedUriString(string uriString, UriKind uriKind)", |_, a| {
                Ok(Value::Bool(
                    a.opt_str(0).is_some_and(|t| {
                        kind(a, 1).is_ok_and(|kind| Uri::is_well_formed_as(t.as_str(), kind))
                    }),
                ))
            }),
            m("static string EscapeDataString(string stringToEscape)", |vm, a| {
                let text = encoding::escape_data_string(a.str(0)?.as_str())?;
                vm.text(text)
            }),
            m("static string EscapeUriString(string stringToEscape)", |vm, a| {
                let text = encoding::escape_uri_string(a.str(0)?.as_str())?;
                vm.text(text)
            }),
            m("static string UnescapeDataString(string stringToUnescape)", |vm, a| {
                vm.text(encoding::unescape_data_string(a.str(0)?.as_str()))
            }),
            m("static string HexEscape(char character)", |vm, a| {
                let text = encoding::hex_escape(a.char(0)?)?;
                vm.text(text)
            }),
            m("bool IsAbsoluteUri { get; }", |_, a| Ok(Value::Bool(uri(a, 0)?.is_absolute()))),
            m("string OriginalString { get; }", |vm, a| vm.text(uri(a, 0)?.original())),
            m("string Scheme { get; }", |vm, a| vm.text(uri(a, 0)?.scheme()?)),
            m("string Host { get; }", |vm, a| vm.text(uri(a, 0)?.host()?)),
            m("string DnsSafeHost { get; }", |vm, a| vm.text(uri(a, 0)?.dns_safe_host()?)),
            m("string IdnHost { get; }", |vm, a| vm.text(uri(a, 0)?.dns_safe_host()?)),
            m("UriHostNameType HostNameType { get; }", |_, a| {
                let def = library().named("System.UriHostNameType").def();
                let kind = uri(a, 0)?.host_kind()? as i64;
                Ok(def.map_or(Value::Null, |def| Value::Enum(def, kind)))
            }),
            m("int Port { get; }", |_, a| Ok(Value::I32(uri(a, 0)?.port()?))),
            m("bool IsDefaultPort { get; }", |_, a| Ok(Value::Bool(uri(a, 0)?.is_default_port()?))),
            m("bool IsLoopback { get; }", |_, a| Ok(Value::Bool(uri(a, 0)?.is_loopback()?))),
            m("bool IsFile { get; }", |_, a| Ok(Value::Bool(uri(a, 0)?.is_file()?))),
            m("string UserInfo { get; }", |vm, a| vm.text(uri(a, 0)?.user_info()?)),
            m("string AbsolutePath { get; }", |vm, a| vm.text(uri(a, 0)?.absolute_path()?)),
            m("string AbsoluteUri { get; }", |vm, a| vm.text(uri(a, 0)?.absolute_uri()?)),
            m("string LocalPath { get; }", |vm, a| vm.text(uri(a, 0)?.local_path()?)),
            m("string Query { get; }", |vm, a| vm.text(uri(a, 0)?.query()?)),
            m("string Fragment { get; }", |vm, a| vm.text(uri(a, 0)?.fragment()?)),
            m("string Authority { get; }", |vm, a| vm.text(uri(a, 0)?.authority()?)),
            m("string PathAndQuery { get; }", |vm, a| vm.text(uri(a, 0)?.path_and_query()?)),
            m("string[] Segments { get; }", |_, a| {
                Ok(Value::strings(uri(a, 0)?.segments()?.into_iter().map(Text::from)))
            }),
            m("string GetLeftPart(UriPartial part)", |vm, a| {
                let part = match a.i64(1)? {
                    0 => UriPartial::Scheme,
                    1 => UriPartial::Authority,
                    2 => UriPartial::Path,
                    _ => UriPartial::Query,
                };
                vm.text(uri(a, 0)?.left_part(part)?)
            }),
            m("bool IsBaseOf(Uri uri)", |_, a| Ok(Value::Bool(uri(a, 0)?.is_base_of(uri(a, 1)?)?))),
            m("Uri MakeRelativeUri(Uri uri)", |_, a| {
                let text = uri(a, 0)?.make_relative(uri(a, 1)?)?;
                Ok(made(Uri::parse_as(&text, UriKind::RelativeOrAbsolute)?))
            }),
            m("static bool operator ==(Uri uri1, Uri uri2)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
            m("static bool operator !=(Uri uri1, Uri uri2)", |_, a| {
                Ok(Value::Bool(!a.at(0).equals(a.at(1))))
            }),
        ],
    },
];

struct UriObject(Uri);

impl Object for UriObject {
    fn ty(&self) -> Type {
        uri_type()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.to_string())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let key = |u: &Uri| u.absolute_uri().unwrap_or_else(|_| u.original().to_owned());
        // Fragments do not take part.
        let plain = |u: &Uri| key(u).split('#').next().unwrap_or_default().to_owned();
        if let Value::Str(text) = other {
            // A text is equal when it is one of the same URI.
            return Some(Uri::parse(text.as_str()).is_ok_and(|o| plain(&o) == plain(&self.0)));
        }
        Some(other.downcast::<Self>().is_some_and(|o| plain(&o.0) == plain(&self.0)))
    }

    fn hash(&self) -> Option<u64> {
        Some(Value::str(self.0.original()).hash_code())
    }
}

pub(super) fn uri_type() -> Type {
    library().named("System.Uri")
}

fn made(uri: Uri) -> Value {
    Value::object(UriObject(uri))
}

fn uri<'a>(a: &Args<'a>, index: usize) -> Result<&'a Uri, Fault> {
    Ok(&a.object::<UriObject>(index)?.0)
}

fn kind(a: &Args<'_>, index: usize) -> Result<UriKind, Fault> {
    Ok(match a.i64(index)? {
        0 => UriKind::RelativeOrAbsolute,
        1 => UriKind::Absolute,
        _ => UriKind::Relative,
    })
}

/// `new Uri(text)`.
pub(super) fn uri_value(vm: &mut Vm<'_>, text: &str) -> Result<Value, Fault> {
    vm.charge(text.len() * 2)?;
    Ok(made(Uri::parse(text)?))
}

/// The text that a `Uri` was made of, when the value is one.
pub(super) fn uri_text(value: &Value) -> Option<String> {
    value.downcast::<UriObject>().map(|u| u.0.original().to_owned())
}
