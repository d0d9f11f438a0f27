//! Exceptions (expressions.md §6.5).

use super::collection::new_dictionary;
use super::{Allow, Member, Type, TypeTable, m, rw};
use crate::clr::ExceptionKind;
use crate::run::{Fault, Thrown};
use crate::text::Text;
use crate::value::Value;

/// The type of every exception of [`ExceptionKind`] is declared from one table each; their constructors are alike.
macro_rules! exceptions {
    ($($full:literal : $base:literal, $name:ident;)*) => {
        pub(super) static TABLE: &[TypeTable] = &[
            TypeTable { header: "class System.Exception", allow: Allow::All, members: BASE },
            TypeTable { header: "partial class System.ArgumentException", allow: Allow::None, members: ARGUMENT },
            TypeTable {
                header: "partial class System.ArgumentNullException",
                allow: Allow::None,
                members: &[m("new(string paramName, string message)", |_, a| {
                    Ok(of_parameter(ExceptionKind::ArgumentNull, a.opt_str(1), a.opt_str(0)))
                })],
            },
            TypeTable {
                header: "partial class System.ArgumentOutOfRangeException",
                allow: Allow::None,
                members: &[m("new(string paramName, string message)", |_, a| {
                    Ok(of_parameter(ExceptionKind::ArgumentOutOfRange, a.opt_str(1), a.opt_str(0)))
                })],
            },
            $(TypeTable {
                header: concat!("class ", $full, " : ", $base),
                allow: Allow::None,
                members: &[
                    m("new()", |_, _| Ok(make(ExceptionKind::$name, None, Value::Null))),
                    m("new(string message)", |_, a| Ok(of_text(ExceptionKind::$name, a.opt_str(0)))),
                    m("new(string message, System.Exception innerException)", |_, a| {
                        Ok(make(ExceptionKind::$name, a.opt_str(0), a.at(1).clone()))
                    }),
                ],
            },)*
        ];
    };
}

const BASE: &[Member] = &[
    m("new()", |_, _| Ok(make(ExceptionKind::Exception, None, Value::Null))),
    m("new(string message)", |_, a| Ok(make(ExceptionKind::Exception, a.opt_str(0), Value::Null))),
    m("new(string message, System.Exception innerException)", |_, a| {
        Ok(make(ExceptionKind::Exception, a.opt_str(0), a.at(1).clone()))
    }),
    m("string Message { get; }", |_, a| Ok(Value::Str(a.object::<Thrown>(0)?.message().clone()))),
    m("System.Exception InnerException { get; }", |_, a| Ok(a.object::<Thrown>(0)?.inner().clone())),
    m("string StackTrace { get; }", |_, a| {
        let caught = a.object::<Thrown>(0)?.notes().borrow().is_caught;
        Ok(if caught { Value::str("   at expression") } else { Value::Null })
    }),
    rw(
        "string Source { get; set; }",
        |_, a| {
            let notes = a.object::<Thrown>(0)?.notes().borrow();
            Ok(match &notes.source {
                Some(source) => Value::Str(source.clone()),
                None if notes.is_caught => Value::str("expression"),
                None => Value::Null,
            })
        },
        |_, a| {
            a.object::<Thrown>(0)?.notes().borrow_mut().source = a.opt_str(1).cloned();
            Ok(Value::Null)
        },
    ),
    rw(
        "string HelpLink { get; set; }",
        |_, a| Ok(a.object::<Thrown>(0)?.notes().borrow().help_link.clone().map_or(Value::Null, Value::Str)),
        |_, a| {
            a.object::<Thrown>(0)?.notes().borrow_mut().help_link = a.opt_str(1).cloned();
            Ok(Value::Null)
        },
    ),
    rw(
        "int HResult { get; set; }",
        |_, a| Ok(Value::I32(a.object::<Thrown>(0)?.notes().borrow().result.unwrap_or(-2_146_233_088))),
        |_, a| {
            a.object::<Thrown>(0)?.notes().borrow_mut().result = Some(a.i32(1)?);
            Ok(Value::Null)
        },
    ),
    m("System.Collections.IDictionary Data { get; }", |vm, a| {
        let thrown = a.object::<Thrown>(0)?;
        if let Some(data) = &thrown.notes().borrow().data {
            return Ok(data.clone());
        }
        let made = new_dictionary(vm, (Type::OBJECT, Type::OBJECT), false, Vec::new())?;
        thrown.notes().borrow_mut().data = Some(made.clone());
        Ok(made)
    }),
    m("System.Exception GetBaseException()", |_, a| {
        let mut current = a.this().clone();
        loop {
            let inner = match current.downcast::<Thrown>() {
                Some(thrown) if !thrown.inner().is_null() => thrown.inner().clone(),
                _ => return Ok(current),
            };
            current = inner;
        }
    }),
];

const ARGUMENT: &[Member] = &[
    m("new(string message, string paramName)", |_, a| {
        Ok(of_parameter(ExceptionKind::Argument, a.opt_str(0), a.opt_str(1)))
    }),
    m("string ParamName { get; }", |_, a| {
        let message = a.object::<Thrown>(0)?.message().as_str();
        let named = message.strip_suffix("')").and_then(|text| text.rsplit_once(PARAMETER));
        Ok(named.map_or(Value::Null, |(_, name)| Value::str(name)))
    }),
];

/// What the message of an exception about an argument has in front of the name.
const PARAMETER: &str = " (Parameter '";

/// The constructor with one text: of a parameter it is the name, else the message.
fn of_text(kind: ExceptionKind, text: Option<&Text>) -> Value {
    match kind {
        ExceptionKind::ArgumentNull | ExceptionKind::ArgumentOutOfRange => of_parameter(kind, None, text),
        _ => make(kind, text, Value::Null),
    }
}

fn of_parameter(kind: ExceptionKind, message: Option<&Text>, name: Option<&Text>) -> Value {
    let message = message.map_or(kind.default_message(), Text::as_str);
    let text = match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("{message}{PARAMETER}{name}')"),
        None => message.to_owned(),
    };
    make(kind, Some(&Text::from(text)), Value::Null)
}

fn make(kind: ExceptionKind, message: Option<&Text>, inner: Value) -> Value {
    let message = message.cloned().unwrap_or_else(|| Text::from(kind.default_message()));
    Value::object(Thrown::new(kind.full_name(), message, inner))
}

impl From<crate::clr::Error> for Fault {
    fn from(error: crate::clr::Error) -> Self {
        Self::new(error.kind.full_name(), error.message)
    }
}

exceptions! {
    "System.SystemException": "System.Exception", System;
    "System.ArithmeticException": "System.SystemException", Arithmetic;
    "System.DivideByZeroException": "System.ArithmeticException", DivideByZero;
    "System.OverflowException": "System.ArithmeticException", Overflow;
    "System.ArgumentException": "System.SystemException", Argument;
    "System.ArgumentNullException": "System.ArgumentException", ArgumentNull;
    "System.ArgumentOutOfRangeException": "System.ArgumentException", ArgumentOutOfRange;
    "System.Text.DecoderFallbackException": "System.ArgumentException", DecoderFallback;
    "System.Text.EncoderFallbackException": "System.ArgumentException", EncoderFallback;
    "System.Text.RegularExpressions.RegexParseException": "System.ArgumentException", RegexParse;
    "System.ArrayTypeMismatchException": "System.SystemException", ArrayTypeMismatch;
    "System.FormatException": "System.SystemException", Format;
    "System.UriFormatException": "System.FormatException", UriFormat;
    "System.IndexOutOfRangeException": "System.SystemException", IndexOutOfRange;
    "System.InvalidCastException": "System.SystemException", InvalidCast;
    "System.InvalidOperationException": "System.SystemException", InvalidOperation;
    "System.ObjectDisposedException": "System.InvalidOperationException", ObjectDisposed;
    "System.Collections.Generic.KeyNotFoundException": "System.SystemException", KeyNotFound;
    "System.NotImplementedException": "System.SystemException", NotImplemented;
    "System.NotSupportedException": "System.SystemException", NotSupported;
    "System.PlatformNotSupportedException": "System.NotSupportedException", PlatformNotSupported;
    "System.NullReferenceException": "System.SystemException", NullReference;
    "System.OutOfMemoryException": "System.SystemException", OutOfMemory;
    "System.RankException": "System.SystemException", Rank;
    "System.TimeoutException": "System.SystemException", Timeout;
    "System.Text.RegularExpressions.RegexMatchTimeoutException": "System.TimeoutException", RegexMatchTimeout;
    "System.TimeZoneNotFoundException": "System.Exception", TimeZoneNotFound;
    "System.InvalidTimeZoneException": "System.Exception", InvalidTimeZone;
    "System.Security.Cryptography.CryptographicException": "System.SystemException", Cryptographic;
    "System.IO.IOException": "System.SystemException", Io;
    "System.IO.FileNotFoundException": "System.IO.IOException", FileNotFound;
    "System.UnauthorizedAccessException": "System.SystemException", UnauthorizedAccess;
    "System.Runtime.Serialization.SerializationException": "System.SystemException", Serialization;
    "System.IO.EndOfStreamException": "System.IO.IOException", EndOfStream;
    "System.Xml.XmlException": "System.SystemException", Xml;
    "System.Xml.XPath.XPathException": "System.SystemException", XPath;
    "Newtonsoft.Json.JsonException": "System.Exception", Json;
    "Newtonsoft.Json.JsonReaderException": "Newtonsoft.Json.JsonException", JsonReader;
    "Newtonsoft.Json.JsonWriterException": "Newtonsoft.Json.JsonException", JsonWriter;
    "Newtonsoft.Json.JsonSerializationException": "Newtonsoft.Json.JsonException", JsonSerialization;
}
