//! Exceptions (expressions.md §6.5).

use super::{Allow, Member, TypeTable, m};
use crate::clr::ExceptionKind;
use crate::run::{Fault, Thrown};
use crate::text::Text;
use crate::value::Value;

/// The type of every exception of [`ExceptionKind`] is declared from one table each; their constructors are alike.
macro_rules! exceptions {
    ($($full:literal : $base:literal, $name:ident;)*) => {
        pub(super) static TABLE: &[TypeTable] = &[
            TypeTable { header: "class System.Exception", allow: Allow::All, members: BASE },
            $(TypeTable {
                header: concat!("class ", $full, " : ", $base),
                allow: Allow::None,
                members: &[
                    m("new()", |_, _| Ok(make(ExceptionKind::$name, None, Value::Null))),
                    m("new(string message)", |_, a| Ok(make(ExceptionKind::$name, a.opt_str(0), Value::Null))),
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
    m("string StackTrace { get; }", |_, _| Ok(Value::str("   at expression"))),
    m("string Source { get; }", |_, _| Ok(Value::str("expression"))),
    m("int HResult { get; }", |_, _| Ok(Value::I32(-2_146_233_088))),
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
    "System.IO.EndOfStreamException": "System.IO.IOException", EndOfStream;
    "System.Xml.XmlException": "System.SystemException", Xml;
    "System.Xml.XPath.XPathException": "System.SystemException", XPath;
    "Newtonsoft.Json.JsonException": "System.Exception", Json;
    "Newtonsoft.Json.JsonReaderException": "Newtonsoft.Json.JsonException", JsonReader;
    "Newtonsoft.Json.JsonWriterException": "Newtonsoft.Json.JsonException", JsonWriter;
    "Newtonsoft.Json.JsonSerializationException": "Newtonsoft.Json.JsonException", JsonSerialization;
}
